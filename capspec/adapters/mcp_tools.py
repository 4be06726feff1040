"""Flows to MCP tools: names, schemas, annotations, all made once when an edge is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import mcp.types as types
from mcp.types import methods
from pydantic import ValidationError

from capspec.adapters.mcp_names import unique_names
from capspec.adapters.mcp_schemas import Shape, compile_shape, object_schema
from capspec.events import UnexpectedError
from capspec.plan import Engine, Flow, Listener
from capspec.values import Json

Target = tuple[Listener, Engine]

LIST_TTL_MS = 60_000
"""For how long a client may reuse a list that changes only when the server starts again."""

_ERAS = ("2025-11-25", "2026-07-28")
"""The revisions whose rules for a tool differ; each older one shares the first's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A flow under the name that clients call it by.

    `target` counts the targets of the edge. `mirrored` says that some arguments are to be repeated in
    `Mcp-Param-*` headers.
    """

    name: str
    target: int
    flow: Flow
    listener: Listener
    engine: Engine
    tool: types.Tool
    shape: Shape | None
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tools of an edge by name, those that cannot work included."""

    entries: Mapping[str, Entry]

    def find(self, name: str, visible: frozenset[int]) -> Entry | None:
        """The tool of this name, if it belongs to one of the visible targets."""
        entry = self.entries.get(name)
        return entry if entry is not None and entry.target in visible else None

    def names(self, visible: frozenset[int]) -> list[str]:
        return [entry.name for entry in self._listed(visible)]

    def list(self, visible: frozenset[int], *, shared: bool) -> types.ListToolsResult:
        """The answer to tools/list. `shared` says that every caller gets the same one."""
        return types.ListToolsResult(
            tools=[entry.tool for entry in self._listed(visible)],
            ttl_ms=LIST_TTL_MS,
            cache_scope="public" if shared else "private",
        )

    def _listed(self, visible: frozenset[int]) -> Sequence[Entry]:
        return [
            entry for entry in self.entries.values() if entry.target in visible and not entry.flow.unavailable
        ]


def compile_catalog(targets: Sequence[Target]) -> Catalog:
    """Every flow of every target as a tool, in order."""
    flows = _flows(targets)
    names = unique_names([(flow.published, targets[number][1].plan.name) for number, flow in flows])
    entries: dict[str, Entry] = {}
    for (number, flow), name in zip(flows, names, strict=True):
        listener, engine = targets[number]
        entries[name] = _entry(name, number, flow, listener, engine)
    return Catalog(entries)


def _flows(targets: Sequence[Target]) -> list[tuple[int, Flow]]:
    return [(number, flow) for number, (listener, _) in enumerate(targets) for flow in listener.flows]


def _entry(name: str, number: int, flow: Flow, listener: Listener, engine: Engine) -> Entry:
    shape = compile_shape(flow.output_schema)
    tool = types.Tool(
        name=name,
        title=flow.title or None,
        description=_description(flow),
        input_schema=object_schema(flow.input_schema),
        output_schema=None if shape is None else shape.schema,
        annotations=_annotations(flow),
    )
    return _sound(
        Entry(
            name=name,
            target=number,
            flow=flow,
            listener=listener,
            engine=engine,
            tool=tool,
            shape=shape,
            mirrored="x-mcp-header" in str(tool.input_schema),
        )
    )


def _description(flow: Flow) -> str:
    called = next((operation.description for operation in flow.calls if operation.description), "")
    return flow.description or called or flow.title or flow.name


def _annotations(flow: Flow) -> types.ToolAnnotations | None:
    hints = flow.hints
    annotations = types.ToolAnnotations(
        title=flow.title or None,
        read_only_hint=hints.read_only,
        destructive_hint=hints.destructive,
        idempotent_hint=hints.idempotent,
        open_world_hint=hints.open_world,
    )
    return annotations if annotations.model_dump(exclude_none=True) else None


def _sound(entry: Entry) -> Entry:
    """The entry, with schemas that a revision does not take replaced by the widest ones.

    The SDK refuses to send a list that has one bad schema in it: no client would see any tool.
    """
    try:
        _check(entry.tool)
    except ValidationError as error:
        engine = entry.engine
        engine.events.emit(UnexpectedError(where=f"the schemas of the tool {entry.name}", error=error))
        plain: dict[str, Json] = {"type": "object"}
        tool = entry.tool.model_copy(update={"input_schema": plain, "output_schema": None})
        return replace(entry, tool=tool, shape=None, mirrored=False)
    return entry


def _check(tool: types.Tool) -> None:
    result = types.ListToolsResult(tools=[tool], ttl_ms=LIST_TTL_MS, cache_scope="private")
    dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    for era in _ERAS:
        methods.validate_server_result("tools/list", era, dumped)
