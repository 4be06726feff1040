"""Requests in; only those that were meant for this server go on to the application (DNS rebinding).

A page of another site can make its own name resolve to this machine, and then talk to a local server with
the user's browser. The name is still in `Host`, and the page's site is in `Origin`: both are checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from capspec.edge import ASGIApp, ASGIScope, Receive, SendMessage
from capspec.refusal import refuse

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{0,5})?", re.IGNORECASE)
_REMEMBERED = 256


def is_loopback(host: str) -> bool:
    """Whether an address or name of a listening socket can only be reached from this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def authority_name(authority: str) -> str | None:
    """The name in `host[:port]` (RFC 3986, 3.2.2), lower-case, without brackets; None when it is not one."""
    match = _AUTHORITY.fullmatch(authority)
    return (match[1] or match[2]).lower() if match else None


class HostCheck:
    """An ASGI application around another.

    On a loopback address only the loopback names pass. On any other address every literal IP address
    passes too, because only a name can be rebound. `names` pass in any case; "*" lets everything pass.
    A wrong `Host` is answered with 421 (RFC 9110, 15.5.20), a missing or repeated one with 400 (RFC 9112,
    3.2), an `Origin` of another site with 403.
    """

    def __init__(self, app: ASGIApp, *, host: str, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = LOOPBACK_NAMES | {host.lower()} | {authority_name(name) or name for name in names}
        self._any_address = not is_loopback(host)
        self._any_name = "*" in self._names
        self._known: dict[bytes, str] = {}

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if scope["type"] == "http" and not self._any_name:
            refusal = self._refusal(scope["headers"])
            if refusal is not None:
                await refuse(send, *refusal)
                return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[HTTPStatus, str] | None:
        host: bytes | None = None
        origin: bytes | None = None
        hosts = 0
        for key, value in headers:
            if key == b"host":
                host = value
                hosts += 1
            elif key == b"origin":
                origin = value
        if host is None or hosts > 1:
            return HTTPStatus.BAD_REQUEST, "A request needs exactly one Host header."
        name = self._known.get(host) or self._accept(host)
        if name is None:
            detail = "This server does not answer to that name. --allow-host adds a name."
            return HTTPStatus.MISDIRECTED_REQUEST, detail
        if origin is not None and not self._accepts_origin(origin, name):
            detail = "Pages of that origin may not use this server. --allow-host adds a name."
            return HTTPStatus.FORBIDDEN, detail
        return None

    def _accept(self, host: bytes) -> str | None:
        name = authority_name(host.decode("latin-1"))
        if name is None or not (name in self._names or (self._any_address and _is_address(name))):
            return None
        if len(self._known) < _REMEMBERED:
            self._known[host] = name
        return name

    def _accepts_origin(self, origin: bytes, host: str) -> bool:
        try:
            name = urlsplit(origin.decode("latin-1")).hostname
        except ValueError:
            return False
        return name is not None and (name == host or name in self._names)
