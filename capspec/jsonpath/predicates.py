"""Operands and an operator to a filter's condition (RFC 9535, 2.3.5.2.2, and Jayway's operators)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from capspec.jsonpath.functions import NUMBERS, is_number
from capspec.jsonpath.patterns import Pattern
from capspec.jsonpath.query import Query, Select
from capspec.jsonpath.run import Run
from capspec.jsonpath.segments import One, Predicate
from capspec.values import MISSING, Json

Nodes: TypeAlias = Callable[[Json, Run], list[Json]]

_ORDERS: dict[str, Callable[[Json, Json], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A side of an operator.

    `value` reads it, and is absent when it can give several values or is but true or false; `one` reads it
    when that needs only the node; a constant has its `literal`, a path its `nodes`; `test` is what it means
    standing alone.
    """

    value: Select | None = None
    one: One | None = None
    literal: Json = MISSING
    nodes: Nodes | None = None
    test: Predicate | None = None


def constant(literal: Json) -> Operand:
    """A literal of the filter itself."""
    return Operand(value=lambda node, run: literal, literal=literal)


def relative(path: Query) -> Operand:
    """`@…`: a path from the node that the filter looks at."""
    return _path(path.select, path)


def absolute(path: Query) -> Operand:
    """`$…`: a path from the root of the document."""
    select = path.select
    return replace(_path(lambda node, run: select(run.root, run), path), one=None)


def _path(select: Select, path: Query) -> Operand:
    if path.definite:
        return Operand(
            value=select,
            one=path.one,
            nodes=lambda node, run: [found] if (found := select(node, run)) is not MISSING else [],
            test=lambda node, run: select(node, run) is not MISSING,
        )
    return Operand(
        nodes=lambda node, run: select(node, run) or [], test=lambda node, run: bool(select(node, run))
    )


def compare(sign: str, left: Operand, right: Operand) -> Predicate:
    """`left sign right` for operands that have a value. Only two numbers, or two texts, are ordered."""
    if right.one is not None and left.literal is not MISSING:
        left, right, sign = right, left, _MIRRORED[sign]
    if left.one is not None and right.literal is not MISSING:
        return _with_literal(sign, left.one, right.literal)
    return _on_both(sign, _value(left), _value(right))


def _with_literal(sign: str, one: One, literal: Json) -> Predicate:
    if sign == "!=":
        return negated(_with_literal("==", one, literal))
    if literal is None or isinstance(literal, bool):
        same = "=" in sign
        return lambda node, run: same and one(node) is literal
    holds = operator.eq if sign == "==" else _ORDERS[sign]
    kinds = (str,) if isinstance(literal, str) else NUMBERS
    return lambda node, run: type(value := one(node)) in kinds and holds(value, literal)


def _on_both(sign: str, left: Select, right: Select) -> Predicate:
    if sign in _ORDERS:
        return _in_order(sign, left, right)
    wanted = sign == "=="
    return lambda node, run: equal(left(node, run), right(node, run), run) is wanted


def _in_order(sign: str, left: Select, right: Select) -> Predicate:
    holds = _ORDERS[sign]

    def predicate(node: Json, run: Run) -> bool:
        one, other = left(node, run), right(node, run)
        both = (one, other)
        if all(map(is_number, both)) or all(isinstance(side, str) for side in both):
            return holds(one, other)
        return "=" in sign and equal(one, other, run)

    return predicate


def equal(left: Json, right: Json, run: Run) -> bool:
    """Whether two JSON values are the same: a boolean is no number, and MISSING equals only itself."""
    pairs = [(left, right)]
    while pairs:
        left, right = pairs.pop()
        if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            run.spend(len(left))
            pairs += zip(left, right, strict=True)
        elif isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
            run.spend(len(left))
            pairs += ((value, right[name]) for name, value in left.items())
        elif isinstance(left, (bool, list, dict)) or isinstance(right, (bool, list, dict)):
            if left is not right:
                return False
        elif left != right:
            return False
    return True


def within(left: Operand, right: Operand, *, inside: bool) -> Predicate:
    """`in` and `nin`: whether a value is one of an array's elements. What is missing is in no array."""
    value_of, array_of = _value(left), _value(right)

    def predicate(node: Json, run: Run) -> bool:
        value, array = value_of(node, run), array_of(node, run)
        if not isinstance(array, list):
            return not inside
        run.spend(len(array))
        return any(equal(value, item, run) for item in array) is inside

    return predicate


def sized(left: Operand, right: Operand) -> Predicate:
    """`size`: whether an array or a text has this length."""
    value_of, size_of = _value(left), _value(right)

    def predicate(node: Json, run: Run) -> bool:
        value = value_of(node, run)
        return isinstance(value, (list, str)) and equal(len(value), size_of(node, run), run)

    return predicate


def emptied(left: Operand, right: Operand) -> Predicate:
    """`empty true` and `empty false`, of an array, an object or a text."""
    value_of, empty_of = _value(left), _value(right)

    def predicate(node: Json, run: Run) -> bool:
        value = value_of(node, run)
        return isinstance(value, (list, dict, str)) and (not value) is empty_of(node, run)

    return predicate


def like(left: Operand, pattern: Pattern) -> Predicate:
    """Whether a text matches a pattern; nothing else does."""
    value_of = _value(left)

    def predicate(node: Json, run: Run) -> bool:
        value = value_of(node, run)
        return isinstance(value, str) and pattern(value, run)

    return predicate


def every(predicates: Iterable[Predicate]) -> Predicate:
    """`a && b && …`"""
    first, *others = predicates
    for other in others:
        first = _both(first, other)
    return first


def either(predicates: Iterable[Predicate]) -> Predicate:
    """`a || b || …`"""
    first, *others = predicates
    for other in others:
        first = _or(first, other)
    return first


def negated(predicate: Predicate) -> Predicate:
    """`!a`"""
    return lambda node, run: not predicate(node, run)


def _both(first: Predicate, second: Predicate) -> Predicate:
    return lambda node, run: first(node, run) and second(node, run)


def _or(first: Predicate, second: Predicate) -> Predicate:
    return lambda node, run: first(node, run) or second(node, run)


def _value(operand: Operand) -> Select:
    assert operand.value is not None  # the grammar has refused such operands
    return operand.value
