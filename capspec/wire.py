"""What goes to an upstream and comes back: requests, responses, and the transport that carries them.

The types know nothing of any HTTP library, so that the library under them can be swapped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from capspec.errors import BodySizeError

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names as written, in order; compare them without case (RFC 9110, 5.1)."""


def header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first value of a header, or None."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a client is on its TLS connections, and whom it trusts there; everything is PEM.

    `key` is the private key of the first of the `certificates`, encrypted with `passphrase`; without
    certificates there is no key. `authorities` are trusted instead of the public ones; none means those.
    """

    certificates: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    passphrase: bytes = field(default=b"", repr=False)
    authorities: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, complete and encoded: `url` is absolute, `body` is bytes or a stream of them.

    `identity` is shown on the connection, which no request with another one shares. With `verbatim` the path
    and the query are sent character for character, and the answer's body stays compressed as it came.
    `whole_limit` is how many bytes of a streamed body `whole` may read.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes | AsyncIterator[bytes] | None = None
    identity: Identity | None = None
    verbatim: bool = False
    whole_limit: int | None = None

    def with_header(self, name: str, value: str) -> Request:
        """The same request with this header set, replacing any of the name."""
        kept = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def identified(self, identity: Identity) -> Request:
        """The same request over a connection that shows this identity."""
        return replace(self, identity=identity)

    async def whole(self) -> Request:
        """The same request with a streamed body read, so that it can be signed, or sent twice.

        Its length is no longer said in a header, because it may be changed yet. Raises BodySizeError over the
        limit.
        """
        if self.body is None or isinstance(self.body, bytes):
            return self
        content = bytearray()
        async for part in self.body:
            content += part
            if self.whole_limit is not None and len(content) > self.whole_limit:
                raise BodySizeError(
                    f"the request body is over {self.whole_limit} bytes, and has to be signed as a whole",
                    hint="send less",
                )
        kept = tuple(item for item in self.headers if item[0].lower() != "content-length")
        return replace(self, body=bytes(content), headers=kept)


@dataclass(slots=True, kw_only=True)
class Response:
    """An answer whose body has not been read yet. `close` must be called, read or not."""

    status: int
    headers: Headers
    chunks: AsyncIterator[bytes]
    closer: Callable[[], Awaitable[None]]
    closed: bool = field(default=False)

    def header(self, name: str) -> str | None:
        return header(self.headers, name)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await self.closer()


Send: TypeAlias = Callable[[Request], Awaitable[Response]]


class Transport(Protocol):
    """Carries requests: one pooled client for the whole process.

    `send` follows no redirects and raises UpstreamError when there is no answer, UpstreamTimeout when
    connecting or reading took too long.
    """

    async def send(self, request: Request) -> Response: ...

    async def close(self) -> None: ...


class Auth(Protocol):
    """Adds credentials to a request, and may answer a challenge by sending once more.

    `send` passes the request on. An auth that cannot get its credentials raises, so that no request goes
    out without them.
    """

    async def authenticate(self, request: Request, send: Send) -> Response: ...
