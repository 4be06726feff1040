"""Inbound authentication: each module decides by one scheme who a caller is."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol, runtime_checkable

from capspec.errors import AuthError
from capspec.plan import Inbound, Principal
from capspec.settings import Settings
from capspec.values import Json

REALM = "capspec"

METADATA = "/.well-known/oauth-protected-resource"
"""Where the metadata of a resource are, before its path (RFC 9728, 3.1)."""


@runtime_checkable
class Described(Protocol):
    """A guard that can say how to get past it, as a Security Scheme Object of OpenAPI 3.1."""

    @property
    def security_scheme(self) -> Mapping[str, Json]: ...


@runtime_checkable
class Contacting(Protocol):
    """A guard that asks others about callers. `contacts` are URLs whose origins it may send requests to."""

    @property
    def contacts(self) -> tuple[str, ...]: ...


@runtime_checkable
class ProtectedResource(Protocol):
    """A guard that tells callers where to get a token (RFC 9728).

    `resource_metadata` is what is told, at each of `metadata_paths` of the origin, to everybody.
    """

    @property
    def resource_metadata(self) -> Mapping[str, Json]: ...

    @property
    def metadata_paths(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Lets nobody in, because variables of its settings have no value (Guard of `capspec.plan`)."""

    missing: tuple[str, ...]
    challenge: str | tuple[str, ...]
    security_scheme: Mapping[str, Json]

    async def admit(self, request: Inbound) -> Principal:
        names = ", ".join(self.missing)
        raise AuthError(
            f"nobody can be let in: this server's authentication needs {names}, which has no value",
            challenge=self.challenge,
            hint=f"give {names} a value and start the server again",
        )


def missing_of(settings: Settings) -> tuple[str, ...]:
    """The variables without a value, each once."""
    return tuple(dict.fromkeys(settings.missing))


def challenge(scheme: str, settings: Settings, **parameters: str) -> str:
    """A WWW-Authenticate challenge with the realm of the settings (RFC 9110, 11.6.1)."""
    named = {"realm": settings.text("realm", default=REALM), **parameters}
    return f"{scheme} {auth_params(named)}"


def auth_params(parameters: Mapping[str, str]) -> str:
    """Parameters of a challenge, all as quoted strings (RFC 9110, 11.2)."""
    return ", ".join(f'{name}="{_quoted(value)}"' for name, value in parameters.items())


def _quoted(value: str) -> str:
    printable = "".join(char if " " <= char <= "~" else "?" for char in value)
    return printable.replace("\\", "\\\\").replace('"', '\\"')


def same(offered: bytes, expected: str) -> bool:
    """Whether a secret is the right one, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(offered, expected.encode())


def octets(header: str) -> bytes:
    """The bytes that a header's value came as: servers hand them on as Latin-1."""
    try:
        return header.encode("latin-1")
    except UnicodeEncodeError:
        return header.encode()


def refuse(message: str, challenge: str | tuple[str, ...], hint: str = "") -> NoReturn:
    raise AuthError(message, challenge=challenge, hint=hint)
