"""`type: bearer`: callers send `Authorization: Bearer <token>` (RFC 6750), and all have the same token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from capspec.guards import Closed, challenge, missing_of, octets, refuse, same
from capspec.plan import Guard, Inbound, Principal
from capspec.settings import Settings
from capspec.values import Json

_SCHEME: Mapping[str, Json] = {"type": "http", "scheme": "bearer"}
_PRINCIPAL = Principal(name="bearer", scheme="bearer")


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerGuard:
    """Admits who knows the token."""

    token: str = field(repr=False)
    challenge: str
    security_scheme: Mapping[str, Json] = field(default_factory=lambda: _SCHEME)

    async def admit(self, request: Inbound) -> Principal:
        scheme, _, offered = request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not offered.strip():
            refuse(
                "a bearer token is needed", self.challenge, "send the header Authorization: Bearer <token>"
            )
        if not same(octets(offered.strip()), self.token):
            refuse("the bearer token is not the right one", f'{self.challenge}, error="invalid_token"')
        return _PRINCIPAL


def compile_guard(settings: Settings) -> Guard:
    """Keys: `token`; `realm`. Raises CompileError for an empty token."""
    token = settings.text("token", "value").strip()
    asks = challenge("Bearer", settings)
    if settings.missing:
        return Closed(missing=missing_of(settings), challenge=asks, security_scheme=_SCHEME)
    if not token:
        raise settings.refuse(
            "bearer authentication has no token, so nobody could be let in",
            hint="add 'token: \"{{NAME}}\"', with NAME in the keys of a bind",
        )
    return BearerGuard(token=token, challenge=asks)
