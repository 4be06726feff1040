"""Asset requests to bytes: whole, by range (RFC 9110, section 14), or just the headers."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from capspec.sandbox.endpoint import Endpoint, RefusedError
from capspec.sandbox.fidelity import Note, Source
from capspec.sandbox.jobs import Job, State
from capspec.sandbox.media import Recipe, render
from capspec.sandbox.world import World

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_NOTES = (
    Note(
        text="a changed or expired link gets 403 with Azure's `AuthenticationFailed` XML",
        source=Source.INFERRED,
    ),
    Note(text="FLORA's outputs need no key and no signature", source=Source.INFERRED),
)


class Delivery:
    """The hosts that hand out finished assets: signed links for BFL, plain ones for FLORA."""

    name = "media"
    title = "Delivery hosts"
    prefixes: tuple[str, ...] = ("/media",)
    notes: tuple[Note, ...] = _NOTES

    def __init__(self, world: World) -> None:
        self._world = world

    def endpoints(self) -> tuple[Endpoint, ...]:
        """One address for each provider that delivers from a host of its own."""
        answers = {200: "the asset", 206: "a part of it", 403: "application/xml", 404: "application/xml"}
        return tuple(
            Endpoint(
                method="GET",
                path=f"/media/{provider}/{{id}}/{{name}}",
                call=call,
                phase="asset",
                answers=answers,
                job="id",
            )
            for provider, call in (("bfl", self._bfl), ("flora", self._flora))
        )

    def error(self, status: int) -> Response:
        """An error in the blob store's XML."""
        codes = {403: "AuthenticationFailed", 404: "BlobNotFound", 503: "ServerBusy"}
        return xml_error(status, codes.get(status, "InternalError"), "The request was refused.")

    def sign(self, response: Response, number: int) -> None:
        """Give the request a name."""
        response.headers["x-ms-request-id"] = f"{number:08x}"

    def reset(self) -> None:
        """Nothing is stored."""

    async def _bfl(self, request: Request) -> Response:
        path, now = request.scope["path"], self._world.clock.now()
        if trouble := self._world.links.trouble(path, request.query_params, now):
            raise RefusedError(xml_error(403, "AuthenticationFailed", trouble))
        return await self._send(request, self._world.jobs.get("bfl", request.path_params["id"]), 0)

    async def _flora(self, request: Request) -> Response:
        stem = request.path_params["name"].partition(".")[0]
        index = int(stem) if stem.isdecimal() else -1
        return await self._send(request, self._world.jobs.get("flora", request.path_params["id"]), index)

    async def _send(self, request: Request, job: Job | None, index: int) -> Response:
        recipe = asset(job, index, request.path_params["name"], self._world.clock.now())
        if recipe is None:
            raise RefusedError(xml_error(404, "BlobNotFound", "The specified blob does not exist."))
        return await send_asset(request, recipe)


def asset(job: Job | None, index: int, name: str, now: float) -> Recipe | None:
    """The job's asset of that number, when the job is done and ``name`` ends as its format says."""
    if job is None or job.at(now).state is not State.SUCCEEDED or not 0 <= index < len(job.media):
        return None
    gone = job.fault("asset-404") or (job.provider != "bfl" and job.fault("expired-asset"))
    recipe = job.media[index]
    return recipe if not gone and name.endswith(f".{recipe.extension}") else None


async def send_asset(request: Request, recipe: Recipe) -> Response:
    """The asset's bytes, or the part that the request's ``Range`` names; HEAD gets the headers alone."""
    return send_bytes(request, await run_in_threadpool(render, recipe), recipe.media_type)


def send_bytes(request: Request, data: bytes, media_type: str) -> Response:
    """``data``, or the part that the request's ``Range`` names; a HEAD's answer is cut by the server."""
    headers = {"accept-ranges": "bytes", "cache-control": "public, max-age=600"}
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if not found or not any(found.groups()):
        return _bytes(request, data, 200, media_type, headers)
    first, last = _bounds(found[1], found[2], len(data))
    if first > last:
        return Response(b"", 416, headers={"content-range": f"bytes */{len(data)}", **headers})
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return _bytes(request, data[first : last + 1], 206, media_type, headers)


def xml_error(status: int, code: str, message: str) -> Response:
    """Azure's error document."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(f'<?xml version="1.0" encoding="utf-8"?>{error}', status, media_type="application/xml")


def _bounds(first: str, last: str, length: int) -> tuple[int, int]:
    if not first:
        return max(0, length - int(last)), length - 1
    return int(first), min(int(last), length - 1) if last else length - 1


def _bytes(request: Request, data: bytes, status: int, media_type: str, headers: dict[str, str]) -> Response:
    body = b"" if request.method == "HEAD" else data
    return Response(
        body, status, headers={**headers, "content-length": str(len(data))}, media_type=media_type
    )
