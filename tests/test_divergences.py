"""Where the language leaves a choice, which one is made; and what each thing that goes wrong is to a caller of REST,
to an agent that calls a tool, and to one that reads a resource or takes a prompt.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import MCPError

from capspec.app import EngineOptions
from capspec.engine import CallEngine
from tests.adapters.mcp_offers import over_stdio
from tests.dialect_world import Answered, answering, flow_of, over_mcp, over_rest, typed, written
from tests.upstreams import Seen, reply, serving
from tests.whole import Whole, plan_of, running, text_of

pytestmark = pytest.mark.anyio

TOPICS: dict[str, tuple[str, ...]] = {
    "multiple mapped outputs": ("test_named_outputs_are_an_object_and_a_single_unnamed_one_is_the_value",),
    "scalar typing": ("test_a_scalar_is_converted_where_nothing_is_lost_and_kept_otherwise",),
    "step errors": (
        "test_an_upstreams_refusal_within_steps",
        "tests/test_reference_bugs.py::test_a_step_that_fails_is_an_error_unless_the_file_says_otherwise",
    ),
    "missing variable in with": (
        "tests/test_worked_examples.py::test_example_2_a_template_of_an_argument_that_was_not_given_is_left_out",
    ),
    "missing variable in a path": ("test_a_path_without_its_value_is_the_callers_mistake",),
    "missing variable in a json body": (
        "tests/test_worked_examples.py::test_examples_4_to_6_a_bare_placeholder_in_json_is_a_json_value",
    ),
    "xml single child": (
        "tests/test_reference_bugs.py::test_a_single_xml_element_under_a_declared_list_is_a_list",
    ),
    "all-null mapping": ("test_what_maps_to_nothing_is_null_and_never_the_upstreams_body",),
    "orchestrated status": ("test_steps_answer_200_whatever_success_the_last_one_had",),
    "wrong method": (
        "tests/test_worked_examples.py::test_example_23_a_method_that_a_route_does_not_have_is_405",
    ),
    "mcp http errors": ("test_the_http_status_of_a_protocol_error_depends_on_the_revision",),
    "bindings in templates": (
        "tests/test_reference_bugs.py::test_variables_are_known_in_every_text_and_no_caller_can_set_them",
    ),
    "control address": ("test_without_an_address_only_this_machine_is_served",),
}
"""Each choice, and the tests that hold it: functions of this module, or of the module that is named."""


def test_every_choice_is_held_by_a_test_that_is_there():
    absent = [name for names in TOPICS.values() for name in names if not _is_there(name)]
    assert absent == []


def _is_there(name: str) -> bool:
    module, _, function = name.rpartition("::")
    path = Path(__file__).parent.parent / (module or "tests/test_divergences.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return function in found


GET = "[{name: x, path: /x, operations: [{name: op, method: GET}]}]"


async def both(flow: str, answer: Any, *, consumed: str = GET) -> list[Answered]:
    """What callers get of one flow over REST, written with lists, and over MCP, written with maps."""
    found = []
    for dialect, go in (("naftiko", over_rest), ("ikanos", over_mcp)):
        async with running(flow_of(dialect, consumed, flow), answering({"*": answer})) as whole:
            found.append(await go(whole, {}))
    return found


# -- choices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("[{type: string, mapping: $.a}]", "x"),
        ("[{name: a, type: string, mapping: $.a}]", {"a": "x"}),
        (
            "[{name: a, type: string, mapping: $.a}, {name: n, type: number, mapping: $.n}]",
            {"a": "x", "n": 1},
        ),
        ("[{type: array, mapping: $.list, items: {type: string}}]", ["p"]),
    ],
)
async def test_named_outputs_are_an_object_and_a_single_unnamed_one_is_the_value(outputs: str, expected: Any):
    found = await both(f"call: up.op\noutputParameters: {outputs}", {"a": "x", "n": 1, "list": ["p"]})
    assert found == [Answered(True, expected)] * 2


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("number", "42", 42),
        ("number", "many", "many"),
        ("boolean", "maybe", "maybe"),
        ("string", True, "true"),
        ("integer", "1.5", "1.5"),
    ],
)
async def test_a_scalar_is_converted_where_nothing_is_lost_and_kept_otherwise(
    kind: str, given: Any, expected: Any
):
    properties = f"{{v: {{type: {kind}, mapping: $.v}}}}"
    flow = f"call: up.op\noutputParameters: [{{type: object, properties: {properties}}}]"
    found = (await both(flow, {"v": given}))[0]
    assert found == Answered(True, {"v": expected})
    assert type(found.value["v"]) is type(expected)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("[{type: array, mapping: $.rows, items: {type: string}}]", None),
        ("[{type: object, properties: {a: {type: string, mapping: $.a}}}]", {"a": None}),
        ("[{name: a, type: string, mapping: $.a}, {name: b, type: array, mapping: $.b}]", {"a": None, "b": None}),
    ],
)  # fmt: skip
async def test_what_maps_to_nothing_is_null_and_never_the_upstreams_body(outputs: str, expected: Any):
    found = await both(f"call: up.op\noutputParameters: {outputs}", {"raw": "private"})
    assert found == [Answered(True, expected)] * 2


async def test_a_path_without_its_value_is_the_callers_mistake():
    consumed = "[{name: x, path: '/x/{{id}}', operations: [{name: op, method: GET}]}]"
    inputs = "[{name: id, type: string, description: Which., required: false}]"
    async with running(flow_of("naftiko", consumed, "call: up.op", inputs)) as whole:
        response = await whole.request("POST", "/go", json={})
        assert (response.status_code, response.json()["code"]) == (400, "CAP601")
        result = await whole.tool("go", {})
        assert result.is_error
        assert "id" in text_of(result)
        assert whole.upstream.requests == []


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_steps_answer_200_whatever_success_the_last_one_had(status: int):
    flow = "steps: [{name: a, type: call, call: up.op}]\nmappings: [{targetName: a, value: $.a.a}]"
    answer = reply(status, b'{"a": 1}')
    async with running(flow_of("naftiko", GET, flow), answering({"*": answer})) as whole:
        response = await whole.request("POST", "/go")
        assert (response.status_code, response.json()) == (200, {"a": 1})
    async with running(flow_of("naftiko", GET, "call: up.op"), answering({"*": answer})) as whole:
        assert (await whole.request("POST", "/go")).status_code == status


@pytest.mark.parametrize(
    ("revision", "method", "params", "status", "code"),
    [
        ("2025-06-18", "tools/call", {"name": "nothing", "arguments": {}}, 200, -32602),
        ("2025-06-18", "no/such", {}, 200, -32601),
        ("2026-07-28", "tools/call", {"name": "nothing", "arguments": {}}, 400, -32602),
        ("2026-07-28", "no/such", {}, 404, -32601),
    ],
)
async def test_the_http_status_of_a_protocol_error_depends_on_the_revision(
    revision: str, method: str, params: dict[str, Any], status: int, code: int
):
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": revision,
        "mcp-method": method,
        **({"mcp-name": params["name"]} if params else {}),
    }
    if revision == "2026-07-28":
        envelope = {
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {**params, "_meta": envelope}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with running(flow_of("naftiko", GET, "call: up.op")) as whole, httpx.AsyncClient() as client:
        response = await client.post(whole.mcp_url, json=message, headers=headers)
    found = response.json() if response.text.startswith("{") else _last_event(response.text)
    assert (response.status_code, found["error"]["code"]) == (status, code)


def _last_event(text: str) -> Any:
    return json.loads([line[5:] for line in text.splitlines() if line.startswith("data:")][-1])


def test_without_an_address_only_this_machine_is_served():
    document = json.loads(flow_of("naftiko", GET, "call: up.op"))
    document["capability"]["exposes"].append({"type": "control", "port": 3})
    plan = plan_of(written("naftiko", document["capability"]))
    assert [listener.address for listener in plan.listeners] == ["127.0.0.1"] * 3


# -- what goes wrong ------------------------------------------------------------------------------------

CAPABILITY: dict[str, Any] = {
    "consumes": [
        {
            "namespace": "up", "type": "http", "baseUri": "http://up.test",
            "authentication": {"type": "bearer", "token": "{{TOKEN}}"},
            "resources": [
                {"name": "things", "path": "/things/{{id}}", "operations": [{"name": "get", "method": "GET"}]}
            ],
        }
    ],
    "exposes": [
        {
            "type": "mcp", "namespace": "agent", "port": 1,
            "tools": [
                {"name": "get", "description": "Gets.", "call": "up.get", "inputParameters": [
                    {"name": "id", "type": "integer", "description": "Which.", "minimum": 1},
                    {"name": "more", "type": "boolean", "description": "More.", "required": False}],
                 "outputParameters": [{"type": "object", "properties": {"n": {"type": "number", "mapping": "$.n"}}}]},
                {"name": "flow", "description": "Gets.", "inputParameters": [
                    {"name": "id", "type": "integer", "description": "Which."}],
                 "steps": [{"name": "thing", "type": "call", "call": "up.get", "with": {"id": "{{id}}"}}],
                 "mappings": [{"targetName": "n", "value": "$.thing.n"}]},
            ],
            "resources": [{"name": "thing", "label": "Thing", "description": "One.", "uri": "thing://{id}",
                           "mimeType": "application/json", "call": "up.get",
                           "outputParameters": [{"type": "object", "properties": {"n": {"type": "number", "mapping": "$.n"}}}]}],
            "prompts": [{"name": "look", "label": "Look", "description": "Looks.",
                         "arguments": [{"name": "ship-id", "description": "Which."}],
                         "template": [{"role": "user", "content": "Look at {{ship-id}}."}]}],
        },
        {
            "type": "rest", "namespace": "app", "port": 2,
            "resources": [
                {"name": "things", "path": "/things/{{id}}", "operations": [
                    {"name": "get", "method": "GET", "call": "up.get", "inputParameters": [
                        {"name": "id", "in": "path", "type": "integer", "description": "Which.", "minimum": 1},
                        {"name": "more", "in": "query", "type": "boolean", "description": "More."}],
                     "outputParameters": [{"type": "object", "properties": {"n": {"type": "number", "mapping": "$.n"}}}]}]},
                {"name": "flows", "path": "/flows/{{id}}", "operations": [
                    {"name": "flow", "method": "GET", "inputParameters": [
                        {"name": "id", "in": "path", "type": "integer", "description": "Which."}],
                     "steps": [{"name": "thing", "type": "call", "call": "up.get", "with": {"id": "{{id}}"}}],
                     "mappings": [{"targetName": "n", "value": "$.thing.n"}]}]},
            ],
        },
    ],
}  # fmt: skip
TOKEN = "sk-canary-77665544"
BINDS = [{"namespace": "env", "keys": {"TOKEN": "UP_TOKEN"}}]
ENVIRON = {"UP_TOKEN": TOKEN}
TEXTS = {name: written(name, CAPABILITY, binds=BINDS) for name in ("naftiko", "ikanos")}
LEAKS = re.compile(r"Traceback|\b\w+(Error|Exception)\b|httpx|asyncio|/capspec/|" + TOKEN)


@dataclass(frozen=True)
class Wrong:
    """One thing that goes wrong. `answer` is the upstream's; `code` that of a problem document, "" for none.

    `said` is in every answer to an agent.
    """

    answer: Any
    status: int
    code: str
    stepped: int
    said: str
    limits: EngineOptions | None = None


def _never(seen: Seen) -> Awaitable[bytes]:
    return asyncio.get_running_loop().create_future()


WRONG = {
    "upstream-404": Wrong(reply(404, b'{"error": "no such thing"}'), 404, "", 502, "404"),
    "upstream-422": Wrong(reply(422, b'{"detail": "no such thing"}'), 422, "", 502, "422"),
    "upstream-500": Wrong(reply(500, b'{"error": "no such thing"}'), 500, "", 502, "500"),
    "upstream-503": Wrong(reply(503, b'{"error": "no such thing"}'), 503, "", 502, "503"),
    "no-json": Wrong(typed("application/json", "<html>"), 502, "CAP603", 502, "could not be read"),
    "too-large": Wrong(
        reply(200, json.dumps({"n": "1" * 5000}).encode()), 502, "CAP610", 502, "1000",
        EngineOptions(max_response_bytes=1000),
    ),
}  # fmt: skip


@asynccontextmanager
async def world(dialect: str, wrong: Wrong) -> AsyncIterator[Whole]:
    answer = wrong.answer if callable(wrong.answer) else answering({"*": wrong.answer})
    async with running(TEXTS[dialect], answer, environ=ENVIRON, engine=wrong.limits) as whole:
        yield whole


async def everywhere(whole: Whole, wrong: Wrong) -> None:
    """Every way to ask for a thing, and what each says."""
    await over_http(whole, wrong)
    await as_tool(whole, wrong)
    await as_resource(whole, wrong)


async def over_http(whole: Whole, wrong: Wrong) -> None:
    for path, status in (("/things/7", wrong.status), ("/flows/7", wrong.stepped)):
        response = await whole.get(path)
        assert response.status_code == status, response.text
        assert not LEAKS.search(response.text)
        if wrong.code or path == "/flows/7":
            assert response.headers["content-type"] == "application/problem+json"
            problem = response.json()
            assert (problem["status"], bool(problem["errors"])) == (status, True)
            assert problem["request_id"] == response.headers["x-request-id"]
            assert not wrong.code or problem["code"] == wrong.code
        else:
            assert "no such thing" in response.text


async def as_tool(whole: Whole, wrong: Wrong) -> None:
    for name in ("get", "flow"):
        result = await whole.tool(name, {"id": 7})
        assert result.is_error
        assert result.structured_content is None
        assert wrong.said in text_of(result)
        assert not LEAKS.search(text_of(result))


async def as_resource(whole: Whole, wrong: Wrong) -> None:
    async with whole.agent() as agent:
        with pytest.raises(MCPError) as found:
            await agent.read_resource("thing://7")
    assert found.value.error.code == -32603
    assert wrong.said in found.value.error.message
    assert not LEAKS.search(found.value.error.message)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("dialect", TEXTS)
async def test_what_an_upstream_gets_wrong(dialect: str, name: str):
    async with world(dialect, WRONG[name]) as whole:
        await everywhere(whole, WRONG[name])


async def test_an_upstreams_refusal_within_steps():
    async with world("naftiko", WRONG["upstream-404"]) as whole:
        problem = (await whole.get("/flows/7")).json()
        assert "thing" in problem["detail"]
        assert "404" in problem["detail"]


async def test_an_upstream_that_is_not_there():
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}"
    wrong = Wrong(None, 502, "CAP602", 502, "upstream failed")
    async with running(TEXTS["naftiko"], environ=ENVIRON, base=base) as whole:
        await everywhere(whole, wrong)


async def test_an_upstream_that_does_not_answer_in_time():
    wrong = Wrong(_never, 504, "CAP604", 504, "in time", EngineOptions(timeout=0.1))
    async with world("naftiko", wrong) as whole:
        await everywhere(whole, wrong)


async def test_an_error_of_our_own_tells_nothing_but_an_id(monkeypatch: pytest.MonkeyPatch):
    async def broken(*words: object) -> None:
        raise RuntimeError(f"secret detail {TOKEN} in /srv/private.py")

    monkeypatch.setattr(CallEngine, "_run", broken)
    async with world("naftiko", WRONG["upstream-404"]) as whole:
        response = await whole.get("/things/7")
        problem = response.json()
        assert (response.status_code, problem["code"]) == (500, "CAP699")
        assert problem["request_id"]
        result = await whole.tool("get", {"id": 7})
        async with whole.agent() as agent:
            with pytest.raises(MCPError) as found:
                await agent.read_resource("thing://7")
    assert result.is_error
    assert found.value.error.code == -32603
    for text in (response.text, text_of(result), found.value.error.message):
        assert "secret detail" not in text
        assert "private" not in text
        assert re.search(r"[0-9a-f]{8}", text), "an id"
        assert not LEAKS.search(text.replace("InternalError", ""))


# -- what callers get wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", TEXTS)
async def test_wrong_arguments_are_all_named(dialect: str):
    async with world(dialect, WRONG["upstream-404"]) as whole:
        response = await whole.get("/things/0?more=perhaps")
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["code"] == "CAP601"
        assert len(problem["errors"]) == 2
        result = await whole.tool("get", {"id": 0, "more": "perhaps"})
        assert result.is_error
        assert result.structured_content is None
        assert {"id", "more"} <= set(re.findall(r"\w+", text_of(result)))
        async with whole.agent() as agent:
            with pytest.raises(MCPError, match="ship-id") as found:
                await agent.get_prompt("look", {})
            assert found.value.error.code == -32602
        assert whole.upstream.requests == []


@pytest.mark.parametrize(("mode", "absent"), [("2026-07-28", -32602), ("legacy", -32002)])
async def test_what_nobody_offers(mode: str, absent: int):
    async with world("naftiko", WRONG["upstream-404"]) as whole:
        response = await whole.get("/nothing")
        assert (response.status_code, response.json()["code"]) == (404, "CAP611")
        assert response.headers["content-type"] == "application/problem+json"
        async with whole.agent(mode) as agent:
            asked: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
                (-32602, lambda: agent.call_tool("nothing", {})),
                (absent, lambda: agent.read_resource("nothing://7")),
                (-32602, lambda: agent.get_prompt("nothing", {})),
            ]
            for code, ask in asked:
                with pytest.raises(MCPError) as found:
                    await ask()
                assert found.value.error.code == code


GUARDED = {"type": "bearer", "token": "{{TOKEN}}"}


@pytest.mark.parametrize("dialect", TEXTS)
async def test_who_is_not_known_is_told_how_to_get_in_before_anything_else(dialect: str):
    exposes = [{**item, "authentication": GUARDED} for item in CAPABILITY["exposes"]]
    text = written(dialect, {**CAPABILITY, "exposes": exposes}, binds=BINDS)
    async with running(text, environ=ENVIRON) as whole, httpx.AsyncClient() as client:
        for method, path in (("GET", "/things/7"), ("PUT", "/things/7"), ("GET", "/nothing")):
            response = await whole.request(method, path)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].lower().startswith("bearer")
            assert response.headers["content-type"] == "application/problem+json"
        for content in (b"no json", b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'):
            response = await client.post(whole.mcp_url, content=content)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].lower().startswith("bearer")
        allowed = await whole.get("/things/7", headers={"Authorization": f"Bearer {TOKEN}"})
        assert allowed.status_code == 200


# -- over standard input and output ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_an_agent_over_stdio_is_told_the_same(mode: str, tmp_path: Path):
    exposes = {key: value for key, value in CAPABILITY["exposes"][0].items() if key != "port"}
    path = tmp_path / "things.yaml"
    capability = {**CAPABILITY, "exposes": [{**exposes, "transport": "stdio"}]}
    path.write_text(written("naftiko", capability, binds=BINDS))

    async def refusing(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(404, b'{"error": "no such thing"}')

    async with serving(refusing) as upstream:
        environ = {**ENVIRON, "CAPSPEC_BASE_URI_UP": upstream.url}
        async with over_stdio(path, mode, environ) as agent:
            for arguments, said in (({"id": 7}, "404"), ({"id": 0}, "id")):
                result = await agent.call_tool("get", arguments)
                assert result.is_error
                assert said in text_of(result)
                assert not LEAKS.search(text_of(result))
            with pytest.raises(MCPError) as unknown:
                await agent.call_tool("nothing", {})
            with pytest.raises(MCPError) as refused:
                await agent.read_resource("thing://7")
            with pytest.raises(MCPError) as unfinished:
                await agent.get_prompt("look", {})
    codes = [found.value.error.code for found in (unknown, refused, unfinished)]
    assert codes == [-32602, -32603, -32602]
