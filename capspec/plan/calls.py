"""One invocation: the call of a flow, its result, and the engine that makes one of the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from capspec.clock import Clock
from capspec.events import EventStream
from capspec.plan.flows import Flow
from capspec.plan.operations import NOTHING, Extra
from capspec.plan.plan import ANONYMOUS, Plan, Principal
from capspec.values import MISSING, Json, Missing
from capspec.wire import Headers


def is_failure(status: int) -> bool:
    """Whether an upstream's status (RFC 9110, 15) means that a call did not give what it was for.

    A redirect is one, because none is followed; that nothing was modified is none.
    """
    return status >= 300 and status != 304


Progress: TypeAlias = Callable[[float, float | None, str], Awaitable[None]]
"""Called with what is done, the total when it is known, and a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One invocation of a flow. `arguments` are by an input's name; `extra` is what REST passes through.

    `streams` says that the caller can take an unmapped answer as a stream of bytes. `links` is the absolute
    URL below which our own links are served, "" where nothing serves them.
    """

    flow: Flow
    arguments: Mapping[str, Json]
    listener: str = ""
    extra: Extra = NOTHING
    principal: Principal = ANONYMOUS
    request_id: str = ""
    streams: bool = False
    progress: Progress | None = None
    links: str = ""


@dataclass(slots=True, kw_only=True)
class Result:
    """What a flow gave: a `value` (mapped or decoded), or the upstream's bytes as `content` or `stream`.

    `status` is the upstream's status for a call, 200 otherwise; `failed` is set for 400 and above.
    `close` must be called when a stream is not read to its end.
    """

    status: int = 200
    value: Json | Missing = MISSING
    content: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    media_type: str = "application/json"
    headers: Headers = ()
    closer: Callable[[], Awaitable[None]] | None = None

    @property
    def failed(self) -> bool:
        return is_failure(self.status)

    async def close(self) -> None:
        if self.closer is not None:
            await self.closer()


class Engine(Protocol):
    """Runs calls. Raises CallError for everything that goes wrong in a call."""

    plan: Plan
    clock: Clock
    events: EventStream

    async def run(self, call: Call) -> Result: ...
