"""`capspec check-corpus`: many files to what becomes of them, each asked for everything that it offers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import click

from capspec.cli.exits import FAILED
from capspec.cli.printing import plural
from capspec.corpus.checking import FileReport, check_files, peak_memory
from capspec.corpus.findings import KINDS, TOLD
from capspec.corpus.report import CorpusReport
from capspec.corpus.served import check_served


@click.command("check-corpus")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, writable=True), help="Write all of it there."
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, writable=True),
    help="Write tables there (Markdown).",
)
@click.option(
    "--served",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Also serve N of the files, two at a time, and ask over HTTP.",
)
def command(paths: tuple[str, ...], json_file: str | None, report_file: str | None, served: int) -> None:
    """Check how capability files would work, without calling anybody.

    Each file is loaded, and everything that it offers is asked for, with made-up arguments, of an upstream in
    memory. What reaches it is compared with what the file says. Exit code 1 when a file that is a capability
    does not load, or a request is not what it should be.
    """
    began = perf_counter()
    reports = asyncio.run(check_files(_files(paths), _tell))
    over_http = None
    if served:
        loaded = [item.path for item in reports if item.outcome == "loaded"]
        over_http = asyncio.run(check_served(loaded[:: max(1, len(loaded) // served)][:served]))
        for what in over_http.wrong:
            click.echo(what)
    whole = CorpusReport(reports, perf_counter() - began, peak_memory(), over_http)
    if json_file:
        Path(json_file).write_text(json.dumps(whole.facts(), ensure_ascii=False, indent=1), "utf-8")
    if report_file:
        Path(report_file).write_text(whole.markdown(), "utf-8")
    _summarise(whole)
    if whole.failed or whole.outcomes["refused"]:
        raise click.exceptions.Exit(FAILED)


def _files(paths: Iterable[str]) -> list[str]:
    """The files that are named, and all YAML files in directories: here, those that are broken count too."""
    found: dict[str, None] = {}
    for path in map(Path, paths):
        inside = (
            sorted(item for item in path.rglob("*") if item.suffix in (".yaml", ".yml"))
            if path.is_dir()
            else [path]
        )
        found.update(dict.fromkeys(str(item) for item in inside if item.is_file()))
    return list(found)


def _tell(report: FileReport) -> None:
    """One line for a file of which there is something to say."""
    if report.outcome == "crashed":
        click.echo(f"{report.path}: {report.crash}")
    elif report.outcome != "loaded":
        click.echo(f"{report.outcome}: {report.problems[0]}")
    for finding in report.findings:
        if finding.kind not in TOLD:
            where = f"{finding.listener}, {finding.flow}"
            click.echo(f"{report.path}: {finding.kind}: {where}: {finding.subject}")


def _summarise(whole: CorpusReport) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(whole.outcomes.items()))
    click.echo(f"{plural(len(whole.files), 'file')}: {outcomes}", err=True)
    asked = plural(whole.total("flows"), "flow")
    click.echo(f"{asked}: {whole.total('sent')} sent, {whole.total('unavailable')} not available", err=True)
    for kind, meaning in KINDS.items():
        if whole.kinds[kind]:
            click.echo(f"{kind}: {whole.kinds[kind]} ({meaning})", err=True)
    if whole.served is not None:
        served = whole.served
        slowest = f"tools/list took {1000 * served.list_seconds:.0f} ms at most"
        click.echo(
            f"served: {plural(served.pairs, 'pair')}, {plural(served.calls, 'call')}; {slowest}", err=True
        )
    times = " / ".join(f"{1000 * whole.percentile(share):.0f}" for share in (0.5, 0.95, 1.0))
    click.echo(f"loading took {times} ms (p50 / p95 / max)", err=True)
