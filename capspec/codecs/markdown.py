"""Markdown (CommonMark, with the tables of GFM): a text to its front matter, its tables and its sections.

`{"frontMatter": {…}, "tables": [[{"Name": "Ada"}]], "sections": [{"heading": "Notes", "level": 2, "content":
"…"}]}`. Markup is taken off: a section's content is its text, each paragraph, list item and line of code on a
line of its own, up to the next heading; tables stand under `tables` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NoReturn

from markdown_it import MarkdownIt
from markdown_it.token import Token

from capspec.codecs.text import CODEC as TEXT
from capspec.codecs.yaml import CODEC as YAML
from capspec.settings import FormatSettings
from capspec.values import Json

MAX_SIZE = 2 * 1024 * 1024
"""Bytes: a megabyte takes a few seconds to read."""


class MarkdownCodec:
    """Reads Markdown; with a prefix, of the sections only those whose heading begins with it."""

    media_type = "text/markdown"

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.lstrip("# ").casefold()

    def encode(self, value: Json) -> NoReturn:
        del value
        raise ValueError("cannot be written as Markdown, which is only read")

    def decode(self, content: bytes, charset: str) -> dict[str, Json]:
        if len(content) > MAX_SIZE:
            raise ValueError(f"it has more than {MAX_SIZE} bytes")
        front, text = _parted(TEXT.decode(content, charset))
        tokens = _parser().parse(text)
        sections = [item for item in _sections(tokens) if self._takes(item["heading"])]
        return {"frontMatter": front, "tables": list(_tables(tokens)), "sections": sections}

    def _takes(self, heading: str) -> bool:
        return heading.casefold().startswith(self._prefix)


def compile_codec(settings: FormatSettings) -> MarkdownCodec:
    """`outputSchema` is how the headings begin that are wanted, "" for all."""
    return MarkdownCodec(settings.schema)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _parted(text: str) -> tuple[dict[str, Json], str]:
    """Front matter and the rest. What begins like front matter and is no YAML mapping is text."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        return {}, text
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        return {}, text
    try:
        front = YAML.decode("".join(lines[1:end]).encode(), "")
    except ValueError:
        return {}, text
    if front is not None and not isinstance(front, dict):
        return {}, text
    return front or {}, "".join(lines[end + 1 :])


def _sections(tokens: Iterable[Token]) -> Iterator[dict[str, Any]]:
    section: dict[str, Any] | None = None
    lines: list[str] = []
    in_heading, tables = False, 0
    for token in tokens:
        tables += {"table_open": 1, "table_close": -1}.get(token.type, 0)
        if token.type == "heading_open" and token.level == 0:
            if section is not None:
                yield section | {"content": "\n".join(lines)}
            section, lines = {"heading": "", "level": int(token.tag[1]), "content": ""}, []
            in_heading = True
        elif token.type == "heading_close":
            in_heading = False
        elif in_heading and section is not None:
            section["heading"] = _plain(token)
        elif not tables and (text := _plain(token)):
            lines.append(text)
    if section is not None:
        yield section | {"content": "\n".join(lines)}


def _tables(tokens: Iterable[Token]) -> Iterator[list[Json]]:
    names: list[str] = []
    rows: list[Json] = []
    cells: list[str] = []
    for token in tokens:
        if token.type == "table_open":
            names, rows = [], []
        elif token.type == "tr_open":
            cells = []
        elif token.type in ("th_open", "td_open"):
            cells.append("")
        elif token.type == "inline" and cells:
            cells[-1] = _plain(token)
        elif token.type == "tr_close":
            if names:
                rows.append(dict(zip(names, cells, strict=False)))
            names, cells = names or cells, []
        elif token.type == "table_close":
            yield rows


def _plain(token: Token) -> str:
    """The text of a leaf without its markup, "" for what has none."""
    if token.type in ("fence", "code_block"):
        return token.content.rstrip("\n")
    if token.type != "inline":
        return ""
    return "".join(_inline(child) for child in token.children or ()).strip()


def _inline(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return "" if token.type == "html_inline" else token.content
