"""Text to bytes and back."""

from __future__ import annotations

import pytest

from capspec import registry
from capspec.codecs.text import CODEC


def test_the_registry_knows_it_by_both_names() -> None:
    assert registry.find("codec", "text") is registry.find("codec", "raw") is CODEC


def test_text_goes_out_in_utf_8() -> None:
    assert CODEC.encode("día\n") == ("día\n".encode(), "text/plain; charset=utf-8")


def test_what_is_no_text_goes_out_as_json() -> None:
    assert CODEC.encode({"a": [1, None]})[0] == b'{"a":[1,null]}'


def test_the_charset_is_honoured() -> None:
    assert CODEC.decode("día".encode("latin-1"), "iso-8859-1") == "día"


def test_bytes_without_a_charset_are_utf_8_as_far_as_they_go() -> None:
    assert CODEC.decode(b"\xef\xbb\xbfd\xffa", "") == "d\N{REPLACEMENT CHARACTER}a"


@pytest.mark.parametrize(
    ("charset", "message"), [("utf-8", "not text in the character set"), ("nonsense", "is not known")]
)
def test_a_wrong_charset_is_refused(charset: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.decode(b"\xff", charset)


def test_nesting_is_bounded() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        CODEC.encode(value)


@pytest.mark.parametrize("value", ["\udfff", float("nan")])
def test_what_cannot_be_written_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        CODEC.encode(value)
