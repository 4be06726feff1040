"""Amounts of data as people write them."""

from __future__ import annotations

import pytest

from capspec.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("10", 10), ("10B", 10), ("1KiB", 1024), (" 1.5 MiB ", 1_572_864), ("2GiB", 2 * 2**30), ("0", 0)],
)
def test_a_size_is_bytes(text: str, size: int):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "5MB", "5 mib", "-1", "1e3", "1,5MiB", "5MiB5"])
def test_anything_else_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
