"""A file that is written out in a text, as base64 (RFC 4648, 4) or a `data:` URL (RFC 2397), to its bytes."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from capspec.values import Json

MAX_SIZE = 10 * 1024 * 1024
"""Bytes of one file, where the author says nothing else."""

MEDIA_TYPE = re.compile(
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+"
    r"([ \t]*;[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+="
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"[^\"\\\x00-\x1f\x7f-\U0010ffff]*\"))*"
)
"""A media type with its parameters (RFC 9110, 8.3.1)."""

_BLANKS = re.compile(r"[ \t\r\n]+")
_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """A file's bytes, and its media type and name where the text says them."""

    content: bytes
    media_type: str = ""
    filename: str = ""


def is_data_url(value: Json) -> bool:
    """Whether a value is a `data:` URL in base64: nobody writes that who does not mean a file."""
    return isinstance(value, str) and value[:5].lower() == "data:" and ";base64," in value[:300]


def read_inline(value: Json, max_size: int = MAX_SIZE) -> Inline:
    """The file that is in a text: base64, its URL-safe form, or a `data:` URL. Bytes stand for themselves.

    Raises ValueError when it is neither, or has more than `max_size` bytes.
    """
    if isinstance(value, bytes):
        return Inline(content=_bounded(value, max_size))
    if not isinstance(value, str):
        raise ValueError("must be base64 or a data: URL, as text")
    # Base64 has four characters for three bytes, so that what is far too long need not be read.
    if len(value) > max_size * 2 + 1024 and not value[:5].lower() == "data:":
        raise ValueError(f"has more than {max_size} bytes")
    if value[:5].lower() == "data:":
        return _data_url(value, max_size)
    return Inline(content=_bounded(_decoded(value), max_size))


def _data_url(url: str, max_size: int) -> Inline:
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise ValueError("is a data: URL without a comma")
    media_type, *parameters = (part.strip() for part in head.split(";"))
    if not MEDIA_TYPE.fullmatch(media_type):
        media_type = ""
    named = dict(part.partition("=")[::2] for part in parameters)
    if parameters and parameters[-1].lower() == "base64":
        content = _decoded(unquote(data) if "%" in data else data)
    elif _ESCAPED.search(data) or not data.isascii():
        raise ValueError("is a data: URL that is not percent-encoded")
    else:
        content = unquote_to_bytes(data)
    name = unquote(named.get("filename", "") or named.get("name", ""))
    return Inline(content=_bounded(content, max_size), media_type=media_type, filename=name)


def _decoded(text: str) -> bytes:
    plain = _BLANKS.sub("", text).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None


def _bounded(content: bytes, max_size: int) -> bytes:
    if len(content) > max_size:
        raise ValueError(f"has {len(content)} bytes, more than {max_size}")
    return content
