"""The tables of a page."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from capspec import registry
from capspec.codecs.html import compile_codec
from capspec.settings import FormatSettings

PAGE = b"""<!DOCTYPE html><title>t</title>
<table class="products"><caption>c</caption>
 <thead><tr><th>Name<br>full</th><th> Price
 &amp; tax</th></tr></thead>
 <tr><td><b>Ad</b>a <script>x()</script></td><td>1&nbsp;&euro;</td></tr>
 <tr><td>Bob</td></tr>
 <tr><th>Sum</th><td>2</td></tr>
 <tr><td>a</td><td>b</td><td>too many</td></tr>
</table>
<div id="rest">
 <table><tr><td>no</td><td>head</td></tr></table>
 <table><tr><td>k</td><th>v</th></tr><tr><td>1</td><td><table><tr><th>in</th></tr><tr><td>ner</td></tr></table></td></tr></table>
</div>"""

PRODUCTS = [
    {"Name full": "Ada", "Price & tax": "1 €"},
    {"Name full": "Bob", "Price & tax": ""},
    {"Name full": "a", "Price & tax": "b"},
]
REST: list[Any] = [[{"k": "1", "v": "in ner"}], [{"in": "ner"}]]


def decode(content: bytes, selector: str = "", charset: str = "") -> Any:
    return compile_codec(FormatSettings(selector, lambda path: b"")).decode(content, charset)


def test_the_registry_knows_it() -> None:
    assert registry.find("codec", "HTML") is compile_codec


@pytest.mark.parametrize(
    ("selector", "tables"),
    [
        ("", [PRODUCTS, *REST]),
        ("table.products", [PRODUCTS]),
        ("#rest", REST),
        ("body", [PRODUCTS, *REST]),
        ("#rest, table.products", [PRODUCTS, *REST]),
        ("table.none", []),
    ],
)
def test_tables_with_a_head_are_lists_of_objects(selector: str, tables: list[Any]) -> None:
    assert decode(PAGE, selector) == {"tables": tables}


@pytest.mark.parametrize("content", [b"", b"no markup", b"<!-- only -->", b"\x00\xff\xfe", b"{}"])
def test_a_page_without_tables_has_none(content: bytes) -> None:
    assert decode(content) == {"tables": []}


def test_a_page_that_is_not_well_formed_is_read_as_browsers_do() -> None:
    assert decode(b"<table><tr><th>a<th>b<tr><td>1<td>2") == {"tables": [[{"a": "1", "b": "2"}]]}


@pytest.mark.parametrize(
    ("encoding", "head", "charset"),
    [
        ("utf-8", "", ""),
        ("latin-1", "", "latin-1"),
        ("windows-1252", "<meta charset='windows-1252'>", ""),
        ("latin-1", '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">', ""),
        ("utf-16", "", ""),
        ("utf-8-sig", "<meta charset='latin-1'>", ""),
    ],
)
def test_the_character_set_is_found(encoding: str, head: str, charset: str) -> None:
    page = f"{head}<table><tr><th>é</th></tr><tr><td>ü</td></tr></table>"
    assert decode(page.encode(encoding), charset=charset) == {"tables": [[{"é": "ü"}]]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<div>" * 1_000_000, "nested more than 200"),
        (b"<b>" * 300_000 + b"</i>" * 300_000, "nested more than 200"),
        (b"<ul><li>" * 300_000, "nested more than 200"),
        (b"<p " + b" ".join(b"a%d" % at for at in range(500_000)) + b">", "more than 500 attributes"),
    ],
)  # fmt: skip
def test_what_would_take_for_ever_is_refused_at_once(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(content)


@pytest.mark.parametrize(
    "content", [b"<!--" * 300_000, b'<p a="' * 300_000, b"<" * 300_000, b"<script>" * 300_000]
)
def test_what_never_ends_is_read_as_far_as_it_goes(content: bytes) -> None:
    assert decode(content) == {"tables": []}


def test_an_unknown_character_set_is_refused() -> None:
    with pytest.raises(ValueError, match="is not known"):
        decode(b"<p>", charset="nonsense")


def test_a_selector_that_is_none_is_refused_when_the_file_is_loaded() -> None:
    with pytest.raises(ValueError, match="no CSS selector"):
        compile_codec(FormatSettings("a[[", lambda path: b""))


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    with pytest.raises(ValueError, match=r"pip install 'capspec\[html\]'"):
        compile_codec(FormatSettings("", lambda path: b""))


def test_pages_are_not_written() -> None:
    with pytest.raises(ValueError, match="only read"):
        compile_codec(FormatSettings("", lambda path: b"")).encode({})
