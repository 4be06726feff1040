"""`capspec call`: one tool or operation, run in this process, and its result printed."""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from capspec import app
from capspec.cli import logs, waiting
from capspec.cli.arguments import read_arguments
from capspec.cli.exits import FAILED
from capspec.cli.loading import environment, load_plans, loading_options, surroundings_of
from capspec.cli.options import engine_options, engine_options_of
from capspec.cli.printing import print_problems, visible
from capspec.cli.sandboxed import surroundings
from capspec.engine import CallEngine
from capspec.errors import CallError
from capspec.plan import Call, Flow, Listener, Plan, Result
from capspec.values import MISSING, Json


@click.command("call", context_settings={"ignore_unknown_options": False})
@click.argument("file", metavar="FILE")
@click.argument("name", metavar="TOOL|OPERATION")
@click.argument("words", metavar="[KEY=VALUE]...", nargs=-1)
@click.option(
    "--json",
    "document",
    metavar="OBJECT",
    help="Arguments as a JSON object; '-' reads it from standard input.",
)
@click.option(
    "--listener", "namespace", metavar="NAMESPACE", help="The entry of 'exposes' to take the name from."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, writable=True), help="Write the result to this file."
)
@click.option("--wait", is_flag=True, help="Wait for the end of a job that it starts.")
@click.option("--job", metavar="HANDLE", help="Ask about this job instead of starting one.")
@engine_options
@loading_options
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
)
def command(file: str, name: str, words: tuple[str, ...], **options: Any) -> None:
    """Run one tool or operation of FILE, and print its result.

    \b
    KEY=VALUE     a value, read as the type that the input declares
    KEY:=JSON     a value as JSON
    KEY=@PATH     the contents of a file ('@-' is standard input); bytes that are not text as base64
    -             all arguments as a JSON object from standard input

    A result is printed as JSON, indented on a terminal. Bytes that are not text go to --output or to a pipe.
    """
    asyncio.run(_run(file, name, words, options))


async def _run(file: str, name: str, words: Sequence[str], options: dict[str, Any]) -> None:
    logs.configure(options["log_level"], "text")
    environ = environment(options["env_files"])
    given = surroundings_of(options, environ)
    async with surroundings(given, sandbox=options["sandbox"], speed=options["sandbox_speed"]) as around:
        plan = load_plans([file], around)[0]
        logs.configure(options["log_level"], "text", plan.secrets)
        listener, flow = _find(plan, name, options["namespace"])
        arguments = {} if options["job"] else read_arguments(flow, words, options["document"])
        call = Call(flow=flow, arguments=arguments, listener=listener.namespace)
        async with app.open_engine(plan, options=engine_options_of(options, environ)) as engine:
            with _told():
                if flow.job is None:
                    await _run_once(engine, call, options)
                else:
                    await _run_job(engine, call, options, lasting=bool(environ.get(app.HANDLE_VARIABLE)))


@contextmanager
def _told() -> Iterator[None]:
    """Turns a failed call into words and an exit code."""
    try:
        yield
    except CallError as error:
        click.echo(f"{error.title}:", err=True)
        print_problems(error.problems)
        raise click.exceptions.Exit(FAILED) from None


async def _run_once(engine: CallEngine, call: Call, options: dict[str, Any]) -> None:
    if options["wait"] or options["job"]:
        raise click.UsageError(f"'{call.flow.published}' starts no job: --wait and --job mean nothing to it")
    result = await engine.run(call)
    try:
        _print(result.status, _content(result), options["output"])
    finally:
        await result.close()


async def _run_job(engine: CallEngine, call: Call, options: dict[str, Any], *, lasting: bool) -> None:
    """Start or find a job, wait when asked to, print its envelope; the asset goes to --output."""
    found = await waiting.started(engine, call, options["job"])
    if isinstance(found, Result):
        _print(found.status, _content(found), options["output"])
        return
    if options["wait"]:
        try:
            found = await waiting.waited(engine, found)
        except asyncio.CancelledError:
            waiting.say(waiting.hint(call.flow, found, lasting))
            raise
    if options["output"]:
        asset = await waiting.asset_of(engine, found)
        _save(_json(found.envelope()) if asset is None else asset, options["output"])
    _write(_json(found.envelope()))
    waiting.say(waiting.hint(call.flow, found, lasting))
    if not waiting.succeeded(found):
        raise click.exceptions.Exit(FAILED)


def _find(plan: Plan, name: str, namespace: str | None) -> tuple[Listener, Flow]:
    """The flow of that name, tools before REST operations, published names before the file's own."""
    listeners = [item for item in plan.listeners if namespace in (None, item.namespace)]
    if not listeners:
        known = ", ".join(item.namespace for item in plan.listeners) or "none"
        raise click.UsageError(f"nothing is exposed as '{namespace}'; known are: {known}")
    flows = [(listener, flow) for listener in listeners for flow in listener.flows]
    flows.sort(key=lambda pair: pair[0].type != "mcp")
    for attribute in ("published", "name"):
        for listener, flow in flows:
            if getattr(flow, attribute) == name:
                return listener, flow
    names = list(dict.fromkeys(flow.published for _, flow in flows))
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(names[:20]) or 'none'}"
    raise click.UsageError(f"there is no tool or operation '{name}' in {plan.document.source}; {hint}")


def _print(status: int, content: bytes, output: str | None) -> None:
    """The content to standard output or a file. Exit code 1, and words to standard error, for a failure."""
    if status >= 400:
        click.echo(f"the upstream answered with status {status}", err=True)
    if output is not None:
        _save(content, output)
    elif content:
        _write(content)
    if status >= 400:
        raise click.exceptions.Exit(FAILED)


def _content(result: Result) -> bytes:
    """What to print: the value as JSON, but texts and binary data as the upstream sent them."""
    if result.value is not MISSING and not (isinstance(result.value, str) and result.content is not None):
        return _json(result.value)
    return result.content or b""


def _json(value: Json) -> bytes:
    indent = 2 if sys.stdout.isatty() else None
    return json.dumps(value, ensure_ascii=False, indent=indent).encode() + b"\n"


def _save(content: bytes, output: str) -> None:
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"cannot write '{output}': {error.strerror}") from None


def _write(content: bytes) -> None:
    if sys.stdout.isatty() and not _is_text(content):
        raise click.UsageError(
            f"the result is {len(content)} bytes that are not text; name a file with --output"
        )
    stream = sys.stdout.buffer
    stream.write(content)
    if sys.stdout.isatty() and not content.endswith(b"\n"):
        stream.write(b"\n")
    stream.flush()


def _is_text(content: bytes) -> bool:
    """Whether a terminal shows the bytes and does nothing else with them."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return visible(text) == text
