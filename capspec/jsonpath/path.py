"""JSONPath text to a JsonPath: compiled once, read many times, and never raising for any document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from capspec.jsonpath import foreign, grammar
from capspec.jsonpath.query import Query
from capspec.jsonpath.run import JsonPathError, Run
from capspec.values import MISSING, Json

NODE_BUDGET: Final = 1_000_000
"""How many nodes one read may visit, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPath:
    """One path, which gives one value when it is `definite`.

    Only one with syntax that no other library has is not `compiled`, and is read by jsonpath-ng, slowly.
    """

    text: str
    definite: bool
    compiled: bool
    _read: Callable[[Json], Json] = field(repr=False)

    def read(self, document: Json, default: Json = None) -> Json:
        """The value at the path, as it stands in the document, so not to be changed.

        A definite path gives its value, or `default` when there is none; null is a value. An indefinite path
        (`*`, `..`, slices, unions, filters) gives a list, empty when nothing matches; but `default` when the
        definite beginning of the path is not there. A function at the end makes a path definite.

        Raises JsonPathBudgetError, and nothing else, when the read would visit too many nodes.
        """
        value = self._read(document)
        return default if value is MISSING else value


@lru_cache(maxsize=4096)
def compile_path(text: str, *, node_budget: int = NODE_BUDGET) -> JsonPath:
    """The path of an expression; `capspec.jsonpath.grammar` has the syntax.

    An empty text finds nothing in any document. `$name` is the member called "$name" of the root, as are all
    names before which no `$.` stands. Raises JsonPathError, with the offset, for what is not a JSONPath.
    """
    try:
        found, compiled = grammar.parse(text), True
    except JsonPathError:
        if not foreign.is_foreign(text):
            raise
        found, compiled = foreign.parse(text), False
    return JsonPath(text=text, definite=found.definite, compiled=compiled, _read=_reader(found, node_budget))


def _reader(found: Query, budget: int) -> Callable[[Json], Json]:
    if found.one is not None:
        return found.one
    select = found.select
    return lambda document: select(document, Run(document, budget))
