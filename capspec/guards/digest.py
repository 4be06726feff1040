"""`type: digest`: callers prove that they know a password without sending it (RFC 7616, qop=auth)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from capspec.clock import SystemClock
from capspec.guards import REALM, Closed, auth_params, missing_of, octets, refuse
from capspec.nonces import Nonces
from capspec.plan import Guard, Inbound, Principal
from capspec.settings import Settings
from capspec.values import Json

SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "username": {"description": "The user's name.", "$ref": "#/$defs/text", "examples": ["{{USERNAME}}"]},
        "password": {
            "description": "The user's password.",
            "$ref": "#/$defs/text",
            "examples": ["{{PASSWORD}}"],
        },
        "realm": {
            "description": "What the password is for, as callers are told.",
            "$ref": "#/$defs/text",
            "examples": ["forecasts"],
        },
    },
}

_SCHEME: Mapping[str, Json] = {"type": "http", "scheme": "digest"}
_ALGORITHMS: Final = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
"""In the order of preference (RFC 7616, 3.7). MD5 is for clients that know no other."""

_PARAMETER = re.compile(
    r'\s*([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))\s*(?:,|$)', re.DOTALL
)
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
"""What every client quotes in the same way, so that it hashes what was meant."""

_COUNT = re.compile(r"[0-9A-Fa-f]{8}")
_NEEDED = ("realm", "nonce", "uri", "response", "cnonce", "nc", "opaque")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What one algorithm makes of the user and the password: H(A1), and the name as `userhash` has it."""

    secret: str = field(repr=False)
    userhash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestGuard:
    """Admits one user with one password. `nonces` is all that changes."""

    username: str
    realm: str
    known: Mapping[str, _Known]
    opaque: str
    nonces: Nonces
    security_scheme: Mapping[str, Json] = field(default_factory=lambda: _SCHEME)

    async def admit(self, request: Inbound) -> Principal:
        offered = _offered(request.headers.get("authorization", ""))
        if offered is None:
            hint = "use HTTP digest authentication"
            refuse("a user name and a password are needed", self._challenges(), hint)
        if not self._is_right(offered, request):
            refuse("the digest credentials are not the right ones", self._challenges())
        # Only who knows the password hears that a nonce is old, and can then go on without asking its user.
        if not self.nonces.take(offered["nonce"], int(offered["nc"], 16)):
            refuse("these digest credentials were used before, or are old", self._challenges(stale=True))
        return Principal(name=self.username, scheme="digest")

    def _is_right(self, offered: Mapping[str, str], request: Inbound) -> bool:
        algorithm = offered.get("algorithm", "MD5").upper()
        known = self.known.get(algorithm)
        if known is None or not all(offered.get(name) for name in _NEEDED):
            return False
        if offered.get("qop") != "auth" or not _COUNT.fullmatch(offered["nc"]):
            return False
        expected = _response(algorithm, known.secret, request.method, offered)
        # All are compared in any case: the time must not tell which one is wrong.
        return all(
            [
                _same(offered["response"].lower(), expected),
                self._is_user(offered, known),
                _same(offered["realm"], self.realm),
                _same(offered["opaque"], self.opaque),
                _same(_origin_form(offered["uri"]), request.target),
            ]
        )

    def _is_user(self, offered: Mapping[str, str], known: _Known) -> bool:
        """By name, by its hash (3.4.4), or by a name with its charset (3.4)."""
        if offered.get("userhash", "").lower() == "true":
            return _same(offered.get("username", "").lower(), known.userhash)
        charset, _, extended = offered.get("username*", "").partition("''")
        if charset.upper() == "UTF-8" and "username" not in offered:
            return hmac.compare_digest(unquote(extended).encode(), self.username.encode())
        return hmac.compare_digest(octets(offered.get("username", "")), self.username.encode())

    def _challenges(self, *, stale: bool = False) -> tuple[str, ...]:
        return _challenges(self.realm, self.opaque, self.nonces.make(), stale=stale)


def _challenges(realm: str, opaque: str, nonce: str, *, stale: bool = False) -> tuple[str, ...]:
    """One for each algorithm, in fields of their own: not every client can take a list apart."""
    quoted = auth_params({"realm": realm, "qop": "auth", "nonce": nonce, "opaque": opaque})
    end = "charset=UTF-8, userhash=true" + (", stale=true" if stale else "")
    return tuple(f"Digest {quoted}, algorithm={algorithm}, {end}" for algorithm in _ALGORITHMS)


def _response(algorithm: str, secret: str, method: str, offered: Mapping[str, str]) -> str:
    """The response that is right (RFC 7616, 3.4.1)."""
    request = _hash(algorithm, f"{method}:{offered['uri']}")
    middle = (offered[name] for name in ("nonce", "nc", "cnonce", "qop"))
    return _hash(algorithm, ":".join((secret, *middle, request)))


def _hash(algorithm: str, text: str) -> str:
    # What came in a header is there as its bytes in Latin-1.
    return _ALGORITHMS[algorithm](octets(text), usedforsecurity=False).hexdigest()


def _same(offered: str, expected: str) -> bool:
    return hmac.compare_digest(octets(offered), octets(expected))


def _offered(authorization: str) -> Mapping[str, str] | None:
    """The parameters of digest credentials, each of them once; None when these are no such credentials."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    found: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None or match[1].lower() in found:
            return None
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = match.end()
    return found


def _origin_form(uri: str) -> str:
    """Path and query: some clients send the absolute URL (RFC 7616, 3.4.6)."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    if parts.scheme not in ("http", "https"):
        return uri
    return uri[len(f"{parts.scheme}://{parts.netloc}") :] or "/"


def compile_guard(settings: Settings) -> Guard:
    """Keys: `username`, `password`; `realm`. Raises CompileError when one is empty."""
    username = settings.text("username", "user")
    password = settings.text("password")
    realm = settings.text("realm", default=REALM)
    nonces = Nonces(SystemClock())
    opaque = hashlib.sha256(realm.encode()).hexdigest()[:32]
    if settings.missing:
        asks = _challenges(realm, opaque, nonces.make())
        return Closed(missing=missing_of(settings), challenge=asks, security_scheme=_SCHEME)
    for name, value in (("username", username), ("password", password), ("realm", realm.strip())):
        if not value:
            raise settings.refuse(
                f"digest authentication has no {name}, so nobody could be let in", hint=f"add '{name}'"
            )
    if not _PLAIN.fullmatch(realm):
        raise settings.refuse("a realm of digest authentication is plain ASCII, without quotes")
    known = {algorithm: _known(algorithm, username, realm, password) for algorithm in _ALGORITHMS}
    return DigestGuard(username=username, realm=realm, known=known, opaque=opaque, nonces=nonces)


def _known(algorithm: str, username: str, realm: str, password: str) -> _Known:
    make = _ALGORITHMS[algorithm]
    return _Known(
        secret=make(f"{username}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest(),
        userhash=make(f"{username}:{realm}".encode(), usedforsecurity=False).hexdigest(),
    )
