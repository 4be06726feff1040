"""A placeholder's name to a lookup in a scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from capspec.values import MISSING, Json, Scope

Read: TypeAlias = Callable[[Scope], Json]
"""A scope to a value, or MISSING."""

_BOUNDARY = re.compile(r"\.|(?=\[-?\d+\])")
_INDEX = re.compile(r"\[(-?\d{1,9})\]\.?|(-?\d{1,9})(?:\.|$)")


def lookup(name: str) -> Read:
    """The reader of a name: the whole name as a key, then level by level, the longest key first.

    `user.ids[0]` is the key "user.ids[0]"; or the first element of "user.ids"; or, in "user", the key
    "ids[0]"; or the first element of its "ids". Arrays are indexed by `[0]` and `.0`.
    """
    if _BOUNDARY.search(name) is None:
        return lambda scope: scope.get(name, MISSING)
    return _below(name)


@lru_cache(maxsize=4096)
def _below(path: str) -> Callable[[Json], Json]:
    heads = tuple((path[: cut.start()], _below(path[cut.end() :])) for cut in _cuts(path))
    element = _element(path)

    def read(node: Json) -> Json:
        if not isinstance(node, (dict, Mapping)):
            return element(node)
        if path in node:
            return node[path]
        for head, below in heads:
            if head in node:
                found = below(node[head])
                if found is not MISSING:
                    return found
        return MISSING

    return read


def _cuts(path: str) -> list[re.Match[str]]:
    """Where a key may end, the longest first."""
    return [cut for cut in _BOUNDARY.finditer(path) if cut.start() > 0][::-1]


def _element(path: str) -> Callable[[Json], Json]:
    found = _INDEX.match(path)
    if found is None:
        return lambda node: MISSING
    index = int(found[1] or found[2])
    rest = path[found.end() :]
    below = _below(rest) if rest else None

    def read(node: Json) -> Json:
        if not isinstance(node, list) or not -len(node) <= index < len(node):
            return MISSING
        return node[index] if below is None else below(node[index])

    return read
