"""A place and the text around it to the line that is shown, with marks under what is wrong.

Tabs become blanks, control characters are spelled out, wide characters count as the two columns that they
take on a screen, long lines are cut around the place, and what looks like a secret is masked.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from capspec.diagnostics.concealing import concealed
from capspec.errors import Place

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}")
_PLAIN: Final = re.compile(r"(?:(?!:(?:\s|$)|\s#|[,\[\]{}\n]).)+")
_CUT: Final = "…"
_BEFORE: Final = 1 / 3
"""How much of a cut line stands before the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A line for the screen; `indent` columns stand before the marks, which are `width` columns wide."""

    text: str
    indent: int
    width: int


def span(line: str, column: int) -> int:
    """The column behind the word, quoted text or template that begins at a column; both count from 1."""
    start = column - 1
    for kind in (_QUOTED, _TEMPLATE, _PLAIN):
        found = kind.match(line, start)
        if found is not None:
            return start + len(found[0].rstrip()) + 1
    return column + 1


def excerpt(line: str, place: Place, end: Place | None = None, *, widest: int = 120) -> Excerpt:
    """`line` is the one that the place is in. `widest` is how many columns there are."""
    first = min(place.column - 1, len(line))
    last = end.column - 1 if end is not None and end.line == place.line else span(line, place.column) - 1
    last = max(min(last, max(len(line), first + 1)), first + 1)
    shown = ["".join(map(_shown, written)) for written in concealed(line)]
    start, stop = _window(shown, first, last, widest)
    before = (_CUT if start else "") + "".join(shown[start:first])
    text = (_CUT if start else "") + "".join(shown[start:stop]) + (_CUT if stop < len(shown) else "")
    marked = "".join(shown[first : min(last, stop)])
    return Excerpt(text=text.rstrip(), indent=columns(before), width=max(columns(marked), 1))


def columns(text: str) -> int:
    """How many columns a text takes on a screen, by Unicode's East Asian widths; what combines takes none."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shown(character: str) -> str:
    if character == "\t":
        return " "
    if _CONTROL.match(character):
        code = ord(character)
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return character


def _window(shown: list[str], first: int, last: int, widest: int) -> tuple[int, int]:
    """The part of a line that is shown, so that the place is in it."""
    if columns("".join(shown)) <= widest:
        return 0, len(shown)
    room = widest - 2
    start = first
    left = max(int(room * _BEFORE), room - columns("".join(shown[first:last])) - 10)
    while (
        start > 0 and (left := left - columns(shown[start - 1])) >= 0 and columns("".join(shown[:start])) > 0
    ):
        start -= 1
    room -= columns("".join(shown[start:first]))
    stop = first
    while stop < len(shown) and (room := room - columns(shown[stop])) >= 0:
        stop += 1
    return start, max(stop, first + 1)
