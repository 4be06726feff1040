"""Compressed bytes to plain ones, in small pieces, so that no input can blow up into memory at once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 64 * 1024
_WRAPPED = zlib.MAX_WBITS | 32
"""zlib's word for: a gzip or a zlib header, whichever is there."""


class Inflation:
    """Undoes the content codings `gzip` and `deflate` (RFC 9110, 8.4.1).

    `feed` and `finish` raise ValueError when the data is damaged or ends too early.
    """

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_WRAPPED)
        self._untouched = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes give, in pieces of PIECE bytes at most."""
        while data:
            if self._stream.eof:
                # A gzip file may have several members (RFC 1952, 2.2).
                self._stream = zlib.decompressobj(_WRAPPED)
            piece = self._piece(data)
            data = self._stream.unused_data or self._stream.unconsumed_tail
            yield piece
            while len(piece) == PIECE and not data and not self._stream.eof:
                piece = self._piece(b"")
                yield piece

    def finish(self) -> None:
        """Say that no more comes."""
        if not (self._untouched or self._stream.eof):
            raise ValueError("the compressed body ends too early")

    def _piece(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, PIECE)
        except zlib.error:
            if not self._untouched:
                raise ValueError("the compressed body is damaged") from None
        finally:
            self._untouched = False
        # Some servers mean bare deflate data when they say `deflate` (RFC 9110, 8.4.1.2).
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._piece(data)
