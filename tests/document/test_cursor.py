"""A line and a column to the node that stands there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import document

TEXT = """\
base: &base {path: /a}
items:
  - name: one
    nested: {x: 1, "y": [true, 2]}   # a comment

  - *base
  - <<: *base
    own: |
      text
      more
last:
"""


@pytest.mark.parametrize(
    ("line", "column", "pointer", "is_key"),
    [
        (1, 1, ("base",), True),
        (1, 20, ("base", "path"), False),
        (2, 3, ("items",), True),
        (3, 6, ("items", 0, "name"), True),
        (3, 12, ("items", 0, "name"), False),
        (4, 17, ("items", 0, "nested", "x"), False),
        (4, 21, ("items", 0, "nested", "y"), True),
        (4, 32, ("items", 0, "nested", "y", 1), False),
        (6, 6, ("items", 1), False),
        (10, 8, ("items", 2, "own"), False),
        (11, 2, ("last",), True),
        (99, 99, ("last",), False),
    ],
)
def test_a_place_belongs_to_the_innermost_node_that_begins_before_it(
    line: int, column: int, pointer: document.Pointer, is_key: bool
) -> None:
    assert document.parse(TEXT).at(line, column) == (pointer, is_key)


@given(st.integers(-3, 20), st.integers(-3, 90))
def test_wherever_it_is_there_is_a_node(line: int, column: int) -> None:
    parsed = document.parse(TEXT)
    pointer, is_key = parsed.at(line, column)
    place = parsed.place(pointer, key=is_key)
    assert (place.line, place.column) <= (max(line, 1), max(column, 1)) or pointer == ()
