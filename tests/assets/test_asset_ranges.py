"""Range headers (RFC 9110, 14.1.2 and 14.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.assets.ranges import Part, part_of


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("bytes=0-0", Part(0, 0)),
        ("bytes=2-5", Part(2, 5)),
        ("Bytes = 2-99", Part(2, 9)),
        ("bytes=9-", Part(9, 9)),
        ("bytes=-3", Part(7, 9)),
        ("bytes=-99", Part(0, 9)),
    ],
)
def test_a_range_is_a_part(written: str, part: Part):
    assert part_of(written, 10) == part


@pytest.mark.parametrize(
    "written", ["", "bytes=", "bytes=-", "bytes=0-1,3-4", "items=0-1", "bytes=5-2", "bytes=a-b", "0-1"]
)
def test_anything_else_is_the_whole(written: str):
    assert part_of(written, 10) is None


@pytest.mark.parametrize("written", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_without_any_byte_is_refused(written: str):
    with pytest.raises(ValueError, match="no such bytes"):
        part_of(written, 10)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 20))
def test_a_part_is_what_a_slice_is(first: int, last: int, size: int):
    content = bytes(range(size))
    try:
        part = part_of(f"bytes={first}-{last}", size)
    except ValueError:
        assert content[first : last + 1] == b""
        return
    if part is None:
        assert last < first
    else:
        assert content[part.first : part.last + 1] == content[first : last + 1]
        assert part.size == len(content[first : last + 1])
