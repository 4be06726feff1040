"""Secrets out of what goes to a caller: an upstream may have echoed the request that carried them."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from capspec.wire import Headers

MASK = "****"
_SHORTEST = 4


class Masking:
    """Replaces the given secrets, and Basic credentials made of two of them (RFC 7617), by a mask."""

    def __init__(self, secrets: Iterable[str]) -> None:
        everything = tuple(secrets)
        known = [secret for secret in everything if len(secret) >= _SHORTEST]
        pairs = (f"{user}:{password}" for user in everything for password in known)
        encoded = (base64.b64encode(pair.encode()).decode() for pair in pairs) if len(known) < 20 else ()
        self._texts = sorted({*known, *encoded}, key=len, reverse=True)
        self._bytes = [text.encode() for text in self._texts]

    def content(self, content: bytes) -> bytes:
        for secret in self._bytes:
            content = content.replace(secret, MASK.encode())
        return content

    def headers(self, headers: Headers) -> Headers:
        return tuple((name, self.text(value)) for name, value in headers)

    def text(self, text: str) -> str:
        for secret in self._texts:
            text = text.replace(secret, MASK)
        return text
