"""Answers of authorization servers to tokens: what is in them, and what is told of a refusal."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from capspec import registry
from capspec.errors import UpstreamError
from capspec.values import Json
from capspec.wire import Response

_MARGIN = 60.0
"""A token is given up this long before it expires, or after nine tenths of its life if that is later."""

_LIFETIME = 300.0
"""How long a token is kept whose life the server does not tell (RFC 6749, 5.1, lets it be silent)."""

_MAX_ANSWER = 1024 * 1024
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and until when it is used, in the clock's monotonic seconds."""

    value: str = field(repr=False)
    until: float


async def document_of(response: Response, host: str) -> Mapping[str, Json]:
    """The JSON object in an answer. Of a refusal only the error's code is told (RFC 6749, 5.2)."""
    content = await _content(response, host)
    try:
        document = registry.find("codec", "json").decode(content, "")
    except ValueError:
        document = None
    answer = document if isinstance(document, dict) else {}
    if response.status != 200:
        code = answer.get("error")
        known = isinstance(code, str) and _CODE.fullmatch(code)
        raise _no_token(host, f"{code}" if known else f"HTTP status {response.status}")
    if not answer:
        raise _no_token(host, "its answer is not a JSON object")
    return answer


async def _content(response: Response, host: str) -> bytes:
    content = bytearray()
    try:
        async for part in response.chunks:
            content += part
            if len(content) > _MAX_ANSWER:
                raise _no_token(host, f"its answer is larger than {_MAX_ANSWER} bytes")
    finally:
        await response.close()
    return bytes(content)


def token_of(answer: Mapping[str, Json], began: float, host: str, *, any_type: bool = False) -> Token:
    """The token in an answer that was asked for at `began`. Raises UpstreamError when it cannot be sent."""
    value, kind = answer.get("access_token"), str(answer.get("token_type", "bearer"))
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
        raise _no_token(host, "its answer holds no usable 'access_token'")
    # Some servers write BearerToken.
    if not any_type and not kind.lower().startswith("bearer"):
        raise _no_token(host, "its tokens are not bearer tokens")
    life = _lifetime(answer.get("expires_in"))
    return Token(value, began + max(life - _MARGIN, life * 0.9))


def _lifetime(value: Json) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _LIFETIME
    return seconds if 0 <= seconds < math.inf else _LIFETIME


def _no_token(host: str, why: str) -> UpstreamError:
    return UpstreamError(f"no access token came from {host}: {why}")
