"""Jobs within flows: waited for at once or later, one or several, over REST and MCP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.test_steps_whole import Go, capability, go, order, over_rest
from tests.upstreams import Seen, reply
from tests.whole import running

__all__ = ["go"]
pytestmark = pytest.mark.anyio


def with_jobs(flow: str, inputs: str = "[]") -> str:
    whole = json.loads(capability(flow, inputs))
    whole["capability"]["consumes"][0]["resources"].append({
        "path": "/jobs",
        "operations": [{
            "name": "make", "method": "POST",
            "poll": {
                "id": "$.id",
                "request": {"uri": "/jobs/{{id}}"},
                "status": {"path": "$.status", "success": ["done"], "failure": ["bad"]},
                "result": {"path": "$.result"},
                "error": {"message": "$.reason"},
                "interval": "10ms",
            },
        }],
    })  # fmt: skip
    return json.dumps(whole)


class Maker:
    """A provider whose jobs are done at the second look; what is asked for as "bad" fails, "slow" never ends."""

    def __init__(self) -> None:
        self.looks: dict[str, int] = {}
        self.kinds: dict[str, str] = {}

    def __call__(self, seen: Seen) -> bytes:
        if seen.method == "POST" and seen.path == "/jobs":
            name = f"j{len(self.kinds)}"
            self.kinds[name] = json.loads(seen.body)["kind"]
            return self.said({"id": name})
        name = seen.path.rpartition("/")[2]
        self.looks[name] = self.looks.get(name, 0) + 1
        kind = self.kinds.get(name, "")
        if kind == "slow" or self.looks[name] < 2:
            return self.said({"status": "running"})
        if kind == "bad":
            return self.said({"status": "bad", "reason": "no luck"})
        return self.said({"status": "done", "result": {"made": kind}})

    @staticmethod
    def said(value: Any) -> bytes:
        return reply(200, json.dumps(value).encode())


async def test_a_call_of_a_job_in_a_flow_waits_for_its_end(go: Go):
    flow = """
    steps:
    - {name: one, type: call, call: up.make, with: {kind: a}}
    - {name: two, type: call, call: up.make, with: {kind: "{{one.made}}b"}}
    """
    async with running(with_jobs(flow), Maker()) as whole:
        assert await go(whole, {}) == (True, {"made": "ab"})


async def test_jobs_that_are_begun_first_and_waited_for_later_run_at_the_same_time(go: Go):
    flow = """
    steps:
    - {name: one, type: call, call: up.make, wait: false, with: {kind: a}}
    - {name: two, type: call, call: up.make, wait: false, with: {kind: b}}
    - {name: first, type: wait-for, job: one}
    - {name: second, type: wait-for, job: $.two.job}
    mappings: [{target: both, value: ["{{first.made}}", "{{second.made}}"]}]
    """
    async with running(with_jobs(flow), Maker()) as whole:
        assert await go(whole, {}) == (True, {"both": ["a", "b"]})
        assert order(whole)[:2] == ["POST /jobs", "POST /jobs"]


async def test_a_job_for_each_element_is_waited_for_in_order(go: Go):
    flow = """
    steps:
    - {name: begun, type: call, for-each: "{{kinds}}", call: up.make, wait: false, with: {kind: "{{item}}"}}
    - {name: made, type: wait-for, job: begun}
    """
    async with running(with_jobs(flow, "[{name: kinds, type: array}]"), Maker()) as whole:
        expected = [{"made": "x"}, {"made": "y"}, {"made": "z"}]
        assert await go(whole, {"kinds": ["x", "y", "z"]}) == (True, expected)


@pytest.mark.parametrize("wait", ["false", "true"])
async def test_a_job_that_fails_stops_the_flow_or_is_recovered(go: Go, wait: str):
    flow = f"""
    steps:
    - {{name: begun, type: call, call: up.make, wait: {wait}, with: {{kind: "{{{{kind}}}}"}},
       on-error: {{value: {{made: instead}}}}}}
    - {{name: made, type: {"wait-for, job: begun" if wait == "false" else "transform, value: $.begun"},
       on-error: {{value: {{made: instead}}}}}}
    """
    async with running(with_jobs(flow, "[{name: kind, type: string}]"), Maker()) as whole:
        assert await go(whole, {"kind": "good"}) == (True, {"made": "good"})
        assert await go(whole, {"kind": "bad"}) == (True, {"made": "instead"})


async def test_a_job_that_takes_longer_than_the_step_waits_is_an_error(go: Go):
    flow = """
    steps:
    - {name: begun, type: call, call: up.make, wait: false, with: {kind: slow}}
    - {name: made, type: wait-for, job: begun, timeout: 50ms}
    """
    async with running(with_jobs(flow), Maker()) as whole:
        worked, told = await go(whole, {})
        assert not worked
        assert "did not succeed" in json.dumps(told)


async def test_a_handle_of_another_caller_or_of_none_is_no_job():
    flow = """
    steps: [{name: made, type: wait-for, job: "{{handle}}"}]
    """
    async with running(with_jobs(flow, "[{name: handle, type: string}]"), Maker()) as whole:
        worked, told = await over_rest(whole, {"handle": "job1_forged"})
        assert not worked
        assert "there is no such job" in json.dumps(told)
        assert not whole.upstream.requests


async def test_a_handle_can_go_to_the_caller_and_come_back():
    flow = """
    steps:
    - {name: begun, type: call, when: "{{ not handle }}", call: up.make, wait: false, with: {kind: a}}
    - {name: made, type: wait-for, when: "{{handle}}", job: "{{handle}}"}
    mappings: [{target: job, value: $.begun.job}, {target: made, value: $.made.made}]
    """
    async with running(with_jobs(flow, "[{name: handle, type: string, required: false}]"), Maker()) as whole:
        _, begun = await over_rest(whole, {})
        assert await over_rest(whole, {"handle": begun["job"]}) == (True, {"made": "a"})
