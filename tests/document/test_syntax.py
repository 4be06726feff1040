"""The slips that make a file unreadable: each is said at its place, with a cure, by either parser."""

from __future__ import annotations

import pytest
import yaml

from capspec.document import events, parse
from capspec.document.syntax import explain
from capspec.document.text import Lines
from capspec.errors import LoadError, Problem

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__, autouse=True)
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_LOADER", request.param)


def problem(text: str) -> Problem:
    with pytest.raises(LoadError) as caught:
        parse(text, "f")
    (only,) = caught.value.problems
    assert only.code in ("CAP102", "CAP114")
    assert only.hint
    return only


SLIPS = {
    # quotes
    'a: "foo\nb: 1\n': ("1:4", "the quote that opens here is never closed"),
    "a: 'foo\nb: 1\n": ("1:4", "the quote that opens here is never closed"),
    'a: "foo\nb: "bar"\n': ("1:4", "runs on to line 2"),
    '{"a": "foo,\n"b": 1}\n': ("1:7", "runs on to line 2"),
    'a: "x\n---\nb: 1"\n': ("1:4", "not closed before line 2"),
    "a: 'it's'\n": ("1:8", "text follows the closing quote"),
    'a: "x" y\nb: 1\n': ("1:8", "text follows the closing quote"),
    # brackets
    "a: [1, 2": ("1:4", "the `[` that opens here is never closed"),
    "a:\n  - [1, 2\nb: 1\n": ("3:2", "the `[` opened on line 2, column 5"),
    "a: {x: 1\nb: 2\n": ("2:2", "the `{` opened on line 1, column 4"),
    "a: [1, #2]\n": ("1:4", "the `[` that opens here is never closed"),
    "a: {b: [1, 2}\n": ("1:13", "the `[` opened on line 1, column 8"),
    '{"a": 1 "b": 2}': ("1:12", "a comma is missing"),
    "a: ]\n": ("1:4", "`]` closes nothing"),
    "a: 1\n}\n": ("2:1", "`}` closes nothing"),
    "{a: 1}}\n": ("1:7", "`}` closes nothing"),
    "a: [1,,2]\n": ("1:7", "a value is missing here"),
    "a: [- b]\n": ("1:5", "`- ` cannot stand inside brackets"),
    # tabs
    "\ta: 1\n": ("1:1", "a tab is used for indentation"),
    "a:\n\tb: 1\n": ("2:1", "a tab is used for indentation"),
    "a:\n  b: 1\n\tc: 2\n": ("3:1", "a tab is used for indentation"),
    "a:\n  - x\n  \t- y\n": ("3:3", "a tab is used for indentation"),
    "a: |\n\tx\n": ("2:1", "a tab is used for indentation"),
    # colons
    "a: b: c\n": ("1:5", "a second `: ` stands in one value"),
    "a: 'b': c\n": ("1:7", "a second `: ` stands in one value"),
    "a:1\nb: 2\n": ("1:2", "a space is missing after `a:`"),
    "a: 1\nb:2\nc: 3\n": ("2:2", "a space is missing after `b:`"),
    "t:\nNaftiko\ncreated:'2026'\nx: 1\n": ("3:8", "a space is missing after `created:`"),
    "a: 1\nfoo\nb: 2\n": ("2:1", "neither `key: value` nor a list entry"),
    "a: 1\nhttp://x\n": ("2:1", "neither `key: value` nor a list entry"),
    "a: 1\n: 2\n": ("2:1", "there is no key before this `:`"),
    # indentation
    "a: 1\n  b: 2\n": ("2:4", "indented as if it belonged to the line above"),
    "a:\n    b: 1\n  c: 2\n": ("3:3", "does not line up with the mapping that begins on line 1"),
    "a:\n  - b: 1\n   c: 2\n": ("3:4", "does not line up with the list that begins on line 2"),
    "a:\n  b: 1\n  - x\n": ("3:3", "the mapping that begins on line 2 needs a key here"),
    "a:\n  - x\n  b: 1\n": ("3:3", "the list that begins on line 2 needs a `- ` entry here"),
    "  a: 1\nb: 2\n": ("2:1", "after the end of the document"),
    "a: - b\n": ("1:4", "a list cannot begin on the line of its key"),
    # characters that mean something at the start of a value
    "a: @x\n": ("1:4", "a value cannot begin with the character @"),
    "a: `x`\n": ("1:4", "a value cannot begin with the character `"),
    "a: %x\n": ("1:4", "a value cannot begin with the character %"),
    "a: * * *\n": ("1:5", "refers to another part of the file"),
    "a: & b\n": ("1:5", "refers to another part of the file"),
    "a: !x!y 1\n": ("1:4", "is a YAML tag"),
    "a: !<x 1\n": ("1:7", "is a YAML tag"),
    "a: ? b\n": ("1:4", "a value cannot begin with `? `"),
    "a: | text\n": ("1:6", "text cannot follow `|` or `>`"),
    "a: |0\n  x\n": ("1:5", "the number after `|` or `>`"),
    # directives
    "%YAML 3.0\n---\na: 1\n": ("1:1", "is a YAML directive"),
    "%YAML 1.1\n%YAML 1.1\n---\na: 1\n": ("2:1", "is a YAML directive"),
    "%YAML 1.1\na: 1\n": ("2:1", "`---` is missing after the `%` lines"),
    # not meant to be YAML yet
    "a: 1\n{% if x %}\nb: 1\n": ("2:1", "belongs to a template"),
    "a:\n<<<<<<< HEAD\n  b: 1\n=======\n  b: 2\n>>>>>>> other\n": ("2:1", "a merge conflict"),
}


@pytest.mark.parametrize("text", SLIPS, ids=repr)
def test_a_slip_is_said_at_its_place(text: str) -> None:
    place, words = SLIPS[text]
    found = problem(text)
    assert (str(found.place), words in found.message) == (f"f:{place}", True), found


@pytest.mark.parametrize("text", [r'a: "\d"', r'a: "\xZZ"', r'a: "\U00110000"', r'a: "\UFFFFFFFF"'])
def test_an_unknown_escape_is_said_on_its_line(text: str) -> None:
    found = problem(f"x: 1\n{text}\n")
    assert (found.place and found.place.line, found.message) == (
        2,
        "this is not an escape that double quotes know",
    )


def test_an_error_that_no_parser_is_known_to_give_still_has_a_place() -> None:
    found = explain(yaml.YAMLError("something new"), Lines("a: 1\n", "f"), None, 0)
    assert (str(found.place), found.message) == ("f:1:1", "this cannot be read as YAML")
    assert "new" not in str(found)


@pytest.mark.parametrize(
    "text", ["password: *s3cret*\n", "key: |\n  AAAA\nBBsecretBB\nb: 1\n", "a: 's3cret' s3cret\n"]
)
def test_values_are_not_repeated_in_messages(text: str) -> None:
    assert "cret" not in str(problem(text))
