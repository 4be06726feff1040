"""Digest authentication (RFC 7616): the first request asks for a challenge, the second answers it.

httpx does the arithmetic; its types stay in this module.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from capspec.errors import UpstreamError
from capspec.request.encoding import sendable
from capspec.settings import Settings
from capspec.wire import Headers, Request, Response, Send


class Digest:
    """Answers digest challenges. Later requests reuse the last challenge, so that most take one exchange."""

    names = frozenset({"authorization"})
    urls: tuple[str, ...] = ()

    def __init__(self, username: str, password: str) -> None:
        self._digest = httpx.DigestAuth(username.encode(), password.encode())

    async def authenticate(self, request: Request, send: Send) -> Response:
        """A streamed body is read first, because it may have to be sent twice."""
        request = await request.whole()
        mirror = httpx.Request(request.method, request.url, headers=_raw(request.headers, "cookie"))
        flow = self._digest.auth_flow(mirror)
        next(flow)
        response = await send(_signed(request, mirror))
        try:
            flow.send(_seen(response, mirror))
        except StopIteration:
            return response
        except (httpx.HTTPError, KeyError, ValueError, NotImplementedError):
            # What a broken challenge raises is not one kind of error.
            await response.close()
            host = urlsplit(request.url).netloc
            raise UpstreamError(
                f"{host} asks for digest credentials in a way that cannot be answered"
            ) from None
        await response.close()
        return await send(_signed(request, mirror))


def _raw(headers: Headers, *names: str) -> list[tuple[bytes, bytes]]:
    kept = (item for item in headers if item[0].lower() in names)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept]


def _signed(request: Request, mirror: httpx.Request) -> Request:
    # A challenge may come with a cookie that its answer has to bring back.
    for name in ("Authorization", "Cookie"):
        if name in mirror.headers:
            request = request.with_header(name, mirror.headers[name])
    return request


def _seen(response: Response, mirror: httpx.Request) -> httpx.Response:
    headers = _raw(response.headers, "www-authenticate", "set-cookie")
    return httpx.Response(response.status, headers=headers, request=mirror)


def compile_auth(settings: Settings) -> Digest:
    """Settings: `username` and `password`."""
    username, password = settings.text("username", "user"), settings.text("password")
    if not (username or settings.missing):
        raise settings.refuse("the user name is empty", hint="write 'username' and 'password'")
    try:
        sendable(username + password)
    except ValueError as error:
        raise settings.refuse(f"the user name or the password {error}") from None
    if '"' in username or "\\" in username:
        raise settings.refuse("a user name for digest cannot hold quotes or backslashes")
    return Digest(username, password)
