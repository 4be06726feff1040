"""Which addresses may be contacted: the one place that decides, asked before every request.

An address is allowed when its origin (scheme, host and port; RFC 6454) is that of a URL that the file
names, or lies under a name that the file allows (`https://*.example.com`). Everything else is refused, and
so is every URL that two parsers could read differently.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import idna

from capspec.errors import EgressDenied

_PORTS = {"http": 80, "https": 443}
_SUSPECT = re.compile(r"[\x00-\x20\x7f\\]")
LOOPBACK = ("localhost", "127.0.0.1", "::1")

HOST_RULE = re.compile(r"(\*\.)?([^\s/@?#\\:*\[\]]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
"""A host as an author allows it: a name, `*.` before one, or an address; its third group is a port."""

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


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> Origin:
    """What a text allows: a URL's own origin; or, for a host `*.example.com`, that of every name below it.

    Raises ValueError with a message for people. Names below a single label (`*.com`) are too many to allow.
    """
    if "://*." not in text:
        return origin_of(text)
    origin = origin_of(text.replace("://*.", "://", 1))
    labels = origin.host.split(".")
    if ":" in origin.host or len(labels) < 2 or not all(labels) or labels[-1].isdigit():
        raise ValueError(f"'*.{origin.host}' is no pattern: '*.' goes before a domain name of its own")
    return origin._replace(host=f"*.{origin.host}")


def covers(pattern: Origin, origin: Origin) -> bool:
    """Whether a pattern allows an origin. `*.example.com` does not mean `example.com` itself."""
    if pattern.host.startswith("*."):
        within = len(origin.host) > len(pattern.host) - 1 and origin.host.endswith(pattern.host[1:])
        return within and origin._replace(host="") == pattern._replace(host="")
    return pattern == origin


def own_names(base: Origin) -> list[str]:
    """An origin as text; a loopback one under each name that loopback has."""
    names = LOOPBACK if base.host in LOOPBACK else (base.host,)
    return list(dict.fromkeys(str(base._replace(host=host)) for host in (base.host, *names)))


def is_among(url: str, allowed: Iterable[str]) -> bool:
    """Whether the origin of a URL is one that these texts allow (see `pattern_of`)."""
    try:
        origin = origin_of(url)
    except ValueError:
        return False
    return any(covers(pattern_of(text), origin) for text in allowed)


class Egress:
    """The set of allowed origins. After `freeze` it never changes."""

    def __init__(self, urls: Iterable[str] = ()) -> None:
        """`urls` are URLs and patterns, as `pattern_of` reads them."""
        self._origins: set[Origin] = set()
        self._patterns: set[Origin] = set()
        self._frozen = False
        for url in urls:
            self.allow(url)

    def allow(self, url: str) -> None:
        """Allow the origins of a URL or pattern of the file. Raises ValueError when it is not usable."""
        if self._frozen:
            raise RuntimeError("the egress rules are frozen")
        pattern = pattern_of(url)
        (self._patterns if pattern.host.startswith("*.") else self._origins).add(pattern)

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
        if origin not in self._origins and not any(covers(pattern, origin) for pattern in self._patterns):
            raise EgressDenied(
                f"a request to {origin} was stopped: the file does not name this address",
                hint="name it as 'baseUri', or as an address of 'authentication'",
            )

    def check_given(self, url: str, allowed: Iterable[str]) -> None:
        """The same for an address that an upstream's answer gave: it must be among `allowed` too."""
        self.check(url)
        if not is_among(url, allowed):
            raise EgressDenied(
                f"a request to {origin_of(url)} was stopped: an answer named it, the file does not allow it",
                hint="add its host to 'allowHosts'",
            )
