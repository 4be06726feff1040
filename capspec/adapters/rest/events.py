"""What becomes of a job, as Server-Sent Events (HTML Living Standard, 9.2).

`progress` is an event for each change, `outcome` the last one; the data of both is the job's envelope.
`problem` takes the place of the outcome when it cannot be given; its data is a problem document (RFC 9457).
Every event says all there is to know, so a client that comes back has missed nothing: `id` stands for the
envelope, and an event that the client had last is not sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final, TypeAlias

from capspec.adapters.rest.encode import encode_json
from capspec.clock import Clock
from capspec.desk import Standing
from capspec.errors import CallError
from capspec.values import Json

MEDIA_TYPE: Final = "text/event-stream"

LAST: Final = "end"
"""The id of the event after which none follows. Clients reconnect by themselves; whoever had it is told to
stop."""

FAREWELL: Final = b": the server is stopping, come back\n\n"

QUIET: Final = 15.0
"""Seconds without an event after which a comment keeps the connection open."""

_RETRY_MS = 3000

Waiting: TypeAlias = Callable[[Callable[[Standing], Awaitable[None]]], Awaitable[Standing]]
"""Waits for a job's end, and tells of each look until then."""


def are_wanted(accept: Iterable[str]) -> bool:
    """Whether Accept headers name event streams (RFC 9110, 12.5.1); `*/*` does not mean them."""
    for item in ", ".join(accept).split(","):
        media, *parameters = (part.strip().lower().replace(" ", "") for part in item.split(";"))
        if media == MEDIA_TYPE:
            return not any(part.startswith("q=") and not part[2:].strip("0.") for part in parameters)
    return False


async def events(
    waiting: Waiting,
    clock: Clock,
    *,
    envelope: Callable[[Standing], Mapping[str, Json]],
    problem: Callable[[CallError], bytes],
    last_id: str = "",
) -> AsyncGenerator[bytes, None]:
    """The events from now to the job's end, or to that of the wait. `last_id` is what the client had last."""
    # No job is looked at so often that this could grow: one look is one entry.
    looks: asyncio.Queue[Standing | None] = asyncio.Queue()
    task = asyncio.ensure_future(waiting(looks.put))
    task.add_done_callback(lambda _: looks.put_nowait(None))
    try:
        yield b"retry: %d\n\n" % _RETRY_MS
        async for standing in _spaced(looks, clock):
            if standing is None:
                yield b": still there\n\n"
            elif (name := _name(document := envelope(standing))) != last_id:
                last_id = name
                yield _event("progress", name, encode_json(document))
        try:
            yield _event("outcome", LAST, encode_json(envelope(await task)))
        except CallError as error:
            yield _event("problem", LAST, problem(error))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _spaced(looks: asyncio.Queue[Standing | None], clock: Clock) -> AsyncIterator[Standing | None]:
    """The looks until there is None; and None instead after each time of silence."""
    while True:
        found: list[Standing | None] = []
        try:
            async with clock.timeout(QUIET):
                found.append(await looks.get())
        except TimeoutError:
            yield None
        if found:
            if found[0] is None:
                return
            yield found[0]


def _event(kind: str, name: str, data: bytes) -> bytes:
    return b"event: %s\nid: %s\ndata: %s\n\n" % (kind.encode(), name.encode(), data)


def _name(document: Mapping[str, Json]) -> str:
    """A short text that is the same for envelopes that differ in nothing but when to ask again."""
    said = {name: value for name, value in document.items() if name != "retry_after"}
    return blake2b(encode_json(said), digest_size=8).hexdigest()
