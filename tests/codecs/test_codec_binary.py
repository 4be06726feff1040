"""Bytes that nobody interprets."""

from __future__ import annotations

import base64

import pytest

from capspec import registry
from capspec.codecs.binary import CODEC


def test_the_registry_knows_it_by_both_names() -> None:
    assert registry.find("codec", "binary") is registry.find("codec", "octet-stream") is CODEC


def test_bytes_and_text_go_out_as_they_are() -> None:
    assert CODEC.encode(b"\x00\xff") == (b"\x00\xff", "application/octet-stream")
    assert CODEC.encode("é")[0] == "é".encode()


@pytest.mark.parametrize(
    ("value", "content", "content_type"),
    [
        ("data:image/png;base64,AP8=", b"\x00\xff", "image/png"),
        ("data: not one", b"data: not one", "application/octet-stream"),
        ({"base64": "AP8"}, b"\x00\xff", "application/octet-stream"),
        ({"base64": "data:image/gif;base64,AP8="}, b"\x00\xff", "image/gif"),
        ({"file": "data:a/b;base64,AP8="}, b"\x00\xff", "a/b"),
        ({"content": "text"}, b"text", "application/octet-stream"),
    ],
)
def test_a_file_in_a_text_goes_out_as_its_bytes(value: object, content: bytes, content_type: str) -> None:
    assert CODEC.encode(value) == (content, content_type)


def test_what_is_said_to_be_base64_and_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="is not base64"):
        CODEC.encode({"base64": "???"})


def test_bytes_are_read_as_base64() -> None:
    assert base64.b64decode(CODEC.decode(b"\x00\xff", "utf-8")) == b"\x00\xff"


@pytest.mark.parametrize("value", [{"a": 1}, {"a": "x", "b": "y"}, "\ud800", None])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"must be text|broken Unicode"):
        CODEC.encode(value)
