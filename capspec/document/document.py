"""A path or a text to a Document: plain data of one YAML 1.2 file, with the place of every node.

YAML is read by the core schema (see capspec.document.scalars), with these choices: keys are always text, as
written (`200:` is "200"); anchors, aliases and merge keys work, within limits; a key written twice, a tag
outside the core schema, a key that is not text and a second document are errors.
"""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from capspec.document.cursor import locate
from capspec.document.events import Tree, build
from capspec.document.pointing import find
from capspec.document.scalars import written
from capspec.document.text import Limits, Lines, to_text
from capspec.errors import LoadError, Place, Problem
from capspec.values import Json

__all__ = ["STDIN", "Document", "Limits", "Pointer", "parse", "read"]

Pointer = tuple[str | int, ...]
"""The keys and item numbers from the root to a node; `()` is the root."""

STDIN = "<stdin>"
"""What standard input is called in places."""

_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """One file as data. `source` names it in messages. Aliases share objects: do not change `data`.

    `root` is the folder that it may read other files from; None means its own.
    """

    source: str
    path: Path | None
    root: Path | None
    text: str
    data: dict[str, Json]
    _lines: Lines
    _tree: Tree

    def __repr__(self) -> str:
        return f"Document({self.source!r})"

    def place(self, pointer: Pointer, *, key: bool = False) -> Place:
        """Where a value begins, or its key; of the nearest ancestor that exists when the node does not.

        The place of an alias is where the alias stands; what is in it stands where its anchor does.
        """
        value: Json = self.data
        offset = self._tree.root
        for part in pointer:
            found = _find(value, part)
            if found is None:
                break
            marks = self._tree.marks[id(value)]
            offset = marks[found] if isinstance(value, list) else marks[2 * found + (0 if key else 1)]
            value = value[part]
        return self._lines.place(offset)

    def raw(self, pointer: Pointer) -> str:
        """The text of a scalar before it became a number, a boolean or null, without quotes and escapes.

        Empty for a mapping, a sequence, and a node that does not exist.
        """
        value: Json = self.data
        holder: Json = None
        for part in pointer:
            if _find(value, part) is None:
                return ""
            holder, value = value, value[part]
        if isinstance(value, dict | list):
            return ""
        return self._tree.texts.get((id(holder), pointer[-1]), written(value))

    def value(self, pointer: Pointer) -> Json:
        """What is written at a pointer; None when there is nothing."""
        value: Json = self.data
        for part in pointer:
            if _find(value, part) is None:
                return None
            value = value[part]
        return value

    @property
    def folder(self) -> Path | None:
        """Where its relative locations begin, absolute; None when it was not read from a file."""
        folder = self.root if self.path is None else self.path.parent
        return None if folder is None else folder.absolute()

    def find(self, place: Place, text: str, offset: int = 0, *, key: str = "") -> Place:
        """Where the character at `offset` of a text is that stands in the block around a place, else `place`.

        With `key`, the text is the value of that key.
        """
        return find(self._lines, place, text, offset, key=key)

    def at(self, line: int, column: int) -> tuple[Pointer, bool]:
        """The innermost node at a line and column, counted from 1; and whether its key is there."""
        starts = self._lines.starts
        number = min(max(line, 1), len(starts))
        offset = starts[number - 1] + min(max(column, 1) - 1, len(self._lines.line(number)))
        way, is_key = locate(self.data, self._tree.root, self._tree.marks, offset)
        return tuple(way), is_key

    def line(self, number: int) -> str:
        """A line of the file, counted from 1, without its end; empty when there is none."""
        return self._lines.line(number)


def _find(value: Json, part: str | int) -> int | None:
    """The ordinal of a key in its mapping, or of an item in its list."""
    if isinstance(value, dict) and part in value:
        return list(value).index(part)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return part
    return None


def read(
    path: str | os.PathLike[str],
    *,
    limits: Limits = _DEFAULT_LIMITS,
    root: str | os.PathLike[str] | None = None,
) -> Document:
    """Read a file, or standard input for "-". Raises LoadError: CAP101 not readable, and as `parse` does."""
    source = os.fspath(path)
    folder = None if root is None else Path(root)
    if source == "-":
        return parse(sys.stdin.buffer.read(limits.bytes + 1), STDIN, limits=limits, root=folder)
    try:
        with open(source, "rb") as file:
            data = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:
        raise LoadError(_not_readable(source, error)) from None
    return parse(data, source, Path(source), limits=limits, root=folder)


def parse(
    text: str | bytes,
    source: str = "<text>",
    path: Path | None = None,
    *,
    limits: Limits = _DEFAULT_LIMITS,
    root: Path | None = None,
) -> Document:
    """Text of one YAML document to a Document. Raises LoadError with every problem that can be found.

    CAP119 wrong encoding, CAP102 not YAML, CAP103 duplicate key, CAP104 over a limit, CAP105 a feature of
    YAML that is not supported, CAP106 not a mapping.
    """
    lines = Lines(to_text(text, source, limits), source)
    tree = build(lines, limits)
    return Document(
        source=source, path=path, root=root, text=lines.text, data=tree.data, _lines=lines, _tree=tree
    )


def _not_readable(source: str, error: OSError | ValueError) -> Problem:
    hint = ""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        reason, hint = "there is no such file", _near(Path(source))
    elif isinstance(error, IsADirectoryError):
        reason, hint = "this is a directory", "name a file in it"
    elif isinstance(error, PermissionError):
        reason, hint = "permission denied", "check who may read it"
    else:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the name is not a file name"
    return Problem(code="CAP101", message=f"cannot read {source!r}: {reason}", hint=hint)


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return "check the path"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {str(path.with_name(near[0]))!r}?" if near else "check the path"
