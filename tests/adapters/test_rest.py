"""The REST adapter over real sockets: what reaches a flow, and what callers get."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from rest_world import echo, in_memory, make_flow, make_input, serving

from capspec.errors import (
    AuthError,
    CallError,
    ForbiddenError,
    InputError,
    MappingError,
    MissingSecret,
    Place,
    Problem,
    Unavailable,
    UpstreamTimeout,
)
from capspec.events import UnexpectedError
from capspec.plan import Call, Principal, Result

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def gives(**result: Any) -> Any:
    async def behave(call: Call) -> Result:
        return Result(**result)

    return behave


def raises(error: BaseException) -> Any:
    async def behave(call: Call) -> Result:
        raise error

    return behave


# -- what reaches a flow ----------------------------------------------------------------------------------


async def test_arguments_come_from_path_query_headers_and_cookies_by_their_wire_names_and_types() -> None:
    flow = make_flow(
        "GET /pets/{pet-id}",
        make_input("id", "path", "integer", wire="pet-id"),
        make_input("limit", "query", "integer"),
        make_input("tags", "query", "array", items={"type": "string"}),
        make_input("tenant", "header", wire="x-tenant"),
        make_input("session", "cookie"),
        make_input("absent", "query"),
        make_input("fixed", "query", constant="as the file says"),
    )
    async with serving(flow) as world:
        answer = await world.client.get(
            "/pets/7?limit=3&tags=a&tags=b&fixed=other",
            headers={"X-Tenant": "acme", "Cookie": 'odd; session="s 1"; session=2'},
        )
    assert answer.json()["arguments"] == {
        "id": 7, "limit": 3, "tags": ["a", "b"], "tenant": "acme", "session": "s 1",
    }  # fmt: skip


async def test_what_is_not_unicode_in_a_header_is_read_as_latin_1() -> None:
    async with serving(make_flow("GET /a", make_input("who", "header", wire="X-Who"))) as world:
        utf8 = await world.client.get("/a", headers=[(b"x-who", "Grüße".encode())])
        latin = await world.client.get("/a", headers=[(b"x-who", "Grüße".encode("latin-1"))])
    assert [item.json()["arguments"]["who"] for item in (utf8, latin)] == ["Grüße", "Grüße"]


async def test_an_encoded_slash_stays_in_its_segment_and_unicode_is_decoded() -> None:
    async with serving(make_flow("GET /docs/{name}/meta"), make_flow("GET /files/{path}")) as world:
        name = await world.client.get("/docs/a%2Fb%20%E2%82%AC/meta")
        path = await world.client.get("/files/a/b%2Fc/d")
        broken = await world.client.get("/docs/%ff/meta")
    assert name.json()["arguments"] == {"name": "a/b €"}
    assert path.json()["arguments"] == {"path": "a/b/c/d"}
    assert broken.status_code == 404


async def test_answers_are_utf_8_json_without_escapes() -> None:
    async with serving(make_flow("GET /a"), **{"GET /a": gives(value={"grün": "€ 😀"})}) as world:
        answer = await world.client.get("/a")
    assert answer.content == '{"grün":"€ 😀"}'.encode()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.content))


SHIP = make_input("shipImo", "body", required=True)
AGE = make_input("age", "body", "integer")
TAGS = make_input("tags", "body", "array", items={"type": "integer"})


@pytest.mark.parametrize(
    ("body", "content_type", "arguments"),
    [
        (b"", None, {}),
        (b"{}", "application/json", {}),
        (b'{"shipImo": "9", "other": 1}', "application/json", {"shipImo": "9"}),
        (b'{"shipImo": null, "age": 1.5}', "application/json", {"shipImo": None, "age": 1.5}),
        (b'{"age": 3}', None, {"age": 3}),
        (b'{"age": 3}', "text/plain", {"age": 3}),
        (b'{"age": 3}', "application/vnd.acme+json; charset=utf-8", {"age": 3}),
        (b'\xef\xbb\xbf{"age": 3}', "application/json", {"age": 3}),
        (b'{"age": 3}', "application/x-www-form-urlencoded", {"age": 3}),
        ("shipImo=Gr%C3%BC+x&age=3&tags=1&tags=2".encode(), "application/x-www-form-urlencoded",
         {"shipImo": "Grü x", "age": 3, "tags": [1, 2]}),
    ],
)  # fmt: skip
async def test_body_fields_come_from_json_and_forms(
    body: bytes, content_type: str | None, arguments: Mapping[str, Any]
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with in_memory(make_flow("POST /a", SHIP, AGE, TAGS)) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
    assert answer.json() == {"flow": "POST /a", "arguments": arguments}


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"{", "application/json", "not JSON"),
        (b"hello", "text/plain", "not JSON"),
        (b"[1]", "application/json", "not a JSON object"),
        (b"3", None, "not a JSON object"),
        (b"NaN", "application/json", "not JSON"),
        (b'{"a": "\\ud800"}', "application/json", "not JSON"),
        (b'{"a": "\xff"}', "application/json", "not JSON"),
        (b"[" * 100_000, "application/json", "not JSON"),
        (b'{"age": 1' + b"0" * 5_000 + b"}", "application/json", "not JSON"),
        (b"a=%ff", "application/x-www-form-urlencoded", "not UTF-8"),
    ],
)
async def test_a_body_without_fields_where_fields_are_needed_is_refused(
    body: bytes, content_type: str | None, said: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with in_memory(make_flow("POST /a", AGE)) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
        assert not world.engine.calls
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert answer.json()["code"] == "CAP601"


@pytest.mark.parametrize(
    ("kind", "body", "content_type", "value"),
    [
        ("object", b'{"a": [1]}', "application/json", {"a": [1]}),
        ("array", b"[1, 2]", None, [1, 2]),
        ("", b"[1, 2]", "application/x-www-form-urlencoded", [1, 2]),
        ("object", b"a=1&b=2&b=3", "application/x-www-form-urlencoded", {"a": "1", "b": ["2", "3"]}),
        ("string", b"plain text", "text/plain", "plain text"),
        ("string", b"123", "text/plain", "123"),
        ("string", b'"quoted"', "application/json", "quoted"),
        ("string", b"{not json", "application/json", "{not json"),
        ("string", b"a=1", "application/x-www-form-urlencoded", "a=1"),
        ("", b"<a/>", "application/xml", "<a/>"),
        ("", b"null", "application/json", None),
    ],
)
async def test_a_whole_body_is_one_value(kind: str, body: bytes, content_type: str | None, value: Any) -> None:
    headers = {"content-type": content_type} if content_type else {}
    flow = make_flow("POST /a", make_input("it", "body", kind, whole=True))
    async with in_memory(flow) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
    assert answer.json()["arguments"] == {"it": value}


@pytest.mark.parametrize(
    ("kind", "body", "content_type"),
    [("object", b"{", "application/json"), ("", b"{", "application/json"), ("string", b"\xff", "text/plain")],
)
async def test_a_whole_body_that_is_no_value_is_refused(kind: str, body: bytes, content_type: str) -> None:
    flow = make_flow("POST /a", make_input("it", "body", kind, whole=True))
    async with in_memory(flow) as world:
        answer = await world.client.post("/a", content=body, headers={"content-type": content_type})
    assert answer.status_code == 400


# -- what is passed on ------------------------------------------------------------------------------------


async def test_an_open_query_passes_on_what_no_input_takes_in_order() -> None:
    flow = make_flow(
        "GET /a", make_input("q"), make_input("fixed", constant="x"), open_query=True, name="open"
    )
    async with serving(flow, make_flow("GET /b", make_input("q"))) as world:
        answer = await world.client.get("/a?z=1&q=2&a=%C3%BC+%26&z=&fixed=3")
        closed = await world.client.get("/b?z=1&q=2")
    assert answer.json() == {
        "flow": "open", "arguments": {"q": "2"}, "query": [["z", "1"], ["a", "ü &"], ["z", ""]],
    }  # fmt: skip
    assert closed.json() == {"flow": "GET /b", "arguments": {"q": "2"}}


async def test_a_query_that_is_not_utf_8_is_refused() -> None:
    async with in_memory(make_flow("GET /a", make_input("q"))) as world:
        answer = await world.client.get("/a?q=%ff")
    assert (answer.status_code, answer.json()["detail"]) == (400, "the query is not UTF-8")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"a":  1}', "application/json"), (b"\x89PNG\xff", "image/png"), (b"a=1", "text/x"), (b"x", "")],
)
async def test_an_open_body_passes_on_the_bytes_and_their_type(body: bytes, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with in_memory(make_flow("POST /a", open_body=True)) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
        empty = await world.client.post("/a")
    assert answer.json()["body"] == body.decode("latin-1")
    assert answer.json()["content_type"] == content_type
    assert empty.json() == {"flow": "POST /a", "arguments": {}}


async def test_an_open_body_beside_declared_fields_passes_on_the_other_fields() -> None:
    flow = make_flow("POST /a", AGE, make_input("fixed", "body", constant=1), open_body=True)
    async with serving(flow) as world:
        mixed = await world.client.post("/a", json={"age": 1, "b": [2], "fixed": 3})
        form = await world.client.post("/a", data={"age": "1", "b": ["2", "3"], "c": "4"})
        nothing = await world.client.post("/a", json={"age": 1})
        array = await world.client.post("/a", json=[1])
        image = await world.client.post("/a", content=b"\xff", headers={"content-type": "image/png"})
    assert mixed.json() == {"flow": "POST /a", "arguments": {"age": 1}, "json": {"b": [2]}}
    assert form.json() == {"flow": "POST /a", "arguments": {"age": 1}, "json": {"b": ["2", "3"], "c": "4"}}
    assert nothing.json() == {"flow": "POST /a", "arguments": {"age": 1}}
    assert array.json()["body"] == "[1]"
    assert image.json()["content_type"] == "image/png"


async def test_bodies_over_the_limit_are_refused_whether_or_not_they_say_their_size() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    async with serving(make_flow("POST /a", open_body=True), limit=1_000) as world:
        said = await world.client.post("/a", content=b"x" * 1_001)
        unsaid = await world.client.post("/a", content=pieces())
        fits = await world.client.post("/a", content=b"x" * 1_000)
    assert [answer.status_code for answer in (said, unsaid, fits)] == [413, 413, 200]
    assert said.json()["code"] == "CAP613"
    assert said.headers["content-type"] == "application/problem+json"


async def test_a_compressed_body_is_refused() -> None:
    async with serving(make_flow("POST /a", open_body=True)) as world:
        answer = await world.client.post("/a", content=b"x", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "CAP614")


async def test_a_body_that_nothing_takes_does_not_disturb_the_connection() -> None:
    async with serving(make_flow("POST /a"), limit=10) as world:
        answers = [await world.client.post("/a", content=b"x" * 300_000) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


# -- routes -----------------------------------------------------------------------------------------------


async def test_of_flows_with_one_route_the_first_is_served() -> None:
    flows = [make_flow("GET /{a}", name="first"), make_flow("GET /{b}", name="second")]
    async with serving(*flows) as world:
        answer = await world.client.get("/x")
    assert answer.json() == {"flow": "first", "arguments": {"a": "x"}}


async def test_other_methods_are_answered_with_those_that_are_allowed() -> None:
    async with serving(make_flow("GET /pets/{id}")) as world:
        put = await world.client.put("/pets/1", json={})
        options = await world.client.options("/pets/1")
        unknown = await world.client.options("/dogs/1")
    assert (put.status_code, put.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert put.json()["code"] == "CAP612"
    assert (options.status_code, options.headers["allow"], options.content) == (204, "GET, HEAD, OPTIONS", b"")
    assert unknown.status_code == 404
    assert unknown.json()["title"] == "Not found"


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    async with serving(make_flow("GET /a")) as world:
        get = await world.client.get("/a")
        head = await world.client.head("/a")
        missing = await world.client.head("/b")
    assert head.status_code == 200
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (head.content, missing.status_code, missing.content) == (b"", 404, b"")


async def test_flows_that_cannot_work_say_why() -> None:
    async def refuse(call: Call) -> Result:
        raise Unavailable(f"'it' is not available: {call.flow.unavailable}")

    flow = make_flow("POST /a", AGE, name="it", unavailable="it calls 'x.y', which does not exist")
    async with serving(flow, it=refuse) as world:
        answer = await world.client.post("/a", content=b"{")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "'it' is not available: it calls 'x.y', which does not exist"


async def test_a_mounted_listener_routes_by_what_follows_its_mount() -> None:
    async with serving(make_flow("GET /a/{b}"), mount="/my caps") as world:
        answer = await world.client.get("/a/x%2Fy")
        described = await world.client.get("/openapi.json")
    assert answer.json()["arguments"] == {"b": "x/y"}
    assert described.json()["servers"] == [{"url": "/my%20caps"}]


# -- what callers get -------------------------------------------------------------------------------------


async def test_status_and_useful_headers_are_kept_and_all_others_are_not() -> None:
    kept = {
        "location": "/pets/7", "etag": '"1"', "last-modified": "Tue, 15 Nov 1994 12:45:26 GMT", "retry-after": "3",
        "cache-control": "max-age=5", "link": "</pets?page=2>; rel=next",
    }  # fmt: skip
    dropped = {
        "set-cookie": "a=1", "server": "upstream/1.0", "content-encoding": "gzip", "content-length": "999999",
        "transfer-encoding": "chunked", "connection": "close", "keep-alive": "timeout=5", "x-powered-by": "php",
        "www-authenticate": "Basic", "content-range": "bytes 0-1/2",
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

    def __init__(self, *chunks: bytes, error: BaseException | None = None, media_type: str = "text/csv") -> None:
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
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(call: Call) -> Result:
        entered.set()
        await leave.wait()
        return Result(value="done")

    flows = make_flow("GET /events", name="events"), make_flow("GET /slow", name="slow")
    async with serving(*flows, events=events, slow=slow) as world:
        waiting = asyncio.create_task(world.client.get("/slow"))
        await entered.wait()
        async with world.client.stream("GET", "/events") as answer:
            chunks = answer.aiter_raw()
            assert await anext(chunks) == b"data: 1\n\n"
            drain = asyncio.ensure_future(world.edge.drain())
            with pytest.raises(StopAsyncIteration):
                await anext(chunks)
        assert not drain.done()
        leave.set()
        assert (await waiting).json() == "done"
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


# -- errors -----------------------------------------------------------------------------------------------


async def test_every_violation_is_listed_and_no_place_in_a_file_is() -> None:
    place = Place("secret.yaml", 3, 4)
    problems = [
        Problem(code="CAP601", message="'size' is missing", hint="give size", place=place),
        Problem(code="CAP601", message="'kind' is \"x\""),
    ]
    async with in_memory(make_flow("GET /a", name="it"), it=raises(InputError(problems))) as world:
        answer = await world.client.get("/a", headers={"X-Request-Id": "r-1"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "type": "urn:capspec:CAP601",
        "title": "Invalid input",
        "status": 400,
        "detail": "'kind' is \"x\"; 'size' is missing",
        "code": "CAP601",
        "errors": [
            {"message": "'kind' is \"x\"", "code": "CAP601"},
            {"message": "'size' is missing", "code": "CAP601", "hint": "give size"},
        ],
        "request_id": "r-1",
    }


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (UpstreamTimeout("late"), 504, {}),
        (MappingError("odd", retry_after=1.2), 502, {"retry-after": "2"}),
        (MissingSecret("no key", retry_after=0), 503, {"retry-after": "0"}),
        (AuthError("who?", challenge='Bearer realm="x"'), 401, {"www-authenticate": 'Bearer realm="x"'}),
        (ForbiddenError("no"), 403, {}),
    ],
)
async def test_each_refusal_has_its_status_and_headers(
    error: CallError, status: int, headers: Mapping[str, str]
) -> None:
    async with in_memory(make_flow("GET /a", name="it"), it=raises(error)) as world:
        answer = await world.client.get("/a")
    assert answer.status_code == answer.json()["status"] == status
    assert {name: answer.headers[name] for name in headers} == headers


async def test_an_unexpected_error_is_reported_under_the_request_id_and_not_shown() -> None:
    error = RuntimeError("with sk-canary at db.internal")
    async with serving(make_flow("GET /a", name="it"), it=raises(error)) as world:
        answer = await world.client.get("/a")
        (event,) = world.engine.heard
    assert isinstance(event, UnexpectedError)
    assert (event.error, event.request_id) == (error, answer.headers["x-request-id"])
    assert (answer.status_code, answer.json()["code"]) == (500, "CAP699")
    assert "canary" not in answer.text
    assert "RuntimeError" not in answer.text


@pytest.mark.parametrize(
    ("offered", "accepted"),
    [("r-1", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ("a;b", False), ("é", False), ("", False)],
)
async def test_a_request_id_is_taken_over_when_it_is_a_plain_token(offered: str, accepted: bool) -> None:
    async with in_memory(make_flow("GET /a")) as world:
        answer = await world.client.get("/a", headers=[(b"x-request-id", offered.encode())])
        (call,) = world.engine.calls
    assert answer.headers["x-request-id"] == call.request_id
    assert (call.request_id == offered) is accepted
    assert len(call.request_id) >= 3


# -- guards -----------------------------------------------------------------------------------------------


class KeyGuard:
    """Admits `?key=right`, and says so as a described guard does."""

    security_scheme = {"type": "apiKey", "in": "query", "name": "key"}  # noqa: RUF012 - never changed

    async def admit(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
        if query.get("key") != "right":
            raise AuthError("no", challenge="ApiKey")
        assert headers["x-two"] == "1"
        return Principal(name="me")


async def test_a_guard_comes_before_everything_and_its_key_goes_no_further() -> None:
    flow = make_flow("POST /a", open_query=True, open_body=True)
    headers = [("X-Two", "1"), ("X-Two", "2")]
    async with serving(flow, guard=KeyGuard(), limit=5) as world:
        refused = [
            await world.client.post("/a", content=b"x" * 10),
            await world.client.get("/nowhere"),
            await world.client.options("/a"),
            await world.client.get("/openapi.json"),
            await world.client.post("/a?key=wrong&key=right"),
        ]
        answer = await world.client.post("/a?key=right&q=1", headers=headers)
        described = await world.client.get("/openapi.json?key=right", headers=headers)
        (call,) = world.engine.calls
    assert [(item.status_code, item.headers["www-authenticate"]) for item in refused] == [(401, "ApiKey")] * 5
    assert answer.json() == {"flow": "POST /a", "arguments": {}, "query": [["q", "1"]]}
    assert (call.principal.name, call.listener) == ("me", "world-rest")
    assert described.json()["components"]["securitySchemes"] == {"caller": KeyGuard.security_scheme}


# -- the description --------------------------------------------------------------------------------------


async def test_the_description_is_served_unless_a_flow_has_its_route() -> None:
    async with serving(make_flow("GET /{path}"), make_flow("POST /a")) as world:
        described = await world.client.get("/openapi.json")
        again = await world.client.get("/openapi.json")
    assert described.headers["content-type"] == "application/json"
    assert described.json()["openapi"].startswith("3.1")
    assert again.content == described.content
    assert list(described.json()["paths"]) == ["/{path}", "/a"]
    async with serving(make_flow("GET /openapi.json", name="own")) as world:
        assert (await world.client.get("/openapi.json")).json()["flow"] == "own"


# -- other protocols --------------------------------------------------------------------------------------


async def test_websockets_are_closed_and_other_protocols_refused() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    async with serving(make_flow("GET /a")) as world:
        await world.edge.app({"type": "websocket"}, receive, send)
        with pytest.raises(NotImplementedError):
            await world.edge.app({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_a_server_without_raw_paths_is_understood() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/a/ü", "query_string": b"", "headers": []}
    async with serving(make_flow("GET /a/{b}"), **{"GET /a/{b}": echo}) as world:
        await world.edge.app(scope, receive, send)
    assert json.loads(sent[1]["body"])["arguments"] == {"b": "ü"}
