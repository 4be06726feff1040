"""Secrets out of what goes to a caller: an upstream may have echoed the request that carried them."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterable
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
        self._any = re.compile(b"|".join(map(re.escape, self._bytes)) or b"(?!)")

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._texts)

    def content(self, content: bytes) -> bytes:
        for secret in self._bytes:
            content = content.replace(secret, MASK.encode())
        return content

    async def stream(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks with every secret masked, also one that is spread over several of them.

        What may be the beginning of a secret waits for the next chunk.
        """
        longest = max(map(len, self._bytes), default=1)
        held = b""
        async for chunk in chunks:
            done, held = self._passed(held + chunk, longest - 1)
            if done:
                yield done
        if done := self._passed(held, 0)[0]:
            yield done

    def _passed(self, content: bytes, tail: int) -> tuple[bytes, bytes]:
        """What can go on, masked, and what has to wait: at most `tail` bytes at the end."""
        sure = len(content) - tail
        done: list[bytes] = []
        at = 0
        for found in self._any.finditer(content):
            # A longer secret may begin with this one, which only the next chunk tells.
            if found.start() >= sure:
                break
            done += content[at : found.start()], MASK.encode()
            at = found.end()
        rest = max(at, sure)
        return b"".join((*done, content[at:rest])), content[rest:]

    def headers(self, headers: Headers) -> Headers:
        return tuple((name, self.text(value)) for name, value in headers)

    def text(self, text: str) -> str:
        for secret in self._texts:
            text = text.replace(secret, MASK)
        return text


def _quoted(text: str) -> str:
    return quote(text, safe="")
