"""A token request to requests that carry its token: fetched once, kept while it holds, then renewed.

The token endpoint is written down, or found in the authorization server's metadata (RFC 8414). Without a
token no request goes out.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from capspec.auth.oauth2.answers import Token, document_of, token_of
from capspec.auth.oauth2.grants import TokenRequest
from capspec.clock import Clock, SystemClock
from capspec.credentials import with_query
from capspec.errors import UpstreamError, UpstreamTimeout
from capspec.wire import Request, Response, Send

_DEADLINE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """How a token travels: in a header after a word, or in the query (RFC 6750, 2)."""

    header: str = "Authorization"
    word: str = "Bearer"
    query: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The headers that it takes, in lower case."""
        return frozenset() if self.query else frozenset({self.header.lower()})

    @property
    def query_names(self) -> frozenset[str]:
        """The query parameters that it takes."""
        return frozenset({self.query}) if self.query else frozenset()

    def laden(self, request: Request, token: Token) -> Request:
        if self.query:
            return replace(request, url=with_query(request.url, self.query, token.value))
        return request.with_header(self.header, f"{self.word} {token.value}".strip())


class FixedToken:
    """Sends requests with a token that somebody else got."""

    urls: tuple[str, ...] = ()

    def __init__(self, token: str, carriage: Carriage) -> None:
        self.names = carriage.names
        self.query_names = carriage.query_names
        self._token = Token(token, math.inf)
        self._carriage = carriage

    async def authenticate(self, request: Request, send: Send) -> Response:
        return await send(self._carriage.laden(request, self._token))


class TokenAuth:
    """Sends requests with a token. `clock` may be replaced before the first request."""

    def __init__(self, request: TokenRequest, carriage: Carriage) -> None:
        self.clock: Clock = SystemClock()
        self.urls = tuple(filter(None, (request.endpoint, request.server)))
        self.names = carriage.names
        self.query_names = carriage.query_names
        self._request = request
        self._carriage = carriage
        self._endpoint = request.endpoint
        self._token: Token | None = None
        self._pending: asyncio.Task[Token] | None = None

    async def authenticate(self, request: Request, send: Send) -> Response:
        """After a 401 the request is sent once more with a new token, if its body allows."""
        token = await self._valid(send)
        response = await send(self._carriage.laden(request, token))
        if response.status != 401:
            return response
        if self._token is token:
            self._token = None
        if request.body is not None and not isinstance(request.body, bytes):
            return response
        await response.close()
        return await send(self._carriage.laden(request, await self._valid(send)))

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
                asked = self._request.to(self._endpoint, self.clock.wall())
                answer = await document_of(await send(asked), _host(self._endpoint))
        except TimeoutError:
            raise UpstreamTimeout(
                f"no access token came from {_host(self.urls[0])} within {_DEADLINE:g} s"
            ) from None
        self._request.grant.learn(answer)
        any_type = bool(self._carriage.query) or self._carriage.word != "Bearer"
        return token_of(answer, began, _host(self._endpoint), any_type=any_type)

    async def _discovered(self, send: Send) -> str:
        """The token endpoint by the authorization server's metadata (RFC 8414, 3; else OpenID Connect's)."""
        server = self._request.server
        host = _host(server)
        for url in _metadata_urls(server):
            response = await send(Request(method="GET", url=url, headers=(("Accept", "application/json"),)))
            if response.status == 404:
                await response.close()
                continue
            metadata = await document_of(response, host)
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


def _host(url: str) -> str:
    return urlsplit(url).netloc
