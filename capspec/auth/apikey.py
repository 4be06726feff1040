"""API keys: fixed values in headers, in the query, or in cookies (OpenAPI 3.1, Security Scheme Object)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlencode

from capspec.credentials import checked_credential
from capspec.request.encoding import FRAMING, cookie_pair, is_token
from capspec.settings import Settings
from capspec.wire import Request, Response, Send, header

Placement: TypeAlias = Literal["header", "query", "cookie"]


@dataclass(frozen=True, slots=True)
class Key:
    """One value and where it goes."""

    placement: Placement
    name: str
    value: str = field(repr=False)


class ApiKeys:
    """Puts keys into requests; what a request has in the same places is replaced."""

    urls: tuple[str, ...] = ()

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys
        self.names = frozenset(key.name.lower() for key in keys if key.placement == "header")

    async def authenticate(self, request: Request, send: Send) -> Response:
        for key in self._keys:
            if key.placement == "header":
                request = request.with_header(key.name, key.value)
            elif key.placement == "query":
                request = replace(request, url=_with_query(request.url, key))
            else:
                request = request.with_header("Cookie", _with_cookie(request, key))
        return await send(request)


def compile_auth(settings: Settings) -> ApiKeys:
    """One key, or several.

    One: `key` (the name), `value` and `placement` (header, query or cookie; header when left out). Also
    `name`, `value` and `in`; and `header` (the name) with `key`, `token` or `value`.
    Several: `headers`, a map of names to values; or `parameters`, a list of `name` and `value`.
    """
    default = "query" if settings.text("type") == "query" else "header"
    placement = _placement(settings, settings.text("placement", "in", default=default))
    keys = [_key(settings, "header", name, value) for name, value in settings.mapping("headers").items()]
    for node in settings.node.members("parameters"):
        entry = Settings(node, settings.resolve, settings.missing)
        where = _placement(entry, entry.text("placement", "in", default=placement))
        keys.append(_key(entry, where, entry.text("name", "key"), entry.text("value")))
        node.finish("an authentication parameter")
    return ApiKeys(tuple(keys) or (_single(settings, placement),))


def _single(settings: Settings, placement: Placement) -> Key:
    if settings.raw("header") is not None:
        return _key(settings, "header", settings.text("header"), settings.text("value", "token", "key"))
    if settings.raw("name") is not None:
        return _key(settings, placement, settings.text("name"), settings.text("value", "token", "key"))
    return _key(settings, placement, settings.text("key"), settings.text("value", "token"))


def _placement(settings: Settings, word: str) -> Placement:
    if word not in get_args(Placement):
        raise settings.refuse(
            f"an API key cannot be placed in the {word}", hint=f"use one of {', '.join(get_args(Placement))}"
        )
    return word  # type: ignore[return-value]


def _key(settings: Settings, placement: Placement, name: str, value: str) -> Key:
    name = name.strip()
    if not name:
        raise settings.refuse(
            "the API key has no name", hint="write its name as 'key' and the secret as 'value'"
        )
    if placement != "query" and not is_token(name):
        raise settings.refuse(f"'{name}' is not a name that a {placement} can have")
    if placement == "header" and name.lower() in FRAMING:
        raise settings.refuse(f"the header '{name}' belongs to the connection and cannot hold an API key")
    return Key(placement, name, checked_credential(settings, f"the value of '{name}'", value))


def _with_query(url: str, key: Key) -> str:
    address, _, query = url.partition("?")
    taken = urlencode({key.name: ""})
    kept = [item for item in query.split("&") if item and not (item + "=").startswith(taken)]
    return f"{address}?{'&'.join([*kept, urlencode({key.name: key.value})])}"


def _with_cookie(request: Request, key: Key) -> str:
    before = (header(request.headers, "cookie") or "").split(";")
    kept = [item.strip() for item in before if item.strip() and item.partition("=")[0].strip() != key.name]
    return "; ".join([*kept, cookie_pair(key.name, key.value)])
