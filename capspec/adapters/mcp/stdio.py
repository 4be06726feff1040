"""Targets to MCP over standard input and output: one JSON-RPC message a line, nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

import anyio
import mcp.types as types
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from capspec.adapters.mcp.server import Ongoing, build_server
from capspec.adapters.mcp.tools import Target
from capspec.edge import EdgeOptions

GRACE = 10.0
"""Seconds that calls in flight get when input has ended."""

LAST_WORDS = 1.0
"""Seconds in which those who wait for a job get its handle instead, after that."""

_CHUNK = 64 * 1024
_AHEAD = 64
"""Lines that are read before the ones in front of them are taken."""


class Lines:
    """Standard input by line, as an asynchronous iterator that can be closed while it waits.

    A daemon thread reads, so that a terminal or pipe that stays open does not keep the process alive.
    A line of more than `limit` bytes is replaced by one that is no message.
    """

    def __init__(self, descriptor: int, limit: int) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._closed = False
        threading.Thread(target=self._read, name="capspec stdin", daemon=True).start()

    def close(self) -> None:
        """End the iteration after the lines that have been read."""
        self._closed = True
        self._queue.put_nowait(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        line = await self._queue.get()
        if line is None:
            self._closed = True
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        self._room.release()
        return line

    def _read(self) -> None:
        rest = bytearray()
        try:
            while not self._closed and (chunk := os.read(self._descriptor, _CHUNK)):
                rest += chunk
                *lines, tail = rest.split(b"\n")
                for line in lines:
                    self._put(line)
                rest = tail if len(tail) <= self._limit else tail[: self._limit + 1]
            self._put(rest)
        except OSError:
            pass  # a closed descriptor is an end like any other
        with suppress(RuntimeError):  # the loop may be gone
            self._loop.call_soon_threadsafe(self._queue.put_nowait, None)

    def _put(self, line: bytearray) -> None:
        if line.strip():
            text = line.decode("utf-8", "replace") if len(line) <= self._limit else "(too long)"
            self._room.acquire()
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._queue.put_nowait, text)


@dataclass(slots=True)
class Answers:
    """The SDK's way out, wrapped to see which requests have been answered."""

    out: Any
    open: set[str] = field(default_factory=set)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def asked(self, message: types.JSONRPCMessage) -> None:
        """Note a message from the client: a request is open until it is answered or cancelled."""
        if isinstance(message, types.JSONRPCRequest):
            self.open.add(str(message.id))
            self.settled.clear()
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            self._close((message.params or {}).get("requestId"))

    async def send(self, item: SessionMessage) -> None:
        await self.out.send(item)
        if isinstance(item.message, types.JSONRPCResponse | types.JSONRPCError):
            self._close(item.message.id)

    async def all_sent(self) -> None:
        if self.open:
            await self.settled.wait()

    async def aclose(self) -> None:
        await self.out.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _close(self, request_id: object) -> None:
        self.open.discard(str(request_id))
        if not self.open:
            self.settled.set()


async def serve(targets: Sequence[Target], options: EdgeOptions, stop: asyncio.Event) -> None:
    """Serve until input ends or `stop` is set; a client that no longer reads ends it too."""
    server, ongoing = build_server(targets, options)
    lines = Lines(sys.stdin.fileno(), options.max_request_bytes)
    with suppress(BrokenPipeError):
        try:
            async with stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (incoming, outgoing):
                answers = Answers(outgoing)
                feed, requests = anyio.create_memory_object_stream[SessionMessage | Exception](0)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_close_on, stop, lines, ongoing)
                    tasks.start_soon(_relay, incoming, feed, answers, ongoing)
                    await server.run(requests, answers, server.create_initialization_options())
                    tasks.cancel_scope.cancel()
                await ongoing.stop()
        except* BrokenPipeError as group:
            raise BrokenPipeError from group


async def _close_on(stop: asyncio.Event, lines: Lines, ongoing: Ongoing) -> None:
    await stop.wait()
    lines.close()
    ongoing.close()


async def _relay(incoming: Any, feed: Any, answers: Answers, ongoing: Ongoing) -> None:
    """Pass messages on; at the end of input, end listen streams and let calls in flight finish.

    Who still waits for a job then gets its handle.
    """
    async with feed, incoming:
        async for item in incoming:
            if isinstance(item, Exception):
                await answers.send(SessionMessage(_UNREADABLE))
                continue
            answers.asked(item.message)
            await feed.send(item)
        ongoing.listening.close()
        with anyio.move_on_after(GRACE):
            await answers.all_sent()
        ongoing.close()
        with anyio.move_on_after(LAST_WORDS):
            await answers.all_sent()


_UNREADABLE = types.JSONRPCError(
    jsonrpc="2.0",
    id=None,
    error=types.ErrorData(code=types.PARSE_ERROR, message="This line is not a JSON-RPC message"),
)
