"""The text of an expression, read token by token from left to right; errors know their offset."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from capspec.jsonpath.run import JsonPathError
from capspec.values import MISSING, Json

_BLANK = re.compile(r"\s*")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_ESCAPE = re.compile(r'\\.|"', re.DOTALL)
_NUMBER = re.compile(r"-?\d{1,300}(?:(?:\.\d{1,300})?[eE][+-]?\d{1,3}|\.\d{1,300})?")
_INTEGER = re.compile(r"-?\d+")
_WORD = re.compile(r"(?:true|false|null)\b")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}


class Scanner:
    """A text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        offset = self.at if at is None else at
        raise JsonPathError(f"{message} at offset {offset}", offset, text=self.text)

    def sees(self, literals: str | tuple[str, ...]) -> bool:
        """Whether one of these texts comes next."""
        return self.text.startswith(literals, self.at)

    def take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        """Read a token, if it comes next."""
        found = token.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def skip_blanks(self) -> int:
        """Pass over blanks; gives the offset of what follows."""
        self.take(_BLANK)
        return self.at

    def skip(self, literal: str) -> bool:
        """Pass over blanks and then this text, if it is there."""
        self.skip_blanks()
        found = self.sees(literal)
        if found:
            self.at += len(literal)
        return found

    def need(self, literal: str) -> None:
        """Pass over blanks and this text, or fail."""
        if not self.skip(literal):
            self.fail(f"expected {literal!r}")

    def literal(self) -> Json:
        """A quoted text, a number, true, false or null; MISSING when none comes next."""
        text = self.quoted()
        if text is not None:
            return text
        number = self.take(_NUMBER)
        if number:
            return int(number[0]) if _INTEGER.fullmatch(number[0]) else float(number[0])
        word = self.take(_WORD)
        return _WORDS[word[0]] if word else MISSING

    def quoted(self) -> str | None:
        """A text in quotes of either kind, with JSON's escapes (RFC 9535, 2.3.1), or None."""
        start = self.skip_blanks()
        found = self.take(_QUOTED)
        if found is None:
            if self.sees(("'", '"')):
                self.fail("the quoted text does not end")
            return None
        body = _ESCAPE.sub(_as_json_escape, found[0][1:-1])
        try:
            return str(json.loads(f'"{body}"', strict=False))
        except ValueError:
            self.fail("the quoted text has an escape that is not JSON's", start)


def _as_json_escape(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])
