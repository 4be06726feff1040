"""An authorization server's name to its metadata (RFC 8414; OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from capspec.egress import is_among
from capspec.errors import AuthUnavailable
from capspec.tokens import Expected
from capspec.tokens.asking import Asking, Shared
from capspec.values import Json
from capspec.wire import Send

_KEPT = 3600.0


class AuthorizationServer:
    """Where one authorization server offers what. `asking` says where it may send us."""

    def __init__(self, expected: Expected, asking: Asking) -> None:
        self._expected = expected
        self._asking = asking
        self._metadata: Mapping[str, Json] | None = None
        self._until = 0.0
        self._shared: Shared[Mapping[str, Json]] = Shared()

    async def endpoint(self, name: str, key: str, send: Send) -> str:
        """The address that the metadata have under a name; `key` is where an author can write it instead.

        Raises AuthUnavailable when there is none, or when it is not of an origin that may be asked.
        """
        if self._metadata is None or self._asking.clock.monotonic() >= self._until:
            self._metadata = await self._shared.get(lambda: self._discovered(send))
            self._until = self._asking.clock.monotonic() + _KEPT
        url = self._metadata.get(name)
        host = urlsplit(self._expected.issuer).netloc
        if not isinstance(url, str) or not url:
            raise AuthUnavailable(f"the metadata at {host} have no '{name}'; write it as '{key}'")
        if not is_among(url, self._asking.urls):
            raise AuthUnavailable(
                f"the '{name}' of {host} is at another origin; allow it by writing it as '{key}'"
            )
        return url

    async def _discovered(self, send: Send) -> Mapping[str, Json]:
        failures = []
        for url in metadata_urls(self._expected.issuer):
            try:
                found = await self._asking.get(url, send)
            except AuthUnavailable as error:
                failures.append(error.reason)
                continue
            if found.get("issuer") not in self._expected.issuers:
                raise AuthUnavailable(f"the metadata at {url} are those of another authorization server")
            return found
        raise AuthUnavailable("no metadata were found: " + "; ".join(dict.fromkeys(failures)))


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Where the metadata are looked for, in this order (RFC 8414, 3.1 and 5)."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )
