"""`capspec validate`: files to every problem in them."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence

import click

from capspec import __version__, app
from capspec.cli.exits import FAILED
from capspec.cli.loading import capability_files, root_of, root_option
from capspec.cli.printing import as_json, plural, print_problems
from capspec.diagnostics.sarif import sarif
from capspec.diagnostics.sources import Sources
from capspec.diagnostics.workflow import workflow_command
from capspec.document import STDIN, Limits
from capspec.errors import CapspecError, Problem, sort_problems

_STDIN = "-"


@click.command("validate")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="For people, for programs, for code hosts (SARIF 2.1.0), or as workflow commands of GitHub Actions.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--color/--no-color", default=None, help="Colours; by default on a terminal.")
@root_option
def command(
    paths: tuple[str, ...],
    output: str,
    strict: bool,
    color: bool | None,
    root: str | None,
) -> None:
    """Check capability files, and print all problems of all of them. FILE may be - for standard input.

    FILE:LINE:COLUMN: SEVERITY CODE what is wrong; the line; how to mend it; why it matters. 'capspec explain
    CODE' says more. Variables without a value are no problem of a file: 'inspect' shows them.

    Exit code 0 without errors, 1 with one (or a warning with --strict), 2 for a wrong command line.
    """
    files = capability_files(paths)
    content = sys.stdin.buffer.read(Limits().bytes + 1) if _STDIN in files else b""
    found = [problem for file in files for problem in _problems(file, root_of(file, root, paths), content)]
    problems = list(dict.fromkeys(found))
    sources = Sources({STDIN: content.decode("utf-8-sig", errors="replace")} if _STDIN in files else None)
    if output == "text":
        print_problems(problems, color=color, stream=sys.stdout, sources=sources)
        click.echo(_verdict(len(files), problems), err=True)
    else:
        click.echo(_written(problems, output, sources), nl=False)
    failing = ("error", "warning") if strict else ("error",)
    if any(problem.severity in failing for problem in problems):
        raise click.exceptions.Exit(FAILED)


def _problems(file: str, root: str | None, content: bytes) -> Sequence[Problem]:
    """Sorted by their places."""
    given = content if file == _STDIN else None
    try:
        plan = app.load_plan(file, environ=os.environ, root=root, content=given)
    except CapspecError as error:
        return error.problems
    return sort_problems((*plan.warnings, *plan.remarks))


def _written(problems: Sequence[Problem], output: str, sources: Sources) -> str:
    if output == "github":
        return "".join(f"{workflow_command(problem, sources.end(problem))}\n" for problem in problems)
    found = (
        [as_json(problem, sources) for problem in problems]
        if output == "json"
        else sarif(problems, version=__version__, end_of=sources.end)
    )
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _verdict(files: int, problems: Sequence[Problem]) -> str:
    counts = Counter(problem.severity for problem in problems)
    if not counts["error"] and not counts["warning"]:
        return f"{plural(files, 'file')}: no problems"
    return (
        f"{plural(files, 'file')}: {plural(counts['error'], 'error')}, {plural(counts['warning'], 'warning')}"
    )
