"""Rows with separators to objects and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.delimited import CSV, PSV, TSV, DelimitedCodec

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


def test_the_registry_knows_all_three() -> None:
    assert [registry.find("codec", word) for word in ("csv", "TSV", "psv")] == [CSV, TSV, PSV]


@pytest.mark.parametrize(
    ("codec", "content", "rows"),
    [
        (CSV, b"a,b\r\n1,2\r\n3,4\r\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        (CSV, b'a,b\n"x,""y\nz",2', [{"a": 'x,"y\nz', "b": "2"}]),
        (CSV, b"\xef\xbb\xbfa,b\r1,\r", [{"a": "1", "b": ""}]),
        (CSV, b"a,b\n\n1\n\n", [{"a": "1"}]),
        (CSV, b"a\n1,,\n", [{"a": "1"}]),
        (CSV, b"a,b\n", []),
        (CSV, b"", []),
        (TSV, b'a\tb\n1,2\t"x\ty"\n', [{"a": "1,2", "b": "x\ty"}]),
        (PSV, b"a|b\n1|2\n", [{"a": "1", "b": "2"}]),
    ],
)
def test_rows_are_objects_of_texts(codec: DelimitedCodec, content: bytes, rows: list[Any]) -> None:
    assert codec.decode(content, "") == rows


def test_the_charset_is_honoured() -> None:
    assert CSV.decode("a\né".encode("latin-1"), "latin-1") == [{"a": "é"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n1,2\n", "line 2 has more values"),
        (b'a\n"x', "unexpected end"),
        (b'a\n"x"y', "expected"),
        (b"a\n" + b"x" * 200_000, "field larger"),
        (b"a\n" + b"1\n" * 1_000_001, "more than 1000000 rows"),
    ],
)
def test_what_are_no_rows_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CSV.decode(content, "")


def test_objects_are_written_with_the_names_of_them_all() -> None:
    rows = [{"a": "x,y", "b": None}, {"b": True, "c": {"d": 1}}]
    content, content_type = CSV.encode(rows)
    assert content == b'a,b,c\r\n"x,y",,\r\n,true,"{""d"":1}"\r\n'
    assert content_type == "text/csv; charset=utf-8"
    assert TSV.encode("a\tb")[0] == b"a\tb"


@given(st.lists(st.fixed_dictionaries({"a": TEXT, "b": TEXT.filter(bool)}), max_size=5))
def test_what_is_written_is_read_back(rows: list[dict[str, str]]) -> None:
    for codec in (CSV, TSV, PSV):
        assert codec.decode(codec.encode(rows)[0], "utf-8") == rows


@pytest.mark.parametrize(
    ("value", "message"),
    [({"a": 1}, "list of objects"), ([1], "list of objects"), ("\ud800", "broken Unicode")],
)
def test_what_cannot_be_rows_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CSV.encode(value)
