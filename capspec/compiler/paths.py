"""Path texts to parts: literals, placeholders in any spelling that files use, and a path's own query.

Understood placeholders: `{x}`, `{{x}}`, greedy `{x+}` and `{+x}` (RFC 6570), `{x=*}` and `{x=**}`
(google.api.http), anywhere in a segment and with any characters in their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote

from capspec.plan import PathVariable

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{\s*([^{}]+?)\s*\}")
_UNTOUCHED = "/:@!$&'()*+,;=-._~%"
"""Characters of a path that RFC 3986 lets stand; `%` because authors write encoded paths too."""


@dataclass(frozen=True, slots=True)
class PathParts:
    """A path taken apart. `query` holds names and value texts, which may hold `{x}` again."""

    parts: tuple[str | PathVariable, ...]
    query: tuple[tuple[str, str], ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Placeholder names in order, each once."""
        names = (part.name for part in self.parts if isinstance(part, PathVariable))
        return tuple(dict.fromkeys(names))

    @property
    def queried(self) -> tuple[str, ...]:
        """Names of the placeholders in its own query."""
        found = (_PLACEHOLDER.finditer(value) for _, value in self.query)
        return tuple((match[1] or match[2]) for matches in found for match in matches)

    def extended(self, names: Iterable[str]) -> PathParts:
        """The path with these placeholders at its end, each a segment of its own."""
        parts = list(self.parts)
        for name in names:
            ends = not parts or (isinstance(parts[-1], str) and parts[-1].endswith("/"))
            parts += [*([] if ends and parts else ["/"]), PathVariable(name=name)]
        return PathParts(tuple(parts), self.query)

    def respelt(self, words: Iterable[str]) -> PathParts:
        """The path with placeholders called as these words, where only case and punctuation differ."""
        names = spellings(self.variables, words)
        parts = (
            replace(part, name=names.get(part.name, part.name)) if isinstance(part, PathVariable) else part
            for part in self.parts
        )
        return PathParts(tuple(parts), self.query)


def parse_consumed_path(text: str) -> PathParts:
    """A path to send: literals come out percent-encoded, a `#…` discriminator is dropped."""
    path, query = _split(text)
    parts = tuple(quote(part, safe=_UNTOUCHED) if isinstance(part, str) else part for part in _parts(path))
    return PathParts(parts, tuple(_query_pairs(query)))


def parse_exposed_path(text: str) -> PathParts:
    """A path to serve: a placeholder named `path` is greedy; a `?…` or `#…` takes no part in routing."""
    path, query = _split(text)
    parts = tuple(
        PathVariable(name=part.name, greedy=True)
        if isinstance(part, PathVariable) and part.name == "path"
        else part
        for part in _parts(path)
    )
    return PathParts(parts, tuple(_query_pairs(query)))


def normalised(name: str) -> str:
    """A name without case and punctuation: `fieldIdOrKey`, `field-id-or-key` and `fieldidorkey` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def spellings(names: Iterable[str], words: Iterable[str]) -> dict[str, str]:
    """For names that are none of the words, the one word that is spelt alike and is no name itself."""
    known, given = set(names), dict.fromkeys(words)
    found: dict[str, str] = {}
    for name in known - set(given):
        alike = [word for word in given if word not in known and normalised(word) == normalised(name)]
        if len(alike) == 1 and normalised(name):
            found[name] = alike[0]
    # Two names that are spelt alike themselves stay what they are.
    return {name: word for name, word in found.items() if list(found.values()).count(word) == 1}


def _split(text: str) -> tuple[str, str]:
    """The path with a leading slash, and its query; marks inside placeholders do not count."""
    masked = _PLACEHOLDER.sub(lambda match: "x" * len(match[0]), text.strip())
    end = masked.find("#") if "#" in masked else len(masked)
    mark = masked.find("?", 0, end)
    stripped = text.strip()
    path = stripped[: mark if mark >= 0 else end]
    query = stripped[mark + 1 : end] if mark >= 0 else ""
    return (path if not path or path.startswith("/") else "/" + path), query


def _parts(path: str) -> list[str | PathVariable]:
    parts: list[str | PathVariable] = []
    position = 0
    for match in _PLACEHOLDER.finditer(path):
        if match.start() > position:
            parts.append(path[position : match.start()])
        parts.append(_variable(match[1] or match[2]))
        position = match.end()
    if position < len(path):
        parts.append(path[position:])
    return parts


def _variable(text: str) -> PathVariable:
    name, _, pattern = text.partition("=")
    greedy = name.endswith(("+", "*")) or name.startswith("+") or pattern.endswith("**")
    name = name.strip().strip("+*").strip()
    return PathVariable(name=_without_prefix(name), greedy=greedy)


def _without_prefix(name: str) -> str:
    """`{{tools.id}}` in a path means the argument `id`."""
    prefix, dot, rest = name.partition(".")
    return rest if dot and prefix in ("tools", "rest", "mcp", "inputs") else name


def _query_pairs(query: str) -> list[tuple[str, str]]:
    pairs = []
    for item in filter(None, query.split("&")):
        name, _, value = item.partition("=")
        pairs.append((name, value))
    return pairs
