"""One declared output, property or element to a Field: where its value comes from, and its shape.

A path is relative to the nearest object with a `mapping` around it, or to the element of the list it is in.
A path that repeats the `mapping` of that object was written from further out, and is understood too: in
an object at `$.current`, both `$.temp` and `$.current.temp` find `temp`. No other path reaches out of the
object, or a member that it lacks would be filled with an unrelated one of the same name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from capspec.errors import Place
from capspec.jsonpath import JsonPathError, compile_path
from capspec.mapping.scalars import SCALARS
from capspec.mapping.shapes import Anything, Array, Field, Fixed, Object, Scalar, Shape, Source
from capspec.mapping.sources import Constant, member, path, template, tree, whole
from capspec.model import OutputSpec
from capspec.node import Report
from capspec.template import TemplateError, compile_template, compile_tree
from capspec.values import MISSING, Json

_PATH = re.compile(r"\{\{\s*(\$(?:[.\[].*?)?)\s*\}\}|(\$(?:[.\[].*)?)", re.DOTALL)
_CONTAINERS = {"object": dict, "array": list}


def with_path(spec: OutputSpec) -> OutputSpec:
    """An output whose `value` is a path and not a value, `$.x` or `{{$.x}}`, with it as its mapping."""
    match = _PATH.fullmatch(spec.value.strip()) if isinstance(spec.value, str) else None
    if match is None:
        return spec
    return replace(spec, mapping=spec.mapping or match[1] or match[2], value=MISSING)


def is_whole(spec: OutputSpec) -> bool:
    """Whether an output says nothing but: the whole value, of whatever kind it is."""
    items = spec.items is None or is_whole(spec.items)
    shaped = spec.properties or spec.values or spec.max_length is not None
    return _is_root(spec) and items and not shaped and _kind(spec) in ("", *_CONTAINERS)


def mocked(outputs: Iterable[OutputSpec]) -> list[OutputSpec]:
    """The outputs that the file itself gives values to, without what it gives none to inside them."""
    found = []
    for spec in outputs:
        properties = tuple(mocked(spec.properties))
        items = next(iter(mocked([spec.items] if spec.items is not None else [])), None)
        if spec.value is not MISSING or properties or items is not None:
            found.append(replace(spec, properties=properties, items=items, mapping=""))
    return found


class FieldCompiler:
    """Compiles outputs, and reports what cannot be read. A `mock` has no document to find values in."""

    def __init__(self, report: Report, *, mock: bool) -> None:
        self.report = report
        self.mock = mock

    def outer(self, spec: OutputSpec) -> Field:
        """An output that is the whole answer. `$.` is taken for "everything", also with a scalar's type."""
        found = self.field(spec)
        if isinstance(found.shape, Scalar) and _is_root(spec):
            return replace(found, shape=replace(found.shape, loose=True))
        return found

    def field(self, spec: OutputSpec, within: str = "") -> Field:
        """`within` is the mapping of the object that the output is in, "" outside of any."""
        shape = self._shape(spec, spec.mapping.strip() if _has_source(spec) else within)
        source = self._source(spec, within) if spec.value is MISSING else self._value(spec)
        if isinstance(source, Constant) and isinstance(shape, Scalar | Anything):
            shape = Fixed(shape.apply(source.value, {}))
        return Field(source=source, shape=shape, about=_about(spec))

    # -- shapes -------------------------------------------------------------------------------------

    def _shape(self, spec: OutputSpec, within: str) -> Shape:
        kind = _kind(spec)
        if kind == "array" or (spec.items is not None and not spec.properties):
            return Array(self._items(spec))
        if spec.properties or spec.values is not None:
            properties = {item.name: self.field(item, within) for item in spec.properties if item.name}
            return Object(properties, self.field(spec.values) if spec.values is not None else None)
        if kind not in ("", *_CONTAINERS, *SCALARS):
            hint = f"use one of: {', '.join((*SCALARS, *_CONTAINERS))}"
            message = f"'{spec.type}' is not a type of an output; its values are given as they are"
            place = self.report.spot(spec.place, spec.type, key="type")
            self.report.add("CAP332", message, place=place, hint=hint, severity="warning")
        limit = spec.max_length if spec.max_length is not None and spec.max_length >= 0 else None
        return Scalar(kind, limit) if kind in SCALARS or limit is not None else Anything()

    def _items(self, spec: OutputSpec) -> Field | None:
        # Some authors write an array's properties without the `items` around them.
        fields = replace(spec, name="", type="object", mapping="", value=MISSING, items=None, description="")
        items = spec.items or (fields if spec.properties else None)
        return None if items is None or (is_whole(items) and not items.description) else self.field(items)

    # -- sources ------------------------------------------------------------------------------------

    def _source(self, spec: OutputSpec, within: str) -> Source:
        if self.mock:
            # One empty element, for the values that the file gives to an element's properties.
            return Constant([{}]) if spec.items or _kind(spec) == "array" else whole
        if spec.mapping:
            return self._path(spec.mapping.strip(), within, spec.place)
        if spec.name and not any(map(_has_sources_inside, spec.properties)):
            return member(spec.name)
        return whole

    def _path(self, text: str, within: str, place: Place) -> Source:
        match = _PATH.fullmatch(text)
        texts = [match[1] if match and match[1] else text]
        rest = text.removeprefix(within)
        if within and rest != text and rest[:1] in ("", ".", "["):
            texts.append(f"${rest}")
        try:
            return path([compile_path(item) for item in texts])
        except JsonPathError as error:
            at = self.report.spot(place, error.text, error.offset)
            hint = "write it like $.data[0].name"
            return self._refused("CAP330", f"'{text}' is not a JSONPath: {error}", hint, at)

    def _value(self, spec: OutputSpec) -> Source:
        """A literal as it is; with names in it, what renders it for each call."""
        try:
            if isinstance(spec.value, dict | list):
                data = compile_tree(spec.value)
                return Constant(spec.value) if data.is_literal else tree(data)
            if not isinstance(spec.value, str):
                return Constant(spec.value)
            text = compile_template(spec.value)
        except TemplateError as error:
            at = self.report.spot(spec.place, error.text, error.offset)
            hint = "write names like {{name}}"
            return self._refused("CAP331", f"the value is not a template: {error}", hint, at)
        return Constant(_literal(spec.value, _kind(spec))) if text.is_literal else template(text)

    def _refused(self, code: str, message: str, hint: str, place: Place) -> Source:
        self.report.add(code, message, place=place, hint=hint)
        return Constant(None)


def _about(spec: OutputSpec) -> dict[str, Json]:
    """What a schema says of an output besides its shape."""
    said = {
        "description": spec.description,
        "contentEncoding": spec.encoding,
        "contentMediaType": spec.media_type,
    }
    return {key: text for key, text in said.items() if text}


def _kind(spec: OutputSpec) -> str:
    return spec.type.strip().lower()


def _is_root(spec: OutputSpec) -> bool:
    return spec.value is MISSING and spec.mapping.strip() in ("", "$", "$.")


def _has_source(spec: OutputSpec) -> bool:
    return bool(spec.mapping) or spec.value is not MISSING


def _has_sources_inside(spec: OutputSpec) -> bool:
    return _has_source(spec) or any(map(_has_sources_inside, spec.properties))


def _literal(text: str, kind: str) -> Json:
    """A text that is JSON of the declared kind, where that is an object or a list, as what it says."""
    if kind not in _CONTAINERS:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, _CONTAINERS[kind]) else text
