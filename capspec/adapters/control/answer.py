"""What control endpoints are asked, and what they answer: JSON, text, and streams of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from capspec.adapters.control.logs import Subscriber, chunks
from capspec.edge import ASGIScope, Receive, SendMessage
from capspec.errors import BodyEncodingError, BodySizeError, BodyStalled, InputError, Problem
from capspec.values import Json

STALLED = 30.0
"""Seconds that a client may take to send a body, or to take some bytes of a stream."""

Header = tuple[bytes, bytes]
_SAFE: tuple[Header, ...] = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Gone(Exception):
    """The client has left."""


@dataclass(slots=True)
class Asked:
    """A request. `limit` is how many bytes its body may have."""

    scope: ASGIScope
    receive: Receive
    limit: int

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The decoded path after the mount point, without a slash at its end."""
        root = str(self.scope.get("root_path", "")).rstrip("/")
        return str(self.scope["path"]).removeprefix(root).rstrip("/")

    @property
    def query(self) -> dict[str, str]:
        """Of a repeated parameter the first counts."""
        pairs = parse_qsl(bytes(self.scope["query_string"]).decode("utf-8", "replace"))
        return dict(reversed(pairs))

    async def body(self) -> bytes:
        """Raises BodySizeError, BodyEncodingError, BodyStalled, and Gone."""
        headers = dict(self.scope["headers"])
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise BodyEncodingError("the body is compressed", hint="send it as it is")
        content = bytearray()
        try:
            async with asyncio.timeout(STALLED):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    content += message.get("body", b"")
                    if len(content) > self.limit:
                        raise BodySizeError(f"the body has more than {self.limit} bytes")
                    if not message.get("more_body"):
                        return bytes(content)
        except TimeoutError:
            raise BodyStalled("the rest of the body did not come") from None

    async def json(self) -> Json:
        """The body as JSON. Raises InputError, and what `body` raises."""
        try:
            found: Json = json.loads(await self.body())
        except (ValueError, RecursionError):
            raise InputError("the body is not JSON") from None
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; with a `subscriber`, the log as it is written."""

    status: int = 200
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""
    subscriber: Subscriber | None = None


def of_json(value: Json, status: int = 200) -> Reply:
    content = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(status=status, headers=[(b"content-type", b"application/json")], body=content)


def of_text(content: bytes, media_type: str) -> Reply:
    return Reply(headers=[(b"content-type", media_type.encode())], body=content)


def of_problem(
    status: int, detail: str, problems: Iterable[Problem] | None = None, *headers: Header
) -> Reply:
    """A problem (RFC 9457). `error` says the same as `detail`, in the language's own word for it."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "error": detail}
    if problems is not None:
        content["problems"] = [item.facts for item in problems]
    fields = [(b"content-type", b"application/problem+json"), *headers]
    return Reply(status=status, headers=fields, body=json.dumps(content, ensure_ascii=False).encode())


async def give(reply: Reply, asked: Asked, send: SendMessage) -> None:
    """Send an answer to its end, or, a stream, until its client has left or cannot keep up."""
    headers = [*reply.headers, *_SAFE]
    if reply.subscriber is None and reply.status != HTTPStatus.NO_CONTENT:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.subscriber is not None and not await _streamed(reply.subscriber, asked.receive, send):
        return
    body = b"" if asked.method == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})


async def _streamed(subscriber: Subscriber, receive: Receive, send: SendMessage) -> bool:
    """Whether it was sent to its end. One that was cut off stays incomplete, which tells the client."""
    writing = asyncio.ensure_future(_write(subscriber, send))
    tasks = [writing, asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(_left_behind(subscriber))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return writing.done() and writing.exception() is None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write(subscriber: Subscriber, send: SendMessage) -> None:
    async for chunk in chunks(subscriber):
        async with asyncio.timeout(STALLED):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _left_behind(subscriber: Subscriber) -> None:
    with suppress(asyncio.CancelledError):
        await subscriber.dropped.wait()
