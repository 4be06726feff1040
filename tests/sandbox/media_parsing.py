"""Media files to what their structure says, with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass


@dataclass
class Png:
    width: int
    height: int
    text: dict[str, str]
    pixels: bytes


def read_png(data: bytes) -> Png:
    """Every chunk's CRC checked, the pixels inflated."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += 12 + length
    assert [chunks[0][0], chunks[-1][0]] == [b"IHDR", b"IEND"]
    width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
    assert (depth, colour) == (8, 2)
    texts = [body.split(b"\0\0\0\0\0", 1) for kind, body in chunks if kind == b"iTXt"]
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    assert len(pixels) == height * (1 + 3 * width)
    return Png(width, height, {key.decode(): text.decode() for key, text in texts}, pixels)


def read_jpeg(data: bytes) -> dict[int, list[bytes]]:
    """The segments by marker, up to the scan; the scan's stuffing checked."""
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    at, segments = 2, dict[int, list[bytes]]()
    while True:
        assert data[at] == 0xFF
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        segments.setdefault(marker, []).append(data[at + 4 : at + 2 + length])
        at += 2 + length
        if marker == 0xDA:
            break
    scan = data[at:-2]
    assert all(scan[i + 1] == 0 for i in range(len(scan) - 1) if scan[i] == 0xFF)
    return segments


def read_boxes(data: bytes) -> dict[str, bytes]:
    """An MP4's boxes by path, such as `moov/trak/mdia`."""
    found: dict[str, bytes] = {}
    _boxes(data, "", found)
    return found


def _boxes(data: bytes, path: str, found: dict[str, bytes]) -> None:
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        assert 8 <= size <= len(data) - at
        name, body = path + kind.decode(), data[at + 8 : at + size]
        found[name] = body
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            _boxes(body, f"{name}/", found)
        at += size
