"""Operations to answers over real sockets: refusals, deadlines, limits, credentials, and what is told."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from capspec import document, registry
from capspec.clock import Clock, SystemClock, VirtualClock
from capspec.egress import Egress
from capspec.errors import (
    CallError,
    EgressDenied,
    InputError,
    MappingError,
    MissingSecret,
    ResponseTooLarge,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
)
from capspec.events import Event, EventStream, UpstreamAnswered, UpstreamRetried, log_event
from capspec.node import Node
from capspec.plan import Extra, Operation, Parameter, Upstream
from capspec.settings import Settings
from capspec.transports.httpx import open_transport
from capspec.upstream import Upstreams, charset_of
from capspec.wire import Request, Response, Transport
from tests.upstreams import Answer, Seen, Server, reply, serving

pytestmark = pytest.mark.anyio


class World:
    """A server, and the upstream side that calls it."""

    def __init__(
        self, server: Server, transport: Transport, clock: Clock, allowed: tuple[str, ...], **limits: Any
    ):
        self.server = server
        self.events: list[Event] = []
        self.upstreams = Upstreams(
            transport,
            Egress(allowed or [server.url]),
            clock,
            EventStream([self.events.append, log_event]),
            **limits,
        )

    def operation(
        self, *, auth: str = "", codec: str = "json", path: str = "/data", **fields: Any
    ) -> Operation:
        upstream = Upstream(namespace="api", base_url=self.server.url, auth=None)
        if auth:
            settings = Settings(Node.root(document.parse(auth)), lambda text, place: (text, ()))
            made = registry.find("auth", settings.text("type"))(settings)
            upstream = replace(upstream, auth=made, auth_names=made.names)
        upstream = replace(upstream, **fields.pop("upstream", {}))
        return Operation(
            **{
                "id": "api.op",
                "upstream": upstream,
                "method": "GET",
                "path": (path,),
                "codec": registry.find("codec", codec),
                **fields,
            }
        )

    async def value(self, operation: Operation, **arguments: Any) -> Any:
        return await self.upstreams.decode(await self.upstreams.send(operation, arguments))


@asynccontextmanager
async def world(
    answer: Answer | bytes, *, allowed: tuple[str, ...] = (), **limits: Any
) -> AsyncIterator[World]:
    async def fixed(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        assert isinstance(answer, bytes)
        return answer

    async with serving(fixed if isinstance(answer, bytes) else answer) as server:
        made = World(server, open_transport(), SystemClock(), allowed, **limits)
        try:
            yield made
        finally:
            await made.upstreams.close()


# -- the way there and back --------------------------------------------------------------------------------


async def test_an_operation_is_called_and_its_answer_decoded() -> None:
    async with world(reply(201, b'{"n": 12345678901234567890}', ("X-Kept", "yes"))) as made:
        operation = made.operation(
            method="POST",
            parameters=(Parameter(name="q", location="query"), Parameter(name="a", location="body")),
        )
        answer = await made.upstreams.send(operation, {"q": "x y", "a": [1]}, Extra())
        assert answer.status == 201
        assert answer.response.header("x-kept") == "yes"
        assert await made.upstreams.decode(answer) == {"n": 12345678901234567890}
        (seen,) = made.server.requests
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/data", [("q", "x y")], b'{"a":[1]}')


async def test_an_answer_can_be_decoded_after_it_was_read() -> None:
    async with world(reply(200, b"[1]")) as made:
        answer = await made.upstreams.send(made.operation(), {})
        assert await answer.read() == b"[1]"
        assert await made.upstreams.decode(answer) == [1]


@pytest.mark.parametrize("codec", ["json", "text", "form", "binary"])
@pytest.mark.parametrize("status", [200, 204, 500])
async def test_an_empty_body_is_none(codec: str, status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\n" + ("" if status == 204 else "Content-Length: 0\r\n") + "\r\n"
    async with world(head.encode()) as made:
        assert await made.value(made.operation(codec=codec)) is None


@pytest.mark.parametrize(
    ("codec", "content_type", "body", "value"),
    [
        ("json", "application/vnd.x+json; charset=iso-8859-1", b'"caf\xe9"', "café"),
        ("json", "text/html", b"[1]", [1]),
        ("json", 'application/json; charset="utf-8"', b"\xef\xbb\xbf[1]", [1]),
        ("text", "text/plain; charset=utf-16", "día".encode("utf-16"), "día"),
        ("form", "application/x-www-form-urlencoded", b"a=1&a=2", {"a": ["1", "2"]}),
        ("binary", "image/png", b"\x89PNG", "iVBORw=="),
    ],
)
async def test_the_operation_s_codec_decodes(codec: str, content_type: str, body: bytes, value: Any) -> None:
    async with world(reply(200, body, ("Content-Type", content_type))) as made:
        assert await made.value(made.operation(codec=codec)) == value


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        (
            "text/html; charset=utf-8",
            b"<html>\r\n  <b>Sign in</b>",
            "where application/json was expected (Expecting value at line 1, column 1); it begins '<html> ",
        ),
        (
            "application/json",
            b'{"a": \x1b[31mred\x00' + b"x" * 500,
            "api.op answered bad application/json (Expecting value at line 1, column 7); it begins "
            '\'{"a": \N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}' + "x" * 65 + "'",
        ),
        (
            "application/json; charset=klingon",
            "[\N{RIGHT-TO-LEFT OVERRIDE}]".encode(),
            "(its character set 'klingon' is not known); it begins '[\N{REPLACEMENT CHARACTER}]'",
        ),
        ("", b"x", "api.op answered no content type where application/json was expected"),
        ("application/json", b"[" * 100_000, "nested more than 256 levels deep"),
    ],
)
async def test_an_answer_in_another_format_is_a_mapping_error(
    content_type: str, body: bytes, message: str
) -> None:
    async with world(reply(200, body, ("Content-Type", content_type))) as made:
        with pytest.raises(MappingError) as caught:
            await made.value(made.operation())
    assert message in str(caught.value)


async def test_a_content_coding_that_was_not_asked_for_is_a_mapping_error() -> None:
    async with world(reply(200, b"zz", ("Content-Encoding", "br"))) as made:
        with pytest.raises(MappingError, match="content coding br, unasked"):
            await made.value(made.operation())


async def test_redirects_are_answers() -> None:
    async with world(reply(302, b"", ("Location", "http://169.254.169.254/"))) as made:
        answer = await made.upstreams.send(made.operation(auth="{type: apikey, key: X-Key, value: k}"), {})
        await answer.close()
        assert answer.status == 302
        assert len(made.server.requests) == 1


# -- refusals before anything is sent ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (
            {"missing": ("B", "A"), "upstream": {"missing": ("A",), "problem": "it has no base URI"}},
            MissingSecret,
            "api.op cannot be called: A, B have no value",
        ),
        ({"missing": ("TOKEN",)}, MissingSecret, "api.op cannot be called: TOKEN has no value"),
        (
            {"upstream": {"problem": "it has no base URI"}},
            Unavailable,
            "api.op cannot be called: it has no base URI",
        ),
        ({"path": "/{"}, None, ""),
        (
            {"parameters": (Parameter(name="X", location="header"),)},
            InputError,
            "'X' holds a control character",
        ),
    ],
)
async def test_what_cannot_work_is_not_sent(
    fields: dict[str, Any], error: type[CallError], message: str
) -> None:
    async with world(reply()) as made:
        operation = made.operation(**fields)
        if error is None:
            assert await made.value(operation, X="ok") == {}
            return
        with pytest.raises(error, match=message):
            await made.value(operation, X="\n")
        assert made.server.connections == 0
        assert made.events == []


async def test_an_address_that_the_file_does_not_name_is_not_contacted() -> None:
    async with world(reply(), allowed=("https://api.example.com",)) as made:
        with pytest.raises(EgressDenied):
            await made.value(made.operation())
        assert made.server.connections == 0
        (event,) = made.events
    assert isinstance(event, UpstreamAnswered)
    assert (event.status, event.code) == (0, "CAP608")


async def test_a_token_endpoint_needs_to_be_allowed_too() -> None:
    auth = "{type: oauth2, tokenEndpoint: 'http://127.0.0.1:9/token', clientId: a, clientSecret: b}"
    async with world(reply()) as made:
        with pytest.raises(EgressDenied, match=r"http://127\.0\.0\.1:9"):
            await made.value(made.operation(auth=auth))
        assert made.server.connections == 0


# -- deadlines ---------------------------------------------------------------------------------------------


async def silent(seen: Seen, writer: asyncio.StreamWriter) -> None:
    await seen.rest.read()


async def trickling(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """A body that never ends, a byte at a time: no single wait is long."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not seen.rest.at_eof():
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "fields", [{"timeout": 0.05, "upstream": {"timeout": 60}}, {"upstream": {"timeout": 0.05}}, {}]
)
@pytest.mark.parametrize("answer", [silent, trickling])
async def test_the_nearest_deadline_holds_for_head_and_body(fields: dict[str, Any], answer: Answer) -> None:
    async with world(answer, timeout=0.05) as made:
        with pytest.raises(UpstreamTimeout, match=r"api\.op did not answer within 0\.05 s"):
            await made.value(made.operation(**fields))
        await made.server.idle()


async def test_a_streamed_body_is_cut_at_the_deadline_as_well() -> None:
    async with world(trickling, timeout=0.05) as made:
        answer = await made.upstreams.send(made.operation(), {})
        with pytest.raises(UpstreamTimeout):
            async for _ in answer.stream():
                pass
        await answer.close()


class Canned:
    """A transport without sockets, whose bytes cost time on a clock that stands still otherwise."""

    def __init__(self, clock: VirtualClock, *, head: float = 0.0, chunk: float = 0.0) -> None:
        self._clock = clock
        self._head = head
        self._chunk = chunk
        self.closed = 0

    async def send(self, request: Request) -> Response:
        self._clock.advance(self._head)
        return Response(status=200, headers=(), chunks=self._chunks(), closer=self._close_answer)

    async def close(self) -> None:
        return None

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            self._clock.advance(self._chunk)
            yield b"x"

    async def _close_answer(self) -> None:
        self.closed += 1


async def test_bytes_that_are_always_there_are_cut_at_the_deadline_too() -> None:
    clock = VirtualClock()
    transport = Canned(clock, head=10, chunk=1)
    made = World(Server(url="https://api.example.com"), transport, clock, ())
    answer = await made.upstreams.send(made.operation(), {})
    with pytest.raises(UpstreamTimeout):
        await answer.read()
    assert clock.monotonic() <= 61
    assert transport.closed == 1


async def test_getting_credentials_counts_towards_the_deadline() -> None:
    clock = VirtualClock()
    made = World(Server(url="https://api.example.com"), Canned(clock, head=61), clock, ())
    with pytest.raises(UpstreamTimeout, match="within 60 s"):
        await made.upstreams.send(made.operation(auth="{type: basic, username: a}"), {})


async def test_a_cancelled_call_leaves_no_connection_behind() -> None:
    async with world(silent) as made:
        call = asyncio.create_task(made.value(made.operation()))
        await made.server.until(lambda: bool(made.server.requests))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await made.server.idle()


# -- limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b" " * 1001, gzip.compress(b" " * 100_000)])
async def test_a_body_over_the_limit_is_refused_by_its_plain_size(body: bytes) -> None:
    coding = [("Content-Encoding", "gzip")] if len(body) < 1000 else []
    async with world(reply(200, body, *coding), max_response_bytes=1000) as made:
        with pytest.raises(ResponseTooLarge, match="more than 1000 bytes"):
            await made.value(made.operation())


async def test_a_body_at_the_limit_is_read() -> None:
    async with world(reply(200, b'"' + b"x" * 998 + b'"'), max_response_bytes=1000) as made:
        assert await made.value(made.operation()) == "x" * 998


# -- credentials -------------------------------------------------------------------------------------------


async def test_credentials_are_added_and_a_caller_cannot_replace_them() -> None:
    async with world(reply()) as made:
        operation = made.operation(
            auth="{type: bearer, token: mine}",
            parameters=(Parameter(name="authorization", location="header"),),
        )
        await made.value(operation, authorization="Bearer theirs")
        assert made.server.requests[0].header("authorization") == "Bearer mine"


async def test_a_second_attempt_with_new_credentials_is_reported() -> None:
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')

    async def guarded(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply() if seen.header("authorization") else reply(401, b"no", challenge)

    async with world(guarded) as made:
        assert await made.value(made.operation(auth="{type: digest, username: a, password: b}")) == {}
        retried, answered = made.events
    assert retried == UpstreamRetried(operation="api.op", reason="its credentials were not accepted")
    assert isinstance(answered, UpstreamAnswered)
    assert answered.status == 200


async def test_without_a_token_the_api_is_not_called() -> None:
    async def refusing(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(400, b'{"error": "invalid_client"}')

    async with world(refusing) as made:
        auth = f"{{type: oauth2, tokenEndpoint: '{made.server.url}/token', clientId: a, clientSecret: b}}"
        with pytest.raises(UpstreamError, match="invalid_client"):
            await made.value(made.operation(auth=auth))
        assert [seen.path for seen in made.server.requests] == ["/token"]


# -- what is told ------------------------------------------------------------------------------------------


async def test_an_answer_is_told_without_query_and_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with world(reply(404, b"{}", ("Set-Cookie", "s3cret"))) as made:
        operation = made.operation(
            auth="{type: apikey, in: query, name: key, value: s3cret}",
            parameters=(Parameter(name="X-Token", location="header"), Parameter(name="q", location="query")),
        )
        await made.value(operation, **{"X-Token": "s3cret", "q": "s3cret"})
        (event,) = made.events
        host = made.server.url.removeprefix("http://")
    assert isinstance(event, UpstreamAnswered)
    assert replace(event, seconds=0) == UpstreamAnswered(
        operation="api.op", method="GET", host=host, status=404, seconds=0
    )
    records = [record.getMessage() for record in caplog.records if record.name.startswith("capspec")]
    assert any("api.op GET" in line for line in records)
    assert not any("s3cret" in line for line in records)


async def test_a_failure_is_told_and_explained_without_the_request() -> None:
    async with world(silent) as made:
        operation = replace(
            made.operation(parameters=(Parameter(name="q", location="query"),)),
            upstream=replace(made.operation().upstream, base_url="http://127.0.0.1:9"),
        )
        made.upstreams._egress.allow("http://127.0.0.1:9")
        with pytest.raises(UpstreamError) as caught:
            await made.value(operation, q="s3cret")
        (event,) = made.events
    assert str(caught.value) == "the upstream refuses connections"
    assert isinstance(event, UpstreamAnswered)
    assert (event.status, event.code, event.host) == (0, "CAP602", "127.0.0.1:9")


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("", ""),
        ("application/json", ""),
        ("text/plain; charset=ISO-8859-1", "iso-8859-1"),
        ('text/plain; a=b; charset="utf-8"', "utf-8"),
        ("text/plain; charset", ""),
        ("; charset=utf-8; charset=latin-1", "utf-8"),
    ],
)
def test_the_charset_of_a_content_type(content_type: str, charset: str) -> None:
    assert charset_of(content_type) == charset
