"""Bytes, files and streams to answers of HTTP, read as they are sent."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from capspec.edge import ASGIScope, Receive, SendMessage
from capspec.values import Json

CHUNK = 64 * 1024

STALLED = 30.0
"""Seconds for which a client may take no bytes."""

Header = tuple[bytes, bytes]

_SAFE: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    # Should a browser show what is in a folder, nothing in it may run.
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `body` blocks when it is read; without `size`, a number of bytes, its end is unknown."""

    status: int = 200
    headers: list[Header] = field(default_factory=list)
    body: Iterator[bytes] | None = None
    size: int | None = 0
    file: BinaryIO | None = None


def of_json(value: Json) -> Reply:
    return of_bytes(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), "application/json")


def of_bytes(content: bytes, media_type: str) -> Reply:
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-cache")]
    return Reply(headers=headers, body=iter((content,)), size=len(content))


def of_file(file: BinaryIO, media_type: str, scope: ASGIScope) -> Reply:
    """An open file, or 304 when the client has it as it is (RFC 9110, 13.1.2)."""
    size, tag = _state(file)
    headers = [(b"etag", tag), (b"cache-control", b"no-cache")]
    if _has(scope, tag):
        file.close()
        return Reply(status=304, headers=headers)
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    headers.append((b"content-type", f"{media_type}{charset}".encode()))
    return Reply(headers=headers, body=_chunks(file, size), size=size, file=file)


def of_stream(body: Iterator[bytes], media_type: str, name: str) -> Reply:
    """A body whose size is not known, to be saved under a name, which is a plain token."""
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"cache-control", b"no-cache"),
    ]
    return Reply(headers=headers, body=body, size=None)


@dataclass(slots=True)
class Answer:
    """A request, and its answer while it is made; `begun` says that its head is sent."""

    scope: ASGIScope
    receive: Receive
    send: SendMessage
    begun: bool = False

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The decoded path after the mount point."""
        return str(self.scope["path"]).removeprefix(str(self.scope.get("root_path", "")).rstrip("/"))

    async def give(self, reply: Reply) -> None:
        """Send it; nobody is waited for who has gone away, or takes nothing for too long."""
        try:
            headers = [*reply.headers, *_SAFE]
            if reply.size is not None and reply.status not in _BODILESS:
                headers.append((b"content-length", b"%d" % reply.size))
            self.begun = True
            await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
            if self.method == "HEAD" or await self._body(reply.body):
                await self.send({"type": "http.response.body", "body": b""})
        finally:
            _close(reply)

    async def _body(self, body: Iterator[bytes] | None) -> bool:
        """Whether it was sent to its end. One that broke off stays incomplete, which tells the client."""
        gone = asyncio.ensure_future(self._gone())
        try:
            while not gone.done():
                chunk = None if body is None else await asyncio.to_thread(next, body, None)
                if chunk is None:
                    return True
                async with asyncio.timeout(STALLED):
                    await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (TimeoutError, OSError):
            return False
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
        return False

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _close(reply: Reply) -> None:
    """Let go of what is open. A thread that still reads it, because nobody waited, ends with an error."""
    if isinstance(reply.body, Generator):
        with suppress(ValueError):
            reply.body.close()
    if reply.file is not None:
        reply.file.close()


def _state(file: BinaryIO) -> tuple[int, bytes]:
    """The size of an open file, and a tag that is another one when it has changed."""
    if isinstance(file, io.BytesIO):
        content = file.getvalue()
        return len(content), b'"%s"' % hashlib.sha256(content).hexdigest()[:32].encode()
    status = os.fstat(file.fileno())
    # Weak: two changes within one tick of the clock look the same (RFC 9110, 8.8.1).
    known = f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
    return status.st_size, b'W/"%s"' % hashlib.sha256(known.encode()).hexdigest()[:32].encode()


def _has(scope: ASGIScope, tag: bytes) -> bool:
    """Whether the client says that it has what the tag is of, in the weak comparison (RFC 9110, 8.8.3.2)."""
    named = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    known = {item.strip().removeprefix(b"W/") for item in named.split(b",")}
    return bool(known & {tag.removeprefix(b"W/"), b"*"})


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes. Raises OSError for a file that has become shorter."""
    left = size
    while left > 0:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise OSError("a file has become shorter")
        left -= len(chunk)
        yield chunk
