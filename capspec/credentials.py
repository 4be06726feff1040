"""Settings to credentials that can be sent: texts that are there and fit into a header, and their headers."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_plus, urlencode

from capspec.request.encoding import header_value
from capspec.settings import Settings
from capspec.values import Json
from capspec.wire import Request, Response, Send


def credential(settings: Settings, what: str, *names: str) -> str:
    """The first of these settings that is there, without the blanks around it.

    Raises CompileError when there is none, or when it cannot stand in a header; the message never quotes it.
    When a bound variable has no value, that is noted in `settings.missing`, and the text is what is left.
    """
    return checked_credential(settings, what, settings.text(*names), hint=f"write it as '{names[0]}'")


def checked_credential(settings: Settings, what: str, text: str, *, hint: str = "") -> str:
    """The same for a text that was read already."""
    text = text.strip()
    if settings.missing:
        return text if text.isprintable() and text.isascii() else ""
    if not text:
        raise settings.refuse(f"{what} is empty", hint=hint)
    try:
        return header_value(text)
    except ValueError as error:
        raise settings.refuse(f"{what} {error}") from None


def described(keys: Mapping[str, str], examples: Mapping[str, tuple[Json, ...]]) -> dict[str, Json]:
    """The part of the language's JSON Schema for settings with these keys, each with its description, and the
    words that editors offer for it."""
    properties = {
        name: {"description": text, **({"examples": list(examples[name])} if name in examples else {})}
        for name, text in keys.items()
    }
    return {"type": "object", "properties": properties}


def with_query(url: str, name: str, value: str | bytes) -> str:
    """The URL with a pair at the end of its query, in the place of any of the name."""
    rest = without_query(url, name)
    return f"{rest}{'&' if '?' in rest else '?'}{urlencode({name: value})}"


def without_query(url: str, name: str) -> str:
    """The URL without the pairs of this name in its query."""
    address, _, query = url.partition("?")
    kept = [item for item in query.split("&") if item and unquote_plus(item.partition("=")[0]) != name]
    return f"{address}?{'&'.join(kept)}" if kept else address


class FixedHeaders:
    """An auth that sets the same headers on every request. `names` are theirs, lower-case."""

    urls: tuple[str, ...] = ()

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)
        self.names = frozenset(name.lower() for name in headers)

    async def authenticate(self, request: Request, send: Send) -> Response:
        for name, value in self._headers.items():
            request = request.with_header(name, value)
        return await send(request)
