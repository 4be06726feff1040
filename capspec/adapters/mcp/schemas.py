"""JSON Schemas as every MCP revision takes them: an object at the root, and values that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capspec.validation import Check, compile_check
from capspec.values import Json

WRAPPER = "result"
"""The property that holds an output that is no object: structured content must be one (MCP 2025-11-25)."""

_SHARED = ("$schema", "$defs", "definitions")
"""Keywords that only mean what they say at a schema's root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a tool's structured content looks like; `wrapped` says that the value goes under `WRAPPER`."""

    schema: dict[str, Json]
    wrapped: bool
    check: Check

    def structure(self, value: Json) -> dict[str, Json]:
        """The value as structured content. Raises ValueError, a line for each flaw, when it does not fit."""
        if self.wrapped:
            structured = {WRAPPER: value}
        elif isinstance(value, dict):
            structured = value
        else:
            raise ValueError(f"it should be an object, and is {_kind(value)}")
        if problems := self.check(structured):
            raise ValueError("\n".join(map(str, problems)))
        return structured


def compile_shape(schema: Mapping[str, Json] | None) -> Shape | None:
    """The shape that an output schema declares, or None when it says nothing that a client could use."""
    if not schema or not _is_local(schema):
        return None
    wrapped = schema.get("type") != "object"
    root = _wrap(schema) if wrapped else dict(schema)
    return Shape(schema=root, wrapped=wrapped, check=compile_check(root))


def object_schema(schema: Mapping[str, Json]) -> dict[str, Json]:
    """An input schema whose root says `type: object` literally: arguments never are anything else."""
    return {**schema, "type": "object"}


def split_schema(schema: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """What can stand below another schema's root, and what must be at its root."""
    inner = {key: value for key, value in schema.items() if key not in _SHARED}
    return inner, {key: value for key, value in schema.items() if key in _SHARED}


def _wrap(schema: Mapping[str, Json]) -> dict[str, Json]:
    inner, shared = split_schema(schema)
    return {**shared, "type": "object", "properties": {WRAPPER: inner}, "required": [WRAPPER]}


def _is_local(schema: Json) -> bool:
    """Whether all references stay inside the schema's definitions: no client or validator may fetch one."""
    if isinstance(schema, list):
        return all(map(_is_local, schema))
    if not isinstance(schema, Mapping):
        return True
    target = schema.get("$ref", "#/$defs/")
    local = not isinstance(target, str) or target.startswith(("#/$defs/", "#/definitions/"))
    return local and all(map(_is_local, schema.values()))


def _kind(value: Json) -> str:
    names = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
