"""XML to values and back: what is read, what is written, and what is refused."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.json import MAX_DEPTH
from capspec.codecs.xml import CODEC

XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r"),
    max_size=20,
)


def test_the_registry_knows_it() -> None:
    assert registry.find("codec", "XML") is CODEC


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"<v><i>1</i></v>", {"i": "1"}),
        (b"<v><i>1</i><i>2</i></v>", {"i": ["1", "2"]}),
        (b'<v a="1"><i b="2"/></v>', {"a": "1", "i": {"b": "2"}}),
        (b'<x:v xmlns:x="u" xmlns="w"><x:i x:c="3">t</x:i></x:v>', {"i": {"c": "3", "": "t"}}),
        (b"<v>text<i/></v>", {"": "text", "i": None}),
        (b"<v><![CDATA[<&]]></v>", "<&"),
        (b"<v/>", None),
        ("<?xml version='1.0' encoding='latin-1'?><v>é</v>".encode("latin-1"), "é"),
        ("<v>é</v>".encode("utf-16"), "é"),
    ],
)  # fmt: skip
def test_a_document_is_the_content_of_its_root(content: bytes, value: Any) -> None:
    assert CODEC.decode(content, "") == value


def test_the_charset_of_the_content_type_counts() -> None:
    assert CODEC.decode("<v>é</v>".encode("latin-1"), "latin-1") == "é"


@pytest.mark.parametrize(
    ("content", "charset", "message"),
    [
        (b'<!DOCTYPE v [<!ENTITY x "boom">]><v>&x;</v>', "", "entities"),
        (b'<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><v>&x;</v>', "", "entities"),
        (b"<v>" * (MAX_DEPTH + 1) + b"</v>" * (MAX_DEPTH + 1), "", "nested more than 256"),
        (b"<v>" * 100_000 + b"</v>" * 100_000, "", "nested more than 256"),
        (b"<v>" * 100_000, "", "not XML"),
        (b"hello", "", "not XML"),
        (b"<v>\xe9</v>", "", "not XML"),
        (b"<v/>", "nonsense", "character set is not known"),
        (b"<?xml version='1.0' encoding='nonsense'?><v/>", "", "character set is not known"),
    ],
)  # fmt: skip
def test_what_is_no_harmless_document_is_refused(content: bytes, charset: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.decode(content, charset)


def test_a_declaration_of_another_file_is_not_followed() -> None:
    assert CODEC.decode(b'<!DOCTYPE v SYSTEM "http://127.0.0.1:9/x.dtd"><v>1</v>', "") == "1"


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("<a>é</a>", "<a>é</a>"),
        ({"a": {"@id": 7, "#text": "x<y"}}, '<a id="7">x&lt;y</a>'),
        ({"a": {"b": [1, True, None, {"c": "d"}]}}, "<a><b>1</b><b>true</b><b/><b><c>d</c></b></a>"),
        (
            {"s:Envelope": {"@xmlns:s": "urn:x", "s:Body": None}},
            '<s:Envelope xmlns:s="urn:x"><s:Body/></s:Envelope>',
        ),
    ],
)
def test_a_text_or_an_object_of_one_root_is_written(value: Any, body: str) -> None:
    content, content_type = CODEC.encode(value)
    assert content.decode().removeprefix('<?xml version="1.0" encoding="utf-8"?>\n') == body
    assert content_type == "application/xml; charset=utf-8"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1, "b": 2}, "one member"),
        ({"a": [1, 2]}, "one member"),
        ([1], "one member"),
        (None, "one member"),
        ({"a><b": 1}, "whose name"),
        ({"a": {"@x y": 1}}, "whose name"),
        ({"a": {"#comment": "-->"}}, "whose name"),
        ({"a": {"": 1}}, "whose name"),
        ({"a": {"@b": {"c": 1}}}, "single value"),
        ({"a": {"b": [[1]]}}, "list right in a list"),
        ({"a": "\x00"}, "control character"),
        ({"a": "\ud800"}, "broken Unicode"),
        ("<a>\x1b</a>", "control character"),
    ],
)
def test_what_xml_cannot_say_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.encode(value)


def test_nesting_is_bounded_when_writing() -> None:
    value: Any = "x"
    for _ in range(1000):
        value = {"a": value}
    with pytest.raises(ValueError, match="nested more than 256"):
        CODEC.encode(value)


@given(XML_TEXT)
def test_an_escaped_value_stays_in_its_place(value: str) -> None:
    text = f'<a b="{CODEC.escape(value)}">x{CODEC.escape(value)}y</a>'
    root = ElementTree.fromstring(text)
    assert list(root) == []
    assert root.text == f"x{value}y"
    # XML reads line ends and tabs in an attribute as blanks.
    assert root.attrib == {"b": value.replace("\n", " ").replace("\t", " ")}


def test_a_value_that_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        CODEC.escape("\x08")


def test_what_was_read_is_not_written_as_if_it_were_whole() -> None:
    with pytest.raises(ValueError, match="cannot be written back"):
        CODEC.reader.encode({"url": "x"})
    assert CODEC.reader.decode(b"<a><url>x</url></a>", "") == {"url": "x"}


@given(XML_TEXT | st.text("]>\r\n<-&", max_size=8))
def test_a_value_in_a_cdata_section_is_that_text(value: str) -> None:
    text = "<a b='\x001\x00'><![CDATA[]]\x001\x00]]]><!--<b><![CDATA[--><?c \x000\x00?>\x001\x00</a>"
    root = ElementTree.fromstring(CODEC.fill(text, ["--", value]))
    assert root.text == f"]]{value}]{value}"
    assert list(root) == []


@pytest.mark.parametrize(
    ("comment", "value", "written"),
    [("<!-- \x000\x00 -->", "a<b>&c-", "<!-- a<b>&c- -->"), ("<!-- -- -->\x000\x00", "--", "<!-- -- -->--")],
)
def test_a_value_in_a_comment_goes_in_as_it_is(comment: str, value: str, written: str) -> None:
    assert CODEC.fill(comment, [value]) == written


@pytest.mark.parametrize(
    ("comment", "value", "message"),
    [
        ("<!-- \x000\x00 -->", "--><a/>", "in a comment"),
        ("<!--\x000\x00-->", "a-", "in a comment"),
        ("<!-- -\x000\x00 -->", "-", "in a comment"),
        ("<!--\x000\x00-->", "\x1b", "control character"),
        ("<![CDATA[\x000\x00]]>", "\ud800", "broken Unicode"),
    ],
)
def test_a_value_that_would_end_a_comment_is_refused(comment: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CODEC.fill(comment, [value])
