"""The `responses` of an exposed REST operation, and `responseBinary`, which is one of them, as written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from capspec.errors import Place
from capspec.node import Node
from capspec.values import Json

_STATUS: Final = re.compile(r"[1-5][0-9X]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSpec:
    """What a response may be. `schema` is JSON Schema, empty where the file says nothing of it."""

    media_type: str
    binary: bool
    schema: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSpec:
    """A response: `status` is three digits, of which the last two may be X for any."""

    status: str
    description: str
    content: tuple[ContentSpec, ...]
    place: Place


def parse_responses(node: Node) -> tuple[ResponseSpec, ...]:
    """What an operation declares that it answers. What cannot be read is left out with a warning."""
    binary = node.get("responseBinary")
    declared = node.get("responses")
    if binary is None:
        return () if declared is None else _responses(declared)
    if declared is not None:
        message = "'responseBinary' has no effect beside 'responses'"
        node.warn("CAP154", message, hint="keep one of them", place=node.key_place("responseBinary"))
        return _responses(declared)
    return _binary(binary)


def _responses(node: Node) -> tuple[ResponseSpec, ...]:
    if not isinstance(node.value, dict):
        node.warn("CAP154", "'responses' should be a mapping of statuses, and has no effect")
        return ()
    return tuple(filter(None, [_response(str(item.pointer[-1]), item) for item in node.items()]))


def _response(status: str, node: Node) -> ResponseSpec | None:
    word = status.upper()
    if not _STATUS.fullmatch(word) or not isinstance(node.value, dict):
        hint = "write it like 200 or 2XX, with 'description' and 'content' below it"
        node.warn("CAP154", f"the response '{status}' cannot be read, and has no effect", hint=hint)
        return None
    content = node.get("content")
    entries = [] if content is None or not isinstance(content.value, dict) else list(content.items())
    spec = ResponseSpec(
        status=word,
        description=node.text("description"),
        content=tuple(_content(str(item.pointer[-1]), item) for item in entries),
        place=node.place,
    )
    node.finish("a response")
    return spec


def _content(media_type: str, node: Node) -> ContentSpec:
    schema = node.mapping("schema")
    spec = ContentSpec(media_type=media_type, binary=node.flag("binary") or False, schema=schema)
    node.finish("a response's content")
    return spec


def _binary(node: Node) -> tuple[ResponseSpec, ...]:
    if not isinstance(node.value, dict):
        node.warn("CAP154", "'responseBinary' should be a mapping with 'mediaType', and has no effect")
        return ()
    media_type = node.text("mediaType")
    status = node.text("status", default="200")
    description = node.text("description")
    node.finish("'responseBinary'")
    if not media_type:
        node.warn("CAP154", "'responseBinary' has no 'mediaType', and no effect", hint="add one")
        return ()
    if not re.fullmatch(r"[1-5][0-9]{2}", status):
        node.warn("CAP154", f"'{status}' is no HTTP status; 'responseBinary' has no effect")
        return ()
    content = ContentSpec(media_type=media_type, binary=True, schema={})
    return (ResponseSpec(status=status, description=description, content=(content,), place=node.place),)
