"""A pointer into a file to what the language's JSON Schema says of the node there: descriptions, keys, words.

Only what the schema of the language uses is understood of draft 2020-12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from capspec import schema as language
from capspec.document import Pointer

Schema = Mapping[str, Any]


@cache
def _bundle() -> Schema:
    return language.bundle()


def schemas_at(data: Any, pointer: Pointer) -> list[Schema]:
    """Every schema that holds for the node, those that are named in the file first."""
    found = list(_holding(_bundle(), data))
    for part in pointer:
        data = _child(data, part)
        found = [inner for outer in found for below in _below(outer, part) for inner in _holding(below, data)]
    return found


def description(data: Any, pointer: Pointer) -> str:
    """What the schema says of the node; what is said at the key counts before what is said of its kind."""
    if pointer and isinstance(pointer[-1], str):
        for outer in schemas_at(data, pointer[:-1]):
            part = outer.get("properties", {}).get(pointer[-1])
            if isinstance(part, Mapping) and "description" in part:
                return str(part["description"])
    return next((str(item["description"]) for item in schemas_at(data, pointer) if "description" in item), "")


def keys(data: Any, pointer: Pointer) -> dict[str, Schema]:
    """The keys that an object may have there, with what is said of each."""
    found: dict[str, Schema] = {}
    for schema in schemas_at(data, pointer):
        for name, part in schema.get("properties", {}).items():
            if name not in found or "description" not in found[name]:
                found[name] = part
    return found


def words(data: Any, pointer: Pointer) -> tuple[list[Any], list[Any]]:
    """What may be written there: the values that are allowed, and examples."""
    allowed: list[Any] = []
    examples: list[Any] = []
    for schema in schemas_at(data, pointer):
        allowed += [value for value in schema.get("enum", ()) if value not in allowed]
        examples += [value for value in schema.get("examples", ()) if value not in examples]
    return allowed, examples


def kinds(part: Schema) -> tuple[str, ...]:
    """The types that a value may have."""
    resolved = next((item for item in _holding(part, None) if "type" in item), {})
    found = resolved.get("type", ())
    return (found,) if isinstance(found, str) else tuple(found)


def _holding(schema: Any, value: Any) -> Iterator[Schema]:
    """A schema, and those that it refers to for this value."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    if "$ref" in schema:
        yield from _holding(_bundle()["$defs"][schema["$ref"].rpartition("/")[2]], value)
    for inner in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _holding(inner, value)
    if "if" in schema:
        yield from _holding(schema.get("then" if _fits(schema["if"], value) else "else"), value)


def _below(schema: Schema, part: str | int) -> Sequence[Any]:
    if isinstance(part, int):
        return [schema["items"]] if "items" in schema else []
    if part in schema.get("properties", {}):
        return [schema["properties"][part]]
    return [schema["additionalProperties"]] if "additionalProperties" in schema else []


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(str(part))
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def _fits(schema: Any, value: Any) -> bool:
    """Whether a value meets the condition of an `if`."""
    if isinstance(schema, bool):
        return schema
    if schema.get("type") == "object" and not isinstance(value, dict):
        return False
    if schema.get("type") == "string" and not isinstance(value, str):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    if isinstance(value, dict):
        if any(name not in value for name in schema.get("required", ())):
            return False
        parts = schema.get("properties", {}).items()
        if any(name in value and not _fits(part, value[name]) for name, part in parts):
            return False
    if "anyOf" in schema and not any(_fits(item, value) for item in schema["anyOf"]):
        return False
    return "not" not in schema or not _fits(schema["not"], value)
