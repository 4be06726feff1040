"""What a first engine of this language got wrong, one row of `ROWS` each: here it works, in both shapes of the
language and over REST and MCP.
"""

from __future__ import annotations

import ast
import asyncio
import io
import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from capspec.errors import CapspecError
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
from tests.multipart_reader import parts_of
from tests.upstreams import reply
from tests.whole import plan_of, running

pytestmark = pytest.mark.anyio

HERE = "tests/test_reference_bugs.py"
ROWS: dict[str, tuple[str, ...]] = {
    "F1": ("test_several_named_outputs_are_one_object",),
    "F2": (
        "test_an_output_has_its_declared_type",
        "test_an_argument_in_an_address_has_its_declared_type",
        "test_a_mocked_output_has_its_declared_type",
    ),
    "F3": ("test_objects_and_lists_within_the_elements_of_a_list_are_shaped",),
    "F4": ("test_the_properties_of_a_mapped_object_are_relative_to_it",),
    "F5": ("test_constants_keep_their_types_in_both_spellings",),
    "F6": ("test_a_step_reads_any_format",),
    "F7": ("test_binary_formats_are_read_for_agents_too",),
    "F8": (
        "test_a_single_xml_element_under_a_declared_list_is_a_list",
        "tests/test_worked_examples.py::test_example_24_a_single_xml_element_under_a_declared_array_is_a_list",
    ),
    "F9": (
        "test_a_step_that_fails_is_an_error_unless_the_file_says_otherwise",
        "tests/test_steps_whole.py::test_a_failing_step_stops_the_flow_with_a_mapped_error",
        "tests/test_steps_whole.py::test_on_error_says_what_stands_for_a_failed_step",
    ),
    "F10": (
        "test_a_lookup_matches_any_path_by_typed_equality_and_later_steps_see_it",
        "test_a_lookup_of_many_in_many_takes_no_time",
    ),
    "F11": ("test_a_mapping_is_any_path_or_a_constant_or_a_template",),
    "F12": (
        "test_each_kind_of_body_has_its_own_encoding",
        "test_a_query_of_triples_is_sent_as_one",
        "test_a_form_in_parts_is_sent_in_parts",
    ),
    "F13": (
        "test_no_value_leaves_its_place_in_a_json_body",
        "tests/test_template.py::test_json_text_is_always_json_and_values_come_back_unharmed",
    ),
    "F14": ("test_an_optional_list_that_is_missing_leaves_the_body_valid",),
    "F15": ("test_braces_in_data_are_data",),
    "F16": (
        "test_a_path_value_is_one_segment_whatever_is_in_it",
        "tests/test_request.py::test_whatever_the_argument_origin_prefix_and_segments_stay",
    ),
    "F17": (
        "test_a_base_and_a_path_are_joined_by_one_slash",
        "tests/test_request.py::test_base_and_path_are_joined",
    ),
    "F18": ("test_inputs_of_every_level_are_sent_and_the_nearest_counts",),
    "F19": ("test_inputs_reach_cookies_path_and_body",),
    "F20": ("test_a_default_header_of_an_api_is_a_template",),
    "F21": (
        "test_variables_are_known_in_every_text_and_no_caller_can_set_them",
        "test_binds_of_the_capability_itself_count",
        "tests/test_bindings.py::test_variables_come_from_files_beside_the_capability",
        "tests/binds/test_bind_file.py::test_a_relative_location_starts_at_the_folder_of_the_capability",
        "tests/binds/test_bind_file.py::test_other_files_are_dotenv",
    ),
    "F22": (
        "test_an_optional_argument_that_is_missing_is_not_sent",
        "tests/test_worked_examples.py::test_example_3_other_arguments_do_not_make_a_missing_one_an_empty_text",
    ),
    "F23": (
        "tests/test_worked_examples.py::test_example_20_an_absent_body_field_is_not_the_whole_body",
        "tests/adapters/test_rest_decode.py::test_a_whole_body_is_one_value",
    ),
    "F24": (
        "tests/test_forward_whole.py::test_path_and_query_arrive_character_for_character",
        "tests/test_forward_whole.py::test_the_answer_comes_back_with_its_headers",
    ),
    "F25": (
        "tests/test_worked_examples.py::test_example_23_a_method_that_a_route_does_not_have_is_405",
        "tests/adapters/test_rest.py::test_other_methods_are_answered_with_those_that_are_allowed",
        "tests/adapters/test_rest.py::test_head_has_the_headers_of_get_and_no_body",
    ),
    "F26": (
        "tests/test_divergences.py::test_an_upstream_that_is_not_there",
        "tests/test_divergences.py::test_an_upstream_that_does_not_answer_in_time",
    ),
    "F27": (
        "tests/test_worked_examples.py::test_example_27_a_resource_whose_upstream_fails_is_an_error",
        "tests/adapters/test_mcp_resources.py::test_steps_and_their_mappings_make_a_resource",
        "tests/adapters/test_mcp_resources.py::test_bytes_come_as_they_are",
        "test_a_resource_that_says_that_it_is_binary_is_bytes",
    ),
    "F28": (
        "tests/test_worked_examples.py::test_example_26_a_kebab_name_in_a_prompt_is_put_in",
        "tests/adapters/test_mcp_prompts.py::test_every_missing_argument_is_named_with_what_it_is",
        "tests/adapters/test_mcp_prompts.py::test_prompts_are_listed_in_the_order_of_the_file_with_their_arguments",
    ),
    "F29": (
        "tests/adapters/test_mcp_http.py::test_every_revision_with_a_handshake_is_served",
        "tests/adapters/test_mcp_http.py::test_the_newest_revision_needs_no_handshake",
        "tests/adapters/test_mcp.py::test_a_declared_object_is_structured_content_and_the_same_as_text",
        "test_a_notification_is_never_answered",
    ),
    "F30": ("test_an_adapter_over_stdio_does_not_keep_the_others_from_being_ready",),
    "F31": ("test_the_outputs_of_a_ref_shape_what_its_function_leaves_unshaped",),
    "F32": ("test_a_script_needs_no_control_adapter",),
    "F33": ("test_callers_of_two_aggregates_at_once_get_their_own_answers",),
    "F34": (
        "test_what_has_the_name_of_another_is_refused",
        "test_two_entries_of_one_name_in_a_map_are_refused",
        "test_two_resources_of_one_name_are_both_there",
    ),
    "F35": (
        "test_the_served_description_says_what_is_really_served",
        "tests/test_openapi.py::test_any_listener_has_a_valid_document",
    ),
    "F36": ("test_what_calls_nothing_that_exists_is_said_at_its_place_when_the_file_is_read",),
    "F37": (
        "tests/test_aggregates_whole.py::test_a_function_that_says_nothing_answers_nothing",
        "test_a_function_without_values_is_no_content",
    ),
    "F38": (
        "test_a_variable_that_is_written_without_braces_is_warned_of",
        "test_single_braces_in_a_path_are_placeholders",
        "test_a_path_that_ends_in_a_dot_is_the_document",
    ),
}
"""Each known bug and the tests of what is right: functions of this module, or of the module that is named."""


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def go(dialect: str) -> Go:
    """Each dialect over another adapter: what one means does not depend on the other."""
    return over_rest if dialect == "naftiko" else over_mcp


def test_every_row_has_a_test_that_is_there():
    assert list(ROWS) == [f"F{number}" for number in range(1, 39)]
    absent = [name for names in ROWS.values() for name in names if not _is_there(name)]
    assert absent == []


def _is_there(name: str) -> bool:
    module, _, function = name.rpartition("::")
    path = Path(__file__).parent.parent / (module or HERE)
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return function in found


GET = "[{name: x, path: /x, operations: [{name: op, method: GET}]}]"
POST = "[{name: x, path: /x, operations: [{name: op, method: POST, BODY}]}]"


async def answered(
    dialect: str, go: Go, flow: str, answer: Any, *, consumed: str = GET, inputs: str = "[]",
    arguments: Mapping[str, Any] | None = None,
) -> Answered:  # fmt: skip
    async with running(flow_of(dialect, consumed, flow, inputs), answering({"*": answer})) as whole:
        return await go(whole, dict(arguments or {}))


async def body_sent(
    dialect: str, go: Go, body: str, inputs: str, arguments: Mapping[str, Any]
) -> tuple[str, bytes]:
    """The media type and the bytes of what reached the upstream."""
    text = flow_of(dialect, POST.replace("BODY", body), "call: up.op", inputs)
    async with running(text) as whole:
        got = await go(whole, dict(arguments))
        assert got.ok, got.text
        return whole.sent.header("content-type") or "", whole.sent.body


# -- outputs: F1 to F5 ----------------------------------------------------------------------------------


async def test_several_named_outputs_are_one_object(dialect: str, go: Go):
    outputs = (
        "outputParameters: [{name: a, type: string, mapping: $.a}, {name: b, type: string, mapping: $.b}]"
    )
    got = await answered(dialect, go, f"call: up.op\n{outputs}", {"a": "1", "b": "2", "c": "3"})
    assert got.value == {"a": "1", "b": "2"}
    got = await answered(dialect, go, f"call: up.op\n{outputs}", {"b": "2"})
    assert got.value == {"a": None, "b": "2"}


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("number", "42", 42),
        ("number", "4.5", 4.5),
        ("boolean", "true", True),
        ("string", 42, "42"),
        ("integer", "7", 7),
    ],
)
async def test_an_output_has_its_declared_type(dialect: str, go: Go, kind: str, given: Any, expected: Any):
    flow = f"call: up.op\noutputParameters: [{{type: object, properties: {{v: {{type: {kind}, mapping: $.v}}}}}}]"
    value = (await answered(dialect, go, flow, {"v": given})).value["v"]
    assert (value, type(value)) == (expected, type(expected))


async def test_an_argument_in_an_address_has_its_declared_type(dialect: str):
    inputs = """
    - {name: n, in: query, type: integer}
    - {name: deep, in: query, type: boolean}
    - {name: tags, in: query, type: array}
    - {name: code, in: query, type: string}
    """
    consumed = POST.replace(
        "BODY", "body: {type: json, data: {n: '{{n}}', deep: '{{deep}}', tags: '{{tags}}', code: '{{code}}'}}"
    )
    text = flow_of(dialect, consumed, "call: up.op", inputs, method="GET")
    async with running(text) as whole:
        response = await whole.get("/go?n=5&deep=true&tags=a&tags=b&code=007")
        assert response.status_code == 200, response.text
        assert json.loads(whole.sent.body) == {"n": 5, "deep": True, "tags": ["a", "b"], "code": "007"}
        refused = await whole.get("/go?n=five&deep=perhaps")
        assert refused.status_code == 400
        assert len(refused.json()["errors"]) == 2


async def test_a_mocked_output_has_its_declared_type(dialect: str, go: Go):
    flow = """
    outputParameters:
    - {name: n, type: number, value: "42"}
    - {name: sure, type: boolean, value: "true"}
    - {name: text, type: string, value: "42"}
    """
    got = await answered(dialect, go, flow, {})
    assert got.value == {"n": 42, "sure": True, "text": "42"}
    assert isinstance(got.value["sure"], bool)


async def test_objects_and_lists_within_the_elements_of_a_list_are_shaped(dialect: str, go: Go):
    flow = """
    call: up.op
    outputParameters:
    - type: array
      mapping: $.ships
      items:
        type: object
        properties:
          name: {type: string, mapping: $.n}
          specs: {type: object, mapping: $.s, properties: {tons: {type: number, mapping: $.t}}}
          crew:
            type: array
            mapping: $.c
            items: {type: object, properties: {who: {type: string, mapping: $.w}, ports: {type: array, mapping: $.p, items: {type: string, mapping: $.id}}}}
          kind: {type: string, value: ship}
    """
    ship = {
        "n": "Star",
        "s": {"t": "42", "x": 1},
        "c": [{"w": "Ann", "p": [{"id": "a"}]}, {"w": "Bo"}],
        "z": 9,
    }
    assert (await answered(dialect, go, flow, {"ships": [ship, {}]})).value == [
        {
            "name": "Star",
            "specs": {"tons": 42},
            "crew": [{"who": "Ann", "ports": ["a"]}, {"who": "Bo", "ports": None}],
            "kind": "ship",
        },
        {"name": None, "specs": {"tons": None}, "crew": None, "kind": "ship"},
    ]


async def test_the_properties_of_a_mapped_object_are_relative_to_it(dialect: str, go: Go):
    flow = """
    call: up.op
    outputParameters:
    - type: object
      mapping: $.now
      properties:
        t: {type: number, mapping: $.temperature}
        wind: {type: object, mapping: $.wind, properties: {speed: {type: number, mapping: $.kn}}}
    """
    body = {"now": {"temperature": 7, "wind": {"kn": 3}}, "temperature": 0}
    assert (await answered(dialect, go, flow, body)).value == {"t": 7, "wind": {"speed": 3}}


@pytest.mark.parametrize("word", ["value", "const"])
async def test_constants_keep_their_types_in_both_spellings(dialect: str, go: Go, word: str):
    flow = f"""
    call: up.op
    outputParameters:
    - type: object
      properties:
        n: {{type: number, {word}: 42}}
        sure: {{type: boolean, {word}: true}}
        text: {{type: string, {word}: "42"}}
        of: {{type: string, mapping: $.of}}
    """
    got = (await answered(dialect, go, flow, {"of": "here"})).value
    assert got == {"n": 42, "sure": True, "text": "42", "of": "here"}
    assert [type(item) for item in got.values()] == [int, bool, str, str]


# -- formats: F6 to F8 ----------------------------------------------------------------------------------

FORMATS: list[tuple[str, bytes, str, str]] = [
    ("xml", typed("application/xml", "<v><s><code>V1</code></s><s><code>V2</code></s></v>"), "$.a.s[1].code", "V2"),
    ("csv", typed("text/csv", "code,name\nV1,A\nV2,B\n"), "$.a[1].code", "V2"),
    ("tsv", typed("text/tab-separated-values", "code\tname\nV1\tA\n"), "$.a[0].name", "A"),
    ("psv", typed("text/plain", "code|name\nV1|A\n"), "$.a[0].name", "A"),
    ("yaml", typed("application/yaml", "ships:\n- code: V1\n"), "$.a.ships[0].code", "V1"),
    (
        "html",
        typed("text/html", "<table><tr><th>Code</th></tr><tr><td>V1</td></tr></table>"),
        "$.a.tables[0][0].Code",
        "V1",
    ),
    ("markdown", typed("text/markdown", "---\ncode: V1\n---\n# Ships\n"), "$.a.frontMatter.code", "V1"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "answer", "path", "expected"), FORMATS, ids=[row[0] for row in FORMATS])
async def test_a_step_reads_any_format(
    dialect: str, go: Go, word: str, answer: bytes, path: str, expected: str
):
    consumed = GET.replace("method: GET", f"method: GET, outputRawFormat: {word.upper()}")
    flow = f"""
    steps: [{{name: a, type: call, call: up.op}}]
    mappings: [{{targetName: code, value: '{path}'}}]
    """
    assert (await answered(dialect, go, flow, answer, consumed=consumed)).value == {"code": expected}


SHIP_AVSC = '{"type": "record", "name": "Ship", "fields": [{"name": "code", "type": "string"}, {"name": "tons", "type": "int"}]}'
SHIP_PROTO = 'syntax = "proto3"; message Ship { string code = 1; int32 tons = 2; }'


def _avro() -> bytes:
    import fastavro

    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, json.loads(SHIP_AVSC), {"code": "V1", "tons": 42})
    return stream.getvalue()


def _protobuf() -> bytes:
    return b"\x0a\x02V1\x10\x2a"


@pytest.mark.parametrize(
    ("word", "file", "schema", "content"),
    [("avro", "ship.avsc", SHIP_AVSC, _avro), ("protobuf", "ship.proto", SHIP_PROTO, _protobuf)],
)
async def test_binary_formats_are_read_for_agents_too(
    dialect: str, go: Go, word: str, file: str, schema: str, content: Callable[[], bytes], tmp_path: Path
):
    pytest.importorskip("fastavro" if word == "avro" else "grpc_tools")
    (tmp_path / file).write_text(schema)
    consumed = GET.replace("method: GET", f"method: GET, outputRawFormat: {word}, outputSchema: {file}")
    outputs = "{code: {type: string, mapping: $.code}, tons: {type: number, mapping: $.tons}}"
    called = f"call: up.op\noutputParameters: [{{type: object, properties: {outputs}}}]"
    stepped = "steps: [{name: a, type: call, call: up.op}]\nmappings: [{targetName: ship, value: $.a}]"
    answer = answering({"*": typed("application/octet-stream", content())})
    async with running(flow_of(dialect, consumed, called), answer, path=tmp_path / "cap.yaml") as whole:
        assert (await go(whole, {})).value == {"code": "V1", "tons": 42}
    async with running(flow_of(dialect, consumed, stepped), answer, path=tmp_path / "cap.yaml") as whole:
        assert (await go(whole, {})).value == {"ship": {"code": "V1", "tons": 42}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<v><s><c>1</c></s></v>", [{"code": "1"}]),
        ("<v><s><c>1</c></s><s><c>2</c></s></v>", [{"code": "1"}, {"code": "2"}]),
        ("<v/>", None),
    ],
)
async def test_a_single_xml_element_under_a_declared_list_is_a_list(
    dialect: str, go: Go, content: str, expected: Any
):
    consumed = GET.replace("method: GET", "method: GET, outputRawFormat: xml")
    outputs = "[{type: array, mapping: $.s, items: {type: object, properties: {code: {type: string, mapping: $.c}}}}]"
    answer = typed("application/xml", content)
    flow = f"call: up.op\noutputParameters: {outputs}"
    assert (await answered(dialect, go, flow, answer, consumed=consumed)).value == expected


# -- steps: F9 to F11 -----------------------------------------------------------------------------------

TWO = """
- name: a
  path: /a
  operations: [{name: get-a, method: GET}]
- name: b
  path: /b
  operations: [{name: get-b, method: GET, inputParameters: [{name: q, in: query}]}]
"""


async def test_a_step_that_fails_is_an_error_unless_the_file_says_otherwise(dialect: str, go: Go):
    flow = """
    steps:
    - {name: a, type: call, call: up.get-a}
    - {name: b, type: call, call: up.get-b, with: {q: '{{a.id}}'}}
    mappings: [{targetName: b, value: $.b.n}]
    """
    answer = answering({"GET /a": 404, "GET /b": {"n": 1}})
    async with running(flow_of(dialect, TWO, flow), answer) as whole:
        got = await go(whole, {})
        assert not got.ok
        assert "404" in got.text
        assert [seen.path for seen in whole.upstream.requests] == ["/a"]
    kept = flow.replace("call: up.get-a", "call: up.get-a, on-error: continue")
    async with running(flow_of(dialect, TWO, kept), answer) as whole:
        assert await go(whole, {}) == Answered(True, {"b": 1})


async def test_a_lookup_matches_any_path_by_typed_equality_and_later_steps_see_it(dialect: str, go: Go):
    flow = """
    steps:
    - {name: crew, type: call, call: up.get-a}
    - {name: found, type: lookup, index: crew, match: $.ref.crew_id, lookupValue: $.wanted, outputParameters: [full_name, age]}
    - {name: by-text, type: lookup, index: crew, match: $.ref.crew_id, lookupValue: "1", outputParameters: [full_name]}
    - {name: b, type: call, call: up.get-b, with: {q: '{{found.full_name}}'}}
    mappings: [{targetName: found, value: $.found}, {targetName: by-text, value: $.by-text}, {targetName: b, value: $.b}]
    """
    people = [
        {"ref": {"crew_id": "1"}, "full_name": "Text", "age": 1},
        {"ref": {"crew_id": 1}, "full_name": "Number", "age": 2},
    ]
    inputs = "[{name: wanted, type: integer, description: Who.}]"
    answer = answering({"GET /a": people, "GET /b": {"ok": True}})
    async with running(flow_of(dialect, TWO, flow, inputs), answer) as whole:
        got = await go(whole, {"wanted": 1})
        assert got.value == {
            "found": {"full_name": "Number", "age": 2},
            "by-text": {"full_name": "Text"},
            "b": {"ok": True},
        }
        assert whole.upstream.requests[-1].query == [("q", "Number")]


async def test_a_lookup_of_many_in_many_takes_no_time(dialect: str):
    flow = """
    steps:
    - {name: a, type: call, call: up.get-a}
    - {name: found, type: lookup, index: a, match: id, lookupValue: '$.a[*].id', outputParameters: [id]}
    mappings: [{targetName: last, value: '$.found[-1].id'}]
    """
    count = 20_000  # compared each with each this would be 400 million comparisons
    answer = answering({"GET /a": [{"id": number} for number in range(count)]})
    async with running(flow_of(dialect, TWO, flow), answer) as whole:
        began = time.monotonic()
        got = await over_rest(whole, {})
        assert got == Answered(True, {"last": count - 1})
        assert time.monotonic() - began < 10


async def test_a_mapping_is_any_path_or_a_constant_or_a_template(dialect: str, go: Go):
    flow = """
    steps: [{name: a, type: call, call: up.op}]
    mappings:
    - {targetName: first, value: '$.a.list[0].id'}
    - {targetName: last, value: '$.a.list[-1].id'}
    - {targetName: old, value: '$.a.list[?(@.age > 40)].id'}
    - {targetName: ids, value: '$.a.list[*].id'}
    - {targetName: fixed.number, value: 7}
    - {targetName: fixed.text, value: here}
    - {targetName: said, value: 'id {{a.list[1].id}}'}
    """
    body = {"list": [{"id": "x", "age": 30}, {"id": "y", "age": 50}]}
    assert (await answered(dialect, go, flow, body)).value == {
        "first": "x",
        "last": "y",
        "old": ["y"],
        "ids": ["x", "y"],
        "fixed": {"number": 7, "text": "here"},
        "said": "id y",
    }


# -- requests: F12 to F23 -------------------------------------------------------------------------------

HARMFUL = 'a"b <c> & {d}\n{{e}}'


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        ("body: {type: text, data: 'Say {{v}}!'}", "text/plain", f"Say {HARMFUL}!"),
        ("body: {type: xml, data: '<v>{{v}}</v>'}", "application/xml", '<v>a&quot;b &lt;c&gt; &amp; {d}\n{{e}}</v>'),
        ("body: {type: json, data: {v: '{{v}}'}}", "application/json", {"v": HARMFUL}),
        ("body: {type: json, data: '{\"v\": \"{{v}}\"}'}", "application/json", {"v": HARMFUL}),
        ("body: '{\"v\": \"{{v}}\"}'", "application/json", {"v": HARMFUL}),
        ("body: {type: formUrlEncoded, data: {v: '{{v}}'}}", "application/x-www-form-urlencoded", {"v": [HARMFUL]}),
        ("body: {type: formUrlEncoded, data: 'v={{v}}&w=1'}", "application/x-www-form-urlencoded",
         {"v": [HARMFUL], "w": ["1"]}),
    ],
)  # fmt: skip
async def test_each_kind_of_body_has_its_own_encoding(
    dialect: str, go: Go, body: str, media_type: str, expected: Any
):
    inputs = "[{name: v, type: string, description: A value.}]"
    sent_type, content = await body_sent(dialect, go, body, inputs, {"v": HARMFUL})
    assert sent_type.split(";")[0] == media_type
    text = content.decode()
    if media_type == "application/json":
        assert json.loads(text) == expected
    elif media_type == "application/x-www-form-urlencoded":
        assert parse_qs(text) == expected
    else:
        assert text == expected


async def test_a_query_of_triples_is_sent_as_one(dialect: str, go: Go):
    body = "body: {type: sparql, data: 'SELECT ?s WHERE {{ ?s <p> \"{{v}}\" }}'}".replace(
        "{{ ?", "{ ?"
    ).replace('" }}', '" }')
    inputs = "[{name: v, type: string, description: A value.}]"
    sent_type, content = await body_sent(dialect, go, body, inputs, {"v": 'x" } DROP ALL'})
    assert sent_type.split(";")[0] == "application/sparql-query"
    assert content.decode() == 'SELECT ?s WHERE { ?s <p> "x\\" } DROP ALL" }'


async def test_a_form_in_parts_is_sent_in_parts(dialect: str, go: Go):
    body = "body: {type: multipartForm, data: [{name: note, value: '{{v}}'}, {name: file, value: 'x,y', filename: a.csv, contentType: text/csv}]}"
    inputs = "[{name: v, type: string, description: A value.}]"
    sent_type, content = await body_sent(dialect, go, body, inputs, {"v": HARMFUL})
    note, file = parts_of(content, sent_type)
    assert (note.name, note.content.decode()) == ("note", HARMFUL)
    assert (file.name, file.filename, file.content) == ("file", "a.csv", b"x,y")


async def test_no_value_leaves_its_place_in_a_json_body(dialect: str, go: Go):
    body = """body: {type: json, data: '{"name": "{{v}}", "admin": false}'}"""
    inputs = "[{name: v, type: string, description: A value.}]"
    attack = 'x", "admin": true, "y": "'
    _, content = await body_sent(dialect, go, body, inputs, {"v": attack})
    assert json.loads(content) == {"name": attack, "admin": False}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("""body: '{"imo": "{{imo}}", "cargoIds": {{cargoIds}}}'""", {"imo": "I", "cargoIds": None}),
        ("body: {type: json, data: {imo: '{{imo}}', cargoIds: '{{cargoIds}}'}}", {"imo": "I"}),
    ],
)
async def test_an_optional_list_that_is_missing_leaves_the_body_valid(
    dialect: str, go: Go, body: str, expected: Any
):
    inputs = """
    - {name: imo, type: string, description: Which.}
    - {name: cargoIds, type: array, description: What., required: false}
    """
    _, content = await body_sent(dialect, go, body, inputs, {"imo": "I"})
    assert json.loads(content) == expected
    _, content = await body_sent(dialect, go, body, inputs, {"imo": "I", "cargoIds": ["a"]})
    assert json.loads(content) == {"imo": "I", "cargoIds": ["a"]}


async def test_braces_in_data_are_data(dialect: str, go: Go):
    consumed = """
    - name: x
      path: /x/{{v}}
      operations:
      - {name: op, method: POST, inputParameters: [{name: q, in: query, value: '{{v}}'}, {name: X-V, in: header, value: '{{v}}'}], body: {type: json, data: {v: '{{v}}'}}}
    """
    inputs = "[{name: v, type: string, description: A value.}]"
    said = "{{ secret }} {% raw %} ${HOME}"
    outputs = "outputParameters: [{type: object, properties: {said: {type: string, mapping: $.said}}}]"
    text = flow_of(dialect, consumed, f"call: up.op\n{outputs}", inputs)
    async with running(text, answering({"*": {"said": said}})) as whole:
        assert await go(whole, {"v": said}) == Answered(True, {"said": said})
        assert whole.sent.path == "/x/%7B%7B%20secret%20%7D%7D%20%7B%25%20raw%20%25%7D%20%24%7BHOME%7D"
        assert whole.sent.query == [("q", said)]
        assert whole.sent.header("x-v") == said
        assert json.loads(whole.sent.body) == {"v": said}


@pytest.mark.parametrize(
    ("value", "sent"),
    [("a/b", "a%2Fb"), ("a?b=c", "a%3Fb%3Dc"), ("a#b", "a%23b"), ("50%", "50%25"), ("å b", "%C3%A5%20b")],
)
async def test_a_path_value_is_one_segment_whatever_is_in_it(dialect: str, go: Go, value: str, sent: str):
    consumed = "[{name: x, path: '/x/{{id}}/y', operations: [{name: op, method: GET}]}]"
    inputs = "[{name: id, type: string, description: Which.}]"
    async with running(flow_of(dialect, consumed, "call: up.op", inputs)) as whole:
        assert (await go(whole, {"id": value})).ok
        assert whole.sent.target == f"/x/{sent}/y"


@pytest.mark.parametrize("path", ["things/1", "/things/1"])
async def test_a_base_and_a_path_are_joined_by_one_slash(dialect: str, go: Go, path: str):
    consumed = f"[{{name: x, path: {path}, operations: [{{name: op, method: GET}}]}}]"
    async with running(flow_of(dialect, consumed, "call: up.op"), base_path="/v1") as whole:
        assert (await go(whole, {})).ok
        assert whole.sent.target == "/v1/things/1"


LEVELS = """
- namespace: up
  type: http
  baseUri: http://up.test
  inputParameters:
  - {name: X-Level, in: header, value: api}
  - {name: X-Api, in: header, value: api}
  resources:
  - name: x
    path: /x
    inputParameters:
    - {name: X-Level, in: header, value: resource}
    - {name: X-Resource, in: header, value: "for {{who}}"}
    - {name: page, in: query, value: "1"}
    operations:
    - name: op
      method: GET
      inputParameters: [{name: X-Level, in: header, value: operation}]
    - {name: other, method: PUT}
"""


@pytest.mark.parametrize(("operation", "level"), [("op", "operation"), ("other", "resource")])
async def test_inputs_of_every_level_are_sent_and_the_nearest_counts(
    dialect: str, go: Go, operation: str, level: str
):
    inputs = "[{name: who, type: string, description: Who.}]"
    async with running(flow_of(dialect, LEVELS, f"call: up.{operation}", inputs)) as whole:
        assert (await go(whole, {"who": "Ann"})).ok
        names = ("x-level", "x-api", "x-resource")
        assert [whole.sent.header(name) for name in names] == [level, "api", "for Ann"]
        assert whole.sent.query == [("page", "1")]


async def test_inputs_reach_cookies_path_and_body(dialect: str, go: Go):
    consumed = """
    - name: x
      path: /x/{{id}}
      operations:
      - name: op
        method: POST
        inputParameters:
        - {name: id, in: path}
        - {name: session, in: cookie}
        - {name: title, in: body}
        - {name: count, in: body}
    """
    inputs = """
    - {name: id, type: string, description: Which.}
    - {name: session, type: string, description: Whose.}
    - {name: title, type: string, description: Called.}
    - {name: count, type: integer, description: Many.}
    """
    async with running(flow_of(dialect, consumed, "call: up.op", inputs)) as whole:
        got = await go(whole, {"id": "7", "session": "s1", "title": "T", "count": 3})
        assert got.ok, got.text
        assert (whole.sent.target, whole.sent.header("cookie")) == ("/x/7", "session=s1")
        assert json.loads(whole.sent.body) == {"title": "T", "count": 3}


ENV = [{"namespace": "env", "keys": {"VERSION": "UP_VERSION", "KEY": "UP_KEY"}}]
ENVIRON = {"UP_VERSION": "v-7", "UP_KEY": "secret-key-1"}


async def test_a_default_header_of_an_api_is_a_template(dialect: str, go: Go):
    consumed = LEVELS.replace("value: api}", "value: 'api-{{VERSION}}'}", 1)
    inputs = "[{name: who, type: string, description: Who.}]"
    text = flow_of(
        dialect, consumed.replace("X-Level, in: header, value: operation", "X-Own, in: header, value: own"),
        "call: up.op", inputs, binds=ENV,
    )  # fmt: skip
    text = text.replace('"resource"', '"res-{{VERSION}}"')
    async with running(text, environ=ENVIRON) as whole:
        assert (await go(whole, {"who": "Ann"})).ok
        assert whole.sent.header("x-level") == "res-v-7"
        assert whole.sent.header("x-own") == "own"


BOUND = """
- namespace: up
  type: http
  baseUri: http://up.test
  inputParameters: [{name: X-Version, in: header, value: '{{VERSION}}'}]
  resources:
  - name: x
    path: /{{VERSION}}/x
    operations:
    - name: op
      method: POST
      inputParameters: [{name: v, in: query, value: '{{env.VERSION}}'}, {name: q, in: query}]
      body: {type: json, data: {v: '{{VERSION}}'}}
"""


async def test_variables_are_known_in_every_text_and_no_caller_can_set_them(dialect: str, go: Go):
    inputs = "[{name: VERSION, type: string, description: Not that one., required: false}]"
    flow = "call: up.op\nwith: {q: '{{VERSION}}'}"
    async with running(flow_of(dialect, BOUND, flow, inputs, binds=ENV), environ=ENVIRON) as whole:
        assert (await go(whole, {"VERSION": "evil"})).ok
        assert whole.sent.path == "/v-7/x"
        assert whole.sent.header("x-version") == "v-7"
        assert ("v", "v-7") in whole.sent.query
        assert json.loads(whole.sent.body) == {"v": "v-7"}


async def test_binds_of_the_capability_itself_count(dialect: str, go: Go):
    document = json.loads(flow_of(dialect, BOUND, "call: up.op"))
    document["capability"]["binds"] = ENV
    async with running(json.dumps(document), environ=ENVIRON) as whole:
        assert (await go(whole, {})).ok
        assert whole.sent.header("x-version") == "v-7"


async def test_an_optional_argument_that_is_missing_is_not_sent(dialect: str, go: Go):
    inputs = """
    - {name: status, type: string, description: Which., required: false}
    - {name: x, type: integer, description: Other., required: false}
    """
    consumed = GET.replace("method: GET", "method: GET, inputParameters: [{name: status, in: query}]")
    flow = "call: up.op\nwith: {status: '{{status}}'}"
    async with running(flow_of(dialect, consumed, flow, inputs)) as whole:
        assert (await go(whole, {"x": 1})).ok
        assert whole.sent.target == "/x"


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


# -- MCP: F27 to F31 ------------------------------------------------------------------------------------


async def test_a_resource_that_says_that_it_is_binary_is_bytes(dialect: str):
    resource = {
        "name": "logo", "label": "Logo", "description": "The logo.", "uri": "data://logo",
        "mimeType": "image/png", "binary": True, "call": "up.op",
    }  # fmt: skip
    document = json.loads(flow_of("naftiko", GET, "call: up.op"))
    document["capability"]["exposes"][0]["resources"] = [resource]
    text = written(dialect, document["capability"])
    content = b"\x89PNG\r\n\x1a\n\x00\xff"
    async with running(text, answering({"*": typed("image/png", content)})) as whole, whole.agent() as agent:
        (found,) = (await agent.read_resource("data://logo")).contents
    assert (found.mime_type, found.blob) == ("image/png", "iVBORw0KGgoA/w==")


async def test_a_notification_is_never_answered(dialect: str):
    async with running(flow_of(dialect, GET, "call: up.op")) as whole, httpx.AsyncClient() as client:
        for method in ("notifications/initialized", "notifications/unheard-of"):
            response = await client.post(
                whole.mcp_url,
                json={"jsonrpc": "2.0", "method": method},
                headers={
                    "accept": "application/json, text/event-stream",
                    "mcp-protocol-version": "2025-06-18",
                },
            )
            assert (response.status_code, response.content) == (202, b"")


async def test_an_adapter_over_stdio_does_not_keep_the_others_from_being_ready(dialect: str, tmp_path: Path):
    capability = json.loads(flow_of("naftiko", GET, "call: up.op"))["capability"]
    agent = capability["exposes"][0]
    del agent["port"]
    agent["transport"] = "stdio"
    for item, port in zip(capability["exposes"][1:], free_ports(1), strict=True):
        item["port"] = port
    (port,) = free_ports(1)
    capability["exposes"].append({"type": "control", "port": port})
    path = tmp_path / "cap.yaml"
    path.write_text(written(dialect, capability))
    async with served(str(path)) as process, httpx.AsyncClient() as client:
        response = await client.get(process.url("control").rstrip("/") + "/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "UP")
    assert [item["type"] for item in response.json()["adapters"]] == ["mcp", "rest", "control"]


WEATHER = """
- label: Weather
  namespace: weather
  functions:
  - name: now
    description: The weather.
    inputParameters: [{name: place, type: string, description: Where.}]
    call: up.op
    with: {q: weather.place}
"""


async def test_the_outputs_of_a_ref_shape_what_its_function_leaves_unshaped(dialect: str, go: Go):
    consumed = GET.replace("method: GET", "method: GET, inputParameters: [{name: q, in: query}]")
    inputs = "[{name: place, type: string, description: Where.}]"
    flow = "ref: weather.now\noutputParameters: [{type: object, properties: {t: {type: number, mapping: $.now.t}}}]"
    text = flow_of(dialect, consumed, flow, inputs, aggregates=WEATHER)
    async with running(text, answering({"*": {"now": {"t": "7"}}})) as whole:
        assert await go(whole, {"place": "Oslo"}) == Answered(True, {"t": 7})
        assert whole.sent.query == [("q", "Oslo")]
    unshaped = flow_of(dialect, consumed, "ref: weather.now", inputs, aggregates=WEATHER)
    async with running(unshaped, answering({"*": {"now": {"t": "7"}}})) as whole:
        assert await go(whole, {"place": "Oslo"}) == Answered(True, {"now": {"t": "7"}})


# -- scripts and aggregates: F32 to F37 -----------------------------------------------------------------


async def test_a_script_needs_no_control_adapter(dialect: str, go: Go, tmp_path: Path):
    (tmp_path / "double.js").write_text("result = {twice: context.n * 2}")
    flow = "steps: [{name: s, type: script, language: javascript, file: double.js}]\nmappings: [{targetName: n, value: $.s.twice}]"
    inputs = "[{name: n, type: integer, description: A number.}]"
    async with running(flow_of(dialect, "[]", flow, inputs), path=tmp_path / "cap.yaml") as whole:
        assert await go(whole, {"n": 4}) == Answered(True, {"n": 8})


async def test_callers_of_two_aggregates_at_once_get_their_own_answers(dialect: str):
    one = WEATHER.replace("weather", "one")
    two = WEATHER.replace("weather", "two").replace("q: two.place", "q: 'two {{place}}'")
    consumed = GET.replace("method: GET", "method: GET, inputParameters: [{name: q, in: query}]")
    inputs = "[{name: place, type: string, description: Where.}]"
    document = json.loads(flow_of("naftiko", consumed, "ref: one.now", inputs, aggregates=one + two))
    resources = document["capability"]["exposes"][1]["resources"]
    other = json.loads(json.dumps(resources[0]).replace("one.now", "two.now").replace("go", "other"))
    resources.append(other | {"name": "others", "path": "/other"})
    text = written(dialect, document["capability"])

    async def asked(path: str, place: str) -> Any:
        return (await whole.request("POST", path, json={"place": place})).json()

    def echo(seen: Any) -> bytes:
        return reply(200, json.dumps(dict(seen.query)).encode())

    async with running(text, echo) as whole:
        calls = [asked(path, f"p{number}") for number in range(25) for path in ("/go", "/other")]
        found = await asyncio.gather(*calls)
    expected = [{"q": f"{word}p{number}"} for number in range(25) for word in ("", "two ")]
    assert found == expected


@pytest.mark.parametrize("what", ["aggregate", "function"])
def test_what_has_the_name_of_another_is_refused(dialect: str, what: str):
    aggregates = json.loads(flow_of("naftiko", GET, "call: up.op", aggregates=WEATHER))["capability"][
        "aggregates"
    ]
    twice = [*aggregates, aggregates[0]] if what == "aggregate" else aggregates
    if what == "function":
        twice[0]["functions"] *= 2
    # A map cannot have a name twice: YAML itself refuses that.
    text = flow_of(
        "naftiko" if what == "function" else dialect, GET, "call: up.op", aggregates=json.dumps(twice)
    )
    with pytest.raises(CapspecError, match=r"weather\.now"):
        plan_of(text)


def test_two_entries_of_one_name_in_a_map_are_refused():
    text = flow_of("ikanos", GET, "call: up.op").replace(
        '"x": {', '"x": {"path": "/y", "operations": {}}, "x": {'
    )
    with pytest.raises(CapspecError, match="`x`"):
        plan_of(text)


async def test_two_resources_of_one_name_are_both_there():
    consumed = """
    - {name: x, path: /first, operations: [{name: one, method: GET}]}
    - {name: x, path: /second, operations: [{name: two, method: GET}]}
    """
    for operation, path in (("one", "/first"), ("two", "/second")):
        async with running(flow_of("naftiko", consumed, f"call: up.{operation}")) as whole:
            assert (await over_mcp(whole, {})).ok
            assert whole.sent.path == path


DESCRIBED = """
- name: get-ship
  method: GET
  call: up.op
  inputParameters: [{name: limit, in: query, type: integer, description: How many.}]
  outputParameters: [{type: array, mapping: $.ships, items: {type: object, properties: {n: {type: integer, mapping: $.n}}}}]
"""


async def test_the_served_description_says_what_is_really_served(dialect: str):
    consumed = GET.replace("method: GET", "method: GET, inputParameters: [{name: q, in: query}]")
    capability = json.loads(flow_of("naftiko", consumed, "call: up.op", aggregates=WEATHER))["capability"]
    capability["exposes"][1]["resources"] = [{
        "name": "ships", "path": "/ships/{{ship-id}}", "operations": yaml.safe_load(DESCRIBED),
        "inputParameters": [{"name": "x-tenant", "in": "header", "type": "string", "description": "Whose."}],
    }, {"name": "words", "path": "/words", "operations": [{"name": "say", "method": "POST", "ref": "weather.now"}]}]  # fmt: skip
    text = written(
        dialect,
        capability,
        info={"label": "Fleet", "display": "Fleet", "description": "Ships.", "version": "2.3.4"},
    )
    async with running(text, answering({"*": {"ships": [{"n": "5"}]}})) as whole:
        document = (await whole.get("/openapi.json")).json()
        served = (await whole.get("/ships/7?limit=1")).json()
        assert (await whole.request("POST", "/words", json={"place": "Oslo"})).status_code == 200
        assert whole.upstream.requests[-1].query == [("q", "Oslo")]
    OpenAPIV31SpecValidator(document).validate()
    assert document["info"] == {"title": "Fleet", "version": "2.3.4", "description": "Ships."}
    assert list(document["paths"]) == ["/ships/{ship-id}", "/words"]
    item = document["paths"]["/ships/{ship-id}"]
    parameters = {found["name"]: found for found in item["get"]["parameters"]}
    assert {name: found["in"] for name, found in parameters.items()} == {
        "ship-id": "path",
        "x-tenant": "header",
        "limit": "query",
    }
    assert parameters["limit"]["schema"] == {"type": "integer"}
    answer = item["get"]["responses"]["2XX"]["content"]["application/json"]["schema"]
    assert "array" in answer["type"]
    assert "integer" in answer["items"]["properties"]["n"]["type"]
    assert served == [{"n": 5}]
    said = document["paths"]["/words"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert said["properties"]["place"] == {"type": "string", "description": "Where."}
    assert said["required"] == ["place"]


@pytest.mark.parametrize("call", ["up.opp", "upp.op"])
async def test_what_calls_nothing_that_exists_is_said_at_its_place_when_the_file_is_read(
    dialect: str, call: str
):
    text = flow_of(dialect, GET, f"call: {call}")
    try:
        plan = plan_of(text)
    except CapspecError as error:
        problems = error.problems
    else:
        problems = plan.warnings
        assert all(flow.unavailable for listener in plan.listeners for flow in listener.flows)
    said = [problem for problem in problems if "op" in f"{problem.message} {problem.hint}"]
    assert said
    assert all(problem.place is not None for problem in said)
    assert any("up.op" in f"{problem.message} {problem.hint}" for problem in said)


async def test_a_function_without_values_is_no_content(dialect: str):
    silent = """
    - label: Silent
      namespace: silent
      functions: [{name: nothing, description: Nothing., outputParameters: [{name: a, type: string}]}]
    """
    text = flow_of(dialect, GET, "ref: silent.nothing", aggregates=silent)
    async with running(text) as whole:
        response = await whole.request("POST", "/go")
        assert (response.status_code, response.content) == (204, b"")
        result = await whole.tool("go")
        assert not result.is_error


# -- files that say what they do not mean: F38 ----------------------------------------------------------


async def test_a_variable_that_is_written_without_braces_is_warned_of(dialect: str):
    consumed = LEVELS.replace("value: api}", "value: VERSION}", 1)
    plan = plan_of(flow_of(dialect, consumed, "call: up.op", binds=ENV), environ=ENVIRON)
    said = [problem for problem in plan.warnings if "VERSION" in problem.message]
    assert said
    assert all(problem.place is not None for problem in said)
    assert "{{VERSION}}" in said[0].hint


async def test_single_braces_in_a_path_are_placeholders(dialect: str, go: Go):
    consumed = "[{name: x, path: '/x/{id}', operations: [{name: op, method: GET}]}]"
    inputs = "[{name: id, type: string, description: Which.}]"
    async with running(flow_of(dialect, consumed, "call: up.op", inputs)) as whole:
        assert (await go(whole, {"id": "7"})).ok
        assert whole.sent.target == "/x/7"


async def test_a_path_that_ends_in_a_dot_is_the_document(dialect: str, go: Go):
    consumed = GET.replace("method: GET", "method: GET, outputRawFormat: xml")
    flow = "call: up.op\noutputParameters: [{type: object, mapping: $., properties: {c: {type: string, mapping: $.c}}}]"
    answer = typed("application/xml", "<v><c>1</c></v>")
    assert (await answered(dialect, go, flow, answer, consumed=consumed)).value == {"c": "1"}


def test_both_dialects_say_the_same():
    """What these tests write once is one capability in either shape."""
    plans = [plan_of(flow_of(name, LEVELS, "call: up.op", aggregates=WEATHER)) for name in DIALECTS]
    offers = [
        [(flow.name, flow.input_schema) for item in plan.listeners for flow in item.flows] for plan in plans
    ]
    assert offers[0] == offers[1]
