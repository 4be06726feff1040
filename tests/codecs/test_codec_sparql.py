"""SPARQL, and values in each place of a query that a template can name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.sparql import QUERY, UPDATE

HOSTILE = """x" . } ; DROP ALL # ' \\ > <"""


def filled(text: str, *values: str) -> str:
    """The text with a value for each @."""
    numbers = iter(range(len(values)))
    return QUERY.fill(re.sub("@", lambda _: f"\0{next(numbers)}\0", text), values)


def test_the_registry_knows_queries_and_updates() -> None:
    assert registry.find("codec", "sparql") is QUERY
    assert registry.find("codec", "sparqlUpdate") is UPDATE


def test_each_has_its_media_type() -> None:
    assert QUERY.encode("ASK {}") == (b"ASK {}", "application/sparql-query; charset=utf-8")
    assert UPDATE.encode("CLEAR ALL") == (b"CLEAR ALL", "application/sparql-update; charset=utf-8")


@pytest.mark.parametrize("quote", ['"', "'", '"""', "'''"])
def test_within_quotes_a_value_is_text(quote: str) -> None:
    text = filled(f"ASK {{ ?s ?p {quote}a@b{quote} }}", HOSTILE + "\r\n\t\b\f")
    assert text == (f"ASK {{ ?s ?p {quote}ax\\\" . }} ; DROP ALL # \\' \\\\ > <\\r\\n\\t\\b\\fb{quote} }}")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_ends_its_quotes(value: str) -> None:
    text = filled('"@"', value)
    inner = text[1:-1]
    assert not re.search(r'(?<!\\)(?:\\\\)*"', inner)
    assert not inner.replace("\\\\", "").endswith("\\")
    assert "\n" not in inner
    assert "\r" not in inner


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("<@>", "http://x/y?a=b#c", "<http://x/y?a=b#c>"),
        ("<@>", "http://x/> . } DROP ALL", "<http://x/%3E%20.%20%7D%20DROP%20ALL>"),
        ("<http://x/@>", "a/../b?c#d", "<http://x/a%2F..%2Fb%3Fc%23d>"),
        ("<http://x/@>", "日本", "<http://x/日本>"),
        ("<http://x/@/y>", '"\\', "<http://x/%22%5C/y>"),
    ],
)
def test_between_angle_brackets_a_value_is_an_iri_or_the_rest_of_one(
    text: str, value: str, result: str
) -> None:
    assert filled(text, value) == result


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_value_leaves_its_angle_brackets(value: str) -> None:
    for text in ("<@>", "<http://x/@>"):
        assert re.fullmatch(r"<[^<>\"{}|^`\\\x00-\x20]*>", filled(text, value))


@pytest.mark.parametrize("value", ["5", "-1.5e3", "wd:Q42", ":local", "?name", "DESC", "en-GB", "true", "a1"])
def test_elsewhere_a_value_is_a_number_or_a_word(value: str) -> None:
    assert filled("SELECT * {} LIMIT @", value) == f"SELECT * {{}} LIMIT {value}"


@pytest.mark.parametrize(
    "value",
    ["", " ", "a b", "1+1", "?x-1", "} DROP ALL", "<http://x>", '"x"', "a.", "#", "x;y", "\\u0020", "5\n"],
)
def test_elsewhere_anything_else_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no number and no single word"):
        filled("SELECT * {} LIMIT @", value)


def test_a_quote_that_is_not_closed_protects_nothing() -> None:
    with pytest.raises(ValueError, match="single word"):
        filled('ASK { "@ }', "a b")


def test_nothing_is_put_into_comments() -> None:
    assert filled("ASK # @\n{}", "\nDROP ALL") == "ASK # \n{}"


def test_a_comment_or_a_quote_within_another_is_none() -> None:
    assert (
        filled("""ASK { "#'" '@' <http://x#@> }""", "a b", "c'd") == """ASK { "#'" 'a b' <http://x#c%27d> }"""
    )


@pytest.mark.parametrize(
    ("value", "message"), [({"a": 1}, "must be a text"), ("\0", "NUL"), ("\ud800", "broken Unicode")]
)
def test_what_cannot_be_sent_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QUERY.encode(value)


def test_sparql_is_not_read() -> None:
    with pytest.raises(ValueError, match="only written"):
        QUERY.decode(b"", "")
