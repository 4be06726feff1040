"""FLORA's endpoints: workspaces, projects, models, generations, techniques and their runs."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.endpoint import Endpoint, Phase, RefusedError
from capspec.sandbox.fidelity import Note, Shape
from capspec.sandbox.jobs import Job, State
from capspec.sandbox.keys import Standing, bearer, owner, standing
from capspec.sandbox.limits import Bucket
from capspec.sandbox.providers.flora import shapes
from capspec.sandbox.providers.flora.catalogue import (
    KINDS,
    MODELS,
    READ_ONLY_WORKSPACE,
    TECHNIQUES,
    WORKSPACES,
    Technique,
    technique,
)
from capspec.sandbox.providers.flora.errors import error_response, invalid, not_found, refused, standard_error
from capspec.sandbox.providers.flora.inputs import (
    Fields,
    first_projects,
    parse_body,
    parse_generation,
    parse_listed_inputs,
    parse_mapped_inputs,
)
from capspec.sandbox.providers.flora.run import PREFIX, run_json
from capspec.sandbox.providers.flora.submission import Submissions
from capspec.sandbox.world import World

_KEY = re.compile(r"sk_(live|test)_[\w-]{4,}")
_EPOCH = 1_767_225_600_000  # when the first workspaces and projects were made, in ms


class Flora:
    """The imitation of FLORA's API."""

    name = "flora"
    title = "FLORA"
    prefixes: tuple[str, ...] = ("/flora",)
    notes: tuple[Note, ...] = shapes.PROVIDER_NOTES

    def __init__(self, world: World) -> None:
        self._world = world
        self._submissions = Submissions(world)
        self._bucket = Bucket(size=120, rate=10)
        self._refusals = 0
        self._projects = first_projects()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Everything that a client of generations and techniques needs."""
        submit, run = {201: shapes.SUBMITTED}, {200: shapes.RUN}
        generate = (*shapes.GENERATE_NOTES, *shapes.IDEMPOTENCY_NOTES, *shapes.WEBHOOK_NOTES)
        of_technique = "/techniques/{technique_id}/runs"
        return (
            self._endpoint("GET", "/workspaces", self._workspaces, "read", {200: shapes.WORKSPACES}),
            self._endpoint("GET", "/projects", self._list_projects, "read", {200: shapes.PROJECTS}),
            self._endpoint("POST", "/projects", self._create_project, "write", {201: shapes.PROJECT}),
            self._endpoint("GET", "/projects/{project_id}", self._project, "read", {200: shapes.PROJECT}),
            self._endpoint("GET", "/projects/{project_id}/nodes", self._nodes, "read", {200: shapes.NODES}),
            self._endpoint("GET", "/models", self._models, "read", {200: shapes.MODELS}),
            self._endpoint("POST", "/generate", self._generate, "submit", submit, generate),
            self._endpoint("GET", "/runs/{run_id}", self._run, "poll", run, shapes.RUN_NOTES),
            self._endpoint("GET", "/generations", self._generations, "read", {200: shapes.GENERATIONS}),
            self._endpoint("GET", "/techniques", self._techniques, "read", {200: shapes.TECHNIQUES}),
            self._endpoint(
                "GET", "/techniques/{technique_id}", self._technique, "read", {200: shapes.TECHNIQUE}
            ),
            self._endpoint(
                "POST", of_technique, self._run_technique, "submit", submit, shapes.TECHNIQUE_NOTES
            ),
            self._endpoint("GET", f"{of_technique}/{{run_id}}", self._run, "poll", run),
            self._endpoint(
                "POST", "/runs/technique", self._run_mapped, "submit", submit, shapes.TECHNIQUE_NOTES
            ),
            self._endpoint("GET", "/technique-runs", self._technique_runs, "read", {200: shapes.RUNS}),
        )

    def error(self, status: int) -> Response:
        """``{"error": {"code", "message"}}``."""
        return standard_error(status)

    def sign(self, response: Response, number: int) -> None:
        """Every answer has a request id."""
        response.headers["request-id"] = f"req_{number:012x}"

    def reset(self) -> None:
        """Forget projects, idempotency keys and requests counted."""
        self._submissions.reset()
        self._bucket.reset()
        self._refusals = 0
        self._projects = first_projects()

    def _endpoint(
        self,
        method: str,
        path: str,
        call: Callable[[Request], Awaitable[Response]],
        phase: Phase,
        answers: Mapping[int, Shape | str],
        notes: tuple[Note, ...] = (),
    ) -> Endpoint:
        statuses = (
            (400, 401, 402, 403, 404, 409, 422, 429, 500) if method == "POST" else (400, 401, 403, 404, 429)
        )
        return Endpoint(
            method=method,
            path=PREFIX + path,
            call=call,
            phase=phase,
            answers={**answers, **dict.fromkeys(statuses, shapes.ERROR)},
            job="run_id",
            notes=notes,
        )

    def _authenticated(self, request: Request) -> str:
        """The caller's key. Raises RefusedError."""
        key = bearer(request.headers.get("authorization"))
        if key is None:
            raise RefusedError(standard_error(401))
        found = standing(key)
        if not _KEY.fullmatch(key) or found in (Standing.REVOKED, Standing.EXPIRED):
            raise refused(401, "invalid_api_key", "The API key is not valid")
        if found is Standing.FORBIDDEN:
            raise RefusedError(standard_error(403))
        wait = 1.0 if found is Standing.LIMITED else self._bucket.wait(key, self._world.clock.now())
        if wait:
            raise RefusedError(self._too_many(wait))
        return key

    def _too_many(self, wait: float) -> Response:
        self._refusals += 1
        response = error_response(429, "rate_limited", "Too many requests")
        if self._refusals % 2:
            response.headers["retry-after"] = str(math.ceil(wait))
        return response

    async def _workspaces(self, request: Request) -> Response:
        self._authenticated(request)
        roles = {READ_ONLY_WORKSPACE: "viewer"}
        listed = [
            {"workspace_id": id_, "name": name, "role": roles.get(id_, "owner"), "created_at": _EPOCH}
            for id_, name in WORKSPACES.items()
        ]
        return JSONResponse({"workspaces": listed})

    async def _list_projects(self, request: Request) -> Response:
        self._authenticated(request)
        workspace = self._workspace(request.query_params)
        query = request.query_params.get("query", "").lower()
        found = [
            _project_json(id_, name, place)
            for id_, (name, place) in self._projects.items()
            if place == workspace and query in name.lower()
        ]
        return _paged(request, "projects", found, with_total=True)

    def _workspace(self, source: Mapping[str, object]) -> str:
        fields = Fields(source)
        workspace = fields.identifier("workspace_id", "ws_")
        fields.check()
        if workspace not in WORKSPACES:
            raise not_found("Workspace")
        return workspace

    async def _create_project(self, request: Request) -> Response:
        self._authenticated(request)
        body = parse_body(request)
        fields = Fields(body)
        name = fields.text("name")
        fields.check()
        workspace = self._workspace(body)
        if workspace == READ_ONLY_WORKSPACE:
            raise refused(403, "forbidden", "Your role in this workspace is read-only")
        number = len(self._projects)
        id_ = f"prj_{self._world.jobs.identifier('flora-project', number).hex[:10]}"
        self._projects[id_] = (name, workspace)
        return JSONResponse(_project_json(id_, name, workspace), 201)

    async def _project(self, request: Request) -> Response:
        self._authenticated(request)
        id_ = request.path_params["project_id"]
        if id_ not in self._projects:
            raise not_found("Project")
        return JSONResponse(_project_json(id_, *self._projects[id_]))

    async def _nodes(self, request: Request) -> Response:
        key = self._authenticated(request)
        id_ = request.path_params["project_id"]
        if id_ not in self._projects:
            raise not_found("Project")
        runs = (job for job in self._world.jobs.of(self.name, owner(key)) if job.request["project"] == id_)
        nodes: list[dict[str, object]] = [
            {"node_id": f"node_{run.id[4:]}", "type": run.kind, "run_id": run.id} for run in runs
        ]
        return _paged(request, "nodes", nodes)

    async def _models(self, request: Request) -> Response:
        self._authenticated(request)
        kind = request.query_params.get("type")
        if kind is not None and kind not in KINDS:
            raise invalid([{"field": "type", "message": f"Expected one of {', '.join(KINDS)}"}])
        return JSONResponse({"models": [m.as_json() for m in MODELS.values() if kind in (None, m.kind)]})

    async def _generate(self, request: Request) -> Response:
        key = self._authenticated(request)
        asked = parse_generation(parse_body(request), self._projects)
        return await self._submissions.generate(request, key, asked)

    async def _run(self, request: Request) -> Response:
        key = self._authenticated(request)
        job = self._world.jobs.get(self.name, request.path_params["run_id"])
        now = self._world.clock.now()
        if job is None or job.owner != owner(key) or job.at(now).state is State.ABSENT:
            raise not_found("Run")
        return JSONResponse(self._shown(request, job))

    def _shown(self, request: Request, job: Job) -> dict[str, object]:
        return run_json(job, now=self._world.clock.now(), origin=self._world.origin(request))

    async def _generations(self, request: Request) -> Response:
        return self._history(request, "generations", of_techniques=False)

    async def _technique_runs(self, request: Request) -> Response:
        return self._history(request, "runs", of_techniques=True)

    def _history(self, request: Request, name: str, *, of_techniques: bool) -> Response:
        """The caller's runs, newest first, of the workspace, project and status that the query names."""
        key = self._authenticated(request)
        wanted = request.query_params
        found = []
        for job in self._world.jobs.of(self.name, owner(key)):
            shown = self._shown(request, job)
            facts = {
                "workspace_id": job.request["workspace"],
                "project_id": job.request["project"],
                "status": shown["status"],
            }
            if bool(job.request["technique"]) == of_techniques and all(
                wanted.get(field) in (None, value) for field, value in facts.items()
            ):
                found.append(shown)
        return _paged(request, name, found[::-1])

    async def _techniques(self, request: Request) -> Response:
        self._authenticated(request)
        query = request.query_params.get("query", "").lower()
        return _paged(request, "techniques", [t.as_json() for t in TECHNIQUES if query in t.name.lower()])

    async def _technique(self, request: Request) -> Response:
        self._authenticated(request)
        return JSONResponse(_known(request.path_params["technique_id"]).as_json())

    async def _run_technique(self, request: Request) -> Response:
        key = self._authenticated(request)
        found = _known(request.path_params["technique_id"])
        asked = parse_listed_inputs(parse_body(request), found)
        return await self._submissions.technique(request, key, found, asked)

    async def _run_mapped(self, request: Request) -> Response:
        key = self._authenticated(request)
        body = parse_body(request)
        fields = Fields(body)
        identifier = fields.identifier("technique_id", "tech_")
        fields.check()
        found = _known(identifier)
        return await self._submissions.technique(request, key, found, parse_mapped_inputs(body, found))


def _known(name: str) -> Technique:
    found = technique(name)
    if found is None:
        raise not_found("Technique")
    return found


def _project_json(id_: str, name: str, workspace: str) -> dict[str, object]:
    return {"project_id": id_, "name": name, "workspace_id": workspace, "created_at": _EPOCH}


def _paged(
    request: Request, name: str, items: list[dict[str, object]], *, with_total: bool = False
) -> Response:
    """A page of ``items``: ``cursor`` is where it begins, ``limit`` (1 to 100) how long it is."""
    cursor, limit = request.query_params.get("cursor", "0"), request.query_params.get("limit", "20")
    if not cursor.isdecimal():
        raise invalid([{"field": "cursor", "message": "Unknown cursor"}])
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise invalid([{"field": "limit", "message": "Must be a number from 1 to 100"}])
    end = int(cursor) + int(limit)
    meta: dict[str, object] = {"next_cursor": str(end) if end < len(items) else None}
    if with_total:
        meta["total_estimate"] = len(items)
    return JSONResponse({name: items[int(cursor) : end], "meta": meta})
