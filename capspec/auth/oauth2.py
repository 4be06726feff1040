"""OAuth 2.0 client credentials (RFC 6749, 4.4): one token is fetched, kept while it holds, and sent along.

The token endpoint is written down, or found in the authorization server's metadata (RFC 8414). Without a
token no request goes out.
"""

from __future__ import annotations

import asyncio
import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from capspec import registry
from capspec.clock import Clock, SystemClock
from capspec.credentials import FixedHeaders, credential
from capspec.egress import origin_of
from capspec.errors import UpstreamError, UpstreamTimeout
from capspec.settings import Settings
from capspec.values import Json
from capspec.wire import Request, Response, Send

_MARGIN = 60.0
"""A token is given up this long before it expires, or after nine tenths of its life if that is later."""

_LIFETIME = 300.0
"""How long a token is kept whose life the server does not tell (RFC 6749, 5.1, lets it be silent)."""

_DEADLINE = 30.0
_MAX_ANSWER = 1024 * 1024
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and until when it is used, in the clock's monotonic seconds."""

    value: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Where tokens are asked for, and with what. One of `endpoint` and `server` is there."""

    endpoint: str
    server: str
    client_id: str
    client_secret: str = field(repr=False)
    method: Literal["basic", "post"]
    parameters: tuple[tuple[str, str], ...]

    def to(self, endpoint: str) -> Request:
        """The request itself (RFC 6749, 2.3.1 and 4.4.2)."""
        fields = [("grant_type", "client_credentials"), *self.parameters]
        headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        if self.method == "basic":
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}".encode()
            headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"))
        else:
            fields += [("client_id", self.client_id), ("client_secret", self.client_secret)]
        return Request(method="POST", url=endpoint, headers=tuple(headers), body=urlencode(fields).encode())


class ClientCredentials:
    """Sends requests with a token. `clock` may be replaced before the first request."""

    names = frozenset({"authorization"})

    def __init__(self, request: TokenRequest) -> None:
        self.clock: Clock = SystemClock()
        self.urls = tuple(filter(None, (request.endpoint, request.server)))
        self._request = request
        self._endpoint = request.endpoint
        self._token: Token | None = None
        self._pending: asyncio.Task[Token] | None = None

    async def authenticate(self, request: Request, send: Send) -> Response:
        """After a 401 the request is sent once more with a new token, if its body allows."""
        token = await self._valid(send)
        response = await send(_with_token(request, token))
        if response.status != 401:
            return response
        if self._token is token:
            self._token = None
        if request.body is not None and not isinstance(request.body, bytes):
            return response
        await response.close()
        return await send(_with_token(request, await self._valid(send)))

    async def _valid(self, send: Send) -> Token:
        if self._token is not None and self.clock.monotonic() < self._token.until:
            return self._token
        # All who wait share one request, and one who gives up does not take it from the others.
        if self._pending is None:
            self._pending = asyncio.create_task(self._renew(send))
            self._pending.add_done_callback(self._settle)
        return await asyncio.shield(self._pending)

    def _settle(self, task: asyncio.Task[Token]) -> None:
        self._pending = None
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    async def _renew(self, send: Send) -> Token:
        try:
            async with self.clock.timeout(_DEADLINE):
                if not self._endpoint:
                    self._endpoint = await self._discovered(send)
                began = self.clock.monotonic()
                answer = await _document(await send(self._request.to(self._endpoint)), _host(self._endpoint))
        except TimeoutError:
            raise UpstreamTimeout(
                f"no access token came from {_host(self.urls[0])} within {_DEADLINE:g} s"
            ) from None
        return _token(answer, began, _host(self._endpoint))

    async def _discovered(self, send: Send) -> str:
        """The token endpoint by the authorization server's metadata (RFC 8414, 3; else OpenID Connect's)."""
        server = self._request.server
        host = _host(server)
        for url in _metadata_urls(server):
            response = await send(Request(method="GET", url=url, headers=(("Accept", "application/json"),)))
            if response.status == 404:
                await response.close()
                continue
            metadata = await _document(response, host)
            if str(metadata.get("issuer")).rstrip("/") != server.rstrip("/"):
                raise UpstreamError(f"the metadata at {host} are those of another authorization server")
            endpoint = metadata.get("token_endpoint")
            if isinstance(endpoint, str):
                return endpoint
        raise UpstreamError(
            f"{host} does not say where it gives out tokens", hint="write the address as 'tokenEndpoint'"
        )


def _metadata_urls(server: str) -> tuple[str, str]:
    parts = urlsplit(server)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )


def _with_token(request: Request, token: Token) -> Request:
    return request.with_header("Authorization", f"Bearer {token.value}")


def _host(url: str) -> str:
    return urlsplit(url).netloc


# -- answers ----------------------------------------------------------------------------------------------


async def _document(response: Response, host: str) -> Mapping[str, Json]:
    """The JSON object in an answer. Of a refusal only the error's code is told (RFC 6749, 5.2)."""
    content = await _content(response, host)
    try:
        document = registry.find("codec", "json").decode(content, "")
    except ValueError:
        document = None
    answer = document if isinstance(document, dict) else {}
    if response.status != 200:
        code = answer.get("error")
        known = isinstance(code, str) and _CODE.fullmatch(code)
        raise _no_token(host, f"{code}" if known else f"HTTP status {response.status}")
    if not answer:
        raise _no_token(host, "its answer is not a JSON object")
    return answer


async def _content(response: Response, host: str) -> bytes:
    content = bytearray()
    try:
        async for part in response.chunks:
            content += part
            if len(content) > _MAX_ANSWER:
                raise _no_token(host, f"its answer is larger than {_MAX_ANSWER} bytes")
    finally:
        await response.close()
    return bytes(content)


def _token(answer: Mapping[str, Json], began: float, host: str) -> Token:
    value, kind = answer.get("access_token"), str(answer.get("token_type", "bearer"))
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
        raise _no_token(host, "its answer holds no usable 'access_token'")
    # Some servers write BearerToken.
    if not kind.lower().startswith("bearer"):
        raise _no_token(host, "its tokens are not bearer tokens")
    life = _lifetime(answer.get("expires_in"))
    return Token(value, began + max(life - _MARGIN, life * 0.9))


def _lifetime(value: Json) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _LIFETIME
    return seconds if 0 <= seconds < math.inf else _LIFETIME


def _no_token(host: str, why: str) -> UpstreamError:
    return UpstreamError(f"no access token came from {host}: {why}")


# -- settings ---------------------------------------------------------------------------------------------

_METHODS: dict[str, Literal["basic", "post"]] = {
    "basic": "basic", "client_secret_basic": "basic", "post": "post", "client_secret_post": "post",
}  # fmt: skip


def compile_auth(settings: Settings) -> ClientCredentials | FixedHeaders:
    """Settings: `clientId`, `clientSecret`, and `tokenEndpoint` or `authorizationServerUri`.

    Also `scopes`, `audience`, `resource` (RFC 8707), and `clientAuthentication`: basic (the default) or post.
    A block with nothing but a `token` sends that one as it is.
    """
    if settings.raw("token") is not None:
        return FixedHeaders({"Authorization": f"Bearer {credential(settings, 'the access token', 'token')}"})
    grant = settings.text("grantType", "grant", default="client_credentials")
    if grant not in ("client_credentials", "clientCredentials"):
        raise settings.refuse(f"the OAuth grant '{grant}' is not supported", hint="use client_credentials")
    word = settings.text("clientAuthentication", "tokenEndpointAuthMethod", default="basic")
    if word not in _METHODS:
        raise settings.refuse(f"'{word}' is not a way to authenticate a client", hint="use basic or post")
    endpoint = _address(settings, "tokenEndpoint", "tokenUrl", "tokenUri")
    server = _address(settings, "authorizationServerUri", "issuer")
    if not (endpoint or server or settings.missing):
        raise settings.refuse("there is no address to get tokens from", hint="write 'tokenEndpoint'")
    fields = {
        "scope": " ".join(settings.texts("scopes", "scope")),
        "audience": settings.text("audience"),
        "resource": settings.text("resource"),
    }
    return ClientCredentials(
        TokenRequest(
            endpoint=endpoint,
            server=server,
            client_id=credential(settings, "the client's id", "clientId", "client_id"),
            client_secret=credential(settings, "the client's secret", "clientSecret", "client_secret"),
            method=_METHODS[word],
            parameters=tuple((name, value) for name, value in fields.items() if value),
        )
    )


def _address(settings: Settings, *names: str) -> str:
    """A URL that can be contacted, or "" when there is none yet."""
    url = settings.text(*names).strip()
    if not url:
        return ""
    try:
        origin_of(url)
    except ValueError as error:
        if settings.missing:
            return ""
        raise settings.refuse(f"'{names[0]}' cannot be used: {error}") from None
    return url
