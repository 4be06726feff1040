"""Signed access tokens (JWT: RFC 7519, 8725 and 9068) to their claims, by the keys of who issued them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from capspec.tokens import Expected, InvalidToken
from capspec.tokens.keys import ALGORITHMS, KeySet, PublicKey
from capspec.values import Json
from capspec.wire import Send

_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""What an access token may call itself: other JWTs of its server are for other things (RFC 8725, 3.11)."""

_MAX_TRIED = 8
"""How many keys are tried on a token that does not name its own."""

_BROKEN: Final = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (jwt.ExpiredSignatureError, "Token expired"),
    (jwt.ImmatureSignatureError, "Token not yet valid"),
    (jwt.InvalidIssuerError, "Invalid issuer"),
    (jwt.InvalidAudienceError, "Invalid audience"),
    (jwt.InvalidSignatureError, "Invalid signature"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTokens:
    """Verifies tokens here, with keys that are kept. `algorithms` are some of `ALGORITHMS`."""

    expected: Expected
    keys: KeySet
    algorithms: tuple[str, ...]

    async def claims(self, token: str, send: Send) -> Mapping[str, Json]:
        header = _header(token)
        algorithm = header.get("alg")
        if algorithm not in self.algorithms or algorithm not in ALGORITHMS:
            raise InvalidToken("Unsupported algorithm")
        keys = await self.keys.fitting(algorithm, header.get("kid"), send)
        if not keys:
            raise InvalidToken("Unknown key")
        for key in keys[:_MAX_TRIED]:
            try:
                return self._verified(token, key, algorithm)
            except jwt.InvalidSignatureError:
                continue
            except _BROKEN as error:
                raise InvalidToken(_reason(error)) from None
        raise InvalidToken("Invalid signature")

    def _verified(self, token: str, key: PublicKey, algorithm: str) -> Mapping[str, Json]:
        claims: Mapping[str, Json] = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=list(self.expected.audiences),
            issuer=self.expected.issuers,
            leeway=self.expected.leeway,
            options={"require": ["exp", "iss", "aud"]},
        )
        return claims


def _header(token: str) -> Mapping[str, Any]:
    """The header of a token, so far as it is one that may be looked at. Nothing in it is followed."""
    try:
        header = jwt.get_unverified_header(token)
    except _BROKEN:
        raise InvalidToken("Malformed token") from None
    if str(header.get("typ", "")).lower() not in _TYPES:
        raise InvalidToken("Not an access token")
    if not isinstance(header.get("alg"), str):
        raise InvalidToken("Unsupported algorithm")
    return header


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"Missing {error.claim} claim"
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "Malformed token")
