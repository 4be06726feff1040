"""A JSON value to the text that is put in its place."""

from __future__ import annotations

from collections.abc import Callable
from json import JSONEncoder
from typing import TypeAlias

from capspec.values import Json

Encode: TypeAlias = Callable[[str], str]
"""Escapes an inserted text for the place it goes to."""

_encoder = JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def as_text(value: Json) -> str:
    """A text as it is; anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else _encoder.encode(value)


class Fragment(str):
    """JSON text that an expression made, with the value behind it."""

    __slots__ = ("value",)

    value: Json

    def __new__(cls, value: Json) -> Fragment:
        made = super().__new__(cls, _encoder.encode(value))
        made.value = value
        return made
