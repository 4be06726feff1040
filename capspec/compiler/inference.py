"""A flow's inputs, put together from what its author declared, its `with`, and what its target needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from capspec.compiler.needs import BODY_METHODS, Need
from capspec.compiler.operations import LOCATIONS
from capspec.compiler.paths import normalised
from capspec.compiler.schemas import parameter_schema
from capspec.jsonpath import JsonPath, JsonPathError, compile_path
from capspec.model import FlowSpec, ParameterSpec
from capspec.plan import Input, Location
from capspec.references import Arguments, Reference
from capspec.values import MISSING, Json

_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]+")
_ROOTED = re.compile(r"\$(\.|\[|$)")


@dataclass(slots=True)
class Demand:
    """What a flow's steps read of the caller.

    `feeds` are names that expressions read, each with the need that it feeds when it feeds just one;
    `unfed` are needs that no expression feeds, so that an argument of the same name must; `path` names
    what ends up in a target's path, in order. What is in `unoffered` is not asked of the caller, nor is what
    is `withheld` from every target, unless something else reads it.
    """

    feeds: dict[str, Need | None] = field(default_factory=dict)
    unfed: dict[str, Need] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    unoffered: frozenset[str] = frozenset()
    withheld: set[str] = field(default_factory=set)

    def of(self, name: str) -> Need | None:
        return self.feeds.get(name) or self.unfed.get(name)

    def add(
        self, needs: Mapping[str, Need], arguments: Arguments, read: Iterable[str], known: Iterable[str]
    ) -> None:
        """One call's needs and `with`. `read` are names that templates read; `known` are earlier steps."""
        steps = set(known)
        for name, need in self._references(needs, arguments):
            self._feed(name, need, steps)
        for name in read:
            self._feed(name, None, steps)
        fed = set(arguments.keys)
        for name, need in needs.items():
            if name not in fed and name not in steps and name not in self.unoffered:
                self.unfed.setdefault(name, need)
        by_key = {key: source.name for key, source in arguments.sources if isinstance(source, Reference)}
        self.path += [by_key.get(need.name, need.name) for need in needs.values() if need.location == "path"]

    def supply(self, arguments: Arguments, read: Iterable[str]) -> None:
        """Some of it comes from `arguments`, and so what they read is demanded instead.

        `read` are the names that their templates read.
        """
        supplied = {key: self.of(key) for key in arguments.keys}
        self.path = [name for name in self.path if name not in supplied]
        for key in supplied:
            self.feeds.pop(key, None)
            self.unfed.pop(key, None)
        for key, source in arguments.sources:
            if isinstance(source, Reference):
                self._feed(source.name, supplied[key], set())
        self.read(read, ())

    def read(self, names: Iterable[str], known: Iterable[str]) -> None:
        """Names that something beside a call reads."""
        steps = set(known)
        for name in names:
            self._feed(name, None, steps)

    def _feed(self, name: str, need: Need | None, steps: set[str]) -> None:
        if not {name, name.partition(".")[0]} & (steps | self.unoffered):
            self.feeds[name] = self.feeds.get(name) or need

    def _references(
        self, needs: Mapping[str, Need], arguments: Arguments
    ) -> Iterator[tuple[str, Need | None]]:
        for key, source in arguments.sources:
            if isinstance(source, Reference):
                need = needs.get(key)
                if source.location and need is not None:
                    location = _LOCATIONS.get(source.location, need.location)
                    need = replace(need, name=source.name, location=location)
                yield source.name, need


def infer_inputs(spec: FlowSpec, demand: Demand, route: tuple[str, ...]) -> tuple[Input, ...]:
    """All inputs of a flow. `route` are the placeholders of its own REST path.

    A declared input always wins over an inferred one.
    """
    found: dict[str, Input] = {}
    for item in spec.inputs:
        if item.name in demand.withheld and demand.of(item.name) is None and item.name not in demand.feeds:
            continue
        found[item.name] = _declared(item, spec, demand.of(item.name), found.get(item.name))
    for name, need in demand.feeds.items():
        if name not in found:
            found[name] = _inferred(name, need)
    for name, need in demand.unfed.items():
        if name not in found and (need.required or not spec.declares_inputs):
            found[name] = _inferred(name, need)
    inputs = [_located(item, demand.of(item.name), spec) for item in found.values()]
    if spec.path:
        inputs = _routed(inputs, demand.path, route)
    return tuple(_published(inputs))


def _declared(item: ParameterSpec, spec: FlowSpec, need: Need | None, outer: Input | None) -> Input:
    schema = parameter_schema(item)
    if need is not None:
        schema = {**need.schema, **schema}
    required = item.required
    if required is None:
        required = bool(need and need.required) if spec.path else "default" not in schema
    if need is not None and need.location == "path" and need.required and "default" not in schema:
        required = True
    location = item.location.lower()
    constant, path = item.value, None
    if isinstance(constant, str) and constant.startswith("$"):
        path = _path(constant) if spec.path and location in ("", "body") else None
        constant, location = MISSING, "body" if path is not None else location
    return Input(
        name=item.name,
        argument=item.name,
        schema=schema or (dict(outer.schema) if outer else {}),
        required=required and constant is MISSING,
        location=_LOCATIONS.get(location, "query") if location else "query",
        wire=item.name if location else "",
        path=path,
        constant=constant,
    )


def _path(text: str) -> JsonPath | None:
    """Where in the request body an input is; None for a text that is no path."""
    try:
        return compile_path(text) if _ROOTED.match(text) else None
    except JsonPathError:
        return None


_LOCATIONS: dict[str, Location] = {**LOCATIONS, "path": "path"}


def _inferred(name: str, need: Need | None) -> Input:
    schema = dict(need.schema) if need else {}
    return Input(name=name, argument=name, schema=schema, required=bool(need and need.required))


def _located(item: Input, need: Need | None, spec: FlowSpec) -> Input:
    """Where a REST request carries the input, when its author did not say: where the target has it."""
    whole = need.whole if need is not None and item.path is None else False
    if item.wire:
        return replace(item, whole=whole and item.location == "body")
    location: Location = need.location if need is not None else ("body" if _takes_body(spec) else "query")
    if location in ("body", "form") and not (_takes_body(spec) or spec.method == "DELETE"):
        location, whole = "query", False
    if location == "path":
        location = "query"
    wire = need.name if need is not None and location in ("header", "cookie") else item.name
    return replace(item, location=location, wire=wire, whole=whole)


def _takes_body(spec: FlowSpec) -> bool:
    return spec.method in BODY_METHODS


def _routed(inputs: list[Input], feeders: Iterable[str], route: tuple[str, ...]) -> list[Input]:
    """Bind the placeholders of the REST path to inputs: by name, by normalised name, then by position."""
    bound = _pair(route, inputs, feeders)
    routed = [
        replace(item, location="path", wire=bound[item.name], required=True, whole=False)
        if item.name in bound
        else item
        for item in inputs
    ]
    taken = set(bound.values())
    names = {item.name for item in inputs}
    spare = [name for name in route if name not in taken and name not in names]
    return routed + [
        Input(name=name, argument=name, schema={"type": "string"}, required=True, location="path", wire=name)
        for name in spare
    ]


def _pair(route: tuple[str, ...], inputs: list[Input], feeders: Iterable[str]) -> dict[str, str]:
    """Input name to the placeholder that carries it. `feeders` end up in a target's path, in order."""
    bound: dict[str, str] = {}
    left = list(route)
    for same in (lambda a, b: a == b, lambda a, b: normalised(a) == normalised(b)):
        for item in inputs:
            match = next((name for name in left if item.name not in bound and same(item.name, name)), None)
            if match is not None:
                bound[item.name] = match
                left.remove(match)
    names = {item.name for item in inputs}
    waiting = [name for name in dict.fromkeys(feeders) if name in names and name not in bound]
    if left and len(waiting) == len(left):
        bound.update(zip(waiting, left, strict=True))
    return bound


def _published(inputs: list[Input]) -> list[Input]:
    """Names that every client accepts (64 of `A-Za-z0-9_.-`), unique within the flow."""
    taken: set[str] = set()
    found = []
    for item in inputs:
        name = legal_name(item.name, taken)
        taken.add(name)
        found.append(replace(item, argument=name))
    return found


def legal_name(name: str, taken: Iterable[str] = (), *, limit: int = 64) -> str:
    """A name of at most `limit` characters of `A-Za-z0-9_.-` that is not taken."""
    base = _ILLEGAL.sub("-", name).strip("-.") or "value"
    base = base if len(base) <= limit else f"{base[: limit - 9]}-{_digest(name)}"
    candidate, number = base, 2
    used = set(taken)
    while candidate in used:
        suffix = f"-{number}"
        candidate, number = base[: limit - len(suffix)] + suffix, number + 1
    return candidate


def _digest(text: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - only over-long names pay for it

    return sha256(text.encode()).hexdigest()[:8]


def input_schema(
    inputs: Iterable[Input], *, rest_of: Mapping[str, Json] | bool, note: str = ""
) -> dict[str, Json]:
    """The JSON Schema of a flow's arguments, under their published names."""
    offered = [item for item in inputs if item.constant is MISSING]
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {item.argument: dict(item.schema) for item in offered},
    }
    required = [item.argument for item in offered if item.required]
    if required:
        schema["required"] = required
    if note:
        schema["description"] = note
    schema["additionalProperties"] = rest_of
    return schema
