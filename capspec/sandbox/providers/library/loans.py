"""The library's loans: an old system that speaks XML and wants a key in a header."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import Response

from capspec.sandbox.endpoint import Endpoint, RefusedError
from capspec.sandbox.fidelity import Note, Shape
from capspec.sandbox.providers.library import shapes
from capspec.sandbox.providers.library.holdings import LOANS, Loan
from capspec.sandbox.world import World

PREFIX = "/library-loans"
_KEY = re.compile(r"loans_[\w-]{4,}")
_MESSAGES = {
    401: "X-Loans-Key is missing or wrong",
    404: "not found",
    405: "not possible",
    429: "too many requests",
    503: "closed",
}


class Loans:
    """Who has which book."""

    name = "library-loans"
    title = "Larchwood library, loans"
    prefixes: tuple[str, ...] = (PREFIX,)
    notes: tuple[Note, ...] = shapes.LOANS_NOTES

    def __init__(self, world: World) -> None:
        self._world = world

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The loans of a reader."""
        answers: dict[int, Shape | str] = dict.fromkeys((200, 401, 404), "application/xml")
        path = f"{PREFIX}/readers/{{card}}/loans"
        return (Endpoint(method="GET", path=path, call=self._loans, phase="read", answers=answers),)

    def error(self, status: int) -> Response:
        """``<error>…</error>``."""
        return _xml(f"<error>{escape(_MESSAGES.get(status, 'error'))}</error>", status)

    def sign(self, response: Response, number: int) -> None:
        """Its answers carry nothing of their own."""

    def reset(self) -> None:
        """Nothing is stored."""

    async def _loans(self, request: Request) -> Response:
        if not _KEY.fullmatch(request.headers.get("x-loans-key", "")):
            raise RefusedError(self.error(401))
        card = request.path_params["card"]
        if card not in LOANS:
            raise RefusedError(_xml(f"<error>no reader {escape(card)}</error>", 404))
        return _xml(f"<loans card={quoteattr(card)}>{''.join(map(_loan, LOANS[card]))}</loans>", 200)


def _loan(loan: Loan) -> str:
    parts = f"<book>{loan.book}</book><due>{loan.due}</due><renewed>{loan.renewed}</renewed>"
    return f'<loan id="{loan.id}">{parts}</loan>'


def _xml(text: str, status: int) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{text}', status, media_type="application/xml")
