"""Small capabilities of each kind that the language is known by, in both shapes: what they answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from capspec.errors import CapspecError
from tests.adapters.mcp_offers import over_stdio
from tests.cli.cli_processes import served
from tests.dialect_world import (
    DIALECTS,
    Answered,
    Go,
    answering,
    flow_of,
    over_mcp,
    over_rest,
    typed,
    written,
)
from tests.upstreams import Seen, reply, serving
from tests.whole import plan_of, running

pytestmark = pytest.mark.anyio


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def go(dialect: str) -> Go:
    """Each dialect over another adapter: what one means does not depend on the other."""
    return over_rest if dialect == "naftiko" else over_mcp


GET = "[{name: x, path: /x, operations: [{name: op, method: GET, inputParameters: [{name: q, in: query}]}]}]"
POST = "[{name: x, path: /x, operations: [{name: op, method: POST, BODY}]}]"


def exposing(dialect: str, *exposes: Mapping[str, Any], consumed: str = GET, **root: Any) -> str:
    apis = [
        {
            "namespace": "up",
            "type": "http",
            "baseUri": "http://up.test",
            "resources": yaml.safe_load(consumed),
        }
    ]
    return written(dialect, {"consumes": apis, "exposes": list(exposes)}, **root)


# -- tools ----------------------------------------------------------------------------------------------

HINTED = """
- {name: read-data, label: Read Data, description: Reads., call: up.op, hints: {readOnly: true, openWorld: true}}
- {name: delete-record, description: Deletes., call: up.op, hints: {readOnly: false, destructive: true, idempotent: true, openWorld: false}}
- {name: plain, description: Neither., call: up.op}
"""
ANNOTATIONS = [
    {"title": "Read Data", "readOnlyHint": True, "openWorldHint": True},
    {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True, "openWorldHint": False},
    None,
]


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_hints_are_annotations_and_what_is_not_said_is_not_there(dialect: str, mode: str):
    text = exposing(
        dialect, {"type": "mcp", "namespace": "agent", "port": 1, "tools": yaml.safe_load(HINTED)}
    )
    async with running(text) as whole, whole.agent(mode) as agent:
        tools = (await agent.list_tools()).tools
    assert [tool.name for tool in tools] == ["read-data", "delete-record", "plain"]
    found = [
        tool.annotations and tool.annotations.model_dump(by_alias=True, exclude_none=True) for tool in tools
    ]
    assert found == ANNOTATIONS
    assert [tool.title for tool in tools] == ["Read Data", None, None]


OVERRIDING = """
- label: Items
  namespace: items
  functions:
  - {name: read, description: Reads., semantics: {safe: true, idempotent: true, cacheable: true}, call: up.op}
  - {name: delete, description: Deletes., semantics: {safe: false, idempotent: true}, call: up.op}
"""


async def test_hints_of_a_tool_come_before_those_of_its_function_one_by_one(dialect: str):
    tools = yaml.safe_load("""
    - {name: read, description: Reads., ref: items.read}
    - {name: read-open, description: Reads., ref: items.read, hints: {openWorld: true}}
    - {name: delete, description: Deletes., ref: items.delete, hints: {destructive: true, openWorld: false}}
    - {name: plain, description: Neither., call: up.op}
    """)
    document = json.loads(
        exposing("naftiko", {"type": "mcp", "namespace": "agent", "port": 1, "tools": tools})
    )
    document["capability"]["aggregates"] = yaml.safe_load(OVERRIDING)
    text = written(dialect, document["capability"])
    async with running(text) as whole, whole.agent() as agent:
        found = {tool.name: tool.annotations for tool in (await agent.list_tools()).tools}
    said = {
        name: item
        and (item.read_only_hint, item.destructive_hint, item.idempotent_hint, item.open_world_hint)
        for name, item in found.items()
    }
    assert said == {
        "read": (True, False, True, None),
        "read-open": (True, False, True, True),
        "delete": (False, True, True, False),
        "plain": None,
    }


async def test_only_what_is_there_is_announced(dialect: str):
    tool = {"name": "go", "description": "Goes.", "call": "up.op"}
    text = exposing(
        dialect,
        {"type": "mcp", "namespace": "agent", "port": 1, "description": "How to go.", "tools": [tool]},
    )
    async with running(text) as whole, whole.agent() as agent:
        offered = agent.server_capabilities
        assert offered.tools is not None
        assert (offered.resources, offered.prompts) == (None, None)
        assert agent.instructions is not None
        assert "How to go." in agent.instructions


# -- what with gives ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ("NS.voyage-id", "VOY-2026-042"),
        ("$this.NS.voyage-id", "VOY-2026-042"),
        ("'{{voyage-id}}'", "VOY-2026-042"),
        ("'{{NS.voyage-id}}'", "VOY-2026-042"),
        ("'id {{voyage-id}}'", "id VOY-2026-042"),
        ("fixed", "fixed"),
        ("7", "7"),
    ],
)
@pytest.mark.parametrize("stepped", [False, True], ids=["call", "step"])
async def test_with_reads_arguments_by_namespace_and_by_template(
    dialect: str, go: Go, written_as: str, expected: str, stepped: bool
):
    """The namespace is the adapter's own."""
    given = written_as.replace("NS", "app" if go is over_rest else "agent")
    flow = f"call: up.op\nwith: {{q: {given}}}"
    if stepped:
        flow = f"steps: [{{name: a, type: call, call: up.op, with: {{q: {given}}}}}]"
    inputs = "[{name: voyage-id, type: string, description: Which.}]"
    async with running(flow_of(dialect, GET, flow, inputs)) as whole:
        got = await go(whole, {"voyage-id": "VOY-2026-042"})
        assert got.ok, got.text
        assert whole.sent.query == [("q", expected)]


async def test_a_step_of_a_function_reads_the_functions_arguments_by_its_namespace(dialect: str, go: Go):
    aggregates = """
    - label: Shipyard
      namespace: shipyard
      functions:
      - name: voyage
        description: A voyage.
        inputParameters: [{name: voyage-id, type: string, description: Which.}]
        steps: [{name: a, type: call, call: up.op, with: {q: shipyard.voyage-id}}]
        mappings: [{targetName: found, value: $.a.found}]
    """
    inputs = "[{name: voyage-id, type: string, description: Which.}]"
    text = flow_of(dialect, GET, "ref: shipyard.voyage", inputs, aggregates=aggregates)
    async with running(text, answering({"*": {"found": 1}})) as whole:
        assert await go(whole, {"voyage-id": "VOY-2026-042"}) == Answered(True, {"found": 1})
        assert whole.sent.query == [("q", "VOY-2026-042")]


# -- REST inputs ----------------------------------------------------------------------------------------


async def test_a_body_is_taken_apart_by_paths(dialect: str):
    inputs = """
    - {name: userId, in: body, type: string, description: Who., value: $.user.id}
    - {name: userName, in: body, type: string, description: Called., value: $.user.name}
    """
    body = "body: {type: json, data: {id: '{{userId}}', name: '{{userName}}'}}"
    text = flow_of(dialect, POST.replace("BODY", body), "call: up.op", inputs)
    async with running(text) as whole:
        response = await whole.request("POST", "/go", json={"user": {"id": "123", "name": "Lindstrøm"}})
        assert response.status_code == 200, response.text
        assert json.loads(whole.sent.body) == {"id": "123", "name": "Lindstrøm"}
        document = (await whole.get("/openapi.json")).json()
        refused = await whole.request("POST", "/go", content=b"no json")
        assert refused.status_code == 400
    said = document["paths"]["/go"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert list(said["properties"]) == ["user"]
    assert said["properties"]["user"]["properties"]["id"] == {"type": "string", "description": "Who."}


@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [
        ("$", {"a": [1]}, {"v": {"a": [1]}}),
        ("$[1].id", [{"id": 1}, {"id": 2}], {"v": 2}),
        ("$.list[?(@.on == true)].id", {"list": [{"id": 1, "on": True}, {"id": 2}]}, {"v": [1]}),
        ("$.a.b", {"a": {"b": None}}, {}),
        ("$.a.b", {"v": "not this"}, {}),
        ("$.a.b", [], {}),
    ],
)
async def test_what_a_path_into_the_body_leads_to(dialect: str, path: str, body: Any, sent: Any):
    inputs = f"[{{name: v, in: body, description: It., value: '{path}'}}]"
    template = "body: {type: json, data: {v: '{{v}}'}}"
    async with running(flow_of(dialect, POST.replace("BODY", template), "call: up.op", inputs)) as whole:
        response = await whole.request("POST", "/go", json=body)
        assert response.status_code == 200, response.text
        assert json.loads(whole.sent.body) == sent


async def test_headers_and_queries_of_a_caller_reach_the_api(dialect: str):
    consumed = """
    - name: x
      path: /x
      operations:
      - {name: op, method: GET, inputParameters: [{name: X-API-Key, in: header, value: '{{key}}'}, {name: search, in: query, value: '{{q}}'}]}
    """
    inputs = """
    - {name: key, in: header, type: string, description: Key.}
    - {name: q, in: query, type: string, description: What.}
    """
    async with running(flow_of(dialect, consumed, "call: up.op", inputs, method="GET")) as whole:
        response = await whole.get("/go?q=ice+class", headers={"Key": "ABC123"})
        assert response.status_code == 200, response.text
        assert whole.sent.header("x-api-key") == "ABC123"
        assert whole.sent.target == "/x?search=ice+class"


async def test_inputs_of_adapter_resource_and_operation_come_together_and_the_nearest_counts(dialect: str):
    consumed = """
    - name: x
      path: /x
      operations: [{name: op, method: GET, inputParameters: [{name: tenant, in: query}, {name: q, in: query}, {name: id, in: query}, {name: fixed, in: query}]}]
    """
    operation = {"name": "get", "method": "GET", "call": "up.op", "inputParameters": [
        {"name": "q", "in": "query", "type": "string", "description": "What."},
        {"name": "fixed", "in": "query", "type": "string", "description": "Set.", "value": "operation"},
    ]}  # fmt: skip
    adapter = {
        "type": "rest", "namespace": "app", "port": 1,
        "inputParameters": [{"name": "tenant", "in": "header", "type": "string", "description": "Whose."},
                            {"name": "fixed", "in": "query", "type": "string", "description": "Set.", "value": "adapter"}],
        "resources": [{"name": "things", "path": "/things/{{id}}", "operations": [operation],
                       "inputParameters": [{"name": "id", "in": "path", "type": "string", "description": "Which."}]}],
    }  # fmt: skip
    async with running(exposing(dialect, adapter, consumed=consumed)) as whole:
        response = await whole.get("/things/i-1?q=ice", headers={"tenant": "acme"})
        assert response.status_code == 200, response.text
        assert dict(whole.sent.query) == {"tenant": "acme", "q": "ice", "id": "i-1", "fixed": "operation"}


async def test_a_path_value_and_a_posted_field_reach_the_api_and_its_status_comes_back(dialect: str):
    consumed = """
    - {name: ships, path: '/ships/{{imo}}', operations: [{name: get, method: GET}]}
    - {name: voyages, path: /voyages, operations: [{name: plan, method: POST, body: {type: json, data: '{"shipImo": "{{shipImo}}"}'}}]}
    """
    exposes = {
        "type": "rest", "namespace": "app", "port": 1,
        "resources": [
            {"name": "ships", "path": "/ships/{{imo}}", "operations": [
                {"name": "get", "method": "GET", "call": "up.get", "with": {"imo": "app.imo"},
                 "inputParameters": [{"name": "imo", "in": "path", "type": "string", "description": "Which."}]}]},
            {"name": "voyages", "path": "/voyages", "operations": [
                {"name": "plan", "method": "POST", "call": "up.plan", "with": {"shipImo": "app.shipImo"},
                 "inputParameters": [{"name": "shipImo", "in": "body", "type": "string", "description": "Which."}]}]},
        ],
    }  # fmt: skip
    answers = answering({"POST /voyages": reply(201, b'{"id": 1}')})
    async with running(exposing(dialect, exposes, consumed=consumed), answers) as whole:
        await whole.get("/ships/IMO-9321483")
        planned = await whole.request("POST", "/voyages", json={"shipImo": "IMO-9321483"})
        assert (planned.status_code, planned.json()) == (201, {"id": 1})
        first, second = whole.upstream.requests
        assert first.path == "/ships/IMO-9321483"
        assert json.loads(second.body) == {"shipImo": "IMO-9321483"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/notion/v1/pages"), ("POST", "/notion/v1/search"), ("DELETE", "/notion/v1/p/1")],
)
async def test_what_is_passed_on_has_the_constants_and_the_credentials_of_the_file(
    dialect: str, method: str, path: str
):
    apis = [
        {
            "namespace": "notion", "type": "http", "baseUri": "http://up.test",
            "authentication": {"type": "basic", "username": "scott", "password": "{{PASSWORD}}"},
            "inputParameters": [{"name": "Notion-Version", "in": "header", "value": "2025-09-03"},
                                {"name": "X-Who", "in": "header", "value": "of {{WHO}}"}],
        }
    ]  # fmt: skip
    forward = {"targetNamespace": "notion", "trustedHeaders": ["X-Trace"]}
    rest = {"type": "rest", "namespace": "app", "port": 1,
            "resources": [{"name": "any", "path": "/notion/{{path}}", "forward": forward}]}  # fmt: skip
    binds = [{"namespace": "env", "keys": {"PASSWORD": "P", "WHO": "W"}}]
    text = written(dialect, {"consumes": apis, "exposes": [rest]}, binds=binds)
    async with running(text, environ={"P": "tiger-tiger", "W": "us"}) as whole:
        response = await whole.request(method, path, headers={"X-Trace": "abc-123", "X-Own": "no"})
        assert response.status_code == 200
        sent = whole.sent
        assert (sent.method, sent.path) == (method, path.removeprefix("/notion"))
        assert sent.header("notion-version") == "2025-09-03"
        assert sent.header("x-who") == "of us"
        assert sent.header("x-trace") == "abc-123"
        assert sent.header("x-own") is None
        assert sent.header("authorization") == "Basic " + base64.b64encode(b"scott:tiger-tiger").decode()


# -- outputs --------------------------------------------------------------------------------------------


async def test_a_nested_object_is_shaped_from_the_flat_document(dialect: str, go: Go):
    flow = """
    call: up.op
    outputParameters:
    - type: object
      properties:
        imo: {type: string, mapping: $.imo_number}
        name: {type: string, mapping: $.vessel_name}
        specs:
          type: object
          properties:
            yearBuilt: {type: number, mapping: $.year_built}
            tonnage: {type: number, mapping: $.gross_tonnage}
            length: {type: number, mapping: $.dimensions.length_overall}
    """
    ship = {
        "imo_number": "I", "vessel_name": "Star", "year_built": 2015, "gross_tonnage": 42000,
        "dimensions": {"length_overall": 229},
    }  # fmt: skip
    async with running(flow_of(dialect, GET, flow), answering({"*": ship})) as whole:
        assert (await go(whole, {})).value == {
            "imo": "I",
            "name": "Star",
            "specs": {"yearBuilt": 2015, "tonnage": 42000, "length": 229},
        }


async def test_a_mock_may_be_nested(dialect: str, go: Go):
    flow = """
    outputParameters:
    - {name: status, type: string, value: ready}
    - name: payload
      type: object
      properties: {id: {type: string, value: "42"}, tags: {type: array, items: {type: string, value: active}}}
    """
    async with running(flow_of(dialect, "[]", flow)) as whole:
        assert (await go(whole, {})).value == {"status": "ready", "payload": {"id": "42", "tags": ["active"]}}


async def test_a_mock_on_rest_and_its_function_on_both_say_hello(dialect: str):
    aggregates = """
    - label: Greetings
      namespace: greetings
      functions:
      - name: hello
        description: Greets.
        inputParameters: [{name: name, type: string, description: Who.}]
        outputParameters:
        - {name: message, type: string, value: "Hello, {{name}}!"}
        - {name: source, type: string, value: aggregate-mock}
    """
    tool = {
        "type": "mcp",
        "namespace": "agent",
        "port": 1,
        "tools": [{"name": "hello", "ref": "greetings.hello"}],
    }
    rest = {"type": "rest", "namespace": "app", "port": 2, "resources": [
        {"name": "hello", "path": "/hello", "operations": [{"name": "hello", "method": "GET", "ref": "greetings.hello",
         "inputParameters": [{"name": "name", "in": "query", "type": "string", "description": "Who."}]}]},
        {"name": "greet", "path": "/greet", "operations": [{"name": "greet", "method": "GET",
         "outputParameters": [{"name": "message", "type": "string", "value": "Hello!"}]}]},
    ]}  # fmt: skip
    document = json.loads(exposing("naftiko", tool, rest))
    document["capability"]["aggregates"] = yaml.safe_load(aggregates)
    expected = {"message": "Hello, Nina!", "source": "aggregate-mock"}
    async with running(written(dialect, document["capability"])) as whole:
        result = await whole.tool("hello", {"name": "Nina"})
        assert (result.is_error, result.structured_content) == (False, expected)
        response = await whole.get("/hello?name=Nina")
        assert (response.status_code, response.json()) == (200, expected)
        assert (await whole.get("/greet")).json() == {"message": "Hello!"}


async def test_legacy_xml_is_a_list_of_vessels_on_both_adapters(dialect: str, go: Go):
    consumed = GET.replace("method: GET", "method: GET, outputRawFormat: xml")
    flow = """
    call: up.op
    outputParameters:
    - type: array
      mapping: $.vessel
      items: {type: object, properties: {code: {type: string, mapping: $.vesselCode}, name: {type: string, mapping: $.vesselName}}}
    """
    content = "".join(
        f"<vessel><vesselCode>{code}</vesselCode><vesselName>{name}</vesselName></vessel>"
        for code, name in (("V001", "Sea Eagle"), ("V002", "Göteborg & Co".replace("&", "&amp;")))
    )
    answer = typed("application/xml", f"<vessels>{content}</vessels>")
    async with running(flow_of(dialect, consumed, flow), answering({"*": answer})) as whole:
        assert (await go(whole, {})).value == [
            {"code": "V001", "name": "Sea Eagle"},
            {"code": "V002", "name": "Göteborg & Co"},
        ]


async def test_steps_find_what_the_next_ones_need(dialect: str, go: Go):
    """List, look up, fetch by what was found, and fetch again by what that said."""
    consumed = """
    - {name: users, path: /users, operations: [{name: list, method: GET}]}
    - {name: profiles, path: '/profiles/{{id}}', operations: [{name: profile, method: GET}]}
    - {name: echoes, path: '/echo/{{region}}', operations: [{name: echo, method: GET}]}
    """
    flow = """
    steps:
    - {name: users, type: call, call: up.list}
    - {name: user, type: lookup, index: users, match: name, lookupValue: '{{who}}', outputParameters: [id]}
    - {name: profile, type: call, call: up.profile, with: {id: '{{user.id}}'}}
    - {name: last, type: call, call: up.echo, with: {region: $.profile.region}}
    mappings:
    - {targetName: first, value: '$.users[0].id'}
    - {targetName: where.region, value: $.profile.region}
    - {targetName: said, value: $.last.said}
    """
    answers = answering(
        {
            "GET /users": [{"id": "u-1", "name": "alice"}, {"id": "u-2", "name": "bob"}],
            "GET /profiles/u-2": {"region": "eu"},
            "GET /echo/eu": {"said": "eu!"},
        }
    )
    inputs = "[{name: who, type: string, description: Who.}]"
    async with running(flow_of(dialect, consumed, flow, inputs), answers) as whole:
        got = await go(whole, {"who": "bob"})
        assert got == Answered(True, {"first": "u-1", "where": {"region": "eu"}, "said": "eu!"})


async def test_named_fields_of_a_list_are_its_elements_members(dialect: str, go: Go):
    flow = """
    steps: [{name: a, type: call, call: up.op}]
    mappings: [{targetName: ships, value: $.a.ships}, {targetName: total, value: $.a.total}]
    outputParameters:
    - {name: total, type: number}
    - name: ships
      type: array
      items: [{name: imo, type: string}, {name: tons, type: number}]
    """
    body = {"total": "2", "ships": [{"imo": 1, "tons": "42", "more": True}]}
    async with running(flow_of(dialect, GET, flow), answering({"*": body})) as whole:
        assert (await go(whole, {})).value == {"total": 2, "ships": [{"imo": "1", "tons": 42}]}


@pytest.mark.parametrize(("limit", "expected"), [(5, "abcde"), (50, "abcdefgh")])
async def test_a_text_is_cut_at_its_longest_length(dialect: str, go: Go, limit: int, expected: str):
    flow = f"call: up.op\noutputParameters: [{{type: string, mapping: $.v, maxLength: {limit}}}]"
    async with running(flow_of(dialect, GET, flow), answering({"*": {"v": "abcdefgh"}})) as whole:
        assert (await go(whole, {})).value == expected


# -- templates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("hello {{name}}/{{missing}}", "hello alice/"),
        ("{{ name }} {{name}}", "alice alice"),
        ("{{crew-ids}}", '["CREW-001","CREW-003"]'),
        ("{{ship.home.port}}", "Göteborg"),
        ("{{count}} {{sure}}", "42 true"),
        ("{{ship}}", '{"home":{"port":"Göteborg"}}'),
    ],
)
async def test_a_text_body_is_rendered_once(dialect: str, go: Go, template: str, expected: str):
    inputs = """
    - {name: name, type: string, description: n}
    - {name: missing, type: string, description: m, required: false}
    - {name: crew-ids, type: array, description: c}
    - {name: ship, type: object, description: s}
    - {name: count, type: integer, description: i}
    - {name: sure, type: boolean, description: b}
    """
    body = f"body: {{type: text, data: '{template}'}}"
    given = {
        "name": "alice", "crew-ids": ["CREW-001", "CREW-003"], "ship": {"home": {"port": "Göteborg"}},
        "count": 42, "sure": True,
    }  # fmt: skip
    async with running(flow_of(dialect, POST.replace("BODY", body), "call: up.op", inputs)) as whole:
        got = await go(whole, given)
        assert got.ok, got.text
        sent = whole.sent.body.decode()
    if expected[:1] in "[{":
        assert json.loads(sent) == json.loads(expected)
    else:
        assert sent == expected


# -- files that cannot be right -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        ("call: up.nothing", "up.nothing"),
        ("ref: nothing.at-all", "nothing.at-all"),
        ("steps: [{name: a, type: call, call: up.nothing}]", "up.nothing"),
        (
            "steps: [{name: a, type: lookup, index: none, match: id, lookupValue: x, outputParameters: [id]}]",
            "none",
        ),
        ("description: It does nothing.", "neither"),
    ],
)
def test_a_flow_that_cannot_work_says_so_at_its_place_and_is_not_served(dialect: str, flow: str, said: str):
    try:
        plan = plan_of(flow_of(dialect, GET, flow))
    except CapspecError as error:
        problems = error.problems
    else:
        problems = plan.warnings
        assert all(item.unavailable for listener in plan.listeners for item in listener.flows)
    found = [problem for problem in problems if said in problem.message]
    assert len(found) >= 1
    assert all(problem.place is not None for problem in found)


def test_one_bad_flow_leaves_the_others_working(dialect: str):
    tools = [
        {"name": "bad", "description": "No.", "call": "up.nothing"},
        {"name": "good", "description": "Yes.", "call": "up.op"},
    ]
    plan = plan_of(exposing(dialect, {"type": "mcp", "namespace": "agent", "port": 1, "tools": tools}))
    assert {flow.name: bool(flow.unavailable) for flow in plan.listeners[0].flows} == {
        "bad": True,
        "good": False,
    }


@pytest.mark.parametrize("slashes", ["", "/", "//"])
async def test_a_base_uri_may_end_in_slashes(dialect: str, go: Go, slashes: str):
    async with running(flow_of(dialect, GET, "call: up.op"), base_path=f"/v1{slashes}") as whole:
        assert (await go(whole, {})).ok
        assert whole.sent.target == "/v1/x"


@pytest.mark.parametrize("size", ["1.5MiB", "2 KiB", "100 B"])
def test_sizes_are_written_with_units(dialect: str, size: str):
    consumed = GET.replace("method: GET", f"method: GET, outputRawFormat: binary, maxBinarySize: {size}")
    plan = plan_of(flow_of(dialect, consumed, "call: up.op"))
    assert not [problem for problem in plan.warnings if "maxBinarySize" in problem.message]


@pytest.mark.parametrize("size", ["many", "1 XiB", "-1 KiB"])
def test_a_size_that_is_none_is_said(dialect: str, size: str):
    consumed = GET.replace("method: GET", f"method: GET, outputRawFormat: binary, maxBinarySize: {size}")
    plan = plan_of(flow_of(dialect, consumed, "call: up.op"))
    (found,) = [problem for problem in plan.warnings if "maxBinarySize" in problem.message]
    assert found.place is not None


# -- whole processes ------------------------------------------------------------------------------------

PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4096


async def test_a_picture_of_a_mebibyte_survives_every_way_to_an_agent(dialect: str, tmp_path: Path):
    consumed = GET.replace("method: GET", "method: GET, outputRawFormat: binary, outputMediaType: image/jpeg")
    resource = {"name": "logo", "label": "Logo", "description": "A picture.", "uri": "data://logo",
                "mimeType": "image/jpeg", "call": "up.op"}  # fmt: skip
    mcp = {"type": "mcp", "namespace": "agent", "transport": "stdio", "resources": [resource],
           "tools": [{"name": "go", "description": "Goes.", "call": "up.op"}]}  # fmt: skip
    path = tmp_path / "cap.yaml"
    path.write_text(exposing(dialect, mcp, consumed=consumed))

    async def answer(seen: Seen, writer: object) -> bytes:
        return typed("application/octet-stream", PICTURE)

    async with serving(answer) as upstream:
        async with over_stdio(path, "auto", {"CAPSPEC_BASE_URI_UP": upstream.url}) as agent:
            (found,) = (await agent.read_resource("data://logo")).contents
    assert found.mime_type == "image/jpeg"
    assert base64.b64decode(found.blob) == PICTURE


async def test_bytes_reach_a_rest_client_with_the_media_type_of_the_file(dialect: str):
    consumed = GET.replace("method: GET", "method: GET, outputRawFormat: binary, outputMediaType: image/jpeg")
    answer = typed("application/octet-stream", PICTURE)
    async with running(flow_of(dialect, consumed, "call: up.op"), answering({"*": answer})) as whole:
        response = await whole.request("POST", "/go")
    assert response.headers["content-type"] == "image/jpeg"
    assert response.content == PICTURE


async def test_bytes_over_the_limit_of_the_file_are_refused_with_the_limit(dialect: str, go: Go):
    consumed = GET.replace("method: GET", "method: GET, outputRawFormat: binary, maxBinarySize: 1 KiB")
    answer = typed("image/jpeg", PICTURE)
    async with running(flow_of(dialect, consumed, "call: up.op"), answering({"*": answer})) as whole:
        if go is over_mcp:
            got = await go(whole, {})
            assert not got.ok
            assert "1" in got.text
            assert "large" in got.text
        else:
            response = await whole.request("POST", "/go")
            assert (response.status_code, response.json()["code"]) == (502, "CAP610")


async def test_a_mock_is_served_by_the_command_line(dialect: str, tmp_path: Path):
    rest = {"type": "rest", "namespace": "app", "port": 8080, "resources": [
        {"name": "greet", "path": "/greet", "operations": [{"name": "greet", "method": "GET",
         "outputParameters": [{"name": "message", "type": "string", "value": "Hello from here!"}]}]}]}  # fmt: skip
    path = tmp_path / "cap.yaml"
    path.write_text(exposing(dialect, rest))
    async with served(str(path), "--port", "0") as process, httpx.AsyncClient() as client:
        response = await client.get(process.url("rest").rstrip("/") + "/greet")
    assert (response.status_code, response.json()) == (200, {"message": "Hello from here!"})
