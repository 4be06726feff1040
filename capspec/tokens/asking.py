"""Requests to an authorization server to the JSON objects they give, from allowed addresses only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from capspec import registry
from capspec.clock import Clock
from capspec.egress import Egress
from capspec.errors import AuthUnavailable, CallError
from capspec.values import Json
from capspec.wire import Request, Response, Send

_DEADLINE = 10.0
_MAX_ANSWER = 1024 * 1024

_T = TypeVar("_T")


class Asking:
    """Sends requests to some origins, and to no other. `clock` may be replaced before the first one."""

    def __init__(self, urls: tuple[str, ...], clock: Clock) -> None:
        self.urls = urls
        self.clock = clock
        self._egress = Egress(urls).freeze()

    async def get(self, url: str, send: Send) -> Mapping[str, Json]:
        """The JSON object at an address. Raises AuthUnavailable with the reason."""
        return await self.object_from(
            Request(method="GET", url=url, headers=(("Accept", "application/json"),)), send
        )

    async def object_from(self, request: Request, send: Send) -> Mapping[str, Json]:
        """The JSON object that a request gives. Raises AuthUnavailable with the reason."""
        host = urlsplit(request.url).netloc
        try:
            async with self.clock.timeout(_DEADLINE):
                self._egress.check(request.url)
                return await _object(await send(request), host)
        except TimeoutError:
            raise AuthUnavailable(f"{host} did not answer within {_DEADLINE:g} s") from None
        except AuthUnavailable:
            raise
        except CallError as error:
            raise AuthUnavailable("; ".join(map(str, error.problems))) from None


async def _object(response: Response, host: str) -> Mapping[str, Json]:
    content = bytearray()
    try:
        if response.status != 200:
            raise AuthUnavailable(f"{host} answered with HTTP status {response.status}")
        async for part in response.chunks:
            content += part
            if len(content) > _MAX_ANSWER:
                raise AuthUnavailable(f"the answer of {host} is larger than {_MAX_ANSWER} bytes")
    finally:
        await response.close()
    try:
        document = registry.find("codec", "json").decode(bytes(content), "")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise AuthUnavailable(f"the answer of {host} is not a JSON object")
    return document


class Shared(Generic[_T]):
    """One attempt for all who want the same thing at the same time."""

    def __init__(self) -> None:
        self._task: asyncio.Task[_T] | None = None

    @property
    def pending(self) -> bool:
        return self._task is not None

    async def get(self, make: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """What the attempt that is under way gives, or else a new one. Who gives up does not end it."""
        if self._task is None:
            self._task = asyncio.create_task(make())
            self._task.add_done_callback(self._settle)
        return await asyncio.shield(self._task)

    def _settle(self, task: asyncio.Task[_T]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it
