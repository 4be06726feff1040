"""Markdown: front matter, tables and sections."""

from __future__ import annotations

from typing import Any

import pytest

from capspec import registry
from capspec.codecs.markdown import MAX_SIZE, compile_codec
from capspec.settings import FormatSettings

TEXT = """---
title: A *plain* title
when: 2024-05-01
tags: [a, b]
---
Before the first heading.

# One **two** `three`

Para with a [link](http://x), ![alt](y.png)
and <b>a second</b> line.

- item
- other
  - nested

```py
x = 1
y = 2
```

| Name | Size |
|------|:----:|
| **a** | 1 |
| b |

Overview of more
----------------
> quoted
> # no section
"""

ONE = {
    "heading": "One two three",
    "level": 1,
    "content": "Para with a link, alt and a second line.\nitem\nother\nnested\nx = 1\ny = 2",
}
TWO = {"heading": "Overview of more", "level": 2, "content": "quoted\nno section"}


def decode(text: str, prefix: str = "", charset: str = "") -> Any:
    return compile_codec(FormatSettings(prefix, lambda path: b"")).decode(text.encode(), charset)


def test_the_registry_knows_it_by_both_names() -> None:
    assert registry.find("codec", "markdown") is registry.find("codec", "md") is compile_codec


def test_a_text_has_front_matter_tables_and_sections() -> None:
    assert decode(TEXT) == {
        "frontMatter": {"title": "A *plain* title", "when": "2024-05-01", "tags": ["a", "b"]},
        "tables": [[{"Name": "a", "Size": "1"}, {"Name": "b", "Size": ""}]],
        "sections": [ONE, TWO],
    }


@pytest.mark.parametrize("prefix", ["Overview", "overview", "## Overview", "Overview of more"])
def test_a_prefix_chooses_sections_and_nothing_else(prefix: str) -> None:
    found = decode(TEXT, prefix)
    assert found["sections"] == [TWO]
    assert len(found["tables"]) == 1


def test_line_ends_do_not_matter() -> None:
    assert decode(TEXT.replace("\n", "\r\n")) == decode(TEXT)


@pytest.mark.parametrize(
    ("text", "front", "headings"),
    [
        ("", {}, []),
        ("---\n---\n# h", {}, ["h"]),
        ("---\na: 1\n...\n# h", {"a": 1}, ["h"]),
        ("\n---\na: 1\n---\n", {}, ["a: 1"]),
        ("---\na: [\n---\n# h", {}, ["a: [", "h"]),
        ("---\n- a list\n---\n# h", {}, ["h"]),
        ("---\nno end\n", {}, []),
        ("\ufeff---\na: 1\n---\n", {"a": 1}, []),
    ],
)
def test_front_matter_is_a_mapping_from_the_first_line_on(text: str, front: Any, headings: list[str]) -> None:
    found = decode(text)
    assert found["frontMatter"] == front
    assert [section["heading"] for section in found["sections"]] == headings


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "*a_ " * 20_000,
        ">" * 20_000,
        "- " * 20_000,
        "[a](b" * 20_000,
        "|a" * 20_000,
        "<!--" * 20_000,
    ],
)
def test_what_makes_other_readers_slow_is_read(text: str) -> None:
    assert decode(text)["tables"] == []


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 2097152 bytes"):
        decode("x" * (MAX_SIZE + 1))


def test_markdown_is_not_written() -> None:
    with pytest.raises(ValueError, match="only read"):
        compile_codec(FormatSettings("", lambda path: b"")).encode({})
