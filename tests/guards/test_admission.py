"""The gate that every adapter over HTTP has: who is let in, and what everybody else is answered."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from capspec.admission import Gate
from capspec.edge import ASGIScope, Receive, SendMessage
from capspec.errors import AuthError, AuthUnavailable, ForbiddenError
from capspec.events import CallersUnchecked, UnexpectedError
from capspec.plan import Guard, Inbound, Principal
from tests.adapters.mcp_world import make_target

pytestmark = pytest.mark.anyio

WHERE = "/.well-known/oauth-protected-resource/skills"


class Scripted:
    """A guard that does what a header says, and remembers what it was shown."""

    resource_metadata = {"resource": "https://a.example/skills"}  # noqa: RUF012 - never changed
    metadata_paths = (WHERE,)

    def __init__(self) -> None:
        self.shown: list[Inbound] = []

    async def admit(self, request: Inbound) -> Principal:
        self.shown.append(request)
        errors: dict[str, Exception] = {
            "": AuthError("who?", challenge=("A x=1", "B y=2")),
            "forbidden": ForbiddenError("not you", challenge='A error="no"'),
            "away": AuthUnavailable("10.0.0.1 is away"),
            "crash": RuntimeError("with details"),
        }
        wanted = request.headers.get("authorization", "")
        if wanted in errors:
            raise errors[wanted]
        return Principal(name=wanted)


class World:
    def __init__(self, guard: Guard | None) -> None:
        listener, self.engine = make_target([], guard=guard, namespace="skills")
        self.gate = Gate(listener, self.engine)

    async def app(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        principal = await self.gate.enter(scope, send)
        if principal is not None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": principal.name.encode()})

    async def get(
        self, path: str = "/x", *, root: str = "", method: str = "GET", **options: Any
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, root_path=root)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)


async def test_whoever_the_guard_admits_is_handed_on() -> None:
    assert (await World(Scripted()).get(headers={"authorization": "ann"})).text == "ann"
    assert (await World(None).get()).text == "anonymous"


async def test_a_refusal_has_every_challenge_in_a_field_of_its_own() -> None:
    answer = await World(Scripted()).get()
    assert (answer.status_code, answer.json()["detail"]) == (401, "who?")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get_list("www-authenticate") == ["A x=1", "B y=2"]


async def test_a_caller_without_a_right_is_told_what_it_would_take() -> None:
    answer = await World(Scripted()).get(headers={"authorization": "forbidden"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (403, 'A error="no"')


async def test_when_nobody_can_be_asked_the_log_hears_why_and_the_caller_does_not() -> None:
    world = World(Scripted())
    answer = await world.get(headers={"authorization": "away"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "10.0.0.1" not in answer.text
    assert world.engine.heard == [CallersUnchecked(listener="skills", reason="10.0.0.1 is away")]


async def test_a_broken_guard_lets_nobody_in_and_tells_nothing() -> None:
    world = World(Scripted())
    answer = await world.get(headers={"authorization": "crash"})
    assert answer.status_code == 500
    assert "details" not in answer.text
    (event,) = world.engine.heard
    assert isinstance(event, UnexpectedError)


async def test_the_guard_sees_the_request_as_it_was_sent() -> None:
    guard = Scripted()
    headers = [("authorization", "ann"), ("X-Two", "1"), ("x-two", "2"), ("cookie", "a=1"), ("cookie", "b=2")]
    await World(guard).get("/a%2Fb/%C3%A4?q=1&q=2&r=%FF+%C3%A4", method="PUT", headers=headers)
    (seen,) = guard.shown
    assert (seen.method, seen.target) == ("PUT", "/a%2Fb/%C3%A4?q=1&q=2&r=%FF+%C3%A4")
    assert (seen.headers["x-two"], seen.headers["cookie"]) == ("1, 2", "a=1; b=2")
    assert dict(seen.query) == {"q": "1", "r": "\udcff ä"}


async def test_metadata_are_for_everybody_at_the_origin_only() -> None:
    world = World(Scripted())
    assert world.gate.well_known == {WHERE}
    assert (await world.get(WHERE)).json() == {"resource": "https://a.example/skills"}
    assert (await world.get(WHERE, method="HEAD")).status_code == 200
    assert (await world.get(WHERE, method="POST")).status_code == 401
    assert (await world.get(WHERE, root="/below")).status_code == 401
    assert (await World(None).get(WHERE)).text == "anonymous"
