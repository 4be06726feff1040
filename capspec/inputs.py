"""What a caller gave to what a flow may use: texts to types, names to inputs, and every violation at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capspec.errors import InputError
from capspec.plan import Extra, Flow, Input
from capspec.values import MISSING, Json, Missing

_INTEGER = re.compile(r"[+-]?\d{1,400}")
_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")


def from_text(schema: Mapping[str, Json], values: Sequence[str]) -> Json:
    """Texts (of a query, a path, a header, a command line) to the type that a schema declares.

    Arrays come repeated or separated by commas, objects as JSON. A text that does not fit stays text, so
    that validation can say so.
    """
    kinds = _kinds(schema)
    if "array" in kinds and (len(values) > 1 or "string" not in kinds):
        return _array(schema, values)
    text = values[-1] if values else ""
    for kind in kinds:
        value = _scalar(kind, text)
        if value is not MISSING:
            return value
    return text


def _kinds(schema: Mapping[str, Json]) -> tuple[str, ...]:
    kind = schema.get("type", "string")
    return tuple(kind) if isinstance(kind, list) else (kind,)


def _array(schema: Mapping[str, Json], values: Sequence[str]) -> Json:
    items = schema.get("items")
    inner: Mapping[str, Json] = items if isinstance(items, Mapping) else {}
    if len(values) == 1 and values[0].lstrip().startswith("["):
        parsed = _parsed(values[0])
        if isinstance(parsed, list):
            return parsed
    texts = values[0].split(",") if len(values) == 1 else values
    return [from_text(inner, [text]) for text in texts if text != "" or len(texts) > 1]


def _scalar(kind: str, text: str) -> Json | Missing:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind in ("number", "integer") and _NUMBER.fullmatch(text):
        number = float(text)
        return int(number) if kind == "integer" and number.is_integer() else number
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("object", "array"):
        value = _parsed(text)
        return value if isinstance(value, dict if kind == "object" else list) else MISSING
    if kind == "string":
        return text
    return MISSING


def _parsed(text: str) -> Json | Missing:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call's arguments by the names that the file uses, and those that the file says nothing of."""

    arguments: dict[str, Json]
    undeclared: dict[str, Json]


def admit(flow: Flow, arguments: Mapping[str, Json]) -> Admitted:
    """Bind arguments (published or original names) to inputs, put in constants and defaults, validate.

    Raises InputError with every violation.
    """
    known = {item.argument: item for item in flow.inputs} | {item.name: item for item in flow.inputs}
    given: dict[str, Json] = {}
    undeclared: dict[str, Json] = {}
    for key, value in arguments.items():
        item = known.get(key)
        if item is None:
            undeclared[key] = value
        elif item.constant is MISSING and not _is_absent(item, value):
            given[item.argument] = _coerced(item, value)
    problems = flow.validate({**given, **undeclared})
    if problems:
        raise InputError(problems)
    return Admitted(_named(flow, given), undeclared)


def _is_absent(item: Input, value: Json) -> bool:
    """null for something optional that cannot be null means "not given": models write it so."""
    return value is None and not item.required and "null" not in _kinds(item.schema) and "type" in item.schema


def _coerced(item: Input, value: Json) -> Json:
    if isinstance(value, str) and "string" not in _kinds(item.schema):
        return from_text(item.schema, [value])
    return value


def _named(flow: Flow, given: Mapping[str, Json]) -> dict[str, Json]:
    named: dict[str, Json] = {}
    for item in flow.inputs:
        if item.constant is not MISSING:
            named[item.name] = item.constant
        elif item.argument in given:
            named[item.name] = given[item.argument]
        elif "default" in item.schema:
            named[item.name] = item.schema["default"]
    return named


def passed_on(flow: Flow, undeclared: Mapping[str, Json], extra: Extra) -> Extra:
    """What goes upstream beside the declared inputs: undeclared arguments, or what REST passes through."""
    if not undeclared:
        return extra
    if flow.open_body:
        return Extra(query=extra.query, json=_body_of(undeclared))
    return Extra(query=(*extra.query, *_pairs(undeclared)), body=extra.body, content_type=extra.content_type)


def _body_of(undeclared: Mapping[str, Json]) -> Json:
    alone = undeclared.get("body") if len(undeclared) == 1 else None
    return alone if isinstance(alone, (dict, list)) else dict(undeclared)


def _pairs(undeclared: Mapping[str, Json]) -> list[tuple[str, str]]:
    return [
        (name, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
        for name, value in undeclared.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
