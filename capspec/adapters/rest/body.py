"""The body of a request: read up to a limit, then taken as JSON, a form, text or plain bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl

from capspec.codecs.json import CODEC
from capspec.edge import Receive
from capspec.errors import BodyEncodingError, BodySizeError, InputError
from capspec.inputs import from_text
from capspec.jsonpath import JsonPath, JsonPathBudgetError
from capspec.values import MISSING, Json, Missing

FORM = "application/x-www-form-urlencoded"


class DisconnectError(Exception):
    """The client went away while it was sending."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A body's fields by name. Those of a form are lists of texts, `textual`."""

    values: Mapping[str, Json]
    textual: bool

    def get(self, name: str, schema: Mapping[str, Json]) -> Json | Missing:
        """One field's value, a form's text taken as its schema says."""
        value = self.values.get(name, MISSING)
        return from_text(schema, value) if self.textual and value is not MISSING else value

    def others(self, names: frozenset[str]) -> dict[str, Json]:
        """All fields but these; a form's texts as they are, repeated ones as a list."""
        others = {name: value for name, value in self.values.items() if name not in names}
        if self.textual:
            return {name: value[0] if len(value) == 1 else value for name, value in others.items()}
        return others


async def read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body.

    Raises BodySizeError over `limit` bytes, BodyEncodingError, and DisconnectError.
    """
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BodyEncodingError("the request body is compressed", hint="send it without Content-Encoding")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> NoReturn:
    raise BodySizeError(f"the request body is over {limit} bytes", hint="send less")


def media_type(content_type: str) -> str:
    """A Content-Type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    return media in ("application/json", "text/json") or media.endswith("+json")


def may_have_fields(content: bytes, content_type: str) -> bool:
    """Whether a body is meant to have fields: by its type, or for want of one; but a JSON list has none."""
    media = media_type(content_type)
    return (not media or media == FORM or is_json(media)) and not content.lstrip().startswith(b"[")


def fields(content: bytes, content_type: str) -> Fields:
    """The fields of a JSON object or a form, whatever type it claims to be.

    Raises InputError when it is neither.
    """
    # Clients send JSON as a form when nobody tells them otherwise (curl -d), and no form begins with a brace.
    if media_type(content_type) == FORM and not content.lstrip().startswith(b"{"):
        return Fields(form(content), textual=True)
    value = parse_json(content)
    if not isinstance(value, dict):
        raise InputError(
            "the request body is not a JSON object", hint="send a JSON object, with named fields"
        )
    return Fields(value, textual=False)


def whole(content: bytes, content_type: str, schema: Mapping[str, Json]) -> Json:
    """The body itself as one value: JSON, a form's fields, or text where the schema does not rule it out.

    Raises InputError when it is not what its type says, or cannot be a value.
    """
    media = media_type(content_type)
    wants_text = schema.get("type") == "string"
    if media == FORM and not wants_text and content.lstrip()[:1] not in (b"{", b"["):
        return Fields(form(content), textual=True).others(frozenset())
    if wants_text and not is_json(media):
        return _text(content)
    try:
        value = parse_json(content)
    except InputError:
        if wants_text or (media and not is_json(media) and "type" not in schema):
            return _text(content)
        raise
    return value if isinstance(value, str) or not wants_text else _text(content)


def pointed(document: Json, paths: Iterable[tuple[str, JsonPath]]) -> dict[str, Json]:
    """By name what each path leads to in a body; null counts as absent.

    Raises InputError for a body that is too large for them.
    """
    try:
        found = {name: path.read(document) for name, path in paths}
    except JsonPathBudgetError as error:
        raise InputError(f"the request body is too large: {error}", hint="send less") from error
    return {name: value for name, value in found.items() if value is not None}


def form(content: bytes) -> dict[str, list[str]]:
    """The fields of a form, each with all its values in order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs(content, "the request body"):
        found.setdefault(name, []).append(value)
    return found


def pairs(content: bytes, what: str) -> list[tuple[str, str]]:
    """URL-encoded names and values in order, empty values kept. Raises InputError when they are not UTF-8."""
    try:
        return parse_qsl(content.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise InputError(
            f"{what} is not UTF-8", hint="percent-encode the UTF-8 form of each character"
        ) from error


def parse_json(content: bytes) -> Json:
    """A JSON text (RFC 8259), in which no lone surrogate is escaped. Raises InputError."""
    try:
        value = CODEC.decode(content, "")
        if b"\\ud" in content or b"\\uD" in content:
            CODEC.encode(value)
    except ValueError as error:
        hint = "send JSON with Content-Type: application/json"
        raise InputError(f"the request body is not JSON: {error}", hint=hint) from error
    return value


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError("the request body is not text in UTF-8") from error
