"""Template text to a Template: a scope to a value, or to a text with each value encoded for its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from capspec.template.errors import TemplateError
from capspec.template.names import Read, lookup
from capspec.template.placeholders import Placeholder, split
from capspec.template.writing import Encode, as_text
from capspec.values import MISSING, Json, Missing, Scope

Write: TypeAlias = Callable[[Scope, Encode | None], str | Missing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with placeholders.

    `names` are those of its placeholders in order, a name each time it is used; `is_literal` says that there
    are none, `is_single` that it is one name (or JSONPath) in braces and nothing else.
    """

    source: str
    names: tuple[str, ...]
    is_literal: bool
    is_single: bool
    _read: Read = field(repr=False)
    _write: Write = field(repr=False)
    _readers: tuple[tuple[str, Read], ...] = field(repr=False)

    def value(self, scope: Scope, missing: Json = MISSING) -> Json:
        """The own value, of any type, of a placeholder that stands alone, or `missing`; otherwise the text.

        Raises TemplateRenderError when a Jinja expression fails, JsonPathBudgetError when a JSONPath does.
        """
        found = self._read(scope)
        return missing if found is MISSING else found

    def text(self, scope: Scope, *, encode: Encode | None = None) -> str | Missing:
        """The text with all values put in, each passed through `encode`; the text around them is not.

        Texts are put in as they are, other values as compact JSON, and nothing for a value that is missing; a
        placeholder that stands alone and is missing gives MISSING. Raises as `value` does.
        """
        return self._write(scope, encode)

    def missing(self, scope: Scope) -> tuple[str, ...]:
        """The names that have no value in the scope, each once."""
        return tuple(dict.fromkeys(name for name, read in self._readers if read(scope) is MISSING))


@lru_cache(maxsize=4096)
def compile_template(text: str, *, single_brace: bool = False) -> Template:
    """The template of a text; with `single_brace`, as in paths, `{x}` is a placeholder too.

    `capspec.template.placeholders` has the syntax. A text with `{% … %}` is a Jinja template as a whole.
    Raises TemplateError, with the offset, for a placeholder that is not closed or not understood.
    """
    if "{%" in text and not single_brace:
        return _block(text)
    parts = tuple(split(text, single_brace=single_brace))
    placeholders = tuple(part for part in parts if isinstance(part, Placeholder))
    alone = len(parts) == len(placeholders) == 1
    write = _literal(text) if not placeholders else _lone(placeholders[0].read) if alone else _joined(parts)
    return Template(
        source=text,
        names=tuple(name for placeholder in placeholders for name in placeholder.names),
        is_literal=not placeholders,
        is_single=alone and not placeholders[0].calculates,
        _read=placeholders[0].read if alone else lambda scope: write(scope, None),
        _write=write,
        _readers=tuple((name, part.read) for part in placeholders for name in part.names),
    )


def _block(text: str) -> Template:
    from capspec.template.expressions import compile_block  # noqa: PLC0415 - Jinja is rarely needed

    try:
        block = compile_block(text)
    except TemplateError as error:
        start = text.index("{%")
        raise TemplateError(f"{error} at offset {start}", start, text=text, hint=error.hint) from None
    return Template(
        source=text,
        names=block.names,
        is_literal=False,
        is_single=False,
        _read=lambda scope: block.render(scope, None),
        _write=block.render,
        _readers=tuple((name, lookup(name)) for name in block.names),
    )


def _literal(text: str) -> Write:
    return lambda scope, encode: text


def _lone(read: Read) -> Write:
    def write(scope: Scope, encode: Encode | None) -> str | Missing:
        value = read(scope)
        if value is MISSING:
            return Missing.MISSING
        text = as_text(value)
        return text if encode is None else encode(text)

    return write


def _joined(parts: tuple[str | Placeholder, ...]) -> Write:
    steps = tuple(part if isinstance(part, str) else part.read for part in parts)

    def write(scope: Scope, encode: Encode | None) -> str:
        written = []
        for step in steps:
            if isinstance(step, str):
                written.append(step)
            elif (value := step(scope)) is not MISSING:
                written.append(as_text(value) if encode is None else encode(as_text(value)))
        return "".join(written)

    return write
