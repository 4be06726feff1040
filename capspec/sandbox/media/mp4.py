"""A subject to an MP4 (ISO/IEC 14496-12 and -15): two seconds of 128x128 H.264."""

from __future__ import annotations

import struct

from capspec.sandbox.media.h264 import Track, encode

_TIMESCALE = 1200
_FRAMES, _RATE = 24, 12
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_DURATION = _FRAMES * _TIMESCALE // _RATE


def mp4(subject: tuple[object, ...]) -> bytes:
    """A film of ``subject``: 24 pictures, 12 a second, a key picture each second."""
    track = encode(subject, columns=8, rows=8, frames=_FRAMES, key_every=_RATE)
    head = _box(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41")
    samples_at = len(head) + len(_movie(track, 0)) + 8
    return head + _movie(track, samples_at) + _box(b"mdat", *track.samples)


def _movie(track: Track, samples_at: int) -> bytes:
    header = _full(
        b"mvhd",
        0,
        struct.pack(">IIIIIH", 0, 0, _TIMESCALE, _DURATION, 0x10000, 0x100) + bytes(10) + _MATRIX + bytes(24),
        struct.pack(">I", 2),
    )
    track_header = _full(
        b"tkhd",
        3,  # enabled, in the movie
        struct.pack(">IIIII", 0, 0, 1, 0, _DURATION) + bytes(16) + _MATRIX,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, _TIMESCALE, _DURATION, 0x55C4, 0)),
        _full(b"hdlr", 0, bytes(4) + b"vide" + bytes(12) + b"video\0"),
        _box(
            b"minf",
            _full(b"vmhd", 1, bytes(8)),
            _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1))),
            _sample_table(track, samples_at),
        ),
    )
    return _box(b"moov", header, _box(b"trak", track_header, media))


def _sample_table(track: Track, samples_at: int) -> bytes:
    """All samples lie in one chunk, ``samples_at`` bytes into the file."""
    count = len(track.samples)
    sizes = struct.pack(f">II{count}I", 0, count, *map(len, track.samples))
    keys = struct.pack(f">I{len(track.key_samples)}I", len(track.key_samples), *track.key_samples)
    return _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), _sample_entry(track)),
        _full(b"stts", 0, struct.pack(">III", 1, count, _TIMESCALE // _RATE)),
        _full(b"stss", 0, keys),
        _full(b"stsc", 0, struct.pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", 0, sizes),
        _full(b"stco", 0, struct.pack(">II", 1, samples_at)),
    )


def _sample_entry(track: Track) -> bytes:
    sps, pps = track.sequence_parameters, track.picture_parameters
    decoder = _box(
        b"avcC",
        bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1]) + struct.pack(">H", len(sps)) + sps,
        b"\x01" + struct.pack(">H", len(pps)) + pps,
    )
    size = struct.pack(">HH", track.width, track.height)
    resolution = struct.pack(">II", 0x480000, 0x480000)  # 72 dpi
    fields = bytes(6) + struct.pack(">H", 1) + bytes(16) + size + resolution + bytes(4) + struct.pack(">H", 1)
    return _box(b"avc1", fields + bytes(32) + struct.pack(">Hh", 24, -1), decoder)


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    """A box of version 0 with ``flags``."""
    return _box(kind, struct.pack(">I", flags), *parts)
