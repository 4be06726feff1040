"""Parameters to JSON Schema (draft 2020-12): always valid, whatever an author wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from capspec.model import ParameterSpec
from capspec.model.constraints import SYNONYMS, TYPES
from capspec.values import MISSING, Json


def _number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: Json) -> bool:
    return isinstance(value, str)


def _pattern(value: Json) -> bool:
    """Whether it is one that arguments can be checked against."""
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def _list(value: Json) -> bool:
    return isinstance(value, list)


_KEYWORDS: dict[str, Callable[[Json], bool]] = {
    "title": _text, "description": _text, "format": _text, "pattern": _pattern,
    "contentEncoding": _text, "contentMediaType": _text, "enum": lambda value: _list(value) and bool(value),
    "examples": _list, "minimum": _number, "maximum": _number, "exclusiveMinimum": _number,
    "exclusiveMaximum": _number, "multipleOf": lambda value: _number(value) and value > 0,
    "minLength": _count, "maxLength": _count, "minItems": _count, "maxItems": _count,
    "uniqueItems": lambda value: isinstance(value, bool),
}  # fmt: skip


def parameter_schema(spec: ParameterSpec) -> dict[str, Json]:
    """The schema of one parameter: its type, its description and the constraints that make sense."""
    return _cleaned({"type": spec.type, "description": spec.description, **spec.constraints})


def _cleaned(written: Mapping[str, Json]) -> dict[str, Json]:
    schema: dict[str, Json] = {}
    kind = _type(written.get("type"))
    if kind:
        schema["type"] = kind
    for keyword, fits in _KEYWORDS.items():
        value = written.get(keyword, MISSING)
        if value is not MISSING and value != "" and fits(value):
            schema[keyword] = value
    if "default" in written:
        schema["default"] = written["default"]
    if "example" in written and "examples" not in schema:
        schema["examples"] = [written["example"]]
    _nest(written, schema)
    return schema


def _nest(written: Mapping[str, Json], schema: dict[str, Json]) -> None:
    items = written.get("items")
    if isinstance(items, list) and items:
        items = items[0]
    if isinstance(items, Mapping):
        schema["items"] = _cleaned(items)
    properties = _properties(written.get("properties"))
    if properties:
        schema["properties"] = {name: _cleaned(inner) for name, inner in properties.items()}
        required = _required(written, properties)
        if required:
            schema["required"] = required
    others = written.get("additionalProperties", written.get("values"))
    if isinstance(others, bool):
        schema["additionalProperties"] = others
    elif isinstance(others, Mapping) and others:
        schema["additionalProperties"] = _cleaned(others)


def _properties(written: Json) -> dict[str, Mapping[str, Json]]:
    if isinstance(written, Mapping):
        return {name: inner for name, inner in written.items() if isinstance(inner, Mapping)}
    if isinstance(written, list):
        named = (item for item in written if isinstance(item, Mapping) and isinstance(item.get("name"), str))
        return {item["name"]: item for item in named}
    return {}


def _required(written: Mapping[str, Json], properties: Mapping[str, Mapping[str, Json]]) -> list[str]:
    listed = written.get("required")
    if isinstance(listed, list):
        return [name for name in listed if isinstance(name, str)]
    return [name for name, inner in properties.items() if inner.get("required") is True]


def _type(written: Json) -> str | list[str] | None:
    if isinstance(written, list):
        kinds = [kind for item in written if isinstance(kind := _type(item), str)]
        return kinds or None
    if not isinstance(written, str):
        return None
    kind = SYNONYMS.get(written.lower(), written.lower())
    return kind if kind in TYPES else None
