"""Functions of aggregates, offered by `ref` over REST and MCP."""

from __future__ import annotations

from typing import Any

import pytest

from capspec.errors import CapspecError
from tests.whole import plan_of, running, script, value_of

pytestmark = pytest.mark.anyio

CONSUMED = """
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /forecasts
      operations:
      - {name: get-forecast, method: GET, inputParameters: [{name: place, in: query}, {name: days, in: query}]}
    - path: /ships/{imo}
      operations: [{name: get-ship, method: GET}]
    - path: /jobs
      operations: [{name: create, method: POST}]
"""

FORECASTS = f"""
capspec: "1"
capability:
{CONSUMED}
  aggregates:
  - label: Forecasts
    namespace: weather
    functions:
    - name: get-forecast
      description: The weather of the next days.
      semantics: {{safe: true, idempotent: true, cacheable: true}}
      inputParameters:
      - {{name: location, type: string, description: Where.}}
      - {{name: days, type: integer, description: How many., required: false}}
      call: up.get-forecast
      with: {{place: weather.location, days: "{{{{days}}}}"}}
      outputParameters: [{{type: object, properties: {{temperature: {{type: number, mapping: $.t}}}}}}]
    - name: say-hello
      description: A greeting.
      inputParameters: [{{name: name, type: string, description: Who.}}]
      outputParameters:
      - {{name: message, type: string, value: "Hello, {{{{name}}}}!"}}
      - {{name: times, type: number, value: "2"}}
    - name: nothing
      description: Nothing at all.
  exposes:
  - type: mcp
    namespace: agent
    port: 1
    tools:
    - {{name: get-forecast, ref: weather.get-forecast}}
    - {{ref: weather.say-hello}}
    - {{name: oslo, description: The weather in Oslo., ref: weather.get-forecast, with: {{location: Oslo}}, hints: {{openWorld: true, idempotent: false}}}}
    - name: forecast-of
      ref: weather.get-forecast
      inputParameters: [{{name: city, type: string, description: Which city.}}]
      with: {{location: agent.city}}
    - name: open-ended
      ref: weather.get-forecast
      with: {{location: "{{{{town}}}}, {{{{country}}}}"}}
    - {{name: nothing, ref: weather.nothing}}
  - type: rest
    namespace: app
    port: 2
    resources:
    - path: /forecasts/{{{{location}}}}
      operations: [{{name: get-forecast, method: GET, ref: weather.get-forecast}}]
    - path: /forecasts
      operations: [{{name: post-forecast, method: POST, ref: weather.get-forecast}}]
    - path: /hello
      operations: [{{name: hello, method: GET, ref: weather.say-hello}}]
    - path: /nothing
      operations: [{{name: nothing, method: GET, ref: weather.nothing}}]
"""


async def test_a_ref_does_what_the_function_does_on_every_adapter():
    async with running(FORECASTS, script({"GET /forecasts": {"t": "7.5"}})) as whole:
        assert value_of(await whole.tool("get-forecast", {"location": "Oslo", "days": 2})) == {
            "temperature": 7.5
        }
        assert (await whole.get("/forecasts/Bergen")).json() == {"temperature": 7.5}
        assert (await whole.request("POST", "/forecasts", json={"location": "Voss"})).json() == {
            "temperature": 7.5
        }
        assert [seen.query for seen in whole.upstream.requests] == [
            [("place", "Oslo"), ("days", "2")],
            [("place", "Bergen")],
            [("place", "Voss")],
        ]


async def test_a_ref_inherits_name_description_inputs_and_hints():
    async with running(FORECASTS) as whole, whole.agent() as agent:
        tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
    assert list(tools)[:3] == ["get-forecast", "say-hello", "oslo"]
    forecast = tools["get-forecast"]
    assert forecast.description == "The weather of the next days."
    assert forecast.input_schema["required"] == ["location"]
    assert forecast.input_schema["properties"]["days"]["type"] == "integer"
    hints = forecast.annotations
    assert (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint) == (True, False, True)
    assert hints.open_world_hint is None
    oslo = tools["oslo"]
    assert oslo.description == "The weather in Oslo."
    assert (oslo.annotations.read_only_hint, oslo.annotations.idempotent_hint) == (True, False)
    assert oslo.annotations.open_world_hint is True
    assert list(oslo.input_schema["properties"]) == ["days"]


@pytest.mark.parametrize(
    ("tool", "arguments", "place"),
    [
        ("oslo", {}, "Oslo"),
        ("forecast-of", {"city": "Bodø"}, "Bodø"),
        ("open-ended", {"town": "Moss", "country": "Norway"}, "Moss, Norway"),
    ],
)
async def test_the_with_of_a_ref_feeds_the_function(tool: str, arguments: dict[str, Any], place: str):
    async with running(FORECASTS, script({"GET /forecasts": {"t": 1}})) as whole:
        assert value_of(await whole.tool(tool, arguments)) == {"temperature": 1}
        assert whole.sent.query == [("place", place)]


async def test_what_the_with_of_a_ref_reads_is_asked_of_the_caller():
    plan = plan_of(FORECASTS)
    flows = {flow.name: flow for flow in plan.listeners[0].flows}
    assert list(flows["forecast-of"].input_schema["properties"]) == ["city"]
    assert set(flows["open-ended"].input_schema["properties"]) == {"town", "country", "days"}


async def test_a_function_without_a_call_answers_by_itself_and_typed():
    async with running(FORECASTS) as whole:
        expected = {"message": "Hello, Nina!", "times": 2}
        assert value_of(await whole.tool("say-hello", {"name": "Nina"})) == expected
        response = await whole.get("/hello?name=Nina")
        assert (response.status_code, response.json()) == (200, expected)
        assert not whole.upstream.requests


async def test_a_function_that_says_nothing_answers_nothing():
    async with running(FORECASTS) as whole:
        response = await whole.get("/nothing")
        assert (response.status_code, response.content) == (204, b"")
        assert not (await whole.tool("nothing")).is_error


async def test_an_unknown_function_is_named_with_the_nearest_one():
    text = FORECASTS.replace("ref: weather.say-hello}", "ref: weather.say-helo}", 1)
    plan = plan_of(text)
    (problem,) = [item for item in plan.warnings if "say-helo" in item.message]
    assert "did you mean 'weather.say-hello'?" in problem.hint
    assert problem.place is not None
    assert "say-helo" in text.splitlines()[problem.place.line - 1]


def test_two_functions_of_one_name_are_refused():
    text = FORECASTS.replace("- name: nothing\n", "- name: say-hello\n", 1)
    with pytest.raises(CapspecError, match="is declared twice"):
        plan_of(text)


def test_an_aggregate_without_a_namespace_is_refused():
    with pytest.raises(CapspecError, match="an aggregate has no"):
        plan_of(FORECASTS.replace("    namespace: weather\n", "", 1))


@pytest.mark.parametrize(
    ("semantics", "hints"),
    [
        ("{safe: true}", (True, False, None)),
        ("{safe: false}", (False, None, None)),
        ("{idempotent: true}", (None, None, True)),
        ("{cacheable: true}", (None, None, None)),
    ],
)
def test_semantics_become_hints(semantics: str, hints: tuple[bool | None, ...]):
    text = FORECASTS.replace("{safe: true, idempotent: true, cacheable: true}", semantics)
    found = plan_of(text).listeners[0].flows[0].hints
    assert (found.read_only, found.destructive, found.idempotent) == hints


async def test_a_function_may_have_steps_and_several_callers_at_once():
    text = f"""
ikanos: 1.0.0-beta5
capability:
{CONSUMED}
  aggregates:
  - display: Ships
    namespace: shipyard
    flows:
      describe:
        description: A ship in words.
        inputParameters: {{imo: {{type: string, description: Which.}}}}
        steps:
          ship: {{type: call, call: up.get-ship, with: {{imo: shipyard.imo}}}}
        mappings:
        - {{target: name, value: $.ship.name}}
        - {{target: asked, value: "{{{{imo}}}}"}}
  exposes:
  - type: mcp
    namespace: tools-a
    port: 1
    tools: {{describe: {{ref: shipyard.describe}}, named: {{ref: shipyard.describe, with: {{imo: tools-a.number}}}}}}
"""
    ships = {f"GET /ships/{number}": {"name": f"Ship {number}"} for number in range(20)}
    async with running(text, script(ships)) as whole, whole.agent() as agent:
        import asyncio

        results = await asyncio.gather(
            *(agent.call_tool("describe", {"imo": str(number)}) for number in range(20)),
            *(agent.call_tool("named", {"number": str(number)}) for number in range(20)),
        )
        expected = [{"name": f"Ship {number}", "asked": str(number)} for number in range(20)] * 2
        assert [value_of(result) for result in results] == expected


JOBS = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /jobs
      operations:
      - name: create
        method: POST
        poll:
          id: $.id
          request: {uri: "/jobs/{{id}}"}
          status: {path: $.status, success: [done], failure: [bad]}
          result: {path: $.result}
          interval: 10ms
  aggregates:
  - namespace: jobs
    functions:
    - name: make
      description: Make something.
      inputParameters: [{name: prompt, type: string, description: What.}]
      call: up.create
      with: {prompt: jobs.prompt}
  exposes:
  - type: mcp
    namespace: agent
    port: 1
    tools: [{ref: jobs.make}]
"""


async def test_a_function_that_starts_a_job_is_a_job_for_its_callers():
    plan = plan_of(JOBS)
    if plan.warnings:
        pytest.fail(str(plan.warnings))
    assert plan.listeners[0].flows[0].job is not None
    answers = script({"POST /jobs": {"id": "j1"}, "GET /jobs/j1": {"status": "done", "result": {"x": 1}}})
    async with running(JOBS, answers) as whole:
        told = value_of(await whole.tool("make", {"prompt": "boat"}))
        assert (told["state"], told["result"]) == ("succeeded", {"x": 1})


async def test_inputs_of_a_resource_are_added_to_those_of_the_function():
    text = FORECASTS.replace(
        "    - path: /forecasts\n",
        "    - path: /forecasts\n      inputParameters: [{name: tenant, in: header, type: string, required: true}]\n",
    )
    flow = next(flow for flow in plan_of(text).listeners[1].flows if flow.name == "post-forecast")
    assert {item.name: (item.location, item.required) for item in flow.inputs} == {
        "location": ("body", True),
        "days": ("body", False),
        "tenant": ("header", True),
    }


def test_an_operation_without_a_name_takes_that_of_its_function():
    text = FORECASTS.replace(
        "{name: hello, method: GET, ref: weather.say-hello}", "{method: GET, ref: weather.say-hello}"
    )
    assert "say-hello" in [flow.name for flow in plan_of(text).listeners[1].flows]
