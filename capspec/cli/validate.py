"""`capspec validate`: files to every problem in them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable

import click

from capspec import app
from capspec.cli.exits import FAILED
from capspec.cli.loading import capability_files, root_of, root_option
from capspec.cli.printing import as_json, plural, print_problems
from capspec.errors import CapspecError, Problem


@click.command("validate")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of what is printed.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option(
    "--color/--no-color", default=None, help="Colours and the lines of the file; by default on a terminal."
)
@root_option
def command(paths: tuple[str, ...], output: str, strict: bool, color: bool | None, root: str | None) -> None:
    """Check capability files, and print all problems of all of them.

    One line each: FILE:LINE:COLUMN: what is wrong; how to mend it. Variables without a value are no problem
    of a file: 'inspect' shows them. Exit code 1 when there is an error, with --strict also for warnings.
    """
    files = capability_files(paths)
    problems = [problem for file in files for problem in _problems(file, root_of(file, root, paths))]
    errors = sum(problem.severity == "error" for problem in problems)
    if output == "json":
        _print_json(files, problems)
    else:
        print_problems(problems, color=color, stream=sys.stdout)
        click.echo(_verdict(len(files), errors, len(problems) - errors), err=True)
    if errors or (strict and problems):
        raise click.exceptions.Exit(FAILED)


def _problems(file: str, root: str | None) -> Iterable[Problem]:
    try:
        return app.load_plan(file, environ=os.environ, root=root).warnings
    except CapspecError as error:
        return error.problems


def _print_json(files: list[str], problems: list[Problem]) -> None:
    report = {"files": files, "problems": [as_json(problem) for problem in problems]}
    click.echo(json.dumps(report, ensure_ascii=False, indent=2))


def _verdict(files: int, errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return f"{plural(files, 'file')}: no problems"
    return f"{plural(files, 'file')}: {plural(errors, 'error')}, {plural(warnings, 'warning')}"
