"""Texts that nobody can read, change or use for something else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capspec.sealing import Sealer

SEALER = Sealer.from_secret("a secret of the tests", "this")


@settings(max_examples=30)
@given(st.binary(max_size=100), st.binary(max_size=10))
def test_what_was_sealed_comes_out_again(content: bytes, bound_to: bytes):
    text = SEALER.seal(content, bound_to)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert SEALER.open(text, bound_to) == content
    assert SEALER.open(text, bound_to + b"x") is None


def test_a_text_is_never_the_same():
    assert SEALER.seal(b"a", b"") != SEALER.seal(b"a", b"")


def test_every_changed_text_is_refused():
    text = SEALER.seal(b"content", b"")
    for index, char in enumerate(text):
        other = "A" if char != "A" else "B"
        assert SEALER.open(text[:index] + other + text[index + 1 :], b"") is None
    for wrong in ("", "A", text[:-1], f"{text}A", f"{text}=", f" {text}", f"{text}\n", "ä" * 40, text + "!"):
        assert SEALER.open(wrong, b"") is None


def test_a_key_is_for_one_purpose_and_of_one_secret():
    text = SEALER.seal(b"content", b"")
    assert Sealer.from_secret("a secret of the tests", "this").open(text, b"") == b"content"
    assert Sealer.from_secret("a secret of the tests", "that").open(text, b"") is None
    assert Sealer.from_secret("another secret of the tests", "this").open(text, b"") is None
    assert Sealer.generate().open(text, b"") is None


def test_what_is_no_key_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")
    with pytest.raises(ValueError, match="16 characters"):
        Sealer.from_secret("short", "this")


def test_a_key_is_never_printed():
    assert repr(SEALER) == "Sealer(****)"
