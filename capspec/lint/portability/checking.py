"""A Plan and a dialect of the reference engine to the problems that the file would have there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from capspec.errors import Problem
from capspec.language.dialects import Dialect
from capspec.lint.ignoring import without_ignored
from capspec.lint.portability import behaviour, shapes
from capspec.lint.portability.finding import Difference
from capspec.lint.subject import Subject
from capspec.node import Report
from capspec.plan import Plan

_CHECKS: Final[tuple[Callable[[Subject, Dialect], Iterable[Difference]], ...]] = (
    shapes.root, shapes.keys, shapes.collections, behaviour.startup, behaviour.bind_locations, behaviour.extensions,
    behaviour.paths, behaviour.variables, behaviour.expressions, behaviour.arguments, behaviour.inputs,
    behaviour.outputs, behaviour.bodies, behaviour.steps, behaviour.names, behaviour.calls, behaviour.imports,
)  # fmt: skip

CODES: Final = tuple(f"CAP{number}" for number in range(770, 790))
"""Of everything that is found."""

_UNSAYABLE: Final = ("CAP770", "CAP773", "CAP776", "CAP789")
"""What a dialect has no way to say; the others are things that its engine does otherwise."""


def check_portability(plan: Plan, dialect: Dialect) -> tuple[Problem, ...]:
    """In the order of the file. An error is something that the engine refuses."""
    subject = Subject.of_plan(plan)
    report = Report()
    for check in _CHECKS:
        for found in check(subject, dialect):
            report.add(
                found.code,
                found.message,
                place=subject.document.place(found.pointer, key=found.key),
                hint=found.hint,
                severity=found.severity,
                cause=found.cause,
            )
    return tuple(without_ignored(report.problems, {subject.document.source: subject.document}, {}))


def unsayable(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Of what was found, what the dialect has no way to say, and what matters."""
    return tuple(item for item in problems if item.code in _UNSAYABLE and item.severity != "info")
