"""Forwards as streams: nothing is held back in either direction, and whoever leaves ends the other side."""

from __future__ import annotations

import asyncio
import resource

import pytest

from capspec.adapters.rest import forwards
from capspec.events import FlowFinished
from tests.forward_world import PATIENCE, Wire, World, answer, capability, forwarding

pytestmark = pytest.mark.anyio

MANY = 100 * 2**20
PART = bytes(2**16)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
UPLOAD = b"PUT /api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


async def until_stuck(wire: Wire) -> int:
    """Send parts until the other side takes no more; how many bytes it took."""
    sent = 0
    while sent < 2 * MANY:
        wire.writer.write(PART)
        try:
            async with asyncio.timeout(1):
                await wire.writer.drain()
        except TimeoutError:
            return sent
        sent += len(PART)
    return sent


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# -- up ---------------------------------------------------------------------------------------------------


async def test_a_large_upload_passes_without_being_held() -> None:
    arrived = 0

    async def talk(wire: Wire) -> None:
        nonlocal arrived
        assert (await wire.headers())["content-length"] == str(MANY)
        while arrived < MANY:
            arrived += len(await wire.reader.read(2**16))
        await wire.send(answer(201, b"done"))

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        before = peak()
        await wire.send(UPLOAD + b"Content-Length: %d\r\n\r\n" % MANY)
        for _ in range(MANY // len(PART)):
            await wire.send(PART)
        assert (await wire.head()).startswith("HTTP/1.1 201 ")
    assert arrived == MANY
    assert peak() - before < MANY // 3


async def test_an_upload_goes_no_faster_than_the_api_takes_it() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await asyncio.Event().wait()

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        await wire.send(UPLOAD + b"Content-Length: %d\r\n\r\n" % (4 * MANY))
        assert await until_stuck(wire) < MANY // 2


async def test_an_upload_arrives_while_it_is_being_sent() -> None:
    arrived = asyncio.Event()

    async def talk(wire: Wire) -> None:
        assert (await wire.headers())["transfer-encoding"] == "chunked"
        assert await wire.chunk() == b"first"
        arrived.set()
        assert await wire.chunk() == b"second"
        assert await wire.chunk() == b""
        await wire.send(answer(200, b"ok"))

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        await wire.send(UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"first"))
        await arrived.wait()
        await wire.send(chunk(b"second") + chunk(b""))
        assert (await wire.reader.read(-1)).endswith(b"\r\n\r\nok")


async def test_a_client_may_take_its_time_with_a_body() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        assert await wire.reader.readexactly(6) == b"onetwo"
        await wire.send(answer(200, b"ok"))

    text = capability(more="      timeout: 150ms")
    async with forwarding(text, talk) as world, world.connected() as wire:
        await wire.send(UPLOAD + b"Content-Length: 6\r\n\r\none")
        await asyncio.sleep(0.4)  # longer than the API itself may take
        await wire.send(b"two")
        assert (await wire.reader.read(-1)).endswith(b"\r\n\r\nok")


async def test_a_client_that_stops_sending_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwards, "STALLED", 0.1)
    gone = asyncio.Event()

    async def talk(wire: Wire) -> None:
        if await wire.ended():
            gone.set()

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        await wire.send(UPLOAD + b"Content-Length: 6\r\n\r\none")
        said = await wire.reader.read(-1)
        async with asyncio.timeout(PATIENCE):
            await gone.wait()
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"CAP616" in said


async def test_a_limit_of_the_file_holds_for_bodies_of_any_kind() -> None:
    async def talk(wire: Wire) -> None:
        await wire.ended()

    async with forwarding(capability("{targetNamespace: api, maxRequestSize: 1KiB}"), talk) as world:
        for body in (
            b"Content-Length: 1025\r\n\r\n" + bytes(1025),
            b"Transfer-Encoding: chunked\r\n\r\n" + chunk(bytes(1000)) + chunk(bytes(25)),
        ):
            async with world.connected() as wire:
                await wire.send(UPLOAD + body)
                assert (await wire.head()).startswith("HTTP/1.1 413 ")


async def test_an_api_that_answers_early_is_heard() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(answer(413, b"too much", "connection: close"))
        wire.writer.close()

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        await wire.send(UPLOAD + b"Content-Length: %d\r\n\r\n" % MANY)
        sending = asyncio.create_task(until_stuck(wire))
        head = await wire.head()
        sending.cancel()
    assert head.split()[1] in ("413", "502")


async def test_a_client_that_leaves_while_it_sends_ends_the_request() -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def talk(wire: Wire) -> None:
        await wire.head()
        begun.set()
        if await wire.ended():
            gone.set()

    async with forwarding(capability(), talk) as world:
        async with world.connected() as wire:
            await wire.send(UPLOAD + b"Content-Length: 1000\r\n\r\nx")
            await begun.wait()
        async with asyncio.timeout(PATIENCE):
            await gone.wait()


# -- down -------------------------------------------------------------------------------------------------


async def test_a_large_answer_passes_without_being_held() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % MANY)
        for _ in range(MANY // len(PART)):
            await wire.send(PART)
        await wire.ended()

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        before = peak()
        await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await wire.headers())["content-length"] == str(MANY)
        arrived = 0
        while part := await wire.reader.read(2**16):
            arrived += len(part)
    assert arrived == MANY
    assert peak() - before < MANY // 3


async def test_an_answer_comes_no_faster_than_the_client_takes_it() -> None:
    taken = asyncio.get_running_loop().create_future()

    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (4 * MANY))
        taken.set_result(await until_stuck(wire))

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await taken < MANY // 2


async def test_events_come_at_once_and_may_be_silent_for_long() -> None:
    heard = asyncio.Event()

    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(CHUNKED + b"content-type: text/event-stream\r\n\r\n" + chunk(b"data: 1\n\n"))
        await heard.wait()
        await asyncio.sleep(0.4)  # longer than any other answer may pause
        await wire.send(chunk(b"data: 2\n\n") + chunk(b""))

    text = capability(more="      timeout: 150ms")
    async with forwarding(text, talk) as world, world.connected() as wire:
        await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "content-type: text/event-stream" in await wire.head()
        assert await wire.chunk() == b"data: 1\n\n"
        heard.set()
        assert await wire.chunk() == b"data: 2\n\n"
        assert await wire.chunk() == b""


async def test_an_answer_may_take_longer_than_any_of_its_pauses() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(CHUNKED + b"\r\n")
        for _ in range(8):
            await wire.send(chunk(b"x"))
            await asyncio.sleep(0.05)
        await wire.send(chunk(b""))

    text = capability(more="      timeout: 250ms")
    async with forwarding(text, talk) as world, world.connected() as wire:
        await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
        await wire.head()
        assert [await wire.chunk() for _ in range(9)] == [b"x"] * 8 + [b""]


async def broken(world: World) -> tuple[bytes, str]:
    """The answer, up to the connection's end, and the code of its end."""
    async with world.connected() as wire:
        await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
        said = await wire.reader.read(-1)
    (told,) = (event.code for event in world.heard if isinstance(event, FlowFinished))
    return said, told


async def test_an_answer_that_breaks_off_is_left_incomplete() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(CHUNKED + b"\r\n" + chunk(b"some"))

    async with forwarding(capability(), talk) as world:
        said, told = await broken(world)
    assert said.endswith(b"4\r\nsome\r\n")
    assert told == "CAP602"


async def test_an_answer_that_stalls_is_left_incomplete() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(CHUNKED + b"\r\n" + chunk(b"some"))
        await wire.ended()

    async with forwarding(capability(more="      timeout: 150ms"), talk) as world:
        said, told = await broken(world)
    assert said.endswith(b"4\r\nsome\r\n")
    assert told == "CAP604"


@pytest.mark.parametrize("begun", [b"", CHUNKED + b"\r\n" + chunk(b"some")])
async def test_a_client_that_leaves_ends_the_request_upstream(begun: bytes) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(begun)
        asked.set()
        if await wire.ended():
            gone.set()

    async with forwarding(capability(), talk) as world:
        async with world.connected() as wire:
            await wire.send(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            await asked.wait()
            if begun:
                await wire.head()
        async with asyncio.timeout(PATIENCE):
            await gone.wait()


async def test_a_connection_serves_one_request_after_another() -> None:
    connections = 0

    async def talk(wire: Wire) -> None:
        nonlocal connections
        connections += 1
        while True:
            length = int((await wire.headers())["content-length"])
            await wire.send(answer(200, await wire.reader.readexactly(length)))

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        for body in (b"one", b"three"):
            await wire.send(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            await wire.send(body)
            assert (await wire.headers())["content-length"] == str(len(body))
            assert await wire.reader.readexactly(len(body)) == body
    assert connections == 1
