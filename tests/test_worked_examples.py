"""The language's worked examples, one row each: what a file and a call give upstream, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import MCPError

from capspec.errors import CompileError
from tests.upstreams import reply
from tests.whole import plan_of, running, text_of, value_of

pytestmark = pytest.mark.anyio


def capability(operation: str, tool: str = "", rest: str = "", more: str = "") -> str:
    """One consumed operation `up.op`, one tool `t`, one REST operation `r`; fragments are flow mappings."""
    exposes = []
    if tool:
        exposes.append(
            f"{{type: mcp, namespace: ns, port: 1, tools: [{{name: t, call: up.op, {tool}}}] {more}}}"
        )
    if rest:
        exposes.append(f"{{type: rest, namespace: ns, port: 1, resources: [{rest}]}}")
    return f"""
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /x
      operations:
      - {{name: op, {operation}}}
  exposes: [{", ".join(exposes)}]
"""


INPUT = "inputParameters: [{name: status, in: query}]"
OPTIONAL = "inputParameters: [{name: status, type: string, required: false}, {name: x, type: integer, required: false}]"


async def query_sent(tool: str, arguments: dict[str, Any]) -> list[tuple[str, str]]:
    text = capability(f"method: GET, {INPUT}", f"description: d, {OPTIONAL}, {tool}")
    async with running(text) as whole:
        result = await whole.tool("t", arguments)
        assert not result.is_error, text_of(result)
        return whole.sent.query


async def test_example_1_a_reference_to_an_argument_that_was_not_given_is_left_out():
    assert await query_sent("with: {status: ns.status}", {}) == []


async def test_example_2_a_template_of_an_argument_that_was_not_given_is_left_out():
    assert await query_sent("with: {status: '{{status}}'}", {}) == []


async def test_example_3_other_arguments_do_not_make_a_missing_one_an_empty_text():
    assert await query_sent("with: {status: '{{status}}'}", {"x": 1}) == []


IDS = """body: {type: json, data: '{"ids": {{ids}}}'}"""


@pytest.mark.parametrize(
    ("example", "arguments", "expected"),
    [
        (4, {"ids": ["a", "b"]}, {"ids": ["a", "b"]}),
        (5, {}, {"ids": None}),
        (6, {"o": 1}, {"ids": None}),
    ],
)
async def test_examples_4_to_6_a_bare_placeholder_in_json_is_a_json_value(example, arguments, expected):
    inputs = "inputParameters: [{name: ids, type: array, required: false}, {name: o, type: integer, required: false}]"
    async with running(capability(f"method: POST, {IDS}", f"description: d, {inputs}")) as whole:
        result = await whole.tool("t", arguments)
        assert not result.is_error, text_of(result)
        assert json.loads(whole.sent.body) == expected


async def test_example_7_quotes_in_a_value_do_not_break_json():
    body = """body: {type: json, data: '{"n": "{{n}}"}'}"""
    async with running(capability(f"method: POST, {body}", "description: d")) as whole:
        await whole.tool("t", {"n": 'say "hi"'})
        assert json.loads(whole.sent.body) == {"n": 'say "hi"'}


async def test_example_8_a_slash_in_a_path_value_stays_in_its_segment():
    text = capability("method: GET, path: '/{{id}}'", "description: d")
    async with running(text) as whole:
        await whole.tool("t", {"id": "a/b c"})
        assert whole.sent.target == "/x/a%2Fb%20c"


async def test_example_9_a_space_in_a_query_value_is_a_plus():
    text = capability("method: GET, inputParameters: [{name: q, in: query}]", "description: d")
    async with running(text) as whole:
        await whole.tool("t", {"q": "ice class"})
        assert whole.sent.target == "/x?q=ice+class"


async def answer_mapped(outputs: str, body: Any, *, content: bytes | None = None, operation: str = "") -> Any:
    text = capability(f"method: GET{operation}", f"description: d, outputParameters: {outputs}")
    answers = {"*": content if content is not None else body}
    async with running(text, answers) as whole:
        result = await whole.tool("t")
        assert not result.is_error, text_of(result)
        value = value_of(result)
        return value["result"] if isinstance(value, dict) and set(value) == {"result"} else value


async def test_example_10_a_mock_value_has_its_declared_type():
    text = """
capspec: "1"
capability:
  exposes:
  - {type: mcp, namespace: ns, port: 1, tools: [{name: t, description: d,
     outputParameters: [{name: answer, type: number, value: "42"}]}]}
"""
    async with running(text) as whole:
        assert value_of(await whole.tool("t")) == {"answer": 42}


@pytest.mark.parametrize(
    ("example", "outputs", "body", "expected"),
    [
        (11, "[{type: string, mapping: $.a}, {type: string, mapping: $.b}]", {"b": "x"}, "x"),
        (12, "{a: {type: string, mapping: $.a}, b: {type: string, mapping: $.b}}", {"a": "1", "b": "2"},
         {"a": "1", "b": "2"}),
        (13, "[{type: object, properties: {a: {type: string, mapping: $.a}}}]", [], {"a": None}),
        (14, "[{type: array, mapping: $.rows}]", {}, None),
        (25, "[{type: array, mapping: '$.a.b[*].x'}]", {}, None),
    ],
)  # fmt: skip
async def test_examples_11_to_14_and_25_mapped_outputs(example, outputs, body, expected):
    assert await answer_mapped(outputs, body) == expected


async def test_example_24_a_single_xml_element_under_a_declared_array_is_a_list():
    xml = reply(200, b"<v><i>1</i></v>", ("content-type", "application/xml"))
    outputs = "[{type: array, mapping: $.i, items: {type: string}}]"
    assert await answer_mapped(outputs, None, content=xml, operation=", outputRawFormat: xml") == ["1"]


STEPS = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /ship
      operations: [{name: ship, method: GET}]
    - path: /crew
      operations: [{name: crew, method: GET}]
  exposes:
  - type: {{ADAPTER}}
    namespace: ns
    port: 1
    {{HEAD}}
      steps:
      - {type: call, name: get-ship, call: up.ship}
      - {type: call, name: list-crew, call: up.crew}
      - {type: lookup, name: resolve, index: list-crew, match: id, lookupValue: $.get-ship.crew, outputParameters: [name]}
      mappings:
      - {target: imo, value: $.get-ship.imo}
      - {target: crew, value: $.resolve}
      - {target: first, value: '$.list-crew[0].id'}
"""
TOOL_STEPS = STEPS.replace("{{ADAPTER}}", "mcp").replace(
    "{{HEAD}}", "tools:\n    - name: t\n      description: d"
)
REST_STEPS = STEPS.replace("{{ADAPTER}}", "rest").replace(
    "{{HEAD}}", "resources:\n    - path: /t\n      operations:\n      - method: GET\n        name: t"
)
REST_STEPS = REST_STEPS.replace("\n      steps", "\n        steps").replace(
    "\n      - {type", "\n        - {type"
)
REST_STEPS = REST_STEPS.replace("\n      mappings", "\n        mappings").replace(
    "\n      - {target", "\n        - {target"
)
CREW = [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bo"}, {"id": 3, "name": "Cy"}]


@pytest.mark.parametrize(
    ("example", "wanted", "expected"),
    [
        (15, [3, 9, 1], {"imo": "I", "crew": [{"name": "Cy"}, {"name": "Ann"}], "first": 1}),
        (16, [9], {"imo": "I", "first": 1}),
        (17, [], {"imo": "I", "first": 1}),
    ],
)
@pytest.mark.parametrize("adapter", ["mcp", "rest"])
async def test_examples_15_to_17_lookups_and_mappings(adapter, example, wanted, expected):
    answers = {"GET /ship": {"imo": "I", "crew": wanted}, "GET /crew": CREW}
    async with running(TOOL_STEPS if adapter == "mcp" else REST_STEPS, answers) as whole:
        value = value_of(await whole.tool("t")) if adapter == "mcp" else (await whole.get("/t")).json()
        assert value == expected


async def test_example_18_a_step_that_fails_stops_the_flow():
    answers = {"GET /ship": reply(404, b'{"error": "no ship"}'), "GET /crew": CREW}
    async with running(TOOL_STEPS, answers) as whole:
        result = await whole.tool("t")
        assert result.is_error
        assert "get-ship" in text_of(result)
        assert "404" in text_of(result)
        # The crew does not depend on the ship, and may have been asked for at the same time.
        assert {seen.path for seen in whole.upstream.requests} <= {"/ship", "/crew"}
    async with running(REST_STEPS, answers) as whole:
        assert (await whole.get("/t")).status_code == 502


BODY_INPUT = "inputParameters: [{name: shipImo, in: body, type: string, required: REQUIRED}]"


def posting(required: str) -> str:
    inputs = BODY_INPUT.replace("REQUIRED", required)
    operation = f"{{method: POST, name: r, call: up.op, {inputs}, with: {{imo: ns.shipImo}}}}"
    return capability(
        """method: POST, body: {type: json, data: {imo: '{{imo}}'}}""",
        rest=f"{{path: /r, operations: [{operation}]}}",
    )


async def test_example_19_a_required_body_field_that_is_missing_is_refused():
    async with running(posting("true")) as whole:
        answer = await whole.request("POST", "/r")
        assert answer.status_code == 400
        assert "shipImo" in answer.text
        assert whole.upstream.requests == []
    async with running(posting("false")) as whole:
        assert (await whole.request("POST", "/r")).status_code == 200
        assert json.loads(whole.sent.body) == {}


async def test_example_20_an_absent_body_field_is_not_the_whole_body():
    async with running(posting("false")) as whole:
        assert (await whole.request("POST", "/r", json={})).status_code == 200
        assert json.loads(whole.sent.body) == {}


async def test_example_21_header_names_have_no_case():
    operation = """{method: GET, name: r, call: up.op, inputParameters: [{name: x-tenant, in: header, type: string}],
        with: {tenant: ns.x-tenant}}"""
    text = capability(
        "method: GET, inputParameters: [{name: tenant, in: query}]",
        rest=f"{{path: /r, operations: [{operation}]}}",
    )
    async with running(text) as whole:
        await whole.get("/r", headers={"X-Tenant": "acme"})
        assert whole.sent.query == [("tenant", "acme")]


async def test_example_22_a_repeated_query_parameter_is_an_array():
    operation = "{method: GET, name: r, call: up.op, inputParameters: [{name: tag, in: query, type: array}]}"
    text = capability(
        "method: GET, inputParameters: [{name: tag, in: query, type: array}]",
        rest=f"{{path: /r, operations: [{operation}]}}",
    )
    async with running(text) as whole:
        await whole.get("/r?tag=a&tag=b")
        assert whole.sent.query == [("tag", "a"), ("tag", "b")]


async def test_example_23_a_method_that_a_route_does_not_have_is_405():
    text = capability("method: GET", rest="{path: /r, operations: [{method: GET, name: r, call: up.op}]}")
    async with running(text) as whole:
        answer = await whole.request("PUT", "/r")
        assert answer.status_code == 405
        assert {word.strip() for word in answer.headers["allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


async def test_example_26_a_kebab_name_in_a_prompt_is_put_in():
    more = ", prompts: [{name: p, description: d, arguments: [{name: ship-id, description: d}], template: [{role: user, content: 'Look at {{ship-id}}.'}]}]"
    text = capability("method: GET", "description: d", more=more)
    async with running(text) as whole, whole.agent() as client:
        prompt = await client.get_prompt("p", {"ship-id": "IMO-1 {{ship-id}}"})
        assert prompt.messages[0].content.text == "Look at IMO-1 {{ship-id}}."
        with pytest.raises(MCPError, match="ship-id"):
            await client.get_prompt("p", {})


async def test_example_27_a_resource_whose_upstream_fails_is_an_error():
    more = ", resources: [{name: s, description: d, uri: 'ship://{id}', mimeType: application/json, call: up.op}]"
    text = capability("method: GET, path: '/{{id}}'", "description: d", more=more)
    answers = {"GET /x/1": {"imo": 1}, "*": reply(404, b'{"error": "gone"}')}
    async with running(text, answers) as whole, whole.agent() as client:
        found = await client.read_resource("ship://1")
        assert json.loads(found.contents[0].text) == {"imo": 1}
        with pytest.raises(MCPError, match="404"):
            await client.read_resource("ship://2")


async def test_example_28_a_client_header_has_its_bound_value():
    text = """
capspec: "1"
binds: [{namespace: env, keys: {VERSION: REGISTRY_VERSION}}]
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    inputParameters: [{name: X-Version, in: header, value: "{{VERSION}}"}]
    resources: [{path: /x, operations: [{name: op, method: GET}]}]
  exposes:
  - {type: mcp, namespace: ns, port: 1, tools: [{name: t, description: d, call: up.op}]}
"""
    async with running(text, environ={"REGISTRY_VERSION": "7"}) as whole:
        await whole.tool("t", {"VERSION": "evil"})
        assert whole.sent.header("x-version") == "7"


async def test_example_29_an_empty_token_for_callers_is_a_load_error():
    text = """
capspec: "1"
capability:
  exposes:
  - {type: rest, namespace: ns, port: 1, authentication: {type: bearer, token: ""}, resources: []}
"""
    with pytest.raises(CompileError, match="token"):
        plan_of(text)


async def test_example_30_an_unknown_argument_is_refused_with_the_nearest_name():
    text = capability(
        f"method: GET, {INPUT}",
        "description: d, inputParameters: [{name: status, type: string, required: false}]",
    )
    async with running(text) as whole:
        result = await whole.tool("t", {"statsu": "active"})
        assert result.is_error
        assert "did you mean 'status'" in text_of(result)
        assert whole.upstream.requests == []
