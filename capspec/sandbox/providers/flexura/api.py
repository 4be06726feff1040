"""Flexura's endpoints: search, three kinds of generation, the job, its asset, the catalogue, the script."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from capspec.sandbox.clock import iso
from capspec.sandbox.delivery import asset, send_asset
from capspec.sandbox.endpoint import Endpoint, RefusedError
from capspec.sandbox.faults import Fault
from capspec.sandbox.fidelity import Note, Shape
from capspec.sandbox.jobs import Job, State
from capspec.sandbox.keys import Standing, bearer, owner, standing
from capspec.sandbox.media import Recipe
from capspec.sandbox.media.dimensions import fit
from capspec.sandbox.media.recipe import Format
from capspec.sandbox.providers.flexura import shapes
from capspec.sandbox.providers.flexura.catalogue import MODELS, catalogue, install_script
from capspec.sandbox.providers.flexura.inputs import (
    error,
    parse_body,
    parse_picture,
    parse_prompt,
    parse_search,
)
from capspec.sandbox.providers.flexura.search import search_answer
from capspec.sandbox.world import World

PREFIX = "/flexura"
_RUN = {"image": (8.0, 12.0), "audio": (15.0, 25.0), "video": (30.0, 60.0)}
_FORMATS: dict[str, Format] = {"image": "png", "audio": "wav", "video": "mp4"}
_KEY = re.compile(r"fx_(live|test)_[\w-]{4,}")
_STATUS = {State.QUEUED: "queued", State.RUNNING: "processing", State.SUCCEEDED: "completed"}
_FAILURES = {
    State.FAILED: "Model provider returned an error",
    State.MODERATED_REQUEST: "The prompt was rejected by the content filter",
    State.MODERATED_CONTENT: "The result was rejected by the content filter",
}
_MESSAGES = {
    400: "Bad request",
    401: "Invalid or missing API key",
    402: "Insufficient credits",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}


class Flexura:
    """The imitation of Flexura's media gateway."""

    name = "flexura"
    title = "Flexura media gateway"
    prefixes: tuple[str, ...] = (PREFIX,)
    notes: tuple[Note, ...] = shapes.PROVIDER_NOTES

    def __init__(self, world: World) -> None:
        self._world = world

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The documented reference, the asset address and the install script."""
        bad: dict[int, Shape | str] = dict.fromkeys((400, 401, 403, 429), shapes.ERROR)
        submits = (("image", self._image), ("video", self._video), ("audio", self._audio))
        return (
            Endpoint(
                method="POST",
                path=f"{PREFIX}/api/search",
                call=self._search,
                phase="read",
                answers={200: shapes.SEARCH, **bad},
                notes=shapes.SEARCH_NOTES,
            ),
            *(
                Endpoint(
                    method="POST",
                    path=f"{PREFIX}/api/generate/{kind}",
                    call=call,
                    phase="submit",
                    answers={202: shapes.QUEUED, **bad},
                    notes=shapes.SUBMIT_NOTES,
                )
                for kind, call in submits
            ),
            Endpoint(
                method="GET",
                path=f"{PREFIX}/api/jobs/{{job_id}}",
                call=self._get_job,
                phase="poll",
                answers={200: shapes.JOB, **bad, 404: shapes.ERROR},
                job="job_id",
                notes=shapes.JOB_NOTES,
            ),
            Endpoint(
                method="GET",
                path=f"{PREFIX}/api/assets/{{job_id}}.{{ext}}",
                call=self._asset,
                phase="asset",
                answers={200: "the asset", 206: "a part of it", 404: shapes.ERROR},
                job="job_id",
                notes=shapes.ASSET_NOTES,
            ),
            Endpoint(
                method="GET",
                path=f"{PREFIX}/api/agent/models",
                call=self._models,
                phase="read",
                answers={200: shapes.MODELS},
                notes=shapes.MODELS_NOTES,
            ),
            Endpoint(
                method="GET",
                path=f"{PREFIX}/api/install/flexura-skill",
                call=self._install,
                phase="read",
                answers={200: "text/plain"},
                notes=shapes.INSTALL_NOTES,
            ),
        )

    def error(self, status: int) -> Response:
        """``{"error": "…"}``."""
        return JSONResponse({"error": _MESSAGES.get(status, "Error")}, status)

    def sign(self, response: Response, number: int) -> None:
        """Flexura's answers carry nothing of their own."""

    def reset(self) -> None:
        """Nothing is stored."""

    def _authenticated(self, request: Request) -> str:
        """The caller's key. Raises RefusedError."""
        key = bearer(request.headers.get("authorization"))
        if key is None or not _KEY.fullmatch(key):
            raise RefusedError(self.error(401))
        statuses = {
            Standing.REVOKED: 401,
            Standing.EXPIRED: 401,
            Standing.FORBIDDEN: 403,
            Standing.LIMITED: 429,
        }
        if (status := statuses.get(standing(key))) is not None:
            raise RefusedError(self.error(status))
        return key

    async def _search(self, request: Request) -> Response:
        self._authenticated(request)
        search = parse_search(parse_body(request))
        now = self._world.clock.now()
        return JSONResponse(search_answer(search, seed=self._world.config.seed, now=now))

    async def _image(self, request: Request) -> Response:
        key = self._authenticated(request)
        picture = parse_picture(parse_body(request))
        if MODELS.get(picture.model) != "image":
            raise error(f"Unknown model: {picture.model}")
        width, height = fit(picture.width, picture.height)
        recipe = Recipe(format="png", prompt=picture.prompt, seed=picture.seed, width=width, height=height)
        return self._accepted(request, key, "image", recipe)

    async def _video(self, request: Request) -> Response:
        return self._plain(request, "video")

    async def _audio(self, request: Request) -> Response:
        return self._plain(request, "audio")

    def _plain(self, request: Request, kind: str) -> Response:
        key = self._authenticated(request)
        prompt = parse_prompt(parse_body(request))
        return self._accepted(request, key, kind, Recipe(format=_FORMATS[kind], prompt=prompt, seed=0))

    def _accepted(self, request: Request, key: str, kind: str, recipe: Recipe) -> Response:
        jobs = self._world.jobs
        number = jobs.next_number(self.name)
        job = Job(
            provider=self.name,
            number=number,
            id=str(jobs.identifier(self.name, number)),
            kind=kind,
            owner=owner(key),
            created_at=self._world.clock.now(),
            queue=jobs.draw(self.name, number, "queue", 1, 2),
            run=jobs.draw(self.name, number, "run", *_RUN[kind]),
            request={"prompt": recipe.prompt},
            media=(recipe,),
        )
        poor = Fault(kind="fail", options={"message": "Insufficient credits"})
        job = self._world.accept(request, job, *([poor] if standing(key) is Standing.NO_CREDITS else []))
        return JSONResponse({"job_id": job.id, "status": "queued"}, 202)

    async def _get_job(self, request: Request) -> Response:
        key = self._authenticated(request)
        job = self._world.jobs.get(self.name, request.path_params["job_id"])
        if job is None or job.owner != owner(key):
            raise error("Job not found", 404)
        snapshot = job.at(self._world.clock.now())
        if snapshot.state is State.ABSENT:
            raise error("Job not found", 404)
        if snapshot.state in _FAILURES:
            message = snapshot.message or snapshot.code or _FAILURES[snapshot.state]
            return JSONResponse({"job_id": job.id, "status": "failed", "error": message, "type": job.kind})
        return JSONResponse(self._shown(request, job))

    def _shown(self, request: Request, job: Job) -> dict[str, object]:
        snapshot = job.at(self._world.clock.now())
        strange = job.fault("unknown-status")
        status = _STATUS[snapshot.state]
        if strange and snapshot.state is State.RUNNING:
            status = strange.text("status", "reasoning")
        shown: dict[str, object] = {"job_id": job.id, "status": status, "type": job.kind}
        if snapshot.state is State.SUCCEEDED:
            name = f"{job.id}.{job.media[0].extension}"
            shown["asset_url"] = f"{self._world.origin(request)}{PREFIX}/api/assets/{name}"
        changed = snapshot.finished_at or snapshot.started_at or job.created_at
        times = {"created_at": iso(job.created_at), "updated_at": iso(changed)}
        return {**shown, "prompt": job.request["prompt"], **times}

    async def _asset(self, request: Request) -> Response:
        job = self._world.jobs.get(self.name, request.path_params["job_id"])
        recipe = asset(job, 0, f".{request.path_params['ext']}", self._world.clock.now())
        if recipe is None:
            raise error("Asset not found", 404)
        return await send_asset(request, recipe)

    async def _models(self, request: Request) -> Response:
        return JSONResponse(catalogue(self._world.origin(request) + PREFIX))

    async def _install(self, request: Request) -> Response:
        return PlainTextResponse(install_script(self._world.origin(request) + PREFIX))
