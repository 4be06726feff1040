"""Access tokens to what their authorization server says of them when it is asked (RFC 7662); kept shortly."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus, urlencode

from capspec.tokens import Expected, InvalidToken
from capspec.tokens.asking import Asking, Shared
from capspec.tokens.metadata import AuthorizationServer
from capspec.values import Json
from capspec.wire import Request, Send

_KEPT = 30.0
_MAX_KEPT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """As whom the server is asked, and how that is proved (RFC 6749, 2.3.1)."""

    id: str
    secret: str = field(repr=False)
    method: Literal["basic", "post"]

    def question(self, url: str, token: str) -> Request:
        """The request that asks about a token (RFC 7662, 2.1)."""
        fields = [("token", token), ("token_type_hint", "access_token")]
        headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        if self.method == "basic":
            pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}".encode()
            headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"))
        else:
            fields += [("client_id", self.id), ("client_secret", self.secret)]
        return Request(method="POST", url=url, headers=tuple(headers), body=urlencode(fields).encode())


class Introspection:
    """Asks about each token, at most once in half a minute. `url` is "" when the metadata say where."""

    def __init__(
        self, expected: Expected, server: AuthorizationServer, url: str, client: Client, asking: Asking
    ) -> None:
        self._expected = expected
        self._server = server
        self._url = url
        self._client = client
        self._asking = asking
        self._kept: dict[bytes, tuple[float, Mapping[str, Json]]] = {}
        self._shared: dict[bytes, Shared[Mapping[str, Json]]] = {}

    async def claims(self, token: str, send: Send) -> Mapping[str, Json]:
        name = hashlib.sha256(token.encode()).digest()
        until, found = self._kept.get(name, (-math.inf, {}))
        if self._asking.clock.monotonic() >= until:
            shared = self._shared.setdefault(name, Shared())
            try:
                found = await shared.get(lambda: self._asked(name, token, send))
            finally:
                self._shared.pop(name, None)
        # What the server said is kept, what follows from it is not: a token may run out meanwhile.
        return _checked(found, self._expected, self._asking.clock.wall())

    async def _asked(self, name: bytes, token: str, send: Send) -> Mapping[str, Json]:
        url = self._url or await self._server.endpoint(
            "introspection_endpoint", "introspectionEndpoint", send
        )
        found = await self._asking.object_from(self._client.question(url, token), send)
        self._kept.pop(name, None)
        while len(self._kept) >= _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = self._asking.clock.monotonic() + _KEPT, found
        return found


def _checked(found: Mapping[str, Json], expected: Expected, now: float) -> Mapping[str, Json]:
    """The claims, when they are those of a token that is good here."""
    if found.get("active") is not True:
        raise InvalidToken("Token not active")
    if "exp" in found and not now < _seconds(found["exp"]) + expected.leeway:
        raise InvalidToken("Token expired")
    if "nbf" in found and not now >= _seconds(found["nbf"]) - expected.leeway:
        raise InvalidToken("Token not yet valid")
    if "iss" in found and found["iss"] not in expected.issuers:
        raise InvalidToken("Invalid issuer")
    audience = found.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    # A token that is for nobody in particular could be one that somebody else was given and passes on.
    if not any(item in expected.audiences for item in audiences):
        raise InvalidToken("Invalid audience")
    return {name: value for name, value in found.items() if name != "active"}


def _seconds(value: Json) -> float:
    """A NumericDate (RFC 7519, 2); anything else compares as false with every time."""
    try:
        return float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return math.nan
