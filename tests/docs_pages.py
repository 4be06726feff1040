"""The pages of docs/language to their examples: files, fragments of files, and what is shown of each.

`docs/language/README.md` says how an example is written; this reads it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "language"

_FENCE = re.compile(r"^( *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^\1```$", re.DOTALL | re.MULTILINE)
_WORD = re.compile(r'([a-z]+)(?:="([^"]*)")?')
_ANSWER = re.compile(r"^HTTP/1\.1 ", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it with their values, its text, and its line."""

    language: str
    words: dict[str, str]
    text: str
    line: int


@dataclass(frozen=True)
class Message:
    """An HTTP message as it is shown: its first line, headers, and body."""

    start: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    request: Message
    answer: Message
    line: int


@dataclass
class Example:
    """A capability file, or one with a fragment put into it, and everything that is shown of it.

    `inherited` are exchanges with the API of the file that the fragment is put into.
    """

    page: str
    line: int
    name: str
    text: str
    mock: bool
    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    upstream: list[Exchange] = field(default_factory=list)
    inherited: list[Exchange] = field(default_factory=list)
    shown: list[Block] = field(default_factory=list)
    commands: list[Block] = field(default_factory=list)
    problems: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    return sorted(FOLDER.glob("*.md"))


def blocks(text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        language, _, rest = found["info"].partition(" ")
        indent = len(found[1])
        lines = [line[indent:] for line in found["text"].splitlines()]
        words = {word[1]: word[2] or "" for word in _WORD.finditer(rest)}
        yield Block(language, words, "\n".join(lines), text.count("\n", 0, found.start()) + 1)


def examples(page: Path) -> list[Example]:
    """Raises AssertionError, with the line, for a block that is nothing that a page may have."""
    found: list[Example] = []
    file: Example | None = None
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "yaml" and "beside" not in block.words:
            example = _started(page.name, block, file)
            found.append(example)
            file = example if "title" in block.words else file
            continue
        assert found, f"{page.name}:{block.line}: there is no file yet"
        _add(found[-1], block)
    return found


def _started(page: str, block: Block, file: Example | None) -> Example:
    name, mock = block.words.get("title", ""), "mock" in block.words
    if name:
        return Example(page, block.line, name, block.text, mock)
    assert "at" in block.words, f"{page}:{block.line}: neither 'title' nor 'at' says what this is"
    assert file is not None, f"{page}:{block.line}: there is no file to put this into"
    text = inserted(file.text, block.words["at"], block.text)
    return Example(
        page,
        block.line,
        file.name,
        text,
        file.mock or mock,
        files=dict(file.files),
        environ=dict(file.environ),
        inherited=list(file.upstream),
    )


def _add(example: Example, block: Block) -> None:
    where = f"{example.page}:{block.line}"
    if "beside" in block.words:
        example.files[block.words["title"]] = block.text + "\n"
    elif block.language == "http" and "upstream" in block.words:
        example.upstream.append(exchange(block))
    elif block.language == "sh" and "environment" in block.words:
        example.environ |= dict(line.split("=", 1) for line in block.text.splitlines())
    elif block.language == "text" and "problems" in block.words:
        example.problems = block.text
    elif block.language == "console":
        example.commands.append(block)
    else:
        assert block.language in ("http", "mcp"), f"{where}: no page has blocks of this kind"
        example.shown.append(block)


# -- fragments ------------------------------------------------------------------------------------------


def inserted(text: str, at: str, fragment: str) -> str:
    """A file with a fragment at a place: laid over a mapping, appended at `+`, in the place of anything else."""
    whole = yaml.safe_load(text)
    value = yaml.safe_load(fragment)
    *way, last = at.split(".")
    around = whole
    for step in way:
        around = _entered(around, step, at)
    if last == "+":
        around.append(value)
    else:
        key = last if isinstance(around, dict) else _position(around, last, at)
        old = around.get(key) if isinstance(around, dict) else around[key]
        around[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1000)


def _entered(around: Any, step: str, at: str) -> Any:
    if isinstance(around, dict):
        assert step in around, f"there is no '{step}' on the way to {at}"
        return around[step]
    return around[_position(around, step, at)]


def _position(around: list[Any], step: str, at: str) -> int:
    """An element by its number, or by what it is called."""
    if step.isdigit():
        return int(step)
    for number, item in enumerate(around):
        if step in (item.get(key) for key in ("name", "namespace", "type", "path")):
            return number
    raise AssertionError(f"there is no '{step}' on the way to {at}")


# -- messages -------------------------------------------------------------------------------------------


def exchange(block: Block) -> Exchange:
    """A request, and after a blank line the answer, which begins with `HTTP/1.1`."""
    found = _ANSWER.search(block.text)
    assert found is not None, f"line {block.line}: there is no answer"
    return Exchange(message(block.text[: found.start()]), message(block.text[found.start() :]), block.line)


def message(text: str) -> Message:
    head, _, body = text.strip("\n").partition("\n\n")
    start, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return Message(start, headers, body)
