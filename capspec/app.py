"""The whole walk: a path to a Document, a Capability, a Plan, and an Engine that runs it."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from capspec import bindings, document, model, registry
from capspec.assets.links import LinkKey
from capspec.assets.shelf import Shelf
from capspec.assets.storage import Storage, default_folder
from capspec.clock import Clock, SystemClock
from capspec.compiler import compile_capability
from capspec.desk import Desk
from capspec.egress import Egress
from capspec.engine import CallEngine
from capspec.events import EventStream, log_event
from capspec.jobs.handles import HandleKey
from capspec.jobs.running import Jobs
from capspec.node import Node
from capspec.observability.observing import observe
from capspec.plan import Plan
from capspec.scripting.governance import Governance, rules_of
from capspec.scripting.scripts import Scripts
from capspec.upstream import Upstreams
from capspec.wire import Transport

HANDLE_VARIABLE = "CAPSPEC_HANDLE_KEY"
"""The secret that handles of jobs are made with, at least 16 characters."""

SCRIPTING_VARIABLE = "CAPSPEC_SCRIPTING"
"""`false` switches all scripts off, whatever a file says."""

BASE_URI_VARIABLE = "CAPSPEC_BASE_URI_"
"""`CAPSPEC_BASE_URI_<NAMESPACE>` replaces a base URI; the namespace in upper case, `_` for other marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Limits of an engine. Sizes are bytes, times are seconds.

    `handle_secret` is what the handles of jobs and our own links are made with: with the same one, they
    outlive a restart and any replica reads them; without one, keys are made that last as long as the process.
    `assets_folder` is where saved assets are kept; "" means a folder among the user's caches. Without
    `scripting` no script runs, whatever the file says.
    """

    timeout: float = 60.0
    max_response_bytes: int = 10 * 1024 * 1024
    transport: str = "httpx"
    handle_secret: str = field(default="", repr=False)
    assets_folder: str | os.PathLike[str] = ""
    scripting: bool = True


def load_plan(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str],
    base_uris: Mapping[str, str] | None = None,
    rewrite: Callable[[str], str] = str,
    root: str | os.PathLike[str] | None = None,
    mock: bool = False,
    content: bytes | None = None,
) -> Plan:
    """A capability file, compiled; `content` stands for what is in it.

    `base_uris` replaces base URIs by namespace; `rewrite` leads from any other address that the file names to
    the one that is called. Imports are read from below `root`, which is the file's own folder when None.
    With `mock`, flows answer from their declared outputs, and nobody is called.

    Raises CapspecError with every problem that was found.
    """
    capability = model.parse(_document(path, root, content))
    found = bindings.resolve(capability, environ)
    uris = {**_uris_from(environ, capability), **(base_uris or {})}
    return compile_capability(capability, found, base_uris=uris, rewrite=rewrite, mock=mock)


def _document(
    path: str | os.PathLike[str], root: str | os.PathLike[str] | None, content: bytes | None
) -> document.Document:
    if content is None:
        return document.read(path, root=root)
    folder = None if root is None else Path(root)
    name = os.fspath(path)
    if name == "-":
        return document.parse(content, document.STDIN, root=folder)
    return document.parse(content, name, Path(path), root=folder)


def _uris_from(environ: Mapping[str, str], capability: model.Capability) -> dict[str, str]:
    found = {}
    for upstream in capability.upstreams:
        word = "".join(char if char.isalnum() else "_" for char in upstream.namespace.upper())
        value = environ.get(BASE_URI_VARIABLE + word)
        if value:
            found[upstream.namespace] = value
    return found


def new_events(name: str = "") -> EventStream:
    """A stream that the log hears, for a capability of this name under `capspec.<name>`."""
    log = logging.getLogger(f"capspec.{name}" if name else "capspec")
    return EventStream([partial(log_event, log=log)])


@asynccontextmanager
async def open_engine(
    plan: Plan,
    *,
    clock: Clock | None = None,
    events: EventStream | None = None,
    options: EngineOptions | None = None,
    transport: Transport | None = None,
    before: CallEngine | None = None,
) -> AsyncIterator[CallEngine]:
    """An engine for a plan. Without a `transport` it has its own, closed at the end of the block.

    What was measured of `before`, which this one stands in for, counts on.
    """
    options = options or EngineOptions()
    clock = clock or SystemClock()
    events = events or new_events(plan.name)
    observed = observe(plan, events, None if before is None else before.events)
    carrier = transport or registry.find("transport", options.transport)()
    upstreams = Upstreams(
        carrier,
        Egress(plan.contacts),
        clock,
        events,
        timeout=options.timeout,
        max_response_bytes=options.max_response_bytes,
    )
    links = LinkKey(options.handle_secret, plan.name)
    shelf = Shelf(plan, upstreams, clock, events, key=links, storage=_storage(options))
    desk = Desk(Jobs(plan.operations, upstreams, clock, events), _handle_key(plan, options), clock, shelf)
    rules = rules_of(Node.root(plan.document))
    governance = Governance(rules, forbidden=not options.scripting)
    if before is not None:
        governance.statistics = before.scripts.governance.statistics
    scripts = Scripts(governance, clock, events)
    try:
        await shelf.sweep()
        yield CallEngine(plan, upstreams, clock, events, desk, shelf, scripts)
    finally:
        await scripts.close()
        await shelf.close()
        if observed is not None:
            await observed.close()
        if transport is None:
            await carrier.close()


class Engines:
    """Engines on one transport. Each can be closed by itself, and another can stand in for it.

    That other one reads the handles of jobs and the links that were given out before.
    """

    def __init__(self, options: EngineOptions, transport: Transport) -> None:
        self._options = options
        self._transport = transport
        self._open: dict[CallEngine, tuple[EngineOptions, AsyncExitStack]] = {}

    @property
    def running(self) -> list[CallEngine]:
        """In the order in which they were opened."""
        return list(self._open)

    async def open(self, plan: Plan, before: CallEngine | None = None) -> CallEngine:
        if before in self._open:
            options, _ = self._open[before]
        else:
            secret = self._options.handle_secret or secrets.token_urlsafe(32)
            options = replace(self._options, handle_secret=secret)
        stack = AsyncExitStack()
        opening = open_engine(plan, options=options, transport=self._transport, before=before)
        engine = await stack.enter_async_context(opening)
        self._open[engine] = options, stack
        return engine

    async def close(self, engine: CallEngine) -> None:
        """Close one; one that is closed already stays so."""
        _, stack = self._open.pop(engine, (None, None))
        if stack is not None:
            await stack.aclose()

    async def end(self) -> None:
        """Close all that are open, and the transport."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._transport.close)
            for engine in self.running:
                stack.push_async_callback(self.close, engine)


@asynccontextmanager
async def open_engines(plans: Sequence[Plan], options: EngineOptions) -> AsyncIterator[Engines]:
    """An engine for each plan, all on one transport."""
    engines = Engines(options, registry.find("transport", options.transport)())
    try:
        for plan in plans:
            await engines.open(plan)
        yield engines
    finally:
        await engines.end()


def _handle_key(plan: Plan, options: EngineOptions) -> HandleKey:
    if not options.handle_secret:
        return HandleKey.generate()
    return HandleKey.from_secret(options.handle_secret, plan.name)


def _storage(options: EngineOptions) -> Storage:
    if options.assets_folder:
        return Storage(Path(options.assets_folder).absolute())
    return Storage(default_folder(), chosen=False)
