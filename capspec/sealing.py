"""Bytes to a text that nobody can read or change, and back (AES-GCM; NIST SP 800-38D)."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

KEY_BYTES: Final = 32
SHORTEST_SECRET: Final = 16
"""Characters of a secret that keys are made of, at the least."""

_NONCE_BYTES = 12


class Sealer:
    """One key, for one purpose."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """`key` is 32 random bytes. Raises ValueError for any other number."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - few files need it

        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    @classmethod
    def generate(cls) -> Sealer:
        """A key that lasts as long as the process."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def from_secret(cls, secret: str, purpose: str) -> Sealer:
        """The key that a secret stands for (HKDF; RFC 5869), a different one for each purpose.

        Raises ValueError for a secret that is too short to be one.
        """
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters")
        return cls(HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(secret.encode()))

    def __repr__(self) -> str:
        return "Sealer(****)"

    def seal(self, content: bytes, bound_to: bytes) -> str:
        """A text of letters, digits, `-` and `_`. It opens only with the same `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _written(nonce + self._cipher.encrypt(nonce, content, bound_to))

    def open(self, text: str, bound_to: bytes) -> bytes | None:
        """What was sealed; None for a text that this key did not make, for this `bound_to`."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        sealed = _read(text)
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            return None


def _written(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")


def _read(text: str) -> bytes | None:
    """The bytes of a text that is written in the only way that `seal` writes it."""
    if not text.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # Several texts mean the same bytes to a decoder.
    return sealed if _written(sealed) == text else None
