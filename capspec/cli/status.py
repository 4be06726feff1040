"""`capspec status`: what is served by the process behind a control port."""

from __future__ import annotations

import re

import click

from capspec.cli.control import (
    ControlPort,
    cell,
    control_options,
    json_option,
    print_json,
    print_table,
    read_json,
    table,
)
from capspec.cli.exits import FAILED
from capspec.cli.health import is_expected
from capspec.cli.printing import visible


@click.command("status")
@control_options
@json_option
def command(control: ControlPort, output: str) -> None:
    """Show what a control port's capability is, how long it has been up, and its adapters.

    Exit code 1 when an adapter has not started, or the port cannot be asked.
    """
    found = read_json(control.get("/status"))
    adapters = found.get("adapters") or []
    up = all(item.get("state") == "started" for item in adapters if is_expected(item))
    if output == "json":
        print_json(found)
    else:
        capability, engine = found.get("capability") or {}, found.get("engine") or {}
        name = capability.get("label") or capability.get("display") or capability.get("name") or "capability"
        click.echo(visible(f"{name}: {'UP' if up else 'DEGRADED'}"))
        python = f"Python {engine.get('python', '')}"
        click.echo(visible(f"Engine:  {engine.get('name')} {engine.get('version')} ({python})"))
        click.echo(visible(f"Spec:    {capability.get('specVersion') or 'not said'}"))
        click.echo(f"Uptime:  {duration(str(found.get('uptime', '')))}")
        click.echo(visible(f"OTel:    {(found.get('otel') or {}).get('status', 'inactive')}"))
        click.echo()
        rows = table("Adapter", "Namespace", "Port", "State")
        for item in adapters:
            rows.add_row(*(cell(item.get(key)) for key in ("type", "namespace", "port", "state")))
        print_table(rows)
    if not up:
        raise click.exceptions.Exit(FAILED)


def duration(text: str) -> str:
    """An ISO 8601 duration in hours, minutes and seconds, as people read it: 2h 34m 12s."""
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?", text)
    if found is None:
        return visible(text) or "unknown"
    parts = [f"{figure}{unit}" for figure, unit in zip(found.groups(), "hms", strict=True) if figure]
    return " ".join(parts) or "0s"
