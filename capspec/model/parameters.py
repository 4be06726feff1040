"""Parameters as an author writes them: inputs of exposed and consumed operations, and shaped outputs."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from capspec.errors import Place
from capspec.model.constraints import check_constraints
from capspec.node import Node
from capspec.values import MISSING, Json, Missing

_CONSTRAINTS = (
    "enum", "default", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "items", "properties",
    "additionalProperties", "examples", "example", "title", "contentEncoding", "contentMediaType", "values",
)  # fmt: skip
"""JSON Schema keywords (draft 2020-12) that a parameter may carry besides type and description; `values` is
what the language has for `additionalProperties`."""

_LOCATIONS = ("path", "query", "header", "cookie", "body", "formdata", "form", "environment")
"""The words of `in`, in lower case."""

_WITHOUT_EFFECT = {
    "selector": "write a JSONPath as 'mapping'",
    "precision": "values keep the digits that they have",
    "scale": "values keep the digits that they have",
    "tuple": "describe the elements with 'items'",
    "contentCompression": "values are sent and given as they are",
}


_Spec = TypeVar("_Spec", "ParameterSpec", "OutputSpec")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """An input, exposed or consumed. `location` is its `in`; "" when the author gave none."""

    name: str
    location: str
    type: str
    description: str
    required: bool | None
    value: Json | Missing
    mapping: str
    constraints: dict[str, Json]
    place: Place

    @property
    def is_variable(self) -> bool:
        """Whether it is no input at all, but declares a variable of the environment."""
        return self.location.lower() == "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One output and what is inside it. `items` shapes a list's elements, `values` a map's values.

    `example` is a value that it may have; `encoding` and `media_type` say what is in a text (JSON Schema's
    `contentEncoding` and `contentMediaType`).
    """

    name: str = ""
    type: str = ""
    description: str = ""
    mapping: str = ""
    value: Json | Missing = MISSING
    example: Json | Missing = MISSING
    properties: tuple[OutputSpec, ...] = ()
    items: OutputSpec | None = None
    values: OutputSpec | None = None
    max_length: int | None = None
    encoding: str = ""
    media_type: str = ""
    place: Place


def parse_parameters(node: Node, *, default_location: str = "") -> tuple[ParameterSpec, ...]:
    """The `inputParameters` of an object. One without a name is left out: it names nothing to send."""
    found = []
    for name, item in node.named("inputParameters"):
        parameter = _parameter(name, item, default_location)
        if parameter.name:
            found.append(parameter)
        else:
            item.warn("CAP111", "an input parameter has no name and is left out", hint="add 'name'")
    return _distinct(found, node, "input parameters", lambda item: (item.name, item.location))


def _parameter(name: str, node: Node, default_location: str) -> ParameterSpec:
    value = node.raw("value", "const", "template")
    spec = ParameterSpec(
        name=name,
        location=_location(node) or default_location,
        type=node.text("type"),
        description=node.text("description"),
        required=_required(node),
        value=value,
        mapping=node.text("mapping"),
        constraints=_constraints(node),
        place=node.place,
    )
    check_constraints(node)
    node.has("name", "id", "label", "display")
    node.without_effect("an input parameter", _WITHOUT_EFFECT)
    node.finish("an input parameter")
    return spec


def _location(node: Node) -> str:
    word = node.text("in", "location")
    if word and word.lower() not in _LOCATIONS:
        near = difflib.get_close_matches(word.lower(), _LOCATIONS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(_LOCATIONS)}"
        message = f"'{word}' is no place for a parameter"
        node.warn("CAP116", message, hint=hint, place=node.at("in", "location"))
    return word


def _constraints(node: Node) -> dict[str, Json]:
    found = {key: node.value[key] for key in _CONSTRAINTS if node.has(key)}
    names = node.raw("required")
    return {**found, "required": names} if isinstance(names, list) else found


def _required(node: Node) -> bool | None:
    # A list of names is JSON Schema's own use of `required`, for the parameter's properties.
    if isinstance(node.raw("required"), list):
        return None
    return node.flag("required")


def parse_outputs(node: Node) -> tuple[OutputSpec, ...]:
    """The `outputParameters` of an object, as a list or a map."""
    found = [_output(name, item) for name, item in node.named("outputParameters")]
    return _distinct(found, node, "output parameters", lambda item: (item.name, ""))


def _distinct(
    found: list[_Spec], node: Node, kind: str, key: Callable[[_Spec], tuple[str, str]]
) -> tuple[_Spec, ...]:
    """The parameters without those that a later one of the same key stands in for."""
    last = {key(item): item for item in found}
    for item in found:
        name = key(item)[0]
        if name and last[key(item)] is not item:
            message = f"two {kind} are called '{name}'; the last one counts"
            node.warn("CAP152", message, hint="remove this one", place=item.place)
    return tuple(item for item in found if not key(item)[0] or last[key(item)] is item)


def _output(name: str, node: Node) -> OutputSpec:
    items = node.get("items")
    values = node.get("values")
    spec = OutputSpec(
        name=name,
        type=node.text("type"),
        description=node.text("description"),
        mapping=node.text("mapping"),
        value=node.raw("value", "const"),
        example=_example(node),
        properties=_properties(node),
        items=_items(items) if items is not None else None,
        values=_output("", values) if values is not None and isinstance(values.value, dict) else None,
        max_length=node.integer("maxLength"),
        encoding=node.text("contentEncoding"),
        media_type=node.text("contentMediaType"),
        place=node.place,
    )
    node.has("name", "id", "label", "display", "required", "in", "path", "format")
    node.without_effect("an output parameter", _WITHOUT_EFFECT)
    node.finish("an output parameter")
    return spec


def _example(node: Node) -> Json | Missing:
    """A value that the output may have: its example, the first of several, or the first that is allowed."""
    for several in (node.raw("examples"), node.raw("enum")):
        if isinstance(several, list) and several:
            return node.raw("example") if node.has("example") else several[0]
    return node.raw("example", "default")


def _properties(node: Node) -> tuple[OutputSpec, ...]:
    child = node.get("properties")
    if child is None:
        return ()
    if isinstance(child.value, list):
        return tuple(_output(name, item) for name, item in _listed_properties(child))
    return tuple(_output(name, item) for name, item in node.named("properties"))


def _listed_properties(node: Node) -> list[tuple[str, Node]]:
    """Properties as a list: of objects with `name`, or of maps with one key each."""
    found = []
    for item in node.items():
        if isinstance(item.value, dict) and len(item.value) == 1 and "name" not in item.value:
            found += [(str(inner.pointer[-1]), inner) for inner in item.items()]
        elif isinstance(item.value, dict):
            found.append((item.text("name"), item))
    return [(name, item) for name, item in found if isinstance(item.value, dict)]


def _items(node: Node) -> OutputSpec | None:
    """An array's element: an object with `type`, a list of one, or named fields (list or map)."""
    if isinstance(node.value, list):
        entries = [item for item in node.items() if isinstance(item.value, dict)]
        if not entries:
            return None
        if entries[0].text("name"):
            return _fields(node, tuple(_output(item.text("name"), item) for item in entries))
        return _output("", entries[0])
    if not isinstance(node.value, dict):
        return None
    if "type" in node.value and isinstance(node.value["type"], str):
        return _output("", node)
    if all(isinstance(value, dict) for value in node.value.values()) and node.value:
        return _fields(node, tuple(_output(str(item.pointer[-1]), item) for item in node.items()))
    return _output("", node)


def _fields(node: Node, fields: tuple[OutputSpec, ...]) -> OutputSpec:
    return OutputSpec(type="object", properties=fields, place=node.place)
