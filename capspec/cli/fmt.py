"""`capspec fmt`: files to the same files in one style."""

from __future__ import annotations

import click

from capspec.cli.exits import FAILED
from capspec.cli.loading import capability_files
from capspec.cli.printing import plural, print_problems
from capspec.cli.rewriting import is_same, loader, print_diff, read, write
from capspec.document import Document
from capspec.errors import CapspecError


@click.command("fmt")
@click.argument("paths", metavar="FILE|DIR|-...", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing, and fail when a file is in another style.")
@click.option("--diff", is_flag=True, help="Write nothing, and print what would change.")
def command(paths: tuple[str, ...], check: bool, diff: bool) -> None:
    """Write capability files in one style: the usual order of keys, two blanks for each level.

    Comments, the order of entries, quotes and blank lines stay. A file is only written when it then does exactly
    the same. Standard input ("-") is written to standard output.
    """
    changed, failed = 0, 0
    files = capability_files(paths)
    for file in files:
        try:
            before = read(file)
            text = _formatted(before)
        except CapspecError as error:
            print_problems(error.problems)
            failed += 1
            continue
        same = is_same(before, text)
        changed += not same
        if diff:
            print_diff(before, text)
        elif check:
            click.echo(file if not same else "", nl=not same)
        elif not same or before.path is None:
            write(before, text)
    if files != ["-"] or check:
        click.echo(_verdict(len(files), changed, failed, written=not (check or diff)), err=True)
    if failed or (changed and check):
        raise click.exceptions.Exit(FAILED)


def _formatted(before: Document) -> str:
    from capspec.rewriting.formatting import formatted  # noqa: PLC0415 - so that --help starts fast
    from capspec.rewriting.verifying import check_form  # noqa: PLC0415

    text = formatted(before)
    check_form(before, text, loader(before))
    return text


def _verdict(files: int, changed: int, failed: int, *, written: bool) -> str:
    word = "formatted" if written else "to be formatted"
    said = f"{plural(files, 'file')}: {changed} {word}"
    return f"{said}, {failed} left as they are" if failed else said
