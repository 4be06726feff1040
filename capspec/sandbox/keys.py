"""An API key to its owner and its account's standing, which the key's last word tells."""

from __future__ import annotations

import hashlib
from enum import StrEnum


class Standing(StrEnum):
    """What is the matter with an account. A key ends in ``-<standing>``; without one it is good."""

    GOOD = "good"
    NO_CREDITS = "nocredits"
    FORBIDDEN = "forbidden"
    REVOKED = "revoked"
    EXPIRED = "expired"
    LIMITED = "limited"


def standing(key: str) -> Standing:
    """The standing that the key's last word names."""
    word = key.rpartition("-")[2]
    return Standing(word) if word in set(Standing) and "-" in key else Standing.GOOD


def owner(key: str) -> str:
    """A name for the key's holder that does not give the key away."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def bearer(authorization: str | None) -> str | None:
    """The token of an ``Authorization: Bearer`` header (RFC 6750), or None."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
