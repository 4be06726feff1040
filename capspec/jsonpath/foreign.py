"""The jsonpath-ng library's own syntax to a query: `` `sorted` ``, `[\\price]`, `($.price * $.amount)`.

These parts have no equal in RFC 9535 or Jayway, so the library parses and evaluates them. Only what takes
time linear in the document (but for sorting) is let through.
"""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from capspec.jsonpath.functions import is_number
from capspec.jsonpath.query import Query
from capspec.jsonpath.run import JsonPathError, Run
from capspec.values import MISSING, Json

_MARKS = re.compile(r"`|\[\s*[/\\]|^\s*\(")
_ONE = frozenset({"Root", "This", "Child", "Len", "Str", "SortedThis", "Split", "Operation"})
_MANY = frozenset({"Slice", "Wildcard", "Keys", "Descendants"})
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def is_foreign(text: str) -> bool:
    """Whether an expression uses syntax that only jsonpath-ng has."""
    return _MARKS.search(text) is not None


def parse(text: str) -> Query:
    """The query of such an expression. Raises JsonPathError for what is wrong or cannot be let through."""
    tree = _parse(text)
    nodes = list(_walk(tree))
    for node in nodes:
        _restrict(node)
    if sum(_kind(node) == "Descendants" for node in nodes) > 1:
        raise JsonPathError("only one .. can be used together with the syntax of jsonpath-ng")
    return _query(tree, definite=not any(map(_selects_many, nodes)))


def _parse(text: str) -> Any:
    from jsonpath_ng.ext.parser import parse as parse_tree  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            return parse_tree(text)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for some texts
        raise JsonPathError(f"jsonpath-ng cannot read the expression: {error}") from None


def _query(tree: Any, *, definite: bool) -> Query:
    def select(document: Json, run: Run) -> Json:
        _count(document, run)
        try:
            found = [datum.value for datum in tree.find(document)]
        except Exception:  # noqa: BLE001 - whatever the library trips over, the value is not there
            found = []
        if not definite:
            return found
        return found[0] if found else MISSING

    return Query(definite=definite, select=select)


def _count(document: Json, run: Run) -> None:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, dict)):
            run.spend(len(node))
            waiting += node.values() if isinstance(node, dict) else node


def _walk(tree: Any) -> Iterator[Any]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        sides = (getattr(node, "left", None), getattr(node, "right", None))
        waiting += [side for side in sides if hasattr(side, "find")]
        waiting += [path for path, _ in getattr(node, "expressions", None) or ()]


def _restrict(node: Any) -> None:
    kind = _kind(node)
    if kind not in _ONE | _MANY | {"Fields", "Index"}:
        raise JsonPathError(f"{kind} of jsonpath-ng is not supported")
    if kind == "Operation":
        node.op = _numeric(_ARITHMETIC[node.op_symbol])


def _numeric(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Arithmetic on numbers only: a text times a number could fill the memory."""

    def checked(left: Json, right: Json) -> Json:
        if not (is_number(left) and is_number(right)):
            raise TypeError("not a number")
        return calculate(left, right)

    return checked


def _selects_many(node: Any) -> bool:
    kind = _kind(node)
    several = {"Fields": "fields", "Index": "indices"}.get(kind)
    return kind in _MANY or (several is not None and len(getattr(node, several)) > 1)


def _kind(node: Any) -> str:
    return type(node).__name__
