"""Forms in parts, read back by a parser that is not ours."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.multipart import CODEC
from tests.multipart_reader import PartSeen, parts_of

PIXEL = base64.b64encode(b"\x89PNG\x00\r\n--").decode()


def test_the_registry_knows_it_by_all_its_names() -> None:
    for word in ("multipart", "multipartForm", "multipart-form", "multipart/form-data", "form-data"):
        assert registry.find("codec", word) is CODEC


def sent(value: Any) -> list[PartSeen]:
    content, content_type = CODEC.encode(value)
    return parts_of(content, content_type)


def test_texts_numbers_lists_and_objects_are_fields() -> None:
    data = [
        {"name": "a", "value": "é"},
        {"name": "n", "value": 1.5},
        {"name": "l", "value": ["x", True]},
        {"name": "o", "value": {"k": [1]}},
        {"name": "none", "value": None},
        {"name": "empty", "value": ""},
    ]
    assert sent(data) == [
        PartSeen("a", "é".encode()),
        PartSeen("n", b"1.5"),
        PartSeen("l", b"x"),
        PartSeen("l", b"true"),
        PartSeen("o", b'{"k":[1]}', content_type="application/json"),
        PartSeen("empty", b""),
    ]


@pytest.mark.parametrize(
    ("part", "filename", "content_type"),
    [
        ({"base64": PIXEL}, "f", "application/octet-stream"),
        ({"base64": PIXEL, "filename": "p.png"}, "p.png", "image/png"),
        ({"base64": PIXEL, "filename": "p.png", "contentType": "image/x"}, "p.png", "image/x"),
        ({"base64": f"data:image/gif;base64,{PIXEL}"}, "f", "image/gif"),
        ({"base64": f"data:image/gif;name=x.gif;base64,{PIXEL}"}, "x.gif", "image/gif"),
        ({"value": base64.b64decode(PIXEL), "filename": "p.pdf"}, "p.pdf", "application/pdf"),
    ],
)
def test_files_have_a_name_and_a_type(part: dict[str, Any], filename: str, content_type: str) -> None:
    content = base64.b64decode(PIXEL)
    assert sent([{"name": "f", **part}]) == [PartSeen("f", content, filename, content_type)]


def test_in_an_object_a_data_url_is_a_file_and_any_other_text_is_a_field() -> None:
    url = f"data:image/png;name=p.png;base64,{PIXEL}"
    assert sent({"file": url, "note": "data: none", "tags": ["a", "b"], "off": None}) == [
        PartSeen("file", base64.b64decode(PIXEL), "p.png", "image/png"),
        PartSeen("note", b"data: none"),
        PartSeen("tags", b"a"),
        PartSeen("tags", b"b"),
    ]


def test_in_a_list_a_data_url_is_a_file_only_where_the_author_says_so() -> None:
    url = f"data:image/png;base64,{PIXEL}"
    assert sent([{"name": "a", "value": url}]) == [PartSeen("a", url.encode())]


def test_names_with_quotes_and_line_ends_cannot_leave_their_header() -> None:
    hostile = 'a"; filename="evil"\r\nContent-Type: text/html\r\n\r\n<script>'
    content, content_type = CODEC.encode([{"name": hostile, "base64": "AA", "filename": hostile}])
    (part,) = parts_of(content, content_type)
    escaped = hostile.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    assert (part.name, part.filename, part.content) == (escaped, escaped, b"\0")
    assert part.content_type == "application/octet-stream"


def test_names_are_sent_in_utf_8() -> None:
    assert sent([{"name": "größe", "base64": "AA", "filename": "日本.bin"}])[0].filename == "日本.bin"


@given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'),
                min_size=1,
                max_size=8,
            ),
            st.binary(max_size=60),
        ),
        max_size=5,
    )
)
def test_a_real_parser_reads_every_part_back(fields: list[tuple[str, bytes]]) -> None:
    seen = sent([{"name": name, "value": content} for name, content in fields])
    assert [(part.name, part.content) for part in seen] == fields


def test_the_boundary_is_one_that_no_part_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["taken", "taken", "free"])
    monkeypatch.setattr("secrets.token_hex", lambda size: next(drawn))
    content, content_type = CODEC.encode({"a": "this is taken already"})
    assert content_type == "multipart/form-data; boundary=free"
    assert parts_of(content, content_type) == [PartSeen("a", b"this is taken already")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "list of parts"),
        ([1], "list of parts"),
        ([{"value": 1}], "without a name"),
        ([{"name": ""}], "without a name"),
        ([{"name": "a", "value": "x", "contentType": "a/b\r\nX: y"}], "no media type"),
        ([{"name": "a", "base64": "???"}], "a file 'a' that is not base64"),
        ([{"name": "a", "base64": 5}], "must be base64"),
        ([{"name": "a", "base64": "data:image/png"}], "without a comma"),
        ([{"name": "a\0", "value": "x"}], "control character"),
        ([{"name": "a", "base64": "AA", "filename": "\ud800"}], "broken Unicode"),
        ([{"name": "a", "value": "\ud800"}], "broken Unicode"),
        ([{"name": "a", "value": "x"}] * 1001, "more than 1000 parts"),
    ],
)
def test_what_is_no_form_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.encode(value)


def test_forms_in_parts_are_not_read() -> None:
    with pytest.raises(ValueError, match="only written"):
        CODEC.decode(b"", "")
