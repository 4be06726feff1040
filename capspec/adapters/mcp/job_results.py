"""Where a job stands to CallToolResult: its envelope, a text, and what it made as links or as media."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urlsplit

import mcp.types as types

from capspec.adapters.mcp.contents import OCTETS, media_type_of
from capspec.adapters.mcp.errors import masked
from capspec.adapters.mcp.job_texts import delay_of, standing_text
from capspec.adapters.mcp.job_tools import JobTools
from capspec.adapters.mcp.results import (
    EVENT_LIMIT,
    MEDIA_LIMIT,
    amount,
    compact,
    encode,
    media_block,
    sendable,
    wire_size,
)
from capspec.adapters.mcp.text import media_essence, plain
from capspec.adapters.mcp.tools import Entry
from capspec.desk import Desk, Standing
from capspec.errors import CallError
from capspec.jobs.outcome import State
from capspec.plan import Result
from capspec.values import MISSING, Json

LINKS_LIMIT: Final = 10
"""Links to what a job made."""

_URL: Final = re.compile(r"https?://[^\s<>\"]{1,4096}", re.IGNORECASE)
_WITHOUT_LINKS: Final = ("2024-11-05", "2025-03-26")
"""Revisions in which a result has no resource links: their clients may not read one that has."""

_BEFORE: Final = "no new job was started, because this was submitted before"

_FAILED: Final = (State.FAILED, State.CANCELED)


def encode_standing(
    standing: Standing, entry: Entry, jobs: JobTools, *, request_id: str, version: str
) -> types.CallToolResult:
    """What the tools for jobs answer. A job that is not known to have failed is no error.

    `version` is the revision of the protocol that the client speaks.
    """
    outcome = standing.outcome
    structured = _structured(standing, entry)
    blocks: list[types.ContentBlock] = []
    if outcome.content is not None:
        note, blocks = _media(outcome.content, outcome.media_type, entry, request_id)
    else:
        note = _result_note(structured, entry) if outcome.state is State.SUCCEEDED else ""
        if "result" in structured and version not in _WITHOUT_LINKS:
            blocks = [*_links(structured["result"])]
    text = types.TextContent(type="text", text=standing_text(standing, entry, jobs, note))
    failed = outcome.state in _FAILED and entry.role != "cancel"
    return types.CallToolResult(content=[text, *blocks], structured_content=structured, is_error=failed)


async def encode_jobless(result: Result, entry: Entry, request_id: str) -> types.CallToolResult:
    """An answer that started no job. Closes the result.

    One that is no failure tells of an earlier submission; only an envelope fits what the tool declares.
    """
    encoded = await encode(result, replace(entry, shape=None), request_id)
    if encoded.is_error:
        return encoded
    structured: dict[str, Json] = {
        "state": str(State.UNKNOWN),
        "job": "",
        "message": _BEFORE,
    }
    if result.value is not MISSING:
        structured["result"] = sendable(result.value)
    if _does_not_fit(structured, entry):
        structured.pop("result", None)
    note = types.TextContent(type="text", text=f"{_BEFORE[0].upper()}{_BEFORE[1:]}. What is known of it:")
    return types.CallToolResult(content=[note, *encoded.content], structured_content=structured)


# -- the envelope -----------------------------------------------------------------------------------------


def _structured(standing: Standing, entry: Entry) -> dict[str, Json]:
    document: dict[str, Json] = sendable(standing.envelope())
    if standing.outcome.state.under_way:
        document.setdefault("retry_after", delay_of(standing))
    if standing.outcome.state is not State.SUCCEEDED:
        return {name: _masked(value, entry.engine.plan.secrets) for name, value in document.items()}
    if standing.outcome.content is not None:
        del document["result"]
    return document


def _result_note(structured: dict[str, Json], entry: Entry) -> str:
    """The result as text; what must not be in the structured content is taken out of it.

    The job is done and paid for: a result that is too large, or of another shape than declared, is no error.
    """
    value = structured["result"]
    text = value if isinstance(value, str) else compact(value)
    size = wire_size(compact(value))
    if size > EVENT_LIMIT - 64 * 1024:
        del structured["result"]
        return f"Its result is {amount(len(text.encode()))}: too large to be passed on."
    if flaws := _does_not_fit(structured, entry):
        del structured["result"]
        return f"Its result does not have the declared shape ({flaws}). It is: {text}"
    if 2 * size > EVENT_LIMIT - 64 * 1024:
        return f"Its result ({amount(len(text.encode()))}) is in the structured content."
    return f"Result: {text}"


def _does_not_fit(structured: dict[str, Json], entry: Entry) -> str:
    """What the declared schema finds wrong, "" for nothing."""
    problems = [] if entry.shape is None else entry.shape.check(structured)
    return "; ".join(map(str, problems[:3]))


def _masked(value: Json, secrets: Sequence[str]) -> Json:
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, list):
        return [_masked(item, secrets) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item, secrets) for name, item in value.items()}
    return value


# -- what it made -----------------------------------------------------------------------------------------


def _media(
    content: bytes, media_type: str, entry: Entry, request_id: str
) -> tuple[str, list[types.ContentBlock]]:
    essence = media_essence(media_type) or OCTETS
    size = f"{amount(len(content))} of {essence}"
    if len(content) > MEDIA_LIMIT:
        return f"Its result is {size}: too large to be put in here.", []
    return f"Its result is {size}.", [media_block(content, essence, entry, request_id)]


async def inline_media(
    standing: Standing, entry: Entry, desk: Desk, request_id: str
) -> list[types.ContentBlock]:
    """The image or the sound that a job made, where it is small enough; or why it is not here."""
    if standing.outcome.state is not State.SUCCEEDED or standing.outcome.content is not None:
        return []
    try:
        found = await desk.asset(standing, MEDIA_LIMIT)
    except CallError as error:
        return [_note(f"It could not be fetched: {error.problems[0].message}.")]
    if found is None:
        return [_note("There is nothing small enough to be put in here; use the link.")]
    content, media_type = found
    return [media_block(content, media_essence(media_type) or OCTETS, entry, request_id)]


def _note(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _links(result: Json) -> Iterator[types.ResourceLink]:
    """A link for each URL in a result."""
    for url in list(dict.fromkeys(_urls(result)))[:LINKS_LIMIT]:
        name = plain(unquote(posixpath.basename(urlsplit(url).path), errors="replace"))
        media_type = media_type_of(name)
        yield types.ResourceLink(
            type="resource_link",
            uri=url,
            name=name or "result",
            mime_type=None if media_type == OCTETS else media_type,
        )


def _urls(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        if _URL.fullmatch(value):
            yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _urls(item)
