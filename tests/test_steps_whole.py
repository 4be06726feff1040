"""Steps of a flow, over REST and MCP: what they see, what runs at the same time, and control flow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import yaml

from tests.upstreams import Seen, reply
from tests.whole import Whole, plan_of, running, text_of, value_of

pytestmark = pytest.mark.anyio

CONSUMED = """
- namespace: up
  baseUri: http://up.test
  resources:
  - path: /a
    operations: [{name: get-a, method: GET}]
  - path: /b
    operations: [{name: get-b, method: GET, inputParameters: [{name: id, in: query}]}]
  - path: /c
    operations: [{name: get-c, method: GET}]
  - path: /things/{id}
    operations:
    - {name: get-thing, method: GET}
    - {name: change-thing, method: PUT}
  - path: /things
    operations: [{name: create-thing, method: POST}]
"""


def capability(flow: str, inputs: str = "[]") -> str:
    """A capability with one flow, `go`, as a tool and as POST /go."""
    body = yaml.safe_load(flow)
    body["inputParameters"] = yaml.safe_load(inputs)
    return json.dumps({
        "capspec": "1",
        "capability": {
            "consumes": yaml.safe_load(CONSUMED),
            "exposes": [
                {"type": "mcp", "namespace": "agent", "port": 1, "tools": [{"name": "go", **body}]},
                {
                    "type": "rest", "namespace": "app", "port": 2,
                    "resources": [{"path": "/go", "operations": [{"name": "go", "method": "POST", **body}]}],
                },
            ],
        },
    })  # fmt: skip


Go = Callable[[Whole, dict[str, Any]], Awaitable[tuple[bool, Any]]]


async def over_rest(whole: Whole, arguments: dict[str, Any]) -> tuple[bool, Any]:
    response = await whole.request("POST", "/go", json=arguments)
    return response.status_code < 300, response.json() if response.content else None


async def over_mcp(whole: Whole, arguments: dict[str, Any]) -> tuple[bool, Any]:
    result = await whole.tool("go", arguments)
    return not result.is_error, text_of(result) if result.is_error else value_of(result)


@pytest.fixture(params=[over_rest, over_mcp], ids=["rest", "mcp"])
def go(request: pytest.FixtureRequest) -> Go:
    return request.param


def answering(routes: dict[str, Any]) -> Callable[[Seen], bytes]:
    def answer(seen: Seen) -> bytes:
        found = routes.get(f"{seen.method} {seen.target}", routes.get(f"{seen.method} {seen.path}", {}))
        if isinstance(found, int):
            return reply(found, b'{"why": "so"}')
        return reply(200, json.dumps(found).encode())

    return answer


def meeting(*together: str) -> Callable[[Seen], Awaitable[bytes]]:
    """Answers requests for these paths only when all of them are there at once."""
    arrived: set[str] = set()
    met = asyncio.Event()

    async def answer(seen: Seen) -> bytes:
        if seen.path in together:
            arrived.add(seen.path)
            if arrived >= set(together):
                met.set()
            await asyncio.wait_for(met.wait(), 5)
        return reply(200, json.dumps({"path": seen.path}).encode())

    return answer


def order(whole: Whole) -> list[str]:
    return [f"{seen.method} {seen.target}" for seen in whole.upstream.requests]


MAPPED = "mappings: [{target: a, value: $.a}, {target: b, value: $.b}, {target: c, value: $.c}]"


# -- at the same time -----------------------------------------------------------------------------------


async def test_steps_that_do_not_read_each_other_run_at_the_same_time(go: Go):
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: call, call: up.get-b}}
    - {{name: c, type: call, call: up.get-c}}
    {MAPPED}
    """
    async with running(capability(flow), meeting("/a", "/b", "/c")) as whole:
        assert await go(whole, {}) == (True, {"a": {"path": "/a"}, "b": {"path": "/b"}, "c": {"path": "/c"}})


@pytest.mark.parametrize(
    "reads",
    ["'{{a.id}}'", "$.a.id", "'x{{ a.id }}'", "'{{ a.id | upper }}'", "'{{steps.a.id}}'", "'{{$.a.id}}'"],
)
async def test_a_step_waits_for_those_that_it_reads(reads: str):
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: call, call: up.get-b, with: {{id: {reads}}}}}
    {MAPPED}
    """
    async with running(capability(flow), answering({"GET /a": {"id": "q"}})) as whole:
        assert (await over_rest(whole, {}))[0]
        first, second = order(whole)
    assert first == "GET /a"
    assert second.lower() in ("get /b?id=q", "get /b?id=xq")


async def test_an_argument_that_a_step_has_given_by_name_is_waited_for():
    flow = f"""
    steps:
    - {{name: id, type: call, call: up.get-a}}
    - {{name: b, type: call, call: up.get-b}}
    {MAPPED}
    """
    async with running(capability(flow), answering({"GET /a": "seven"})) as whole:
        await over_rest(whole, {})
        assert order(whole) == ["GET /a", "GET /b?id=seven"]


async def test_what_changes_something_keeps_its_place():
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: w, type: call, call: up.create-thing, with: {{x: 1}}}}
    - {{name: c, type: call, call: up.get-c}}
    {MAPPED}
    """
    async with running(capability(flow), answering({})) as whole:
        await over_rest(whole, {})
        assert order(whole) == ["GET /a", "POST /things", "GET /c"]


async def test_parallel_true_lets_changes_run_at_the_same_time(go: Go):
    flow = """
    parallel: true
    steps:
    - {name: a, type: call, call: up.create-thing, with: {x: 1}}
    - {name: b, type: call, call: up.change-thing, with: {id: 5}}
    mappings: [{target: a, value: $.a.path}, {target: b, value: $.b.path}]
    """
    async with running(capability(flow), meeting("/things", "/things/5")) as whole:
        assert await go(whole, {}) == (True, {"a": "/things", "b": "/things/5"})


async def test_parallel_false_runs_one_after_the_other():
    flow = f"""
    parallel: false
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: block, steps: [{{name: x, call: up.get-b}}, {{name: y, call: up.get-c}}],
       mappings: [{{target: y, value: $.y}}]}}
    {MAPPED}
    """
    busy: list[str] = []

    async def answer(seen: Seen) -> bytes:
        assert not busy
        busy.append(seen.path)
        await asyncio.sleep(0)
        busy.clear()
        return reply(200)

    async with running(capability(flow), answer) as whole:
        assert (await over_rest(whole, {}))[0]
        assert order(whole) == ["GET /a", "GET /b", "GET /c"]


async def test_depends_on_makes_a_step_wait():
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: call, call: up.get-b, dependsOn: [a]}}
    {MAPPED}
    """
    async with running(capability(flow), answering({})) as whole:
        await over_rest(whole, {})
        assert order(whole) == ["GET /a", "GET /b"]


async def test_the_failure_that_is_first_in_the_file_is_told_whichever_came_first(go: Go):
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: call, call: up.get-b}}
    - {{name: c, type: call, call: up.get-c}}
    {MAPPED}
    """
    second = asyncio.Event()

    async def answer(seen: Seen) -> bytes:
        if seen.path == "/a":
            await asyncio.wait_for(second.wait(), 5)
            return reply(404)
        if seen.path == "/b":
            second.set()
            return reply(500)
        await seen.rest.read()  # never answered: it ends when the client leaves
        return reply(200)

    async with running(capability(flow), answer) as whole:
        worked, told = await go(whole, {})
        assert not worked
        assert "step 'a' failed: up.get-a answered 404" in json.dumps(told)


# -- conditions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "given", "runs"),
    [
        ("'{{kind}}'", {"kind": "x"}, True),
        ("'{{kind}}'", {}, False),
        ("'{{kind}}'", {"kind": ""}, False),
        ("'{{kind}}'", {"kind": "false"}, False),
        ("\"{{ kind == 'x' }}\"", {"kind": "x"}, True),
        ("\"{{ kind == 'x' }}\"", {"kind": "y"}, False),
        ("\"{{ kind == 'x' }}\"", {}, False),
        ("\"kind == 'x'\"", {"kind": "x"}, True),
        ("\"kind == 'x'\"", {"kind": "y"}, False),
        ("agent.kind", {"kind": "x"}, True),
        ("inputs.kind", {}, False),
        ("$.kind", {"kind": "x"}, True),
        ("$.kind", {}, False),
        ("true", {}, True),
        ("false", {}, False),
        ("'{{ a.items | length > 1 }}'", {}, True),
        ("'$.a.items[?(@ > 2)]'", {}, False),
        ("'$.a.items[?(@ > 1)]'", {}, True),
    ],
)
async def test_a_step_runs_when_its_condition_holds(condition: str, given: dict[str, Any], runs: bool):
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: call, when: {condition}, call: up.get-b}}
    mappings: [{{target: b, value: $.b.y}}, {{target: done, value: 1}}]
    """
    inputs = "[{name: kind, type: string, required: false}]"
    routes = {"GET /a": {"items": [1, 2]}, "GET /b": {"y": 2}}
    async with running(capability(flow, inputs), answering(routes)) as whole:
        worked, value = await over_mcp(whole, given)
        assert worked
        assert value == ({"b": 2, "done": 1} if runs else {"done": 1})


async def test_condition_is_another_word_for_when_and_a_tool_can_choose_whom_it_calls(go: Go):
    flow = """
    steps:
    - {name: one, type: call, condition: "{{ provider == 'a' }}", call: up.get-a}
    - {name: two, type: call, condition: "{{ provider == 'b' }}", call: up.get-b}
    - {name: answer, type: transform, value: "{{ one or two }}"}
    """
    inputs = "[{name: provider, type: string, enum: [a, b]}]"
    async with running(
        capability(flow, inputs), answering({"GET /a": {"x": 1}, "GET /b": {"x": 2}})
    ) as whole:
        assert await go(whole, {"provider": "a"}) == (True, {"x": 1})
        assert await go(whole, {"provider": "b"}) == (True, {"x": 2})
        assert order(whole) == ["GET /a", "GET /b"]


@pytest.mark.parametrize("condition", ["a {{kind}}", "{{kind}}{{kind}}", "{{ kind == }}"])
def test_a_condition_that_is_no_condition_is_refused_at_its_place(condition: str):
    flow = f"""
    steps: [{{name: a, type: call, when: "{condition}", call: up.get-a}}]
    """
    plan = plan_of(capability(flow))
    assert all("not available" in problem.message for problem in plan.warnings)
    assert all(not listener.available for listener in plan.listeners)


# -- loops ----------------------------------------------------------------------------------------------


async def test_for_each_runs_for_every_element_and_keeps_the_order(go: Go):
    flow = """
    steps:
    - {name: a, type: call, call: up.get-a}
    - {name: things, type: call, for-each: "{{a.ids}}", call: up.get-thing, with: {id: "{{item.id}}"}}
    mappings: [{target: things, value: $.things}]
    """
    ids = [{"id": number} for number in range(7)]

    async def answer(seen: Seen) -> bytes:
        if seen.path == "/a":
            return reply(200, json.dumps({"ids": ids}).encode())
        for _ in range(7 - int(seen.path[-1])):
            await asyncio.sleep(0)  # later ones answer earlier
        return reply(200, json.dumps(seen.path).encode())

    async with running(capability(flow), answer) as whole:
        assert await go(whole, {}) == (True, {"things": [f"/things/{number}" for number in range(7)]})


async def test_for_each_bounds_how_many_run_at_once():
    flow = """
    steps:
    - name: things
      type: call
      forEach: {in: [1, 2, 3, 4, 5, 6, 7, 8], as: number, concurrency: 3}
      call: up.get-thing
      with: {id: "{{number}}"}
    """
    here: set[str] = set()
    most: list[int] = []

    async def answer(seen: Seen) -> bytes:
        here.add(seen.path)
        most.append(len(here))
        for _ in range(20):
            await asyncio.sleep(0)
        here.discard(seen.path)
        return reply(200)

    async with running(capability(flow), answer) as whole:
        assert await over_rest(whole, {}) == (True, [{}] * 8)
    assert max(most) == 3


@pytest.mark.parametrize(
    ("items", "value"),
    [("$.missing", []), ("'{{list}}'", [0, 2]), ("list", []), ("[5, 6, 7]", [5, 7])],
    ids=["missing", "template", "words", "literal"],
)
async def test_a_condition_of_a_loop_is_asked_for_every_element(items: str, value: list[int]):
    flow = f"""
    steps:
    - {{name: x, type: transform, for-each: {items}, when: "{{{{ index != 1 }}}}", value: "{{{{item}}}}"}}
    """
    inputs = "[{name: list, type: array, items: {type: integer}}]"
    async with running(capability(flow, inputs)) as whole:
        worked, told = await over_rest(whole, {"list": [0, 1, 2]})
    if items == "list":  # a word that is no reference is a text, and no list
        assert not worked
        assert "got no list" in json.dumps(told)
    else:
        assert (worked, told) == (True, value)


async def test_a_loop_over_too_much_is_refused_with_the_way_out(go: Go):
    flow = """
    steps: [{name: x, type: transform, for-each: {in: "{{list}}", max-items: 2}, value: 1}]
    """
    inputs = "[{name: list, type: array}]"
    async with running(capability(flow, inputs)) as whole:
        assert (await go(whole, {"list": [1, 2]}))[0]
        worked, told = await go(whole, {"list": [1, 2, 3]})
        assert not worked
        assert "max-items" in json.dumps(told)


async def test_a_body_of_several_steps_runs_for_each_element(go: Go):
    flow = """
    steps:
    - name: each
      type: block
      for-each: "{{list}}"
      steps:
      - {name: thing, type: call, call: up.get-thing, with: {id: "{{item}}"}}
      - {name: more, type: call, call: up.get-b, with: {id: $.thing.owner}}
      mappings: [{target: id, value: "{{item}}"}, {target: owner, value: $.more.name}]
    """
    routes = {
        "GET /things/1": {"owner": "o1"}, "GET /things/2": {"owner": "o2"},
        "GET /b?id=o1": {"name": "Ann"}, "GET /b?id=o2": {"name": "Bo"},
    }  # fmt: skip
    async with running(capability(flow, "[{name: list, type: array}]"), answering(routes)) as whole:
        expected = [{"id": 1, "owner": "Ann"}, {"id": 2, "owner": "Bo"}]
        assert await go(whole, {"list": [1, 2]}) == (True, expected)


async def test_the_steps_of_a_block_are_not_seen_outside():
    flow = """
    steps:
    - {name: outer, type: block, steps: [{name: inner, type: call, call: up.get-a}]}
    - {name: b, type: call, call: up.get-b, with: {id: $.inner.x}}
    """
    async with running(capability(flow), answering({"GET /a": {"x": 1}})) as whole:
        await over_rest(whole, {})
        assert order(whole) == ["GET /a", "GET /b"]


# -- failures -------------------------------------------------------------------------------------------


async def test_a_failing_step_stops_the_flow_with_a_mapped_error():
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a}}
    - {{name: b, type: call, call: up.get-b, dependsOn: a}}
    {MAPPED}
    """
    async with running(capability(flow), answering({"GET /a": 404})) as whole:
        response = await whole.request("POST", "/go", json={})
        assert response.status_code == 502
        assert response.headers["content-type"] == "application/problem+json"
        assert "step 'a' failed: up.get-a answered 404" in response.text
        result = await whole.tool("go")
        assert result.is_error
        assert "step 'a' failed" in text_of(result)
        assert order(whole) == ["GET /a", "GET /a"]


@pytest.mark.parametrize(
    ("recovery", "value"),
    [
        ("continue", {"done": 1}),
        ("{continue: true}", {"done": 1}),
        ("{value: {why: '{{error.status}} {{error.body.why}}'}}", {"a": {"why": "404 so"}, "done": 1}),
        ("{value: $.error.code}", {"a": "CAP602", "done": 1}),
        ("[{name: c, type: call, call: up.get-c}]", {"a": {"c": 3}, "done": 1}),
        ("{steps: [{name: c, type: call, call: up.get-c}]}", {"a": {"c": 3}, "done": 1}),
    ],
)
async def test_on_error_says_what_stands_for_a_failed_step(go: Go, recovery: str, value: Any):
    flow = f"""
    steps:
    - {{name: a, type: call, call: up.get-a, on-error: {recovery}}}
    mappings: [{{target: a, value: $.a}}, {{target: done, value: 1}}]
    """
    async with running(capability(flow), answering({"GET /a": 404, "GET /c": {"c": 3}})) as whole:
        assert await go(whole, {}) == (True, value)


async def test_try_recovers_several_steps_together(go: Go):
    flow = """
    steps:
    - name: either
      try:
      - {name: a, call: up.get-a}
      - {name: b, call: up.get-b, with: {id: "{{a.id}}"}}
      on-error:
      - {name: c, call: up.get-c}
    mappings: [{target: got, value: $.either.from}]
    """
    routes: dict[str, Any] = {"GET /a": {"id": 1}, "GET /b": {"from": "b"}, "GET /c": {"from": "c"}}
    async with running(capability(flow), answering(routes)) as whole:
        assert await go(whole, {}) == (True, {"got": "b"})
        routes["GET /b"] = 503
        assert await go(whole, {}) == (True, {"got": "c"})
        routes["GET /c"] = 500
        worked, told = await go(whole, {})
        assert not worked
        assert "step 'c' failed" in json.dumps(told)


async def test_elements_that_fail_can_be_left_out_or_replaced(go: Go):
    flow = """
    steps:
    - {name: some, type: call, for-each: [1, 2, 3], call: up.get-thing, with: {id: "{{item}}"}, on-error: continue}
    - {name: all, type: call, for-each: [1, 2, 3], call: up.get-thing, with: {id: "{{item}}"},
       on-error: {value: null}}
    mappings: [{target: some, value: $.some}, {target: all, value: $.all}]
    """
    async with running(capability(flow), answering({"GET /things/2": 404})) as whole:
        assert await go(whole, {}) == (True, {"some": [{}, {}], "all": [{}, None, {}]})


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{name: a, type: call, call: up.get-a, on-error: retry}", "'retry' is not something"),
        ("{name: a, type: transform}", "does not say what it makes"),
        ("{name: a, type: cal, call: up.get-a}", "did you mean 'call'?"),
        ("{name: a, type: block, steps: []}", "has no steps"),
        ("{name: a, type: wait-for}", "which job"),
        ("{name: a, type: call, call: up.get-a, wait: false}", "starts no job"),
        ("{name: a, type: lookup, index: nope, match: x, lookupValue: y}", "no earlier step 'nope'"),
        ("{name: a, type: call, call: up.get-a, dependsOn: nope}", "no earlier step 'nope'"),
        ("{name: a, type: call, call: up.get-a, for-each: {as: x}}", "what it runs over"),
    ],
)
def test_what_a_step_cannot_do_is_said_at_its_place(step: str, said: str):
    from capspec.errors import CapspecError

    flow = f"steps: [{step}]"
    try:
        found = plan_of(capability(flow)).warnings
    except CapspecError as error:
        found = error.problems
    assert any(said in f"{problem.message} {problem.hint}" and problem.place for problem in found), found


def test_two_steps_of_one_name_are_refused():
    flow = "steps: [{name: a, type: call, call: up.get-a}, {name: a, type: call, call: up.get-b}]"
    messages = [problem.message for problem in plan_of(capability(flow)).warnings]
    assert any("there are two steps 'a'" in message for message in messages)


# -- transforms and lookups -----------------------------------------------------------------------------


async def test_a_transform_makes_a_value_from_what_is_there(go: Go):
    flow = """
    steps:
    - {name: a, type: call, call: up.get-a}
    - name: shaped
      type: transform
      outputParameters:
      - {name: total, type: number, mapping: $.a.total}
      - {name: who, type: string, value: "{{ name | upper }}"}
    - name: listed
      type: transform
      value: {numbers: [$.a.total, inputs.name, 7], text: "{{name}}!"}
    - name: both
      type: transform
      mappings: [{target: shaped.it, value: $.shaped}, {target: listed, value: $.listed}]
    """
    async with running(
        capability(flow, "[{name: name, type: string}]"), answering({"GET /a": {"total": "4"}})
    ) as whole:
        expected = {
            "shaped": {"it": {"total": 4, "who": "ANN"}},
            "listed": {"numbers": ["4", "Ann", 7], "text": "Ann!"},
        }
        assert await go(whole, {"name": "Ann"}) == (True, expected)


async def test_a_lookup_can_reach_into_what_a_step_gave(go: Go):
    flow = """
    steps:
    - {name: a, type: call, call: up.get-a}
    - {name: found, type: lookup, index: $.a.data, match: $.key.id, lookupValue: "{{id}}"}
    """
    rows = {"data": [{"key": {"id": "1"}, "v": "text"}, {"key": {"id": 1}, "v": "number"}]}
    async with running(capability(flow, "[{name: id, type: integer}]"), answering({"GET /a": rows})) as whole:
        assert await go(whole, {"id": 1}) == (True, {"key": {"id": 1}, "v": "number"})


# -- what a consumed operation names --------------------------------------------------------------------


NAMED = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /ships
      operations:
      - name: list-ships
        method: GET
        outputParameters: [{name: imo-number, type: string, value: $.imo}, {name: tons, type: number, value: $.size.tons}]
    - path: /ship
      operations:
      - {name: get-ship, method: GET, outputParameters: [{name: flag-code, type: string, value: "$.flag.code"}]}
  exposes:
  - type: mcp
    namespace: agent
    port: 1
    tools:
    - name: go
      steps:
      - {name: ships, type: call, call: up.list-ships}
      - {name: ship, type: call, call: up.get-ship}
      - {name: found, type: lookup, index: ships, match: imo-number, lookupValue: $.ship.imo, outputParameters: [name, tons]}
      mappings: [{target: found, value: $.found}, {target: flag, value: "{{ship.flag-code}}"}, {target: imo, value: $.ship.imo}]
"""


async def test_steps_see_the_parts_that_a_consumed_operation_names():
    routes = {
        "GET /ships": [{"imo": "1", "name": "A"}, {"imo": "2", "name": "B", "size": {"tons": "42"}}],
        "GET /ship": {"imo": "2", "flag": {"code": "NO"}},
    }
    async with running(NAMED, answering(routes)) as whole:
        expected = {"found": {"name": "B", "tons": 42}, "flag": "NO", "imo": "2"}
        assert value_of(await whole.tool("go")) == expected


@pytest.mark.parametrize(
    ("flow", "told"),
    [
        ("steps: [{name: a, type: call, when: '{{ x * 2 }}', call: up.get-a}]", "a template of step 'a'"),
        ("steps: [{name: a, type: transform, value: '{{ x * 2 }}'}]", "a template of step 'a'"),
        (
            "steps: [{name: a, type: transform, for-each: '{{ [x * 2] }}', value: 1}]",
            "a template of step 'a'",
        ),
        ("{call: up.get-b, with: {id: '{{ x * 2 }}'}}", "a template of 'with'"),
        (
            "{steps: [{name: a, type: transform, value: 1}], mappings: [{target: y, value: '{{ x * 2 }}'}]}",
            "a value of 'mappings'",
        ),
    ],
)
async def test_a_template_that_fails_is_told_without_what_it_read(go: Go, flow: str, told: str):
    async with running(capability(flow, "[{name: x}]"), answering({})) as whole:
        assert (await go(whole, {"x": 21}))[0]
        worked, said = await go(whole, {"x": "secret-word"})
        assert not worked
        assert told in json.dumps(said)
        assert "secret-word" not in json.dumps(said)


async def test_a_template_that_fails_can_be_recovered(go: Go):
    flow = "steps: [{name: a, type: transform, value: '{{ x * 2 }}', on-error: {value: 0}}]"
    async with running(capability(flow, "[{name: x}]"), answering({})) as whole:
        assert await go(whole, {"x": 21}) == (True, 42)
        assert await go(whole, {"x": "text"}) == (True, 0)


# -- what leads nowhere ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        ("{name: b, call: up.get-b, with: {id: $.shp.name}}", "did you mean 'ship'?"),
        ("{name: b, call: up.get-b, with: {id: $.later.name}}", "it comes later"),
        ("{name: b, call: up.get-b, when: $.shp.name}", "did you mean 'ship'?"),
        ("{name: b, call: up.get-b, for-each: $.shp.list}", "did you mean 'ship'?"),
        ("{name: b, type: lookup, index: ship, match: x, lookupValue: $.shp.x}", "did you mean 'ship'?"),
        ("{name: b, type: transform, value: [$.shp.x]}", "did you mean 'ship'?"),
    ],
)
async def test_a_path_that_leads_into_no_earlier_step_is_told_of_and_never_sent(step: str, hint: str):
    flow = f"""
    steps:
    - {{name: ship, call: up.get-a}}
    - {step}
    - {{name: later, call: up.get-c}}
    mappings: [{{target: done, value: 1}}]
    """
    problems = [item for item in plan_of(capability(flow)).warnings if "leads nowhere" in item.message]
    assert problems
    assert all(hint in item.hint and item.place for item in problems)
    async with running(capability(flow), answering({"GET /a": {"x": 1}})) as whole:
        assert await over_rest(whole, {}) == (True, {"done": 1})
        assert not any("%24" in seen.target or "$" in seen.target for seen in whole.upstream.requests)


async def test_a_path_that_leads_into_an_argument_or_a_step_is_no_doubt():
    flow = """
    steps:
    - {name: ship, call: up.get-a}
    - {name: b, call: up.get-b, with: {id: $.ship.id}, when: $.imo}
    - {name: each, for-each: $.ship.list, call: up.get-b, with: {id: $.item.id}, on-error: {value: $.error.code}}
    mappings: [{target: b, value: $.b}, {target: price, value: "$9.99"}]
    """
    text = capability(flow, "[{name: imo, type: string, required: false}]")
    assert not plan_of(text).warnings
    async with running(text, answering({"GET /a": {"id": 1}})) as whole:
        assert await over_rest(whole, {}) == (True, {"price": "$9.99"})


async def test_mappings_that_find_nothing_give_nothing_of_the_upstreams_answer(go: Go):
    flow = "{steps: [{name: a, call: up.get-a}], mappings: [{target: r, value: $.a.nope}]}"
    async with running(capability(flow), answering({"GET /a": {"secret": 1}})) as whole:
        assert await go(whole, {}) == (True, {})


async def test_outputs_without_mappings_read_the_steps_that_they_name(go: Go):
    flow = """
    steps: [{name: a, call: up.get-a}, {name: b, call: up.get-b}]
    outputParameters:
      a: {type: object, properties: {x: {type: number, mapping: $.x}}}
      name: {type: string, mapping: $.b.name}
    """
    async with running(
        capability(flow), answering({"GET /a": {"x": "5"}, "GET /b": {"name": "Bo"}})
    ) as whole:
        assert await go(whole, {}) == (True, {"a": {"x": 5}, "name": "Bo"})


async def test_a_step_whose_upstream_does_not_answer_is_named(go: Go):
    flow = "{steps: [{name: a, call: up.get-a}], mappings: [{target: r, value: $.a.x}]}"

    def silent(seen: Seen) -> None:
        return None

    async with running(capability(flow), silent) as whole:
        worked, told = await go(whole, {})
        assert not worked
        assert "step 'a' failed: the upstream closed the connection" in json.dumps(told)


def test_loop_numbers_are_one_or_more():
    from capspec.errors import CapspecError

    flow = "steps: [{name: a, type: transform, value: 1, for-each: {in: [1], concurrency: 0, max-items: -1}}]"
    with pytest.raises(CapspecError) as caught:
        plan_of(capability(flow))
    assert [problem.message for problem in caught.value.problems if "1 or more" in problem.message] == [
        "'concurrency' is 0, and should be 1 or more",
        "'max-items' is -1, and should be 1 or more",
    ]


async def test_an_expression_that_takes_ages_to_match_is_given_up():
    inputs = "[{name: x, type: string, pattern: '^(a+)+$'}]"
    async with running(capability("{call: up.get-b, with: {id: inputs.x}}", inputs), answering({})) as whole:
        assert (await over_mcp(whole, {"x": "aaa"}))[0]
        worked, told = await over_mcp(whole, {"x": "a" * 60 + "!"})
        assert not worked
        assert "does not fit" in json.dumps(told)
