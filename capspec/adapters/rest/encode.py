"""Result to an HTTP answer: status, the headers that are the flow's to give, and a body or a stream of it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from capspec.errors import MappingError
from capspec.plan import Result
from capspec.values import MISSING, Json

_PASSED = frozenset(
    {
        "cache-control", "content-disposition", "deprecation", "etag", "expires", "last-modified", "link",
        "location", "retry-after", "sunset", "vary", "x-ratelimit-limit", "x-ratelimit-remaining",
        "x-ratelimit-reset",
    }
)  # fmt: skip
"""Upstream headers that a caller gets. Everything else stays behind, cookies and hop-by-hop above all."""

_PASSED_WITH_BYTES = frozenset({"accept-ranges", "content-language", "content-range"})
"""Headers that describe the upstream's own bytes, and so go with nothing else."""

_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_BODILESS = frozenset({204, 205, 304})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, encoded but for the headers that every answer has.

    A stream has no known length; `farewell` is its last part when the server stops before its end.
    """

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""
    farewell: bytes = b""


def encode(result: Result) -> Reply:
    """The answer that a result is. A result without any value is 204 when it would be 200.

    Raises MappingError for a value that JSON cannot hold.
    """
    if result.status in _BODILESS:
        return Reply(status=result.status, headers=_headers(result, _PASSED))
    if result.stream is not None or result.content is not None:
        headers = _headers(result, _PASSED | _PASSED_WITH_BYTES)
        if result.media_type:
            headers.append((b"content-type", _octets(result.media_type)))
        body = result.stream if result.stream is not None else result.content
        return Reply(status=result.status, headers=headers, body=body or b"")
    headers = _headers(result, _PASSED)
    if result.value is MISSING:
        return Reply(status=204 if result.status == 200 else result.status, headers=headers)
    headers.append((b"content-type", b"application/json"))
    return Reply(status=result.status, headers=headers, body=encode_json(result.value))


def encode_json(value: Json) -> bytes:
    """A value as JSON in UTF-8, compact, with no more escapes than needed (RFC 8259).

    Raises MappingError for infinities and NaN.
    """
    try:
        return _COMPACT.encode(value).encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8 form, but it has an escape.
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise MappingError("the answer has a number that JSON cannot hold") from error


def _headers(result: Result, passed: frozenset[str]) -> list[tuple[bytes, bytes]]:
    named = ((name.lower(), value) for name, value in result.headers)
    return [(name.encode(), _octets(value)) for name, value in named if name in passed]


def _octets(value: str) -> bytes:
    return _CONTROL.sub(" ", value).encode("latin-1", "replace")
