"""What a declared output does with a value once it is found: leave it, type it, or build an object or a list.

Each shape also knows the JSON Schema (draft 2020-12) of everything that it can give. Values may be shared
with the document and the plan, and are not to be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from capspec.mapping.scalars import fit, schema_of, type_of
from capspec.values import Json, Scope

Source: TypeAlias = Callable[[Json, Scope], Json]
"""Where a value comes from: the value around it and the names of the call, to the value or null."""


class Shape(Protocol):
    """What happens to a value. An empty `schema` says nothing."""

    @property
    def schema(self) -> dict[str, Json]: ...

    def apply(self, value: Json, scope: Scope) -> Json: ...


@dataclass(frozen=True, slots=True)
class Anything:
    """The value as it is."""

    @property
    def schema(self) -> dict[str, Json]:
        return {}

    def apply(self, value: Json, scope: Scope) -> Json:
        del scope
        return value


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value of the type `kind`, or text, or null; text is cut at `limit` characters.

    A `loose` one leaves objects and lists as they are.
    """

    kind: str
    limit: int | None = None
    loose: bool = False

    @property
    def schema(self) -> dict[str, Json]:
        if self.loose:
            return {}
        return schema_of(self.kind) | ({} if self.limit is None else {"maxLength": self.limit})

    def apply(self, value: Json, scope: Scope) -> Json:
        del scope
        if self.loose and isinstance(value, dict | list):
            return value
        found = fit(value, self.kind)
        return found[: self.limit] if self.limit is not None and isinstance(found, str) else found


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that the file gives."""

    value: Json

    @property
    def schema(self) -> dict[str, Json]:
        return {"type": type_of(self.value)}

    def apply(self, value: Json, scope: Scope) -> Json:
        del value, scope
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A value that is found and shaped: one output, property, or element.

    `about` are keywords that annotate its schema.
    """

    source: Source
    shape: Shape
    about: Mapping[str, Json] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Json]:
        return {**self.shape.schema, **self.about}

    def read(self, around: Json, scope: Scope) -> Json:
        return self.shape.apply(self.source(around, scope), scope)


@dataclass(frozen=True, slots=True)
class Object:
    """An object of the declared properties; `values` shapes all members that are not among them.

    With properties it is an object whatever the value is: what is not there is null in it. Without any, a
    value that is no object is null.
    """

    properties: Mapping[str, Field]
    values: Field | None = None

    @property
    def schema(self) -> dict[str, Json]:
        found: dict[str, Json] = {"type": ["object", "null"]}
        if self.properties:
            properties = {name: item.schema for name, item in self.properties.items()}
            found = {"type": "object", "properties": properties, "required": list(properties)}
        return found if self.values is None else found | {"additionalProperties": self.values.schema}

    def apply(self, value: Json, scope: Scope) -> Json:
        found: dict[str, Json] = {}
        if self.values is not None and isinstance(value, dict):
            found = {key: self.values.read(item, scope) for key, item in value.items()}
        elif not self.properties:
            return None
        return found | {name: item.read(value, scope) for name, item in self.properties.items()}


@dataclass(frozen=True, slots=True)
class Array:
    """Every element of a list; a single value that is no list is a list of one, and null stays null.

    Formats without lists, such as XML, write a list of one as its element.
    """

    items: Field | None = None

    @property
    def schema(self) -> dict[str, Json]:
        found: dict[str, Json] = {"type": ["array", "null"]}
        return found if self.items is None else found | {"items": self.items.schema}

    def apply(self, value: Json, scope: Scope) -> Json:
        if value is None:
            return None
        elements = value if isinstance(value, list) else [value]
        return elements if self.items is None else [self.items.read(item, scope) for item in elements]


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several outputs without names that is not null."""

    fields: tuple[Field, ...]

    @property
    def schema(self) -> dict[str, Json]:
        known = all(item.shape.schema for item in self.fields)
        return {"anyOf": [*(item.schema for item in self.fields), {"type": "null"}]} if known else {}

    def apply(self, value: Json, scope: Scope) -> Json:
        given = (item.read(value, scope) for item in self.fields)
        return next((item for item in given if item is not None), None)
