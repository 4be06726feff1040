"""Requests to responses over one pool of HTTP/1.1 connections; the only home of the httpx transport.

The pool is used without httpx's client around it: that one would keep cookies from one caller's call for the
next, and read proxies and `.netrc` from the environment. There are no redirects either.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from capspec.errors import CallError, UpstreamError, UpstreamTimeout
from capspec.inflation import Inflation
from capspec.wire import Headers, Identity, Request, Response, header

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
    Requests with an identity have pools and a TLS set-up of their own, each with the same limits.
    """
    limits = httpx.Limits(
        max_connections=max_connections,
        max_keepalive_connections=max_connections,
        keepalive_expiry=idle_timeout,
    )

    def open_pool(identity: Identity | None) -> httpx.AsyncBaseTransport:
        verify = (tls or True) if identity is None else tls_for(identity)
        return httpx.AsyncHTTPTransport(verify=verify, trust_env=True, limits=limits)

    return HttpxTransport(open_pool, httpx.Timeout(read_timeout, connect=connect_timeout, pool=None))


class HttpxTransport:
    """Sends requests, and hands out bodies as they come, decompressed."""

    def __init__(
        self, open_pool: Callable[[Identity | None], httpx.AsyncBaseTransport], timeout: httpx.Timeout
    ) -> None:
        self._open_pool = open_pool
        self._pools: dict[Identity | None, httpx.AsyncBaseTransport] = {None: open_pool(None)}
        self._timeout = timeout

    async def send(self, request: Request) -> Response:
        try:
            answer = await self._exchange(request)
        except (httpx.TransportError, httpx.InvalidURL, ssl.SSLError) as error:
            # The library's own texts may quote headers, so they are not kept as a cause.
            raise _failure(error) from None
        return _incoming(answer, inflate=not request.verbatim)

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    def _pool(self, identity: Identity | None) -> httpx.AsyncBaseTransport:
        pool = self._pools.get(identity)
        if pool is None:
            pool = self._pools[identity] = self._open_pool(identity)
        return pool

    async def _exchange(self, request: Request) -> httpx.Response:
        """Send; once more when the server had closed a pooled connection, and sending twice does no harm."""
        pool = self._pool(request.identity)
        trail = _Trail()
        outgoing = _outgoing(request, self._timeout)
        outgoing.extensions["trace"] = trail.note
        try:
            return await pool.handle_async_request(outgoing)
        except _BROKEN:
            replayable = request.body is None or isinstance(request.body, bytes)
            if trail.connected or not replayable or request.method not in IDEMPOTENT:
                raise
        return await pool.handle_async_request(_outgoing(request, self._timeout))


class _Trail:
    """Notes whether a request opened a connection of its own."""

    def __init__(self) -> None:
        self.connected = False

    async def note(self, name: str, info: object) -> None:
        del info
        self.connected = self.connected or name == "connection.connect_tcp.started"


def _outgoing(request: Request, timeout: httpx.Timeout) -> httpx.Request:
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers]
    extensions: dict[str, Any] = {"timeout": timeout.as_dict()}
    if request.verbatim:
        extensions["target"] = _target(request.url)
    else:
        headers.append((b"Accept-Encoding", b"gzip, deflate"))
    return httpx.Request(
        request.method, request.url, headers=headers, content=request.body, extensions=extensions
    )


def _target(url: str) -> bytes:
    """A URL's path and query as they are written (RFC 9112, 3.2.1): the library would normalise them."""
    parts = urlsplit(url)
    return url[len(f"{parts.scheme}://{parts.netloc}") :].encode("ascii") or b"/"


def tls_for(identity: Identity) -> ssl.SSLContext:
    """The TLS set-up that shows an identity. Raises UpstreamError when the TLS library does not take it."""
    try:
        if identity.authorities:
            tls = ssl.create_default_context(cadata=identity.authorities.decode("ascii"))
        else:
            tls = httpx.create_ssl_context(trust_env=True)
        if identity.certificates:
            _show(tls, identity)
    except ssl.SSLError as error:
        raise UpstreamError(
            f"the client certificate cannot be used: {error.reason or 'TLS refuses it'}"
        ) from None
    return tls


def _show(tls: ssl.SSLContext, identity: Identity) -> None:
    # The TLS library reads files only; the key in this one is encrypted, and nobody else may open it.
    with tempfile.TemporaryDirectory(prefix="capspec-") as folder:
        path = Path(folder, "identity.pem")
        path.write_bytes(identity.key + identity.certificates)
        tls.load_cert_chain(path, password=identity.passphrase)


# -- the way back -----------------------------------------------------------------------------------------


def _incoming(answer: httpx.Response, *, inflate: bool) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    inflation = _inflation(header(headers, "content-encoding") or "") if inflate else None
    if inflation is not None:
        headers = _without(headers, "content-encoding", "content-length")
    chunks = _chunks(answer, inflation)

    async def close() -> None:
        await chunks.aclose()
        await answer.aclose()

    return Response(status=answer.status_code, headers=headers, chunks=chunks, closer=close)


def _inflation(coding: str) -> Inflation | None:
    return Inflation() if coding.strip().lower() in ("gzip", "x-gzip", "deflate") else None


def _without(headers: Headers, *names: str) -> Headers:
    return tuple(item for item in headers if item[0].lower() not in names)


async def _chunks(answer: httpx.Response, inflation: Inflation | None) -> AsyncGenerator[bytes]:
    assert isinstance(answer.stream, httpx.AsyncByteStream)
    try:
        async for part in answer.stream:
            for piece in (part,) if inflation is None else inflation.feed(part):
                if piece:
                    yield piece
        if inflation is not None:
            inflation.finish()
    except (httpx.TransportError, ssl.SSLError) as error:
        raise _failure(error) from None
    except ValueError as error:
        raise UpstreamError(f"the answer of the upstream cannot be read: {error}") from None
    finally:
        await answer.aclose()


# -- failures ---------------------------------------------------------------------------------------------


def _failure(error: Exception) -> CallError:
    """The error in plain words, for callers: which host it was is in the log only. Nothing is quoted."""
    if isinstance(error, httpx.ConnectTimeout):
        return UpstreamTimeout("no connection with the upstream could be made in time")
    if isinstance(error, httpx.TimeoutException):
        return UpstreamTimeout("the upstream did not go on sending or receiving in time")
    if isinstance(error, httpx.ConnectError):
        return UpstreamError(_connect_message(error))
    if isinstance(error, httpx.RemoteProtocolError):
        return UpstreamError(
            "the upstream closed the connection, or sent what is not HTTP, before its answer was complete"
        )
    if isinstance(error, (httpx.LocalProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return UpstreamError("the request to the upstream cannot be written as HTTP")
    return UpstreamError(_break_message(error))


def _break_message(error: BaseException) -> str:
    # A server that misses a client's certificate, or refuses it, says so after the handshake (RFC 8446, 6.2).
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            return f"the upstream ended the TLS connection: {cause.reason.lower().replace('_', ' ')}"
    return "the connection with the upstream broke off"


def _connect_message(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate of the upstream is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return (
                f"no TLS connection with the upstream could be made: {cause.reason or 'the handshake failed'}"
            )
        if isinstance(cause, socket.gaierror):
            return "the host name of the upstream cannot be found"
        if isinstance(cause, ConnectionRefusedError):
            return "the upstream refuses connections"
    return "no connection with the upstream could be made"


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
