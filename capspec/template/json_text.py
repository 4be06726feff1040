"""JSON text with placeholders to a JsonText: a scope to a JSON value, valid whatever is put in.

`{"ids": {{ids}}, "name": "{{name}}"}`: the text is read as JSON once, with a mark in the place of each
placeholder, so that no value can change its structure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import NoReturn

from capspec.template.errors import TemplateError
from capspec.template.names import Read
from capspec.template.placeholders import Placeholder, split
from capspec.template.tree import build
from capspec.template.writing import as_text
from capspec.values import MISSING, Json, Scope

_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_CONTROLS = [chr(code) for code in range(1, 32) if chr(code) not in "\b\t\n\f\r"]
_FIRST_SIGN = 0xE000
_MOST = 6400


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonText:
    """A JSON text with placeholders, whose `names` come in order, a name each time it is used."""

    source: str
    names: tuple[str, ...]
    _read: Read = field(repr=False)

    def render(self, scope: Scope) -> Json:
        """The JSON value with all values put in.

        Inside a quoted text a value is put in as text, and nothing when it is missing; elsewhere it keeps its
        type, and is null when it is missing. Parts without placeholders are shared by all results, so not to
        be changed. Raises TemplateRenderError when a Jinja expression fails, JsonPathBudgetError when a
        JSONPath does.
        """
        return self._read(scope)


def compile_json_text(text: str) -> JsonText:
    """The template of a JSON text.

    Raises TemplateError, with the offset, when a placeholder is wrong, or when the text is no JSON even with
    a value in the place of each placeholder.
    """
    if "{%" in text:
        start = text.index("{%")
        message = f"JSON text cannot have Jinja blocks, only placeholders, at offset {start}"
        raise TemplateError(message, start, text=text)
    parts = tuple(split(text))
    marks = _Marks(text, [part for part in parts if isinstance(part, Placeholder)])
    data = _load(text, marks.put(parts))
    read = build(data, marks.value, name=marks.text)
    names = tuple(name for placeholder in marks.placeholders for name in placeholder.names)
    return JsonText(source=text, names=names, _read=read or (lambda scope: data))


def _load(text: str, marked: str) -> Json:
    def refuse(constant: str) -> NoReturn:
        start = text.find(constant)
        message = f"the text is no JSON: {constant} is no number at offset {start}"
        raise TemplateError(message, start, text=text)

    try:
        return json.loads(marked, strict=False, parse_constant=refuse)
    except json.JSONDecodeError as error:
        problem = error.msg[0].lower() + error.msg[1:]
        message = f"the text is no JSON with placeholders: {problem} at offset {error.pos}"
        raise TemplateError(message, error.pos, text=text) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, TemplateError):
            raise
        raise TemplateError(f"the text is no JSON with placeholders: {error}") from None


class _Marks:
    """Marks for placeholders, each as long as its placeholder, so that offsets stay what they are.

    A mark is a control character that the text does not use (one for placeholders inside quoted texts,
    another for those outside), a private-use character that numbers the placeholder, and filling.
    """

    def __init__(self, text: str, placeholders: list[Placeholder]) -> None:
        lowered = text.lower()
        free = [sign for sign in _CONTROLS if sign not in text and f"\\u{ord(sign):04x}" not in lowered]
        if len(free) < 3 or len(placeholders) > _MOST:
            raise TemplateError("the text has too many placeholders or control characters at offset 0")
        self.quoted, self.bare, self.filling = free[:3]
        self.placeholders = placeholders
        self.mark = re.compile(f"[{self.quoted}{self.bare}](.){self.filling}*")

    def put(self, parts: tuple[str | Placeholder, ...]) -> str:
        """The text with marks."""
        marked = []
        inside = False
        number = 0
        for part in parts:
            if isinstance(part, str):
                marked.append(part)
                inside ^= sum(found[0] == '"' for found in _QUOTE.finditer(part)) % 2 == 1
            else:
                marked.append(self._mark(number, part.end - part.start, inside=inside))
                number += 1
        return "".join(marked)

    def value(self, text: str) -> Read | None:
        """The reader of a text that may hold marks; None when it holds none."""
        if text.startswith(self.bare):
            return _or_null(self._placeholder(text[1]).read_json)
        return self.text(text)

    def text(self, text: str) -> Read | None:
        """The reader of a text that may hold marks of placeholders in quotes, which gives a text."""
        if text.startswith(self.bare):
            return _texts([self._placeholder(text[1]).read])
        pieces: list[str | Read] = []
        at = 0
        for found in self.mark.finditer(text):
            pieces += [text[at : found.start()], self._placeholder(found[1]).read]
            at = found.end()
        return _texts([*pieces, text[at:]]) if pieces else None

    def _mark(self, number: int, length: int, *, inside: bool) -> str:
        sign = chr(_FIRST_SIGN + number)
        if inside:
            return self.quoted + sign + self.filling * (length - 2)
        return f'"{self.bare}{sign}{self.filling * (length - 4)}"'

    def _placeholder(self, sign: str) -> Placeholder:
        return self.placeholders[ord(sign) - _FIRST_SIGN]


def _or_null(read: Read) -> Read:
    def value(scope: Scope) -> Json:
        found = read(scope)
        return None if found is MISSING else found

    return value


def _texts(pieces: list[str | Read]) -> Read:
    parts = [piece for piece in pieces if piece != ""]

    def text(scope: Scope) -> str:
        made = []
        for part in parts:
            value = part if isinstance(part, str) else part(scope)
            if value is not MISSING:
                made.append(as_text(value))
        return "".join(made)

    return text
