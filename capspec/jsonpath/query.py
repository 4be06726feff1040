"""Segments to a query: one closure that reads a whole path from a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from capspec.jsonpath.functions import Function
from capspec.jsonpath.run import Run
from capspec.jsonpath.segments import Many, One, Segment
from capspec.values import MISSING, Json

Select: TypeAlias = Callable[[Json, Run], Json]
"""A node to the value of a definite path, the list of an indefinite one, or MISSING."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A path, compiled. `definite` says that it gives one value; `one` reads it when that needs no budget."""

    definite: bool
    select: Select
    one: One | None = None


def query(segments: Sequence[Segment], function: Function | None = None) -> Query:
    """The query of these segments, with a function applied to what they give.

    An indefinite path is MISSING when its definite beginning is, and a list, perhaps empty, otherwise.
    """
    ones = tuple(takewhile(bool, (segment.one for segment in segments)))
    start = _chain(segments[: len(ones)])
    rest = tuple(segment.many for segment in segments[len(ones) :])
    if rest:
        return _indefinite(start, rest, function)
    one = start if function is None else _then(start, function)
    return Query(definite=True, one=one, select=lambda node, run: one(node))


def nowhere() -> Query:
    """The query that finds nothing in any document."""
    return Query(definite=True, one=lambda node: MISSING, select=lambda node, run: MISSING)


def _indefinite(start: One, rest: tuple[Many, ...], function: Function | None) -> Query:
    def select(node: Json, run: Run) -> Json:
        first = start(node)
        if first is MISSING:
            return MISSING
        nodes = [first]
        for many in rest:
            nodes = many(nodes, run)
        return nodes

    if function is None:
        return Query(definite=False, select=select)
    return Query(definite=True, select=lambda node, run: function(select(node, run)))


def _chain(segments: Sequence[Segment]) -> One:
    names = tuple(segment.name for segment in segments if segment.name is not None)
    ones = tuple(segment.one for segment in segments if segment.one is not None)
    if len(ones) == 1:
        return ones[0]
    if len(names) == len(segments):
        return _named(names) if names else _itself
    return _in_turn(ones)


def _named(names: tuple[str, ...]) -> One:
    *parents, last = names

    def one(node: Json) -> Json:
        for name in parents:
            if not isinstance(node, dict):
                return MISSING
            node = node.get(name)
        return node.get(last, MISSING) if isinstance(node, dict) else MISSING

    return one


def _in_turn(ones: tuple[One, ...]) -> One:
    def one(node: Json) -> Json:
        for step in ones:
            node = step(node)
        return node

    return one


def _then(start: One, function: Function) -> One:
    return lambda node: function(start(node))


def _itself(node: Json) -> Json:
    return node
