"""SPARQL 1.1: a query or an update to a body (SPARQL 1.1 Protocol, 2.1.3 and 2.2.2), each value in its place.

What a value may be depends on where its placeholder stands: within quotes it is any text, between `<` and `>`
it is an IRI or the rest of one, and elsewhere it is a number or a single word such as `wd:Q42`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import quote

from capspec.values import Json

_TOKEN = re.compile(
    r"(?P<comment>\#[^\n\r]*)"
    r"|(?P<iri><[^<>\"{}|^`\\\x01-\x20]*>)"
    r"|(?P<text>'''(?:(?:''?)?(?:[^'\\]|\\.))*'''|\"\"\"(?:(?:\"\"?)?(?:[^\"\\]|\\.))*\"\"\""
    r"|'(?:[^'\\\n\r]|\\.)*'|\"(?:[^\"\\\n\r]|\\.)*\")",
    re.DOTALL,
)
_MARK = re.compile(r"\0(\d+)\0")
_WORD = re.compile(
    r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
    r"|[?$]\w+"
    r"|[^\W\d]\w*(?:-\w+)*"
    r"|(?:[^\W\d](?:[\w.-]*[\w-])?)?:(?:\w(?:[\w.:-]*[\w:-])?)?"
)
"""A number, a variable, a keyword or a language tag, and a prefixed name (SPARQL 1.1 Query, 19.8)."""
_ESCAPES = str.maketrans(
    {
        "\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b",
        "\f": "\\f",
    }
)  # fmt: skip
_RESERVED = ":/?#[]@!$&'()*+,;=%"
"""What an IRI is made of (RFC 3986, 2.2), and the sign of what is encoded already."""


class SparqlCodec:
    """Writes operations of one kind. A text counts as one that its author has written."""

    def __init__(self, media_type: str) -> None:
        self.media_type = media_type

    def fill(self, text: str, values: Sequence[str]) -> str:
        """An operation with marks `NUL index NUL` in the place of its values, to the operation.

        Raises ValueError for a value that could leave its place.
        """
        written: list[str] = []
        at = 0
        for token in _TOKEN.finditer(text):
            written.append(_MARK.sub(lambda mark: _word(values[int(mark[1])]), text[at : token.start()]))
            written.append(_filled(token, values))
            at = token.end()
        written.append(_MARK.sub(lambda mark: _word(values[int(mark[1])]), text[at:]))
        return "".join(written)

    def encode(self, value: Json) -> tuple[bytes, str]:
        if not isinstance(value, str):
            raise ValueError("must be a text to be sent as SPARQL")
        if "\0" in value:
            raise ValueError("holds a NUL character, which SPARQL cannot carry")
        try:
            return value.encode(), f"{self.media_type}; charset=utf-8"
        except UnicodeEncodeError:
            raise ValueError("holds broken Unicode, which cannot be sent") from None

    def decode(self, content: bytes, charset: str) -> NoReturn:
        del content, charset
        raise ValueError("SPARQL is only written, and not read; the results have a format of their own")


def _filled(token: re.Match[str], values: Sequence[str]) -> str:
    if token.lastgroup == "iri":
        return _MARK.sub(lambda mark: _iri(mark, values[int(mark[1])]), token[0])
    if token.lastgroup == "comment":
        return _MARK.sub("", token[0])
    return _MARK.sub(lambda mark: values[int(mark[1])].translate(_ESCAPES), token[0])


def _iri(mark: re.Match[str], value: str) -> str:
    """A whole IRI keeps its parts; what follows the file's own beginning cannot get other ones."""
    safe = _RESERVED if mark.start() == 1 else ""
    return "".join(char if char > "\x9f" else quote(char, safe=safe) for char in value)


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError(
            "has a value outside of quotes and angle brackets that is no number and no single word"
        )
    return value


QUERY = SparqlCodec("application/sparql-query")
UPDATE = SparqlCodec("application/sparql-update")
