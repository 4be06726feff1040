"""Problems to what people read, and to objects for programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import IO

import click

from capspec.diagnostics import doc_of, why
from capspec.diagnostics.excerpt import excerpt
from capspec.diagnostics.sources import Sources
from capspec.errors import Problem, Severity
from capspec.values import Json

_COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}
_WIDEST = 120
_MOST_PLACES = 10

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r"}


def print_problems(
    problems: Iterable[Problem],
    *,
    color: bool | None = None,
    stream: IO[str] | None = None,
    sources: Sources | None = None,
) -> None:
    """Each problem: `file:line:column: severity CODE what is wrong`, the line with marks under the place, how
    to mend it, and, once for each code, why it matters.

    In colours on a terminal, or with `color`. `stream` is standard error when None.
    """
    stream, sources = stream or sys.stderr, sources or Sources()
    rich = stream.isatty() if color is None else color
    widest = shutil.get_terminal_size((_WIDEST, 24)).columns if stream.isatty() else _WIDEST
    said: set[str] = set()
    for problem in problems:
        lines = [_headline(problem), *_excerpt(problem, sources, widest), *_notes(problem)]
        if problem.code not in said and (reason := why(problem.code)):
            lines.append(_note("why", reason))
        said.add(problem.code)
        click.echo("\n".join(lines), file=stream, color=rich)


def as_json(problem: Problem, sources: Sources | None = None) -> dict[str, Json]:
    """A problem as an object; `file`, `line` and `column` are null when it has no place, and `endLine` and
    `endColumn` when its end is not known."""
    end = (sources or Sources()).end(problem)
    return {
        **problem.facts,
        "why": why(problem.code),
        "endLine": end.line if end else None,
        "endColumn": end.column if end else None,
        "count": problem.count,
        "related": [
            {
                "message": item.message,
                "file": item.place.source,
                "line": item.place.line,
                "column": item.place.column,
            }
            for item in problem.related
        ],
        "doc": doc_of(problem.code),
    }


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


def _excerpt(problem: Problem, sources: Sources, widest: int) -> list[str]:
    """The line that a problem is in, and marks under what is wrong."""
    place = problem.place
    line = None if place is None else sources.line(place)
    if place is None or line is None:
        return []
    number = f"{place.line:>4}"
    found = excerpt(line, place, problem.end, widest=max(widest - len(number) - 4, 20))
    marks = click.style("^" * found.width, fg=_COLOURS[problem.severity], bold=True)
    bar = click.style("|", dim=True)
    return [f"{number} {bar} {found.text}", f"{' ' * len(number)} {bar} {' ' * found.indent}{marks}"]


def _notes(problem: Problem) -> list[str]:
    notes = [_note("hint", visible(problem.hint))] if problem.hint else []
    notes += [
        _note("see", f"{item.place}: {visible(item.message)}") for item in problem.related if not item.again
    ]
    if problem.count > 1:
        notes.append(_note("also", _elsewhere(problem)))
    return notes


def _elsewhere(problem: Problem) -> str:
    """The further places that have it, or the first of them."""
    file = problem.place.source if problem.place else ""
    places = [item.place for item in problem.related if item.again][:_MOST_PLACES]
    shown = [f"line {place.line}" if place.source == file else str(place) for place in dict.fromkeys(places)]
    left = problem.count - 1 - len(places)
    return ", ".join([*shown, f"{left:,} more"] if left > 0 else shown)


def _note(word: str, text: str) -> str:
    return f"     {click.style(f'= {word}:', dim=True)} {text}"
