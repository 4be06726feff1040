"""`capspec metrics`: the figures of a capability that is served."""

from __future__ import annotations

import re

import click

from capspec.cli.control import ControlPort, control_options
from capspec.cli.printing import visible

_NAME = re.compile(r"(?:# (?:HELP|TYPE) )?([a-zA-Z_:][a-zA-Z0-9_:]*)")


@click.command("metrics")
@click.option("--filter", "wanted", default="", metavar="REGEX", help="Only those whose name has this in it.")
@control_options
def command(control: ControlPort, wanted: str) -> None:
    """Print the metrics of a control port's capability, in the format of Prometheus."""
    try:
        pattern = re.compile(wanted)
    except re.error as error:
        raise click.UsageError(f"--filter is no regular expression: {error}") from None
    text = control.get("/metrics").decode("utf-8", "replace")
    for line in text.splitlines():
        name = _NAME.match(line)
        if name is not None and pattern.search(name[1]):
            click.echo(visible(line))
