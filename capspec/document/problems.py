"""What can be wrong with the content of a YAML file, said in its author's words and collected in order."""

from __future__ import annotations

import re
from typing import Any, Final

from capspec.document.scalars import shown
from capspec.document.syntax import UNQUOTED, explain, unquoted_template
from capspec.document.text import Lines
from capspec.errors import LoadError, Problem
from capspec.values import Json

_MOST: Final = 100
_LONGEST_NAME: Final = 60
_ENTRY: Final = re.compile(r"\s*- ")
_TEMPLATE: Final = re.compile(r"\{\{[^{}\r\n]{0,80}\}\}")


class Problems:
    """Those found so far. Most methods note one; those that give an error end the reading."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.found: list[Problem] = []
        self._templates: set[int] = set()

    def note(self, code: str, message: str, index: int, hint: str = "") -> None:
        self.found.append(self.lines.problem(code, message, index, hint))
        if len(self.found) >= _MOST:
            raise LoadError(self.found)

    def stop_if_any(self) -> None:
        if self.found:
            raise LoadError(self.found)

    def syntax(self, error: Exception, event: Any, holder: int) -> LoadError:
        """To be raised: the parser cannot go on. For `event` and `holder` see `syntax.explain`."""
        problem = explain(error, self.lines, event, holder)
        # An unquoted template that is followed by text is both a strange key and a syntax error.
        if problem.place is None or problem.place.line not in self._template_lines():
            self.found.append(problem)
        return LoadError(self.found)

    def _template_lines(self) -> set[int]:
        return {self.lines.place(index).line for index in self._templates}

    def duplicate_key(self, key: str, first: int, index: int) -> None:
        a, b = self.lines.place(first).line, self.lines.place(index).line
        where = f"twice on line {a}" if a == b else f"on line {a} and again on line {b}"
        hint = "list several mappings in one: `<<: [*a, *b]`" if key == "<<" else "keep one of them"
        if key != "<<" and a != b and _ENTRY.match(self.lines.line(a)):
            hint += ", or begin another entry of the list with `- `"
        self.note("CAP103", f"the key `{_short(key)}` is written {where}", index, hint)

    def container_key(self, index: int) -> None:
        """A mapping or sequence as a key: nearly always a template that lacks quotes."""
        text = self.lines.text
        template = _TEMPLATE.match(text, max(index - 1, 0)) or _TEMPLATE.match(text, index)
        if template is None:
            message = "a key must be plain text, not a mapping or a list"
            self.note("CAP105", message, index, "put the key in quotes if it is text")
        elif template.start() not in self._templates:
            self._templates.add(template.start())
            self.note(UNQUOTED, *unquoted_template(template[0], template.start()))

    def unknown_tag(self, tag: str, index: int) -> None:
        hint = "remove it, or put the value in quotes if the `!` is part of it"
        self.note("CAP105", f"the tag `{_short(shown(tag))}` is not supported", index, hint)

    def tag_mismatch(self, message: str, index: int) -> None:
        self.note("CAP105", message, index, "remove the tag, or mend the value")

    def surrogate(self, index: int) -> None:
        message = "an escape here is half of a surrogate pair, which is not a character"
        self.note("CAP102", message, index, "write the character itself")

    def bad_alias(self, index: int, *, recursive: bool) -> None:
        # The name is not shown: a password that begins with `*` looks like an alias.
        if recursive:
            message = "this alias stands inside what it refers to, so it would never end"
            self.note("CAP105", message, index, "write the values out instead")
        else:
            message = "this alias refers to an anchor that is not defined above it"
            self.note("CAP102", message, index, "put the value in quotes if the `*` is part of it")

    def bad_merge(self, index: int) -> None:
        hint = 'write "<<" in quotes if it is an ordinary key'
        self.note("CAP105", "`<<` takes a mapping, or a list of mappings", index, hint)

    def second_document(self, index: int) -> LoadError:
        """To be raised: what follows is not this document."""
        hint = "put it into a file of its own"
        self.note("CAP105", "a second document starts here; a file may hold one only", index, hint)
        return LoadError(self.found)

    def not_a_mapping(self, data: Json, index: int) -> None:
        if data is None:
            hint = "check that it is the file you mean, and that it was saved"
            self.note("CAP106", "the file is empty: it holds no keys and values", index, hint)
        else:
            hint = "write `key: value` lines, the keys of the top level in the first column"
            kind = "a list" if isinstance(data, list) else "a single value"
            self.note("CAP106", f"the file holds {kind}, not keys and values", index, hint)

    def long_number(self, message: str, index: int) -> None:
        self.note("CAP104", message, index, "put it in quotes if it is text")

    def too_many_nodes(self, limit: int, index: int) -> LoadError:
        """To be raised, with this problem alone."""
        message = f"the file has more than {limit:,} keys and values, counting what aliases repeat"
        hint = "split it, or use fewer aliases"
        return LoadError(self.lines.problem("CAP104", message, index, hint))

    def too_deep(self, limit: int, index: int) -> LoadError:
        """To be raised, with this problem alone."""
        message = f"mappings and lists are nested more than {limit:,} deep here"
        return LoadError(self.lines.problem("CAP104", message, index, "flatten the structure"))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
