"""The value functions of filters: an argument to an operand (RFC 9535, 2.4.4, 2.4.5 and 2.4.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from capspec.jsonpath.predicates import Nodes, Operand
from capspec.jsonpath.run import Run
from capspec.values import MISSING, Json


def _length(argument: Operand) -> Operand:
    """`length(x)`: of a text, an array or an object."""
    read = argument.value
    if read is None:
        raise ValueError("length() takes what gives one value")

    def value(node: Json, run: Run) -> Json:
        found = read(node, run)
        return len(found) if isinstance(found, (str, list, dict)) else MISSING

    return Operand(value=value)


def _count(argument: Operand) -> Operand:
    """`count(path)`: how many nodes it selects."""
    nodes = _nodes("count", argument)
    return Operand(value=lambda node, run: len(nodes(node, run)))


def _only(argument: Operand) -> Operand:
    """`value(path)`: the value it selects, when that is exactly one."""
    nodes = _nodes("value", argument)

    def value(node: Json, run: Run) -> Json:
        found = nodes(node, run)
        return found[0] if len(found) == 1 else MISSING

    return Operand(value=value)


def _nodes(name: str, argument: Operand) -> Nodes:
    if argument.nodes is None:
        raise ValueError(f"{name}() takes a path")
    return argument.nodes


CALLS: Mapping[str, Callable[[Operand], Operand]] = {"length": _length, "count": _count, "value": _only}
