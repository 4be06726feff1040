"""What a resource gave to what resources/read answers: text when it is meant to be read, otherwise base64."""

from __future__ import annotations

import base64
import mimetypes
from email.message import Message

import mcp.types as types

from capspec.adapters.mcp.results import compact, content_of, sendable
from capspec.adapters.mcp.text import as_text, is_textual, media_essence
from capspec.plan import Resource, Result
from capspec.values import MISSING, Json

OCTETS = "application/octet-stream"
"""The media type of bytes that nobody knows more of (RFC 2046, 4.5.1)."""

_KNOWN = mimetypes.MimeTypes()
"""Python's own table: what a machine's files say would make one capability answer differently on each."""
for _extension, _type in {
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".toml": "application/toml",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}.items():
    _KNOWN.add_type(_type, _extension)

Contents = types.TextResourceContents | types.BlobResourceContents


def media_type_of(name: str) -> str:
    """The media type that a file's extension says."""
    kind, encoding = _KNOWN.guess_type(name)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else OCTETS
    return kind or OCTETS


def file_contents(uri: str, content: bytes, media_type: str) -> Contents:
    """A file's bytes: text when both its media type and the bytes say so."""
    text = _strictly(content, media_type) if is_textual(media_type) else None
    return _blob(uri, content, media_type) if text is None else _text(uri, text, media_type)


async def result_contents(uri: str, result: Result, resource: Resource) -> Contents:
    """A flow's result. The media type that the file declares decides; without one, what the upstream says."""
    content = await content_of(result)
    declared = resource.media_type
    if result.content is None and result.value is not MISSING:
        return _value(uri, result.value, resource)
    if _is_json(declared) and not _is_json(result.media_type) and isinstance(result.value, dict | list):
        return _text(uri, compact(sendable(result.value)), declared)
    media_type = declared or media_essence(result.media_type) or OCTETS
    if resource.binary:
        return _blob(uri, content, media_type)
    if declared and is_textual(declared):
        text = _strictly(content, result.media_type) if is_textual(result.media_type) else None
        return file_contents(uri, content, declared) if text is None else _text(uri, text, declared)
    if declared:
        return _blob(uri, content, declared)
    found = as_text(content, result.media_type)
    return _blob(uri, content, media_type) if found is MISSING else _text(uri, found, media_type)


def _value(uri: str, value: Json, resource: Resource) -> Contents:
    value = sendable(value)
    plain = isinstance(value, str) and not _is_json(resource.media_type)
    text = value if plain else compact(value)
    media_type = resource.media_type or ("text/plain" if plain else "application/json")
    if resource.binary:
        return _blob(uri, text.encode(), media_type)
    return _text(uri, text, media_type)


def _strictly(content: bytes, media_type: str) -> str | None:
    """The text that the bytes are in the charset of the media type, None when they are none."""
    message = Message()
    message["content-type"] = media_type
    charset = message.get_content_charset("utf-8")
    try:
        return content.decode("utf-8-sig" if charset == "utf-8" else charset)
    except (LookupError, UnicodeError):
        return None


def _is_json(media_type: str) -> bool:
    return media_essence(media_type).endswith("json")


def _text(uri: str, text: str, media_type: str) -> Contents:
    return types.TextResourceContents(uri=uri, text=text, mime_type=media_type)


def _blob(uri: str, content: bytes, media_type: str) -> Contents:
    data = base64.b64encode(content).decode()
    return types.BlobResourceContents(uri=uri, blob=data, mime_type=media_type)
