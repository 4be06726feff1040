"""Links to files: each asset is fetched once, however many ask for it at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from capspec.assets.fetching import SAVE_SECONDS, Fetched, Sending, fetch
from capspec.assets.media import extension_of
from capspec.assets.storage import Kept, Part, Storage
from capspec.clock import Clock
from capspec.errors import CallError, ResponseTooLarge
from capspec.plan import Operation
from capspec.plan.assets import Assets

AT_ONCE: Final = 4
"""Assets that are being fetched at the same time."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an asset could not be saved, as a part of a sentence."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An asset of an operation that is to be saved under a key."""

    operation: Operation
    assets: Assets
    url: str
    key: str


class Saver:
    """Saves assets in one folder. `close` must be called."""

    def __init__(self, sending: Sending, storage: Storage, clock: Clock) -> None:
        self._sending = sending
        self._storage = storage
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[Kept | Failure]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def save(self, order: Order) -> Kept | Failure:
        """The file of an asset, which is fetched if it is not there. One that is asked for is fetched to its
        end, whoever stops waiting: its link may not work a second time.
        """
        task = self._under_way.get(order.key)
        if task is None:
            task = asyncio.create_task(self._saved(order))
            self._under_way[order.key] = task
            task.add_done_callback(lambda _: self._under_way.pop(order.key, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _saved(self, order: Order) -> Kept | Failure:
        async with self._turns:
            try:
                return await self._found(order.key) or await self._fetched(order)
            except ResponseTooLarge:
                return Failure(f"it has more than {order.assets.max_size} bytes")
            except CallError as error:
                return Failure(error.problems[0].message)
            except OSError as error:
                return Failure(f"the folder for assets cannot be used: {error.strerror or error}")

    async def _found(self, key: str) -> Kept | None:
        return await asyncio.to_thread(self._storage.find, key, self._clock.wall())

    async def _fetched(self, order: Order) -> Kept:
        now = self._clock.wall()
        await asyncio.to_thread(self._storage.prepare)
        await asyncio.to_thread(self._storage.sweep, now)
        fetched = await fetch(self._sending, order.operation, order.assets, order.url, SAVE_SECONDS)
        try:
            extension = extension_of(fetched.media_type)
            until = now + order.assets.keep
            part = await asyncio.to_thread(self._storage.begin, order.key, extension, until)
            return await self._written(part, fetched)
        finally:
            await fetched.close()

    async def _written(self, part: Part, fetched: Fetched) -> Kept:
        try:
            async for chunk in fetched.stream():
                await asyncio.to_thread(part.write, chunk)
            return await asyncio.to_thread(part.commit)
        except BaseException:
            # Not in a thread: a task that is being canceled cannot wait for one.
            part.discard()
            raise
