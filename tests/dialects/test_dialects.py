"""One capability in every version of the language is one plan; shapes beside the dialects' own, and their holes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from capspec import registry
from capspec.errors import LoadError
from tests.dialects.loaded import Loaded, Upstream, load
from tests.dialects.writing import BY_NAME, DIALECTS, Dialect, written

VERSIONS = [(dialect, version) for dialect in DIALECTS for version in dialect.versions]

FLEET: dict[str, Any] = {
    "info": {"display": "Fleet", "description": "Ships.", "tags": ["sea"]},
    "binds": {"registry": {"keys": {"TOKEN": "PROVIDER_TOKEN"}}},
    "capability": {
        "consumes": {
            "registry": {
                "type": "http",
                "baseUri": "http://registry.test",
                "description": "Who owns what.",
                "authentication": {"type": "bearer", "token": "{{TOKEN}}"},
                "inputParameters": {"X-Version": {"in": "header", "value": "2"}},
                "resources": {
                    "ships": {
                        "path": "/ships",
                        "operations": {
                            "list": {"method": "GET", "inputParameters": {"flag": {"in": "query"}}},
                            "add": {"method": "POST", "body": {"type": "json", "data": {"name": "{{name}}"}}},
                        },
                    },
                    "ship": {
                        "path": "/ships/{{imo}}",
                        "operations": {
                            "get": {
                                "method": "GET",
                                "inputParameters": {"imo": {"in": "path"}},
                                "outputRawFormat": "json",
                                "outputParameters": {"owner": {"type": "string", "value": "$.deep.flag"}},
                            }
                        },
                    },
                },
            }
        },
        "exposes": {
            "rest": {
                "type": "rest",
                "port": 8080,
                "namespace": "api",
                "authentication": {"type": "apikey", "key": "X-Key", "value": "{{TOKEN}}"},
                "resources": {
                    "ships": {
                        "path": "/ships",
                        "display": "Ships",
                        "description": "All ships.",
                        "operations": {
                            "list-ships": {
                                "method": "GET",
                                "display": "List",
                                "description": "Lists them.",
                                "inputParameters": {
                                    "flag": {"in": "query", "type": "string", "description": "Where from."}
                                },
                                "call": "registry.list",
                                "with": {"flag": "api.flag"},
                                "outputParameters": [
                                    {
                                        "type": "array",
                                        "mapping": "$.list",
                                        "items": {
                                            "type": "object",
                                            "properties": {"code": {"type": "string", "mapping": "$.code"}},
                                        },
                                    }
                                ],
                            }
                        },
                    },
                    "rest": {"path": "/registry/{{path}}", "description": "Rest.", "forward": {"targetNamespace": "registry", "trustedHeaders": ["X-Trace"]}},
                },
            },
            "mcp": {
                "type": "mcp",
                "port": 8081,
                "namespace": "agent",
                "description": "About ships.",
                "tools": {
                    "get-ship": {
                        "description": "Gets one.",
                        "inputParameters": {"imo": {"type": "string", "description": "Which."}},
                        "steps": {
                            "ship": {"type": "call", "call": "registry.get", "with": {"imo": "agent.imo"}},
                            "all": {"type": "call", "call": "registry.list"},
                            "found": {
                                "type": "lookup",
                                "index": "all",
                                "match": "code",
                                "lookupValue": "x",
                                "outputParameters": ["n"],
                            },
                        },
                        "mappings": [{"target": "owner", "value": "$.ship.owner"}, {"target": "name", "value": "$.ship.name"}],
                        "outputParameters": {"owner": {"type": "string"}, "name": {"type": "string"}},
                    },
                    "add-ship": {
                        "description": "Adds one.",
                        "inputParameters": {"name": {"type": "string", "description": "Its name."}},
                        "call": "registry.add",
                        "outputParameters": [{"type": "string", "value": "done"}],
                    },
                },
            },
        },
    },
}  # fmt: skip


def facts(loaded: Loaded) -> dict[str, Any]:
    """What `inspect` and the descriptions of the interfaces say, without the dialect's name and where it stands."""
    seen = {
        key: value for key, value in loaded.inspected.items() if key not in ("dialect", "dialect_version")
    }
    binds = [{**bind, "description": ""} for bind in seen.pop("binds")]
    return {"inspected": seen, "binds": binds, "interface": loaded.interface, "tools": loaded.tools}


@pytest.fixture(scope="module")
def newest() -> Loaded:
    return load(written(FLEET, DIALECTS[-1]))


@pytest.mark.parametrize(("dialect", "version"), VERSIONS)
def test_one_capability_is_the_same_in_every_version(dialect: Dialect, version: str, newest: Loaded) -> None:
    found = load(written(FLEET, dialect, version))
    assert found.warnings == ()
    assert (found.capability.dialect, found.capability.version) == (dialect.root, version)
    assert facts(found) == facts(newest)


@pytest.mark.parametrize(("dialect", "version"), VERSIONS)
def test_one_capability_does_the_same_in_every_version(dialect: Dialect, version: str) -> None:
    found = load(written(FLEET, dialect, version))
    listed = found.ran("rest", "list-ships", flag="NL")
    assert listed.value == [{"code": "x"}, {"code": "y"}]
    assert listed.sent.url == "http://registry.test/ships?flag=NL"
    assert dict(listed.sent.headers)["X-Version"] == "2"
    assert "Bearer prov1der" in dict(listed.sent.headers).values()
    assert found.ran("mcp", "add-ship", name="Sloop").sent.body == b'{"name":"Sloop"}'
    got = found.ran("mcp", "get-ship", upstream=Ships(), imo="7")
    assert got.value == {"owner": "NL", "name": "Sloop"}


class Ships(Upstream):
    """Answers a list of ships where all are asked for."""

    async def send(self, request: Any) -> Any:
        ship = {"name": "Sloop", "deep": {"flag": "NL"}, "code": "x", "n": 1}
        self.content = json.dumps([ship] if request.url.endswith("/ships") else ship).encode()
        return await super().send(request)


# -- versions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3", '"0.2"'])
def test_a_dialect_from_before_0_4_is_refused_in_one_sentence_that_says_what_to_do(version: str) -> None:
    text = f"naftiko: {version}\ncapability: {{exposes: [{{port: 1, protocol: rest/json}}], consumes: [{{targetUri: x}}]}}\n"
    with pytest.raises(LoadError) as error:
        load(text)
    (problem,) = error.value.problems
    assert problem.code == "CAP150"
    assert problem.place is not None
    assert problem.place.line == 1
    plain = version.strip('"')
    assert f"'naftiko: {plain}' is not supported" in problem.message
    assert "0.4 or later" in problem.hint


@pytest.mark.parametrize(
    "root", ["naftiko: 9.9", "naftiko: 1.0.0-alpha5", "ikanos: 1.0.0-beta55", "ikanos: 0.2", 'capspec: "7"']
)
def test_a_version_that_nobody_knows_is_read_like_the_newest(root: str) -> None:
    text = written(FLEET, DIALECTS[-1]).split("\n", 1)[1]
    assert load(f"{root}\n{text}").warnings == ()


def test_a_version_may_be_a_number() -> None:
    text = written(FLEET, BY_NAME["0.5"]).replace("naftiko: '0.5'", "naftiko: 0.5")
    assert load(text).capability.version == "0.5"


# -- shapes that no schema has, and public files do -----------------------------------------------------------


def capability(consumed: str = "", tool: str = "call: up.get", rest: str = "", more: str = "") -> str:
    return f"""\
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /x
      operations: [{{name: get, method: GET{consumed}}}]
  exposes:
  - {{type: mcp, port: 1, namespace: m, tools: [{{name: t, description: d, {tool}}}]}}
  - {{type: rest, port: 2, namespace: r, resources: [{rest}]}}
{more}"""


def test_lists_and_maps_are_taken_in_every_dialect() -> None:
    lists, maps = written(FLEET, BY_NAME["alpha2"]), written(FLEET, BY_NAME["beta4"])
    swapped = load(maps.replace("ikanos: 1.0.0-beta4", "naftiko: 1.0.0-alpha2"))
    assert facts(swapped) == facts(load(lists))
    swapped = load(lists.replace("naftiko: 1.0.0-alpha2", "ikanos: 1.0.0-beta4"))
    assert facts(swapped) == facts(load(maps))


def test_entries_of_lists_without_a_name_get_one_from_their_method_and_path() -> None:
    found = load(capability(rest="{path: /a/b, operations: [{method: GET, call: up.get}]}"))
    assert [flow.name for flow in found.listener("rest").flows] == ["get-a/b"]
    assert found.interface["paths"]["/a/b"]["get"]["operationId"] == "get-a-b"


def test_a_call_may_be_an_object_with_its_arguments() -> None:
    text = capability(
        ", inputParameters: [{name: q, in: query}, {name: r, in: query}]",
        "call: {operation: up.get, with: {q: '1'}}, with: {q: '2', r: '3'}",
    )
    assert load(text).ran("mcp", "t").sent.url == "http://up.test/x?q=1&r=3"


@pytest.mark.parametrize("word", ["value", "const", "template"])
def test_a_constant_of_an_input_is_a_value_a_const_or_a_template(word: str) -> None:
    text = capability(f", inputParameters: [{{name: q, in: query, {word}: '1'}}]")
    assert load(text).ran("mcp", "t").sent.url == "http://up.test/x?q=1"


def test_the_value_of_an_input_counts_before_its_template() -> None:
    text = capability(", inputParameters: [{name: q, in: query, template: a, value: b}]")
    assert load(text).ran("mcp", "t").sent.url == "http://up.test/x?q=b"


@pytest.mark.parametrize("required", ["true", "false"])
def test_an_input_over_rest_may_say_whether_it_is_required(required: str) -> None:
    text = capability(
        rest=f"{{path: /a, operations: [{{method: GET, name: o, call: up.get, inputParameters: [{{name: q, in: query, type: string, required: {required}}}]}}]}}"
    )
    (found,) = load(text).interface["paths"]["/a"]["get"]["parameters"]
    assert found["required"] is (required == "true")


def test_the_items_of_an_array_are_an_object_or_a_list_of_one() -> None:
    item = "{type: string, mapping: $.code}"
    views = [
        load(
            capability(
                tool=f"call: up.get, outputParameters: [{{type: array, mapping: $.list, items: {items}}}]"
            )
        )
        .ran("mcp", "t")
        .value
        for items in (item, f"[{item}]")
    ]
    assert views == [["x", "y"], ["x", "y"]]


@pytest.mark.parametrize("word", ["XML", "Xml", "xml", "Protobuf", "PROTOBUF"])
def test_a_format_may_be_written_in_capitals(word: str) -> None:
    found = load(capability(f", outputRawFormat: {word}, outputSchema: none.proto"))
    codec = registry.canonical("codec", word)
    assert codec == word.lower()
    assert not [problem for problem in found.warnings if "is not a known" in problem.message]


def test_a_consumed_path_needs_no_slash() -> None:
    assert load(capability().replace("path: /x", "path: x")).ran("mcp", "t").sent.url == "http://up.test/x"


@pytest.mark.parametrize("text", [
    "capspec: '1'\ncapability: {consumes: []}\n",
    "capspec: '1'\ncapability: {consumes: [{namespace: up, baseUri: http://up.test, resources: []}]}\n",
    "capspec: '1'\ncapability: {consumes: [{namespace: up, baseUri: http://up.test, resources: [{path: /x, operations: []}]}]}\n",
])  # fmt: skip
def test_collections_may_be_empty(text: str) -> None:
    assert load(text).warnings == ()


def test_port_zero_is_any_free_port() -> None:
    assert load(capability().replace("port: 1", "port: 0")).listener("mcp").port == 0


@pytest.mark.parametrize("name", ["", "name: , ", "name: '', "])
def test_a_tool_without_a_name_is_left_out_with_a_warning(name: str) -> None:
    found = load(capability().replace("name: t, ", name))
    assert found.listener("mcp").flows == ()
    (warning,) = found.warnings
    assert "no name" in warning.message


@pytest.mark.parametrize("path", ["/x/{{p}}", "/x/{p}", "/x/{{ p }}"])
def test_exposed_and_consumed_paths_have_placeholders_in_both_spellings(path: str) -> None:
    text = capability(
        tool="call: up.get", rest=f"{{path: '{path}', operations: [{{method: GET, name: o, call: up.get}}]}}"
    ).replace("path: /x\n", f"path: '{path}'\n")
    found = load(text)
    assert list(found.interface["paths"]) == ["/x/{p}"]
    assert found.ran("rest", "o", p="1").sent.url == "http://up.test/x/1"


def test_properties_may_be_a_list_of_maps_with_one_key_each() -> None:
    text = capability(
        tool="outputParameters: [{name: it, type: object, properties: [{a: {type: string, value: x}}, {name: b, type: string, value: y}]}]"
    )
    assert load(text).ran("mcp", "t").value == {"it": {"a": "x", "b": "y"}}


def test_a_file_needs_no_info() -> None:
    assert load(capability()).warnings == ()


# -- holes of the schemas -------------------------------------------------------------------------------------


def messages(loaded: Loaded) -> list[str]:
    return [problem.message for problem in loaded.warnings]


def test_outputs_over_rest_may_be_a_map_and_what_is_in_it_is_checked() -> None:
    rest = "{path: /a, operations: [{method: GET, name: o, call: up.get, outputParameters: {n: {type: string, maping: $.name}}}]}"
    (message,) = messages(load(capability(rest=rest)))
    assert "'maping' is not known in an output parameter" in message
    assert load(capability(rest=rest.replace("maping", "mapping"))).ran("rest", "o").value == {"n": "Sloop"}


def test_an_object_that_says_nothing_is_the_whole_object() -> None:
    whole = load(capability(tool="call: up.get, outputParameters: [{type: object}]")).ran("mcp", "t").value
    assert whole["name"] == "Sloop"
    inner = load(
        capability(
            tool="call: up.get, outputParameters: [{type: object, properties: {deep: {type: object}}}]"
        )
    )
    assert inner.ran("mcp", "t").value == {"deep": {"flag": "NL", "more": {"x": 1}}}


def test_a_ref_beside_a_call_is_warned_of() -> None:
    more = "  aggregates: [{label: A, namespace: a, functions: [{name: f, description: d, call: up.get}]}]\n"
    (message,) = messages(load(capability(tool="call: up.get, ref: a.f", more=more)))
    assert "'ref' counts" in message


def test_arguments_may_be_booleans_lists_and_objects() -> None:
    text = capability(
        ", body: {type: json, data: {a: '{{a}}', b: '{{b}}', c: '{{c}}'}}",
        "call: up.get, with: {a: true, b: [1], c: {d: null}}",
    ).replace("method: GET,", "method: POST,", 1)
    body = load(text).ran("mcp", "t").sent.body
    assert isinstance(body, bytes)
    assert json.loads(body) == {"a": True, "b": [1], "c": {"d": None}}


@pytest.mark.parametrize(("kind", "lacking"), [
    ("bearer", "token"), ("basic", "username"), ("digest", "username"), ("apikey", "key"), ("oauth2", "clientId"),
])  # fmt: skip
def test_credentials_that_say_no_more_than_their_type_stop_the_calls(kind: str, lacking: str) -> None:
    text = capability().replace(
        "    resources:\n",
        f"    authentication: {{type: {kind}, tokenEndpoint: 'https://as.test'}}\n    resources:\n".replace(
            ", tokenEndpoint: 'https://as.test'" if kind != "oauth2" else "!", ""
        ),
        1,
    )
    found = load(text)
    assert any("cannot be called" in message for message in messages(found))
    assert any(lacking in f"{problem.message} {problem.hint}" for problem in found.warnings)
    assert found.ran("mcp", "t").requests == ()


def test_oauth2_on_a_consumed_api_never_calls_without_a_token() -> None:
    block = "{type: oauth2, authorizationServerUri: 'https://as.test', resource: 'https://me.test'}"
    found = load(
        capability().replace("    resources:\n", f"    authentication: {block}\n    resources:\n", 1)
    )
    assert any("'up' cannot be called" in message for message in messages(found))
    assert found.ran("mcp", "t").requests == ()


def test_a_path_parameter_that_is_not_in_the_path_is_warned_of() -> None:
    (message,) = messages(load(capability(", inputParameters: [{name: q, in: path}]")))
    assert "'q' is not in the path '/x'" in message


def test_two_steps_of_one_name_are_warned_of() -> None:
    steps = "steps: [{name: a, type: call, call: up.get}, {name: a, type: call, call: up.get}]"
    assert any("two steps 'a'" in message for message in messages(load(capability(tool=steps))))


@pytest.mark.parametrize(("text", "kind"), [
    (capability(", inputParameters: [{name: q, in: query, value: a}, {name: q, in: query, value: b}]"), "input"),
    (capability(tool="call: up.get, outputParameters: [{name: q, type: string, mapping: $.id}, {name: q, type: string, mapping: $.name}]"), "output"),
])  # fmt: skip
def test_of_two_parameters_of_one_name_the_last_counts_and_the_first_is_warned_of(
    text: str, kind: str
) -> None:
    found = load(text)
    (warning,) = found.warnings
    assert warning.code == "CAP152"
    assert f"two {kind} parameters are called 'q'" in warning.message
    ran = found.ran("mcp", "t")
    assert (ran.sent.url, ran.value) in [
        ("http://up.test/x?q=b", ran.value),
        ("http://up.test/x", {"q": "Sloop"}),
    ]


def test_parameters_of_one_name_in_two_places_are_two() -> None:
    found = load(
        capability(", inputParameters: [{name: q, in: query, value: a}, {name: q, in: header, value: b}]")
    )
    assert found.warnings == ()
    sent = found.ran("mcp", "t").sent
    assert (sent.url, dict(sent.headers)["q"]) == ("http://up.test/x?q=a", "b")


def test_a_control_adapter_listens_on_the_machine_itself() -> None:
    found = load(capability(more="  - {type: control, port: 9}\n"))
    assert found.listener("control").address == "127.0.0.1"


# -- details of one shape for all -----------------------------------------------------------------------------


@pytest.mark.parametrize(("tool", "value"), [
    ("call: up.get, outputParameters: [{type: string, mapping: $.name}]", "Sloop"),
    ("call: up.get, outputParameters: {n: {type: string, mapping: $.name}}", {"n": "Sloop"}),
    ("steps: [{name: s, type: call, call: up.get}], mappings: [{target: n, value: $.s.name}], outputParameters: {n: {type: string}}", {"n": "Sloop"}),
    ("outputParameters: {n: {type: string, value: still}}", {"n": "still"}),
])  # fmt: skip
def test_what_a_flow_does_decides_what_its_outputs_mean(tool: str, value: Any) -> None:
    assert load(capability(tool=tool)).ran("mcp", "t").value == value


@pytest.mark.parametrize(("output", "value"), [
    ("{name: n, type: string, value: $.name}", {"n": "Sloop"}),
    ("{name: n, type: string, value: 'Hi'}", {"n": "Hi"}),
    ("{type: object, properties: {n: {type: string, value: 'Hi'}}}", {"n": "Hi"}),
])  # fmt: skip
def test_a_value_that_begins_with_a_dollar_is_a_path_and_any_other_is_itself(output: str, value: Any) -> None:
    assert load(capability(tool=f"call: up.get, outputParameters: [{output}]")).ran("mcp", "t").value == value


def test_named_items_are_the_fields_of_an_element() -> None:
    tool = "call: up.get, outputParameters: [{{name: l, type: array, value: $.list, items: {items}}}]"
    for items in (
        "[{name: code, type: string}, {name: n, type: number}]",
        "{code: {type: string}, n: {type: number}}",
    ):
        value = load(capability(tool=tool.format(items=items))).ran("mcp", "t").value
        assert value == {"l": [{"code": "x", "n": 1}, {"code": "y", "n": 2}]}


@pytest.mark.parametrize(
    ("constant", "value"), [("5", 5), ("true", True), ("[1, 2]", [1, 2]), ("{a: 1}", {"a": 1}), ("'5'", "5")]
)
def test_a_const_keeps_the_type_that_it_is_written_with(constant: str, value: Any) -> None:
    tool = f"call: up.get, outputParameters: [{{const: {constant}}}]"
    assert load(capability(tool=tool)).ran("mcp", "t").value == value


@pytest.mark.parametrize(("old", "new"), [
    ("label: Title", "display: Title"),
])  # fmt: skip
def test_old_and_new_words_mean_the_same(old: str, new: str) -> None:
    prompt = "{{name: p, {word}, description: d, template: hi, arguments: [{{name: a, {word}}}]}}"
    found = []
    for word in (old, new):
        text = capability(
            tool=f"call: up.get, {word}",
            rest=f"{{path: /a, {word}, operations: [{{name: o, {word}, method: GET, call: up.get}}]}}",
        )
        text = text.replace("namespace: m, ", f"namespace: m, prompts: [{prompt.format(word=word)}], ")
        loaded = load(text.replace("capability:\n", f"info: {{{word}}}\ncapability:\n", 1))
        found.append((facts(loaded), loaded.prompts))
    assert found[0] == found[1]
    assert "Title" in json.dumps(found[0][0]["tools"])


def test_location_and_from_name_the_file_of_an_import(tmp_path: Path) -> None:
    shared = capability()
    (tmp_path / "shared.yaml").write_text(shared)
    for word in ("location", "from"):
        text = capability(more="").replace(
            "  consumes:\n", f"  consumes:\n  - {{{word}: ./shared.yaml, import: up, as: other}}\n", 1
        )
        assert "other.get" in load(text, tmp_path).plan.operations


def test_inputs_of_tools_and_functions_and_arguments_of_prompts_are_required_and_those_over_rest_are_not() -> (
    None
):
    inputs = "inputParameters: [{name: q, in: query, type: string, description: d}]"
    text = capability(
        tool=f"call: up.get, {inputs}",
        rest=f"{{path: '/a/{{{{p}}}}', operations: [{{name: o, method: GET, call: up.get, {inputs.replace('[', '[{name: p, in: path, type: string}, ')}}}]}}",
    )
    text = text.replace(
        "namespace: m, ", "namespace: m, prompts: [{name: p, template: hi, arguments: [{name: a}]}], "
    )
    found = load(text.replace("method: GET", "method: GET, inputParameters: [{name: q, in: query}]", 1))
    assert found.tools["t"]["inputSchema"]["required"] == ["q"]
    assert found.prompts["p"]["arguments"][0]["required"] is True
    parameters = found.interface["paths"]["/a/{p}"]["get"]["parameters"]
    assert {item["name"]: item["required"] for item in parameters} == {"p": True, "q": False}


def test_a_name_that_is_written_counts_before_one_that_is_made_up() -> None:
    rest = "{path: /a, operations: [{method: GET, call: up.get}, {method: PUT, name: mine, call: up.get}, {method: POST, operationId: theirs, call: up.get}]}"
    assert [flow.name for flow in load(capability(rest=rest)).listener("rest").flows] == [
        "get-a",
        "mine",
        "theirs",
    ]


def test_a_placeholder_that_is_called_path_takes_the_rest_of_the_path() -> None:
    found = load(capability(rest="{path: '/a/{{path}}', forward: {targetNamespace: up}}"))
    (forward,) = found.listener("rest").forwards
    assert forward.takes_rest


def test_dates_and_versions_stay_texts_and_ports_may_be_texts() -> None:
    text = capability().replace(
        "capability:\n", "info: {label: L, created: 2026-01-02, version: 1.10}\ncapability:\n", 1
    )
    found = load(text.replace("port: 1,", "port: '1234',"))
    assert found.capability.info.created == "2026-01-02"
    assert found.plan.version == "1.10"
    assert found.listener("mcp").port == 1234


def test_an_unknown_key_is_warned_of_with_the_one_that_may_be_meant_but_not_where_any_key_may_be() -> None:
    (warning,) = load(capability(", outputRawFromat: json")).warnings
    assert "'outputRawFromat' is not known in a consumed operation" in warning.message
    assert "outputRawFormat" in warning.hint
    free = capability().replace(
        "capability:\n", "info: {label: L, labels: {anything: goes}}\nx-own: anything\ncapability:\n", 1
    )
    assert load(free).warnings == ()
