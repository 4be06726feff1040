"""Forms to bytes and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.form import CODEC

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_the_registry_knows_it_by_both_names() -> None:
    assert registry.find("codec", "form") is registry.find("codec", "formUrlEncoded") is CODEC


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({"a": "x y&z=1"}, b"a=x+y%26z%3D1"),
        ({"a": ["1", 2]}, b"a=1&a=2"),
        ({"a": {"b": {"c": True}}}, b"a%5Bb%5D%5Bc%5D=true"),
        ({"a": [{"b": 1}, {"b": 2}]}, b"a%5B0%5D%5Bb%5D=1&a%5B1%5D%5Bb%5D=2"),
        ({"a": None, "b": [], "c": {}, "d": ""}, b"d="),
        ({"a": "line\nline"}, b"a=line%0Aline"),
        ("a=b&c=d", b"a=b&c=d"),
    ],
)
def test_values_are_encoded(value: Any, encoded: bytes) -> None:
    assert CODEC.encode(value) == (encoded, "application/x-www-form-urlencoded")


@given(st.dictionaries(TEXT, TEXT, max_size=5))
def test_a_real_parser_reads_every_field_back(fields: dict[str, str]) -> None:
    content, _ = CODEC.encode(fields)
    assert dict(parse_qsl(content.decode(), keep_blank_values=True)) == fields
    assert CODEC.decode(content, "") == fields


def test_repeated_fields_are_read_as_a_list() -> None:
    assert CODEC.decode(b"a=1&b=2&a=3", "utf-8") == {"a": ["1", "3"], "b": "2"}


def test_the_charset_is_honoured() -> None:
    assert CODEC.decode(b"a=%E9", "latin-1") == {"a": "é"}


@pytest.mark.parametrize(
    ("content", "charset", "message"),
    [
        (b"a=\xe9", "", "not a URL-encoded form"),
        (b"a=%E9", "utf-8", "not a URL-encoded form"),
        (b"a=%E9", "nonsense", "is not known"),
        (b"&".join([b"a=1"] * 10_001), "", "more than 10000 fields"),
    ],
)
def test_what_is_no_form_is_refused(content: bytes, charset: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.decode(content, charset)


@pytest.mark.parametrize(
    ("value", "message"),
    [([1], "must be an object"), ("é", "must be an object"), ({"a": "\ud800"}, "broken Unicode")],
)
def test_what_cannot_be_a_form_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.encode(value)


def test_nesting_is_bounded() -> None:
    value: dict[str, Any] = {}
    for _ in range(40):
        value = {"a": value}
    with pytest.raises(ValueError, match="nested too deeply"):
        CODEC.encode(value)
