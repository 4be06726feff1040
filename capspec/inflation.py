"""Compressed bytes to plain ones, in small pieces, so that no input can blow up into memory at once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 64 * 1024
_WRAPPED = zlib.MAX_WBITS | 32
"""zlib's word for: a gzip or a zlib header, whichever is there."""

_HEAD = 2
"""As many bytes tell whether there is a header (RFC 1950, 2.2; RFC 1952, 2.3.1)."""


class Inflation:
    """Undoes the content codings `gzip` and `deflate` (RFC 9110, 8.4.1).

    `feed` and `finish` raise ValueError when the data is damaged or ends too early.
    """

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_WRAPPED)
        self._head: bytes | None = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes give, in pieces of PIECE bytes at most."""
        if self._head is not None:
            data = self._head + data
            self._head = data if len(data) < _HEAD else None
            if self._head is not None:
                return
            self._stream = _stream_for(data)
        piece = b""
        while data or (len(piece) == PIECE and not self._stream.eof):
            if self._stream.eof:
                # A gzip file may have several members (RFC 1952, 2.2).
                self._stream = zlib.decompressobj(_WRAPPED)
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error:
                raise ValueError("the compressed body is damaged") from None
            data = self._stream.unused_data or self._stream.unconsumed_tail
            yield piece

    def finish(self) -> None:
        """Say that no more comes."""
        if self._head != b"" and not self._stream.eof:
            raise ValueError("the compressed body ends too early")


def _stream_for(head: bytes) -> zlib._Decompress:
    """Some servers mean bare deflate data when they say `deflate` (RFC 9110, 8.4.1.2)."""
    probe = zlib.decompressobj(_WRAPPED)
    try:
        probe.decompress(head[:_HEAD])
    except zlib.error:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    return zlib.decompressobj(_WRAPPED)
