"""What is served at the moment, and how another version of a file takes its place meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from socket import socket
from typing import Protocol

from capspec.edge import ASGIApp, ASGIScope, Edge, EdgeOptions, Receive, SendMessage
from capspec.errors import CapspecError, LayoutError, Problem
from capspec.events import CapabilityReloaded, ServerStarted, ServerStopped
from capspec.plan import Engine
from capspec.serving.held import Held
from capspec.serving.layout import arrange, build, check_exposure, like
from capspec.serving.listening import Exposed, Mount, Site, application, clashes, unique_names
from capspec.serving.options import Left, ServeOptions
from capspec.serving.sockets import port_of

_log = logging.getLogger("capspec")


class Renewal(Protocol):
    """Reads the files of running engines again."""

    def check(self, engine: Engine, content: bytes | None) -> tuple[Problem, ...]:
        """What is wrong with the file as it is now, or with a text in its place. Blocks."""
        ...

    async def renew(self, engine: Engine) -> Engine:
        """An engine that runs the file as it is now. Raises CapspecError."""
        ...

    async def close(self, engine: Engine) -> None:
        """Close an engine that another stands in for."""
        ...


class Switch:
    """An ASGI application that passes on to another one, which can be exchanged."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Upkeep:
    """What may be done to one capability (Upkeep of `capspec.edge`)."""

    live: Live
    renewal: Renewal
    position: int
    began: float

    async def check(self, content: bytes | None) -> tuple[Problem, ...]:
        return await asyncio.to_thread(self.renewal.check, self.live.engines[self.position], content)

    async def reload(self) -> tuple[Problem, ...]:
        return (await self.live.reload(self.position)).plan.warnings


class Live:
    """The adapters of engines, as they are served now; `left` are those that are not."""

    def __init__(self, engines: Sequence[Engine], options: ServeOptions, renewal: Renewal | None) -> None:
        """Raises ListenError when they may not be served."""
        self.engines = list(engines)
        self._options = options
        self._renewal = renewal
        self._began = time.monotonic()
        self._names = unique_names(engine.plan.name for engine in engines)
        built = [self._build(position, engine) for position, engine in enumerate(engines)]
        self._exposed = [exposed for exposed, _ in built]
        self.left = tuple(item for _, left in built for item in left)
        check_exposure(self._all(self._exposed), options)
        self.clashes = clashes(self._all(self._exposed)) if options.port is None else ()
        self._shared = options.port is not None or bool(self.clashes)
        self.sites = arrange(self._all(self._exposed), options, shared=self._shared)
        self.switches = [Switch(application(site)) for site in self.sites]
        self._ports: Sequence[int] = ()
        self._held: dict[int, Held] = {}
        self._retiring: dict[asyncio.Task[None], list[Edge]] = {}
        self._exchanging = asyncio.Lock()
        self._stopping = False

    def addressed(self) -> Iterator[tuple[str, Mount]]:
        """A URL for each mount."""
        host = self._options.host
        name = f"[{host}]" if ":" in host else host
        for site, port in zip(self.sites, self._ports, strict=True):
            for mount in site.mounts:
                yield f"http://{name}:{port}{mount.endpoint}", mount

    # -- from beginning to end ------------------------------------------------------------------------

    async def begin(self, sockets: Sequence[socket]) -> None:
        """Let all edges run. `sockets` are those of the sites, in their order."""
        self._ports = [port_of(bound) for bound in sockets]
        await self._hold(_edges(self.sites))

    def tell_started(self) -> None:
        for engine in self.engines:
            self._tell_started(engine)

    def _tell_started(self, engine: Engine) -> None:
        for url, mount in self.addressed():
            if mount.members[0].engine is engine:
                engine.events.emit(ServerStarted(kind=mount.kind, namespace=mount.namespace, url=url))

    def stopping(self) -> list[Edge]:
        """From now on nothing is exchanged. All edges that may have something in flight."""
        self._stopping = True
        return [*_edges(self.sites), *(edge for edges in self._retiring.values() for edge in edges)]

    def tell_stopped(self) -> None:
        for _, mount in self.addressed():
            stopped = ServerStopped(kind=mount.kind, namespace=mount.namespace)
            mount.members[0].engine.events.emit(stopped)

    async def end(self) -> None:
        """Stop all edges, the last first."""
        self._stopping = True
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for held in reversed([*self._held.values()]):
            await held.leave()
        self._held.clear()

    # -- another version ------------------------------------------------------------------------------

    async def reload_all(self) -> None:
        """Read every file again; what goes wrong is told of in events."""
        for position in range(len(self.engines)):
            try:
                await self.reload(position)
            except CapspecError:
                continue
            except Exception as error:  # noqa: BLE001 - nobody waits for this, and the others shall go on
                _log.error("while reloading: %s", error, exc_info=error)

    async def reload(self, position: int) -> Engine:
        """Serve a capability as its file is now; all at once, and requests in flight end as they began.

        Raises LayoutError and CapspecError; nothing has changed then.
        """
        async with self._exchanging:
            old = self.engines[position]
            try:
                new = await self._exchanged(position)
            except CapspecError as error:
                problem = str(error.problems[0])
                old.events.emit(CapabilityReloaded(capability=self._names[position], problem=problem))
                raise
            new.events.emit(CapabilityReloaded(capability=self._names[position]))
            return new

    async def _exchanged(self, position: int) -> Engine:
        if self._renewal is None or self._stopping:
            raise LayoutError("files are not read again here, or not any more")
        old = self.engines[position]
        engine = await self._renewal.renew(old)
        running = set(self._held)
        try:
            exposed, _ = self._build(position, engine)
            sites = self._sites(position, exposed)
            await self._hold(_edges(sites))
        except BaseException:
            await self._release([key for key in self._held if key not in running])
            await self._renewal.close(engine)
            raise
        before = _edges(self.sites)
        self._swap(position, engine, exposed, sites)
        kept = {id(edge) for edge in _edges(sites)}
        await self._retire([edge for edge in before if id(edge) not in kept], old, self._renewal)
        return engine

    def _sites(self, position: int, exposed: list[Exposed]) -> tuple[Site, ...]:
        """The sites with other adapters of one capability. Raises LayoutError, ListenError."""
        if self._options.port is None:
            exposed[:] = like(self._exposed[position], exposed)
        everything = self._all([*self._exposed[:position], exposed, *self._exposed[position + 1 :]])
        check_exposure(everything, self._options)
        return arrange(everything, self._options, shared=self._shared)

    def _swap(self, position: int, engine: Engine, exposed: list[Exposed], sites: tuple[Site, ...]) -> None:
        """Nothing in here waits, so no request sees a part of it."""
        self.engines[position] = engine
        self._exposed[position] = exposed
        self.sites = sites
        for switch, site in zip(self.switches, sites, strict=True):
            switch.app = application(site)
        self._tell_started(engine)

    async def _retire(self, edges: list[Edge], engine: Engine, renewal: Renewal) -> None:
        """Tell who listens, and let go of the old when it has answered everything."""
        task = asyncio.create_task(self._retired(edges, engine, renewal))
        self._retiring[task] = edges
        task.add_done_callback(self._retiring.pop)
        for old in [*self._retiring.values()]:
            for edge in old:
                await edge.changed()

    async def _retired(self, edges: list[Edge], engine: Engine, renewal: Renewal) -> None:
        await asyncio.gather(*(edge.settled() for edge in edges))
        await self._release([id(edge) for edge in edges])
        await renewal.close(engine)

    # -- within ---------------------------------------------------------------------------------------

    def _build(self, position: int, engine: Engine) -> tuple[list[Exposed], list[Left]]:
        edge: EdgeOptions = self._options.edge
        if self._renewal is not None:
            edge = replace(edge, upkeep=_Upkeep(self, self._renewal, position, self._began))
        return build(self._names[position], engine, self._options, edge)

    def _all(self, groups: Iterable[Sequence[Exposed]]) -> list[Exposed]:
        return [item for group in groups for item in group]

    async def _hold(self, edges: Iterable[Edge]) -> None:
        for edge in edges:
            if id(edge) not in self._held:
                self._held[id(edge)] = held = Held(edge.running())
                await held.entered()

    async def _release(self, keys: Iterable[int]) -> None:
        for key in keys:
            held = self._held.pop(key, None)
            if held is not None:
                await held.leave()


def _edges(sites: Iterable[Site]) -> list[Edge]:
    return [mount.edge for site in sites for mount in site.mounts]
