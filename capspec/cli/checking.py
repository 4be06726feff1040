"""What `validate` does with one file: finds all its problems, and puts right what has one remedy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from capspec import app
from capspec.document import STDIN
from capspec.document.text import Limits, to_text
from capspec.errors import CapspecError, Problem, sort_problems
from capspec.plan import Plan
from capspec.saving import replace_file

ENGINES = ("naftiko-1.0.0-alpha2", "ikanos-1.0.0-beta5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be found besides what does not work: what rules find, and what an engine would refuse.

    With `lint`, all that rules find, without it nothing, and only what they warn of when it is None.
    """

    lint: bool | None = None
    portable: str = ""


def problems_in(
    file: str, environ: dict[str, str], *, root: str | None, content: bytes | None, wanted: Wanted
) -> Sequence[Problem]:
    """Every problem of a file, sorted by their places; `content` stands for what is in it."""
    try:
        plan = app.load_plan(file, environ=environ, root=root, content=content)
    except CapspecError as error:
        return error.problems
    return _examined(plan, wanted)


def _examined(plan: Plan, wanted: Wanted) -> Sequence[Problem]:
    found: list[Problem] = []
    if wanted.portable:
        from capspec.language.dialects import DIALECTS  # noqa: PLC0415 - seldom asked for
        from capspec.lint.portability import check_portability  # noqa: PLC0415

        found += check_portability(plan, DIALECTS[wanted.portable])
    if wanted.lint is False:
        return sort_problems((*plan.warnings, *plan.remarks, *found))
    from capspec.lint import examine  # noqa: PLC0415 - so that --no-lint starts fast

    return sort_problems((*examine(plan, remarks=wanted.lint is True), *found))


def mend(file: str, environ: dict[str, str], *, root: str | None) -> None:
    """Put right in a file what has one remedy only, and print what was changed. Raises CapspecError."""
    from capspec.rewriting.fixing import fix  # noqa: PLC0415 - seldom asked for

    path = Path(file)
    try:
        data = path.read_bytes()
    except OSError:
        return
    try:
        before = to_text(data, file, Limits())
    except CapspecError:
        return

    def check(text: str) -> Sequence[Problem]:
        return problems_in(file, environ, root=root, content=text.encode(), wanted=Wanted(lint=True))

    text, changes = fix(before, file, check)
    if changes:
        replace_file(path, text.encode())
        for change in changes:
            click.echo(f"fixed: {change}", err=True)


def refuse_mending(files: Sequence[str]) -> None:
    """Raises click.UsageError for standard input, which cannot be written."""
    if STDIN in files or "-" in files:
        raise click.UsageError("--fix needs files: standard input cannot be written")
