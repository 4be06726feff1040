"""A subject to H.264 pictures (ITU-T H.264, constrained baseline): uncompressed key pictures, then skips."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from capspec.sandbox.media.raster import Colour, colours

_I_PCM = 25  # mb_type of an uncompressed macroblock in an I slice
_FRAME_NUMBER_BITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One video stream: parameter sets, samples (length-prefixed NAL units), and which are key pictures."""

    width: int
    height: int
    sequence_parameters: bytes
    picture_parameters: bytes
    samples: tuple[bytes, ...]
    key_samples: tuple[int, ...]


def encode(subject: tuple[object, ...], *, columns: int, rows: int, frames: int, key_every: int) -> Track:
    """``frames`` pictures of ``columns`` x ``rows`` macroblocks (16 pixels), a new one each ``key_every``."""
    samples, keys = [], []
    for frame in range(frames):
        since_key = frame % key_every
        if since_key == 0:
            keys.append(frame + 1)
            unit = _key_picture(subject, columns, rows, shift=frame / 4, parity=len(keys) % 2)
        else:
            unit = _repeat(columns * rows, since_key)
        samples.append(struct.pack(">I", len(unit)) + unit)
    return Track(
        width=columns * 16,
        height=rows * 16,
        sequence_parameters=_sequence_parameters(columns, rows),
        picture_parameters=_picture_parameters(),
        samples=tuple(samples),
        key_samples=tuple(keys),
    )


def _sequence_parameters(columns: int, rows: int) -> bytes:
    bits = _Bits()
    bits.u(8, 66).u(8, 0xC0).u(8, 30)  # baseline, constrained, level 3.0
    bits.ue(0).ue(_FRAME_NUMBER_BITS - 4).ue(2).ue(1).u(
        1, 0
    )  # ids; picture order is decoding order; one reference
    bits.ue(columns - 1).ue(rows - 1)
    bits.u(1, 1).u(1, 1).u(1, 0).u(1, 0)  # frames only, 8x8 inference, no cropping, no VUI
    return b"\x67" + escaped(bits.trailing())


def _picture_parameters() -> bytes:
    bits = _Bits()
    bits.ue(0).ue(0).u(1, 0).u(1, 0).ue(0)  # ids, CAVLC, one slice group
    bits.ue(0).ue(0).u(1, 0).u(2, 0)  # one reference each, no weighting
    bits.se(0).se(0).se(0).u(1, 1).u(1, 0).u(1, 0)  # quantisers; deblocking control present
    return b"\x68" + escaped(bits.trailing())


def _key_picture(subject: tuple[object, ...], columns: int, rows: int, *, shift: float, parity: int) -> bytes:
    grid = colours(subject, columns * 2, rows * 2, shift=shift)
    bits = _Bits()
    bits.ue(0).ue(7).ue(0).u(_FRAME_NUMBER_BITS, 0).ue(parity)  # an I slice of an IDR picture
    bits.u(1, 0).u(1, 0).se(0).ue(1)  # reference marking, quantiser, no deblocking
    payload = bytearray()
    for y in range(rows):
        for x in range(columns):
            payload += bits.ue(_I_PCM).aligned()
            payload += _macroblock(*grid[2 * y][2 * x : 2 * x + 2], *grid[2 * y + 1][2 * x : 2 * x + 2])
            bits = _Bits()
    return b"\x65" + escaped(bytes(payload) + bits.trailing())


def _macroblock(*quarters: Colour) -> bytes:
    """384 samples, 4:2:0: four flat quarters, top left, top right, bottom left, bottom right."""
    planes = ((8, _luma), (4, _blue), (4, _red))
    out = b""
    for size, sample in planes:
        left_top, right_top, left_low, right_low = (
            bytes([max(1, min(254, round(sample(c))))]) for c in quarters
        )
        out += (left_top * size + right_top * size) * size + (left_low * size + right_low * size) * size
    return out


def _luma(c: Colour) -> float:
    return 0.257 * c[0] + 0.504 * c[1] + 0.098 * c[2] + 16


def _blue(c: Colour) -> float:
    return -0.148 * c[0] - 0.291 * c[1] + 0.439 * c[2] + 128


def _red(c: Colour) -> float:
    return 0.439 * c[0] - 0.368 * c[1] - 0.071 * c[2] + 128


def _repeat(macroblocks: int, number: int) -> bytes:
    """A P slice that skips every macroblock: the picture before, again."""
    bits = _Bits()
    bits.ue(0).ue(5).ue(0).u(_FRAME_NUMBER_BITS, number & 0xFF)
    bits.u(1, 0).u(1, 0).u(1, 0).se(0).ue(1).ue(macroblocks)
    return b"\x41" + escaped(bits.trailing())


def escaped(payload: bytes) -> bytes:
    """``payload`` with emulation prevention: no two zeros followed by a byte below four (H.264, 7.4.1)."""
    out, zeros = bytearray(), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


class _Bits:
    """A bit string, written with H.264's own number codes."""

    def __init__(self) -> None:
        self._text = ""

    def u(self, width: int, value: int) -> _Bits:
        self._text += f"{value:0{width}b}"
        return self

    def ue(self, value: int) -> _Bits:
        code = f"{value + 1:b}"
        self._text += "0" * (len(code) - 1) + code
        return self

    def se(self, value: int) -> _Bits:
        return self.ue(2 * value - 1 if value > 0 else -2 * value)

    def aligned(self) -> bytes:
        """Everything written, padded with zeros to a whole byte."""
        text = self._text + "0" * (-len(self._text) % 8)
        return int("1" + text, 2).to_bytes(len(text) // 8 + 1, "big")[1:]

    def trailing(self) -> bytes:
        """Everything written, closed with RBSP trailing bits."""
        self._text += "1"
        return self.aligned()
