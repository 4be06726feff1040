"""Streamable HTTP below the official client: revisions, headers, guards, hang-ups, shutdown."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest
from mcp import Client

from capspec.adapters.mcp.adapter import build, build_merged
from capspec.adapters.mcp.http import Endpoint
from capspec.edge import Edge
from capspec.errors import AuthError, ForbiddenError
from capspec.events import UnexpectedError
from capspec.plan import Inbound, Listener, Principal
from tests.adapters.mcp_world import (
    FakeEngine,
    Gate,
    echo,
    gives,
    make_flow,
    make_target,
    options,
    served,
    world,
)

pytestmark = pytest.mark.anyio

MODERN = "2026-07-28"
HANDSHAKE = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def connected(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with served(edge) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        yield http


def message(method: str, params: Mapping[str, Any] | None = None, number: int | None = 1) -> dict[str, Any]:
    found: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": dict(params or {})}
    return found if number is None else {**found, "id": number}


def modern(method: str, params: Mapping[str, Any] | None = None, number: int = 1) -> dict[str, Any]:
    """The arguments of `post` for a request of the newest revision."""
    params = dict(params or {})
    headers = {**ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": method}
    if "name" in params:
        headers["mcp-name"] = params["name"]
    return {"headers": headers, "json": message(method, {**params, "_meta": ENVELOPE}, number)}


def legacy(
    method: str, params: Mapping[str, Any] | None = None, number: int | None = 1, version: str = "2025-06-18"
) -> dict[str, Any]:
    """The arguments of `post` for a request of a revision with a handshake."""
    return {"headers": {**ACCEPT, "mcp-protocol-version": version}, "json": message(method, params, number)}


def body_of(response: httpx.Response) -> dict[str, Any]:
    """The one JSON-RPC message of an answer, however it was sent."""
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        (text,) = (line[5:] for line in text.splitlines() if line.startswith("data:"))
    return cast("dict[str, Any]", json.loads(text))


ERAS = pytest.mark.parametrize("request_of", [modern, legacy], ids=["modern", "legacy"])


# -- both eras on one endpoint ---------------------------------------------------------------------------


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_every_revision_with_a_handshake_is_served(version: str) -> None:
    async with connected(build(*world(), options())) as http:
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        first = await http.post("", headers=ACCEPT, json=message("initialize", hello))
        result = body_of(first)["result"]
        assert result["protocolVersion"] == version
        assert result["serverInfo"]["name"] == "world-tools"
        assert result["capabilities"]["tools"] == {"listChanged": False}
        assert "mcp-session-id" not in first.headers

        ready = await http.post("", **legacy("notifications/initialized", None, None, version))
        assert (ready.status_code, ready.content) == (202, b"")
        assert body_of(await http.post("", **legacy("ping", version=version)))["result"] == {}
        listed = body_of(await http.post("", **legacy("tools/list", version=version)))["result"]["tools"]
        assert listed[0]["name"] == "add"
        call = {"name": "add", "arguments": {"a": 1, "b": 2}}
        answer = body_of(await http.post("", **legacy("tools/call", call, 7, version)))
        assert answer["id"] == 7
        assert answer["result"]["content"] == [{"type": "text", "text": '{"sum":3}'}]


async def test_the_first_revision_needs_no_version_header() -> None:
    async with connected(build(*world(), options())) as http:
        listed = body_of(await http.post("", headers=ACCEPT, json=message("tools/list")))
        assert listed["result"]["tools"][0]["name"] == "add"


async def test_an_unknown_revision_is_offered_the_newest_handshake() -> None:
    async with connected(build(*world(), options())) as http:
        hello = {
            "protocolVersion": "1999-01-01",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        answer = body_of(await http.post("", headers=ACCEPT, json=message("initialize", hello)))
        assert answer["result"]["protocolVersion"] == "2025-11-25"


async def test_the_newest_revision_needs_no_handshake() -> None:
    async with connected(build(*world(), options())) as http:
        found = body_of(await http.post("", **modern("server/discover")))["result"]
        assert found["supportedVersions"] == [MODERN]
        assert found["instructions"] == "Tools of the world."
        listed = body_of(await http.post("", **modern("tools/list")))["result"]
        assert (listed["ttlMs"], listed["cacheScope"], listed["resultType"]) == (60_000, "public", "complete")


async def test_a_version_that_nobody_knows_is_refused_with_those_that_are() -> None:
    async with connected(build(*world(), options())) as http:
        request = modern("tools/list")
        request["headers"]["mcp-protocol-version"] = "2031-01-01"
        request["json"]["params"]["_meta"] = {
            **ENVELOPE,
            "io.modelcontextprotocol/protocolVersion": "2031-01-01",
        }
        answer = await http.post("", **request)
        assert answer.status_code == 400
        assert MODERN in answer.text


async def test_asking_for_a_task_gets_a_plain_result() -> None:
    async with connected(build(*world(), options())) as http:
        call = {"name": "greet", "arguments": {}, "task": {"ttl": 1000}}
        answer = body_of(await http.post("", **legacy("tools/call", call, version="2025-11-25")))
        assert answer["result"]["content"][0]["text"] == "hello"


# -- where it answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/mcp", "/mcp/"])
async def test_the_mount_point_answers_like_the_endpoint(path: str) -> None:
    async with connected(build(*world(), options())) as http:
        base = str(http.base_url).removesuffix("/mcp/")
        assert body_of(await http.post(base + path, **modern("tools/list")))["result"]["tools"]


async def test_it_can_be_mounted_under_a_path() -> None:
    edge = build(*world(), options())

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await edge.app({**scope, "root_path": "/world"}, receive, send)

    mounted = Edge(app=below, running=edge.running, drain=edge.drain, endpoint="/world/mcp")
    async with connected(mounted) as http:
        assert body_of(await http.post("", **modern("tools/list")))["result"]["tools"]


async def test_other_paths_are_not_found() -> None:
    async with connected(build(*world(), options())) as http:
        answer = await http.get(str(http.base_url).replace("/mcp/", "/.well-known/oauth-protected-resource"))
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "There is nothing here; the MCP endpoint is at /mcp"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
async def test_there_is_no_stream_to_open_and_no_session_to_delete(method: str) -> None:
    async with connected(build(*world(), options())) as http:
        answer = await http.request(method, "", headers=ACCEPT)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_body_over_the_limit_is_refused() -> None:
    async with connected(build(*world(), options(max_request_bytes=1000))) as http:
        answer = await http.post("", **modern("tools/call", {"name": "echo", "arguments": {"x": "y" * 1000}}))
        assert answer.status_code == 413


@ERAS
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff", b"{}"])
async def test_what_is_not_a_message_is_refused(request_of: Any, body: bytes) -> None:
    async with connected(build(*world(), options())) as http:
        headers = request_of("tools/list")["headers"]
        assert (await http.post("", headers=headers, content=body)).status_code == 400


async def test_blanks_after_a_header_value_do_no_harm() -> None:
    async with connected(build(*world(), options())) as http:
        request = modern("tools/call", {"name": "greet"})
        content = json.dumps(request["json"]).encode()
        fields = {
            **request["headers"],
            "host": "x",
            "content-length": str(len(content)),
            "connection": "close",
        }
        fields.update({name: f"{value} \t " for name, value in fields.items() if name.startswith("mcp-")})
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port)
        writer.write(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + content)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"hello" in answer


# -- what the SDK would do, and must not -----------------------------------------------------------------


@ERAS
async def test_one_bad_schema_never_breaks_the_list(request_of: Any) -> None:
    union = {"anyOf": [{"type": "object"}, {"type": "array"}]}
    flows = [
        make_flow("union", output=union),
        make_flow("rootless", input_schema={"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        make_flow("nullable", input_schema={"type": ["object", "null"]}),
        make_flow("empty", input_schema={}),
        make_flow("nonsense", input_schema={"type": "object", "required": "yes", "properties": 3}),
        make_flow("remote", output={"type": "object", "$ref": "https://example.org/schema.json"}),
        make_flow("good", output={"type": "object"}),
    ]
    listener, engine = make_target([(flow, gives({})) for flow in flows])
    async with connected(build(listener, engine, options())) as http:
        listed = body_of(await http.post("", **request_of("tools/list")))["result"]["tools"]
    found = {tool["name"]: tool for tool in listed}
    assert list(found) == [flow.name for flow in flows]
    assert all(tool["inputSchema"]["type"] == "object" for tool in listed)
    assert found["rootless"]["inputSchema"]["oneOf"]
    assert found["nonsense"]["inputSchema"] == {"type": "object"}
    assert found["union"]["outputSchema"]["properties"] == {"result": union}
    assert "outputSchema" not in found["remote"]
    heard = [event.where for event in engine.heard if isinstance(event, UnexpectedError)]
    assert heard == ["the schemas of the tool nonsense"]


async def test_a_call_does_not_list_the_tools() -> None:
    edge = build(*world(), options())
    server = cast("Endpoint", edge.app).server
    entry = server.get_request_handler("tools/list")
    assert entry is not None
    listed = 0

    async def counted(*arguments: Any) -> Any:
        nonlocal listed
        listed += 1
        return await entry.handler(*arguments)

    server.add_request_handler("tools/list", entry.params_type, counted)
    async with connected(edge) as http:
        call = {"name": "add", "arguments": {"a": 1, "b": 2}}
        assert body_of(await http.post("", **modern("tools/call", call)))["result"]["isError"] is False
        assert listed == 0


@pytest.mark.parametrize(("header", "status"), [("eu", 200), ("us", 400), (None, 400)])
async def test_a_declared_parameter_header_must_match_the_argument(header: str | None, status: int) -> None:
    region = {"type": "string", "x-mcp-header": "Region"}
    listener, engine = make_target([(make_flow("echo", inputs={"region": region}), echo)])
    async with connected(build(listener, engine, options())) as http:
        request = modern("tools/call", {"name": "echo", "arguments": {"region": "eu"}})
        if header is not None:
            request["headers"]["mcp-param-region"] = header
        assert (await http.post("", **request)).status_code == status


# -- who may call ----------------------------------------------------------------------------------------


class Token:
    """A guard that knows one token, in a header or in the query."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def admit(self, request: Inbound) -> Principal:
        offered = request.headers.get("authorization") or request.query.get("token", "")
        if offered == "forbidden":
            raise ForbiddenError("This caller may not use this server")
        if offered == "crash":
            raise RuntimeError("with details")
        if offered != self.token:
            raise AuthError("Give a token", challenge='Bearer realm="world"')
        return Principal(name=f"owner of {self.token}")


def guarded(token: str = "good", **names: str) -> tuple[Listener, FakeEngine]:
    return make_target([(make_flow("echo"), echo)], guard=Token(token), **names)


@ERAS
async def test_without_credentials_there_is_a_challenge(request_of: Any) -> None:
    async with connected(build(*guarded(), options())) as http:
        answer = await http.post("", **request_of("tools/list"))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="world"'
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {
            "jsonrpc": "2.0",
            "id": None,
            "error": {"code": -32001, "message": "Give a token"},
        }


async def test_the_guard_comes_before_everything_else() -> None:
    async with connected(build(*guarded(), options())) as http:
        assert (await http.get("")).status_code == 401


async def test_a_caller_without_permission_is_forbidden() -> None:
    async with connected(build(*guarded(), options())) as http:
        answer = await http.get("", headers={"authorization": "forbidden"})
        assert answer.status_code == 403


async def test_a_broken_guard_lets_nobody_in_and_tells_nothing() -> None:
    listener, engine = guarded()
    async with connected(build(listener, engine, options())) as http:
        answer = await http.get("", headers={"authorization": "crash"})
    assert answer.status_code == 500
    assert "details" not in answer.text
    assert [type(event) for event in engine.heard] == [UnexpectedError]


@ERAS
async def test_the_engine_learns_who_calls(request_of: Any) -> None:
    listener, engine = guarded()
    async with connected(build(listener, engine, options())) as http:
        request = request_of("tools/call", {"name": "echo", "arguments": {}})
        request["headers"] |= {"authorization": "good", "x-request-id": "abc-123"}
        assert body_of(await http.post("", **request))["result"]["isError"] is False
        request["headers"] |= {"authorization": "", "x-request-id": "no spaces please"}
        assert (await http.post("", params={"token": "good"}, **request)).status_code == 200
    assert [call.principal.name for call in engine.calls] == ["owner of good"] * 2
    assert [call.listener for call in engine.calls] == ["world-tools"] * 2
    assert engine.calls[0].request_id == "abc-123"
    assert len(engine.calls[1].request_id) == 16


async def test_what_a_guard_admits_to_is_not_for_shared_caches() -> None:
    async with connected(build(*guarded(), options())) as http:
        request = modern("tools/list")
        request["headers"]["authorization"] = "good"
        assert body_of(await http.post("", **request))["result"]["cacheScope"] == "private"


# -- several capabilities on one endpoint ----------------------------------------------------------------


async def names(http: httpx.AsyncClient, **headers: str) -> list[str]:
    request = modern("tools/list")
    request["headers"] |= headers
    return [tool["name"] for tool in body_of(await http.post("", **request))["result"]["tools"]]


async def test_names_that_collide_get_their_capability_before_them() -> None:
    flows = [(make_flow("search"), echo), (make_flow("read"), echo)]
    others = [(make_flow("search"), gives("other")), (make_flow("write"), echo)]
    first = make_target(flows, capability="Notes & Co")
    second = make_target(others, capability="mail")
    async with connected(build_merged([first, second], options())) as http:
        assert await names(http) == ["Notes-Co_search", "read", "mail_search", "write"]
        answer = body_of(await http.post("", **modern("tools/call", {"name": "mail_search"})))
        assert answer["result"]["content"][0]["text"] == "other"
    async with connected(build_merged([second, first], options())) as http:
        assert await names(http) == ["mail_search", "write", "Notes-Co_search", "read"]


async def test_names_stay_legal_and_unique_whatever_the_capabilities_are_called() -> None:
    long = "s" * 60
    targets = [make_target([(make_flow(long), echo)], capability="é" * 20) for _ in range(3)]
    async with connected(build_merged(targets, options())) as http:
        found = await names(http)
    assert len(set(found)) == 3
    assert all(len(name) <= 64 and name.startswith("capabili_sss") for name in found)


async def test_a_merged_server_is_described_by_all_its_capabilities() -> None:
    targets = [make_target([], description="Reads mail."), make_target([], description="Keeps notes.")]
    async with connected(build_merged(targets, options())) as http:
        found = body_of(await http.post("", **modern("server/discover")))["result"]
        assert found["instructions"] == "The World: Reads mail.\nThe World: Keeps notes."
        info = found["_meta"]["io.modelcontextprotocol/serverInfo"]
        assert (info["name"], info["version"]) == ("capspec", "9.9")


async def test_each_guard_opens_the_tools_of_its_own_capability() -> None:
    targets = [
        guarded("a-token", capability="a"),
        guarded("b-token", capability="b"),
        make_target([(make_flow("open"), gives("free"))], capability="c"),
    ]
    async with connected(build_merged(targets, options())) as http:
        assert (await http.post("", **modern("tools/list"))).status_code == 401
        assert await names(http, authorization="a-token") == ["a_echo", "open"]
        assert await names(http, authorization="b-token") == ["b_echo", "open"]
        hidden = modern("tools/call", {"name": "b_echo"})
        hidden["headers"]["authorization"] = "a-token"
        assert body_of(await http.post("", **hidden))["error"]["code"] == -32602
    assert targets[1][1].calls == []


# -- many callers, hang-ups, shutdown --------------------------------------------------------------------


@ERAS
async def test_thirty_callers_with_the_same_id_get_their_own_answers(request_of: Any) -> None:
    async with connected(build(*world(), options())) as http:

        async def one(number: int) -> Any:
            call = {"name": "add", "arguments": {"a": number, "b": 1000}}
            return body_of(await http.post("", **request_of("tools/call", call, 1)))

        answers = await asyncio.gather(*map(one, range(30)))
    assert [answer["id"] for answer in answers] == [1] * 30
    assert [answer["result"]["structuredContent"]["sum"] for answer in answers] == list(range(1000, 1030))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_thirty_clients_at_once_get_their_own_answers(mode: str) -> None:
    async with served(build(*world(), options())) as url:

        async def one(number: int) -> Any:
            async with Client(url, mode=mode) as client:
                result = await client.call_tool("add", {"a": number, "b": 1000})
                return result.structured_content

        answers = await asyncio.gather(*map(one, range(30)))
    assert answers == [{"sum": 1000 + number} for number in range(30)]


def gated() -> tuple[Gate, Edge]:
    gate = Gate()
    return gate, build(*make_target([(make_flow("wait"), gate)]), options())


@ERAS
async def test_hanging_up_cancels_the_call(request_of: Any) -> None:
    gate, edge = gated()
    async with served(edge) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            waiting = asyncio.create_task(http.post("", **request_of("tools/call", {"name": "wait"})))
            await asyncio.wait_for(gate.entered.wait(), 5)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(gate.cancelled.wait(), 5)


@ERAS
async def test_a_call_in_flight_finishes_on_drain(request_of: Any) -> None:
    gate, edge = gated()
    async with connected(edge) as http:
        call = asyncio.create_task(http.post("", **request_of("tools/call", {"name": "wait"})))
        await asyncio.wait_for(gate.entered.wait(), 5)
        drain = asyncio.ensure_future(edge.drain())
        await asyncio.wait({drain}, timeout=0.05)
        assert not drain.done()
        gate.open.set()
        assert body_of(await call)["result"]["structuredContent"] == {"through": True}
        await asyncio.wait_for(drain, 5)


async def test_drain_ends_listen_streams_with_their_last_message() -> None:
    edge = build(*world(), options())
    async with connected(edge) as http:
        listen = modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, 5)
        async with http.stream("POST", "", **listen) as stream:
            messages = (
                json.loads(line[5:]) async for line in stream.aiter_lines() if line.startswith("data:")
            )
            assert (await anext(messages))["method"] == "notifications/subscriptions/acknowledged"
            await asyncio.wait_for(edge.drain(), 5)
            rest = [item async for item in messages]
        assert [(item["id"], "result" in item) for item in rest] == [(5, True)]
        refused = body_of(await http.post("", **listen))
        assert refused["error"]["message"] == "The server is shutting down"


async def test_drain_returns_at_once_when_nothing_is_going_on() -> None:
    edge = build(*world(), options())
    async with served(edge):
        await asyncio.wait_for(edge.drain(), 5)


async def test_an_edge_can_be_run_again() -> None:
    edge = build(*world(), options())
    for _ in range(2):
        async with connected(edge) as http:
            assert (await http.post("", **modern("tools/list"))).status_code == 200
            await edge.drain()


async def test_an_edge_that_does_not_run_says_so() -> None:
    edge = build(*world(), options())
    stopped = Edge(app=edge.app, endpoint=edge.endpoint)
    async with connected(stopped) as http:
        assert (await http.post("", **modern("tools/list"))).status_code == 503


async def test_only_http_is_spoken() -> None:
    edge = build(*world(), options())
    with pytest.raises(ValueError, match="not over ASGI's 'websocket'"):
        await edge.app({"type": "websocket"}, cast("Any", None), cast("Any", None))


def test_reading_the_adapter_does_not_import_the_sdk() -> None:
    code = "import sys, capspec.adapters.mcp.adapter as m; sys.exit(bool({'mcp', 'mcp_types'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
