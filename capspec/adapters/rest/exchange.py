"""Requests that are being answered: which there are, and which of them a server that stops can end early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from capspec.adapters.rest.body import DisconnectError
from capspec.adapters.rest.decode import Incoming
from capspec.adapters.rest.watch import Watch
from capspec.arrivals import Arrival
from capspec.edge import SendMessage
from capspec.plan import Result


@dataclass(slots=True)
class Exchange:
    """One request while it is answered. `result` is closed at its end; `drained`: it was cut short.

    `rest` are the segments of its path that a greedy placeholder took, as `routes.Match` has them. `arrival`
    is what observers hear of it.
    """

    request: Incoming
    request_id: str
    send: SendMessage
    watch: Watch
    result: Result | None = None
    drained: bool = False
    rest: tuple[int, int] | None = None
    arrival: Arrival = field(default_factory=Arrival)


class InFlight:
    """The exchanges that are not over, by task. `draining` says that the server is about to stop."""

    def __init__(self) -> None:
        self.draining = False
        self._exchanges: dict[asyncio.Task[object], Exchange] = {}
        self._waiting: set[asyncio.Task[object]] = set()

    @asynccontextmanager
    async def answering(self, exchange: Exchange) -> AsyncIterator[None]:
        """A block that answers a request, and that ends without an error when its client goes away."""
        task = _current_task()
        self._exchanges[task] = exchange
        try:
            yield
        except DisconnectError:
            pass
        except asyncio.CancelledError:
            if not exchange.watch.gone:
                raise
            task.uncancel()
        finally:
            exchange.watch.stop()
            self._exchanges.pop(task, None)
            if exchange.result is not None:
                await exchange.result.close()

    @contextmanager
    def until_drained(self, exchange: Exchange) -> Iterator[None]:
        """A block that draining cuts short, without an error. It must not begin while there is draining."""
        task = _current_task()
        self._waiting.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not exchange.drained or exchange.watch.gone:
                raise
            task.uncancel()
        finally:
            self._waiting.discard(task)

    async def settled(self) -> None:
        """Return when everything is answered that there is now."""
        if self._exchanges:
            await asyncio.wait(list(self._exchanges))

    async def drain(self) -> None:
        """End what has no end of its own, and wait until everything is answered."""
        self.draining = True
        for task in self._waiting:
            self._exchanges[task].drained = True
            task.cancel()
        if self._exchanges:
            await asyncio.wait(self._exchanges)


def _current_task() -> asyncio.Task[object]:
    task: asyncio.Task[object] | None = asyncio.current_task()
    assert task is not None
    return task
