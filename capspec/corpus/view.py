"""A capability as the search for oddities needs it: calls beside what they mean, and its file's words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from capspec.model import Capability, FlowSpec, ListenerSpec, OperationSpec
from capspec.values import Json

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{\s*([^{}]+?)\s*\}")
_PLAIN = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Called:
    """A flow, the adapter that has it, and the operations that its `call` may mean."""

    listener: ListenerSpec
    flow: FlowSpec
    targets: tuple[OperationSpec, ...]

    @property
    def target(self) -> OperationSpec | None:
        return self.targets[0] if self.targets else None

    @property
    def is_rest(self) -> bool:
        return bool(self.flow.path)


@dataclass(frozen=True, slots=True)
class View:
    """`raw` is the file's data, `body` the part of it that has the sections."""

    capability: Capability
    operations: tuple[OperationSpec, ...]
    calls: tuple[Called, ...]
    raw: dict[str, Json]
    body: dict[str, Json]

    @property
    def called(self) -> Iterator[tuple[Called, OperationSpec]]:
        """The flows whose call means just one operation."""
        for item in self.calls:
            if len(item.targets) == 1:
                yield item, item.targets[0]

    def entries(self, section: str) -> list[dict[str, Json]]:
        return [item for item in members(self.body.get(section)) if isinstance(item, dict)]

    def raw_operations(self) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
        """Each consumed resource with one of its operations, as they are written."""
        for entry in self.entries("consumes"):
            for resource in members(entry.get("resources")):
                if isinstance(resource, dict):
                    for operation in members(resource.get("operations")):
                        if isinstance(operation, dict):
                            yield resource, operation


def view_of(capability: Capability) -> View:
    by_name: dict[str, list[OperationSpec]] = defaultdict(list)
    for upstream in capability.upstreams:
        for operation in upstream.operations:
            by_name[f"{upstream.namespace}.{operation.name}"].append(operation)
    calls = [
        Called(listener, flow, tuple(by_name.get(flow.call.target, ())) if flow.call else ())
        for listener in capability.listeners
        for flow in listener.flows
    ]
    raw = capability.document.data
    inner = raw.get("capability")
    return View(
        capability=capability,
        operations=tuple(item for upstream in capability.upstreams for item in upstream.operations),
        calls=tuple(calls),
        raw=raw,
        body=inner if isinstance(inner, dict) else raw,
    )


def members(value: Json) -> list[Json]:
    """What is in a list or a map."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def placeholders(path: str) -> list[str]:
    """The names in a path, without the marks that make one greedy."""
    return [name for name in (_named(match) for match in PLACEHOLDER.finditer(path)) if name]


def _named(match: re.Match[str]) -> str:
    return (match[1] or match[2]).partition("=")[0].strip("+* ")


def plain(name: str) -> str:
    """A name without case and punctuation."""
    return _PLAIN.sub("", name.lower())


def texts(value: Json) -> Iterator[str]:
    """Every text in some data."""
    if isinstance(value, str):
        yield value
    for item in members(value):
        yield from texts(item)
