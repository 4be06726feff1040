"""What answers say about addresses to the one that a request about a job goes to, if it may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urldefrag, urljoin

from capspec.egress import is_among
from capspec.jobs.judging import at
from capspec.plan.polling import AddressSource, Stage, Target
from capspec.values import Json, Missing
from capspec.wire import Headers, header

_LONGEST = 4096
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One answer, read: `body` is MISSING when it is not in the declared format."""

    status: int
    headers: Headers
    body: Json | Missing
    content: bytes = b""
    media_type: str = ""


Answers: TypeAlias = Mapping[Stage, Seen]
"""The answers that an address can come from."""


@dataclass(frozen=True, slots=True)
class Found:
    """An address that may be used, or ""; `refused` says that there was one that may not."""

    url: str = ""
    refused: bool = False


def find(target: Target, answers: Answers, base_url: str) -> Found:
    """The first address that the answers give and the target allows, made absolute (RFC 3986, 5)."""
    refused = False
    for text in _texts(target.sources, answers):
        url = _absolute(base_url, text)
        if url and is_among(url, target.allowed):
            return Found(url)
        refused = True
    return Found(refused=refused)


def _texts(sources: Iterable[AddressSource], answers: Answers) -> Iterable[str]:
    for source in sources:
        answer = answers.get(source.of)
        if answer is None:
            continue
        text = _said(source, answer)
        if isinstance(text, str) and text.strip():
            yield text.strip()


def _said(source: AddressSource, answer: Seen) -> Json:
    if source.body is None:
        return header(answer.headers, source.header)
    return at(source.body, answer.body)


def _absolute(base_url: str, text: str) -> str:
    """The address, without a fragment; "" when it is none, or when parsers differ about its host."""
    if len(text) > _LONGEST or not text.isprintable() or text.startswith("///"):
        return ""
    try:
        whole = text if _SCHEME.match(text) else urljoin(f"{base_url}/", text)
        return urldefrag(whole).url
    except ValueError:
        return ""
