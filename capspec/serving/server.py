"""An ASGI application and a bound socket to a running HTTP server (uvicorn)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import socket
from typing import Any

import uvicorn

from capspec.edge import ASGIApp

KEEP_ALIVE = 20
"""Seconds that an idle connection is kept: longer than clients keep theirs, so that they close first."""


class Server(uvicorn.Server):
    """A server that others can start and finish, and that leaves the process's signals alone."""

    async def open(self, bound: socket) -> None:
        """Accept connections on a bound socket."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        self._bound = bound
        await self.startup(sockets=[bound])
        self._ticking = asyncio.create_task(self.main_loop())

    async def finish(self) -> None:
        """Accept nothing more, at once; return when requests in flight are answered, or the time is up."""
        self._ticking.cancel()
        await self.shutdown(sockets=[self._bound])


def server_for(app: ASGIApp, grace: float = 0) -> Server:
    """A server of one application. `grace` is the seconds that requests in flight get at the end."""
    return Server(_config(app, lifespan="off", http=_protocol(), timeout_graceful_shutdown=math.ceil(grace)))


@asynccontextmanager
async def hosted(
    app: ASGIApp, bound: socket, *, protocol: type[asyncio.Protocol] | None = None
) -> AsyncIterator[None]:
    """A server of one application with a lifespan, on a bound socket, for as long as the block lasts.

    `protocol` stands for uvicorn's own HTTP protocol. Requests in flight get a second at the end.
    """
    config = _config(app, lifespan="on", http=protocol or "auto", timeout_graceful_shutdown=1)
    server = Server(config)
    await server.open(bound)
    try:
        yield
    finally:
        await server.finish()


def _protocol() -> type[asyncio.Protocol] | str:
    """The fast protocol, where its parser exists; the other one has limits of its own."""
    try:
        from capspec.serving.request_head import LimitedProtocol  # noqa: PLC0415 - its parser is not on every platform
    except ImportError:
        return "h11"
    return LimitedProtocol


def _config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="none",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        **options,
    )
