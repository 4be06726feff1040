"""`capspec schema`: the JSON Schema of the language, for editors."""

from __future__ import annotations

import click

from capspec.schema import published


@click.command("schema")
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of capability files, for editors.

    It describes every spelling that is read. 'validate' knows more: it follows names and compiles templates.
    """
    click.echo(published(), nl=False)
