"""A flow to arguments for all of its inputs, each of which can be told from every other where it arrives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from capspec.plan import Flow, Input
from capspec.values import MISSING, Json

_FIRST = 7001
_AWKWARD = " é/?&=#;x"
"""What every text ends in: all of it has to be encoded in a URL, and once only."""

_ESTABLISHED = {
    "accept": "application/json",
    "content-type": "application/json",
    "content-encoding": "identity",
}
"""Headers that say something of the message itself, so that not every text will do."""


@dataclass(slots=True)
class Synthetic:
    """Arguments by an input's name. `marks` are the texts and numbers in each that should arrive."""

    values: dict[str, Json] = field(default_factory=dict)
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def only(self, names: Iterable[str]) -> dict[str, Json]:
        wanted = set(names)
        return {name: value for name, value in self.values.items() if name in wanted}


def synthetic_arguments(flow: Flow) -> Synthetic:
    """A value of the right type for every input that a caller can give."""
    made = Synthetic()
    numbers = iter(range(_FIRST, _FIRST + 1_000_000))
    for item in flow.inputs:
        if item.constant is MISSING:
            value = made.values[item.name] = _fitting(item, numbers)
            made.marks[item.name] = tuple(_marks(value))
    return made


def required_names(flow: Flow) -> list[str]:
    """The inputs without which the flow's own schema refuses a call."""
    needed = flow.input_schema.get("required", ())
    return [item.name for item in flow.inputs if item.argument in needed]


def _fitting(item: Input, numbers: Iterator[int]) -> Json:
    if item.location == "header" and item.wire.lower() in _ESTABLISHED:
        return _ESTABLISHED[item.wire.lower()]
    return _value(item.schema, numbers, whole=item.whole)


def _value(schema: Mapping[str, Json], numbers: Iterator[int], *, whole: bool = False) -> Json:
    for known in (schema.get("enum"), schema.get("examples")):
        if isinstance(known, list) and known:
            return known[0]
    if "default" in schema and ("pattern" in schema or "format" in schema):
        return schema["default"]
    written = schema.get("type", "string")
    kinds = written if isinstance(written, list) else [written]
    kind = "object" if whole and "object" in kinds else kinds[0]
    return _of_kind(str(kind), schema, numbers)


def _of_kind(kind: str, schema: Mapping[str, Json], numbers: Iterator[int]) -> Json:
    number = next(numbers)
    if kind == "object":
        return _members(schema, numbers) or {f"k{number}": f"v{number}"}
    if kind == "array":
        items = schema.get("items")
        inner: Mapping[str, Json] = items if isinstance(items, Mapping) else {}
        return [_value(inner, numbers), _value(inner, numbers)]
    if kind in ("integer", "number"):
        return _number(schema, number)
    if kind == "boolean":
        return True
    return None if kind == "null" else _text(schema, number)


def _members(schema: Mapping[str, Json], numbers: Iterator[int]) -> dict[str, Json]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {name: _value(inner, numbers) for name, inner in properties.items() if isinstance(inner, Mapping)}


def _number(schema: Mapping[str, Json], number: int) -> Json:
    for bound in ("minimum", "maximum"):
        if bound in schema:
            return schema[bound]
    step = schema.get("multipleOf")
    return step if isinstance(step, (int, float)) else number


def _text(schema: Mapping[str, Json], number: int) -> str:
    text = f"v{number}{_AWKWARD}"
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if isinstance(longest, int) and longest < len(text):
        text = text[:longest]
    return text + "x" * (shortest - len(text)) if isinstance(shortest, int) else text


def _marks(value: Json) -> Iterator[str]:
    """The scalars of a value that nothing else in a request looks like."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _marks(item)
    elif isinstance(value, list):
        for item in value:
            yield from _marks(item)
    elif isinstance(value, str) and len(value) > 1:
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value >= _FIRST:
        yield json.dumps(value)
