"""YAML text to nodes that can be moved about with their comments, and back to text in one style.

The style: two blanks for each level, lists not indented below their key, a comment at the end of a line after
two blanks. How scalars and flow collections are written stays, and so do single blank lines.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.anchor import Anchor
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tokens import CommentToken

from capspec.document import Pointer
from capspec.errors import LoadError, Problem
from capspec.rewriting.comments import Note, Notes, comments_of

_TEXT = "tag:yaml.org,2002:str"
_WIDEST = 1 << 30
_WIDTH = 115
"""Where texts break that have several lines; those of one line never do."""

_NO_FOLD = re.compile(r"\a(?! )|(?<=\s)\a|^\a|\a(?= \s)|\a(?= $)")


class _AsWritten(VersionedResolver):
    """Takes every plain scalar for a text, so that it is written as it was read."""

    @property
    def versioned_resolver(self) -> Any:
        return {}


class _Wrapped(str):
    """A text that had several lines."""

    __slots__ = ()


class _Wrapping(Emitter):
    """Breaks the lines of the texts that had breaks, and of no others."""

    def process_scalar(self) -> None:
        if not isinstance(self.event.value, _Wrapped):
            self.best_width = _WIDEST
            super().process_scalar()
            return
        self.best_width = _WIDTH
        stream, self.stream = self.stream, io.StringIO()
        try:
            super().process_scalar()
            # The library leaves the blank that it breaks a plain text at.
            stream.write(re.sub(" +\n", "\n", self.stream.getvalue()))
        finally:
            self.stream = stream


@dataclass(slots=True)
class Tree:
    """The nodes of one document. Only block collections and their entries have notes."""

    root: MappingNode
    notes: Notes
    explicit_start: bool

    def node(self, pointer: Pointer) -> Node | None:
        """The node at a pointer; None when there is none, or it is merged in from elsewhere."""
        found: Node | None = self.root
        for part in pointer:
            if isinstance(found, MappingNode):
                found = value_of(found, str(part))
            elif isinstance(found, SequenceNode) and isinstance(part, int) and part < len(found.value):
                found = found.value[part]
            else:
                return None
        return found


def compose(text: str, source: str) -> Tree:
    """The nodes of a text that is a document. Raises LoadError (CAP790) for what cannot be taken apart."""
    plain = "\n".join(re.split(r"\r\n?|\n", text))
    try:
        root = _yaml().compose(plain)
    except (YAMLError, ValueError, AssertionError, NotImplementedError) as error:
        raise LoadError(_not_composed(source, str(error).splitlines()[0])) from None
    if not isinstance(root, MappingNode):
        raise LoadError(_not_composed(source, "it is no mapping"))
    notes = comments_of(plain, root)
    for node in _all(root):
        node.comment = None
        node.anchor = _named(node.anchor)
        if isinstance(node, ScalarNode) and node.style == ">":
            node.value = _NO_FOLD.sub("", node.value)
        elif (
            isinstance(node, ScalarNode) and node.style != "|" and node.start_mark.line != node.end_mark.line
        ):
            node.value = _Wrapped(node.value)
    return Tree(root=root, notes=notes, explicit_start=bool(re.search(r"^---(\s|$)", plain, re.MULTILINE)))


def _named(name: str | None) -> Anchor | None:
    """An anchor that is written as it was, whether something refers to it or not."""
    if name is None:
        return None
    anchor = Anchor()
    anchor.value, anchor.always_dump = name, True
    return anchor


def _not_composed(source: str, reason: str) -> Problem:
    hint = "write what is unusual in it in another way"
    return Problem(code="CAP790", message=f"'{source}' cannot be rewritten: {reason}", hint=hint)


def render(tree: Tree) -> str:
    """The text of a tree, ending in a newline."""
    _Placing(tree.notes).place(tree.root)
    yaml = _yaml()
    yaml.explicit_start = tree.explicit_start
    stream = io.StringIO()
    yaml.serialize(tree.root, stream)
    lines = [*tree.notes.header, *stream.getvalue().rstrip("\n").split("\n")]
    return "\n".join([*lines, *tree.notes.last, *tree.notes.footer]) + "\n"


def _yaml() -> Any:
    yaml = YAML()
    yaml.Resolver = _AsWritten
    yaml.Emitter = _Wrapping
    yaml.preserve_quotes = True
    yaml.width = _WIDEST
    yaml.indent(mapping=2, sequence=2, offset=0)
    return yaml


class _Placing:
    """Gives nodes the comments of the notes, with the columns that they will have."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.waiting: list[tuple[int, str]] = []
        self.first = True

    def place(self, root: MappingNode) -> None:
        self._collection(root, 0)
        self.notes.last = [f"{' ' * column}{text}" if text else "" for column, text in self.waiting]

    def _collection(self, node: Node, column: int) -> None:
        if isinstance(node, MappingNode) and not node.flow_style:
            for at, (key, value) in enumerate(node.value):
                self._entry(key, key, value, column, opens=at == 0)
        elif isinstance(node, SequenceNode) and not node.flow_style:
            for at, item in enumerate(node.value):
                self._entry(item, item, item, column, opens=at == 0)

    def _entry(self, node: Node, holder: Node, value: Node, column: int, *, opens: bool) -> None:
        note = self.notes.found.get(id(node), Note())
        lines = [*self.waiting, *((column, text) for text in note.before)]
        self.waiting = []
        if opens:
            while lines and not lines[0][1]:
                lines = lines[1:]
        before = [_token(f"{text}\n", at if text else 0) for at, text in lines]
        beside = _token(f" {note.beside}\n", 0) if note.beside else None
        if holder is value:
            self._item(value, before, beside)
        else:
            holder.comment = [None, before] if before else None
            if beside is not None:
                value.comment = [beside, None]
        inner = column if isinstance(value, SequenceNode) and holder is not value else column + 2
        self._collection(value, inner)
        self.waiting += [(column, text) for text in note.after]

    def _item(self, value: Node, before: list[Any], beside: Any) -> None:
        if before or beside is not None:
            value.comment = [beside, before or None]


def _token(text: str, column: int) -> Any:
    return CommentToken(text, CommentMark(column), None)


def _all(node: Node) -> Iterator[Node]:
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, MappingNode):
            waiting += [item for pair in found.value for item in pair]
        elif isinstance(found, SequenceNode):
            waiting += found.value


# -- reading and changing nodes -----------------------------------------------------------------------


def text_of(node: Node | None) -> str:
    """The text of a scalar; "" for everything else."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def value_of(node: Node, *keys: str) -> Node | None:
    """The value under the first of these keys that a mapping has."""
    if isinstance(node, MappingNode):
        for wanted in keys:
            for key, value in node.value:
                if text_of(key) == wanted:
                    return value  # type: ignore[no-any-return]
    return None


def scalar(text: str, style: str | None = None) -> ScalarNode:
    """A new scalar; `style` is its quote, None for a plain one."""
    return ScalarNode(_TEXT, text, style=style)
