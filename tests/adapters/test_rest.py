"""The REST adapter over real sockets: routes, refusals, guards and the description."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

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
from capspec.plan import Call, Inbound, Principal, Result
from tests.adapters.rest_world import AGE, in_memory, make_flow, raises, serving

pytestmark = pytest.mark.anyio


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
    assert (options.status_code, options.headers["allow"], options.content) == (
        204,
        "GET, HEAD, OPTIONS",
        b"",
    )
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
    [
        ("r-1", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a b", False),
        ("a;b", False),
        ("é", False),
        ("", False),
    ],
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

    async def admit(self, request: Inbound) -> Principal:
        if request.query.get("key") != "right":
            raise AuthError("no", challenge="ApiKey")
        assert request.headers["x-two"] == "1, 2"
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


@pytest.mark.parametrize(
    ("scope", "status", "arguments"),
    [
        ({"path": "/a/ü"}, 200, {"b": "ü"}),
        ({"path": "/a/x", "raw_path": b"/a/x", "root_path": "/mount"}, 200, {"b": "x"}),
        ({"path": "/mount/a/x", "raw_path": b"/mount/a/x", "root_path": "/mount/"}, 200, {"b": "x"}),
        ({"path": "/a/?", "raw_path": b"/a/\xff"}, 404, None),
    ],
)
async def test_servers_that_spell_paths_differently_are_understood(
    scope: dict[str, Any], status: int, arguments: dict[str, str] | None
) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return await asyncio.Event().wait()

    plain = {"type": "http", "method": "GET", "query_string": b"", "headers": []}
    async with in_memory(make_flow("GET /a/{b}")) as world:
        await world.edge.app({**plain, **scope}, receive, send)
    assert sent[0]["status"] == status
    assert json.loads(sent[1]["body"]).get("arguments") == arguments


async def test_a_call_that_its_server_cancels_stays_cancelled() -> None:
    entered = asyncio.Event()

    async def endless(call: Call) -> Result:
        entered.set()
        return await asyncio.get_running_loop().create_future()

    async with in_memory(make_flow("GET /a", name="it"), it=endless) as world:
        request = asyncio.create_task(world.client.get("/a"))
        await entered.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.wait_for(world.edge.drain(), 5)
