"""What a client says to a token endpoint: its grant (RFC 6749, 4; RFC 7523), and who it is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias
from urllib.parse import quote_plus, urlencode

from capspec.auth.oauth2.assertions import Assertion
from capspec.values import Json
from capspec.wire import Request

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Method: TypeAlias = Literal["basic", "post", "none", "jwt"]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
_CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Grant(Protocol):
    """What entitles to a token: the `fields` of a form, `grant_type` first; `learn` reads the answer."""

    def fields(self, endpoint: str, now: float) -> Pairs: ...

    def learn(self, answer: Mapping[str, Json]) -> None: ...


@dataclass(frozen=True, slots=True)
class FixedGrant:
    """The same words every time: client credentials, a password, an assertion from elsewhere."""

    words: Pairs = field(repr=False)

    def fields(self, endpoint: str, now: float) -> Pairs:
        del endpoint, now
        return self.words

    def learn(self, answer: Mapping[str, Json]) -> None:
        del answer


class RefreshGrant:
    """A refresh token (RFC 6749, 6). A server may replace it; the new one lasts as long as the process."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "RefreshGrant(****)"

    def fields(self, endpoint: str, now: float) -> Pairs:
        del endpoint, now
        return (("grant_type", "refresh_token"), ("refresh_token", self._token))

    def learn(self, answer: Mapping[str, Json]) -> None:
        token = answer.get("refresh_token")
        if isinstance(token, str) and token:
            self._token = token


@dataclass(frozen=True, slots=True)
class AssertionGrant:
    """A JWT that we sign (RFC 7523, 2.1)."""

    assertion: Assertion

    def fields(self, endpoint: str, now: float) -> Pairs:
        return (("grant_type", JWT_BEARER), ("assertion", self.assertion.written(endpoint, now)))

    def learn(self, answer: Mapping[str, Json]) -> None:
        del answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdentity:
    """Who asks, and how it proves that (RFC 6749, 2.3.1; RFC 7523, 2.2; RFC 8705, 2)."""

    id: str
    secret: str = field(repr=False)
    method: Method
    assertion: Assertion | None = None

    def headers(self) -> Pairs:
        if self.method != "basic":
            return ()
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}".encode()
        return (("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"),)

    def fields(self, endpoint: str, now: float) -> Pairs:
        if self.method == "basic" or not self.id:
            return ()
        if self.assertion is not None:
            written = self.assertion.written(endpoint, now)
            return (
                ("client_id", self.id),
                ("client_assertion_type", _CLIENT_ASSERTION),
                ("client_assertion", written),
            )
        secret = (("client_secret", self.secret),) if self.method == "post" else ()
        return (("client_id", self.id), *secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Where tokens are asked for, and with what. One of `endpoint` and `server` is there."""

    endpoint: str
    server: str
    grant: Grant
    client: ClientIdentity
    parameters: Pairs = field(repr=False)

    def to(self, endpoint: str, now: float) -> Request:
        """The request itself (RFC 6749, 2.3.1 and 4). `now` is wall seconds."""
        fields = (*self.grant.fields(endpoint, now), *self.parameters, *self.client.fields(endpoint, now))
        headers = (
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
            *self.client.headers(),
        )
        return Request(method="POST", url=endpoint, headers=headers, body=urlencode(fields).encode())
