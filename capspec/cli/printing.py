"""Problems to what people read, and to objects for programs."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO

import click

from capspec.diagnostics import doc_of, why
from capspec.diagnostics.excerpt import excerpt, span
from capspec.errors import Place, Problem, Severity
from capspec.values import Json

_COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}
_WIDEST = 120
_MOST_PLACES = 10
_BREAK = re.compile(r"\r\n?|\n")

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r"}

Texts = Mapping[str, str]
"""What is in files that cannot be read again, by their names in places."""


def print_problems(
    problems: Iterable[Problem],
    *,
    color: bool | None = None,
    stream: IO[str] | None = None,
    texts: Texts | None = None,
) -> None:
    """Each problem: `file:line:column: severity CODE what is wrong`, the line with marks under the place, how
    to mend it, and, once for each code, why it matters.

    In colours on a terminal, or with `color`. `stream` is standard error when None.
    """
    stream = stream or sys.stderr
    rich = stream.isatty() if color is None else color
    widest = shutil.get_terminal_size((_WIDEST, 24)).columns if stream.isatty() else _WIDEST
    said: set[str] = set()
    for problem in problems:
        lines = [_headline(problem), *_excerpt(problem, texts or {}, widest), *_notes(problem)]
        if problem.code not in said and (reason := why(problem.code)):
            lines.append(_note("why", reason))
        said.add(problem.code)
        click.echo("\n".join(lines), file=stream, color=rich)


def as_json(problem: Problem, texts: Texts | None = None) -> dict[str, Json]:
    """A problem as an object; `file`, `line` and `column` are null when it has no place, and `endLine` and
    `endColumn` when its end is not known."""
    end = end_of(problem, texts)
    return {
        **problem.facts,
        "why": why(problem.code),
        "endLine": end.line if end else None,
        "endColumn": end.column if end else None,
        "count": problem.count,
        "related": [
            {"message": item.message, "file": item.place.source, "line": item.place.line, "column": item.place.column}
            for item in problem.related
        ],
        "doc": doc_of(problem.code),
    }


def end_of(problem: Problem, texts: Texts | None = None) -> Place | None:
    """Behind the last character of what is wrong: as the problem says, or else of the word at its place."""
    place = problem.place
    if problem.end is not None or place is None:
        return problem.end
    line = _line_of(place, texts or {})
    return None if line is None else Place(place.source, place.line, span(line, place.column))


def plural(count: int, word: str) -> str:
    """A count and its noun: "1 tool", "2 tools"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def visible(text: str) -> str:
    """A text that drives no terminal: all its control characters but line ends and tabs spelled out."""
    return text.translate(_CONTROLS)


def _headline(problem: Problem) -> str:
    where = click.style(f"{problem.place}: ", bold=True) if problem.place else ""
    kind = click.style(problem.severity, fg=_COLOURS[problem.severity], bold=True)
    message = visible(problem.message).replace("\n", " ")
    return f"{where}{kind} {problem.code} {message}"


def _excerpt(problem: Problem, texts: Texts, widest: int) -> list[str]:
    """The line that a problem is in, and marks under what is wrong."""
    place = problem.place
    line = None if place is None else _line_of(place, texts)
    if place is None or line is None:
        return []
    number = f"{place.line:>4}"
    found = excerpt(line, place, problem.end, widest=max(widest - len(number) - 4, 20))
    marks = click.style("^" * found.width, fg=_COLOURS[problem.severity], bold=True)
    bar = click.style("|", dim=True)
    return [f"{number} {bar} {found.text}", f"{' ' * len(number)} {bar} {' ' * found.indent}{marks}"]


def _notes(problem: Problem) -> list[str]:
    notes = [_note("hint", visible(problem.hint))] if problem.hint else []
    own = [item for item in problem.related if item.message != problem.message]
    others = [item for item in problem.related if item not in own]
    if problem.count > 1:
        # Places that say the same thing of another name are told of as places only.
        own, others = own[: len(problem.related) - problem.count + 1], list(problem.related)
    notes += [_note("see", f"{item.place}: {visible(item.message)}") for item in own]
    if problem.count > 1:
        notes.append(_note("also", _places(problem, others)))
    return notes


def _places(problem: Problem, others: Iterable[Related]) -> str:
    file = problem.place.source if problem.place else ""
    shown = [
        f"line {item.place.line}" if item.place.source == file else str(item.place)
        for item in islice(others, _MOST_PLACES)
    ]
    left = problem.count - 1 - len(shown)
    more = [f"{left:,} more"] if left > 0 else []
    return ", ".join([*shown, *more]) + (f" ({problem.count:,} in all)" if shown else "")


def _note(word: str, text: str) -> str:
    return f"     {click.style(f'= {word}:', dim=True)} {text}"


def _line_of(place: Place, texts: Texts) -> str | None:
    lines = tuple(_BREAK.split(texts[place.source])) if place.source in texts else _lines_of(place.source)
    return lines[place.line - 1] if 0 < place.line <= len(lines) else None


@lru_cache(maxsize=8)
def _lines_of(source: str) -> tuple[str, ...]:
    try:
        return tuple(_BREAK.split(Path(source).read_text("utf-8-sig", errors="replace")))
    except (OSError, ValueError):
        return ()
