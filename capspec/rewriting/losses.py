"""A file and what became of it in another dialect to what that dialect cannot say."""

from __future__ import annotations

from collections.abc import Iterable

from capspec.errors import Problem
from capspec.language.dialects import Dialect
from capspec.lint.portability import check_portability, unsayable
from capspec.plan import Operation, Plan

LOSS = "CAP792"


def losses(before: Plan, after: Plan, dialect: Dialect | None) -> tuple[Problem, ...]:
    """Warnings with places in the file as it was. None for the dialect means capspec's own."""
    if dialect is None:
        return tuple(_whole_bodies(before, after))
    lost = unsayable(check_portability(after, dialect))
    said = {(item.code, item.message) for item in lost}
    first = unsayable(check_portability(before, dialect))
    return tuple(item for item in first if (item.code, item.message) in said) or lost


def _whole_bodies(before: Plan, after: Plan) -> Iterable[Problem]:
    """Parameters that could be a whole body, because that is what they are in many public files."""
    for name, operation in before.operations.items():
        other = after.operations.get(name)
        if other is not None and _may_be_body(operation) and not _may_be_body(other):
            parameter = next(item for item in operation.parameters if item.whole)
            yield Problem(
                code=LOSS,
                message=f"'{parameter.name}' of '{name}' is a field of the body in this dialect, and never all of it",
                hint="call it 'body' if it is the whole body",
                place=operation.place,
                severity="warning",
            )


def _may_be_body(operation: Operation) -> bool:
    fields = [item for item in operation.parameters if item.location == "body" and item.value is None]
    return len(fields) == 1 and fields[0].whole and fields[0].name != "body"
