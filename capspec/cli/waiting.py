"""Jobs on the command line: submitted, waited for with a bar of progress, and their asset saved."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from capspec.desk import Standing
from capspec.engine import CallEngine
from capspec.jobs.outcome import State
from capspec.plan import ANONYMOUS, Call, Flow, Result


async def started(engine: CallEngine, call: Call, handle: str | None) -> Standing | Result:
    """The job of a new call, or that of a handle as it stands now. Raises CallError."""
    if handle is None:
        return await engine.start(call)
    return await engine.desk.look(engine.desk.find(call.flow, handle, ANONYMOUS))


async def waited(engine: CallEngine, standing: Standing) -> Standing:
    """The job at its end, or when the file's own time for it is over. The bar goes to standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(str(standing.outcome.state), total=None)

        async def shown(now: Standing) -> None:
            outcome = now.outcome
            known = outcome.progress is not None
            bar.update(
                task,
                description=str(outcome.state),
                total=1.0 if known else None,
                completed=outcome.progress or 0.0,
            )

        return await engine.desk.wait(standing, None, shown)


async def asset_of(engine: CallEngine, standing: Standing) -> bytes | None:
    """The bytes that a job made: its result, or what the first link in its result leads to."""
    found = await engine.desk.asset(standing, sys.maxsize)
    return None if found is None else found[0]


def hint(flow: Flow, standing: Standing, lasting: bool) -> str:
    """What to do next about a job that has not ended; "" when there is nothing to say."""
    if standing.outcome.final:
        return ""
    if not lasting:
        return (
            f"the job goes on (the provider calls it {standing.job.id}), but its handle ends with this "
            "command: use --wait, or set CAPSPEC_HANDLE_KEY"
        )
    return f"ask again with: capspec call FILE {flow.published} --job {standing.handle} --wait"


def succeeded(standing: Standing) -> bool:
    """Whether the command did what it was for: a job is under way, or ended well."""
    return standing.outcome.state in (State.SUCCEEDED, State.QUEUED, State.RUNNING)


def say(text: str) -> None:
    if text:
        click.echo(text, err=True)
