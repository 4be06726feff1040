"""`capspec sandbox`: the providers' imitations alone, on a port of their own."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from capspec.cli import logs
from capspec.sandbox import SandboxConfig, create_app
from capspec.sandbox.server import FaultProtocol
from capspec.serving import process
from capspec.serving.server import hosted
from capspec.serving.sockets import open_socket, port_of


@click.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Where to listen; a free port by default.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="N",
    help="How many times faster than real jobs these are.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Settles every id, duration and pixel.",
)
@click.option(
    "--faults", type=click.Path(exists=True, dir_okay=False), help="A JSON file with a list of fault rules."
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def command(port: int, speed: float, seed: int, faults: str | None, log_level: str) -> None:
    """Run imitations of the providers that the shipped capabilities call, on this machine only."""
    logs.configure(log_level, "text")
    config = {"speed": speed, "seed": seed, "faults": _rules(faults)}
    process.run(partial(_run, port, config))


async def _run(port: int, config: dict[str, Any], stop: asyncio.Event) -> None:
    with open_socket("127.0.0.1", port, "the sandbox") as bound:
        origin = f"http://127.0.0.1:{port_of(bound)}"
        try:
            app = create_app(SandboxConfig(origin=origin, **config))
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        async with hosted(app, bound, protocol=FaultProtocol):
            click.echo(f"The sandbox is at {origin}\nStop with Ctrl-C.")
            await stop.wait()


def _rules(path: str | None) -> list[dict[str, object]]:
    if path is None:
        return []
    try:
        rules = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise click.BadParameter(f"'{path}' is not JSON: {error}", param_hint="--faults") from None
    if not isinstance(rules, list):
        raise click.BadParameter(f"'{path}' should hold a list of rules", param_hint="--faults")
    return rules
