"""The place of a mapping and a text that is written in it to the place of that text, as near as can be."""

from __future__ import annotations

import re

from capspec.document.text import Lines
from capspec.errors import Place

_LEAD = re.compile(r" *(?:- +)*")
_BEFORE = r"(?:^|(?<=[\s\"'\[{(,:>|]))"
_AFTER = r"(?=$|[\s\"'\]}),:])"
_FARTHEST = 400
"""Lines that are looked at, both ways."""


def find(lines: Lines, place: Place, text: str, offset: int = 0, *, key: str = "") -> Place:
    """Where the character at `offset` of a text stands, below or beside the key at `place`; else `place`.

    With `key`, the text is the value of that key. What is written with escapes, and so differs from its text,
    is not found.
    """
    written, within = _line_at(text, offset)
    if not written and not key:
        return place
    looked_for = re.compile(_pattern(written, key), re.IGNORECASE if key else 0)
    for number in _around(lines, place):
        line = lines.line(number)
        found = looked_for.search(line, place.column - 1 if number == place.line and not key else 0)
        if found is not None:
            return Place(place.source, number, found.start("text") + min(within, len(written)) + 1)
    return place


def _line_at(text: str, offset: int) -> tuple[str, int]:
    """The line of a text that an offset is in, without the blanks around it, and the offset in that."""
    start = text.rfind("\n", 0, max(offset, 0)) + 1
    line = text[start:].partition("\n")[0]
    blanks = len(line) - len(line.lstrip())
    return line.strip(), max(offset - start - blanks, 0)


def _pattern(text: str, key: str) -> str:
    quoted = re.escape(text)
    if key:
        return rf"(?:^|[\s{{,\"'-]){re.escape(key)}[\"']?\s*:\s*[\"']?(?P<text>{quoted})"
    return rf"{_BEFORE}(?P<text>{quoted}){_AFTER}"


def _around(lines: Lines, place: Place) -> list[int]:
    """The lines of the block that a place is in: its own, those after it, then those before it."""
    own = lines.line(place.line)
    lead = _LEAD.match(own)
    depth = min(lead.end() if lead else 0, max(place.column - 1, 0))
    last = len(lines.starts)
    below = _within(lines, range(place.line + 1, min(last, place.line + _FARTHEST) + 1), depth)
    above = _within(lines, range(place.line - 1, max(0, place.line - _FARTHEST), -1), depth)
    return [place.line, *below, *above]


def _within(lines: Lines, numbers: range, depth: int) -> list[int]:
    found = []
    for number in numbers:
        line = lines.line(number)
        if line.strip() and len(line) - len(line.lstrip(" ")) < depth:
            break
        found.append(number)
    return found
