"""Engines to running servers: every adapter built, bound, announced, and at the end finished cleanly."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from capspec.edge import Edge
from capspec.host_check import HostCheck
from capspec.plan import Engine
from capspec.serving.farewell import Farewell
from capspec.serving.listening import Mount, Site
from capspec.serving.live import Live, Renewal, Switch
from capspec.serving.options import Left, ServeOptions
from capspec.serving.server import Server, server_for
from capspec.serving.sockets import open_sockets

__all__ = ["Announce", "ServeOptions", "Serving", "serve"]

_log = logging.getLogger("capspec")


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
    engines: Sequence[Engine],
    options: ServeOptions,
    stop: asyncio.Event,
    announce: Announce,
    renewal: Renewal | None = None,
) -> None:
    """Serve until `stop` is set, then finish what is in flight.

    `announce` is called once, when every address accepts connections. With a `renewal`, files are read again
    when a control adapter is told to, and all of them on SIGHUP. Raises ListenError.
    """
    live = Live(engines, options, renewal)
    sockets = open_sockets(options.host, [(site.port, _owner(site)) for site in live.sites])
    async with AsyncExitStack() as stack:
        for bound in sockets:
            stack.callback(bound.close)
        stack.push_async_callback(live.end)
        await live.begin(sockets)
        servers = [_server(switch, options) for switch in live.switches]
        for server, bound in zip(servers, sockets, strict=True):
            await server.open(bound)
        live.tell_started()
        if renewal is not None:
            stack.enter_context(_reloading(live))
        announce(_described(live, options))
        await stop.wait()
        _log.info("stopping: what is in flight has up to %g s; a second signal stops at once", options.grace)
        await _finish(servers, live.stopping(), options.grace)
        live.tell_stopped()


def _described(live: Live, options: ServeOptions) -> Serving:
    return Serving(
        engines=tuple(live.engines),
        mounts=tuple(live.addressed()),
        left=live.left,
        clashes=live.clashes,
        host=options.host,
    )


def _owner(site: Site) -> str:
    """Who wants a site's port, for a message."""
    if len(site.mounts) > 1 or len(site.mounts[0].members) > 1:
        return "everything that is served on one port"
    listener = site.mounts[0].members[0].listener
    return f"the {listener.type} adapter '{listener.namespace}' ({listener.place})"


def _server(app: Switch, options: ServeOptions) -> Server:
    checked = HostCheck(Farewell(app), host=options.host, names=options.allowed_hosts)
    return server_for(checked, options.grace)


@contextmanager
def _reloading(live: Live) -> Iterator[None]:
    """SIGHUP reads all files again, as it does for most servers; not for a process whose terminal that ends,
    and not where somebody has decided otherwise."""
    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL or _has_terminal():
        yield
        return
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(live.reload_all())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(number, reload)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
        for task in tasks:
            task.cancel()


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


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
