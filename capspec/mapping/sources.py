"""Where outputs come from: a place in the document, a value of the file, or a template over names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from capspec.jsonpath import JsonPath
from capspec.mapping.shapes import Source
from capspec.template import Template, Tree
from capspec.values import MISSING, Json, Scope


def whole(around: Json, scope: Scope) -> Json:
    """The value around it, unchanged."""
    del scope
    return around


def member(name: str) -> Source:
    """The member of that name of an object."""
    return partial(_member, name)


def path(paths: Sequence[JsonPath]) -> Source:
    """What the first path finds that leads to something, null included."""
    return partial(_found, tuple(paths))


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the file gives."""

    value: Json

    def __call__(self, around: Json, scope: Scope) -> Json:
        del around, scope
        return self.value


def template(text: Template) -> Source:
    """The text with its names put in; of a single name, its value in its own type."""
    return partial(_templated, text)


def tree(data: Tree) -> Source:
    """An object or a list with templates in it."""
    return partial(_rendered, data)


def _member(name: str, around: Json, scope: Scope) -> Json:
    del scope
    return around.get(name) if isinstance(around, dict) else None


def _found(paths: tuple[JsonPath, ...], around: Json, scope: Scope) -> Json:
    del scope
    for item in paths:
        value = item.read(around, MISSING)
        if value is not MISSING:
            return value
    return None


def _templated(text: Template, around: Json, scope: Scope) -> Json:
    del around
    return text.value(scope, None)


def _rendered(data: Tree, around: Json, scope: Scope) -> Json:
    del around
    value = data.render(scope)
    return None if value is MISSING else value
