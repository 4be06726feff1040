"""The log of one capability: its level, and its lines for those who listen while they are written."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from capspec.errors import InputError
from capspec.masking import Masking
from capspec.spans import CURRENT
from capspec.values import Json

LEVELS: Final = ("debug", "info", "warning", "error")

AHEAD: Final = 512
"""Lines that are kept for somebody who reads slowly. Who is further behind has lost the thread."""

QUIET: Final = 15.0
"""Seconds after which a silent stream says that it is still there."""

_END: Final = b"event: end\ndata: {}\n\n"
_HERE: Final = b": still here\n\n"


@dataclass(eq=False, slots=True)
class Subscriber:
    """Somebody who listens. `dropped` is set when too many lines wait for it."""

    lines: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(AHEAD + 1))
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, line: bytes | None) -> None:
        if self.lines.qsize() < AHEAD or (line is None and not self.lines.full()):
            self.lines.put_nowait(line)
        elif line is not None:
            self.dropped.set()


class Logs:
    """The logger of a capability. It is listened to only while somebody is there."""

    def __init__(self, capability: str, masking: Masking, most: int) -> None:
        self._logger = logging.getLogger(f"capspec.{capability}")
        self._masking = masking
        self._most = most
        self._subscribers: set[Subscriber] = set()
        self._ended = False
        self._handler: _Listening | None = None

    @property
    def level(self) -> str:
        number = self._logger.getEffectiveLevel()
        return next((name for name in LEVELS if number <= _number(name)), LEVELS[-1])

    def change(self, body: Json) -> None:
        """The body of a change of the level. Raises InputError."""
        level = body.get("level") if isinstance(body, dict) else None
        if not isinstance(level, str) or level.lower() not in LEVELS:
            raise InputError(f"'level' should be one of {', '.join(LEVELS)}", hint='write {"level": "debug"}')
        self._logger.setLevel(_number(level))

    # -- listening ------------------------------------------------------------------------------------

    def subscribe(self) -> Subscriber | None:
        """Somebody who listens from now on, until it leaves; None when as many do as may."""
        if len(self._subscribers) >= self._most:
            return None
        subscriber = Subscriber()
        if not self._subscribers:
            self._handler = _Listening(self, asyncio.get_running_loop())
            self._logger.addHandler(self._handler)
        self._subscribers.add(subscriber)
        if self._ended:
            subscriber.put(None)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        if not self._subscribers and self._handler is not None:
            self._logger.removeHandler(self._handler)

    def end(self) -> None:
        """Let all who listen know that nothing more comes."""
        self._ended = True
        for subscriber in self._subscribers:
            subscriber.put(None)

    def publish(self, entry: dict[str, Json]) -> None:
        line = b"event: log\ndata: %s\n\n" % json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace")
        for subscriber in self._subscribers:
            subscriber.put(line)

    def entry(self, record: logging.LogRecord) -> dict[str, Json]:
        """A record as the JSON log has it."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry: dict[str, Json] = {
            "time": f"{moment}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._masking.text(record.getMessage()),
        }
        span = CURRENT.get()
        if span is not None:
            entry |= {"trace_id": span.trace_id, "span_id": span.span_id}
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            entry["exception"] = self._masking.text(text)
        return entry


class _Listening(logging.Handler):
    """Brings records to the loop that the subscribers are on, from whatever thread."""

    def __init__(self, logs: Logs, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._logs = logs
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._loop.call_soon_threadsafe(self._logs.publish, self._logs.entry(record))
        except RuntimeError:  # the loop is closed, and so is everything else
            return
        except Exception:  # noqa: BLE001 - a line that cannot be written must not break what it tells of
            self.handleError(record)


async def chunks(subscriber: Subscriber) -> AsyncIterator[bytes]:
    """Server-sent events (HTML, 9.2): a `log` for each line, and an `end`."""
    yield b": the log from now on\n\n"
    while True:
        try:
            async with asyncio.timeout(QUIET):
                line = await subscriber.lines.get()
        except TimeoutError:
            yield _HERE
            continue
        if line is None:
            yield _END
            return
        yield line


def _number(level: str) -> int:
    return int(logging.getLevelNamesMapping()[level.upper()])
