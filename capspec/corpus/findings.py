"""A request of an upstream to what in it nobody meant to send."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from capspec.corpus.upstream import Sent
from capspec.values import Json

Kind = Literal[
    "literal", "unfilled", "undemanded", "ungiven", "lost", "encoded-twice", "other-request", "other-body",
    "refused", "exception", "unplaced",
]  # fmt: skip

KINDS: Mapping[Kind, str] = {
    "literal": "a template or a reference reached the upstream",
    "unfilled": "a placeholder of the path has no value although every argument is given",
    "undemanded": "the input schema does not require what the request cannot be made without",
    "ungiven": "the target requires a parameter that no argument fills",
    "lost": "an input is offered, and no request carries it",
    "encoded-twice": "a value was percent-encoded twice",
    "other-request": "another method or path was called than the file says",
    "other-body": "the body, or a list in the query, is not what was given",
    "refused": "a call with fitting arguments was refused",
    "exception": "something other than a refusal was raised",
    "unplaced": "an input that its author declares, and that nothing in the file sends on",
}

TOLD = frozenset({"unplaced"})
"""Kinds that are the file's own doing."""

_BRACES = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_REFERENCE = re.compile(r"(?<![\w./-])(?:\$this\.\S+|(?:rest|tools|mcp|inputs|env|secrets)\.[A-Za-z_$@])")
_NOTHING = re.compile(r"undefined|None|null|MISSING|Secret\(\*+\)")
_IN_URL = re.compile(r"[{}]|%7[BbDd]")
_TWICE = re.compile(r"%25[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with what a flow sends. `subject` is the input, the text or the code."""

    kind: Kind
    listener: str
    flow: str
    subject: str
    detail: str = ""

    @property
    def facts(self) -> dict[str, str]:
        return {
            "kind": self.kind,
            "listener": self.listener,
            "flow": self.flow,
            "subject": self.subject,
            "detail": self.detail,
        }


def literals(sent: Sent, written: Iterable[str], given: Iterable[Json]) -> Iterator[str]:
    """Texts of a request that look like templates or references.

    `written` are the literal parts of the file's own path, `given` the arguments, which may hold anything.
    """
    target = urlsplit(sent.raw)
    own = [unquote(text) for text in written if text]
    texts = _texts_of(given)
    bare = _without(unquote(f"{target.path}?{target.query}"), [*own, *texts])
    yield from (found[0] for found in _IN_URL.finditer(_without(target.path + "?" + target.query, texts)))
    yield from _in_text(bare)
    for name, text in sent.query:
        yield from _whole(_without(text, texts), f"{name}=")
    for name, text in sent.headers:
        yield from _in_text(_without(text, texts))
        yield from _whole(_without(text, texts), f"{name}: ")
    for text in _body_texts(sent):
        yield from _in_text(_without(text, texts))


def encoded_twice(sent: Sent) -> Iterator[str]:
    yield from (found[0] for found in _TWICE.finditer(sent.raw))
    if sent.form:
        yield from (found[0] for found in _TWICE.finditer(sent.body.decode("latin-1")))


def carries(sent: Sent, mark: str) -> bool:
    """Whether a text or number of an argument arrived, in any part of a request."""
    places = [sent.path, *(f"{name}={text}" for name, text in (*sent.query, *sent.form))]
    places += [unquote(text) for _, text in sent.headers]
    places.append(sent.body.decode("utf-8", "replace"))
    places.append(json.dumps(sent.json, ensure_ascii=False) if sent.json is not None else "")
    return any(mark in place for place in places)


def _in_text(text: str) -> Iterator[str]:
    yield from (found[0] for found in _BRACES.finditer(text))
    yield from (found[0] for found in _REFERENCE.finditer(text))


def _whole(text: str, owner: str) -> Iterator[str]:
    if _NOTHING.fullmatch(text):
        yield owner + text


def _without(text: str, parts: Iterable[str]) -> str:
    for part in parts:
        text = text.replace(part, " ")
    return text


def _texts_of(given: Iterable[Json]) -> list[str]:
    """Arguments as they may be written into a text, the longest first."""
    found = set()
    for value in given:
        if isinstance(value, (dict, list)):
            for separators in ((",", ":"), (", ", ": ")):
                found |= {
                    json.dumps(value, separators=separators),
                    json.dumps(value, separators=separators, ensure_ascii=False),
                }
        elif isinstance(value, str):
            found.add(value)
    return sorted(found, key=len, reverse=True)


def _body_texts(sent: Sent) -> Iterator[str]:
    value = sent.json
    if value is None:
        yield sent.body.decode("utf-8", "replace")
    else:
        yield from _scalars(value)


def _scalars(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, str):
        yield value
