"""One read of a document: its root, and how many nodes it may still visit."""

from __future__ import annotations

from capspec.values import Json


class JsonPathError(ValueError):
    """An expression is not a JSONPath. The message says why; `offset` (from 0) is where in `text`."""

    def __init__(self, message: str, offset: int = 0, *, text: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.text = text


class JsonPathBudgetError(RuntimeError):
    """A read would visit more nodes than its budget allows: the document is too large for the expression."""


class Run:
    """The root that `$` means inside filters, and the budget, counted in visited nodes."""

    __slots__ = ("left", "root")

    def __init__(self, root: Json, budget: int) -> None:
        self.root = root
        self.left = budget

    def spend(self, nodes: int) -> None:
        """Count visited nodes. Raises JsonPathBudgetError when the budget is used up."""
        self.left -= nodes
        if self.left < 0:
            raise JsonPathBudgetError("reading the JSONPath visits too many nodes of the document")
