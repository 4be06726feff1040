"""A position in a text to the node and the word that stand there, also where YAML is unfinished."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from capspec import document
from capspec.document import Document, Pointer
from capspec.errors import CapspecError

_MARK: Final = "zzCURSORzz"
_TRIES: Final = 8
_NEW_KEY: Final = re.compile(r"[ ]*(?:-[ ]+)*[\w$.-]*")
_BREAK: Final = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a text: line and column from 1. `key` says that it is on the key of the node."""

    pointer: Pointer
    key: bool
    line: str
    number: int
    column: int

    def around(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What fits a pattern in the line and has the place in it."""
        at = self.column - 1
        return next(
            (found for found in pattern.finditer(self.line) if found.start() <= at <= found.end()), None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Where something is being written: a key of the object at `pointer`, or the value there.

    `typed` is what is there already, up to the cursor; `data` is the file with it.
    """

    pointer: Pointer
    key: bool
    typed: str
    data: dict[str, Any]


def spot(of: Document, line: int, column: int) -> Spot:
    pointer, key = of.at(line, column)
    return Spot(pointer=pointer, key=key, line=of.line(line), number=line, column=column)


def lines_of(text: str) -> list[str]:
    """The lines as editors count them, without their ends."""
    return _BREAK.split(text)


def gap(text: str, line: int, column: int) -> Gap | None:
    """What is being written at a line and column; None when the text around it cannot be understood."""
    for candidate, added in _candidates(lines_of(text), line, column):
        data = _parsed(candidate, line)
        found = _marked(data, ()) if data is not None else None
        if data is not None and found is not None:
            pointer, key, typed = found
            # A scalar that goes on from the line before is not what is being written here.
            if added != _MARK or not typed.strip().count("\n"):
                return Gap(pointer=pointer, key=key, typed=typed, data=data)
    return None


def _candidates(lines: list[str], line: int, column: int) -> Iterator[tuple[list[str], str]]:
    """The text with a mark at the cursor, as a key or as a value; and what is behind the line left out."""
    own = lines[line - 1] if line <= len(lines) else ""
    before, after = own[: column - 1], own[column - 1 :]
    as_key, as_value = f"{_MARK}: ", _MARK
    key_first = _NEW_KEY.fullmatch(before) is not None and not after.lstrip().startswith(":")
    for whole in (True, False):
        for added in (as_key, as_value) if key_first else (as_value, as_key):
            behind = lines[line:] if whole else []
            rest = after if added == _MARK else ""
            for closing in dict.fromkeys(("", _closing(before + rest))):
                yield [*lines[: line - 1], before + added + rest + closing, *behind], added


def _closing(line: str) -> str:
    """The brackets that a line leaves open."""
    found = ""
    for char in line:
        if char in "{[":
            found = ("}" if char == "{" else "]") + found
        elif found[:1] == char:
            found = found[1:]
    return found


def _parsed(lines: list[str], kept: int) -> dict[str, Any] | None:
    """The data; lines that are broken are left out one by one, but not the one with the cursor."""
    lines = list(lines)
    for _ in range(_TRIES):
        try:
            return document.parse("\n".join(lines)).data
        except CapspecError as error:
            place = error.problems[0].place
            if place is None or place.line == kept or not lines[place.line - 1].strip():
                return None
            lines[place.line - 1] = ""
    return None


def _marked(value: Any, pointer: Pointer) -> tuple[Pointer, bool, str] | None:
    """Where the mark is, whether in a key, and what stands before it there."""
    if isinstance(value, str) and _MARK in value:
        return pointer, False, value.partition(_MARK)[0]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        if isinstance(key, str) and _MARK in key:
            return pointer, True, key.partition(_MARK)[0]
        found = _marked(item, (*pointer, key))
        if found is not None:
            return found
    return None
