"""A subject and a size to a PNG (W3C PNG, 8-bit RGB), its legend in iTXt chunks."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from capspec.sandbox.media.raster import colours

_CELLS = 64


def png(subject: tuple[object, ...], width: int, height: int, legend: Mapping[str, str]) -> bytes:
    """A picture of ``width`` x ``height`` pixels; ``legend`` (ASCII keys to text) goes into iTXt chunks."""
    columns, rows = min(_CELLS, width), min(_CELLS, height)
    runs = _runs(width, columns)
    lines = bytearray()
    for row, repeats in zip(colours(subject, columns, rows), _runs(height, rows), strict=True):
        line = b"\0" + b"".join(bytes(colour) * run for colour, run in zip(row, runs, strict=True))
        lines += line * repeats
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            *(_chunk(b"iTXt", key.encode() + b"\0\0\0\0\0" + text.encode()) for key, text in legend.items()),
            _chunk(b"IDAT", zlib.compress(bytes(lines), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _runs(pixels: int, cells: int) -> list[int]:
    """How many pixels each cell covers, as evenly as whole pixels allow."""
    return [(i + 1) * pixels // cells - i * pixels // cells for i in range(cells)]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
