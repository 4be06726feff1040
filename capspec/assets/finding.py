"""An answer to the links in it, and to the same answer with other links in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin, urlsplit

from capspec.egress import is_among
from capspec.jsonpath import JsonPath, JsonPathBudgetError
from capspec.plan.assets import Assets
from capspec.values import Json

LONGEST: Final = 4096
"""Characters of a link: with more, ours would be too long for many a client."""

MOST: Final = 200
"""Links of one answer that are replaced."""

_URL = re.compile(r"https?://[^\s\"<>\\^`{|}]+", re.IGNORECASE)
_PATH = re.compile(r"//?[^\s\"<>\\^`{|}/][^\s\"<>\\^`{|}]*")
_SIGNATURES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature"})
_SIGNED = frozenset({
    "awsaccesskeyid", "expires", "googleaccessid", "key-pair-id", "policy", "rscc", "rscd", "rsce", "rscl",
    "rsct", "se", "signature", "sig", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr",
    "st", "sv",
})  # fmt: skip
"""Query parameters of signed links, in lower case: they say nothing of what a link leads to."""


@dataclass(frozen=True, slots=True)
class Found:
    """A link: its `text` as it stands in the answer, and the absolute `url` that it means."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Findings:
    """The links that may be followed, each once, and why others may not."""

    links: tuple[Found, ...]
    refused: tuple[str, ...]


def find(assets: Assets, base_url: str, answer: Json) -> Findings:
    """The links of an answer. One is only said to be refused where the file's paths lead to it."""
    found: dict[str, Found] = {}
    refused: list[str] = []
    for text in _texts_at(assets.paths, answer) if assets.paths else _texts(answer):
        url = _meant(text, base_url, relative=bool(assets.paths))
        if not url or text in found:
            continue
        reason = _trouble(url, assets, len(found))
        if not reason:
            found[text] = Found(text, url)
        elif assets.paths:
            refused.append(reason)
    return Findings(tuple(found.values()), tuple(dict.fromkeys(refused)))


def replaced(answer: Json, links: Mapping[str, str]) -> Json:
    """The answer with each text that is one of `links` replaced by what it stands for."""
    if not links:
        return answer
    if isinstance(answer, str):
        return links.get(answer, answer)
    if isinstance(answer, list):
        return [replaced(item, links) for item in answer]
    if isinstance(answer, dict):
        return {name: replaced(item, links) for name, item in answer.items()}
    return answer


def unsigned(url: str) -> str:
    """A link without its signature: what stays the same when a storage service signs it again."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if _SIGNATURES.isdisjoint(name.lower() for name, _ in pairs):
        return url
    kept = [pair for pair in pairs if not _is_signing(pair[0].lower())]
    return parts._replace(query=urlencode(kept)).geturl()


def _is_signing(name: str) -> bool:
    return name in _SIGNED or name.startswith(("x-amz-", "x-goog-"))


def _texts_at(paths: Iterable[JsonPath], answer: Json) -> Iterator[str]:
    for path in paths:
        try:
            yield from _texts(path.read(answer))
        except JsonPathBudgetError:
            continue


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _meant(text: str, base_url: str, *, relative: bool) -> str:
    """The absolute URL of a text (RFC 3986, 5), without a fragment; "" when it is none."""
    if not _URL.fullmatch(text) and not (relative and _PATH.fullmatch(text)):
        return ""
    try:
        return urldefrag(urljoin(f"{base_url}/", text)).url
    except ValueError:
        return ""


def _trouble(url: str, assets: Assets, count: int) -> str:
    if not is_among(url, assets.allowed):
        return "its host is not among 'allowHosts'"
    if len(url) > LONGEST:
        return f"it has more than {LONGEST} characters"
    return f"there are more than {MOST} links" if count >= MOST else ""
