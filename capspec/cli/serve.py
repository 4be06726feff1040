"""`capspec serve`: files to running servers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from capspec import __version__, app
from capspec.adapters.mcp import adapter as mcp
from capspec.cli import banner, logs
from capspec.cli.exits import FAILED, MISSING
from capspec.cli.loading import (
    Surroundings,
    capability_files,
    environment,
    load_plans,
    loading_options,
    surroundings_of,
    without_shared,
)
from capspec.cli.options import engine_options, engine_options_of
from capspec.cli.printing import plural, print_problems
from capspec.cli.renewing import Renewing
from capspec.cli.sandboxed import surroundings
from capspec.edge import EdgeOptions
from capspec.plan import Engine, Listener, Plan
from capspec.serving import process, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """What the command line asked for."""

    files: Sequence[str]
    given: Surroundings
    sandbox: bool
    sandbox_speed: float
    strict: bool
    stdio: bool
    log_level: str
    log_format: logs.LogFormat
    engine: app.EngineOptions
    serve: serving.ServeOptions


@click.command("serve")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen, whatever the files say.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Put everything on this one port; 0 is a free one.",
)
@click.option("--stdio", is_flag=True, help="Serve MCP on standard input and output, and nothing else.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A further name that Host and Origin may have; '*' for any. Repeatable.",
)
@click.option("--insecure", is_flag=True, help="Allow other machines to use adapters without authentication.")
@click.option(
    "--strict",
    is_flag=True,
    help="Do not start when a variable has no value (exit code 3) or a file has warnings (1).",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long requests in flight may take after the signal to stop.",
)
@engine_options
@loading_options
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of the log, and of the banner.",
)
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Serve capability files: REST, MCP and skills, each at the port that its file names.

    Of a directory, every capability file in it is served, but for those that are only imported from. When
    ports clash, or with --port, everything is on one port: REST below /CAPABILITY, MCP at /CAPABILITY/mcp,
    skills at /CAPABILITY/skills, and the tools of all together at /mcp.

    SIGHUP reads the files again, where standard input is no terminal: see control adapters.

    The first SIGINT or SIGTERM finishes what is in flight, the second ends at once.
    """
    environ = environment(options["env_files"])
    start = _Start(
        files=capability_files(paths),
        given=surroundings_of(options, environ, paths),
        sandbox=options["sandbox"],
        sandbox_speed=options["sandbox_speed"],
        strict=options["strict"],
        stdio=options["stdio"],
        log_level=options["log_level"],
        log_format=options["log_format"],
        engine=engine_options_of(options, environ),
        serve=serving.ServeOptions(
            host=options["host"],
            port=options["port"],
            allowed_hosts=options["allowed_hosts"],
            insecure=options["insecure"],
            grace=options["grace"],
            edge=EdgeOptions(version=__version__),
        ),
    )
    process.run(partial(_run, start))


async def _run(start: _Start, stop: asyncio.Event) -> None:
    logs.configure(start.log_level, start.log_format)
    async with AsyncExitStack() as stack:
        around = await stack.enter_async_context(
            surroundings(start.given, sandbox=start.sandbox, speed=start.sandbox_speed)
        )
        plans = without_shared(load_plans(start.files, around), around.paths)
        if start.strict:
            _check(plans)
        logs.configure(
            start.log_level, start.log_format, [secret for plan in plans for secret in plan.secrets]
        )
        engines = await stack.enter_async_context(app.open_engines(plans, start.engine))
        process.settle_memory()
        if start.stdio or _only_stdio(plans, start):
            await _serve_stdio(engines.running, start, stop)
        else:
            announce = partial(_announce, start, around.sandbox)
            renewal = Renewing(engines, around, logs.mask, strict=start.strict)
            await serving.serve(engines.running, start.serve, stop, announce, renewal)


def _check(plans: Sequence[Plan]) -> None:
    """Refuse what --strict refuses."""
    missing = [(plan, variable) for plan in plans for variable in plan.missing]
    for plan, variable in missing:
        places = ", ".join(map(str, variable.places[:3])) or plan.document.source
        click.echo(f"{variable.name} has no value ({variable.bind}), and is needed at {places}", err=True)
    if missing:
        raise click.exceptions.Exit(MISSING)
    warnings = [problem for plan in plans for problem in plan.warnings]
    if warnings:
        print_problems(warnings)
        click.echo(f"not started: {plural(len(warnings), 'warning')}, with --strict", err=True)
        raise click.exceptions.Exit(FAILED)


def _only_stdio(plans: Sequence[Plan], start: _Start) -> bool:
    """Whether the files themselves ask for standard input and output, and for nothing else."""
    listeners = [listener for plan in plans for listener in plan.listeners]
    return (
        start.serve.port is None and bool(listeners) and all(item.transport == "stdio" for item in listeners)
    )


async def _serve_stdio(engines: Sequence[Engine], start: _Start, stop: asyncio.Event) -> None:
    targets: list[tuple[Listener, Engine]] = [
        (listener, engine)
        for engine in engines
        for listener in engine.plan.listeners
        if listener.type == "mcp"
    ]
    if not targets:
        raise click.UsageError("--stdio serves MCP, and no file exposes it")
    tools = sum(len(listener.available) for listener, _ in targets)
    click.echo(f"capspec {__version__}: {plural(tools, 'tool')} on standard input and output", err=True)
    for engine in engines:
        for missing in banner.missing_of(engine.plan):
            click.echo("\n".join(banner.missing_lines(missing)), err=True)
    await mcp.run_stdio(targets, start.serve.edge, stop=stop)


def _announce(start: _Start, sandbox: str, what: serving.Serving) -> None:
    description = banner.describe(what, sandbox, lasting_handles=bool(start.engine.handle_secret))
    click.echo(banner.as_json(description) if start.log_format == "json" else banner.as_text(description))
