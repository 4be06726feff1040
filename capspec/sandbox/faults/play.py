"""An answer fault and the app that would answer to the broken answer, on the wire where it must be."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capspec.sandbox.faults.fault import Fault

TRANSPORT = "transport"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request about to be answered wrongly.

    refuse: a status to the provider's own error answer. elsewhere: the app's origin under another name.
    """

    fault: Fault
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    refuse: Callable[[int], Response]
    elsewhere: str

    async def answer(self, response: Response) -> None:
        """Send ``response`` instead of the app's."""
        await response(self.scope, self.receive, self.send)

    async def captured(self) -> tuple[Message, bytes]:
        """Let the app do its work, and keep its answer back: the start message and the body."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(self.scope, self.receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection itself, where the server lends it."""
        found: asyncio.Transport | None = self.scope.get("state", {}).get(TRANSPORT)
        return found


async def play(exchange: Exchange) -> None:
    """Answer as the exchange's fault says."""
    await PLAYS[exchange.fault.kind](exchange)


async def _status(x: Exchange) -> None:
    response = x.refuse(int(x.fault.text("status", "500")))
    if "retry-after" in x.fault.options:
        response.headers["retry-after"] = x.fault.options["retry-after"]
    elif "retry-after-date" in x.fault.options:
        response.headers["retry-after"] = formatdate(
            time.time() + x.fault.number("retry-after-date", 0), usegmt=True
        )
    await x.answer(response)


async def _malformed(x: Exchange) -> None:
    await x.answer(Response('{"id":"abc", "status": ', media_type="application/json"))


async def _html(x: Exchange) -> None:
    page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    await x.answer(Response(page, int(x.fault.text("status", "502")), media_type="text/html"))


async def _empty(x: Exchange) -> None:
    await x.answer(Response(b"", int(x.fault.text("status", "200")), media_type="application/json"))


async def _wrong_type(x: Exchange) -> None:
    start, body = await x.captured()
    MutableHeaders(scope=start)["content-type"] = x.fault.text("type", "text/plain")
    await _send_whole(x, start, body)


async def _wrong_charset(x: Exchange) -> None:
    """Declares UTF-8 and holds a byte that no UTF-8 text has."""
    start, body = await x.captured()
    headers = MutableHeaders(scope=start)
    headers["content-type"] = "application/json; charset=utf-8"
    body = body.replace(b'"', b'"\xe9', 1)
    headers["content-length"] = str(len(body))
    await _send_whole(x, start, body)


async def _send_whole(x: Exchange, start: Message, body: bytes) -> None:
    await x.send(start)
    await x.send({"type": "http.response.body", "body": body})


async def _truncate(x: Exchange) -> None:
    """Promises 500 bytes and sends eleven."""
    await _break_off(x, [(b"content-type", b"application/json"), (b"content-length", b"500")])


async def _abort_chunked(x: Exchange) -> None:
    """Sends one chunk, and never the last."""
    await _break_off(x, [(b"content-type", b"application/json")])


async def _break_off(x: Exchange, headers: list[tuple[bytes, bytes]]) -> None:
    await x.send({"type": "http.response.start", "status": 200, "headers": headers})
    await x.send({"type": "http.response.body", "body": b'{"id":"abc"', "more_body": True})
    if x.transport is None:
        # A server closes the connection on this; an in-process client sees it raised.
        raise ConnectionAbortedError("the sandbox broke the answer off, as the fault asked")
    x.transport.close()
    await _until_gone(x)


async def _close(x: Exchange) -> None:
    if x.transport is None:
        await _truncate(x)
    else:
        x.transport.close()
        await _until_gone(x)


async def _reset(x: Exchange) -> None:
    """A TCP RST: linger is on with no time, so closing the socket drops the connection."""
    transport = x.transport
    connection = transport.get_extra_info("socket") if transport is not None else None
    if transport is None or connection is None:
        await _truncate(x)
    else:
        with socket.socket(fileno=os.dup(connection.fileno())) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await _until_gone(x)


async def _until_gone(x: Exchange, seconds: float = 1.0) -> bool:
    """Whether the client's connection went within ``seconds``."""
    leaving = asyncio.ensure_future(x.receive())  # the body has been read: what comes next is the disconnect
    try:
        done, _ = await asyncio.wait({leaving}, timeout=seconds)
    finally:
        leaving.cancel()
    return bool(done)


async def _wait(x: Exchange, seconds: float) -> None:
    if not await _until_gone(x, seconds):
        await x.app(x.scope, x.receive, x.send)


async def _stall(x: Exchange) -> None:
    await _wait(x, x.fault.number("seconds", 60))


async def _slow(x: Exchange) -> None:
    await _wait(x, x.fault.number("seconds", 1))


async def _trickle(x: Exchange) -> None:
    start, body = await x.captured()
    step, interval = max(1, int(x.fault.number("bytes", 1))), x.fault.number("interval", 0.2)
    await x.send(start)
    for at in range(0, len(body), step):
        await x.send({"type": "http.response.body", "body": body[at : at + step], "more_body": True})
        if await _until_gone(x, interval):
            return
    await x.send({"type": "http.response.body", "body": b""})


async def _lost_response(x: Exchange) -> None:
    await x.captured()
    await {"truncate": _truncate, "close": _close}.get(x.fault.text("how", "reset"), _reset)(x)


async def _redirect(x: Exchange) -> None:
    query = x.scope.get("query_string", b"").decode("latin-1")
    same = f"{x.elsewhere}{x.scope['path']}" + (f"?{query}" if query else "")
    status = int(x.fault.text("status", "302"))
    await x.answer(Response(b"", status, headers={"location": x.fault.text("to", same)}))


PLAYS: dict[str, Callable[[Exchange], Awaitable[None]]] = {
    "status": _status,
    "malformed": _malformed,
    "html": _html,
    "empty": _empty,
    "wrong-type": _wrong_type,
    "wrong-charset": _wrong_charset,
    "truncate": _truncate,
    "abort-chunked": _abort_chunked,
    "close": _close,
    "reset": _reset,
    "stall": _stall,
    "slow": _slow,
    "trickle": _trickle,
    "lost-response": _lost_response,
    "redirect": _redirect,
}
