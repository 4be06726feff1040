"""A coroutine to a process that stops well: the event loop, and what its signals mean."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` on the fastest event loop there is.

    Its argument is set by the first SIGINT or SIGTERM, and means: finish and return. A second one ends the
    process at once, with the exit code 128 + the signal's number.
    """

    async def with_signals() -> None:
        stop = asyncio.Event()
        with _signals_set(stop):
            await main(stop)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(with_signals())


def settle_memory() -> None:
    """Tell the collector that what exists now stays: fewer and shorter pauses while requests are served."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def leave_at_once(code: int) -> None:
    """End the process without waiting for anything. What was printed and logged is written first."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  it does not exist for every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextlib.contextmanager
def _signals_set(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            leave_at_once(128 + number)
        loop.call_soon_threadsafe(stop.set)

    # Not loop.add_signal_handler: that one does nothing while the loop is busy, and is not on every platform.
    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
