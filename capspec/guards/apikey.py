"""`type: apikey`: callers send one secret in a header, a query parameter or a cookie of a given name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from capspec.cookies import parse_cookies
from capspec.guards import Closed, challenge, missing_of, octets, refuse, same
from capspec.plan import Guard, Inbound, Principal
from capspec.settings import Settings
from capspec.values import Json

_PLACEMENTS = ("header", "query", "cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyGuard:
    """Admits who knows the value of the key. `placement` is header, query or cookie."""

    key: str
    placement: str
    value: str = field(repr=False)
    challenge: str
    security_scheme: Mapping[str, Json]

    async def admit(self, request: Inbound) -> Principal:
        offered = self._offered(request)
        if not offered:
            refuse("an API key is needed", self.challenge, f"send it in the {self.placement} '{self.key}'")
        if not same(offered, self.value):
            refuse("the API key is not the right one", self.challenge)
        return Principal(name=f"apikey:{self.key}", scheme="apikey")

    def _offered(self, request: Inbound) -> bytes:
        if self.placement == "query":
            return request.query.get(self.key, "").encode("utf-8", "surrogateescape")
        if self.placement == "cookie":
            return octets(parse_cookies(request.headers.get("cookie", "")).get(self.key, ""))
        return octets(request.headers.get(self.key.lower(), "").strip())


def compile_guard(settings: Settings) -> Guard:
    """Keys: `key` (or `name`), `value`, `placement` (or `in`: header, query, cookie); `realm`.

    Raises CompileError for an empty name or value, and for another placement.
    """
    key = settings.text("key", "name").strip()
    value = settings.text("value").strip()
    placement = settings.text("placement", "in", default="header").strip().lower()
    if placement not in _PLACEMENTS:
        raise settings.refuse(
            f"'{placement}' is no place for an API key", hint=f"use one of {', '.join(_PLACEMENTS)}"
        )
    if not key and not settings.missing:
        raise settings.refuse("apikey authentication does not name its key", hint="add 'key: X-API-Key'")
    asks = challenge("ApiKey", settings, **{"in": placement, "name": key})
    scheme = {"type": "apiKey", "in": placement, "name": key}
    if settings.missing:
        return Closed(missing=missing_of(settings), challenge=asks, security_scheme=scheme)
    if not value:
        raise settings.refuse(
            "apikey authentication has no value, so nobody could be let in",
            hint="add 'value: \"{{NAME}}\"', with NAME in the keys of a bind",
        )
    return ApiKeyGuard(key=key, placement=placement, value=value, challenge=asks, security_scheme=scheme)
