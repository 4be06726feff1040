"""The inputs of flows whose author declared few or none."""

from __future__ import annotations

from typing import Any

import pytest

from capspec.plan import Flow
from tests.whole import plan_of


def flows(
    operation: str, tool: str = "", rest: str = "", *, path: str = "/x", method: str = "GET"
) -> dict[str, Flow]:
    """The tool `t` and the REST operation `r` of one consumed operation, by name."""
    exposes = f"[{{type: mcp, namespace: ns-mcp, port: 1, tools: [{{name: t, description: d, call: up.op, {tool}}}]}}"
    exposes += f", {{type: rest, namespace: ns-rest, port: 2, resources: [{rest}]}}]" if rest else "]"
    text = f"""
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources: [{{path: "{path}", operations: [{{name: op, method: {method}, {operation}}}]}}]
  exposes: {exposes}
"""
    return {flow.name: flow for listener in plan_of(text).listeners for flow in listener.flows}


def schema(flow: Flow) -> dict[str, Any]:
    return dict(flow.input_schema)


def places(flow: Flow) -> dict[str, str]:
    return {item.name: f"{item.location}:{item.wire}" for item in flow.inputs}


DAYS = "inputParameters: [{name: days, in: query, type: integer, required: true, description: How many.}]"


def test_a_reference_takes_type_description_and_need_from_the_target():
    found = schema(flows(DAYS, "with: {days: tools.n}")["t"])
    assert found["properties"] == {"n": {"type": "integer", "description": "How many."}}
    assert found["required"] == ["n"]
    assert found["additionalProperties"] is False


def test_the_targets_own_parameters_are_inputs_when_nothing_is_declared():
    found = schema(flows(DAYS)["t"])
    assert (list(found["properties"]), found["required"]) == (["days"], ["days"])


def test_a_placeholder_that_is_declared_nowhere_is_a_required_text():
    found = schema(flows("description: d", path="/a/{id}/b/{{other-id}}")["t"])
    assert found["properties"] == {"id": {"type": "string"}, "other-id": {"type": "string"}}
    assert found["required"] == ["id", "other-id"]


def test_names_that_a_body_template_reads_are_optional_inputs():
    body = "body: {type: json, data: {prompt: '{{tools.prompt}}', options: {seed: '{{seed}}'}}}"
    found = schema(flows(body, method="POST")["t"])
    assert list(found["properties"]) == ["prompt", "seed"]
    assert "required" not in found


def test_declared_inputs_win_and_only_required_needs_are_added():
    operation = """inputParameters: [{name: a, in: query, required: true, type: string},
        {name: b, in: query, type: string}, {name: c, in: query, type: string}]"""
    found = schema(flows(operation, "inputParameters: [{name: c, type: string, description: mine}]")["t"])
    assert list(found["properties"]) == ["c", "a"]
    assert found["properties"]["c"]["description"] == "mine"
    assert found["required"] == ["c", "a"]


def test_names_that_clients_refuse_are_published_in_legal_letters():
    operation = (
        "inputParameters: [{name: $filter, in: query}, {name: 'filter[]', in: query}, {name: ä ö, in: query}]"
    )
    flow = flows(operation)["t"]
    assert [item.argument for item in flow.inputs] == ["filter", "filter-2", "value"]
    assert [item.name for item in flow.inputs] == ["$filter", "filter[]", "ä ö"]


def test_a_credential_is_never_asked_of_the_caller():
    text = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    authentication: {type: bearer, token: x}
    resources: [{path: /x, operations: [{name: op, method: GET,
      inputParameters: [{name: Authorization, in: header, required: true}, {name: Accept, in: header, required: true}]}]}]
  exposes: [{type: mcp, namespace: n, port: 1, tools: [{name: t, description: d, call: up.op}]}]
"""
    found = schema(plan_of(text).listeners[0].flows[0])
    assert list(found["properties"]) == ["Accept"]
    assert "required" not in found


@pytest.mark.parametrize(
    ("method", "operation", "tool", "open_query", "open_body"),
    [
        ("GET", "description: d", "", True, False),
        ("DELETE", "description: d", "", True, False),
        ("POST", "description: d", "", False, True),
        ("PATCH", "body: {type: json}", "", False, True),
        ("POST", "body: {type: json, data: {a: '{{a}}'}}", "", False, False),
        ("POST", "inputParameters: [{name: body, in: body}]", "", False, False),
        ("GET", DAYS, "", False, False),
        ("GET", "description: d", "with: {q: tools.q}", False, False),
        ("GET", "description: d", "inputParameters: [{name: q, type: string}]", False, False),
    ],
)
def test_a_tool_is_open_where_its_file_says_nothing(method, operation, tool, open_query, open_body):
    flow = flows(operation, tool, method=method)["t"]
    assert (flow.open_query, flow.open_body) == (open_query, open_body)


def rest_operation(path: str, more: str = "", method: str = "GET") -> str:
    return f"{{path: '{path}', operations: [{{name: r, method: {method}, call: up.op, {more}}}]}}"


@pytest.mark.parametrize(
    ("rest_path", "more", "expected"),
    [
        ("/a/{id}", "", {"id": "path:id"}),
        ("/a/{ID}", "", {"id": "path:ID"}),
        ("/a/{other}", "", {"id": "path:other"}),
        ("/a/{fieldidorkey}", "with: {id: rest.fieldIdOrKey}", {"fieldIdOrKey": "path:fieldidorkey"}),
        ("/a", "with: {id: rest.query.cursor}", {"cursor": "query:cursor"}),
        ("/a", "with: {id: rest.header.x-id}", {"x-id": "header:x-id"}),
        ("/a", "", {"id": "query:id"}),
        ("/a/{id}/{more}", "", {"id": "path:id", "more": "path:more"}),
    ],
)
def test_rest_placeholders_are_bound_by_name_then_spelling_then_position(rest_path, more, expected):
    found = flows("description: d", "", rest_operation(rest_path, more), path="/u/{id}")
    assert places(found["r"]) == expected


def test_a_body_parameter_named_body_is_the_request_body():
    rest = rest_operation("/r", "with: {body: rest.body}", "POST")
    found = flows("inputParameters: [{name: body, in: body, type: object}]", "", rest, method="POST")
    (item,) = found["r"].inputs
    assert (item.location, item.whole) == ("body", True)


def test_fields_of_a_body_are_fields():
    operation = "inputParameters: [{name: a, in: body, type: string}, {name: b, in: body, type: string}]"
    found = flows(operation, "", rest_operation("/r", "", "POST"), method="POST")
    assert [(item.location, item.whole) for item in found["r"].inputs] == [("body", False), ("body", False)]


def test_inputs_without_a_place_upstream_become_query_or_body_fields():
    declared = "inputParameters: [{name: note, type: string}]"
    posting = flows("description: d", declared, method="POST")["t"].calls[0]
    assert [(item.name, item.location) for item in posting.parameters] == [("note", "body")]
    getting = flows("description: d", declared)["t"].calls[0]
    assert [(item.name, item.location) for item in getting.parameters] == [("note", "query")]


def test_a_constant_input_is_not_offered():
    declared = "inputParameters: [{name: lang, type: string, value: en}, {name: q, type: string}]"
    found = flows("inputParameters: [{name: lang, in: query}, {name: q, in: query}]", declared)["t"]
    assert list(schema(found)["properties"]) == ["q"]


def test_json_schema_keywords_of_a_parameter_are_kept_and_nonsense_is_not():
    operation = """inputParameters: [{name: size, in: query, type: integer, minimum: 1, maximum: 9, default: 3},
        {name: kind, in: query, type: string, enum: [a, b], pattern: 5, minLength: -1},
        {name: code, in: query, type: string, pattern: "[a-z"},
        {name: tags, in: query, type: array, items: {type: string}}]"""
    found = schema(flows(operation)["t"])["properties"]
    assert found["size"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}
    assert found["kind"] == {"type": "string", "enum": ["a", "b"]}
    assert found["code"] == {"type": "string"}
    assert found["tags"] == {"type": "array", "items": {"type": "string"}}


def test_a_text_of_a_body_is_a_field_even_when_it_looks_like_json():
    operation = "inputParameters: [{name: prompt, in: body, type: string, required: true}]"
    flow = flows(operation, method="POST")["t"]
    assert schema(flow)["properties"]["prompt"] == {"type": "string"}
    assert [item.whole for item in flow.calls[0].parameters] == [False]


def test_an_explicitly_empty_list_of_inputs_closes_a_tool():
    flow = flows("description: d", "inputParameters: []")["t"]
    assert (flow.open_query, schema(flow)["additionalProperties"]) == (False, False)


def test_a_required_field_that_a_template_reads_stays_required():
    operation = """inputParameters: [{name: prompt, in: body, type: string, required: true}],
        body: {type: json, data: {text: '{{prompt}}'}}"""
    assert schema(flows(operation, method="POST")["t"])["required"] == ["prompt"]
