"""A real HTTP/1.1 server for tests of what is sent: h11 parses the requests, a test writes the answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import h11


@dataclass
class Seen:
    """One request as the server read it, and what else its client may send, which ends when it leaves.

    `connection` counts the connections that were opened.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    rest: asyncio.StreamReader = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name.lower()]
        assert len(found) < 2, f"{name} was sent twice"
        return found[0] if found else None


Answer = Callable[[Seen, asyncio.StreamWriter], Awaitable[bytes | None]]
"""Gives the bytes of a response, or writes them itself; None closes the connection."""


@dataclass
class Server:
    url: str = ""
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition, repr=False)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait for something to be true of this server."""
        async with self._changed:
            await self._changed.wait_for(ready)

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def idle(self) -> None:
        """Wait until no client is connected."""
        await self.until(lambda: not self.open)


def reply(status: int = 200, body: bytes = b"{}", *headers: tuple[str, str]) -> bytes:
    """A whole response; JSON unless a header says otherwise."""
    fields = {"content-type": "application/json", "content-length": str(len(body))}
    fields |= {name.lower(): value for name, value in headers if name.lower() in fields}
    more = [(name, value) for name, value in headers if name.lower() not in fields]
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in [*fields.items(), *more])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@asynccontextmanager
async def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """The server, for as long as the block lasts."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.open += 1
        number = server.connections
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while (seen := await _read(reader, number)) is not None:
                server.requests.append(seen)
                await server.changed()
                sent = await answer(seen, writer)
                if sent is None:
                    return
                writer.write(sent)
                await writer.drain()
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            return
        finally:
            server.open -= 1
            tasks.discard(task)
            writer.close()
            await server.changed()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


async def _read(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    parser = h11.Connection(h11.SERVER)
    head: h11.Request | None = None
    body = b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            parser.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
            return Seen(head.method.decode(), head.target.decode(), headers, body, connection, reader)
        else:
            return None
