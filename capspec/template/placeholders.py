"""Text to its literal parts and its placeholders, each placeholder compiled to a reader.

{{ name }}        a name as in `capspec.template.names`; it may hold . - $ @ : / and []
{{ $.a[0].b }}    a JSONPath whose root is the scope
{{ a | upper }}   any other content: a Jinja expression (see `capspec.template.expressions`)
{{ '{{' }}        two literal braces, as a consequence
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from capspec.jsonpath import JsonPathError, compile_path
from capspec.template.errors import TemplateError
from capspec.template.names import Read, lookup
from capspec.values import MISSING, Scope

_LONGEST_NAME = 256
_MUSTACHE = ("#", "^", "/", ">", "!", "&", "=")
_QUOTE_AWARE = re.compile(
    r"""\{\{((?:[^'"}]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\}(?!\}))*)\}\}""", re.DOTALL
)
_SIMPLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_SINGLE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"""(?!-)[^\s{}()'"|+*<>=!,;%~&^#?\\`]+""")
_RANGE = re.compile(r"\[[^\]]*:")
_PATH = re.compile(r"\$(?=[.\[]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """One placeholder of a text, from `start` to `end`.

    `names` are what it needs of a scope: just one, unless it `calculates`. `read_json` gives the value behind
    what `read` gives as JSON text.
    """

    names: tuple[str, ...]
    calculates: bool = False
    start: int
    end: int
    read: Read
    read_json: Read


def split(text: str, *, single_brace: bool = False) -> Iterator[str | Placeholder]:
    """The parts of a text in order, no literal being empty. Raises TemplateError."""
    opening = "{" if single_brace else "{{"
    at = 0
    while (start := text.find(opening, at)) >= 0:
        if start > at:
            yield text[at:start]
        part = _placeholder(text, start)
        at = part.end
        yield part
    if at < len(text):
        yield text[at:]


def _placeholder(text: str, start: int) -> Placeholder:
    double = text.startswith("{{", start)
    whole = (
        (_QUOTE_AWARE.match(text, start) or _SIMPLE.match(text, start))
        if double
        else _SINGLE.match(text, start)
    )
    if whole is None:
        hint = f"close it with {'}}' if double else '}'}"
        raise TemplateError(f"the placeholder is not closed at offset {start}", start, text=text, hint=hint)
    content = whole[1].strip()
    if not content:
        hint = "write a name between the braces"
        raise TemplateError(f"the placeholder is empty at offset {start}", start, text=text, hint=hint)
    if content.startswith(_MUSTACHE) or whole[1].startswith("{"):
        raise TemplateError(
            f"Mustache tags such as {content[0]!r} are not supported, only {{{{ name }}}}, "
            f"{{{{ expression }}}}, {{% if %}} and {{% for %}}, at offset {start}",
            start,
            text=text,
        )
    try:
        return _compiled(content, start, whole.end(), double=double)
    except TemplateError as error:
        # From here on the parts know the offset, and not what they are parts of.
        raise TemplateError(str(error), error.offset, text=text, hint=error.hint) from None


def _compiled(content: str, start: int, end: int, *, double: bool) -> Placeholder:
    if double and _PATH.match(content):
        read = _path(content, start)
    elif not double or (_NAME.fullmatch(content) and not _RANGE.search(content)):
        if len(content) > _LONGEST_NAME:
            message = f"a name is at most {_LONGEST_NAME} characters long at offset {start}"
            raise TemplateError(message, start)
        read = lookup(content)
    else:
        return _expression(content, start, end)
    return Placeholder(names=(content,), start=start, end=end, read=read, read_json=read)


def _path(content: str, start: int) -> Read:
    try:
        path = compile_path(content)
    except JsonPathError as error:
        message = f"the JSONPath {content!r} at offset {start} is wrong: {error} of it"
        raise TemplateError(message, start + 2) from None

    def read(scope: Scope) -> object:
        return path.read(scope if isinstance(scope, dict) else dict(scope), MISSING)

    return read


def _expression(content: str, start: int, end: int) -> Placeholder:
    from capspec.template.expressions import compile_expression  # noqa: PLC0415 - Jinja is rarely needed

    try:
        expression = compile_expression(content)
    except TemplateError as error:
        raise TemplateError(f"{error} at offset {start}", start, hint=error.hint) from None
    return Placeholder(
        names=expression.names,
        calculates=True,
        start=start,
        end=end,
        read=expression.read,
        read_json=expression.read_json,
    )
