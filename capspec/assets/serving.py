"""Requests for our own links to the bytes behind them. The link itself is what lets its caller in."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, Protocol, runtime_checkable
from urllib.parse import quote

from capspec.assets.media import is_shown, type_of, with_extension
from capspec.assets.ranges import Part, part_of
from capspec.assets.shelf import PATH, Asset, Shelf
from capspec.edge import ASGIApp, ASGIScope, Receive, SendMessage
from capspec.errors import AssetNotFound, CallError, InternalError
from capspec.events import UnexpectedError
from capspec.host_check import authority_name
from capspec.plan import Engine
from capspec.refusal import refuse

_CHUNK = 64 * 1024
_METHODS = ("GET", "HEAD")
_CAGE = "default-src 'none'; sandbox"
"""For what a browser would run scripts of, should anybody make it show that (CSP 3)."""

Header = tuple[bytes, bytes]


@runtime_checkable
class AssetEngine(Engine, Protocol):
    """An engine whose answers may have links of ours."""

    assets: Shelf


def concerns(scope: ASGIScope, endpoint: str = "") -> bool:
    """Whether a request is for a link of ours, which are below `endpoint` of the mount point."""
    root = str(scope.get("root_path", "")).rstrip("/")
    return str(scope["path"]).startswith(f"{root}{endpoint}{PATH}")


def base_of(scope: ASGIScope, endpoint: str = "") -> str:
    """The absolute URL under which a request reached this mount, "" when it does not say (RFC 9112, 3.3)."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or authority_name(hosts[0]) is None:
        return ""
    root = quote(str(scope.get("root_path", "")).rstrip("/"))
    return f"{scope.get('scheme', 'http')}://{hosts[0]}{root}{endpoint}"


def asset_app(*engines: Engine) -> ASGIApp:
    """An ASGI application (HTTP scope) for the links of some engines, at any mount point."""
    return _AssetApp([engine for engine in engines if isinstance(engine, AssetEngine)])


@dataclass(slots=True)
class _Answer:
    """A request's answer while it is made; `begun` says that its head is sent."""

    scope: ASGIScope
    send: SendMessage
    begun: bool = False

    @property
    def head_only(self) -> bool:
        return bool(self.scope["method"] == "HEAD")

    def header(self, name: bytes) -> str:
        found = [value for key, value in self.scope["headers"] if key == name]
        return found[0].decode("latin-1") if len(found) == 1 else ""

    def wanted_range(self, tag: str) -> str:
        """The Range header, if there is a range of this file to be had (RFC 9110, 13.1.5 and 14.2)."""
        return self.header(b"range") if not self.head_only and self.header(b"if-range") in ("", tag) else ""

    async def begin(self, status: int, headers: Sequence[Header]) -> None:
        self.begun = True
        await self.send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def body(self, chunks: AsyncIterator[bytes]) -> None:
        """The bytes as they come. When they break off, so does the answer: nothing else tells the client."""
        async for chunk in chunks:
            await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self.end()

    async def end(self) -> None:
        await self.send({"type": "http.response.body", "body": b""})


class _AssetApp:
    def __init__(self, engines: Sequence[AssetEngine]) -> None:
        self._engines = engines

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        answer = _Answer(scope, send)
        if scope["method"] not in _METHODS:
            await answer.begin(405, [(b"allow", b"GET, HEAD"), (b"content-length", b"0")])
            await answer.end()
            return
        try:
            await _while_wanted(receive, self._answered(answer))
        except CallError as error:
            await self._refused(answer, error)
        except Exception as error:  # noqa: BLE001 - this is the edge: nothing may get past it
            self._engines[0].events.emit(UnexpectedError(where="an asset", error=error))
            await self._refused(answer, InternalError("something went wrong on this side"))

    async def _answered(self, answer: _Answer) -> None:
        shelf, asset = self._find(answer.scope)
        if asset.link.file:
            await _serve_file(answer, shelf, asset)
        else:
            await _serve_original(answer, shelf, asset)

    def _find(self, scope: ASGIScope) -> tuple[Shelf, Asset]:
        token, _, name = str(scope["path"]).partition(PATH)[2].partition("/")
        for engine in self._engines:
            try:
                return engine.assets, engine.assets.open(token, name)
            except AssetNotFound:
                continue
        raise AssetNotFound("there is no such asset", hint="use the link as it was given")

    async def _refused(self, answer: _Answer, error: CallError) -> None:
        if not answer.begun:
            await refuse(answer.send, HTTPStatus(error.status), "; ".join(map(str, error.problems)))


# -- what the upstream has --------------------------------------------------------------------------------


async def _serve_original(answer: _Answer, shelf: Shelf, asset: Asset) -> None:
    fetched = await shelf.fetch(asset)
    try:
        headers = _headers(asset, fetched.media_type, shelf.clock.wall())
        if fetched.size is not None:
            headers.append((b"content-length", b"%d" % fetched.size))
        await answer.begin(200, headers)
        if answer.head_only:
            await answer.end()
        else:
            await answer.body(fetched.stream())
    finally:
        await fetched.close()


# -- what is kept here ------------------------------------------------------------------------------------


async def _serve_file(answer: _Answer, shelf: Shelf, asset: Asset) -> None:
    try:
        file, size = await asyncio.to_thread(shelf.storage.open, asset.link.file)
    except OSError:
        raise shelf.missing() from None
    try:
        headers = _headers(asset, type_of(asset.link.file.rpartition(".")[2]), shelf.clock.wall())
        tag = f'"{asset.link.file}"'
        headers += [(b"accept-ranges", b"bytes"), (b"etag", tag.encode())]
        await _send_file(answer, file, size, headers, tag)
    finally:
        file.close()


async def _send_file(answer: _Answer, file: BinaryIO, size: int, headers: list[Header], tag: str) -> None:
    try:
        part = part_of(answer.wanted_range(tag), size)
    except ValueError:
        await answer.begin(416, [(b"content-range", b"bytes */%d" % size), (b"content-length", b"0")])
        await answer.end()
        return
    if part is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (part.first, part.last, size)))
    whole = part or Part(0, size - 1)
    headers.append((b"content-length", b"%d" % whole.size))
    await answer.begin(200 if part is None else 206, headers)
    if answer.head_only:
        await answer.end()
        return
    async with aclosing(_chunks(file, whole)) as chunks:
        await answer.body(chunks)


async def _chunks(file: BinaryIO, part: Part) -> AsyncGenerator[bytes]:
    await asyncio.to_thread(file.seek, part.first)
    left = part.size
    while left > 0:
        chunk = await asyncio.to_thread(file.read, min(_CHUNK, left))
        if not chunk:
            raise OSError("a file has become shorter")
        left -= len(chunk)
        yield chunk


# -- for both ---------------------------------------------------------------------------------------------


def _headers(asset: Asset, media_type: str, now: float) -> list[Header]:
    shown = is_shown(media_type)
    name = with_extension(asset.link.name, media_type)
    headers = {
        "content-type": media_type,
        "content-disposition": f'{"inline" if shown else "attachment"}; filename="{name}"',
        "x-content-type-options": "nosniff",
        "cache-control": f"private, max-age={max(0, math.floor(asset.link.expires_at - now))}",
        "referrer-policy": "no-referrer",
    }
    if not shown:
        headers["content-security-policy"] = _CAGE
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


async def _while_wanted(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, unless the client goes away before it is done."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
