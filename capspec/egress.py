"""Which addresses may be contacted: the one place that decides, asked before every request.

An address is allowed when its origin (scheme, host and port; RFC 6454) is that of a URL that the file
names. Everything else is refused, and so is every URL that two parsers could read differently.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

import idna

from capspec.errors import EgressDenied

_PORTS = {"http": 80, "https": 443}
_SUSPECT = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")


class Origin(NamedTuple):
    """Scheme, ASCII host in lower case, and port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


def origin_of(url: str) -> Origin:
    """The origin of an http or https URL. Raises ValueError with a message for people."""
    if _SUSPECT.search(url):
        raise ValueError("the address holds a blank, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the address is not a valid URL") from None
    if parts.scheme not in _PORTS:
        raise ValueError("the address does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("the address holds a user name; put credentials into 'authentication'")
    if port == 0:
        # Some clients take port 0 for the scheme's own port.
        raise ValueError("the address has port 0")
    host = _ascii_host(parts.hostname or "")
    return Origin(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def _ascii_host(host: str) -> str:
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("the address has an IPv6 address that is not valid") from None
    if not host.isascii():
        try:
            host = idna.encode(host.lower()).decode("ascii")
        except idna.IDNAError:
            raise ValueError("the address has a host name that is not valid (RFC 5891)") from None
    host = host.lower()
    if not _HOST.fullmatch(host):
        raise ValueError("the address has no valid host name")
    return host


class Egress:
    """The set of allowed origins. After `freeze` it never changes."""

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._origins: set[Origin] = set()
        self._frozen = False
        for url in urls:
            self.allow(url)

    def allow(self, url: str) -> None:
        """Allow the origin of a URL that the file names. Raises ValueError when the URL is not usable."""
        if self._frozen:
            raise RuntimeError("the egress rules are frozen")
        self._origins.add(origin_of(url))

    def freeze(self) -> Egress:
        """The same rules, closed for changes."""
        self._frozen = True
        return self

    def check(self, url: str) -> None:
        """Raises EgressDenied unless the URL's origin is allowed."""
        try:
            origin = origin_of(url)
        except ValueError as error:
            raise EgressDenied(f"a request was stopped: {error}") from None
        if origin not in self._origins:
            raise EgressDenied(
                f"a request to {origin} was stopped: the file does not name this address",
                hint="name it as 'baseUri', or as an address of 'authentication'",
            )
