"""The library's scans: pages are ordered, watched, and fetched when they are ready."""

from __future__ import annotations

import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.delivery import send_asset
from capspec.sandbox.endpoint import Endpoint, RefusedError
from capspec.sandbox.faults import Fault
from capspec.sandbox.fidelity import Note
from capspec.sandbox.jobs import Job, Snapshot, State
from capspec.sandbox.journal import BODY
from capspec.sandbox.keys import owner
from capspec.sandbox.media import Recipe
from capspec.sandbox.providers.library import shapes
from capspec.sandbox.providers.library.holdings import BOOKS, Book
from capspec.sandbox.world import World

PREFIX = "/library-scans"
_KEY = re.compile(r"scans_[\w-]{4,}")
_STATES = {State.QUEUED: "waiting", State.RUNNING: "scanning", State.SUCCEEDED: "ready"}
_MESSAGES = {
    401: "api_key is missing or wrong",
    404: "Not found",
    405: "Not possible",
    429: "Too many requests",
    503: "The scanner is switched off",
}
_WIDTH, _HEIGHT = 240, 320


class Scans:
    """One scanner, and the pictures of pages that it makes."""

    name = "library-scans"
    title = "Larchwood library, scans"
    prefixes: tuple[str, ...] = (PREFIX,)
    notes: tuple[Note, ...] = shapes.SCANS_NOTES

    def __init__(self, world: World) -> None:
        self._world = world

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Order, look, fetch."""
        scan, of_scan, error = f"{PREFIX}/scans", f"{PREFIX}/scans/{{id}}", shapes.SCAN_ERROR
        return (
            Endpoint(
                method="POST",
                path=scan,
                call=self._order,
                phase="submit",
                answers={202: shapes.ORDERED, 400: error, 401: error, 404: error},
            ),
            Endpoint(
                method="GET",
                path=of_scan,
                call=self._look,
                phase="poll",
                answers={200: shapes.SCAN, 401: error, 404: error},
                job="id",
            ),
            Endpoint(
                method="GET",
                path=f"{of_scan}/picture",
                call=self._picture,
                phase="asset",
                answers={200: "the picture", 206: "a part of it", 401: error, 404: error},
                job="id",
            ),
        )

    def error(self, status: int) -> Response:
        """``{"message": "…"}``."""
        return JSONResponse({"message": _MESSAGES.get(status, "Error")}, status)

    def sign(self, response: Response, number: int) -> None:
        """Its answers carry nothing of their own."""

    def reset(self) -> None:
        """Jobs are all that is stored, and the world forgets them."""

    def _authenticated(self, request: Request) -> str:
        key = request.query_params.get("api_key", "")
        if not _KEY.fullmatch(key):
            raise RefusedError(self.error(401))
        return key

    async def _order(self, request: Request) -> Response:
        key = self._authenticated(request)
        book, page = _parsed(request)
        jobs = self._world.jobs
        number = jobs.next_number(self.name)
        recipe = Recipe(
            format="png", prompt=f"{book.title}, page {page}", seed=page, width=_WIDTH, height=_HEIGHT
        )
        job = Job(
            provider=self.name,
            number=number,
            id=f"s-{jobs.identifier(self.name, number).hex[:8]}",
            kind="scan",
            owner=owner(key),
            created_at=self._world.clock.now(),
            queue=jobs.draw(self.name, number, "queue", 1, 2),
            run=jobs.draw(self.name, number, "run", 4, 6),
            request={"book": book.id, "page": page},
            media=(recipe,),
        )
        torn = Fault(kind="fail", options={"message": f"{book.title} is too fragile to be laid on a scanner"})
        job = self._world.accept(request, job, *([torn] if book.fragile else []))
        return JSONResponse({"scan": job.id, "state": "waiting"}, 202)

    async def _look(self, request: Request) -> Response:
        job, snapshot = self._found(request)
        shown = {"scan": job.id, **job.request, "percent": round(snapshot.progress * 100)}
        if snapshot.state not in _STATES:
            return JSONResponse(
                {**shown, "state": "failed", "message": snapshot.message or "The scan failed"}
            )
        if snapshot.state is State.SUCCEEDED:
            shown["picture"] = f"{self._world.origin(request)}{PREFIX}/scans/{job.id}/picture"
        return JSONResponse({**shown, "state": _STATES[snapshot.state]})

    async def _picture(self, request: Request) -> Response:
        job, snapshot = self._found(request)
        if snapshot.state is not State.SUCCEEDED:
            raise RefusedError(self.error(404))
        return await send_asset(request, job.media[0])

    def _found(self, request: Request) -> tuple[Job, Snapshot]:
        """The key's own scan. Raises RefusedError."""
        key = self._authenticated(request)
        job = self._world.jobs.get(self.name, request.path_params["id"])
        if job is None or job.owner != owner(key):
            raise RefusedError(self.error(404))
        snapshot = job.at(self._world.clock.now())
        if snapshot.state is State.ABSENT:
            raise RefusedError(self.error(404))
        return job, snapshot


def _parsed(request: Request) -> tuple[Book, int]:
    """The book and the page that were ordered. Raises RefusedError."""
    try:
        body = json.loads(request.scope[BODY])
        book, page = body["book"], body["page"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise _refused(400, "The body must be JSON with book and page") from None
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise _refused(400, "page must be a number from 1")
    if not isinstance(book, str) or book not in BOOKS:
        raise _refused(404, f"There is no book {book}")
    return BOOKS[book], page


def _refused(status: int, message: str) -> RefusedError:
    return RefusedError(JSONResponse({"message": message}, status))
