"""A running server, as raw connections see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from capspec.edge import ASGIScope, Receive, SendMessage
from capspec.serving import request_head
from capspec.serving.server import hosted, server_for
from capspec.serving.sockets import open_socket, port_of

pytestmark = pytest.mark.anyio

PATIENCE = 10


class Application:
    """Answers with the size of the body; /wait waits for `go`."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.arrived = asyncio.Event()
        self.lifespan: list[str] = []

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.arrived.set()
        if scope["path"] == "/wait":
            await self.go.wait()
        body = f"{size} bytes".encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: SendMessage) -> None:
        for word in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{word}"
            self.lifespan.append(word)
            await send({"type": f"lifespan.{word}.complete"})


@asynccontextmanager
async def connected(app: Application) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    with open_socket("127.0.0.1", 0, "the test") as bound:
        server = server_for(app, grace=5)
        await server.open(bound)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(bound))
        try:
            async with asyncio.timeout(PATIENCE):
                yield reader, writer
        finally:
            writer.close()
            await server.finish()


async def test_a_server_does_not_say_what_it_is_made_of() -> None:
    async with connected(Application()) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ndate: " in head
    assert b"server:" not in head


@pytest.mark.parametrize(
    ("first", "last"),
    [(b"x: %s\r\n" % (b"y" * 60_000), b"z: %s\r\n" % (b"y" * 6_000)), (b"x: " + b"y" * 60_000, b"y" * 6_000)],
    ids=["many headers", "one header"],
)
async def test_headers_without_end_are_refused(first: bytes, last: bytes) -> None:
    async with connected(Application()) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n" + first)
        await writer.drain()
        writer.write(last)
        assert (await reader.read()).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


async def test_large_bodies_and_many_requests_on_one_connection_are_not_heads() -> None:
    body = b"z" * 300_000
    async with connected(Application()) as (reader, writer):
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(12) == b"300000 bytes"


async def test_a_head_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_head, "HEAD_SECONDS", 0.05)
    async with connected(Application()) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost:")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_head, "HEAD_SECONDS", 0.05)
    async with connected(Application()) as (reader, _):
        assert await reader.read() == b""


async def test_an_answer_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_head, "HEAD_SECONDS", 0.05)
    app = Application()
    async with connected(app) as (reader, writer):
        # The blank line after the body begins the next head, which is none.
        writer.write(b"POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nz\r\n")
        await app.arrived.wait()
        asyncio.get_running_loop().call_later(0.2, app.go.set)
        assert (await reader.readuntil(b"bytes")).startswith(b"HTTP/1.1 200 ")


async def test_a_next_request_that_is_too_large_breaks_the_connection() -> None:
    app = Application()
    async with connected(app) as (reader, writer):
        writer.write(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        await app.arrived.wait()
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        app.go.set()


async def test_a_hosted_application_lives_as_long_as_the_block() -> None:
    app = Application()
    with open_socket("127.0.0.1", 0, "the test") as bound:
        async with hosted(app, bound):
            assert app.lifespan == ["startup"]
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(bound))
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                assert (await reader.readuntil(b"bytes")).endswith(b"0 bytes")
            writer.close()
    assert app.lifespan == ["startup", "shutdown"]
