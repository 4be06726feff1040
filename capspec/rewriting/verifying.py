"""A file and its rewritten text to the certainty that both do the same, or a refusal to write it.

The data of the two must be equal, order aside, where only the form was to change; and, in any case, the plans
that they compile to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from capspec.document import Document, parse
from capspec.errors import CapspecError, Problem
from capspec.plan import Plan
from capspec.rewriting.meaning import meaning_of

Load: TypeAlias = Callable[[bytes], Plan]
"""A text that stands for what is in the file, compiled. Raises CapspecError."""


class RewriteError(CapspecError):
    """A file cannot be rewritten as it was asked for."""

    code = "CAP790"


def check_form(before: Document, after: str, load: Load) -> None:
    """Raises RewriteError (CAP791) when the rewritten text is other data, or does something else.

    Of a file that does not compile, the data alone is compared.
    """
    if parse(after, before.source, before.path, root=before.root).data != before.data:
        raise RewriteError(_other(before.source, "other data"))
    try:
        plan = load(before.text.encode())
    except CapspecError:
        return
    _check(plan, after, before.source, load)


def check_meaning(before: Document, after: str, load: Load) -> None:
    """Raises RewriteError (CAP791) when the rewritten text does something else, CapspecError when the file does
    not compile."""
    _check(load(before.text.encode()), after, before.source, load)


def _check(plan: Plan, after: str, source: str, load: Load) -> None:
    try:
        rewritten = load(after.encode())
    except CapspecError as error:
        raise RewriteError([_other(source, "a file that is refused"), *error.problems]) from None
    if meaning_of(plan) != meaning_of(rewritten):
        raise RewriteError(_other(source, f"a file that does something else{_where(plan, rewritten)}"))


def _other(source: str, what: str) -> Problem:
    message = f"'{source}' is left as it is: rewritten, it would be {what}"
    return Problem(code="CAP791", message=message, hint="write what is unusual in it in another way")


def _where(before: Plan, after: Plan) -> str:
    """The first operation or flow that is another one."""
    for name, operation in before.operations.items():
        if meaning_of(operation) != meaning_of(after.operations.get(name)):
            return f": see the operation '{name}'"
    for old, new in zip(before.listeners, after.listeners, strict=False):
        if len(old.flows) != len(new.flows):
            return f": see '{old.namespace}'"
        for flow, other in zip(old.flows, new.flows, strict=True):
            if meaning_of(flow) != meaning_of(other):
                return f": see '{flow.name}' of '{old.namespace}'"
    return ""
