"""An authentication that cannot be used to why, as near to the cause as can be told."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace

from capspec.errors import CompileError, Problem
from capspec.model.consumes import ExtensionSpec
from capspec.node import Node, nearest
from capspec.registry import UnknownExtension, names
from capspec.template import TemplateError

_QUOTED = re.compile(r"'(\w+)'")
_LIKELY = 0.6
"""How alike two words are when one is taken for the other."""


def unusable(spec: ExtensionSpec, kind: str, error: UnknownExtension | CompileError) -> Problem:
    """Why an authentication cannot be used, as near to the cause as can be told. The code is the caller's."""
    node = spec.node
    if isinstance(error, CompileError):
        problem, text = error.problems[0], error.__cause__
        if problem.place is not None and isinstance(text, TemplateError):
            return replace(problem, place=node.report.spot(problem.place, text.text, text.offset))
        return _near_slip(node, problem)
    if spec.type:
        return Problem(code="", message=error.message, hint=error.hint, place=node.at("type"))
    keys = [str(key) for key in node.value if key != "type"] if isinstance(node.value, dict) else []
    near = difflib.get_close_matches("type", keys, 1, cutoff=_LIKELY)
    if near:
        hint = f"did you mean 'type'? There is '{near[0]}'"
        return Problem(code="", message="it has no 'type'", hint=hint, place=node.key_place(near[0]))
    hint = f"add 'type', one of: {', '.join(names(kind))}"
    return Problem(code="", message="it has no 'type'", hint=hint, place=node.place)


def _near_slip(node: Node, problem: Problem) -> Problem:
    """What makes no sense in a block, at the key that is misspelt there, or else at the value it tells of."""
    if not isinstance(node.value, dict) or problem.place != node.place:
        return problem
    unknown = [str(key) for key in node.value if key not in node.asked and not str(key).startswith("x-")]
    lacking = [name for name in _QUOTED.findall(problem.hint) if name not in node.value]
    words = problem.message.split()
    for key, value in node.value.items():
        if key != "type" and isinstance(value, str) and (value in words or f"'{value}'" in problem.message):
            return replace(problem, place=node.at(key))
    for key in unknown:
        meant = nearest(key, lacking) or nearest(key, [name for name in node.asked if name not in node.value])
        if meant:
            hint = f"did you mean '{meant}'? There is '{key}'"
            return replace(problem, place=node.key_place(key), hint=hint)
    return problem
