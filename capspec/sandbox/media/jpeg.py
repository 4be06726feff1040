"""A subject and a size to a baseline JPEG (ITU-T T.81) of flat 8x8 blocks, its legend in COM segments."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from capspec.sandbox.media.raster import Colour, colours

_CELLS = 64
_MAX_COMMENT = 65_000
# Huffman tables: how many codes there are of each length from 1 to 16, and the values in code order.
_DC_LENGTHS, _DC_VALUES = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), bytes(range(12))
_AC_LENGTHS, _AC_VALUES = bytes([1] + [0] * 15), bytes([0])  # a single code, "0": end of block


def jpeg(subject: tuple[object, ...], width: int, height: int, legend: Mapping[str, str]) -> bytes:
    """A picture of ``width`` x ``height`` pixels; ``legend`` goes into comments, as ``key: text``."""
    components = bytes([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    comments = (f"{key}: {text}".encode()[:_MAX_COMMENT] for key, text in legend.items())
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            *(_segment(0xFE, comment) for comment in comments),
            _segment(0xDB, b"\0" + bytes([8] * 64)),  # all eights: a DC coefficient is then the block's mean
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components),
            _segment(0xC4, b"\x00" + _DC_LENGTHS + _DC_VALUES),
            _segment(0xC4, b"\x10" + _AC_LENGTHS + _AC_VALUES),
            _segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
            _scan(subject, (width + 7) // 8, (height + 7) // 8),
            b"\xff\xd9",
        )
    )


def _scan(subject: tuple[object, ...], columns: int, rows: int) -> bytes:
    """The entropy-coded blocks, left to right and top to bottom."""
    grid = [[_ycc(c) for c in row] for row in colours(subject, min(_CELLS, columns), min(_CELLS, rows))]
    codes = _codes(_DC_LENGTHS, _DC_VALUES)
    bits = _BitWriter()
    previous = [0, 0, 0]
    for y in range(rows):
        row = grid[y * len(grid) // rows]
        for x in range(columns):
            for i, mean in enumerate(row[x * len(row) // columns]):
                _put_block(bits, codes, mean - previous[i])
                previous[i] = mean
    return bits.finish()


def _put_block(bits: _BitWriter, codes: dict[int, tuple[int, int]], difference: int) -> None:
    size = abs(difference).bit_length()
    bits.put(*codes[size])
    if size:
        bits.put(difference if difference > 0 else difference + (1 << size) - 1, size)
    bits.put(0, 1)


def _ycc(colour: Colour) -> tuple[int, int, int]:
    """JFIF's YCbCr, centred on zero."""
    red, green, blue = colour
    return (
        round(0.299 * red + 0.587 * green + 0.114 * blue - 128),
        round(-0.168736 * red - 0.331264 * green + 0.5 * blue),
        round(0.5 * red - 0.418688 * green - 0.081312 * blue),
    )


def _codes(lengths: bytes, values: bytes) -> dict[int, tuple[int, int]]:
    """Each value's canonical Huffman code and its length in bits (T.81, annex C)."""
    code, found, rest = 0, {}, iter(values)
    for length, count in enumerate(lengths, start=1):
        for _ in range(count):
            found[next(rest)] = (code, length)
            code += 1
        code <<= 1
    return found


class _BitWriter:
    """Bits to bytes, a zero stuffed after every 0xFF."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._pending = 0
        self._count = 0

    def put(self, value: int, length: int) -> None:
        self._pending = (self._pending << length) | value
        self._count += length
        while self._count >= 8:
            self._count -= 8
            byte = (self._pending >> self._count) & 0xFF
            self._out += b"\xff\0" if byte == 0xFF else bytes([byte])
        self._pending &= (1 << self._count) - 1

    def finish(self) -> bytes:
        """Everything written, padded with ones to a whole byte."""
        if self._count:
            pad = 8 - self._count
            self.put((1 << pad) - 1, pad)
        return bytes(self._out)


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
