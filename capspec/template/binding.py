"""Constants into compiled templates: names that are known before any request, and that none can touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from capspec.template.json_text import JsonText
from capspec.template.names import Read
from capspec.template.text import Template, Write, compile_template
from capspec.template.tree import Tree
from capspec.template.writing import Encode
from capspec.values import Json, Missing, Scope

_Read = TypeVar("_Read", Tree, JsonText)


def bind_template(template: Template, constants: Mapping[str, str]) -> Template:
    """The template with these names given; they are no longer among its names, nor looked up in a scope."""
    if not constants:
        return template
    names = tuple(name for name in template.names if name not in constants)
    read, write = template._read, template._write
    if not names:
        value = template.value(constants)
        return replace(
            template, names=(), is_literal=True, is_single=False,
            _read=lambda scope: value, _write=_settled(write, constants), _readers=(),
        )  # fmt: skip
    return replace(
        template,
        names=names,
        _read=_over(read, constants),
        _write=lambda scope, encode: write({**scope, **constants}, encode),
        _readers=tuple(reader for reader in template._readers if reader[0] not in constants),
    )


def literal_template(text: str) -> Template:
    """A template that is just this text, whatever is in it."""
    return bind_template(compile_template("{{text}}"), {"text": text})


def bind_tree(tree: _Read, constants: Mapping[str, str]) -> _Read:
    """A Tree or JsonText with these names given."""
    if not constants:
        return tree
    names = tuple(name for name in tree.names if name not in constants)
    return replace(tree, names=names, _read=_over(tree._read, constants))


def _over(read: Read, constants: Mapping[str, str]) -> Read:
    def layered(scope: Scope) -> Json:
        return read({**scope, **constants})

    return layered


def _settled(write: Write, constants: Mapping[str, str]) -> Write:
    def settled(scope: Scope, encode: Encode | None) -> str | Missing:
        return write(constants, encode)

    return settled
