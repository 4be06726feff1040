"""What an author wrote to what they probably meant: the words of a file that are close to ones that count."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator

from capspec.errors import CompileError, Place, Problem
from capspec.model import FlowSpec
from capspec.model.consumes import ExtensionSpec
from capspec.model.steps import BlockSpec
from capspec.node import Report
from capspec.registry import UnknownExtension, names
from capspec.values import Json

_REFERENCE = re.compile(
    r"(?:\{\{\s*)?((?:\$this\.)?([A-Za-z][\w-]*)\.([A-Za-z_][\w-]*)[\w.\[\]-]*)(?:\s*\}\})?"
)
_SURE, _LIKELY = 0.8, 0.6
"""How alike two words are when one is taken for the other: by themselves, and when more speaks for it."""


def unusable(spec: ExtensionSpec, kind: str, error: UnknownExtension | CompileError) -> Problem:
    """Why an authentication cannot be used, as near to the cause as can be told. The code is the caller's."""
    node = spec.node
    if isinstance(error, CompileError):
        return error.problems[0]
    if spec.type:
        return Problem(code="", message=error.message, hint=error.hint, place=node.at("type"))
    keys = [str(key) for key in node.value] if isinstance(node.value, dict) else []
    near = difflib.get_close_matches("type", keys, 1, cutoff=_LIKELY)
    if near:
        hint = f"did you mean 'type'? There is '{near[0]}'"
        return Problem(code="", message="it has no 'type'", hint=hint, place=node.key_place(near[0]))
    hint = f"add 'type', one of: {', '.join(names(kind))}"
    return Problem(code="", message="it has no 'type'", hint=hint, place=node.place)


def doubt_references(spec: FlowSpec, prefixes: Collection[str], report: Report) -> None:
    """Warn of values of `with` that look like references and begin with none of the words that they can."""
    known = {item.name for item in spec.inputs}
    passed = (*prefixes, "env", "secrets", *known, *_steps(spec.block))
    for text, place in _written(spec):
        found = _REFERENCE.fullmatch(text.strip())
        if found is None or found[2] in passed:
            continue
        cutoff = _LIKELY if found[3] in known else _SURE
        near = difflib.get_close_matches(found[2], prefixes, 1, cutoff=cutoff)
        if near:
            meant = found[1].replace(found[2], near[0], 1)
            report.add(
                "CAP301",
                f"'{found[1]}' names no argument, because nothing is called '{found[2]}' here",
                place=report.spot(place, text),
                hint=f"did you mean '{meant}'?",
                severity="warning",
            )


def _steps(block: BlockSpec) -> Iterator[str]:
    for step in block.steps:
        yield step.name
        if step.loop is not None:
            yield step.loop.variable
        if step.block is not None:
            yield from _steps(step.block)


def _written(spec: FlowSpec) -> Iterator[tuple[str, Place]]:
    """The texts of each `with` of a flow, and a place near them."""
    if spec.call is not None:
        yield from ((text, spec.call.place) for text in _texts(spec.call.arguments.values()))
    yield from ((text, spec.place) for text in _texts(spec.preset.values()))
    yield from _written_in(spec.block)


def _written_in(block: BlockSpec) -> Iterator[tuple[str, Place]]:
    for step in block.steps:
        node = step.node.get("with", "params", "parameters")
        if node is not None and isinstance(node.value, dict):
            yield from ((text, node.place) for text in _texts(node.value.values()))
        if step.block is not None:
            yield from _written_in(step.block)


def _texts(values: Iterable[Json]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from _texts(value.values() if isinstance(value, dict) else value)
