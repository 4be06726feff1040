"""An offset in the text of a document to the node that what stands there belongs to."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from capspec.values import Json


def locate(
    data: Json, root: int, marks: Mapping[int, array[int]], offset: int
) -> tuple[list[str | int], bool]:
    """The way to the innermost node that begins at an offset or before it; and whether that is its key.

    What stands behind a node, such as a comment, counts as its own. In what an alias repeats nothing is
    found: that text stands at the anchor.
    """
    way: list[str | int] = []
    begin = root
    while isinstance(data, dict | list):
        own = marks.get(id(data), array("l"))
        found = _nearest(own, begin, offset)
        if found is None:
            return way, False
        begin = own[found]
        if isinstance(data, list):
            way.append(found)
            data = data[found]
            continue
        key = list(data)[found // 2]
        way.append(key)
        if found % 2 == 0:
            return way, True
        data = data[key]
    return way, False


def _nearest(marks: array[int], begin: int, offset: int) -> int | None:
    """The last mark up to an offset. Those before `begin` belong to what is repeated or merged here."""
    fitting = [(mark, at) for at, mark in enumerate(marks) if begin <= mark <= offset]
    return max(fitting)[1] if fitting else None
