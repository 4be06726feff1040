"""An ASGI `receive` to a cancellation: the call stops when the client goes away."""

from __future__ import annotations

import asyncio

from capspec.edge import Receive


class Watch:
    """Waits beside a call for the client to go away, and cancels the task that started it when that happens.

    Whoever catches CancelledError asks `gone`: True means that nobody waits for the answer any more.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self._task: asyncio.Task[object] | None = None
        self.gone = False

    def start(self) -> None:
        """Begin, if it has not begun. The request's body must have been read, or be wanted no more."""
        if self._watching is not None:
            return
        self._task = asyncio.current_task()
        self._watching = asyncio.create_task(self._until_gone())

    def stop(self) -> None:
        """End, before the answer is complete: servers say "disconnect" after a complete answer too."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._task is not None:
            self._task.cancel()
