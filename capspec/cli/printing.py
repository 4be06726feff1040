"""Problems to lines for people and objects for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import IO

import click

from capspec.errors import Problem
from capspec.values import Json

_COLOURS = {"error": "red", "warning": "yellow"}
_WIDEST = 160

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r"}


def print_problems(
    problems: Iterable[Problem], *, color: bool | None = None, stream: IO[str] | None = None
) -> None:
    """One line a problem: `file:line:column: what is wrong; how to mend it [code]`.

    On a terminal, or with `color`, the line of the file follows, with a caret under the place. `stream` is
    standard error when None.
    """
    stream = stream or sys.stderr
    rich = stream.isatty() if color is None else color
    for problem in problems:
        click.echo(_line(problem), file=stream, color=rich)
        excerpt = _excerpt(problem) if rich else ""
        if excerpt:
            click.echo(excerpt, file=stream, color=rich)


def as_json(problem: Problem) -> dict[str, Json]:
    """A problem as an object; `file`, `line` and `column` are null when it has no place."""
    return dict(problem.facts)


def plural(count: int, word: str) -> str:
    """A count and its noun: "1 tool", "2 tools"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def visible(text: str) -> str:
    """A text that drives no terminal: all its control characters but line ends and tabs spelled out."""
    return text.translate(_CONTROLS)


def _line(problem: Problem) -> str:
    where = click.style(f"{problem.place}: ", bold=True) if problem.place else ""
    kind = "" if problem.severity == "error" else click.style(f"{problem.severity}: ", fg=_COLOURS["warning"])
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{where}{kind}{visible(problem.message + hint)} {click.style(f'[{problem.code}]', dim=True)}"


def _excerpt(problem: Problem) -> str:
    """The line that a problem is in, and a caret under its column."""
    place = problem.place
    if place is None:
        return ""
    lines = _lines_of(place.source)
    if not 0 < place.line <= len(lines):
        return ""
    # A tab is one column in a place and would be up to eight on the screen.
    text = visible(lines[place.line - 1].replace("\t", " ")[:_WIDEST])
    number = str(place.line)
    caret = click.style("^", fg=_COLOURS[problem.severity], bold=True)
    return f"  {number} | {text}\n  {' ' * len(number)} | {' ' * (place.column - 1)}{caret}"


@lru_cache(maxsize=8)
def _lines_of(source: str) -> tuple[str, ...]:
    try:
        return tuple(Path(source).read_text("utf-8-sig", errors="replace").splitlines())
    except (OSError, ValueError):
        return ()
