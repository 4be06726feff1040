"""A JSON tree with templates in its texts to a Tree: a scope to the same tree with the values put in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from capspec.template.errors import TemplateError
from capspec.template.names import Read
from capspec.template.text import compile_template
from capspec.values import MISSING, Json, Scope

Leaf: TypeAlias = Callable[[str], Read | None]
"""A text to its reader; None when it has no placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A JSON value whose texts are templates; the names of objects are not.

    `names` are those of all placeholders in order, a name each time it is used.
    """

    names: tuple[str, ...]
    is_literal: bool
    _read: Read = field(repr=False)

    def render(self, scope: Scope) -> Json:
        """The tree with all values put in, single placeholders keeping their type.

        A member or an element that is a single missing placeholder is left out; when the whole tree is one,
        the result is MISSING. Parts without placeholders are shared by all results, so not to be changed.
        Raises TemplateRenderError when a Jinja expression fails, JsonPathBudgetError when a JSONPath does.
        """
        return self._read(scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of an object; a reader, where there is one, replaces the constant."""

    name: str
    read_name: Read | None
    value: Json
    read_value: Read | None


def compile_tree(data: Json) -> Tree:
    """The tree of a JSON value. Raises TemplateError, with the offset and the JSON Pointer of the text."""
    names: list[str] = []

    def leaf(text: str) -> Read | None:
        template = compile_template(text)
        names.extend(template.names)
        return None if template.is_literal else template.value

    read = build(data, leaf)
    return Tree(names=tuple(names), is_literal=read is None, _read=read or (lambda scope: data))


def build(node: Json, leaf: Leaf, *, name: Leaf | None = None, pointer: str = "") -> Read | None:
    """The reader of a tree, None when it is constant: `leaf` reads its texts, `name` the names of members."""
    if isinstance(node, str):
        return _located(leaf, node, pointer)
    if isinstance(node, list):
        items = [
            (item, build(item, leaf, name=name, pointer=f"{pointer}/{at}")) for at, item in enumerate(node)
        ]
        return _sequence(items) if any(read for _, read in items) else None
    if not isinstance(node, dict):
        return None
    members = [
        Member(
            name=key,
            read_name=_located(name, key, pointer) if name else None,
            value=value,
            read_value=build(value, leaf, name=name, pointer=f"{pointer}/{_escaped(key)}"),
        )
        for key, value in node.items()
    ]
    return _mapping(members) if any(member.read_name or member.read_value for member in members) else None


def _sequence(items: Sequence[tuple[Json, Read | None]]) -> Read:
    def read(scope: Scope) -> Json:
        made = (constant if item is None else item(scope) for constant, item in items)
        return [value for value in made if value is not MISSING]

    return read


def _mapping(members: Sequence[Member]) -> Read:
    parts = [(member.name, member.read_name, member.value, member.read_value) for member in members]

    def read(scope: Scope) -> Json:
        made = {}
        for name, read_name, constant, read_value in parts:
            value = constant if read_value is None else read_value(scope)
            if value is not MISSING:
                made[name if read_name is None else read_name(scope)] = value
        return made

    return read


def _located(leaf: Leaf, text: str, pointer: str) -> Read | None:
    try:
        return leaf(text)
    except TemplateError as error:
        message = f"{error} of the text at {pointer!r}" if pointer else str(error)
        raise TemplateError(message, error.offset, text=error.text, hint=error.hint) from None


def _escaped(name: object) -> str:
    """A name as a part of a JSON Pointer (RFC 6901, 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")
