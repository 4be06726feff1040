"""The constraints of an input as its author wrote them to what in them makes no sense, which is reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from capspec.node import Node, kind_of, nearest
from capspec.values import Json

TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
"""The types of JSON Schema (draft 2020-12)."""

SYNONYMS: Final = {
    "int": "integer", "long": "integer", "float": "number", "double": "number", "bool": "boolean",
    "list": "array", "map": "object", "text": "string", "date": "string", "file": "string",
}  # fmt: skip
"""Other words for them that files use."""

_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems")
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_PAIRS: Final = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))
_FOR: Final = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "array": ("minItems", "maxItems", "uniqueItems"),
}
"""Constraints that only some types have."""

_Slip = tuple[str, str, str]
"""The key, what is wrong, and how to mend it."""


def check_constraints(node: Node) -> None:
    """Warn (CAP156) of what the schema of an input cannot have: each such constraint is left out of it."""
    if not isinstance(node.value, dict):
        return
    kind = _kind(node)
    slips = [*_types(node), *_values(node.value), *_foreign(node.value, kind)]
    said = {key for key, _, _ in slips}
    slips += [slip for slip in (*_pairs(node.value), *_defaults(node.value, kind)) if slip[0] not in said]
    for key, message, hint in slips:
        node.warn("CAP156", message, hint=hint, place=node.at(key))


def _kind(node: Node) -> str:
    """The one type of an input, "" for several, or one that is not known."""
    written = node.raw("type")
    word = SYNONYMS.get(written.lower(), written.lower()) if isinstance(written, str) else ""
    return word if word in TYPES else ""


def _types(node: Node) -> Iterator[_Slip]:
    written = node.raw("type")
    for word in written if isinstance(written, list) else [written]:
        if isinstance(word, str) and word and SYNONYMS.get(word.lower(), word.lower()) not in TYPES:
            near = nearest(word, [*TYPES, *SYNONYMS])
            hint = f"did you mean '{near}'?" if near else f"use one of: {', '.join(TYPES[:-1])}"
            yield "type", f"'{word}' is no type of an input, and has no effect", hint


def _values(written: dict[str, Json]) -> Iterator[_Slip]:
    for key, (wanted, fits, hint) in _WANTED.items():
        value = written.get(key)
        if value is not None and value != "" and not fits(value):
            yield key, f"'{key}' should be {wanted}, and has no effect: it is {_shown(value)}", hint
    pattern = written.get("pattern")
    if isinstance(pattern, str) and (wrong := _wrong(pattern)):
        yield "pattern", f"'pattern' is no regular expression, and has no effect: {wrong}", _PATTERN


def _foreign(written: dict[str, Json], kind: str) -> Iterator[_Slip]:
    own = _FOR.get(kind, ())
    for keys in dict.fromkeys(_FOR.values()) if kind else ():
        for key in keys:
            if key in written and key not in own:
                type_ = next(name for name, of in _FOR.items() if key in of)
                yield (
                    key,
                    f"'{key}' means nothing for an input of type {kind}",
                    f"use 'type: {type_}', or remove it",
                )


def _pairs(written: dict[str, Json]) -> Iterator[_Slip]:
    for least, most in _PAIRS:
        low, high = written.get(least), written.get(most)
        if _is_number(low) and _is_number(high) and low > high:  # type: ignore[operator]
            yield most, f"'{most}' is below '{least}', so no value fits", "exchange them, or remove one"


def _defaults(written: dict[str, Json], kind: str) -> Iterator[_Slip]:
    value, choices = written.get("default"), written.get("enum")
    if value is None or (isinstance(value, str) and "{{" in value):
        return
    if kind in _FITS and not _FITS[kind](value):
        yield (
            "default",
            f"'default' is {kind_of(value)}, and the type is {kind}",
            f"write a value of type {kind}",
        )
    elif (
        isinstance(choices, list) and choices and value not in choices and str(value) not in map(str, choices)
    ):
        hint = f"use one of: {', '.join(map(str, choices[:10]))}"
        yield "default", "'default' is none of the values that 'enum' allows", hint


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_numeric(value: Json) -> bool:
    """Whether it is a number, or a text that is taken for one."""
    if isinstance(value, str):
        return re.fullmatch(r"\s*-?\d+(\.\d+)?([eE][+-]?\d+)?\s*", value) is not None
    return _is_number(value)


def _wrong(pattern: str) -> str:
    """What is wrong with a regular expression, "" for nothing."""
    try:
        re.compile(pattern)
    except re.error as error:
        return error.msg
    except (RecursionError, OverflowError):
        return "it is too large"
    return ""


def _shown(value: Json) -> str:
    return str(value) if _is_number(value) else kind_of(value) if value != [] else "empty"


_PATTERN = "write it as in Python or ECMAScript, in single quotes: '^[0-9]{7}$'"
_FITS: dict[str, Callable[[Json], bool]] = {
    "number": _is_numeric,
    "integer": _is_numeric,
    "boolean": lambda value: isinstance(value, bool) or str(value).lower() in ("true", "false"),
    "array": lambda value: isinstance(value, list | str),
    "object": lambda value: isinstance(value, dict | str),
    "string": lambda value: not isinstance(value, dict | list),
}
_WANTED: dict[str, tuple[str, Callable[[Json], bool], str]] = {
    "enum": (
        "a list with at least one value",
        lambda value: isinstance(value, list) and bool(value),
        "write the values in brackets: [a, b]",
    ),
    "pattern": ("text", lambda value: isinstance(value, str), "put it in single quotes"),
    **dict.fromkeys(_COUNTS, ("a whole number from 0 up", _is_count, "write it in digits")),
    **dict.fromkeys(_NUMBERS[:-1], ("a number", _is_number, "write it in digits, without quotes")),
    "multipleOf": (
        "a number above 0",
        lambda value: _is_number(value) and value > 0,
        "write it in digits, without quotes",
    ),
    "uniqueItems": ("true or false", lambda value: isinstance(value, bool), "write true or false"),
}
