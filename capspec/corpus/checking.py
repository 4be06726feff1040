"""Capability files to what became of each: whether it loads, how fast, what it offers and what that sends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import thread_time
from typing import Literal

from capspec import bindings, document, model
from capspec.compiler import compile_capability
from capspec.corpus.findings import Finding
from capspec.corpus.oddities import oddities_of
from capspec.corpus.probing import Probed, opened, probe, served
from capspec.corpus.surroundings import Everything, surrounded
from capspec.corpus.upstream import DOMAIN, RecordingUpstream
from capspec.document import Document
from capspec.errors import CapspecError, Problem
from capspec.model import Capability
from capspec.plan import Plan

Outcome = Literal["loaded", "malformed", "foreign", "refused", "crashed"]
"""`malformed` is no YAML, `foreign` is YAML without a root key, `refused` is a capability with errors."""

NOT_OURS = "CAP108"

_LARGE = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class FileReport:
    """One file. `seconds` of the processor pass until there is a plan; `problems` are why there is none."""

    path: str
    outcome: Outcome
    bytes: int = 0
    seconds: float = 0.0
    operations: int = 0
    routes: int = 0
    tools: int = 0
    warnings: int = 0
    probed: Probed = field(default_factory=Probed)
    problems: tuple[Problem, ...] = ()
    crash: str = ""
    oddities: tuple[tuple[str, int], ...] = ()
    astray: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        return self.probed.findings

    @property
    def is_large(self) -> bool:
        return self.bytes > _LARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A file, compiled so that its requests go to `host`."""

    path: str
    host: str
    capability: Capability
    plan: Plan


async def check_files(
    paths: Sequence[str], told: Callable[[FileReport], None] = lambda report: None
) -> list[FileReport]:
    """A report of each file, in order. Two at a time run in this process, so that each has had company."""
    reports: list[FileReport] = []
    for first in range(0, len(paths), 2):
        pair = [(number, paths[number]) for number in range(first, min(first + 2, len(paths)))]
        found = await asyncio.gather(*(check_file(path, host=f"file{number}") for number, path in pair))
        for report in found:
            told(report)
        reports += found
    return reports


async def check_file(path: str, *, host: str = "file") -> FileReport:
    """Load a file, and ask for everything that it offers. Nothing is raised; what was is in the report."""
    report = FileReport(path=path, outcome="crashed")
    try:
        loaded = _timed(path, host, report)
        if loaded is not None:
            await _probe(loaded, report)
    except Exception as error:  # noqa: BLE001 - that there is none is what is checked
        report.outcome, report.crash = "crashed", _said(error)
    return report


def load(path: str, host: str) -> Loaded:
    """A file, compiled so that its requests go to the host of this name. Raises CapspecError."""
    return _compiled(document.read(path), path, host)


def _compiled(found: Document, path: str, host: str) -> Loaded:
    capability, bases = surrounded(model.parse(found), host + DOMAIN)
    bound = bindings.resolve(capability, Everything())
    plan = served(compile_capability(capability, bound, base_uris=bases))
    return Loaded(path=path, host=host + DOMAIN, capability=capability, plan=plan)


def _timed(path: str, host: str, report: FileReport) -> Loaded | None:
    """A file with what it is in numbers; None when it is no capability that can be served."""
    report.bytes = os.stat(path).st_size
    began = thread_time()
    found: Document | None = None
    try:
        found = document.read(path)
        loaded = _compiled(found, path, host)
    except CapspecError as error:
        report.seconds, report.problems = thread_time() - began, error.problems
        report.outcome = _outcome(found, error)
        return None
    report.seconds, report.outcome = thread_time() - began, "loaded"
    report.operations = len(loaded.plan.operations)
    for listener in loaded.plan.listeners:
        if listener.type == "rest":
            report.routes += len(listener.flows)
        else:
            report.tools += len(listener.flows)
    report.warnings = len(loaded.plan.warnings)
    report.oddities = tuple(sorted(oddities_of(loaded.capability).items()))
    return loaded


def _outcome(found: Document | None, error: CapspecError) -> Outcome:
    if found is None:
        return "malformed"
    return "foreign" if any(problem.code == NOT_OURS for problem in error.problems) else "refused"


async def _probe(loaded: Loaded, report: FileReport) -> None:
    upstream = RecordingUpstream(loaded.host)
    async with opened(loaded.plan, upstream) as engine:
        # The others of this process have loaded by now, too.
        await asyncio.sleep(0)
        report.probed = await probe(loaded.capability, engine, upstream)
    report.astray = tuple(upstream.astray)


def _said(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}: {error}{where}"


def peak_memory() -> int:
    """The most memory that this process has had, in bytes; 0 where the system does not tell."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
