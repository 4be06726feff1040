"""`capspec explain`: a diagnostic's code to what it means, why it matters, and how to mend it."""

from __future__ import annotations

import difflib

import click

from capspec.diagnostics import codes, entries, entry_of
from capspec.diagnostics.page import entry_text, page


@click.command("explain")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--markdown", is_flag=True, help="Print all of them as one page.")
def command(code: str | None, markdown: bool) -> None:
    """Explain a diagnostic by its CODE, such as CAP124; without one, list them all."""
    if markdown:
        click.echo(page(), nl=False)
    elif code is None:
        for entry in entries():
            click.echo(f"{entry.code}  {entry.severity:<7}  {entry.title}")
    else:
        click.echo(_explained(code), nl=False)


def _explained(word: str) -> str:
    code = word.strip().strip("[]").upper()
    code = f"CAP{code}" if code.isdigit() else code
    entry = entry_of(code)
    if entry is None:
        near = difflib.get_close_matches(code, codes(), 1)
        hint = f"did you mean '{near[0]}'?" if near else "'capspec explain' lists them all"
        raise click.UsageError(f"there is no diagnostic '{word}'; {hint}")
    return entry_text(entry)
