"""Compressed bytes to plain ones, piece by piece."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.inflation import PIECE, Inflation


def deflate_bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def members(data: bytes) -> bytes:
    return gzip.compress(data[: len(data) // 2], mtime=0) + gzip.compress(data[len(data) // 2 :], mtime=0)


PACKERS = [gzip.compress, zlib.compress, deflate_bare, members]


def inflated(data: bytes, step: int) -> list[bytes]:
    inflation = Inflation()
    pieces = [piece for at in range(0, len(data), step) for piece in inflation.feed(data[at : at + step])]
    inflation.finish()
    return pieces


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("data", [b"", b"x", b"0123456789" * 50_000, bytes(3 * PIECE)])
@pytest.mark.parametrize("step", [1000, 10**9])
def test_every_coding_is_undone_however_it_arrives(
    pack: Callable[[bytes], bytes], data: bytes, step: int
) -> None:
    assert b"".join(inflated(pack(data), step)) == data


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_header_may_arrive_byte_by_byte(pack: Callable[[bytes], bytes], step: int) -> None:
    assert b"".join(inflated(pack(b"0123456789" * 10), step)) == b"0123456789" * 10


@given(st.integers(-300, 300), st.sampled_from(PACKERS), st.sampled_from([b"0", b"0123456789abcdef"]))
def test_an_end_at_the_edge_of_a_piece_is_an_end(
    more: int, pack: Callable[[bytes], bytes], unit: bytes
) -> None:
    data = (unit * (2 * PIECE))[: PIECE + more]
    assert b"".join(inflated(pack(data), 10**9)) == data


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(PACKERS))
def test_any_data_survives(data: bytes, step: int, pack: Callable[[bytes], bytes]) -> None:
    assert b"".join(inflated(pack(data), step)) == data


def test_no_piece_is_large_however_well_its_input_was_packed() -> None:
    pieces = inflated(gzip.compress(bytes(10_000_000), mtime=0), 10**9)
    assert max(map(len, pieces)) == PIECE
    assert sum(map(len, pieces)) == 10_000_000


def test_a_body_that_was_never_there_is_not_damaged() -> None:
    Inflation().finish()


@pytest.mark.parametrize("pack", PACKERS)
def test_data_that_ends_too_early_is_noticed(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="ends too early"):
        inflated(pack(b"0123456789" * 100)[:-9], 1000)


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"not compressed at all",
        gzip.compress(b"x" * 1000, mtime=0)[:20] + b"\xff" * 50,
        gzip.compress(b"x", mtime=0) + b"junk",
    ],
)
def test_damaged_data_is_noticed(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|ends too early"):
        inflated(data, 1000)
