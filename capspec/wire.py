"""What goes to an upstream and comes back: requests, responses, and the transport that carries them.

The types know nothing of any HTTP library, so that the library under them can be swapped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names as written, in order; compare them without case (RFC 9110, 5.1)."""


def header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first value of a header, or None."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, complete and encoded: `url` is absolute, `body` is bytes or a stream of them."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes | AsyncIterator[bytes] | None = None

    def with_header(self, name: str, value: str) -> Request:
        """The same request with this header set, replacing any of the name."""
        kept = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


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
