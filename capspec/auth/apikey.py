"""API keys: fixed values in headers, the query, cookies (OpenAPI 3.1, Security Scheme Object) or the body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, urlencode

from capspec import registry
from capspec.credentials import checked_credential, with_query
from capspec.errors import InputError
from capspec.request.encoding import FRAMING, cookie_pair, is_token
from capspec.settings import Settings
from capspec.wire import Request, Response, Send, header

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_PARTS = "multipart/form-data"

Placement: TypeAlias = Literal["header", "query", "cookie", "body"]


@dataclass(frozen=True, slots=True)
class Key:
    """One value and where it goes."""

    placement: Placement
    name: str
    value: str = field(repr=False)


class ApiKeys:
    """Puts keys into requests; what a request has in the same places is replaced.

    `query_names` are those of the query, `cookie_names` and `member_names` those of cookies and of bodies.
    """

    urls: tuple[str, ...] = ()

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys
        self.names = frozenset(key.name.lower() for key in keys if key.placement == "header")
        self.query_names = frozenset(key.name for key in keys if key.placement == "query")
        self.cookie_names = frozenset(key.name for key in keys if key.placement == "cookie")
        self.member_names = frozenset(key.name for key in keys if key.placement == "body")

    async def authenticate(self, request: Request, send: Send) -> Response:
        for key in self._keys:
            if key.placement == "header":
                request = request.with_header(key.name, key.value)
            elif key.placement == "query":
                request = replace(request, url=with_query(request.url, key.name, key.value))
            elif key.placement == "cookie":
                request = request.with_header("Cookie", _with_cookie(request, key))
            else:
                request = _with_member(await request.whole(), key)
        return await send(request)


def compile_auth(settings: Settings) -> ApiKeys:
    """One key, or several.

    One: `key` (the name), `value` and `placement` (header, query, cookie or body; header when left out). Also
    `name`, `value` and `in`; and `header` (the name) with `key`, `token` or `value`.
    Several: `headers`, `query` and `cookies`, maps of names to values or lists of `name` and `value`; or
    `parameters` (`keys`), where each may have its own `placement`.
    """
    kind = settings.text("type").lower()
    default = "query" if kind == "query" else "cookie" if kind.startswith("cookie") else "header"
    placement = _placement(settings, settings.text("placement", "in", default=default))
    keys = [key for word, places in _GROUPS.items() for key in _several(settings, word, places or placement)]
    if not keys and kind == "custom" and not settings.raw("key", "name", "header"):
        raise settings.refuse(
            "what is custom about it is not said",
            hint="write 'headers', 'query' or 'cookies' with what is sent, or name another 'type'",
        )
    return ApiKeys(tuple(keys) or (_single(settings, placement),))


_GROUPS: dict[str, Placement | None] = {
    "headers": "header", "query": "query", "queryParameters": "query", "cookies": "cookie",
    "parameters": None, "keys": None,
}  # fmt: skip
"""Settings that hold several keys, and where these go; None for where the whole block says."""


def _several(settings: Settings, word: str, placement: Placement) -> Iterator[Key]:
    child = settings.node.get(word)
    if child is None:
        return
    if isinstance(child.value, dict):
        for name, value in settings.mapping(word).items():
            yield _key(settings, placement, name, value)
        return
    for node in settings.node.members(word):
        entry = Settings(node, settings.resolve, settings.missing)
        where = _placement(entry, entry.text("placement", "in", default=placement))
        yield _key(entry, where, entry.text("name", "key"), entry.text("value", "token"))
        node.finish("an authentication parameter")


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
    if placement in ("header", "cookie") and not is_token(name):
        raise settings.refuse(f"'{name}' is not a name that a {placement} can have")
    if placement == "header" and name.lower() in FRAMING:
        raise settings.refuse(f"the header '{name}' belongs to the connection and cannot hold an API key")
    hint = "write the secret as 'value'"
    return Key(placement, name, checked_credential(settings, f"the value of '{name}'", value, hint=hint))


def _with_cookie(request: Request, key: Key) -> str:
    before = (header(request.headers, "cookie") or "").split(";")
    kept = [item.strip() for item in before if item.strip() and item.partition("=")[0].strip() != key.name]
    return "; ".join([*kept, cookie_pair(key.name, key.value)])


def _with_member(request: Request, key: Key) -> Request:
    """The request with the key in its form, or in its JSON object, which is new when there is no body."""
    content = request.body if isinstance(request.body, bytes) else b""
    written = header(request.headers, "content-type") or _JSON
    media_type = written.partition(";")[0].strip().lower()
    if media_type == _PARTS and _boundary(written):
        return replace(request, body=_part(key, _boundary(written)) + content)
    if media_type == _FORM:
        pairs = parse_qsl(
            content.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
        )
        kept = [(name, value) for name, value in pairs if name != key.name]
        return replace(
            request, body=urlencode([*kept, (key.name, key.value)], errors="surrogateescape").encode()
        )
    codec = registry.find("codec", "json")
    try:
        value = codec.decode(content, "") if content and media_type.endswith("json") else {}
    except ValueError:
        value = None
    if not isinstance(value, dict) or (content and not media_type.endswith("json")):
        raise InputError("the API key goes into the body, and this one is neither a JSON object nor a form")
    encoded, content_type = codec.encode({**value, key.name: key.value})
    request = replace(request, body=encoded)
    return request if content else request.with_header("Content-Type", content_type)


def _boundary(content_type: str) -> str:
    """What separates the parts of a form (RFC 2046, 5.1.1)."""
    message = Message()
    message["content-type"] = content_type
    found = message.get_param("boundary")
    return found if isinstance(found, str) else ""


def _part(key: Key, boundary: str) -> bytes:
    """The key as the first part of a form (RFC 7578)."""
    name = key.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{key.value}\r\n".encode()
