"""Steps at the same time give what one after the other gives: random flows, run both ways."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capspec import app
from capspec.clock import VirtualClock
from capspec.errors import CallError
from capspec.plan import Call
from capspec.wire import Request, Response
from tests.whole import plan_of

CONSUMED = {
    "namespace": "up", "baseUri": "http://up.test",
    "resources": [{"path": "/n/{n}", "operations": [
        {"name": "get", "method": "GET", "inputParameters": [{"name": "q", "in": "query"}]},
        {"name": "put", "method": "PUT", "inputParameters": [{"name": "q", "in": "query"}]},
    ]}],
}  # fmt: skip


class Upstream:
    """Answers after a random number of turns of the loop with what it was asked, and how often something changed."""

    def __init__(self, seed: int, failing: set[int]) -> None:
        self.chance = random.Random(seed)
        self.failing = failing
        self.changes: list[str] = []

    async def send(self, request: Request) -> Response:
        seen = len(self.changes)
        if request.method == "PUT":
            self.changes.append(request.url)
        for _ in range(self.chance.randrange(12)):
            await asyncio.sleep(0)
        parts = urlsplit(request.url)
        number = int(parts.path.rpartition("/")[2])
        said = {"n": number, "q": dict(parse_qsl(parts.query)).get("q", ""), "changes": seen}
        body = json.dumps(said).encode()

        async def chunks() -> AsyncIterator[bytes]:
            yield body

        async def close() -> None:
            return None

        status = 500 if number in self.failing else 200
        headers = (("content-type", "application/json"),)
        return Response(status=status, headers=headers, chunks=chunks(), closer=close)

    async def close(self) -> None:
        return None


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(2, 7))
    steps: list[dict[str, Any]] = []
    for number in range(count):
        step: dict[str, Any] = {"name": f"s{number}", "type": "call", "with": {"n": number}}
        step["call"] = draw(st.sampled_from(["up.get", "up.get", "up.get", "up.put"]))
        earlier = [f"s{before}" for before in range(number)]
        if earlier:
            read = draw(st.sampled_from([None, *earlier]))
            word = draw(st.sampled_from(["{{%s.n}}-{{%s.q}}", "$.%s.n", "{{ %s.n + 1 }}", "{{steps.%s.q}}"]))
            if read:
                step["with"]["q"] = word.replace("%s", read)
            if draw(st.booleans()):
                step["when"] = "{{ %s.n % 2 == 0 }}".replace("%s", draw(st.sampled_from(earlier)))
        if draw(st.integers(0, 3)) == 0:
            step["on-error"] = draw(st.sampled_from(["continue", {"value": {"n": -1, "q": "r"}}]))
        steps.append(step)
    return {
        "steps": steps,
        "mappings": [{"target": step["name"], "value": f"$.{step['name']}"} for step in steps],
        "failing": draw(st.sets(st.integers(0, count - 1), max_size=2)),
        "seed": draw(st.integers(0, 1000)),
    }


def outcome(flow: dict[str, Any], *, parallel: bool | None) -> tuple[Any, list[str]]:
    tool = {"name": "go", "steps": flow["steps"], "mappings": flow["mappings"], "parallel": parallel}
    exposes = [{"type": "mcp", "namespace": "agent", "port": 1, "tools": [tool]}]
    text = json.dumps({"capspec": "1", "capability": {"consumes": [CONSUMED], "exposes": exposes}})
    plan = plan_of(text)
    assert not plan.warnings, plan.warnings
    upstream = Upstream(flow["seed"], flow["failing"])

    async def run() -> Any:
        async with app.open_engine(plan, transport=upstream, clock=VirtualClock()) as engine:
            try:
                return (await engine.run(Call(flow=plan.listeners[0].flows[0], arguments={}))).value
            except CallError as error:
                return str(error)

    return asyncio.run(run()), upstream.changes


@settings(max_examples=60, deadline=None)
@given(flows())
def test_the_order_of_what_runs_at_the_same_time_cannot_be_seen(flow: dict[str, Any]):
    together, changed = outcome(flow, parallel=None)
    one_by_one, changes = outcome(flow, parallel=False)
    assert together == one_by_one
    assert changed == changes


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(flows())
def test_the_order_cannot_be_seen_at_length(flow: dict[str, Any]):
    assert outcome(flow, parallel=None) == outcome(flow, parallel=False)
