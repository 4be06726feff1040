"""A JSON Web Key Set (RFC 7517) to the public keys that a token may be signed with; kept, and renewed.

Only public keys of asymmetric algorithms are taken from a set, and each only for its own algorithms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import jwt

from capspec.errors import AuthUnavailable
from capspec.tokens.asking import Asking, Shared
from capspec.tokens.metadata import AuthorizationServer
from capspec.values import Json
from capspec.wire import Send

ALGORITHMS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "RS256": ("RSA", ()),
    "RS384": ("RSA", ()),
    "RS512": ("RSA", ()),
    "PS256": ("RSA", ()),
    "PS384": ("RSA", ()),
    "PS512": ("RSA", ()),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}
"""The algorithms that are ever accepted (RFC 7518, 3.1; RFC 8037), with key type and curves."""

_PUBLIC = ("kty", "crv", "n", "e", "x", "y")
_MIN_RSA_BITS = 2048
_MAX_KEYS = 100
_FRESH = 300.0
_KEPT = 900.0
"""Seconds that keys are used for when no newer ones are to be had."""

_PAUSE = 30.0
"""Seconds between two renewals because of an unknown key, and after a failure while there are keys."""

_RETRY = 5.0
"""Seconds after a failure in which nobody asks again, while there are no keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One key of a set. `algorithm` is "" for a key that does not say what it is for."""

    kid: str | None
    kty: str
    crv: str
    algorithm: str
    key: Any = field(repr=False)

    def fits(self, algorithm: str) -> bool:
        kty, curves = ALGORITHMS[algorithm]
        return self.kty == kty and self.algorithm in ("", algorithm) and (not curves or self.crv in curves)


class KeySet:
    """The keys of one authorization server. `url` is "" when its metadata say where they are."""

    def __init__(self, server: AuthorizationServer, url: str, asking: Asking) -> None:
        self._server = server
        self._url = url
        self._asking = asking
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched = -_KEPT
        self._failed = -_PAUSE
        self._reason = ""
        self._renewed_for_unknown = -_PAUSE
        self._shared: Shared[tuple[PublicKey, ...]] = Shared()

    async def fitting(self, algorithm: str, kid: str | None, send: Send) -> list[PublicKey]:
        """The keys that may have signed a token. Raises AuthUnavailable when there are none to be had."""
        keys = await self._current(send)
        found = _fitting(keys, algorithm, kid)
        if found or not self._may_look_again():
            return found
        self._renewed_for_unknown = self._now()
        return _fitting(await self._renewed(send, pause=_RETRY), algorithm, kid)

    async def _current(self, send: Send) -> tuple[PublicKey, ...]:
        age = self._now() - self._fetched
        if age < _FRESH:
            return self._keys
        if age >= _KEPT:
            return await self._renewed(send, pause=_RETRY)
        # The server may be away for a moment: what it said last holds for a while.
        try:
            return await self._renewed(send, pause=_PAUSE)
        except AuthUnavailable:
            return self._keys

    def _may_look_again(self) -> bool:
        return self._shared.pending or self._now() - self._renewed_for_unknown >= _PAUSE

    async def _renewed(self, send: Send, *, pause: float) -> tuple[PublicKey, ...]:
        if not self._shared.pending and self._now() - self._failed < pause:
            raise AuthUnavailable(self._reason)
        return await self._shared.get(lambda: self._attempt(send))

    async def _attempt(self, send: Send) -> tuple[PublicKey, ...]:
        try:
            self._keys = tuple(_usable(await self._fetch(send)))
        except AuthUnavailable as error:
            self._failed, self._reason = self._now(), error.reason
            raise
        self._fetched = self._now()
        return self._keys

    async def _fetch(self, send: Send) -> list[Json]:
        url = self._url or await self._server.endpoint("jwks_uri", "jwksUri", send)
        keys = (await self._asking.get(url, send)).get("keys")
        if not isinstance(keys, list):
            raise AuthUnavailable(f"what is at {url} is not a set of keys")
        return keys[:_MAX_KEYS]

    def _now(self) -> float:
        return self._asking.clock.monotonic()


def _fitting(keys: Iterable[PublicKey], algorithm: str, kid: str | None) -> list[PublicKey]:
    """The keys with this id; without one, all that could have made such a signature."""
    return [key for key in keys if key.fits(algorithm) and kid in (None, key.kid)]


def _usable(keys: Iterable[Json]) -> Iterator[PublicKey]:
    """The keys of a set that can verify signatures. What cannot be read is left out (RFC 7517, 5)."""
    for item in keys:
        try:
            key = _read(item) if isinstance(item, dict) else None
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if key is not None:
            yield key


def _read(item: Mapping[str, Json]) -> PublicKey | None:
    kid, kty, crv, own = (str(item.get(name) or "") for name in ("kid", "kty", "crv", "alg"))
    if item.get("use", "sig") != "sig" or "verify" not in (item.get("key_ops") or ("verify",)):
        return None
    key = PublicKey(kid=kid or None, kty=kty, crv=crv, algorithm=own, key=None)
    algorithm = next((name for name in ALGORITHMS if key.fits(name)), None)
    if algorithm is None:
        return None
    found = jwt.PyJWK({name: item[name] for name in _PUBLIC if name in item}, algorithm=algorithm).key
    if kty == "RSA" and found.key_size < _MIN_RSA_BITS:
        return None
    return replace(key, key=found)
