"""Requests on forwarded paths to passages and their results to answers, both bodies as streams."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Protocol, runtime_checkable
from urllib.parse import quote

from capspec.adapters.rest.body import DisconnectError
from capspec.adapters.rest.encode import Reply
from capspec.adapters.rest.exchange import Exchange
from capspec.adapters.rest.jobs import Responder
from capspec.edge import Message
from capspec.errors import BodySizeError, BodyStalled
from capspec.plan import Engine, Listener, PathVariable, Principal
from capspec.plan.forwards import Forward
from capspec.plan.passages import Forwarder, Passage

STALLED = 30.0
"""Seconds for which a client may send nothing of a body: meanwhile it holds a connection upstream."""

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_UNTOUCHED = "/:@!$&'()*+,;=-._~%"

Path = tuple[str | PathVariable, ...]


@runtime_checkable
class ForwardingEngine(Engine, Protocol):
    """An engine that passes requests on."""

    forwarding: Forwarder


class Forwards:
    """The forwards of one listener. `whole_limit` bounds a body that has to be held to be signed."""

    def __init__(self, listener: Listener, engine: ForwardingEngine, *, whole_limit: int) -> None:
        self._listener = listener
        self._forwarder = engine.forwarding
        self._whole_limit = whole_limit

    def routes(self) -> Iterator[tuple[str, Path, Responder]]:
        """Method, path and what answers. A path that ends in its greedy variable is there without it, too."""
        forwards = self._listener.forwards
        paths = [(forward, forward.path) for forward in forwards]
        paths += [(forward, _without_rest(forward.path)) for forward in forwards if _ends_in_rest(forward)]
        for forward, path in paths:
            for method in forward.methods:
                yield method, path, partial(self._respond, forward)

    async def _respond(
        self, forward: Forward, exchange: Exchange, values: Mapping[str, str], principal: Principal
    ) -> Reply:
        exchange.arrival.operation = forward.name
        request = exchange.request
        before, rest, after = _split(request.path, forward, exchange.rest)
        root = quote(request.scope.get("root_path", "").rstrip("/"))
        body, length = _body(exchange, forward)
        if body is None:
            exchange.watch.start()
        passage = Passage(
            forward=forward,
            method=request.method,
            rest=rest,
            values={name: value for name, value in values.items() if name not in _rest_names(forward)},
            query=request.scope["query_string"].decode("latin-1"),
            headers=tuple(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]
            ),
            body=body,
            length=length,
            whole_limit=self._whole_limit,
            before=root + before,
            after=after,
            listener=self._listener.namespace,
            principal=principal,
            request_id=exchange.request_id,
        )
        exchange.result = result = await self._forwarder.send(passage)
        exchange.watch.start()
        headers = [(name.encode("latin-1"), _octets(value)) for name, value in result.headers]
        return Reply(status=result.status, headers=headers, body=result.stream or b"")


# -- the path ---------------------------------------------------------------------------------------------


def _rest_names(forward: Forward) -> frozenset[str]:
    return frozenset(part.name for part in forward.path if isinstance(part, PathVariable) and part.greedy)


def _ends_in_rest(forward: Forward) -> bool:
    *before, last = forward.path or ("",)
    return isinstance(last, PathVariable) and last.greedy and str(*before[-1:]).endswith("/")


def _without_rest(path: Path) -> Path:
    shorter = str(path[-2]).removesuffix("/")
    return (*path[:-2], shorter) if shorter or len(path) > 2 else ("/",)


def _split(path: str, forward: Forward, span: tuple[int, int] | None) -> tuple[str, str | None, str]:
    """A path as it was sent: what comes before the greedy variable's part, that part, and what comes after.

    `span` are the indices of its segments, None when the path has no such part.
    """
    if span is not None:
        segments = path.removeprefix("/").split("/")
        before, rest, after = segments[: span[0]], segments[span[0] : span[1]], segments[span[1] :]
        return "/".join(["", *before, ""]), "/".join(rest), "".join(f"/{segment}" for segment in after)
    if not forward.takes_rest:
        return path, None, ""
    return f"{path.rstrip('/')}/", "" if path.endswith("/") else None, ""


# -- bodies -----------------------------------------------------------------------------------------------


def _body(exchange: Exchange, forward: Forward) -> tuple[AsyncIterator[bytes] | None, int | None]:
    """The body of a request and its length, as far as either is known (RFC 9112, 6.3)."""
    headers = exchange.request.headers
    declared = headers.get(b"content-length", b"")
    length = int(declared) if declared.isdigit() and b"transfer-encoding" not in headers else None
    if length == 0 or (length is None and b"transfer-encoding" not in headers):
        return None, None
    limit = forward.max_request_bytes
    if limit is not None and length is not None and length > limit:
        raise _too_large(limit)
    return _received(exchange, limit), length


async def _received(exchange: Exchange, limit: int | None) -> AsyncIterator[bytes]:
    """The body as it comes, no faster than it is taken; then its client is watched.

    Raises BodySizeError, BodyStalled, and DisconnectError.
    """
    size, more = 0, True
    while more:
        message = await _next(exchange)
        part: bytes = message.get("body", b"")
        size += len(part)
        if limit is not None and size > limit:
            raise _too_large(limit)
        if part:
            yield part
        more = message.get("more_body", False)
    exchange.watch.start()


async def _next(exchange: Exchange) -> Message:
    try:
        async with asyncio.timeout(STALLED):
            message = await exchange.request.receive()
    except TimeoutError:
        raise BodyStalled(f"nothing of the request body came for {STALLED:g} s") from None
    if message["type"] == "http.disconnect":
        raise DisconnectError
    return message


def _too_large(limit: int) -> BodySizeError:
    return BodySizeError(f"the request body is over {limit} bytes", hint="send less")


def _octets(value: str) -> bytes:
    return _CONTROL.sub(b" ", value.encode("latin-1", "replace"))
