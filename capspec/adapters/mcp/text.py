"""Bytes and media types to text that a model may read."""

from __future__ import annotations

import re
from email.message import Message

from capspec.values import MISSING, Missing

_TEXTUAL = ("json", "xml", "yaml", "javascript", "x-www-form-urlencoded", "csv", "toml", "graphql")
"""Ends of media types that are text. SVG is one: models read it, and take only raster images as images."""

_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")
"""Media types that say nothing of what the bytes are."""

_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[@-~]|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
)
"""Terminal colours, control characters, and characters that hide or reorder text."""


def media_essence(media_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def is_textual(media_type: str) -> bool:
    """Whether a media type is one of texts."""
    essence = media_essence(media_type)
    return essence.startswith("text/") or essence.endswith(_TEXTUAL)


def as_text(content: bytes, media_type: str) -> str | Missing:
    """The bytes as text, or MISSING when their media type, or they themselves, say that they are not."""
    if media_essence(media_type) in _UNTOLD:
        return _guessed(content)
    if not is_textual(media_type):
        return MISSING
    try:
        return content.decode(_charset(media_type), "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        return content.decode("utf-8", "replace").removeprefix("\ufeff")


def plain(text: str) -> str:
    """Text of foreign origin on one line, without characters that hide or reorder it."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _guessed(content: bytes) -> str | Missing:
    """Bytes of an unknown kind are text when they are UTF-8 without a null."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return MISSING
    return MISSING if "\0" in text else text


def _charset(media_type: str) -> str:
    message = Message()
    message["content-type"] = media_type
    return message.get_content_charset("utf-8")
