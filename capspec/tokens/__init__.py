"""Access tokens of an OAuth 2.0 authorization server to what they say: verified, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from capspec.values import Json
from capspec.wire import Send


class InvalidToken(Exception):
    """A token is no good. The text is for the caller, in plain ASCII (RFC 6750, 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token has to say: who issued it, and one of those it may be for. `leeway` is seconds."""

    issuer: str
    audiences: tuple[str, ...]
    leeway: float

    @property
    def issuers(self) -> tuple[str, str]:
        """Servers do not agree whether their own name ends in a slash."""
        plain = self.issuer.rstrip("/")
        return plain, f"{plain}/"


class TokenCheck(Protocol):
    """One way to find out what a token says."""

    async def claims(self, token: str, send: Send) -> Mapping[str, Json]:
        """Raises InvalidToken, and AuthUnavailable when the authorization server cannot be asked."""
        ...
