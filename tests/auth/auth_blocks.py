"""Authentication blocks as a file writes them, compiled; and requests sent through them without a network."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from capspec import document, registry
from capspec.errors import Place
from capspec.node import Node
from capspec.settings import Settings
from capspec.wire import Request, Response

GET = Request(method="GET", url="https://api.example.com/v1/things?page=2")


def settings_of(text: str, variables: dict[str, str] | None = None) -> Settings:
    """The settings of a block; a `{{NAME}}` without a value counts as missing."""

    def resolve(value: str, place: Place) -> tuple[str, tuple[str, ...]]:
        names = re.findall(r"\{\{(\w+)\}\}", value)
        found = variables or {}
        put_in = re.sub(r"\{\{(\w+)\}\}", lambda match: found.get(match[1], ""), value)
        return put_in, tuple(name for name in names if name not in found)

    return Settings(Node.root(document.parse(text)), resolve)


def compiled(text: str, **variables: str) -> Any:
    """What the block's `type` makes of it."""
    settings = settings_of(text, variables)
    return registry.find("auth", settings.text("type"))(settings)


class Wire:
    """Answers requests from a function, and keeps what was sent and which answers are still open."""

    def __init__(self, answer: Callable[[Request], Response] | None = None) -> None:
        self._answer = answer or (lambda request: response())
        self.sent: list[Request] = []
        self.open = 0

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        answer = self._answer(request)
        self.open += 1

        async def close() -> None:
            self.open -= 1

        answer.closer = close
        return answer


def response(status: int = 200, body: bytes = b"{}", *headers: tuple[str, str]) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield body

    async def close() -> None:
        return None

    return Response(status=status, headers=headers, chunks=chunks(), closer=close)


async def sent_by(auth: Any, request: Request = GET) -> Request:
    """The one request that goes out."""
    wire = Wire()
    await (await auth.authenticate(request, wire.send)).close()
    (outgoing,) = wire.sent
    assert wire.open == 0
    return outgoing
