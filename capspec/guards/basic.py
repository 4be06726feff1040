"""`type: basic`: callers send `Authorization: Basic <user:password>` (RFC 7617, in UTF-8)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from capspec.guards import Closed, challenge, missing_of, refuse, same
from capspec.plan import Guard, Inbound, Principal
from capspec.settings import Settings
from capspec.values import Json

_SCHEME: Mapping[str, Json] = {"type": "http", "scheme": "basic"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicGuard:
    """Admits one user with one password."""

    username: str
    password: str = field(repr=False)
    challenge: str
    security_scheme: Mapping[str, Json] = field(default_factory=lambda: _SCHEME)

    async def admit(self, request: Inbound) -> Principal:
        scheme, _, offered = request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "basic" or not offered.strip():
            refuse("a user name and a password are needed", self.challenge, "use HTTP basic authentication")
        user, colon, password = _decoded(offered.strip()).partition(b":")
        # Both are compared in any case: the time must not tell which one is wrong.
        right = [same(user, self.username), same(password, self.password), bool(colon)]
        if not all(right):
            refuse("the user name or the password is not the right one", self.challenge)
        return Principal(name=self.username, scheme="basic")


def _decoded(offered: str) -> bytes:
    try:
        return base64.b64decode(offered, validate=True)
    except (binascii.Error, ValueError):
        return b""


def compile_guard(settings: Settings) -> Guard:
    """Keys: `username`, `password`; `realm`. Raises CompileError when one is empty or cannot be sent."""
    username = settings.text("username", "user")
    password = settings.text("password")
    asks = challenge("Basic", settings, charset="UTF-8")
    if settings.missing:
        return Closed(missing=missing_of(settings), challenge=asks, security_scheme=_SCHEME)
    for name, value in (("username", username), ("password", password)):
        if not value:
            raise settings.refuse(
                f"basic authentication has no {name}, so nobody could be let in", hint=f"add '{name}'"
            )
    if ":" in username:
        raise settings.refuse("a user name of basic authentication cannot have a colon in it")
    return BasicGuard(username=username, password=password, challenge=asks)
