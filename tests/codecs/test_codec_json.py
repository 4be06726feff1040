"""JSON to bytes and back: what survives, what is refused, and where the bounds are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.json import CODEC, MAX_DEPTH

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def test_the_registry_knows_it() -> None:
    assert registry.find("codec", "json") is CODEC


@given(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8"))
)
def test_scalars_survive_the_round_trip(value: Any) -> None:
    content, content_type = CODEC.encode(value)
    assert CODEC.decode(content, "utf-8") == value
    assert content_type == "application/json"


@given(st.data())
def test_values_survive_the_round_trip(data: st.DataObject) -> None:
    value = data.draw(VALUES)
    content, _ = CODEC.encode(value)
    assert CODEC.decode(content, "") == json.loads(content) == value


def test_whole_numbers_beyond_64_bits_keep_every_digit() -> None:
    text = b"[18446744073709551617, -123456789012345678901234567890]"
    value = CODEC.decode(text, "")
    assert value == [18446744073709551617, -123456789012345678901234567890]
    assert CODEC.encode(value)[0] == text.replace(b" ", b"")


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"[-1e400]"])
def test_what_is_no_finite_number_is_not_read(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a JSON value|too large"):
        CODEC.decode(text, "")


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": float("-inf")}])
def test_what_is_no_finite_number_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match="NaN or Infinity"):
        CODEC.encode(value)


def test_a_number_with_too_many_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="a number has too many digits"):
        CODEC.decode(b"1" * 5000, "")


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_bounded_when_reading(depth: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(ValueError, match="nested more than 256 levels deep"):
        CODEC.decode(opening * depth + b"0" + closing * depth, "")


def test_nesting_within_the_bound_is_read() -> None:
    value = CODEC.decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "")
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []


def test_a_wide_document_is_not_a_deep_one() -> None:
    assert len(CODEC.decode(b"[" + b",".join([b'{"a":[1]}'] * 5000) + b"]", "")) == 5000


def test_nesting_is_bounded_when_writing() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested more than"):
        CODEC.encode(value)


def test_the_last_of_equal_keys_counts() -> None:
    assert CODEC.decode(b'{"a": 1, "a": 2}', "") == {"a": 2}


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("é".encode(), ""),
        ("é".encode(), "UTF-8"),
        ("é".encode("latin-1"), "iso-8859-1"),
        ("é".encode("utf-16"), ""),
        ("é".encode("utf-16"), "utf-16"),
    ],
)
def test_the_charset_is_honoured(content: bytes, charset: str) -> None:
    quote = content[:0] + '"'.encode("utf-16-le" if b"\xff\xfe" in content else "ascii")
    body = content[:2] + quote + content[2:] + quote if b"\xff\xfe" in content else quote + content + quote
    assert CODEC.decode(body, charset) == "é"


@pytest.mark.parametrize("charset", ["", "utf-8", "UTF8"])
def test_a_byte_order_mark_is_skipped(charset: str) -> None:
    assert CODEC.decode(b"\xef\xbb\xbf[1]", charset) == [1]


@pytest.mark.parametrize(
    ("content", "charset", "message"),
    [
        (b'"\xff"', "", "not text in the character set 'utf-8'"),
        (b"[1]", "klingon", "character set 'klingon' is not known"),
        (b"[1]", "zip", "character set 'zip' is not known"),
        (b"[1,]", "", "at line 1, column"),
        (b"", "", "at line 1, column 1"),
        (b"{} {}", "", "Extra data at line 1, column 4"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, charset: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.decode(content, charset)


@pytest.mark.parametrize(
    ("value", "message"),
    [("\ud800", "broken Unicode"), ({"a": {1, 2}}, "cannot carry"), (b"x", "cannot carry")],
)
def test_what_json_cannot_carry_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.encode(value)


@given(st.binary(max_size=60))
def test_no_bytes_do_worse_than_a_value_error(content: bytes) -> None:
    try:
        value = CODEC.decode(content, "")
    except ValueError:
        return
    assert CODEC.decode(CODEC.encode(value)[0], "") == value
