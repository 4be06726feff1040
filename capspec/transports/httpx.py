"""Requests to responses over one pool of HTTP/1.1 connections; the only home of the httpx transport.

The pool is used without httpx's client around it: that one would keep cookies from one caller's call for the
next, and read proxies and `.netrc` from the environment. There are no redirects either.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Iterator
from urllib.parse import urlsplit

import httpx

from capspec.errors import CallError, UpstreamError, UpstreamTimeout
from capspec.inflation import Inflation
from capspec.wire import Headers, Request, Response, header

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Methods whose requests may be sent twice (RFC 9110, 9.2.2)."""

_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


def open_transport(
    *,
    connect_timeout: float = 10.0,
    read_timeout: float | None = None,
    max_connections: int = 100,
    idle_timeout: float = 30.0,
    tls: ssl.SSLContext | None = None,
) -> HttpxTransport:
    """A transport with its own pool. All times are seconds.

    `read_timeout` bounds each wait for bytes; by default only the caller's own deadline does. `tls` is how
    certificates are checked: by default against the certifi bundle, or SSL_CERT_FILE and SSL_CERT_DIR.
    """
    pool = httpx.AsyncHTTPTransport(
        verify=tls or True,
        trust_env=True,
        limits=httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=idle_timeout,
        ),
    )
    return HttpxTransport(pool, httpx.Timeout(read_timeout, connect=connect_timeout, pool=None))


class HttpxTransport:
    """Sends requests, and hands out bodies as they come, decompressed."""

    def __init__(self, pool: httpx.AsyncBaseTransport, timeout: httpx.Timeout) -> None:
        self._pool = pool
        self._timeout = timeout

    async def send(self, request: Request) -> Response:
        host = urlsplit(request.url).netloc
        try:
            answer = await self._exchange(request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            # The library's own texts may quote headers, so they are not kept as a cause.
            raise _failure(error, host) from None
        return _incoming(answer, host)

    async def close(self) -> None:
        await self._pool.aclose()

    async def _exchange(self, request: Request) -> httpx.Response:
        """Send; once more when the server had closed a pooled connection, and sending twice does no harm."""
        trail = _Trail()
        outgoing = _outgoing(request, self._timeout)
        outgoing.extensions["trace"] = trail.note
        try:
            return await self._pool.handle_async_request(outgoing)
        except _BROKEN:
            replayable = request.body is None or isinstance(request.body, bytes)
            if trail.connected or not replayable or request.method not in IDEMPOTENT:
                raise
        return await self._pool.handle_async_request(_outgoing(request, self._timeout))


class _Trail:
    """Notes whether a request opened a connection of its own."""

    def __init__(self) -> None:
        self.connected = False

    async def note(self, name: str, info: object) -> None:
        del info
        self.connected = self.connected or name == "connection.connect_tcp.started"


def _outgoing(request: Request, timeout: httpx.Timeout) -> httpx.Request:
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers]
    headers.append((b"Accept-Encoding", b"gzip, deflate"))
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        content=request.body,
        extensions={"timeout": timeout.as_dict()},
    )


# -- the way back -----------------------------------------------------------------------------------------


def _incoming(answer: httpx.Response, host: str) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    inflation = _inflation(header(headers, "content-encoding") or "")
    if inflation is not None:
        headers = _without(headers, "content-encoding", "content-length")
    chunks = _chunks(answer, inflation, host)

    async def close() -> None:
        await chunks.aclose()
        await answer.aclose()

    return Response(status=answer.status_code, headers=headers, chunks=chunks, closer=close)


def _inflation(coding: str) -> Inflation | None:
    return Inflation() if coding.strip().lower() in ("gzip", "x-gzip", "deflate") else None


def _without(headers: Headers, *names: str) -> Headers:
    return tuple(item for item in headers if item[0].lower() not in names)


async def _chunks(answer: httpx.Response, inflation: Inflation | None, host: str) -> AsyncGenerator[bytes]:
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    try:
        async for part in answer.stream:
            for piece in (part,) if inflation is None else inflation.feed(part):
                if piece:
                    yield piece
        if inflation is not None:
            inflation.finish()
    except httpx.TransportError as error:
        raise _failure(error, host) from None
    except ValueError as error:
        raise UpstreamError(f"the answer of {host} cannot be read: {error}") from None
    finally:
        await answer.aclose()


# -- failures ---------------------------------------------------------------------------------------------


def _failure(error: Exception, host: str) -> CallError:
    """The error in plain words: which host, and why. Nothing of the request is quoted."""
    if isinstance(error, httpx.ConnectTimeout):
        return UpstreamTimeout(f"no connection with {host} could be made in time")
    if isinstance(error, httpx.TimeoutException):
        return UpstreamTimeout(f"{host} did not go on sending or receiving in time")
    if isinstance(error, httpx.ConnectError):
        return UpstreamError(_connect_message(error, host))
    if isinstance(error, httpx.RemoteProtocolError):
        return UpstreamError(
            f"{host} closed the connection, or sent what is not HTTP, before its answer was complete"
        )
    if isinstance(error, (httpx.LocalProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return UpstreamError(f"the request to {host} cannot be written as HTTP")
    return UpstreamError(f"the connection with {host} broke off")


def _connect_message(error: BaseException, host: str) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate of {host} is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection with {host} could be made: {cause.reason or 'the handshake failed'}"
        if isinstance(cause, socket.gaierror):
            return f"the host name of {host} cannot be found"
        if isinstance(cause, ConnectionRefusedError):
            return f"{host} refuses connections"
    return f"no connection with {host} could be made"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what caused it, and so on, through groups."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
            waiting += filter(None, (cause.__cause__, cause.__context__))
