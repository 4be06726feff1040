"""A place where something is being written to what fits there: names, keys and words of the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from capspec.document import Pointer
from capspec.language_server import names, schema
from capspec.language_server.cursor import Gap
from capspec.language_server.hover import operation_text
from capspec.language_server.meaning import is_call, names_steps
from capspec.language_server.reading import Reading

OfferKind = Literal["operation", "function", "step", "input", "variable", "key", "value"]

_SCALARS: Final = {"string", "number", "integer", "boolean"}
_ROOTED: Final = re.compile(r"\$\.([\w-]*)$")
_TEMPLATE: Final = re.compile(r"\{\{\s*([\w.-]*)$")
_PREFIXED: Final = re.compile(r"(?:^|[\s(])(?:\$this\.)?([\w-]+)\.([\w-]*)$")
_LATER: Final = ("The same as", "Read for compatibility", "Anything")
_PLAIN: Final = re.compile(r"[A-Za-z_./$][\w ./$@+-]*")
_WORDS: Final = {"true", "false", "null", "yes", "no", "on", "off", "~"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing that may be written: it stands for the last `typed` characters before the cursor."""

    label: str
    insert: str
    kind: OfferKind
    typed: str
    detail: str = ""
    documentation: str = ""
    later: bool = False


def completions(reading: Reading, gap: Gap) -> list[Offer]:
    """What fits there. All of it: the editor looks for what begins with what is typed."""
    here = replace(reading, data=gap.data)
    if gap.key:
        return list(_keys(here, gap)) or list(_values(here, replace(gap, key=False)))
    return list(_values(here, gap))


# -- values -----------------------------------------------------------------------------------------------


def _values(reading: Reading, gap: Gap) -> Iterator[Offer]:
    pointer, typed = gap.pointer, gap.typed.rpartition("\n")[2]
    if is_call(pointer):
        yield from _operations(reading, typed)
        return
    if pointer and pointer[-1] == "ref":
        for name, function in names.functions(reading).items():
            about = function.flow.description
            yield Offer(label=name, insert=name, kind="function", typed=typed, documentation=about)
        return
    if names_steps(pointer):
        yield from (_name(name, "step", typed) for name in _other_steps(reading, pointer))
        return
    inner = list(_within_text(reading, pointer, typed))
    yield from inner or _words(gap, typed)


def _operations(reading: Reading, typed: str) -> Iterator[Offer]:
    for name, (upstream, operation) in names.operations(reading).items():
        yield Offer(
            label=name,
            insert=name,
            kind="operation",
            typed=typed,
            detail=f"{operation.method} {operation.path}",
            documentation=operation_text(upstream, operation),
        )


def _other_steps(reading: Reading, pointer: Pointer) -> list[str]:
    own = reading.around(pointer, "step")
    return [
        name
        for name, step in names.steps(reading, pointer).items()
        if own is None or step.pointer != own.pointer
    ]


def _within_text(reading: Reading, pointer: Pointer, typed: str) -> Iterator[Offer]:
    """Names after `{{`, `$.` and `tools.`."""
    if template := _TEMPLATE.search(typed):
        word = template[1]
        for name in dict.fromkeys((*names.inputs(reading, pointer), *names.arguments(reading, pointer))):
            yield _name(name, "input", word)
        yield from (_name(name, "step", word) for name in _other_steps(reading, pointer))
        yield from (_name(name, "variable", word) for name in names.variables(reading) if "." not in name)
    elif rooted := _ROOTED.search(typed):
        yield from (_name(name, "step", rooted[1]) for name in _other_steps(reading, pointer))
    else:
        prefixed = _PREFIXED.search(typed)
        if prefixed is not None and prefixed[1] in names.prefixes(reading, pointer):
            known = (*names.inputs(reading, pointer), *names.needed(reading, pointer))
            yield from (_name(name, "input", prefixed[2]) for name in dict.fromkeys(known))


def _name(name: str, kind: OfferKind, typed: str) -> Offer:
    return Offer(label=name, insert=name, kind=kind, typed=typed)


def _words(gap: Gap, typed: str) -> Iterator[Offer]:
    allowed, examples = schema.words(gap.data, gap.pointer)
    if True in allowed and False in allowed:
        allowed = [True, False]
    for value in _scalars((*allowed, *examples)):
        text = written(value)
        detail = "" if value in allowed else "an example"
        yield Offer(label=text, insert=text, kind="value", typed=typed, detail=detail, later=bool(detail))


def _scalars(values: Iterable[Any]) -> Iterator[Any]:
    return (value for value in values if isinstance(value, str | int | float) and value != "")


def written(value: str | float | bool) -> str:
    """A scalar as YAML, in double quotes where plain text would be something else."""
    if not isinstance(value, str):
        return json.dumps(value)
    plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


# -- keys -------------------------------------------------------------------------------------------------


def _keys(reading: Reading, gap: Gap) -> Iterator[Offer]:
    there = _object(gap)
    if gap.pointer and gap.pointer[-1] == "with":
        yield from _arguments(reading, gap, there)
        return
    for name, part in schema.keys(gap.data, gap.pointer).items():
        if name in there or not isinstance(part, dict):
            continue
        kinds = schema.kinds(part)
        about = schema.description(gap.data, (*gap.pointer, name))
        ending = ": " if not kinds or _SCALARS & set(kinds) else ":"
        yield Offer(
            label=name,
            insert=f"{name}{ending}",
            kind="key",
            typed=gap.typed,
            documentation=about,
            later=about.startswith(_LATER),
        )


def _arguments(reading: Reading, gap: Gap, there: dict[str, Any]) -> Iterator[Offer]:
    """The inputs of the operation that gets a `with`."""
    holder = reading.around(gap.pointer[:-1])
    word = holder.text("call", "operation", "target") if holder else ""
    found = names.operation_called(reading, word) if word else None
    for name, item in names.inputs_of(found[1]).items() if found else ():
        if name not in there:
            yield Offer(
                label=name,
                insert=f"{name}: ",
                kind="input",
                typed=gap.typed,
                detail=item.type if item else "string",
                documentation=item.description if item else "",
            )


def _object(gap: Gap) -> dict[str, Any]:
    found: Any = gap.data
    for part in gap.pointer:
        found = found[part]
    return found if isinstance(found, dict) else {}
