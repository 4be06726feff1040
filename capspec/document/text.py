"""Bytes to text that YAML allows, and the line and column of any character in it."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass

from capspec.errors import LoadError, Place, Problem

_BREAK = re.compile(r"\r\n?|\n")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_FORBIDDEN = 20
_OLD_BREAKS = "\x85\u2028\u2029"
_PRIVATE_USE = (*range(0xE000, 0xF900), *range(0xF0000, 0xFFFFE))

# UTF-32 first: its little-endian mark begins with the one of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may cost. `nodes` and `depth` count after aliases are expanded; keys are nodes."""

    bytes: int = 8 * 1024 * 1024
    depth: int = 200
    nodes: int = 2_000_000


class Lines:
    """A text and where its lines begin, counted as editors do: at LF, CRLF and CR."""

    __slots__ = ("_starts", "source", "text")

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self._starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        # Only a message needs lines, and most documents need no message.
        if self._starts is None:
            self._starts = [0, *(match.end() for match in _BREAK.finditer(self.text))]
        return self._starts

    def place(self, index: int) -> Place:
        """The place of the character at `index`, from 0; past the end counts as the end."""
        index = min(index, len(self.text))
        line = bisect_right(self.starts, index)
        return Place(self.source, line, index - self.starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The line with this number, from 1, without its break; empty when there is none."""
        if not 1 <= number <= len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = _BREAK.search(self.text, start)
        return self.text[start : end.start() if end else len(self.text)]

    def problem(self, code: str, message: str, index: int, hint: str = "") -> Problem:
        return Problem(code=code, message=message, hint=hint, place=self.place(index))


def to_text(given: str | bytes, source: str, limits: Limits) -> str:
    """Decode UTF-8, UTF-16 or UTF-32 (YAML 1.2.2 section 5.2) and drop the byte order mark.

    Raises LoadError: CAP104 too large, CAP119 wrong encoding, CAP102 a forbidden character (section 5.1).
    """
    size = len(given.encode("utf-8", "surrogatepass")) if isinstance(given, str) else len(given)
    if size > limits.bytes:
        raise LoadError(_too_large(source, limits))
    text = given if isinstance(given, str) else _decode(given, source)
    text = text.removeprefix("\ufeff")
    if _FORBIDDEN.search(text):
        raise LoadError(_forbidden(Lines(text, source)))
    return text


def hide_old_breaks(text: str) -> tuple[str, dict[int, str]]:
    """The text with stand-ins for NEL, LS and PS, and the table that `str.translate` undoes it with.

    PyYAML's parsers speak YAML 1.1, where these end a line, and so could hide a key inside a value.
    """
    if text.isascii() or not any(mark in text for mark in _OLD_BREAKS):
        return text, {}
    used = set(text)
    free = (chr(code) for code in _PRIVATE_USE if chr(code) not in used)
    hidden = dict(zip(_OLD_BREAKS, free, strict=False))
    shown = {ord(stand_in): mark for mark, stand_in in hidden.items()}
    return text.translate({ord(mark): stand_in for mark, stand_in in hidden.items()}), shown


def _too_large(source: str, limits: Limits) -> Problem:
    return Problem(
        code="CAP104",
        message=f"the file is larger than the {limits.bytes:,} bytes allowed",
        hint="split it, or import parts of it from other files",
        place=Place(source, 1, 1),
    )


def _decode(data: bytes, source: str) -> str:
    encoding = _encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = Lines(data[: error.start].decode(encoding).removeprefix("\ufeff"), source)
        byte = data[error.start]
        message = f"byte 0x{byte:02X} does not belong here in {encoding[:6].rstrip('-').upper()} text"
        hint = "save the file as UTF-8"
        if encoding == "utf-8" and chr(byte).isprintable():
            hint += f"; if it was saved as Latin-1 or Windows-1252, this byte is {chr(byte)!r}"
        raise LoadError(before.problem("CAP119", message, len(before.text), hint)) from None


def _encoding(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding
    # YAML begins with an ASCII character, so zero bytes beside the first two give UTF-16 away.
    zeros = [byte == 0 for byte in data[:4]]
    if zeros == [True, False, True, False]:
        return "utf-16-be"
    return "utf-16-le" if zeros == [False, True, False, True] else "utf-8"


def _forbidden(lines: Lines) -> list[Problem]:
    problems = []
    for match in _FORBIDDEN.finditer(lines.text):
        name = f"U+{ord(match[0]):04X}"
        if match[0] == "\0":
            name += " (NUL)"
        problems.append(
            lines.problem(
                "CAP102",
                f"the character {name} is not allowed in YAML",
                match.start(),
                "remove it, or write it as an escape in double quotes",
            )
        )
        if len(problems) == _MOST_FORBIDDEN:
            break
    return problems
