"""Texts to where they stand in the block around a place."""

from __future__ import annotations

import pytest

from capspec.document import parse
from capspec.errors import Place

TEXT = """\
list:
  - name: one
    call: a.b
    with:
      x: "{{bad}"
      y: 'a $.c'
    note: |
      first
        $.deep[ here
  - name: two
    with: {x: "{{bad}", z: -1}
    timeout: "{{bad}"
last: "{{bad}"
"""


def found(place: tuple[int, int], text: str, offset: int = 0, key: str = "") -> tuple[int, int]:
    at = parse(TEXT, "f").find(Place("f", *place), text, offset, key=key)
    assert at.source == "f"
    return at.line, at.column


@pytest.mark.parametrize(
    ("place", "text", "offset", "at"),
    [
        ((2, 5), "{{bad}", 0, (5, 11)),
        ((2, 5), "{{bad}", 2, (5, 13)),
        ((3, 11), "{{bad}", 0, (5, 11)),
        ((10, 5), "{{bad}", 0, (11, 16)),
        ((11, 12), "{{bad}", 0, (11, 16)),
        ((1, 1), "$.c", 0, (6, 13)),
        ((2, 5), "first\n  $.deep[ here\n", 8, (9, 9)),
        ((9, 9), "one", 0, (9, 9)),
        ((10, 5), "{{nowhere}}", 3, (10, 5)),
        ((2, 5), "", 0, (2, 5)),
        ((2, 5), "ba", 0, (2, 5)),
        ((13, 7), "{{bad}", 0, (13, 8)),
    ],
)
def test_a_text_is_found_in_the_block_that_a_place_is_in(
    place: tuple[int, int], text: str, offset: int, at: tuple[int, int]
) -> None:
    assert found(place, text, offset) == at


def test_a_text_may_stand_before_the_place() -> None:
    assert found((6, 10), "{{bad}") == (5, 11)


def test_with_a_key_only_its_value_counts() -> None:
    assert found((10, 5), "{{bad}", key="timeout") == (12, 15)
    assert found((10, 5), "{{BAD}", key="timeout") == (12, 15)
    assert found((10, 5), "", key="z") == (11, 28)
    assert found((10, 5), "{{bad}", key="none") == (10, 5)
