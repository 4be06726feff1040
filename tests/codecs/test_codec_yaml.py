"""YAML to values and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.yaml import CODEC

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff\ufeff")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abyes0-1: ", max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + at, 98 + at, b",".join([b"*%c" % (97 + at)] * 10)) for at in range(9)
)


def test_the_registry_knows_it_by_both_names() -> None:
    assert registry.find("codec", "yaml") is registry.find("codec", "yml") is CODEC


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"- 1\n- a: b\n", [1, {"a": "b"}]),
        (
            b"when: 2015-02-01\nanswer: yes\nat: 12:30\n",
            {"when": "2015-02-01", "answer": "yes", "at": "12:30"},
        ),
        (b"hello", "hello"),
        (b"", None),
        (b"a: 1\n---\nb: 2\n", {"a": 1}),
        (b"a: &x {k: 1}\nb: *x\n", {"a": {"k": 1}, "b": {"k": 1}}),
        (b"[.nan, .inf, -.inf, 1e3]", ["NaN", "Infinity", "-Infinity", 1000.0]),
        ("a: é".encode("utf-16"), {"a": "é"}),
    ],
)
def test_the_first_document_is_read_by_the_core_schema(content: bytes, value: Any) -> None:
    assert CODEC.decode(content, "") == value


def test_the_charset_of_the_content_type_counts() -> None:
    assert CODEC.decode("a: é".encode("latin-1"), "latin-1") == {"a": "é"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, "counting what aliases repeat"),
        (b"[" * 100_000, "nested more than 200"),
        (b"a: !!python/object/apply:os.system [id]", "tag"),
        (b"a: 1\na: 2", "written on line 1 and again"),
        (b"a: &a [*a]", "never end"),
        (b"a: [", "line 1"),
        (b"a: \xff", "UTF-8"),
        (b"x" * (4 * 1024 * 1024 + 1), "larger than"),
    ],
)
def test_what_is_no_harmless_document_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.decode(content, "")


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    content, content_type = CODEC.encode({"value": value})
    assert CODEC.decode(content, "") == {"value": value}
    assert content_type == "application/yaml"


def test_a_text_is_sent_as_its_author_wrote_it() -> None:
    assert CODEC.encode("a: 1 # one\n")[0] == b"a: 1 # one\n"


def test_nesting_is_bounded_when_writing() -> None:
    value: list[Any] = []
    for _ in range(1000):
        value = [value]
    with pytest.raises(ValueError, match="nested more than 256"):
        CODEC.encode(value)
