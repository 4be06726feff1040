"""OAuth 2.0 client credentials, against an authorization server on a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest

from capspec.auth.oauth2 import compile_auth
from capspec.clock import VirtualClock
from capspec.errors import CallError, CompileError, UpstreamError, UpstreamTimeout
from capspec.transports.httpx import HttpxTransport, open_transport
from capspec.wire import Request, Response, header
from tests.auth.auth_blocks import Wire, compiled, response, sent_by, settings_of
from tests.upstreams import Seen, Server, reply, serving

pytestmark = pytest.mark.anyio

SECRET = "s3cret:&+%/"


class Api:
    """An API with its authorization server: it takes the tokens that it has given out and not withdrawn."""

    def __init__(self, **token: Any) -> None:
        self.token: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3600, **token}
        self.given = 0
        self.valid: set[str] = set()
        self.refusal: bytes = b""
        self.metadata: dict[str, dict[str, Any]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.server = Server()

    async def answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        if seen.path == "/token":
            await self.gate.wait()
            return self.refusal or self._grant()
        if seen.path in self.metadata:
            return reply(200, json.dumps(self.metadata[seen.path]).encode())
        if seen.path.startswith("/.well-known") or seen.path.endswith("configuration"):
            return reply(404, b"none")
        token = (seen.header("authorization") or "").removeprefix("Bearer ")
        return reply(200, seen.body or b"{}") if token in self.valid else reply(401, b"expired")

    def _grant(self) -> bytes:
        self.given += 1
        token = {"access_token": f"token{self.given}", **self.token}
        self.valid.add(str(token["access_token"]))
        return reply(200, json.dumps(token).encode())

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.server.requests if seen.path == path]


@asynccontextmanager
async def running(api: Api) -> AsyncIterator[HttpxTransport]:
    transport = open_transport()
    async with serving(api.answer) as api.server:
        yield transport
        await transport.close()


def block(api: Api, more: str = "") -> str:
    return (
        f"{{type: oauth2, tokenEndpoint: '{api.server.url}/token', clientId: 'my app', "
        f"clientSecret: '{SECRET}', {more}}}"
    )


async def call(auth: Any, api: Api, transport: HttpxTransport, **request: Any) -> int:
    sent: Request = Request(**{"method": "GET", "url": f"{api.server.url}/data", **request})
    answer: Response = await auth.authenticate(sent, transport.send)
    await answer.close()
    return answer.status


# -- getting a token ---------------------------------------------------------------------------------------


async def test_a_token_is_fetched_with_basic_authentication_and_sent_as_bearer() -> None:
    api = Api()
    async with running(api) as transport:
        auth = compiled(block(api, "scopes: [read, write], audience: aud, resource: 'https://r.example'"))
        assert await call(auth, api, transport) == 200
    (asked,) = api.asked("/token")
    pair = base64.b64decode((asked.header("authorization") or "").removeprefix("Basic ")).decode()
    assert pair == "my+app:s3cret%3A%26%2B%25%2F"
    assert parse_qsl(asked.body.decode()) == [
        ("grant_type", "client_credentials"),
        ("scope", "read write"),
        ("audience", "aud"),
        ("resource", "https://r.example"),
    ]
    assert asked.method == "POST"
    assert asked.header("content-type") == "application/x-www-form-urlencoded"
    assert auth.names == {"authorization"}
    assert auth.urls == (f"{api.server.url}/token",)


@pytest.mark.parametrize(
    "word", ["clientAuthentication: post", "tokenEndpointAuthMethod: client_secret_post"]
)
async def test_the_client_can_authenticate_in_the_body(word: str) -> None:
    api = Api()
    async with running(api) as transport:
        assert await call(compiled(block(api, word)), api, transport) == 200
    (asked,) = api.asked("/token")
    assert dict(parse_qsl(asked.body.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "my app",
        "client_secret": SECRET,
    }
    assert asked.header("authorization") is None


@pytest.mark.parametrize(
    ("tenant", "path"),
    [
        ("", "/.well-known/oauth-authorization-server"),
        ("/tenant", "/.well-known/oauth-authorization-server/tenant"),
        ("/tenant", "/tenant/.well-known/openid-configuration"),
    ],
)
async def test_the_token_endpoint_is_found_in_the_metadata_once(tenant: str, path: str) -> None:
    api = Api(expires_in=0)
    async with running(api) as transport:
        server = api.server.url + tenant
        api.metadata[path] = {"issuer": server, "token_endpoint": f"{api.server.url}/token"}
        auth = compiled(f"{{type: oauth2, authorizationServerUri: '{server}', clientId: a, clientSecret: b}}")
        assert [await call(auth, api, transport) for _ in range(2)] == [200, 200]
    assert len(api.asked(path)) == 1
    assert len(api.asked("/token")) == 2
    assert auth.urls == (server,)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "does not say where it gives out tokens"),
        ({}, "those of another authorization server"),
        ({"issuer": "https://evil.example", "token_endpoint": "https://evil.example/token"}, "another"),
        ({"issuer": "SELF"}, "does not say where it gives out tokens"),
        ({"issuer": "SELF", "token_endpoint": 7}, "does not say where it gives out tokens"),
    ],
)
async def test_metadata_that_lead_nowhere_stop_the_call(
    metadata: dict[str, Any] | None, message: str
) -> None:
    api = Api()
    async with running(api) as transport:
        if metadata is not None:
            issuer = api.server.url if metadata.get("issuer") == "SELF" else metadata.get("issuer")
            api.metadata["/.well-known/oauth-authorization-server"] = {**metadata, "issuer": issuer, "x": 1}
        text = f"{{type: oauth2, authorizationServerUri: '{api.server.url}', clientId: a, clientSecret: b}}"
        with pytest.raises(UpstreamError, match=message):
            await call(compiled(text), api, transport)
    assert not api.asked("/data")


async def test_a_token_that_the_file_holds_is_sent_as_it_is() -> None:
    auth = compiled("{type: oauth2, token: '{{TOKEN}}'}", TOKEN="abc")
    assert header((await sent_by(auth)).headers, "authorization") == "Bearer abc"


# -- keeping it ----------------------------------------------------------------------------------------------


async def test_twenty_concurrent_calls_share_one_token_request() -> None:
    api = Api()
    api.gate.clear()
    async with running(api) as transport:
        auth = compiled(block(api))
        calls = [asyncio.create_task(call(auth, api, transport)) for _ in range(20)]
        await api.server.until(lambda: bool(api.asked("/token")))
        api.gate.set()
        assert set(await asyncio.gather(*calls)) == {200}
    assert len(api.asked("/token")) == 1
    assert len(api.asked("/data")) == 20


async def test_a_caller_who_gives_up_does_not_take_the_token_from_the_others() -> None:
    api = Api()
    api.gate.clear()
    async with running(api) as transport:
        auth = compiled(block(api))
        first = asyncio.create_task(call(auth, api, transport))
        await api.server.until(lambda: bool(api.asked("/token")))
        second = asyncio.create_task(call(auth, api, transport))
        await asyncio.sleep(0)
        first.cancel()
        api.gate.set()
        assert await second == 200
        with pytest.raises(asyncio.CancelledError):
            await first
    assert len(api.asked("/token")) == 1


@pytest.mark.parametrize(
    ("expires_in", "kept"),
    [(3600, 3539.0), ("3600", 3539.0), (100, 89.0), (None, 269.0), ("soon", 269.0), (-1, 269.0), (True, 0.8)],
)
async def test_a_token_is_renewed_shortly_before_it_expires(expires_in: Any, kept: float) -> None:
    api = Api(expires_in=expires_in)
    async with running(api) as transport:
        auth = compiled(block(api))
        auth.clock = clock = VirtualClock()
        await call(auth, api, transport)
        clock.advance(kept)
        await call(auth, api, transport)
        assert api.given == 1
        clock.advance(2)
        await call(auth, api, transport)
        assert api.given == 2


async def test_a_401_drops_the_token_and_the_call_is_made_once_more() -> None:
    api = Api()
    async with running(api) as transport:
        auth = compiled(block(api))
        await call(auth, api, transport)
        api.valid.clear()
        assert await call(auth, api, transport, method="POST", body=b"data") == 200
    assert api.given == 2
    assert [seen.body for seen in api.asked("/data")] == [b"", b"data", b"data"]


async def test_concurrent_401s_cost_one_new_token() -> None:
    api = Api()
    async with running(api) as transport:
        auth = compiled(block(api))
        await call(auth, api, transport)
        api.valid.clear()
        assert set(await asyncio.gather(*(call(auth, api, transport) for _ in range(20)))) == {200}
    assert api.given == 2


async def test_an_api_that_refuses_every_token_is_asked_twice_and_no_more() -> None:
    api = Api(access_token="fixed")
    async with running(api) as transport:
        auth = compiled(block(api))
        await call(auth, api, transport)
        api._grant = lambda: reply(200, b'{"access_token": "unknown"}')  # type: ignore[method-assign]
        api.valid.clear()
        assert await call(auth, api, transport) == 401
    assert len(api.asked("/data")) == 3


async def test_a_streamed_body_is_not_sent_again_but_the_next_call_has_a_new_token() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"once"

    api = Api()
    async with running(api) as transport:
        auth = compiled(block(api))
        await call(auth, api, transport)
        api.valid.clear()
        assert await call(auth, api, transport, method="PUT", body=parts()) == 401
        assert await call(auth, api, transport) == 200
    assert api.given == 2


# -- failing closed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            reply(401, b'{"error": "invalid_client", "error_description": "s3cret is wrong"}'),
            "invalid_client",
        ),
        (reply(400, b'{"error": "<b>s3cret\\u001b[31m"}'), "HTTP status 400"),
        (reply(400, b'{"error": {"a": 1}}'), "HTTP status 400"),
        (reply(500, b"s3cret"), "HTTP status 500"),
        (reply(302, b"", ("Location", "https://evil.example/token")), "HTTP status 302"),
        (reply(200, b"<html>"), "not a JSON object"),
        (reply(200, b"[1]"), "not a JSON object"),
        (reply(200, b'{"token": "x"}'), "no usable 'access_token'"),
        (reply(200, b'{"access_token": ""}'), "no usable 'access_token'"),
        (reply(200, b'{"access_token": "a\\r\\nX: 1"}'), "no usable 'access_token'"),
        (reply(200, b'{"access_token": "a", "token_type": "mac"}'), "not bearer tokens"),
        (reply(200, b" " * 1_100_000), "larger than 1048576 bytes"),
    ],
)
async def test_without_a_token_no_request_goes_out(refusal: bytes, message: str) -> None:
    api = Api()
    api.refusal = refusal
    async with running(api) as transport:
        with pytest.raises(UpstreamError, match=message) as caught:
            await call(compiled(block(api)), api, transport)
        assert api.server.url.removeprefix("http://") in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert not api.asked("/data")


async def test_a_failure_is_not_remembered() -> None:
    api = Api()
    api.refusal = reply(503, b"")
    async with running(api) as transport:
        auth = compiled(block(api))
        with pytest.raises(UpstreamError):
            await call(auth, api, transport)
        api.refusal = b""
        assert await call(auth, api, transport) == 200


async def test_those_who_wait_for_a_token_that_does_not_come_all_fail_at_once() -> None:
    api = Api()
    api.refusal = reply(503, b"")
    api.gate.clear()
    async with running(api) as transport:
        auth = compiled(block(api))
        calls = [asyncio.create_task(call(auth, api, transport)) for _ in range(20)]
        await api.server.until(lambda: bool(api.asked("/token")))
        api.gate.set()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {UpstreamError}
    assert len(api.asked("/token")) == 1


async def test_a_token_that_takes_too_long_is_a_timeout() -> None:
    clock = VirtualClock()

    def slow(request: Request) -> Response:
        clock.advance(31)
        return response(200, b'{"access_token": "a"}')

    auth = compiled("{type: oauth2, tokenEndpoint: 'https://a.example/t', clientId: a, clientSecret: b}")
    auth.clock = clock
    wire = Wire(slow)
    with pytest.raises(UpstreamTimeout, match=r"no access token came from a\.example within 30 s"):
        await auth.authenticate(Request(method="GET", url="https://api.example.com"), wire.send)
    assert [request.url for request in wire.sent] == ["https://a.example/t"]


async def test_an_error_of_the_sender_is_passed_on() -> None:
    async def refuse(request: Request) -> Response:
        raise CallError("no")

    auth = compiled("{type: oauth2, tokenEndpoint: 'https://a.example/t', clientId: a, clientSecret: b}")
    with pytest.raises(CallError, match="no"):
        await auth.authenticate(Request(method="GET", url="https://api.example.com"), refuse)


# -- settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{type: oauth2, clientId: a, clientSecret: b}", "no address to get tokens from"),
        ("{type: oauth2, tokenUrl: 'https://a.example', clientSecret: b}", "the client's id is empty"),
        ("{type: oauth2, tokenUrl: 'https://a.example', clientId: a}", "the client's secret is empty"),
        (
            "{type: oauth2, tokenUrl: 'ftp://a.example', clientId: a, clientSecret: b}",
            "'tokenEndpoint' cannot be used",
        ),
        (
            "{type: oauth2, issuer: 'https://u:p@a.example', clientId: a, clientSecret: b}",
            "holds a user name",
        ),
        ("{type: oauth2, clientAuthentication: magic, tokenUrl: 'https://a.example'}", "not a way to"),
        ("{type: oauth2, token: ''}", "the access token is empty"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        compiled(text)


def test_variables_without_a_value_are_noted_and_refuse_nothing() -> None:
    settings = settings_of(
        "{type: oauth2, tokenUrl: '{{URL}}/token', clientId: '{{ID}}', clientSecret: '{{SECRET}}'}"
    )
    auth = compile_auth(settings)
    assert settings.missing == ["URL", "ID", "SECRET"]
    assert auth.urls == ()


def test_secrets_do_not_print() -> None:
    auth = compiled("{type: oauth2, tokenUrl: 'https://a.example', clientId: a, clientSecret: hush}")
    assert "hush" not in repr(auth)
    assert "hush" not in repr(vars(auth))
