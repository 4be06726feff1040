"""Result to CallToolResult: values as structured content and text, bytes as what their media type says."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from contextlib import suppress

import mcp.types as types

from capspec.adapters.mcp.errors import masked, upstream_failed
from capspec.adapters.mcp.schemas import Shape
from capspec.adapters.mcp.text import as_text, media_essence
from capspec.adapters.mcp.tools import Entry
from capspec.plan import Result
from capspec.values import MISSING, Json, Missing

MEDIA_LIMIT = 512 * 1024
"""Bytes of an image, a sound or a file that go into a result; in base64 they stay under `EVENT_LIMIT`."""

EVENT_LIMIT = 960 * 1024
"""Bytes of a result on the wire. Clients refuse a server-sent event of more than 1 MiB."""


async def encode(result: Result, entry: Entry, request_id: str) -> types.CallToolResult:
    """What a flow gave, for a client. Closes the result."""
    try:
        content = await content_of(result)
    finally:
        await result.close()
    if result.failed:
        plan, now = entry.engine.plan, entry.engine.clock.wall()
        return failure(upstream_failed(result, content, entry.flow, plan.secrets, now=now))
    value = _value(result, content)
    if value is MISSING and content:
        essence = media_essence(result.media_type) or "application/octet-stream"
        return _encode_media(content, essence, entry, request_id)
    return _encode_value(value, result.status, entry)


def failure(text: str) -> types.CallToolResult:
    """A result that tells the model that the call failed, and why."""
    return types.CallToolResult(content=[_text(text)], is_error=True)


async def content_of(result: Result) -> bytes:
    """The bytes of a result, none when it is a value. Raises ResponseTooLarge."""
    if result.stream is not None:
        return b"".join([part async for part in result.stream])
    return result.content or b""


def _value(result: Result, content: bytes) -> Json | Missing:
    """The result as a value, MISSING when it is bytes for a machine, or nothing at all.

    A text may be a codec's base64 of the bytes beside it, so that the bytes count more.
    """
    if not content:
        return MISSING if result.content is not None and result.value is None else result.value
    if result.value is not MISSING and not isinstance(result.value, str):
        return result.value
    text = as_text(content, result.media_type)
    if text is not MISSING and media_essence(result.media_type).endswith("json"):
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def _encode_value(value: Json | Missing, status: int, entry: Entry) -> types.CallToolResult:
    if value is MISSING and entry.shape is None:
        note = f"Done: the upstream answered {status} and sent no content."
        return types.CallToolResult(content=[_text(note)])
    value = None if value is MISSING else sendable(value)
    if entry.shape is not None:
        return _shaped(value, entry.shape, entry.engine.plan.secrets)
    text = value if isinstance(value, str) else compact(value)
    structured = value if isinstance(value, dict) else None
    size = wire_size(text)
    if size > EVENT_LIMIT:
        return types.CallToolResult(content=[_text(_too_large(len(text.encode())))])
    if 2 * size > EVENT_LIMIT:
        structured = None
    return types.CallToolResult(content=[_text(text)], structured_content=structured)


def _shaped(value: Json, shape: Shape, secrets: Sequence[str]) -> types.CallToolResult:
    """A value of a tool that declares its output: clients refuse a success that does not match."""
    try:
        structured = shape.structure(value)
    except ValueError as error:
        shown = value if isinstance(value, str) else compact(value)
        note = "The upstream's answer does not have the declared shape:"
        text = f"{note}\n{masked(str(error), secrets)}\nIt answered: {_shortened(shown)}"
        return failure(text)
    text = compact(structured)
    size = wire_size(text)
    if size > EVENT_LIMIT:
        return failure(_too_large(len(text.encode())))
    if 2 * size > EVENT_LIMIT:
        text = f"The result ({amount(len(text.encode()))}) is in the structured content."
    return types.CallToolResult(content=[_text(text)], structured_content=structured)


def _encode_media(content: bytes, essence: str, entry: Entry, request_id: str) -> types.CallToolResult:
    if entry.shape is not None:
        note = "The upstream's answer does not have the declared shape"
        return failure(f"{note}: it is {amount(len(content))} of {essence}.")
    if len(content) > MEDIA_LIMIT:
        note = f"The result is {amount(len(content))} of {essence}: too large to be put in here."
        return types.CallToolResult(content=[_text(note)])
    return types.CallToolResult(content=[media_block(content, essence, entry, request_id)])


def media_block(content: bytes, essence: str, entry: Entry, request_id: str) -> types.ContentBlock:
    """Bytes as an image, a sound or a file. They should be `MEDIA_LIMIT` at the most."""
    data = base64.b64encode(content).decode()
    kind = essence.partition("/")[0]
    if kind == "image":
        return types.ImageContent(type="image", data=data, mime_type=essence)
    if kind == "audio":
        return types.AudioContent(type="audio", data=data, mime_type=essence)
    uri = f"capspec:result/{entry.name}/{request_id}"
    resource = types.BlobResourceContents(uri=uri, blob=data, mime_type=essence)
    return types.EmbeddedResource(type="resource", resource=resource)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def compact(value: Json) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sendable(value: Json) -> Json:
    """The value without what JSON on the wire cannot say: NaN, infinities, and halves of surrogate pairs."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return _mended(value)
    return value


def _mended(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


def wire_size(text: str) -> int:
    """Bytes of a text inside a JSON message, every character escaped that may be."""
    return len(json.dumps(text)) if len(text) * 6 > EVENT_LIMIT // 2 else len(text)


def _too_large(size: int) -> str:
    return (
        f"The call succeeded, but its result is {amount(size)}: too large to be passed on. "
        "Ask for less, such as a smaller page or fewer fields, if the tool takes such arguments."
    )


def _shortened(text: str) -> str:
    return text if len(text) <= EVENT_LIMIT // 16 else text[: EVENT_LIMIT // 16] + "…"


def amount(size: int) -> str:
    """A number of bytes as people say it."""
    for unit, scale in (("MiB", 1024 * 1024), ("KiB", 1024)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
