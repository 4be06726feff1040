"""The bytes of a PNG or JPEG to its size in pixels, and any wished size to one that is worth rendering."""

from __future__ import annotations

import math
import struct

MAX_PIXELS = 2048 * 2048
# Start-of-frame markers: C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset([0x01, *range(0xD0, 0xD8)])


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height as the file's header says them, or None for anything but a PNG or JPEG."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return (width, height) if width and height else None
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return (width, height) if width and height else None
        at += 2 if marker in _STANDALONE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def fit(width: int, height: int) -> tuple[int, int]:
    """``width`` x ``height``, shrunk in proportion to at most ``MAX_PIXELS``; at least one pixel a side."""
    scale = min(1.0, math.sqrt(MAX_PIXELS / (width * height)))
    return max(1, min(int(width * scale), MAX_PIXELS)), max(1, min(int(height * scale), MAX_PIXELS))
