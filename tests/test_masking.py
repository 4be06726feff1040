"""Masks in what comes in chunks: the same as in the whole, wherever the chunks begin and end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import anyio
from hypothesis import given
from hypothesis import strategies as st

from capspec.masking import Masking

SECRETS = ("abab", "ababcc", "b+bb")
PIECES = st.lists(st.sampled_from([*SECRETS, "b%2Bbb", "a", "b", "c", "+", "-", "aba", "ababc"]), max_size=12)


async def _streamed(masking: Masking, chunks: Sequence[bytes]) -> bytes:
    async def come() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return b"".join([chunk async for chunk in masking.stream(come())])


@given(PIECES, st.lists(st.integers(0, 40), max_size=6))
def test_chunks_are_masked_like_the_whole(pieces: list[str], cuts: list[int]) -> None:
    content, masking = "".join(pieces).encode(), Masking(SECRETS)
    places = [0, *sorted(cuts), len(content)]
    chunks = [content[start:end] for start, end in pairwise(places)]
    found = anyio.run(_streamed, masking, chunks)
    assert found == anyio.run(_streamed, masking, [content])
    assert not any(secret.encode() in found for secret in SECRETS)


def test_without_secrets_everything_passes() -> None:
    masking = Masking(["abc", ""])
    assert not masking
    assert anyio.run(_streamed, masking, [b"a", b"", b"bc"]) == b"abc"
