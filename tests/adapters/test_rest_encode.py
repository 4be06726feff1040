"""The REST adapter: what callers get of a result, at once or as a stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from capspec.errors import (
    CallError,
    MappingError,
)
from capspec.events import UnexpectedError
from capspec.plan import Call, Result
from tests.adapters.rest_world import AGE, gives, in_memory, make_flow, serving

pytestmark = pytest.mark.anyio


# -- what callers get -------------------------------------------------------------------------------------


async def test_status_and_useful_headers_are_kept_and_all_others_are_not() -> None:
    kept = {
        "location": "/pets/7", "etag": '"1"', "last-modified": "Tue, 15 Nov 1994 12:45:26 GMT",
        "retry-after": "3", "cache-control": "max-age=5", "link": "</pets?page=2>; rel=next",
    }  # fmt: skip
    dropped = {
        "set-cookie": "a=1", "server": "upstream/1.0", "content-encoding": "gzip", "content-length": "999999",
        "transfer-encoding": "chunked", "connection": "close", "keep-alive": "timeout=5",
        "x-powered-by": "php", "www-authenticate": "Basic", "content-range": "bytes 0-1/2",
    }  # fmt: skip
    headers = tuple((name.title(), value) for name, value in {**kept, **dropped}.items())
    async with serving(
        make_flow("POST /a", name="mapped"),
        make_flow("GET /a", name="raw"),
        mapped=gives(status=201, value={"id": 7}, headers=headers),
        raw=gives(status=206, content=b"ab", media_type="text/csv", headers=headers),
    ) as world:
        mapped = await world.client.post("/a")
        raw = await world.client.get("/a")
    assert (mapped.status_code, mapped.json()) == (201, {"id": 7})
    assert {name: mapped.headers.get(name) for name in kept} == kept
    assert not set(dropped) & set(mapped.headers) - {"content-length"}
    assert (raw.status_code, raw.content, raw.headers["content-type"]) == (206, b"ab", "text/csv")
    assert raw.headers["content-range"] == "bytes 0-1/2"


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ({}, 204, b""),
        ({"status": 202}, 202, b""),
        ({"value": None}, 200, b"null"),
        ({"value": []}, 200, b"[]"),
        ({"value": "\ud800"}, 200, b'"\\ud800"'),
        ({"status": 204, "value": {"a": 1}}, 204, b""),
        ({"status": 304, "content": b"x"}, 304, b""),
        ({"content": b""}, 200, b""),
        ({"content": b"x", "media_type": ""}, 200, b"x"),
        ({"status": 404, "value": {"no": 1}}, 404, b'{"no":1}'),
    ],
)
async def test_each_kind_of_result_has_its_answer(result: dict[str, Any], status: int, body: bytes) -> None:
    async with serving(make_flow("GET /a", name="it"), it=gives(**result)) as world:
        answer = await world.client.get("/a")
        again = await world.client.get("/a")
    assert (answer.status_code, answer.content) == (status, body)
    assert again.status_code == status


async def test_a_value_that_json_cannot_hold_is_a_problem() -> None:
    async with in_memory(make_flow("GET /a", name="it"), it=gives(value=[float("inf")])) as world:
        answer = await world.client.get("/a")
    assert (answer.status_code, answer.json()["code"]) == (502, "CAP603")


async def test_a_header_cannot_be_split() -> None:
    headers = (("Location", "/a\r\nSet-Cookie: x=1"),)
    async with serving(make_flow("GET /a", name="it"), it=gives(value=1, headers=headers)) as world:
        answer = await world.client.get("/a")
    assert answer.headers["location"] == "/a  Set-Cookie: x=1"
    assert "set-cookie" not in answer.headers


# -- streams ----------------------------------------------------------------------------------------------


class Stream:
    """A behaviour that streams chunks as a test lets them through, and notes when it is closed."""

    def __init__(
        self, *chunks: bytes, error: BaseException | None = None, media_type: str = "text/csv"
    ) -> None:
        self.chunks = chunks
        self.error = error
        self.media_type = media_type
        self.closed = asyncio.Event()
        self.next = asyncio.Semaphore(0)

    async def __call__(self, call: Call) -> Result:
        assert call.streams
        return Result(stream=self.flow(), media_type=self.media_type, closer=self.close)

    async def flow(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            await self.next.acquire()
            yield chunk
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        self.closed.set()


async def test_a_stream_reaches_the_client_chunk_by_chunk() -> None:
    stream = Stream(b"a,b\n", b"1,2\n")
    async with serving(make_flow("GET /a", name="it"), it=stream) as world:
        async with world.client.stream("GET", "/a") as answer:
            chunks = answer.aiter_raw()
            stream.next.release()
            first = await anext(chunks)
            stream.next.release()
            second = await anext(chunks)
            with pytest.raises(StopAsyncIteration):
                await anext(chunks)
        await asyncio.wait_for(stream.closed.wait(), 5)
    assert (first, second) == (b"a,b\n", b"1,2\n")
    assert answer.headers["content-type"] == "text/csv"


async def test_head_and_bodiless_statuses_close_a_stream_unread() -> None:
    stream = Stream(b"never")
    async with serving(make_flow("GET /a", name="it"), it=stream) as world:
        answer = await world.client.head("/a")
        await asyncio.wait_for(stream.closed.wait(), 5)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("error", [MappingError("it broke off"), RuntimeError("it broke")])
async def test_a_stream_that_breaks_off_leaves_the_answer_incomplete(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(b"begun", error=error)
    stream.next.release()
    with caplog.at_level(logging.CRITICAL, "uvicorn.error"):
        async with serving(make_flow("GET /a", name="it"), it=stream) as world:
            with pytest.raises(httpx.RemoteProtocolError):
                await world.client.get("/a")
            await asyncio.wait_for(stream.closed.wait(), 5)
            reported = [event.error for event in world.engine.heard if isinstance(event, UnexpectedError)]
    assert reported == ([] if isinstance(error, CallError) else [error])


async def test_a_client_that_goes_away_ends_the_stream() -> None:
    stream = Stream(b"one", b"two")
    stream.next.release()
    async with serving(make_flow("GET /a", name="it"), it=stream) as world:
        async with world.client.stream("GET", "/a") as answer:
            assert await anext(answer.aiter_raw()) == b"one"
        await asyncio.wait_for(stream.closed.wait(), 5)


async def test_a_stream_waits_for_a_slow_client() -> None:
    produced = 0

    async def flood(call: Call) -> Result:
        async def chunks() -> AsyncIterator[bytes]:
            nonlocal produced
            for _ in range(2_000):
                produced += 1
                yield b"x" * 65_536

        return Result(stream=chunks(), media_type="application/octet-stream")

    async with serving(make_flow("GET /a", name="it"), it=flood) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port, limit=1024)
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        seen = -1
        while seen != produced:
            seen = produced
            await asyncio.get_running_loop().run_in_executor(None, sum, range(2_000_000))
        writer.close()
        await writer.wait_closed()
    assert produced < 2_000


async def test_draining_ends_event_streams_and_waits_for_calls() -> None:
    events = Stream(b"data: 1\n\n", b"never", media_type="text/event-stream; charset=utf-8")
    events.next.release()
    both, leave = asyncio.Barrier(3), asyncio.Event()

    async def slow(call: Call) -> Result:
        await both.wait()
        await leave.wait()
        return Result(value="done")

    late = Stream(b"never", media_type="text/event-stream")

    async def slow_stream(call: Call) -> Result:
        await slow(call)
        return await late(call)

    flows = [make_flow(f"GET /{name}", name=name) for name in ("events", "slow", "late")]
    async with serving(*flows, events=events, slow=slow, late=slow_stream) as world:
        waiting = asyncio.create_task(world.client.get("/slow"))
        waiting_late = asyncio.create_task(world.client.get("/late"))
        await both.wait()
        async with world.client.stream("GET", "/events") as answer:
            chunks = answer.aiter_raw()
            assert await anext(chunks) == b"data: 1\n\n"
            drain = asyncio.ensure_future(world.edge.drain())
            with pytest.raises(StopAsyncIteration):
                await anext(chunks)
        assert not drain.done()
        leave.set()
        assert (await waiting).json() == "done"
        assert (await waiting_late).content == b""
        await asyncio.wait_for(drain, 5)
        await world.edge.drain()


# -- clients that go away ---------------------------------------------------------------------------------


async def test_a_client_that_goes_away_cancels_its_call() -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(call: Call) -> Result:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    async with serving(make_flow("POST /a", AGE, name="it"), make_flow("GET /b"), it=endless) as world:
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await entered.wait()
        writer.close()
        await asyncio.wait_for(cancelled.wait(), 5)
        assert (await world.client.get("/b")).status_code == 200
        await asyncio.wait_for(world.edge.drain(), 5)
        assert not world.engine.heard


async def test_a_client_that_goes_away_while_it_sends_makes_no_call() -> None:
    async with serving(make_flow("POST /a", AGE), make_flow("GET /b")) as world:
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{")
        await writer.drain()
        await world.client.get("/b")
        writer.close()
        await asyncio.wait_for(world.edge.drain(), 5)
        assert [call.flow.name for call in world.engine.calls] == ["GET /b"]
        assert not world.engine.heard


async def test_many_requests_at_once_get_each_their_own_answer() -> None:
    async with serving(make_flow("GET /a/{id}")) as world:
        answers = await asyncio.gather(*(world.client.get(f"/a/{number}") for number in range(200)))
    assert [answer.json()["arguments"]["id"] for answer in answers] == [str(number) for number in range(200)]
