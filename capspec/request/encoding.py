"""Values to the characters of a request: path segments, query pairs, header values, cookies.

Every function gives text that cannot leave its place in a request, or raises ValueError with a message
for people.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urlencode

from capspec.values import Json

FRAMING = frozenset({
    "accept-encoding", "connection", "content-length", "expect", "host", "http2-settings", "keep-alive",
    "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade",
})  # fmt: skip
"""Lower-case header names that belong to the connection (RFC 9110, 7.6.1) and that no file or caller sets."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SLASHES = re.compile(r"[/\\]")
_MAX_DEPTH = 32

MOST_CODINGS = 8
"""How often a path may be percent-encoded over again: nobody means more, and each takes a look."""

_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
"""The cookie-octets of RFC 6265, 4.1.1, that are not letters or digits, without `%`."""


def is_token(name: str) -> bool:
    """Whether a text can be a header's or a cookie's name (RFC 9110, 5.6.2)."""
    return _TOKEN.fullmatch(name) is not None


def sendable(text: str) -> str:
    """The text itself, when it holds no control characters and no broken Unicode."""
    if _UNSENDABLE.search(text):
        raise ValueError("holds a control character or broken Unicode, which cannot be sent here")
    return text


def text_of(value: Json) -> str:
    """A text as it is, anything else as compact JSON in ASCII."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except (TypeError, ValueError):
        raise ValueError("holds a value that cannot be written (NaN or Infinity)") from None


def path_text(value: Json, *, greedy: bool = False) -> str:
    """A path variable's value, percent-encoded but for the unreserved characters of RFC 3986, 2.3.

    A list is joined with commas (OpenAPI's `simple` style). A greedy variable keeps its slashes.
    """
    if isinstance(value, dict):
        raise ValueError("must be a single value to stand in a path")
    safe = "/" if greedy else ""
    items = value if isinstance(value, list) else [value]
    return ",".join(quote(sendable(text_of(item)), safe=safe) for item in items)


def leaves_place(segment: str) -> bool:
    """Whether some server could read a path segment as `.` or `..`.

    Servers differ in what they decode, fold and split before they resolve dots, so all of it is tried:
    percent-encoding over percent-encoding, compatibility forms of Unicode, backslashes, and `..;x`. What is
    encoded more than `MOST_CODINGS` times could be anything.
    """
    if "." not in segment and "%" not in segment:
        return False
    text, before = segment, ""
    for _ in range(MOST_CODINGS):
        if text == before:
            return False
        folded = unicodedata.normalize("NFKC", text)
        if any(piece.partition(";")[0] in (".", "..") for piece in _SLASHES.split(folded)):
            return True
        text, before = unquote(text), text
    return text != before


def pairs(name: str, value: Json) -> list[tuple[str, str]]:
    """A value as decoded name-value pairs: lists repeat the name, objects are `name[key]` (`deepObject`).

    None, and what is empty, gives nothing.
    """
    return list(_pairs(name, value, _MAX_DEPTH))


def query_pairs(name: str, value: Json) -> list[tuple[str, str]]:
    """The same for a query, where control characters have no place."""
    return [(sendable(key), sendable(text)) for key, text in pairs(name, value)]


def _pairs(name: str, value: Json, depth: int) -> Iterator[tuple[str, str]]:
    if not depth:
        raise ValueError("is nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item, depth - 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            inner = f"{name}[{index}]" if isinstance(item, (dict, list)) else name
            yield from _pairs(inner, item, depth - 1)
    elif value is not None:
        yield name, text_of(value)


def form_text(items: Iterable[tuple[str, str]]) -> str:
    """Pairs as `application/x-www-form-urlencoded`, spaces as `+`."""
    try:
        return urlencode(list(items))
    except UnicodeEncodeError:
        raise ValueError("holds broken Unicode, which cannot be sent") from None


def header_value(value: Json) -> str:
    """A header's value: latin-1 without control characters (RFC 9110, 5.5); a list is joined with commas."""
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        value = ", ".join(text_of(item) for item in value)
    text = sendable(text_of(value)).strip()
    if not text.isascii() and any(char > "\xff" for char in text):
        raise ValueError("holds a character outside Latin-1, which a header cannot carry")
    return text


def cookie_pair(name: str, value: Json) -> str:
    """`name=value` for a Cookie header; what a cookie cannot hold is percent-encoded."""
    if not is_token(name):
        raise ValueError("is not a name that a cookie can have")
    return f"{name}={quote(sendable(text_of(value)), safe=_COOKIE_SAFE)}"
