"""`multipart/form-data` (RFC 7578, names as HTML writes them): parts, or an object of fields, to a body.

A part is an object with `name` and one of `value` (text; an object is sent as JSON, a list as a part for each
of its items) and `base64` (a file, or its `data:` URL); `filename` and `contentType` say more of it. In an
object of fields, a text that is a `data:` URL in base64 is a file.
"""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from capspec.request.encoding import text_of
from capspec.request.inline import MEDIA_TYPE, is_data_url, read_inline
from capspec.values import Json

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "type": {"description": "`multipartForm`, `multipart` or `multipart/form-data`."},
        "data": {
            "description": "The parts in order, or an object of names to values. In an object, a value that "
            "is a `data:` URL in base64 is sent as a file, and so is what an object with one of `base64`, "
            "`url` and `file` leads to.",
            "type": ["array", "object", "string", "null"],
            "items": {"$ref": "#/$defs/part"},
        },
    },
}

_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_MAX_PARTS = 1000
_TYPES = mimetypes.MimeTypes()
"""Python's own table: what a machine adds to it would change what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    content: bytes
    filename: str | None = None
    media_type: str = ""


class MultipartCodec:
    """Every part's content is sent as it is; the boundary is one that occurs in none of them."""

    media_type = "multipart/form-data"

    def encode(self, value: Json) -> tuple[bytes, str]:
        from urllib3.fields import RequestField  # noqa: PLC0415 - few files send forms with files
        from urllib3.filepost import encode_multipart_formdata  # noqa: PLC0415

        parts = list(_parts(value))
        if len(parts) > _MAX_PARTS:
            raise ValueError(f"has more than {_MAX_PARTS} parts")
        fields = []
        for part in parts:
            field = RequestField(_written(part.name), part.content, part.filename and _written(part.filename))
            field.make_multipart(content_type=part.media_type or None)
            fields.append(field)
        content, content_type = encode_multipart_formdata(fields, _boundary(parts))
        return content, content_type

    def decode(self, content: bytes, charset: str) -> NoReturn:
        del content, charset
        raise ValueError("forms in parts are only written, and not read")


def _parts(value: Json) -> Iterator[_Part]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _field(name, item)
    elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from _listed(item)
    else:
        raise ValueError("must be a list of parts, or an object, to be sent as a form in parts")


def _field(name: str, value: Json) -> Iterator[_Part]:
    for item in value if isinstance(value, list) else [value]:
        if is_data_url(item):
            yield _file(name, item, "", "")
        elif item is not None:
            yield _part(name, item, None, "")


def _listed(item: dict[str, Json]) -> Iterator[_Part]:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("has a part without a name")
    filename, media_type = _text(item, "filename"), _text(item, "contentType")
    if media_type and not MEDIA_TYPE.fullmatch(media_type):
        raise ValueError(f"has a part '{name[:60]}' whose contentType is no media type")
    if item.get("base64") is not None:
        yield _file(name, item["base64"], filename, media_type)
        return
    value = item.get("value")
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bytes):
            yield _file(name, one, filename, media_type)
        elif one is not None:
            yield _part(name, one, filename or None, media_type)


def _text(item: dict[str, Json], key: str) -> str:
    value = item.get(key)
    return "" if value is None else text_of(value)


def _part(name: str, value: Json, filename: str | None, media_type: str) -> _Part:
    if not media_type and isinstance(value, (dict, list)):
        media_type = "application/json"
    elif not media_type and filename:
        media_type = _guessed(filename)
    try:
        content = text_of(value).encode()
    except UnicodeEncodeError:
        raise ValueError(f"has broken Unicode in '{name[:60]}', which cannot be sent") from None
    return _Part(name=name, content=content, filename=filename, media_type=media_type)


def _file(name: str, value: Json, filename: str, media_type: str) -> _Part:
    try:
        file = read_inline(value, max_size=2**62)
    except ValueError as error:
        raise ValueError(f"has a file '{name[:60]}' that {error}") from None
    filename = filename or file.filename or name
    return _Part(
        name=name,
        content=file.content,
        filename=filename,
        media_type=media_type or file.media_type or _guessed(filename),
    )


def _guessed(filename: str) -> str:
    return _TYPES.guess_type(filename)[0] or "application/octet-stream"


def _written(text: str) -> str:
    """A name as it may stand in a part's header; quotes and line ends are percent-encoded as in HTML."""
    if _CONTROL.search(text):
        raise ValueError("has a part whose name or filename holds a control character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has a part whose name or filename holds broken Unicode") from None
    return text


def _boundary(parts: list[_Part]) -> str:
    while True:
        boundary = secrets.token_hex(16)
        mark = boundary.encode()
        if not any(mark in part.content for part in parts):
            return boundary


CODEC = MultipartCodec()
