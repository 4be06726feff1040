"""uvicorn's HTTP protocol, with limits on what comes before a request's body.

Its parser takes headers without end, for as long as a client likes; a few connections could use up all
memory, or all sockets.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""The largest request line and headers together, give or take what arrives in one piece."""

HEAD_SECONDS = 30.0
"""How long a client may take to send them, from its first byte, or from connecting."""


class LimitedProtocol(HttpToolsProtocol):
    """Answers 431 (RFC 6585, 5) to a head that is too large, 408 (RFC 9110, 15.5.9) to a slow one."""

    _in_head = True
    _head_size = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_size += len(data)
            if self._timer is None:
                self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)
        super().data_received(data)
        if self._in_head and self._head_size > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_size = 0
        super().on_message_complete()

    def _too_late(self) -> None:
        if self._is_answering():
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)
        elif self._head_size:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: HTTPStatus) -> None:
        if self._is_answering():  # the next request is too large: nothing can be said inside this answer
            self.transport.abort()
            return
        line = f"HTTP/1.1 {status.value} {status.phrase}"
        self.transport.write(f"{line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
