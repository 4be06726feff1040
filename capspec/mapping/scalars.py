"""A value and the type that its author declared, to a value of that type.

A declared scalar is always of its type, or text, or null. What converts without loss is converted; what
does not is kept, as text: an agent can still read "n/a" in a field of numbers, and the schema that a
client enforces can name the types of a field and stay true whatever the upstream sends.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from capspec.values import MISSING, Json, Missing

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_LARGEST_EXACT = 2**53
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def fit(value: Json, kind: str) -> Json:
    """A value as the declared scalar type, null for null. Any other word for `kind` changes nothing.

    Numbers are read as JSON writes them (RFC 8259, 6), truth values as XML Schema does (part 2, 3.3.2):
    true, false, 1 and 0. Objects and lists become their JSON text.
    """
    convert = _CONVERSIONS.get(kind)
    if value is None or convert is None:
        return value
    found = convert(value)
    return as_text(value) if found is MISSING else found


def as_text(value: Json) -> str:
    """Text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def schema_of(kind: str) -> dict[str, Json]:
    """The JSON Schema of all that `fit` can give for a kind; empty for a word that is not a scalar type."""
    if kind not in _CONVERSIONS:
        return {}
    return {"type": list(dict.fromkeys((kind, "string", "null")))}


def type_of(value: Json) -> str:
    """A value's type in JSON Schema's words."""
    return "integer" if type(value) is int else _TYPES.get(type(value), "string")


_TYPES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    float: "number",
    list: "array",
    dict: "object",
}


def _string(value: Json) -> Json | Missing:
    return value if isinstance(value, str) else MISSING


def _number(value: Json) -> Json | Missing:
    if isinstance(value, str):
        return _parsed(value.strip())
    return MISSING if isinstance(value, bool) or not isinstance(value, int | float) else value


def _integer(value: Json) -> Json | Missing:
    found = _number(value)
    if not isinstance(found, float):
        return found
    if not found.is_integer():
        return MISSING
    return int(found) if abs(found) < _LARGEST_EXACT else found


def _parsed(text: str) -> Json | Missing:
    """The number that a text is, MISSING when the number would not say the same as the text."""
    match = _NUMBER.fullmatch(text)
    if match is None or text == "-0":
        return MISSING
    try:
        if not match[1] and not match[2]:
            return int(text)
        found = float(text)
    except ValueError:
        return MISSING
    return found if math.isfinite(found) and Decimal(text) == Decimal(repr(found)) else MISSING


def _boolean(value: Json) -> Json | Missing:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower(), MISSING)
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return MISSING


_CONVERSIONS: Mapping[str, Callable[[Json], Json | Missing]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
}

SCALARS = tuple(_CONVERSIONS)
"""The types that `fit` converts to."""
