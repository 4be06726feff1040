"""A line of a capability file to what may be shown of it: literals that look like secrets are masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MASK: Final = "****"

_NAMES: Final = (
    r"[\w-]*(?:token|passw(?:or)?d|passphrase|secret|credentials?|private[_-]?key|api[_-]?key|access[_-]?key"
    r"|signing[_-]?key|assertion|authorization)"
)
_SETTING: Final = re.compile(
    rf"""(?:^|[\s{{,"'-]){_NAMES}["']?\s*:\s+"""
    r"""(?P<value>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s,}\]#{\["'|>&*](?:(?!\s\#).)*)""",
    re.IGNORECASE,
)
_FLOW_END: Final = re.compile(r"[,}\]]")
_REFERENCE: Final = re.compile(
    r"""["']?(?:.*\{\{.*|\$(?:secrets|env)\.\w+|[A-Z][A-Z0-9_]*|true|false|null|none)["']?\s*(?:#.*)?"""
)
_TOKENS: Final = re.compile(
    r"(?P<known>\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}"
    r"|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{8,}|\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{20,}|\bhf_[A-Za-z0-9]{16,}"
    r"|\beyJ[\w-]{8,}(?:\.[\w-]+)*)"
    r"|(?i:\b(?:bearer|basic|token)\s+)(?P<scheme>[A-Za-z0-9+/_.~=-]{8,})"
    r"|://[^\s/:@{}]+:(?P<user>[^\s/@{}]+)@"
    r"|(?<![\w/+.-])(?P<long>[A-Za-z0-9+/_=-]{20,})(?![\w.])"
)
_HEX: Final = re.compile(r"[0-9a-fA-F-]{32,}")
_FEW_DIGITS: Final = 3


def concealed(line: str) -> list[str]:
    """What stands for each character: itself, or the mask for the first of a secret, nothing for the rest."""
    shown = list(line)
    hidden = 0
    for start, end in sorted(_secrets(line)):
        if end > hidden:
            shown[start:end] = [MASK if start >= hidden else "", *[""] * (end - start - 1)]
            hidden = end
    return shown


def _secrets(line: str) -> Iterator[tuple[int, int]]:
    """Where secrets begin and end, quotes around them left out."""
    for found in _SETTING.finditer(line):
        start, end = found.span("value")
        text = found["value"].rstrip()
        if text[0] not in "\"'" and _in_braces(line[:start]):
            text = _FLOW_END.split(text)[0].rstrip()
        if not _REFERENCE.fullmatch(text):
            quote = 1 if text[0] in "\"'" and len(text) > 1 else 0
            end = start + len(text) - quote
            if end > start + quote:
                yield start + quote, end
    for found in _TOKENS.finditer(line):
        group = found.lastgroup or "known"
        if group != "long" or _is_random(found[group]):
            yield found.span(group)


def _in_braces(before: str) -> bool:
    return before.count("{") > before.count("}") or before.count("[") > before.count("]")


def _is_random(text: str) -> bool:
    """Whether a long word is nothing that a person would make up."""
    if _HEX.fullmatch(text):
        return True
    digits = sum(character.isdigit() for character in text)
    return digits >= _FEW_DIGITS and any(map(str.isupper, text)) and any(map(str.islower, text))
