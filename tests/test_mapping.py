"""What callers get of an answer: declared outputs, read from documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from capspec import document
from capspec.errors import MappingError, Place, Problem
from capspec.mapping import Mode, Output, compile_outputs
from capspec.model import OutputSpec
from capspec.model.parameters import parse_outputs
from capspec.node import Node, Report
from capspec.values import MISSING

HERE = Place("capability.yaml", 1, 1)


def compiled(text: str, mode: Mode = "call") -> tuple[Output, tuple[Problem, ...]]:
    """The output that the YAML of `outputParameters` describes, and the problems that were found."""
    node = Node.root(document.parse(f"outputParameters:\n{text}", "capability.yaml"))
    specs = parse_outputs(node)
    assert not node.report.problems
    report = Report()
    return compile_outputs(specs, mode=mode, report=report), report.problems


def output(text: str, mode: Mode = "call") -> Output:
    found, problems = compiled(text, mode)
    assert not problems
    if found.schema is not None:
        Draft202012Validator.check_schema(found.schema)
    return found


def read(text: str, data: Any, mode: Mode = "call", **scope: Any) -> Any:
    found = output(text, mode)
    value = found.read(data, scope)
    if found.schema is not None:
        Draft202012Validator(found.schema).validate(value)
    return value


# -- the whole document -----------------------------------------------------------------------------------

WHOLE = [
    "  []",
    "  - {type: object, mapping: $.}",
    "  - {type: object, mapping: $}",
    "  - {type: object}",
    "  - {type: array, mapping: $.}",
    "  - {type: array, mapping: $., items: {type: object}}",
    "  - {mapping: $.}",
    "  - {type: object, value: $.}",
    "  - {type: object, mapping: $.}\n  - {type: array, mapping: $.}",
]


@pytest.mark.parametrize("text", WHOLE)
@pytest.mark.parametrize("data", [{"a": 1}, [1], "text", 7, None])
def test_outputs_that_only_say_everything_give_the_document_whatever_it_is(text: str, data: Any) -> None:
    found = output(text)

    assert found.identity
    assert found.schema is None
    assert found.read(data, {}) is data


@pytest.mark.parametrize(
    "text",
    [
        "  - {type: array, mapping: $., items: {type: string}}",
        "  - {type: object, mapping: $., properties: {a: {type: string}}}",
        "  - {type: object, mapping: $.data}",
        "  - {name: result, type: object, mapping: $.}",
    ],
)
def test_outputs_that_shape_the_document_are_not_the_document(text: str) -> None:
    assert not output(text).identity


# -- how outputs combine ----------------------------------------------------------------------------------


def test_a_single_unnamed_output_is_the_value_itself() -> None:
    assert read("  - {type: string, mapping: $.reply}", {"reply": "ok"}) == "ok"


def test_the_first_of_several_unnamed_outputs_that_is_not_null_counts() -> None:
    text = "  - {type: string, mapping: $.a}\n  - {type: string, mapping: $.b}"

    assert read(text, {"b": "x"}) == "x"
    assert read(text, {"a": None, "b": "x"}) == "x"
    assert read(text, {"c": "x"}) is None


def test_named_outputs_make_one_object() -> None:
    text = "  - {name: a, type: string, mapping: $.a}\n  - {name: b, type: number, mapping: $.deep.b}"

    assert read(text, {"a": "x", "deep": {"b": 2}}) == {"a": "x", "b": 2}


def test_named_outputs_can_be_written_as_a_map() -> None:
    assert read("  a: {type: string, mapping: $.x}", {"x": "1"}) == {"a": "1"}


def test_unnamed_outputs_beside_named_ones_have_no_effect() -> None:
    text = "  - {type: string, mapping: $.a}\n  - {name: b, type: string, mapping: $.b}"

    assert read(text, {"a": "x", "b": "y"}) == {"b": "y"}


def test_the_whole_document_can_be_named() -> None:
    assert read("  - {name: result, type: object, mapping: $.}", [1, 2]) == {"result": [1, 2]}


def test_named_outputs_without_a_mapping_are_the_members_of_that_name() -> None:
    text = """
  - {name: imo, type: string}
  - {name: tonnage, type: number}
  - name: route
    type: object
    properties: {from: {type: string}, to: {type: string}}
  - {name: crew, type: array, items: [{name: fullName, type: string}, {name: role, type: string}]}
"""
    data = {
        "imo": "IMO-1",
        "tonnage": 42000,
        "route": {"from": "Oslo", "to": "Singapore", "via": "Suez"},
        "crew": [{"fullName": "Aiko Tanaka", "role": "cook", "id": 3}],
    }

    assert read(text, data, "steps") == {
        "imo": "IMO-1",
        "tonnage": 42000,
        "route": {"from": "Oslo", "to": "Singapore"},
        "crew": [{"fullName": "Aiko Tanaka", "role": "cook"}],
    }


def test_a_path_as_the_value_of_an_output_is_a_mapping() -> None:
    text = '  - {name: id, type: string, value: $.id}\n  - {name: url, type: string, value: "{{$.links[0]}}"}'

    assert read(text, {"id": "a", "links": ["u"]}) == {"id": "a", "url": "u"}


# -- objects ----------------------------------------------------------------------------------------------

SHIP = """
  - type: object
    properties:
      imo: {type: string, mapping: $.imo_number}
      specs:
        type: object
        properties:
          built: {type: number, mapping: $.year_built}
          length: {type: number, mapping: $.dimensions.length_overall}
"""


def test_an_object_without_a_mapping_shapes_the_document_around_it() -> None:
    data = {"imo_number": "IMO-1", "year_built": 2015, "dimensions": {"length_overall": 229}}

    assert read(SHIP, data) == {"imo": "IMO-1", "specs": {"built": 2015, "length": 229}}


@pytest.mark.parametrize("data", [{}, [], None, "text", {"dimensions": None}])
def test_what_the_document_lacks_is_null_and_objects_are_there_all_the_same(data: Any) -> None:
    assert read(SHIP, data) == {"imo": None, "specs": {"built": None, "length": None}}


CURRENT = """
  - type: object
    mapping: $.current
    properties:
      temperature: {type: number, mapping: %s}
      wind: {type: object, mapping: $.wind, properties: {speed: {type: number, mapping: $.speed}}}
"""


def test_properties_are_relative_to_the_mapping_of_their_object() -> None:
    data = {"temperature_2m": 0, "speed": 0, "current": {"temperature_2m": 21.5, "wind": {"speed": 3}}}

    assert read(CURRENT % "$.temperature_2m", data) == {"temperature": 21.5, "wind": {"speed": 3}}


def test_a_property_path_that_repeats_the_mapping_of_its_object_is_understood() -> None:
    assert read(CURRENT % "$.current.temp", {"current": {"temp": 21.5}})["temperature"] == 21.5
    assert read(CURRENT % "$.current.temp", {"current": {"current": {"temp": 5}}})["temperature"] == 5
    assert read(CURRENT % "$.currents.temp", {"current": {"s": {"temp": 5}}})["temperature"] is None


def test_a_member_that_a_mapped_object_lacks_is_not_taken_from_around_it() -> None:
    text = """
  - name: owner
    type: object
    mapping: $.owner
    properties: {id: {type: integer, mapping: $.id}, name: {type: string, mapping: $.name}}
"""
    repository = {"id": 1, "name": "the repository"}

    assert read(text, repository | {"owner": {"id": 5}}) == {"owner": {"id": 5, "name": None}}
    assert read(text, repository | {"owner": None}) == {"owner": {"id": None, "name": None}}


def test_values_shape_every_value_of_a_dictionary() -> None:
    text = "  - {type: object, mapping: $.rates, values: {type: number, mapping: $.mid}}"

    assert read(text, {"rates": {"EUR": {"mid": "1.5"}, "NOK": {}}}) == {"EUR": 1.5, "NOK": None}
    assert read(text, {"rates": [1]}) is None
    assert read(text, {}) is None


def test_properties_beside_values_keep_their_own_shape() -> None:
    text = "  - {name: all, type: object, properties: {count: {type: integer}}, values: {type: string}}"

    assert read(text, {"all": {"count": "3", "a": 1}}) == {"all": {"count": 3, "a": "1"}}


def test_an_object_without_properties_is_given_as_it_is() -> None:
    text = "  - {type: object, mapping: $.data}"

    assert read(text, {"data": {"a": [1]}}) == {"a": [1]}
    assert read(text, {"data": [1]}) == [1]
    assert output(text).schema is None


# -- lists ------------------------------------------------------------------------------------------------


def test_elements_are_shaped_relative_to_themselves() -> None:
    text = """
  - type: array
    mapping: $.results
    items:
      type: object
      properties:
        id: {type: string, mapping: $.key}
        tags: {type: array, mapping: $.labels, items: {type: string, mapping: $.text}}
        first: {type: object, mapping: "$.labels[0]", properties: {text: {type: string, mapping: $.text}}}
"""
    data = {"key": "no", "results": [{"key": 1, "labels": [{"text": "a"}, {"text": "b"}]}, {}]}

    assert read(text, data) == [
        {"id": "1", "tags": ["a", "b"], "first": {"text": "a"}},
        {"id": None, "tags": None, "first": {"text": None}},
    ]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("", [{"n": 1}, {"n": 2}]),
        (", items: {type: object}", [{"n": 1}, {"n": 2}]),
        (", items: {type: number, mapping: $.n}", [1, 2]),
        (", items: {type: string, mapping: $.n}", ["1", "2"]),
        (
            ", items: [{type: object, properties: {n: {type: string, mapping: $.n}}}]",
            [{"n": "1"}, {"n": "2"}],
        ),
        (", properties: {n: {type: string, mapping: $.n}}", [{"n": "1"}, {"n": "2"}]),
    ],
)
def test_items_say_what_becomes_of_each_element(items: str, expected: Any) -> None:
    assert read(f"  - {{type: array, mapping: $.rows{items}}}", {"rows": [{"n": 1}, {"n": 2}]}) == expected


def test_items_of_the_root_are_the_elements_themselves() -> None:
    text = "  - {type: array, mapping: $.ids, items: {type: string, mapping: $.}}"

    assert read(text, {"ids": ["a", 2]}) == ["a", "2"]


def test_a_single_value_where_a_list_is_declared_is_a_list_of_one() -> None:
    text = "  - {type: array, mapping: $.v.i, items: {type: string}}"

    assert read(text, {"v": {"i": "1"}}) == ["1"]
    assert read("  - {type: array, mapping: $.vessel}", {"vessel": {"code": "L"}}) == [{"code": "L"}]


@pytest.mark.parametrize("data", [{}, {"rows": None}, [], None])
def test_a_missing_list_is_null_and_not_the_document(data: Any) -> None:
    assert read("  - {type: array, mapping: $.rows}", data) is None


def test_an_empty_list_stays_a_list() -> None:
    assert read("  - {type: array, mapping: $.rows, items: {type: string}}", {"rows": []}) == []


def test_a_wildcard_over_something_missing_is_null() -> None:
    assert read('  - {type: array, mapping: "$.a.b[*].x"}', {"a": {}}) is None


# -- types ------------------------------------------------------------------------------------------------

CONVERTED = [
    ("number", "42", 42),
    ("number", "42.50", 42.5),
    ("number", " -1e3 ", -1000.0),
    ("number", 0.1, 0.1),
    ("integer", "42", 42),
    ("integer", 3.0, 3),
    ("integer", "3.0", 3),
    ("integer", 1e300, 1e300),
    ("string", 42, "42"),
    ("string", 12.5, "12.5"),
    ("string", True, "true"),
    ("String", 1, "1"),
    ("boolean", "true", True),
    ("boolean", "False", False),
    ("boolean", 1, True),
    ("boolean", "0", False),
]
KEPT = [
    ("number", "n/a"),
    ("number", ""),
    ("number", "007"),
    ("number", "-0"),
    ("number", "1e400"),
    ("number", "1e999"),
    ("number", "0.1000000000000000055"),
    ("number", "1,234"),
    ("number", "NaN"),
    ("number", "٤٢"),
    ("number", "9" * 5000),
    ("integer", "12.5"),
    ("boolean", "yes"),
    ("string", "42"),
    ("", "42"),
    ("", 42),
    ("", {"a": 1}),
]
AS_TEXT = [
    ("number", True, "true"),
    ("number", {"a": [1]}, '{"a":[1]}'),
    ("integer", 12.5, "12.5"),
    ("boolean", 2, "2"),
    ("boolean", [], "[]"),
    ("string", {"å": None}, '{"å":null}'),
]


def typed(kind: str, value: Any) -> Any:
    """The value of a property of that type; compared with its type, because 1 == True == 1.0."""
    found = read(f"  - {{name: x, type: '{kind}', mapping: $.v}}", {"v": value})["x"]
    return type(found), found


@pytest.mark.parametrize(("kind", "value", "expected"), CONVERTED)
def test_a_scalar_becomes_its_declared_type_where_that_loses_nothing(
    kind: str, value: Any, expected: Any
) -> None:
    assert typed(kind, value) == (type(expected), expected)


@pytest.mark.parametrize(("kind", "value"), KEPT)
def test_a_value_that_would_lose_something_is_kept(kind: str, value: Any) -> None:
    assert typed(kind, value) == (type(value), value)


@pytest.mark.parametrize(("kind", "value", "expected"), AS_TEXT)
def test_a_value_of_quite_another_type_is_kept_as_text(kind: str, value: Any, expected: str) -> None:
    assert typed(kind, value) == (str, expected)


@pytest.mark.parametrize("kind", ["string", "number", "integer", "boolean", ""])
def test_null_stays_null_in_every_type(kind: str) -> None:
    assert typed(kind, None) == (type(None), None)


def test_a_scalar_that_maps_the_whole_document_leaves_objects_and_lists_alone() -> None:
    found = output("  - {type: string, mapping: $.}")

    assert found.schema is None
    assert found.read({"a": 1}, {}) == {"a": 1}
    assert found.read(7, {}) == "7"


def test_text_is_cut_at_its_longest_length() -> None:
    text = "  - {name: x, type: string, mapping: $.v, maxLength: 3}"

    assert read(text, {"v": "abcdef"}) == {"x": "abc"}
    assert read(text, {"v": 12345}) == {"x": "123"}
    assert read(text, {"v": None}) == {"x": None}
    assert read("  - {name: x, mapping: $.v, maxLength: 3}", {"v": ["abcdef"]}) == {"x": ["abcdef"]}
    assert read("  - {name: x, type: string, mapping: $.v, maxLength: -1}", {"v": "abc"}) == {"x": "abc"}


# -- values of the file -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("type: number, value: '42'", 42),
        ("type: string, value: '42'", "42"),
        ("type: string, const: 42", "42"),
        ("type: boolean, const: true", True),
        ("type: string, value: $5 off", "$5 off"),
        ("type: object, const: {a: [1]}", {"a": [1]}),
        ("type: array, value: '[\"a\", 1]'", ["a", 1]),
        ("type: object, value: '{not json'", "{not json"),
        ("type: array, value: '{}'", ["{}"]),
        ("type: string, value: null", None),
        ("type: string, value: static, mapping: $.v", "static"),
    ],
)
def test_a_value_is_a_literal_of_the_declared_type(entry: str, expected: Any) -> None:
    found = read(f"  - {{name: x, {entry}}}", {"v": "no"})["x"]

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("type: string, value: 'Hello, {{name}}!'", "Hello, Ada!"),
        ("type: string, value: '{{name}}'", "Ada"),
        ("type: number, value: '{{count}}'", 3),
        ("type: string, value: '{{count}}'", "3"),
        ("type: array, value: '{{ids}}'", ["a"]),
        (
            "type: array, value: '{{ids}}', items: {type: object, properties: {id: {mapping: $}}}",
            [{"id": "a"}],
        ),
        ("type: string, value: '{{nobody}}'", None),
        ("type: string, value: 'a{{nobody}}b'", "ab"),
        ("type: object, value: {who: '{{name}}', no: '{{nobody}}'}", {"who": "Ada"}),
        ("type: object, value: {who: '{{name}}'}, properties: {who: {type: string}}", {"who": "Ada"}),
    ],
)
def test_names_in_a_value_are_those_of_the_call(entry: str, expected: Any) -> None:
    scope: dict[str, Any] = {"name": "Ada", "count": "3", "ids": ["a"]}

    assert read(f"  - {{name: x, {entry}}}", {"name": "no"}, **scope) == {"x": expected}


def test_a_template_in_an_argument_is_not_a_template() -> None:
    assert read("  - {name: x, value: '{{a}}'}", {}, a="{{b}}", b="no") == {"x": "{{b}}"}


def test_the_values_of_properties_are_never_paths() -> None:
    text = "  - {type: object, properties: {price: {type: string, value: $.5}}}"

    assert read(text, {"5": "no"}) == {"price": "$.5"}


def test_elements_can_have_constant_properties() -> None:
    properties = "{kind: {value: ship}, id: {mapping: $.id}}"
    text = f"  - {{type: array, mapping: $.r, items: {{type: object, properties: {properties}}}}}"

    assert read(text, {"r": [{"id": 1}]}) == [{"kind": "ship", "id": 1}]


# -- mocks ------------------------------------------------------------------------------------------------


def test_a_mock_gives_the_values_of_the_file_in_their_types() -> None:
    text = """
  imo: {type: string, value: "{{imo_number}}"}
  tonnage: {type: number, value: "42"}
  active: {type: boolean, value: "true"}
  path: {type: string, value: $.x}
"""
    assert read(text, None, "mock", imo_number="IMO-1") == {
        "imo": "IMO-1",
        "tonnage": 42,
        "active": True,
        "path": "$.x",
    }


def test_a_mock_leaves_out_what_has_no_value() -> None:
    text = """
  a: {type: string, mapping: $.a}
  b: {type: object, properties: {c: {type: string}, d: {type: string, value: x}}}
  e: {type: object, properties: {f: {type: string}}}
"""
    assert read(text, None, "mock") == {"b": {"d": "x"}}
    assert read("  []", None, "mock") == {}


def test_a_mocked_list_has_one_element() -> None:
    text = """
  crew: {type: array, items: {type: object, properties: {name: {type: string, value: "{{who}}"}}}}
  roles: {type: array, items: {type: string, value: cook}}
  ids: {type: array, properties: {id: {type: integer, value: "1"}}}
"""
    assert read(text, None, "mock", who="Ada") == {
        "crew": [{"name": "Ada"}],
        "roles": ["cook"],
        "ids": [{"id": 1}],
    }


def test_an_unnamed_mock_is_the_value_itself() -> None:
    assert read("  - {type: string, value: Hello}", None, "mock") == "Hello"


# -- schemas ----------------------------------------------------------------------------------------------


def test_the_schema_says_what_is_declared_and_what_may_be_null() -> None:
    text = """
  - {name: imo, type: string, description: The IMO number., mapping: $.imo}
  - {name: built, type: integer, mapping: $.y, maxLength: 9}
  - {name: flags, type: array, mapping: $.f, items: {type: boolean}}
  - {name: raw, type: object, description: All of it., mapping: $.}
  - {name: rates, type: object, mapping: $.r, values: {type: number}}
  - {name: source, type: string, value: registry}
"""
    assert output(text).schema == {
        "type": "object",
        "properties": {
            "imo": {"type": ["string", "null"], "description": "The IMO number."},
            "built": {"type": ["integer", "string", "null"], "maxLength": 9},
            "flags": {"type": ["array", "null"], "items": {"type": ["boolean", "string", "null"]}},
            "raw": {"description": "All of it."},
            "rates": {
                "type": ["object", "null"],
                "additionalProperties": {"type": ["number", "string", "null"]},
            },
            "source": {"type": "string"},
        },
        "required": ["imo", "built", "flags", "raw", "rates", "source"],
    }


def test_a_schema_is_unknown_when_one_of_several_unnamed_outputs_is() -> None:
    known = "  - {type: string, mapping: $.a}\n"

    assert output(known + "  - {type: object, mapping: $.b}").schema is None
    assert output(known + "  - {type: number, mapping: $.b}").schema == {
        "anyOf": [{"type": ["string", "null"]}, {"type": ["number", "string", "null"]}, {"type": "null"}]
    }


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "1", "1.5", "true"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
MAPPINGS = st.sampled_from(
    ["", "$", "$.", "$.a", "$.a.b", "$.a[0]", "$.a[*]", "$..b", "$[0]", "b", "$.a.length()"]
)
VALUES = st.just(MISSING) | st.sampled_from(
    ["x", "1", "$.a", "{{a}}", "{{a}}-{{b}}", '["a"]', {"a": "{{b}}"}, 1, None]
)


def spec(**given: Any) -> OutputSpec:
    fields = {"name": "", "type": "", "description": "", "mapping": "", "value": MISSING, "properties": ()}
    return OutputSpec(**{**fields, "items": None, "values": None, "max_length": None, "place": HERE, **given})


def specs(inner: st.SearchStrategy[OutputSpec]) -> st.SearchStrategy[OutputSpec]:
    return st.builds(
        spec,
        name=st.sampled_from(["", "a", "b", "c"]),
        type=st.sampled_from(["", "string", "number", "integer", "boolean", "object", "array", "blob"]),
        description=st.sampled_from(["", "About it."]),
        mapping=MAPPINGS,
        value=VALUES,
        properties=st.lists(inner, max_size=3).map(tuple),
        items=st.none() | inner,
        values=st.none() | inner,
        max_length=st.none() | st.integers(-1, 3),
    )


SPECS = st.recursive(st.builds(spec), specs, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(
    outputs=st.lists(SPECS, max_size=3),
    data=JSON,
    scope=st.dictionaries(st.sampled_from("ab"), JSON, max_size=2),
    mode=st.sampled_from(["call", "steps", "mock"]),
)
def test_every_value_that_is_read_fits_the_schema(
    outputs: list[OutputSpec], data: Any, scope: dict[str, Any], mode: Mode
) -> None:
    found = compile_outputs(outputs, mode=mode, report=Report())
    value = found.read(data, scope)

    json.dumps(value)
    if found.schema is not None:
        Draft202012Validator.check_schema(found.schema)
        Draft202012Validator(found.schema).validate(value)


# -- what is wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["mapping: '$.a['", "type: array, mapping: $.a, items: {mapping: '$.['}"])
def test_a_bad_path_is_reported_at_its_place(entry: str) -> None:
    found, (problem,) = compiled(f"  - {{type: string, mapping: $.b}}\n  - {{{entry}}}")

    assert (problem.code, problem.severity) == ("CAP330", "error")
    assert "is not a JSONPath" in problem.message
    assert problem.place is not None
    assert problem.place.line == 3
    assert found.read({"a": 1}, {}) in (None, [None])


@pytest.mark.parametrize("value", ["'{{a'", "{b: ['{{ }}']}"])
def test_a_bad_template_is_reported_at_its_place(value: str) -> None:
    found, (problem,) = compiled(f"  - {{name: x, value: {value}}}")

    assert (problem.code, problem.place) == ("CAP331", Place("capability.yaml", 2, 5))
    assert "is not a template" in problem.message
    assert found.read({}, {}) == {"x": None}


def test_an_unknown_type_is_a_warning_and_changes_no_value() -> None:
    found, (problem,) = compiled("  - {name: x, type: strng, mapping: $.v}")

    assert (problem.code, problem.severity) == ("CAP332", "warning")
    assert "strng" in problem.message
    assert found.read({"v": [1]}, {}) == {"x": [1]}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_document_that_is_nested_too_deeply_for_text_is_a_mapping_error() -> None:
    with pytest.raises(MappingError, match="nested too deeply"):
        output("  - {type: string, mapping: $.v}").read({"v": nested(100_000)}, {})


def test_a_path_that_visits_too_much_of_a_document_is_a_mapping_error() -> None:
    with pytest.raises(MappingError, match="cannot be mapped"):
        output('  - {type: array, mapping: "$..a..a"}').read({"v": [{}] * 1_000_001}, {})


def test_a_template_that_cannot_use_its_values_is_a_mapping_error() -> None:
    with pytest.raises(MappingError, match="cannot be mapped"):
        output("  - {name: x, value: '{{ 1 // n }}'}").read({}, {"n": 0})
