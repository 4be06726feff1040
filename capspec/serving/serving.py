"""Engines to running servers: every adapter built, bound, announced, and at the end finished cleanly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from socket import socket

from capspec import registry
from capspec.adapters.mcp import adapter as mcp
from capspec.edge import Edge, EdgeOptions
from capspec.events import ServerStarted, ServerStopped
from capspec.host_check import HostCheck, is_loopback
from capspec.plan import Engine, Listener
from capspec.serving.farewell import Farewell
from capspec.serving.listening import (
    Exposed,
    Mount,
    Site,
    application,
    clashes,
    one_port,
    own_ports,
    shared_port,
    unique_names,
)  # fmt: skip
from capspec.serving.server import Server, server_for
from capspec.serving.sockets import ListenError, open_sockets, port_of

_log = logging.getLogger("capspec")

STDIO_REASON = "its transport is stdio: run it with --stdio, or put everything on one port with --port"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How to serve. `port` None means: the ports of the files. `grace` is seconds.

    `allowed_hosts` are names that `Host` and `Origin` may have besides the loopback ones. `insecure` allows
    adapters without authentication on an address that other machines can reach.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    grace: float = 30.0
    edge: EdgeOptions = field(default_factory=EdgeOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A listener that is not served here, and why."""

    engine: Engine
    listener: Listener
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is being served: a URL for each mount, in the order of the files; what is left out; `clashes` are
    the ports that more than one listener wanted, so that all moved to one."""

    engines: tuple[Engine, ...]
    mounts: tuple[tuple[str, Mount], ...]
    left: tuple[Left, ...]
    clashes: tuple[int, ...]
    host: str


Announce = Callable[[Serving], None]


async def serve(
    engines: Sequence[Engine], options: ServeOptions, stop: asyncio.Event, announce: Announce
) -> None:
    """Serve until `stop` is set, then finish what is in flight.

    `announce` is called once, when every address accepts connections. Raises ListenError.
    """
    exposed, left = _build(engines, options)
    _check_exposure(exposed, options)
    clashing = clashes(exposed) if options.port is None else ()
    sites = _arrange(exposed, options, shared=bool(clashing))
    sockets = open_sockets(options.host, [(site.port, _owner(site)) for site in sites])
    serving = Serving(
        engines=tuple(engines),
        mounts=tuple(_addressed(options.host, zip(sites, sockets, strict=True))),
        left=tuple(left),
        clashes=clashing,
        host=options.host,
    )
    async with AsyncExitStack() as stack:
        for bound in sockets:
            stack.callback(bound.close)
        for _, mount in serving.mounts:
            await stack.enter_async_context(mount.edge.running())
        servers = [_server(site, options) for site in sites]
        for server, bound in zip(servers, sockets, strict=True):
            await server.open(bound)
        _tell_started(serving)
        announce(serving)
        await stop.wait()
        _log.info("stopping: what is in flight has up to %g s; a second signal stops at once", options.grace)
        await _finish(servers, [mount.edge for _, mount in serving.mounts], options.grace)
        _tell_stopped(serving)


# -- before ---------------------------------------------------------------------------------------------


def _build(engines: Sequence[Engine], options: ServeOptions) -> tuple[list[Exposed], list[Left]]:
    """Every listener's adapter, and the listeners that have no address of their own to be served at."""
    exposed: list[Exposed] = []
    left: list[Left] = []
    names = unique_names(engine.plan.name for engine in engines)
    for name, engine in zip(names, engines, strict=True):
        for listener in engine.plan.listeners:
            if listener.transport == "stdio" and options.port is None:
                left.append(Left(engine=engine, listener=listener, reason=STDIO_REASON))
                continue
            edge = registry.find("adapter", listener.type)(listener, engine, options.edge)
            exposed.append(Exposed(capability=name, engine=engine, listener=listener, edge=edge))
    return exposed, left


def _check_exposure(exposed: Sequence[Exposed], options: ServeOptions) -> None:
    """Refuse to open adapters without authentication to other machines, and to serve nothing at all."""
    if not exposed:
        raise ListenError(
            "there is nothing to serve", hint="add an entry with 'type: rest' or 'type: mcp' to 'exposes'"
        )
    unguarded = [item for item in exposed if item.listener.guard is None]
    if options.insecure or is_loopback(options.host) or not unguarded:
        return
    names = ", ".join(f"'{item.listener.namespace}' of {item.capability}" for item in unguarded[:5])
    more = f" and {len(unguarded) - 5} more" if len(unguarded) > 5 else ""
    raise ListenError(
        f"on {options.host} other machines could use {names}{more} without authentication",
        hint="add 'authentication' to those entries of 'exposes', or allow it with --insecure",
    )


def _arrange(exposed: Sequence[Exposed], options: ServeOptions, *, shared: bool) -> tuple[Site, ...]:
    if options.port is None and not shared:
        return own_ports(exposed)
    targets = [(item.listener, item.engine) for item in exposed if item.listener.type == "mcp"]
    merged = mcp.build_merged(targets, options.edge) if targets else None
    port = shared_port(exposed) if options.port is None else options.port
    return (one_port(exposed, merged, port),)


def _owner(site: Site) -> str:
    """Who wants a site's port, for a message."""
    if len(site.mounts) > 1 or len(site.mounts[0].members) > 1:
        return "everything that is served on one port"
    listener = site.mounts[0].members[0].listener
    return f"the {listener.type} adapter '{listener.namespace}' ({listener.place})"


def _server(site: Site, options: ServeOptions) -> Server:
    checked = HostCheck(Farewell(application(site)), host=options.host, names=options.allowed_hosts)
    return server_for(checked, options.grace)


def _addressed(host: str, sites: Iterable[tuple[Site, socket]]) -> Iterable[tuple[str, Mount]]:
    name = f"[{host}]" if ":" in host else host
    for site, bound in sites:
        for mount in site.mounts:
            yield f"http://{name}:{port_of(bound)}{mount.endpoint}", mount


# -- after ----------------------------------------------------------------------------------------------


async def _finish(servers: Sequence[Server], edges: Sequence[Edge], grace: float) -> None:
    """Stop accepting, end endless streams, wait for what is in flight; `grace` seconds at most."""
    closing = [asyncio.create_task(server.finish()) for server in servers]
    await asyncio.sleep(0)  # the first step of each task closes its sockets
    drains = [asyncio.ensure_future(edge.drain()) for edge in edges]
    _, late = await asyncio.wait(drains, timeout=grace)
    for task in late:
        task.cancel()
    for outcome in await asyncio.gather(*drains, *closing, return_exceptions=True):
        if isinstance(outcome, Exception):
            _log.error("while stopping: %s", outcome, exc_info=outcome)


def _tell_started(serving: Serving) -> None:
    for url, mount in serving.mounts:
        mount.members[0].engine.events.emit(
            ServerStarted(kind=mount.kind, namespace=mount.namespace, url=url)
        )


def _tell_stopped(serving: Serving) -> None:
    for _, mount in serving.mounts:
        mount.members[0].engine.events.emit(ServerStopped(kind=mount.kind, namespace=mount.namespace))
