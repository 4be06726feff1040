"""Flows to MCP tools: names, schemas, annotations, all made once when an edge is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import mcp.types as types
from mcp.types import methods
from pydantic import ValidationError

from capspec.adapters.mcp.job_tools import (
    JobTools,
    Role,
    cancel_tool,
    envelope_shape,
    status_tool,
    with_waiting,
)
from capspec.adapters.mcp.names import new_name, unique_names, with_ending
from capspec.adapters.mcp.schemas import Shape, compile_shape, object_schema
from capspec.desk import JobEngine
from capspec.events import UnexpectedError
from capspec.plan import Engine, Flow, Listener
from capspec.values import Json

Target = tuple[Listener, Engine]

_ERAS = ("2025-11-25", "2026-07-28")
"""The revisions whose rules for a tool differ; each older one shares the first's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A flow under the name that clients call it by.

    `target` counts the targets of the edge. `mirrored` says that some arguments are to be repeated in
    `Mcp-Param-*` headers. `jobs` are the names of the tools for the flow's jobs, if it starts any, and `role`
    says which of them this is.
    """

    name: str
    target: int
    flow: Flow
    listener: Listener
    engine: Engine
    tool: types.Tool
    shape: Shape | None
    mirrored: bool = False
    jobs: JobTools | None = None
    role: Role = "call"


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tools of an edge by name, those that cannot work included. A tool's jobs have theirs after it."""

    entries: Mapping[str, Entry]

    def find(self, name: str, visible: frozenset[int]) -> Entry | None:
        """The tool of this name, if it belongs to one of the visible targets."""
        entry = self.entries.get(name)
        return entry if entry is not None and entry.target in visible else None

    def starting(self, visible: frozenset[int]) -> Iterable[Entry]:
        """The tools that start jobs and belong to one of the visible targets."""
        for entry in self.entries.values():
            if entry.role == "call" and entry.jobs is not None and entry.target in visible:
                yield entry

    def names(self, visible: frozenset[int]) -> list[str]:
        return [entry.name for entry in self._listed(visible)]

    def list(self, visible: frozenset[int]) -> types.ListToolsResult:
        """The answer to tools/list."""
        return types.ListToolsResult(tools=[entry.tool for entry in self._listed(visible)])

    def _listed(self, visible: frozenset[int]) -> Sequence[Entry]:
        return [
            entry for entry in self.entries.values() if entry.target in visible and not entry.flow.unavailable
        ]


def compile_catalog(targets: Sequence[Target]) -> Catalog:
    """Every flow of every target as a tool, in order, and the tools for the jobs that it starts."""
    flows = _flows(targets)
    names = unique_names([(flow.published, targets[number][1].plan.name) for number, flow in flows])
    starts = Counter((number, flow.job.id) for number, flow in flows if flow.job is not None)
    taken = set(names)
    entries: dict[str, Entry] = {}
    for (number, flow), name in zip(flows, names, strict=True):
        listener, engine = targets[number]
        jobs = None
        if flow.job is not None and isinstance(engine, JobEngine):
            jobs = _job_tools(name, flow, engine, taken, marked=starts[number, flow.job.id] > 1)
        entry = _entry(name, number, flow, listener, engine, jobs)
        entries[name] = entry
        entries |= {companion.name: companion for companion in _companions(entry)}
    return Catalog(entries)


def _flows(targets: Sequence[Target]) -> list[tuple[int, Flow]]:
    return [(number, flow) for number, (listener, _) in enumerate(targets) for flow in listener.flows]


def _job_tools(name: str, flow: Flow, engine: JobEngine, taken: set[str], *, marked: bool) -> JobTools:
    cancel = new_name(with_ending(name, "_cancel"), taken) if engine.desk.can_cancel(flow) else ""
    status = new_name(with_ending(name, "_status"), taken)
    return JobTools(start=name, status=status, cancel=cancel, mark=flow.published if marked else "")


def _entry(
    name: str, number: int, flow: Flow, listener: Listener, engine: Engine, jobs: JobTools | None
) -> Entry:
    shape = compile_shape(flow.output_schema) if jobs is None else envelope_shape(flow)
    tool = types.Tool(
        name=name,
        title=flow.title or None,
        description=_description(flow) if jobs is None else with_waiting(_description(flow), jobs),
        input_schema=object_schema(flow.input_schema),
        # Only the revision 2025-11-25 knows this; the SDK leaves it out of lists for later ones.
        execution=None if jobs is None else types.ToolExecution(task_support="optional"),
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
            jobs=jobs,
        )
    )


def _companions(entry: Entry) -> Iterable[Entry]:
    """The tools for the jobs that a tool starts."""
    flow, jobs, schema = entry.flow, entry.jobs, entry.tool.output_schema
    if jobs is None:
        return
    status = status_tool(flow, jobs, schema)
    yield replace(entry, name=status.name, tool=status, mirrored=False, role="status")
    if jobs.cancel:
        cancel = cancel_tool(flow, jobs, schema)
        yield replace(entry, name=cancel.name, tool=cancel, mirrored=False, role="cancel")


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
    result = types.ListToolsResult(tools=[tool])
    dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    for era in _ERAS:
        methods.validate_server_result("tools/list", era, dumped)
