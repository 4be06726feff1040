"""What an adapter gives the servers: an ASGI application with a life of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from capspec.errors import Problem

Message: TypeAlias = MutableMapping[str, Any]
ASGIScope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
SendMessage: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[ASGIScope, Receive, SendMessage], Awaitable[None]]


class Upkeep(Protocol):
    """What may be done to a capability while it is served. `began` is when that was, in monotonic seconds."""

    @property
    def began(self) -> float: ...

    async def check(self, content: bytes | None) -> tuple[Problem, ...]:
        """What is wrong with a text that might be its file; None for its file as it is now."""
        ...

    async def reload(self) -> tuple[Problem, ...]:
        """Serve its file as it is now, and give the warnings. Requests in flight end as they began.

        Raises LayoutError when something else would have to listen, CapspecError with what is wrong with
        the file; nothing has changed then.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOptions:
    """What holds for every adapter of a process. Sizes are bytes, times are seconds.

    `inline_wait` is how long an MCP tool waits for the job that it started before it answers with a handle:
    shorter than clients do, many of which give up after 60 seconds. `inline_wait_progress` is for those who
    hear of its progress meanwhile. `upkeep` is of the adapter's capability, where it has any.
    """

    max_request_bytes: int = 4 * 1024 * 1024
    version: str = "0"
    inline_wait: float = 45.0
    inline_wait_progress: float = 170.0
    upkeep: Upkeep | None = None


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


async def _drained() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One adapter, built.

    `app` reads `scope["path"]` after `scope["root_path"]` (ASGI 3, HTTP scope), so that it can be mounted
    anywhere. `running` is entered for as long as it serves. `drain` is awaited at shutdown, when no new
    request is taken: it ends endless streams and waits for calls in flight. `settled` returns when all that
    was in flight has ended by itself; `changed` tells clients that listen that another edge stands in for
    this one, which offers other things. `endpoint` is the path that
    clients are told, "" for the mount point itself. `well_known` are paths of the origin (RFC 8615) that
    `app` answers with an empty `root_path`, wherever it is mounted. `paths` are those below its root that it
    answers; () for all of them.
    """

    app: ASGIApp
    running: Callable[[], AbstractAsyncContextManager[None]] = _nothing
    drain: Callable[[], Awaitable[None]] = _drained
    settled: Callable[[], Awaitable[None]] = _drained
    changed: Callable[[], Awaitable[None]] = _drained
    endpoint: str = ""
    well_known: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
