"""The whole walk: a path to a Document, a Capability, a Plan, and an Engine that runs it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
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
) -> Plan:
    """A capability file, compiled.

    `base_uris` replaces base URIs by namespace; `rewrite` leads from any other address that the file names to
    the one that is called. Imports are read from below `root`, which is the file's own folder when None.
    With `mock`, flows answer from their declared outputs, and nobody is called.

    Raises CapspecError with every problem that was found.
    """
    capability = model.parse(document.read(path, root=root))
    found = bindings.resolve(capability, environ)
    uris = {**_uris_from(environ, capability), **(base_uris or {})}
    return compile_capability(capability, found, base_uris=uris, rewrite=rewrite, mock=mock)


def _uris_from(environ: Mapping[str, str], capability: model.Capability) -> dict[str, str]:
    found = {}
    for upstream in capability.upstreams:
        word = "".join(char if char.isalnum() else "_" for char in upstream.namespace.upper())
        value = environ.get(BASE_URI_VARIABLE + word)
        if value:
            found[upstream.namespace] = value
    return found


def new_events() -> EventStream:
    """A stream that the log hears."""
    return EventStream([log_event])


@asynccontextmanager
async def open_engine(
    plan: Plan,
    *,
    clock: Clock | None = None,
    events: EventStream | None = None,
    options: EngineOptions | None = None,
    transport: Transport | None = None,
) -> AsyncIterator[CallEngine]:
    """An engine for a plan. Without a `transport` it has its own, closed at the end of the block."""
    options = options or EngineOptions()
    clock = clock or SystemClock()
    events = events or new_events()
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
    scripts = Scripts(Governance(rules, forbidden=not options.scripting), clock, events)
    try:
        await shelf.sweep()
        yield CallEngine(plan, upstreams, clock, events, desk, shelf, scripts)
    finally:
        await scripts.close()
        await shelf.close()
        if transport is None:
            await carrier.close()


@asynccontextmanager
async def open_engines(plans: Sequence[Plan], options: EngineOptions) -> AsyncIterator[list[CallEngine]]:
    """An engine for each plan, all on one transport."""
    transport: Transport = registry.find("transport", options.transport)()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(transport.close)
        yield [
            await stack.enter_async_context(open_engine(plan, options=options, transport=transport))
            for plan in plans
        ]


def _handle_key(plan: Plan, options: EngineOptions) -> HandleKey:
    if not options.handle_secret:
        return HandleKey.generate()
    return HandleKey.from_secret(options.handle_secret, plan.name)


def _storage(options: EngineOptions) -> Storage:
    if options.assets_folder:
        return Storage(Path(options.assets_folder).absolute())
    return Storage(default_folder(), chosen=False)
