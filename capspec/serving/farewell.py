"""The end of a request that the server can wait for no longer: an answer that says so, not a broken one."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus

from capspec.edge import ASGIApp, ASGIScope, Message, Receive, SendMessage
from capspec.refusal import refuse


class Farewell:
    """An ASGI application around another.

    A request that is cancelled from outside is one that was still in flight when the time for finishing ran
    out. It is answered with 503 (RFC 9110, 15.6.4) when it has no answer yet, and ends quietly either way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                return
            with contextlib.suppress(Exception):
                await refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping.")
