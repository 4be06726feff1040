"""Parts of a path to closures: each segment takes nodes to their selected children (RFC 9535, 2.3 and 2.5).

A singular segment also has `one`, from one node to one child, which is what plain paths run on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from capspec.jsonpath.run import Run
from capspec.values import MISSING, Json

One: TypeAlias = Callable[[Json], Json]
"""A node to its one selected child, or MISSING; MISSING gives MISSING."""

Many: TypeAlias = Callable[[Sequence[Json], Run], list[Json]]
"""Nodes to all that is selected in them, in order."""

Predicate: TypeAlias = Callable[[Json, Run], bool]
"""Whether a filter keeps a node."""


_CONTAINERS = (dict, list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One step of a path.

    `one` is there when it selects at most one child of a node; `name` is a member's name, and `names` those
    of a union of nothing but members.
    """

    many: Many
    one: One | None = None
    name: str | None = None
    names: tuple[str, ...] = ()


def member(name: str) -> Segment:
    """`.name`: a member of an object."""

    def one(node: Json) -> Json:
        return node.get(name, MISSING) if isinstance(node, dict) else MISSING

    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        try:
            return [node[name] for node in nodes]
        except (KeyError, TypeError):
            return [node[name] for node in nodes if isinstance(node, dict) and name in node]

    return Segment(one=one, many=many, name=name)


def element(index: int) -> Segment:
    """`[n]`: an element of an array; a negative index counts from the end."""

    def one(node: Json) -> Json:
        if isinstance(node, list) and -len(node) <= index < len(node):
            return node[index]
        return MISSING

    return Segment(one=one, many=_each(one))


def length() -> Segment:
    """`.length`: the member of that name when there is one, else the number of elements of an array."""

    def one(node: Json) -> Json:
        if isinstance(node, list):
            return len(node)
        return node.get("length", MISSING) if isinstance(node, dict) else MISSING

    return Segment(one=one, many=_each(one))


def members(names: tuple[str, ...]) -> Segment:
    """`['a','b']` at the end of a path: an object with those members that are there (Jayway)."""

    def one(node: Json) -> Json:
        if not isinstance(node, dict):
            return MISSING
        return {name: node[name] for name in names if name in node} or MISSING

    return Segment(one=one, many=_each(one))


def wildcard() -> Segment:
    """`*`: all members or elements."""

    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        if len(nodes) == 1 and isinstance(nodes[0], list):
            run.spend(len(nodes[0]))
            return nodes[0]
        found: list[Json] = []
        for node in nodes:
            if isinstance(node, list):
                run.spend(len(node))
                found += node
            elif isinstance(node, dict):
                run.spend(len(node))
                found += node.values()
        return found

    return Segment(many=many)


def elements(start: int | None, end: int | None, step: int | None) -> Segment:
    """`[start:end:step]` of arrays; a step of 0 selects nothing (RFC 9535, 2.3.4)."""
    part = slice(start, end, step)

    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        found: list[Json] = []
        for node in nodes:
            if isinstance(node, list):
                run.spend(len(node))
                found += node[part]
        return found

    return Segment(many=_nothing if step == 0 else many)


def union(parts: Sequence[Segment]) -> Segment:
    """`[a, b, …]`: what each selector selects, node by node."""
    selectors = tuple(part.many for part in parts)

    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        run.spend(len(nodes) * len(selectors))
        return [found for node in nodes for select in selectors for found in select((node,), run)]

    names = tuple(part.name for part in parts if part.name is not None)
    return Segment(many=many, names=names if len(names) == len(parts) else ())


def descendants(part: Segment) -> Segment:
    """`..part`: what the selector selects in each node and in all below it, parents first."""
    select, name = part.many, part.name

    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        found: list[Json] = []
        waiting = list(reversed(nodes))
        while waiting:
            node = waiting.pop()
            kind = type(node)
            if kind is not dict and kind is not list:
                continue
            run.spend(len(node) + 1)
            if name is None:
                found += select((node,), run)
            elif kind is dict and name in node:
                found.append(node[name])
            below = reversed(node.values() if kind is dict else node)
            waiting += [child for child in below if type(child) in _CONTAINERS]
        return found

    return Segment(many=many)


def chosen(predicate: Predicate) -> Segment:
    """`[?…]`: the members or elements that a filter keeps (RFC 9535, 2.3.5)."""

    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        found: list[Json] = []
        for node in nodes:
            if isinstance(node, list):
                run.spend(len(node))
                found += [child for child in node if predicate(child, run)]
            elif isinstance(node, dict):
                run.spend(len(node))
                found += [child for child in node.values() if predicate(child, run)]
        return found

    return Segment(many=many)


def _each(one: One) -> Many:
    def many(nodes: Sequence[Json], run: Run) -> list[Json]:
        return [found for found in map(one, nodes) if found is not MISSING]

    return many


def _nothing(nodes: Sequence[Json], run: Run) -> list[Json]:
    return []
