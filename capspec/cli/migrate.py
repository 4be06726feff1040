"""`capspec migrate`: a file to the same file in another dialect."""

from __future__ import annotations

from pathlib import Path

import click

from capspec.cli.exits import FAILED
from capspec.cli.printing import plural, print_problems
from capspec.cli.rewriting import loader, print_diff, read, write
from capspec.errors import Problem
from capspec.saving import replace_file

TARGETS = ("capspec-1", "naftiko-1.0.0-alpha2", "ikanos-1.0.0-beta5")


@click.command("migrate")
@click.argument("file", metavar="FILE|-")
@click.option("--to", "target", type=click.Choice(TARGETS), required=True, help="The dialect to write.")
@click.option("-o", "--output", metavar="FILE", help="Write there; to standard output by default.")
@click.option("--in-place", is_flag=True, help="Write to FILE itself.")
@click.option("--diff", is_flag=True, help="Write nothing, and print what would change.")
@click.option("--force", is_flag=True, help="Write although the dialect cannot say everything.")
def command(file: str, target: str, output: str | None, in_place: bool, diff: bool, force: bool) -> None:
    """Write a capability file in another dialect, with its comments and in its order.

    The result does here exactly what the file does, or it is not written. What the other dialect cannot say is
    listed, and keeps it from being written, but for --force. 'capspec validate --portable' says what else the
    engine of a dialect does otherwise. Files that it imports are not changed.
    """
    if (output is not None) + in_place + diff > 1:
        raise click.UsageError("--output, --in-place and --diff exclude each other")
    if in_place and file == "-":
        raise click.UsageError("--in-place needs a file")
    from capspec.rewriting.losses import losses  # noqa: PLC0415 - so that --help starts fast
    from capspec.rewriting.migrating import TARGETS as targets  # noqa: PLC0415
    from capspec.rewriting.migrating import migrated  # noqa: PLC0415
    from capspec.rewriting.verifying import check_meaning  # noqa: PLC0415

    before = read(file)
    load = loader(before)
    plan = load(before.text.encode())
    text = migrated(before, targets[target])
    lost = losses(plan, load(text.encode()), targets[target].dialect)
    print_problems(lost)
    if lost and not force:
        print_problems([_refusal(len(lost), target)])
        raise click.exceptions.Exit(FAILED)
    if not lost:
        check_meaning(before, text, load)
    if diff:
        print_diff(before, text)
    elif output is not None:
        replace_file(Path(output), text.encode())
    elif in_place:
        write(before, text)
    else:
        click.echo(text, nl=False)


def _refusal(count: int, target: str) -> Problem:
    message = f"{target} cannot say {plural(count, 'thing')} of this file, listed above"
    return Problem(
        code="CAP792", message=message, hint="take them out, or write what can be said with --force"
    )
