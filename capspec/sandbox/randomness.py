"""Any words to a random generator: equal words always give the same draws, in every process."""

from __future__ import annotations

import hashlib
import random


def seeded(*words: object) -> random.Random:
    """A generator whose draws are settled by ``words`` alone (SHA-256 of their text, not ``hash``)."""
    digest = hashlib.sha256("\x1f".join(map(str, words)).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))
