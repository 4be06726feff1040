"""Text to Document: places, texts, encodings, files, and that nothing but LoadError comes out."""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from capspec import document
from capspec.document import Document, Limits, events, parse, read
from capspec.document.scalars import plain
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


# Places and texts


def test_every_node_has_a_place() -> None:
    doc = parse("a:\n  - b: 1\n    c: [x, {d: y}]\ne:\n", "f")
    assert str(doc.place(())) == "f:1:1"
    assert str(doc.place(("a",))) == "f:2:3"
    assert str(doc.place(("a",), key=True)) == "f:1:1"
    assert str(doc.place(("a", 0, "b"))) == "f:2:8"
    assert str(doc.place(("a", 0, "c", 1, "d"))) == "f:3:16"
    assert str(doc.place(("a", 0, "c", 1, "d"), key=True)) == "f:3:13"
    assert str(doc.place(("a", 0), key=True)) == "f:2:5"
    assert str(doc.place(("e",))) == "f:4:3"


@pytest.mark.parametrize(
    "pointer",
    [("a", "gone"), ("a", "gone", 1), ("a", 0), ("a", "b", "deeper")],
    ids=str,
)
def test_a_node_that_does_not_exist_has_the_place_of_its_nearest_ancestor(pointer: document.Pointer) -> None:
    doc = parse("a:\n  b: 1\n", "f")
    expected = ("f:2:6", "f:2:3") if pointer[1] == "b" else ("f:2:3", "f:1:1")
    assert (str(doc.place(pointer)), str(doc.place(pointer, key=True))) == expected


@pytest.mark.parametrize("number", [-1, 5])
def test_an_item_that_does_not_exist_has_the_place_of_its_list(number: int) -> None:
    assert str(parse("a: [1]\n", "f").place(("a", number))) == "f:1:4"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_lines_end_as_in_an_editor(end: str) -> None:
    doc = parse(end.join(["# 😀", "a: é", "b: 2", ""]), "f")
    assert doc.data == {"a": "é", "b": 2}
    assert str(doc.place(("b",))) == "f:3:4"
    assert [doc.line(number) for number in range(6)] == ["", "# 😀", "a: é", "b: 2", "", ""]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
    ],
)
def test_unicode_is_read_with_and_without_a_byte_order_mark(mark: bytes, encoding: str) -> None:
    doc = parse(mark + "a: é😀\n".encode(encoding), "f")
    assert doc.data == {"a": "é😀"}
    assert doc.text == "a: é😀\n"
    assert str(doc.place(("a",), key=True)) == "f:1:1"


def test_raw_gives_a_scalar_as_it_was_written() -> None:
    doc = parse(
        "naftiko: 0.5\nversion: 1.10\nzip: 017\nnone:\ntilde: ~\nflag: True\ntext: 'it''s'\nempty: ''\n"
        "list: [1.0, 0x1F, null]\n'': 1.50\nmap: {a: 1}\n"
    )
    written = {key: doc.raw((key,)) for key in doc.data}
    assert written == {
        "naftiko": "0.5",
        "version": "1.10",
        "zip": "017",
        "none": "",
        "tilde": "~",
        "flag": "True",
        "text": "it's",
        "empty": "",
        "list": "",
        "": "1.50",
        "map": "",
    }
    assert [doc.raw(("list", number)) for number in range(3)] == ["1.0", "0x1F", "null"]
    assert doc.raw(()) == doc.raw(("gone",)) == doc.raw(("list", 9)) == doc.raw(("text", "deeper")) == ""


# Encodings and characters


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: 1\nb: caf\xe9\n", ("CAP119", "f:2:7")),
        (b"a: \x9f\n", ("CAP119", "f:1:4")),
        (codecs.BOM_UTF8 + b"\xff", ("CAP119", "f:1:1")),
        (codecs.BOM_UTF16_LE + "a: 1".encode("utf-16-le") + b"\0", ("CAP119", "f:1:5")),
        (b"a: 1\nb: \0x\n", ("CAP102", "f:2:4")),
        ("a: \x1b[0m\n", ("CAP102", "f:1:4")),
        ("a: \ud800\n", ("CAP102", "f:1:4")),
        ("a: \uffff\n", ("CAP102", "f:1:4")),
    ],
)
def test_bytes_that_are_not_text_are_named_with_their_place(data: bytes, expected: tuple[str, str]) -> None:
    assert problem(data) == expected


def test_forbidden_characters_are_listed_up_to_a_number() -> None:
    assert len(problems("a: \0\nb: \x01\n")) == 2
    assert len(problems("\0" * 1000)) == 20


def test_bytes_of_an_old_encoding_are_recognised() -> None:
    (only,) = problems("a: café".encode("latin-1"))
    assert "'é'" in only.hint


# Files


def test_a_file_is_read_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "flux.yaml"
    path.write_text("a: 1\n")
    doc = read(path)
    assert (doc.data, doc.source, doc.path) == ({"a": 1}, str(path), path)
    assert repr(doc) == f"Document({str(path)!r})"


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1\n")))
    doc = read("-")
    assert (doc.data, doc.source, doc.path) == ({"a": 1}, "<stdin>", None)


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("a: 1\n" * 10)
    with pytest.raises(LoadError, match="larger than the 9 bytes"):
        read(path, limits=Limits(bytes=9))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flux.yml", "no such file; did you mean '.*flux.yaml'"),
        ("zzz", "no such file; check the path"),
        ("none/flux.yaml", "no such file; check the path"),
        ("flux.yaml/x", "no such file"),
        (".", "this is a directory"),
        ("a\0b", "the name is not a file name"),
        ("x" * 5000, "(?i)name too long"),
    ],
    ids=lambda text: text[:20],
)
def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "flux.yaml").write_text("a: 1\n")
    with pytest.raises(LoadError, match=message) as caught:
        read(f"{tmp_path}/{name}")
    assert [p.code for p in caught.value.problems] == ["CAP101"]


def test_a_file_without_permission_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(LoadError, match="permission denied"):
        read("secret.yaml")


# Properties


def agree(text: str) -> bool:
    """YAML 1.1, which PyYAML writes, and 1.2 read the text alike when it has no quotes."""
    if set(text) & set("\x85\u2028\u2029"):
        return False
    resolver: Any = yaml.SafeLoader("")
    return (
        resolver.resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str"
        or text == ""
        or plain(text) is text
    )


JSON_TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Z"]), max_size=8)


def tree(texts: st.SearchStrategy[str], *, infinity: bool) -> st.SearchStrategy[dict[str, Any]]:
    floats = st.floats(allow_nan=False, allow_infinity=infinity)
    scalars = st.none() | st.booleans() | st.integers() | floats | texts
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    )
    return st.dictionaries(texts, values, max_size=5)


@given(tree(st.text(max_size=12).filter(agree), infinity=True), st.booleans(), st.booleans())
def test_what_pyyaml_writes_is_read_back(data: dict[str, Any], flow: bool, unicode: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=unicode)
    assert parse(text).data == data


@given(tree(JSON_TEXT, infinity=False), st.sampled_from([None, 0, 2]))
def test_json_is_yaml_and_every_place_is_where_the_node_is(data: dict[str, Any], indent: int | None) -> None:
    doc = parse(json.dumps(data, indent=indent, ensure_ascii=False))
    assert doc.data == data
    check_places(doc, (), data)


def check_places(doc: Document, pointer: document.Pointer, node: Any) -> None:
    if isinstance(node, dict | list):
        assert at(doc, doc.place(pointer)).startswith("{" if isinstance(node, dict) else "[")
        for key in node if isinstance(node, dict) else range(len(node)):
            check_places(doc, (*pointer, key), node[key])
    else:
        written = json.dumps(node, ensure_ascii=False)
        assert at(doc, doc.place(pointer)).startswith(written)
        assert doc.raw(pointer) == (node if isinstance(node, str) else written)
    if pointer and isinstance(pointer[-1], str):
        key = json.dumps(pointer[-1], ensure_ascii=False)
        assert at(doc, doc.place(pointer, key=True)).startswith(key)


def at(doc: Document, place: Place) -> str:
    return doc.line(place.line)[place.column - 1 :]


FRAGMENTS = st.sampled_from(
    [
        *(
            "a",
            "1",
            "é",
            "~",
            "=",
            "0x",
            ".inf",
            "\ue000",
            ": ",
            "- ",
            "? ",
            "\n",
            "\r",
            "  ",
            "\t",
            "#",
            ",",
        ),
        *(
            "{",
            "}",
            "[",
            "]",
            "{{",
            "}}",
            '"',
            "'",
            "|",
            ">",
            "&a ",
            "*a",
            "<<",
            "!",
            "!!int ",
            "%",
            "@",
            "`",
        ),
        *("\\", "\\u", "\\xd8", "\\U00110000", "\\UFFFFFFFF", "\x85", "\u2028", "\ufeff"),
        *("---\n", "...\n", "<<<<<<<", "{% ", "%YAML 1.", "%TAG ! "),
    ]
)


@given(st.lists(FRAGMENTS, max_size=25).map("".join) | st.text() | st.binary())
def test_no_text_raises_anything_but_load_error(text: str | bytes) -> None:
    for loader in LOADERS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(events, "_LOADER", loader)
            try:
                assert json.dumps(parse(text).data)
            except LoadError as error:
                found = error.problems
                assert all(p.place is not None and p.hint for p in found)


# The corpus of public files, where it is at hand


def corpus() -> list[dict[str, str]]:
    if not (CORPUS / "manifest.tsv").exists():
        pytest.skip("the corpus is not here")
    with open(CORPUS / "manifest.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def outcome(row: dict[str, str]) -> LoadError | None:
    try:
        read(CORPUS / "files" / row["file"])
    except LoadError as error:
        return error
    return None


@pytest.mark.parametrize("_each_parser", LOADERS[-1:], indirect=True)
def test_every_well_formed_public_file_loads() -> None:
    rows = [
        row for row in corpus() if not row["yaml_error"] and row["group"] not in {"malformed", "truncated"}
    ]
    assert len(rows) > 700
    assert {row["file"]: str(error) for row in rows if (error := outcome(row))} == {}


def test_every_broken_public_file_loads_or_is_refused_with_a_line() -> None:
    rows = [row for row in corpus() if row["yaml_error"] or row["group"] in {"malformed", "truncated"}]
    refused = [error for row in rows if (error := outcome(row))]
    assert len(refused) >= sum(1 for row in rows if row["yaml_error"])
    assert all(p.place is not None and p.hint for error in refused for p in error.problems)
