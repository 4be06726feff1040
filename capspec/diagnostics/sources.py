"""Places to the lines that they are in, each file read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from capspec.diagnostics.excerpt import span
from capspec.errors import Place, Problem

_BREAK = re.compile(r"\r\n?|\n")
"""Where places count a new line."""


class Sources:
    """`texts` are files that cannot be read again, such as standard input, by their names in places."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._lines = {name: tuple(_BREAK.split(text)) for name, text in (texts or {}).items()}

    def line(self, place: Place) -> str | None:
        """The line that a place is in; None when it cannot be read."""
        if place.source not in self._lines:
            self._lines[place.source] = _read(place.source)
        lines = self._lines[place.source]
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None

    def end(self, problem: Problem) -> Place | None:
        """Behind the last character of what is wrong: as the problem says, or of the word at its place."""
        place = problem.place
        if problem.end is not None or place is None:
            return problem.end
        line = self.line(place)
        return None if line is None else Place(place.source, place.line, span(line, place.column))


def _read(source: str) -> tuple[str, ...]:
    try:
        text = Path(source).read_text("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return ()
    # What is not UTF-8 would not be what its author sees.
    return () if "\0" in text else tuple(_BREAK.split(text))
