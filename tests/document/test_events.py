"""Values by the core schema, aliases, merge keys, budgets, and what capability files may not use."""

from __future__ import annotations

import gc
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from capspec.document import Limits, events, parse
from capspec.errors import LoadError, Place, Problem

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__, autouse=True)
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_LOADER", request.param)


def problems(text: str | bytes, **options: Any) -> tuple[Problem, ...]:
    with pytest.raises(LoadError) as caught:
        parse(text, "f", **options)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.problems


def problem(text: str | bytes, **options: Any) -> tuple[str, str]:
    (only,) = problems(text, **options)
    assert only.hint
    return only.code, str(only.place)


def value(text: str) -> Any:
    return parse(f"v: {text}\n").data["v"]


# Values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("tRUE", "tRUE"),
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("017", 17),
        ("0o17", 15),
        ("0xFf", 255),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0.5", 0.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        (".", "."),
        ("-", None),
        ("2015-02-01", "2015-02-01"),
        ("2015-02-01T10:00:00Z", "2015-02-01T10:00:00Z"),
        ("1:30", "1:30"),
        ("=", "="),
        ("<<", "<<"),
        ("1.2.3", "1.2.3"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12", "12\n"),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!float 1", 1.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!map {a: 1}", {"a": 1}),
        ("!!seq [1]", [1]),
        ("! [1]", [1]),
        (r'"\U0001F600 \u00e9 \0"', "😀 é \0"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, expected: Any) -> None:
    if text == "-":
        assert parse("v:\n-\n").data["v"] == [expected]
        return
    assert (value(text), type(value(text))) == (expected, type(expected))


def test_nan_is_a_float() -> None:
    assert math.isnan(value(".NaN"))


def test_keys_are_text_as_written() -> None:
    text = "200: a\ntrue: b\n2015-02-01: c\n~: d\n1.10: e\n? \n: f\n0x1F: g\n!!str 7: h\n? block\n: i\n"
    assert list(parse(text).data) == ["200", "true", "2015-02-01", "~", "1.10", "", "0x1F", "7", "block"]


def test_line_separators_of_yaml_1_1_do_not_end_a_line() -> None:
    text = "a: one\u2028b: x\n"
    assert problem(text) == ("CAP102", "f:1:9")
    doc = parse('a: "one\u2028b: x \x85y\u2029"\nc: é\u2028\n')
    assert doc.data == {"a": "one\u2028b: x \x85y\u2029", "c": "é\u2028"}
    assert doc.place(("c",)) == Place("<text>", 2, 4)


# Anchors, aliases, merge keys


def test_an_alias_gives_the_value_of_its_anchor() -> None:
    doc = parse("a: &a {x: &x 1.10}\nb: *a\nc: [*x, *x]\n*x : d\n&k e: *k\n")
    assert doc.data == {
        "a": {"x": 1.1},
        "b": {"x": 1.1},
        "c": [1.1, 1.1],
        "1.10": "d",
        "e": "e",
    }
    assert doc.raw(("c", 1)) == doc.raw(("b", "x")) == "1.10"
    assert doc.place(("b",)) == Place("<text>", 2, 4)
    assert doc.place(("b", "x"), key=True) == Place("<text>", 1, 8)


def test_an_anchor_may_be_set_anew() -> None:
    assert parse("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").data == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_merge_keys_fill_what_a_mapping_lacks() -> None:
    doc = parse(
        "one: &one {a: 1, b: 1.10}\n"
        "two: &two {b: 2, c: 2}\n"
        "m1:\n  b: own\n  <<: *one\n"
        "m2:\n  <<: [*one, *two, {d: 0x10}]\n  e: 3\n"
        "m3: {<<: {<<: *two, z: 1}}\n"
        "m4: {'<<': text}\n"
    )
    assert doc.data["m1"] == {"b": "own", "a": 1}
    assert doc.data["m2"] == {"a": 1, "b": 1.1, "c": 2, "d": 16, "e": 3}
    assert doc.data["m3"] == {"z": 1, "b": 2, "c": 2}
    assert doc.data["m4"] == {"<<": "text"}
    assert (doc.raw(("m2", "b")), doc.raw(("m2", "d"))) == ("1.10", "0x10")
    assert doc.place(("m2", "b"), key=True) == Place("<text>", 1, 18)
    assert doc.place(("m2", "e")) == Place("<text>", 8, 6)
    assert doc.place(("m1", "b")) == Place("<text>", 4, 6)


def test_texts_of_a_dropped_merge_source_do_not_reach_a_later_container() -> None:
    text = "".join(f"m{n}: {{<<: [{{a: 1.10}}, {{a: 0x5}}], b: {{a: 5}}}}\n" for n in range(200))
    doc = parse(text)
    assert {doc.raw((f"m{n}", "b", "a")) for n in range(200)} == {"5"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: *none\n", ("CAP102", "f:2:4")),
        ("a: &a [1, *a]\n", ("CAP105", "f:1:11")),
        ("a: &a\n  <<: *a\n", ("CAP105", "f:2:7")),
        ("a:\n  <<: 5\n", ("CAP105", "f:2:7")),
        ("x: &x [1]\na:\n  <<: [*x]\n", ("CAP105", "f:3:7")),
        ("x: &x [1]\n*x : 1\n", ("CAP105", "f:2:1")),
    ],
)
def test_aliases_that_cannot_be_followed_are_problems(text: str, expected: tuple[str, str]) -> None:
    assert problem(text) == expected


# What is refused


def test_a_key_written_twice_names_both_lines_and_all_are_reported() -> None:
    found = problems("a: 1\nb: {c: 1, c: 2}\na: 2\n'a': 3\n200: x\n'200': y\n")
    assert [(p.code, str(p.place), p.message) for p in found] == [
        ("CAP103", "f:2:11", "the key `c` is written twice on line 2"),
        ("CAP103", "f:3:1", "the key `a` is written on line 1 and again on line 3"),
        ("CAP103", "f:4:1", "the key `a` is written on line 1 and again on line 4"),
        ("CAP103", "f:6:1", "the key `200` is written on line 5 and again on line 6"),
    ]


def test_two_merge_keys_are_told_how_to_become_one() -> None:
    (only,) = problems("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n")
    assert (only.code, str(only.place)) == ("CAP103", "f:4:3")
    assert "<<: [*a, *b]" in only.hint


def test_a_flood_of_problems_ends_at_a_hundred() -> None:
    assert len(problems("a: 1\n" * 1000)) == 100


@pytest.mark.parametrize(
    ("text", "place", "template"),
    [
        ("a: {{x}}\n", "f:1:4", "{{x}}"),
        ("a: {{ x.y }}/path\nb: 1\n", "f:1:4", "{{ x.y }}"),
        ("a: {{x}} and {{y}}\n", "f:1:4", "{{x}}"),
        ("a:\n  - {{x}}\n", "f:2:5", "{{x}}"),
        ("{{x}}: 1\n", "f:1:1", "{{x}}"),
        ("a: [{{x}}/y, 2]\n", "f:1:5", "{{x}}"),
        ("a: {b: {{x}}}\n", "f:1:8", "{{x}}"),
        ("a: {{x|}}\n", "f:1:4", "{{x|}}"),
        ("a: {{{x}}}\n", "f:1:5", "{{x}}"),
    ],
)
def test_a_template_without_quotes_is_one_problem_that_says_to_quote_it(
    text: str, place: str, template: str
) -> None:
    (only,) = problems(text)
    assert (only.code, str(only.place)) == ("CAP114", place)
    assert template in only.message
    assert f'"{template}"' in only.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("? [a]\n: b\n", ("CAP105", "f:1:3")),
        ("a: {[b]: c}\n", ("CAP105", "f:1:5")),
        ("a: 1\n---\nb: 2\n", ("CAP105", "f:2:1")),
        ("a: 1\n...\n---\n", ("CAP105", "f:3:1")),
        ("a: !!int abc\n", ("CAP105", "f:1:4")),
        ("a: !!bool yes\n", ("CAP105", "f:1:4")),
        ("a: !!float x\n", ("CAP105", "f:1:4")),
        ("!!int a: 1\n", ("CAP105", "f:1:1")),
        (f"a: {'1' * 401}\n", ("CAP104", "f:1:4")),
        (f"a: !!int {'1' * 401}\n", ("CAP104", "f:1:4")),
        (f"a: 0x{'f' * 400}\n", ("CAP104", "f:1:4")),
        ('a: "\\ud83d\\ude00"\n', None),
        ("", ("CAP106", "f:1:1")),
        ("\ufeff", ("CAP106", "f:1:1")),
        ("# only a comment\n", ("CAP106", "f:1:1")),
        ("---\n", ("CAP106", "f:2:1")),
        ("null\n", ("CAP106", "f:1:1")),
        ("\n- a: 1\n", ("CAP106", "f:2:1")),
        ("some text\n", ("CAP106", "f:1:1")),
    ],
)
def test_what_capability_files_do_not_use_is_refused(text: str, expected: tuple[str, str] | None) -> None:
    code, place = problem(text)
    if expected is None:
        assert (code, place[:4]) == ("CAP102", "f:1:")
    else:
        assert (code, place) == expected


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!python/object:os.system x\n", "!!python/object:os.system"),
        ("a: !foo\n  b: 1\n", "!foo"),
        ("a: !foo [1]\n", "!foo"),
        ("!foo a: 1\n", "!foo"),
        ("a: !!timestamp 2001-01-01\n", "!!timestamp"),
        ("a: !!set {x, y}\n", "!!set"),
        ("a: !!str [1]\n", "!!str"),
        ("a: !<tag:example.com,2000:x> 1\n", "tag:example.com,2000:x"),
        (f"a: !{'x' * 100} 1\n", "!" + "x" * 58 + "…"),
    ],
)
def test_other_tags_are_refused_by_name(text: str, tag: str) -> None:
    (only,) = problems(text)
    assert only.code == "CAP105"
    assert f"`{tag}`" in only.message


def test_all_problems_are_reported_at_once_up_to_a_syntax_error() -> None:
    found = problems("a: 1\na: 2\nb: !foo x\nc: {{x}}\nd: [1\ne: 2\n")
    assert [(p.code, p.place and p.place.line) for p in found] == [
        ("CAP103", 2),
        ("CAP105", 3),
        ("CAP114", 4),
        ("CAP102", 6),
    ]


# Budgets


BILLION_LAUGHS = "a: &a [x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + chr(ord(name) - 1)] * 9)}]\n" for name in "bcdefghij"
)
BILLION_MERGES = (
    BILLION_LAUGHS.replace("[x, x, x, x]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")
)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("a: 12345\n", Limits(bytes=8)),
        ("a: é\n", Limits(bytes=5)),
        ("a: {b: [c]}\n", Limits(depth=2)),
        ("a: [1, 2]\nb: 3\n", Limits(nodes=6)),
        ("a: &a [1]\nb: *a\n", Limits(nodes=6)),
        ("a: &a [[1]]\nb: [*a]\n", Limits(depth=3)),
        ("a: {}\n", Limits(nodes=2)),
        ("a: 1\na: 2\nb: [[]]\n", Limits(depth=2)),
        (BILLION_LAUGHS, Limits()),
        (BILLION_MERGES, Limits()),
        ("{a: " * 100_000, Limits()),
        ("a: " + "[" * 100_000, Limits()),
        ("- " * 100_000, Limits()),
    ],
)
def test_a_budget_that_is_exceeded_is_one_problem(text: str, limits: Limits) -> None:
    assert problem(text, limits=limits)[0] == "CAP104"


def test_budgets_are_met_exactly() -> None:
    text = "a: &a [1]\nb: *a\n"
    assert parse(text, limits=Limits(bytes=len(text), depth=2, nodes=7)).data == {"a": [1], "b": [1]}


def test_loading_leaves_the_garbage_collector_as_it_was() -> None:
    parse("a: 1\n")
    assert gc.isenabled()
    gc.disable()
    try:
        parse("a: 1\n")
        assert not gc.isenabled()
    finally:
        gc.enable()
