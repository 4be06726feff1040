"""Nonces that their maker recognises without having kept them, and the counts that each has been used with.

A nonce says when it was made and is signed (RFC 7616, 3.3). Only what was used is remembered, in bounded
space: a nonce that may have been forgotten counts as old.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import struct
from dataclasses import dataclass

from capspec.clock import Clock

_LIFETIME = 300.0
_MAX_REMEMBERED = 4096
_WINDOW = 256
"""How far behind the highest count one may come: requests overtake each other (RFC 4303, 3.4.3)."""

_HEAD = struct.Struct(">Q8s")
_SIGNATURE_BYTES = 16


@dataclass(slots=True)
class _Uses:
    """The highest count, and which of those before it were used: bit n is `highest` - n."""

    highest: int = 0
    seen: int = 0

    def take(self, count: int) -> bool:
        if count > self.highest:
            shift = min(count - self.highest, _WINDOW)
            self.seen = ((self.seen << shift) | 1) & ((1 << _WINDOW) - 1)
            self.highest = count
            return True
        bit = 1 << (self.highest - count) if self.highest - count < _WINDOW else 0
        if not bit or self.seen & bit:
            return False
        self.seen |= bit
        return True


class Nonces:
    """One key, which lasts as long as the process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._key = os.urandom(32)
        self._uses: dict[int, _Uses] = {}
        self._forgotten = -1

    def __repr__(self) -> str:
        return "Nonces(****)"

    def make(self) -> str:
        """A new nonce, of letters, digits, `-` and `_`."""
        head = _HEAD.pack(self._now(), os.urandom(8))
        return base64.urlsafe_b64encode(head + self._signature(head)).decode("ascii")

    def take(self, nonce: str, count: int) -> bool:
        """Whether a nonce is ours, not too old, and was never taken with this count before."""
        head = self._read(nonce)
        if head is None:
            return False
        made, identity = _HEAD.unpack(head)[0], int.from_bytes(head)
        if self._now() - made > _LIFETIME * 1e6 or made > self._now():
            return False
        uses = self._uses.get(identity)
        if uses is None:
            if made <= self._forgotten:
                return False
            self._make_room()
            uses = self._uses[identity] = _Uses()
        return uses.take(count)

    def _make_room(self) -> None:
        """Forget the older half when there are too many; all that were made by then are old from now on."""
        if len(self._uses) < _MAX_REMEMBERED:
            return
        # Identities begin with the time, so their order is that in which they were made.
        for identity in sorted(self._uses)[: _MAX_REMEMBERED // 2]:
            del self._uses[identity]
            self._forgotten = max(self._forgotten, identity >> 64)

    def _read(self, nonce: str) -> bytes | None:
        try:
            content = base64.b64decode(nonce.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return None
        head, signature = content[: _HEAD.size], content[_HEAD.size :]
        return head if hmac.compare_digest(signature, self._signature(head)) else None

    def _signature(self, head: bytes) -> bytes:
        return hmac.digest(self._key, head, "sha256")[:_SIGNATURE_BYTES]

    def _now(self) -> int:
        return int(self.clock.monotonic() * 1e6)
