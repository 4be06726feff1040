"""`capspec health`: whether a capability that is served is there, and ready."""

from __future__ import annotations

import click

from capspec.cli.control import ControlPort, control_options, json_option, print_json, read_json
from capspec.cli.exits import FAILED
from capspec.cli.printing import visible
from capspec.values import Json


@click.command("health")
@control_options
@json_option
def command(control: ControlPort, output: str) -> None:
    """Ask a control port whether its capability is there and ready.

    Exit code 1 when it is not ready, or cannot be asked.
    """
    live = read_json(control.get("/health/live", missing=_OFF))
    ready = read_json(control.get("/health/ready", also=(503,)))
    if output == "json":
        print_json({"live": live, "ready": ready})
    else:
        click.echo(f"Liveness:  {visible(str(live.get('status')))}")
        click.echo(f"Readiness: {visible(str(ready.get('status')))}")
        click.echo(_counted(ready.get("adapters") or []))
    if live.get("status") != "UP" or ready.get("status") != "UP":
        raise click.exceptions.Exit(FAILED)


_OFF = "Not configured: the file's control adapter needs management.health."


def is_expected(adapter: dict[str, Json]) -> bool:
    """Whether an adapter should have started; one over stdio is started by its client."""
    return adapter.get("transport") != "stdio"


def _counted(adapters: list[dict[str, Json]]) -> str:
    expected = [item for item in adapters if is_expected(item)]
    stopped = [item for item in expected if item.get("state") != "started"]
    lines = [f"{len(expected) - len(stopped)}/{len(expected)} adapters started"]
    lines += [f"  not started: {item.get('type')} {item.get('namespace', '')}".rstrip() for item in stopped]
    return visible("\n".join(lines))
