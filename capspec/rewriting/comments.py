"""A YAML text and its nodes to its comments and blank lines, each with the entry that it belongs to."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_KEEPS = re.compile(r"[|>]\d?\+\d?\s*(#.*)?$")
"""The header of a block scalar whose last blank lines are part of it (YAML 1.2.2, 8.1.1.2)."""


@dataclass(slots=True)
class Note:
    """The comments of one entry: whole lines before and after it, and one at the end of its line.

    A line is "" when it is blank; comments begin with `#`.
    """

    before: list[str] = field(default_factory=list)
    beside: str = ""
    after: list[str] = field(default_factory=list)

    def take(self, other: Note) -> None:
        """Have what the other one has, too."""
        self.before += other.before
        self.after += other.after
        self.beside = " ".join(filter(None, (self.beside, other.beside)))


@dataclass(slots=True)
class Notes:
    """By the id of a node: the key of an entry of a mapping, or the entry itself in a list.

    `header` stands above everything, `footer` below.
    """

    found: dict[int, Note] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    footer: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)

    def of(self, node: Node) -> Note:
        return self.found.setdefault(id(node), Note())


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    column: int
    node: Node
    depth: int


def comments_of(text: str, root: Node) -> Notes:
    """All comments of a text whose nodes were composed from that same text."""
    lines = text.split("\n")
    entries = sorted(_entries(root, 0), key=lambda entry: (entry.line, entry.column, entry.depth))
    inside = _Scalars(lines, root)
    notes = Notes()
    waiting: list[tuple[int, str]] = []
    starts = [entry.line for entry in entries]
    for number, line in enumerate(lines):
        mark = inside.comment(number)
        if mark is None:
            if not line.strip() and number not in inside.whole:
                waiting.append((-1, ""))
            elif waiting and number not in inside.whole:
                _settle(waiting, number, entries, starts, notes)
                waiting = []
            continue
        comment = line[mark:].rstrip()
        if line[:mark].strip():
            if waiting:
                _settle(waiting, number, entries, starts, notes)
                waiting = []
            _put_beside(comment, number, entries, starts, notes)
        else:
            waiting.append((mark, comment))
    _settle(waiting, len(lines), entries, starts, notes)
    _trim(notes)
    return notes


def _put_beside(comment: str, number: int, entries: list[_Entry], starts: list[int], notes: Notes) -> None:
    """A comment at the end of a line belongs to the last entry that begins there or before."""
    at = bisect_right(starts, number) - 1
    if at < 0:
        notes.header.append(comment)
        return
    note = notes.of(entries[at].node)
    note.beside = f"{note.beside} {comment}" if note.beside else comment


def _settle(
    waiting: list[tuple[int, str]], number: int, entries: list[_Entry], starts: list[int], notes: Notes
) -> None:
    """Whole lines of comments above line `number`: to the entry after them, or, when they are indented more
    than that, to the end of the one before."""
    at = bisect_right(starts, number - 1)
    following = entries[at] if at < len(entries) and entries[at].line >= number else None
    if at == 0:
        notes.header += [text for _, text in waiting]
        return
    blanks: list[str] = []
    for column, text in waiting:
        if column < 0:
            blanks.append("")
            continue
        owner = _before(entries[:at], column) if following is None or column > following.column else None
        if owner is None and following is None:
            notes.footer += [*blanks, text]
        elif owner is not None:
            notes.of(owner.node).after += [*blanks, text]
        elif following is not None:
            notes.of(following.node).before += [*blanks, text]
        blanks = []
    if following is not None:
        notes.of(following.node).before += blanks


def _before(entries: list[_Entry], column: int) -> _Entry | None:
    """The entry that a comment at a column continues: the last one that is not indented more."""
    if column == 0:
        return None
    limit = None
    for entry in reversed(entries):
        if limit is not None and entry.column >= limit:
            continue
        if entry.column <= column:
            return entry
        limit = entry.column
    return None


def _trim(notes: Notes) -> None:
    """No blank lines at the ends, and never two together."""
    for note in notes.found.values():
        note.before = _single(note.before)
        note.after = _single(note.after)
    notes.header = _single(_stripped(notes.header))
    notes.footer = _single(_stripped(notes.footer))


def _stripped(lines: list[str]) -> list[str]:
    while lines and not lines[0]:
        lines = lines[1:]
    return lines


def _single(lines: list[str]) -> list[str]:
    return [line for at, line in enumerate(lines) if line or at == 0 or lines[at - 1]]


def _entries(node: Node, depth: int) -> Iterator[_Entry]:
    """The entries of block collections: keys, and the items of lists at their dash."""
    if isinstance(node, MappingNode) and not node.flow_style:
        for key, value in node.value:
            yield _Entry(key.start_mark.line, key.start_mark.column, key, depth)
            yield from _entries(value, depth + 1)
    elif isinstance(node, SequenceNode) and not node.flow_style:
        for item in node.value:
            yield _Entry(item.start_mark.line, node.start_mark.column, item, depth)
            yield from _entries(item, depth + 1)


class _Scalars:
    """Where texts are, in which `#` begins no comment. `whole` are lines that are inside of one."""

    def __init__(self, lines: list[str], root: Node) -> None:
        self.lines = lines
        self.whole: set[int] = set()
        self.spans: dict[int, list[tuple[int, int]]] = {}
        for node in _scalars(root):
            self._mark(node)

    def comment(self, number: int) -> int | None:
        """The column where a comment begins in a line."""
        line = self.lines[number]
        if number in self.whole or "#" not in line:
            return None
        spans = self.spans.get(number, ())
        at = line.find("#")
        while at >= 0:
            if (at == 0 or line[at - 1] in " \t") and not any(begin <= at < end for begin, end in spans):
                return at
            at = line.find("#", at + 1)
        return None

    def _mark(self, node: ScalarNode) -> None:
        first, begin = node.start_mark.line, node.start_mark.column
        if node.style in ("|", ">"):
            self._mark_block(first)
            return
        last, end = node.end_mark.line, node.end_mark.column
        if first == last:
            self.spans.setdefault(first, []).append((begin, end))
            return
        self.spans.setdefault(first, []).append((begin, len(self.lines[first])))
        self.whole.update(range(first + 1, last))
        self.spans.setdefault(last, []).append((0, end))

    def _mark_block(self, header: int) -> None:
        """The lines of a block scalar: those that are indented at least as its first one."""
        number, indent, last = header + 1, None, header
        keeps = bool(_KEEPS.search(self.lines[header]))
        while number < len(self.lines):
            line = self.lines[number]
            if line.strip():
                depth = len(line) - len(line.lstrip(" "))
                own = len(self.lines[header]) - len(self.lines[header].lstrip(" "))
                if indent is None and (depth > own or (own == 0 and depth > 0)):
                    indent = depth
                if indent is None or depth < indent:
                    break
                last = number
            elif keeps:
                last = number
            number += 1
        self.whole.update(range(header + 1, last + 1))


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _scalars(item)
