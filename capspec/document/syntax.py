"""A YAML parser's error to a problem in the words of the file's author: the likely slip, and the cure.

The parsers (libyaml, and PyYAML's own) say what rule was broken where they noticed; this looks at the text
around that point for the slip that usually breaks it. Values are never quoted, since one may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from capspec.document.text import Lines
from capspec.errors import Place, Problem

_CONFLICT: Final = re.compile(r"^(?:<{7}|>{7})", re.MULTILINE)
_TEMPLATE_BLOCK: Final = re.compile(r"[ \t]*\{%")
_TEMPLATE_VALUE: Final = re.compile(r"(?:^|[:\-,\[])[ ]+(\{\{[^{}]{0,80}\}\})")
_NO_DASH: Final = re.compile(r"\s*(?:- +)*(-)[A-Za-z_][\w-]*:(?:\s|$)")
_NO_SPACE: Final = re.compile(r"\s*(?:- +)*([A-Za-z_][\w.-]*):[^\s:/]")
_TAB: Final = re.compile(r" *\t")
_QUOTE_END: Final = re.compile(r"""["']\s*$""")
_VALUE: Final = re.compile(r"""[^\s:]["']?:\s""")
_QUOTE_HINT: Final = (
    "put the whole value in one pair of quotes; "
    "write '' for ' within single quotes, \\\" for \" within double quotes"
)

UNQUOTED: Final = "CAP114"
"""The code of a template that lacks quotes."""

Answer = tuple[str, int, str]
"""Message, offset, hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slip:
    """An error with its surroundings: `at` is where it was noticed, `start` where the broken thing begins.

    `quote` spans the quoted scalar just before; `holder` is where the innermost open container begins.
    """

    lines: Lines
    said: str
    doing: str
    at: int
    start: int
    quote: tuple[int, int]
    holder: int

    @property
    def here(self) -> str:
        """The character where the error was noticed; empty at the end of the file."""
        return self.lines.text[self.at : self.at + 1]

    @property
    def opened(self) -> Place:
        return self.lines.place(self.start)

    @property
    def line(self) -> str:
        return self.lines.line(self.lines.place(self.at).line)

    @property
    def before(self) -> str:
        """The line up to where the error was noticed."""
        return self.line[: self.lines.place(self.at).column - 1]

    def line_offset(self, index: int) -> int:
        return index - self.lines.place(index).column + 1


def explain(error: Exception, lines: Lines, event: Any, holder: int) -> Problem:
    """`event` is the last that the parser gave before it raised `error`, within the container at `holder`."""
    slip = _slip(error, lines, event, holder)
    for look in _LOOKS:
        if answer := look(slip):
            break
    else:
        answer = _by_words(slip)
    message, index, hint = answer
    return lines.problem(UNQUOTED if look is _unquoted_template else "CAP102", message, index, hint)


def unquoted_template(template: str, index: int) -> Answer:
    message = f"`{template}` stands without quotes, so YAML reads a mapping inside a mapping"
    return message, index, f'put the whole value in quotes, as in "{template}"'


def _slip(error: Exception, lines: Lines, event: Any, holder: int) -> _Slip:
    last = event.end_mark.index if event is not None else 0
    mark = getattr(error, "problem_mark", None)
    at = min(mark.index if mark is not None else last, len(lines.text))
    context = getattr(error, "context_mark", None)
    quoted = getattr(event, "style", None) in ("'", '"')
    return _Slip(
        lines=lines,
        said=getattr(error, "problem", None) or str(error),
        doing=getattr(error, "context", None) or "",
        at=at,
        start=context.index if context is not None else at,
        quote=(event.start_mark.index, last) if quoted else (0, 0),
        holder=holder,
    )


# Looks, from the surest sign to the vaguest


def _conflict(slip: _Slip) -> Answer | None:
    found = _CONFLICT.search(slip.lines.text)
    if found is None or found.start() > slip.at:
        return None
    return "this is the mark of a merge conflict", found.start(), "resolve the conflict in this file"


def _template_file(slip: _Slip) -> Answer | None:
    found = _TEMPLATE_BLOCK.match(slip.lines.text, slip.line_offset(slip.at))
    if found is None:
        return None
    return "`{%` belongs to a template, not to YAML", found.end() - 2, "render the template first"


def _unclosed_quote(slip: _Slip) -> Answer | None:
    if "end of stream" in slip.said:
        return "the quote that opens here is never closed", slip.start, "add the closing quote"
    if "document indicator" in slip.said or "document separator" in slip.said:
        line = slip.lines.place(slip.at).line
        return (
            f"the quote that opens here is not closed before line {line}",
            slip.start,
            "add the closing quote",
        )
    start, end = slip.quote
    first, last = slip.lines.place(start).line, slip.lines.place(end).line
    if first == last or last != slip.lines.place(slip.at).line:
        return None
    message = f"the quote that opens here runs on to line {last}, where more text follows it"
    return message, start, f"add the closing quote on line {first}"


def _unquoted_template(slip: _Slip) -> Answer | None:
    found = _TEMPLATE_VALUE.search(slip.line)
    if found is None or found.start(1) > len(slip.before):
        return None
    return unquoted_template(found[1], slip.line_offset(slip.at) + found.start(1))


def _unclosed_bracket(slip: _Slip) -> Answer | None:
    bracket = slip.lines.text[slip.holder : slip.holder + 1]
    if bracket not in ("[", "{"):
        return None
    closing = "]" if bracket == "[" else "}"
    if not slip.lines.text[slip.at :].strip():
        return f"the `{bracket}` that opens here is never closed", slip.holder, f"add `{closing}`"
    if not re.search(r"',' or '[\]}]'", slip.said):
        return None
    opened = slip.lines.place(slip.holder)
    where = f"line {opened.line}, column {opened.column}"
    message = f"the `{bracket}` opened on {where} is not closed, or a comma is missing before this"
    return message, slip.at, f"add `{closing}` or `,`"


def _tab(slip: _Slip) -> Answer | None:
    offset = slip.line_offset(slip.at)
    found = _TAB.match(slip.lines.text, offset)
    if found is None:
        return None
    return "a tab is used for indentation, which YAML does not allow", found.end() - 1, "indent with spaces"


def _second_value(slip: _Slip) -> Answer | None:
    if "mapping values" not in slip.said or not _VALUE.search(slip.before):
        return None
    hint = 'put the value in quotes if it is text, as in key: "one: two"'
    return "a second `: ` stands in one value", slip.at, hint


def _missing_space(slip: _Slip) -> Answer | None:
    if "mapping values" not in slip.said and "could not find expected ':'" not in slip.said:
        return None
    lines = slip.lines
    last = lines.place(slip.at).line
    first = slip.opened.line if slip.start != slip.at else last - 1
    for number in range(max(min(first, last - 1), 1), last + 1):
        if found := _NO_DASH.match(lines.line(number)):
            at = lines.starts[number - 1] + found.start(1)
            return "a space is missing after the `-` of a list's entry", at, "write `- ` and then the key"
    for number in range(max(first, 1), last + 1):
        if found := _NO_SPACE.match(lines.line(number)):
            key = found[1]
            message = f"a space is missing after `{key}:`"
            return message, lines.starts[number - 1] + found.end(1), f"write `{key}: ` and then the value"
    return None


def _deeper(slip: _Slip) -> Answer | None:
    if "mapping values" not in slip.said:
        return None
    message = "this key is indented as if it belonged to the line above, which already has a value"
    return message, slip.at, "start it in the same column as the other keys, or remove the value above"


def _unaligned(slip: _Slip) -> Answer | None:
    if not re.search(r"expected key|expected '-' indicator|expected <block end>", slip.said):
        return None
    if slip.here in ("]", "}"):
        return _closes_nothing(slip)
    if _QUOTE_END.search(slip.before):
        return "text follows the closing quote", slip.at, _QUOTE_HINT
    if slip.here == ":":
        return (
            "there is no key before this `:`",
            slip.at,
            "write the key, or put the value in quotes if it is text",
        )
    kind, entry = ("list", "`- ` entry") if "collection" in slip.doing else ("mapping", "key")
    line, column = slip.opened.line, slip.opened.column
    if slip.lines.place(slip.at).column == column:
        return (
            f"the {kind} that begins on line {line} needs a {entry} here",
            slip.at,
            "do not mix keys and `- ` entries",
        )
    message = f"this does not line up with the {kind} that begins on line {line}"
    hint = f"start it in column {column} if it belongs there, else in the column of what it belongs to"
    return message, slip.at, hint


def _no_value(slip: _Slip) -> Answer | None:
    if "node content" in slip.said:
        if slip.here in ("]", "}"):
            return _closes_nothing(slip)
        if slip.here == "-":
            return "`- ` cannot stand inside brackets", slip.at, "separate the entries with commas"
        return "a value is missing here", slip.at, f"add it before `{slip.here}`"
    return None


def _after_the_end(slip: _Slip) -> Answer | None:
    if "<document start>" not in slip.said:
        return None
    if slip.here in ("]", "}"):
        return _closes_nothing(slip)
    if slip.lines.text.startswith("%"):
        return "`---` is missing after the `%` lines", slip.at, "add it, or remove the `%` lines"
    return (
        "this stands after the end of the document",
        slip.at,
        "start all keys of the top level in one column",
    )


def _closes_nothing(slip: _Slip) -> Answer:
    return f"`{slip.here}` closes nothing", slip.at, "remove it, or put the value in quotes if it is text"


_LOOKS: Final[tuple[Callable[[_Slip], Answer | None], ...]] = (
    _conflict,
    _template_file,
    _unclosed_quote,
    _unquoted_template,
    _unclosed_bracket,
    _tab,
    _second_value,
    _missing_space,
    _deeper,
    _unaligned,
    _no_value,
    _after_the_end,
)

_WORDS: Final = (
    (
        r"could not find expected ':'",
        "this line is neither `key: value` nor a list entry `- value`",
        "add the missing `: `, or indent the line if it continues the text above",
    ),
    (
        r"cannot start any token",
        "a value cannot begin with the character {here}",
        "put the value in quotes",
    ),
    (
        r"alphabetic or numeric",
        "a value that begins with `*` or `&` refers to another part of the file, and no name follows",
        "put the value in quotes if it is text",
    ),
    (
        r"tag|URI|expected '>'",
        "a value that begins with `!` is a YAML tag, and this one is not well-formed",
        "put the value in quotes if the `!` is part of it",
    ),
    (
        r"escape|hexdecimal|hexadecimal|chr\(\)|int too large",
        "this is not an escape that double quotes know",
        r"write \\ for a backslash, or use single quotes; write characters outside ASCII as they are",
    ),
    (
        r"sequence entries",
        "a list cannot begin on the line of its key",
        "start `- ` on a line of its own, or put the value in quotes if it is text",
    ),
    (
        r"mapping keys",
        "a value cannot begin with `? `",
        "put the value in quotes if it is text",
    ),
    (
        r"indentation indicator",
        "the number after `|` or `>` must be from 1 to 9",
        "remove it, or write how far the text is indented",
    ),
    (
        r"comment or (?:a )?line break|chomping",
        "text cannot follow `|` or `>` on the same line",
        "start the text on the next line, indented",
    ),
    (
        r"directive|YAML document|version",
        "a line that begins with `%` is a YAML directive, and this one is not known",
        "remove the line",
    ),
)


def _by_words(slip: _Slip) -> Answer:
    for pattern, message, hint in _WORDS:
        if re.search(pattern, f"{slip.said} {slip.doing}"):
            at = slip.start if "expected ':'" in slip.said else slip.at
            return message.replace("{here}", slip.here), at, hint
    return "this cannot be read as YAML", slip.at, "compare it with the lines around it"
