"""A subject and a length to a WAV (RIFF, 16-bit mono PCM): a short tune on a pentatonic scale."""

from __future__ import annotations

import io
import math
import struct
import wave

from capspec.sandbox.randomness import seeded

_RATE = 16_000
_NOTES_PER_SECOND = 4
_SEMITONES = (0, 3, 5, 7, 10, 12)


def wav(subject: tuple[object, ...], seconds: float = 2.0) -> bytes:
    """A tune of about ``seconds`` (a whole number of quarter-second notes, at least one)."""
    draw = seeded(*subject)
    notes = [
        220 * 2 ** (draw.choice(_SEMITONES) / 12) for _ in range(max(1, int(seconds * _NOTES_PER_SECOND)))
    ]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(b"".join(map(_note, notes)))
    return out.getvalue()


def _note(frequency: float) -> bytes:
    """One note, faded in and out over 25 ms so that it does not click."""
    length, fade = _RATE // _NOTES_PER_SECOND, _RATE // 40
    step = 2 * math.pi * frequency / _RATE
    samples = (
        int(9000 * min(1, i / fade, (length - i) / fade) * math.sin(step * i))  # a quarter of full scale
        for i in range(length)
    )
    return struct.pack(f"<{length}h", *samples)
