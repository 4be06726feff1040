"""Secrets out of what goes to a caller: an upstream may have echoed the request that carried them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from capspec.wire import Headers

MASK = "****"
_SHORTEST = 4


class Masking:
    """Replaces secrets by a mask: plain, percent-encoded, or two of them as Basic credentials (RFC 7617)."""

    def __init__(self, secrets: Iterable[str]) -> None:
        everything = tuple(secrets)
        known = [secret for secret in everything if len(secret) >= _SHORTEST]
        pairs = (f"{user}:{password}" for user in everything for password in known)
        encoded = (base64.b64encode(pair.encode()).decode() for pair in pairs) if len(known) < 20 else ()
        quoted = (form(secret) for secret in known for form in (_quoted, quote_plus))
        self._texts = sorted({*known, *encoded, *quoted}, key=len, reverse=True)
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


def _quoted(text: str) -> str:
    return quote(text, safe="")
