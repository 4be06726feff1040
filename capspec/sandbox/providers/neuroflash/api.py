"""neuroflash's endpoints: three tasks, the images they leave, the models, and two neighbours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.delivery import send_bytes
from capspec.sandbox.endpoint import Endpoint, Phase, RefusedError
from capspec.sandbox.fidelity import Note, Shape
from capspec.sandbox.jobs import Job, Snapshot, State
from capspec.sandbox.keys import Standing
from capspec.sandbox.media import render
from capspec.sandbox.providers.neuroflash import inputs as parse
from capspec.sandbox.providers.neuroflash import shapes
from capspec.sandbox.providers.neuroflash.access import DEMO_WORKSPACE, authenticated, entered
from capspec.sandbox.providers.neuroflash.images import Image, ImageStore, imported
from capspec.sandbox.providers.neuroflash.inputs import Task, refused
from capspec.sandbox.providers.neuroflash.models import MODELS
from capspec.sandbox.providers.neuroflash.tasks import parameters, recipes
from capspec.sandbox.providers.neuroflash.tokens import Token
from capspec.sandbox.world import World

PREFIX = "/neuroflash"
SERVICE = f"{PREFIX}/api/image-service"
MONTHLY_IMAGES = 500
_WORKSPACE = f"{SERVICE}/v1/workspaces/{{workspaceId}}"
_GIVE_UP = 3600.0
_ERRORS = {
    400: ("Bad request", "BAD_REQUEST"),
    401: ("Invalid or expired token", "UNAUTHORIZED"),
    403: ("Forbidden", "FORBIDDEN"),
    404: ("Not found", "NOT_FOUND"),
    405: ("Method not allowed", "METHOD_NOT_ALLOWED"),
    422: ("Unprocessable", "UNPROCESSABLE"),
    429: ("Too many requests", "RATE_LIMITED"),
}
Answers = Mapping[int, Shape | str]


class Neuroflash:
    """The imitation of neuroflash's image service."""

    name = "neuroflash"
    title = "neuroflash image service"
    prefixes: tuple[str, ...] = (PREFIX,)
    notes: tuple[Note, ...] = shapes.PROVIDER_NOTES

    def __init__(self, world: World) -> None:
        self._world = world
        self._images = ImageStore()
        self._uploads = 0

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The tasks, the images, the models, the caller's workspaces and quotas."""
        task, image, one = shapes.TASK_NOTES, shapes.IMAGE, "/images/{imageId}"
        return (
            self._endpoint(
                "POST", "/image-generation-tasks", self._generate, "submit", {201: shapes.TASK}, task
            ),
            self._endpoint("POST", "/image-edit-tasks", self._edit, "submit", {201: shapes.TASK}, task),
            self._endpoint("POST", "/image-upscale-tasks", self._upscale, "submit", {201: shapes.TASK}, task),
            self._endpoint("GET", "/images", self._list, "read", {200: shapes.IMAGES}, shapes.LIST_NOTES),
            self._endpoint("POST", "/images", self._import, "write", {201: image}, shapes.IMPORT_NOTES),
            self._endpoint("GET", one, self._get, "read", {200: image}),
            self._endpoint("DELETE", one, self._delete, "write", {204: "no body"}, shapes.DELETE_NOTES),
            self._endpoint(
                "GET",
                f"{one}/content",
                self._content,
                "asset",
                {200: "the image", 206: "a part of it"},
                shapes.CONTENT_NOTES,
            ),
            self._endpoint(
                "GET", "/image-models", self._models, "read", {200: shapes.MODELS}, shapes.LIST_NOTES
            ),
            Endpoint(
                method="GET",
                path=f"{PREFIX}/api/workspace-service/v1/workspaces",
                call=self._workspaces,
                phase="read",
                answers={200: shapes.WORKSPACES, 401: shapes.ERROR},
            ),
            Endpoint(
                method="GET",
                path=f"{PREFIX}/api/usage-service/v1/workspaces/{{workspaceId}}/quotas",
                call=self._quotas,
                phase="read",
                answers={200: shapes.QUOTA, 401: shapes.ERROR, 403: shapes.ERROR},
            ),
        )

    def error(self, status: int) -> Response:
        """``{"error": "…", "code": "…"}``."""
        message, code = _ERRORS.get(status, ("Internal server error", "INTERNAL_ERROR"))
        return JSONResponse({"error": message, "code": code}, status)

    def sign(self, response: Response, number: int) -> None:
        """neuroflash's answers carry nothing of their own."""

    def reset(self) -> None:
        """Forget every image."""
        self._images.reset()
        self._uploads = 0

    def _endpoint(
        self,
        method: str,
        path: str,
        call: Callable[[Request], Awaitable[Response]],
        phase: Phase,
        answers: Answers,
        notes: tuple[Note, ...] = (),
    ) -> Endpoint:
        bad: dict[int, Shape | str] = dict.fromkeys((400, 401, 403, 404, 429, 500), shapes.ERROR)
        return Endpoint(
            method=method,
            path=_WORKSPACE + path,
            call=call,
            phase=phase,
            answers={**answers, **bad, 422: shapes.INVALID},
            notes=notes,
        )

    async def _generate(self, request: Request) -> Response:
        return await self._run(request, "generation", parse.parse_generation)

    async def _edit(self, request: Request) -> Response:
        return await self._run(request, "edit", parse.parse_edit)

    async def _upscale(self, request: Request) -> Response:
        return await self._run(request, "upscale", parse.parse_upscale)

    async def _run(
        self, request: Request, kind: str, read: Callable[[Mapping[str, object]], Task]
    ) -> Response:
        """Take the task on, let its time pass, answer with what came out."""
        token, workspace = self._entered(request)
        task = read(parse.parse_body(request))
        inputs = [self._input(workspace, token, identifier) for identifier in task.inputs]
        count = self._within_quota(workspace, token, task.count)
        job = self._world.accept(request, self._job(kind, workspace, token, task, inputs, count))
        await self._world.clock.pause(job.run)
        await self._check(job, job.at(job.ends_at))
        for recipe in job.media:
            await run_in_threadpool(render, recipe)
        images = [self._keep(job, task, number) for number in range(len(job.media))]
        return JSONResponse(
            {
                "images": [image.as_json(self._base(request)) for image in images],
                "generationId": job.id,
                "description": None,
                "detail": _shortfall(task.count, count),
            },
            201,
        )

    async def _check(self, job: Job, end: Snapshot) -> None:
        """Raises RefusedError for a task that did not end well."""
        if end.state is State.RUNNING:
            await self._world.clock.pause(_GIVE_UP)
        if end.state in (State.MODERATED_REQUEST, State.MODERATED_CONTENT):
            raise refused(400, "The request was rejected by the content filter", "CONTENT_MODERATED")
        if end.state is not State.SUCCEEDED:
            raise refused(500, end.message or "Image generation failed", end.code or "GENERATION_FAILED")

    def _entered(self, request: Request) -> tuple[Token, str]:
        return authenticated(request, self._world.clock.now()), entered(request)

    def _base(self, request: Request) -> str:
        return self._world.origin(request) + SERVICE

    def _input(self, workspace: str, token: Token, identifier: str) -> Image:
        image = self._find(workspace, identifier)
        if image.owner != token.subject:
            raise refused(403, f"You do not own image {identifier}", "FORBIDDEN")
        return image

    def _find(self, workspace: str, identifier: str) -> Image:
        image = self._images.of(workspace, self._world.clock.now()).get(identifier)
        if image is None:
            raise refused(404, f"Image {identifier} not found", "NOT_FOUND")
        return image

    def _used(self, workspace: str) -> int:
        """How many images the workspace's tasks made in the present month (UTC)."""
        month = _month(self._world.clock.now())
        jobs = (job for job in self._world.jobs.of(self.name) if job.request["workspace"] == workspace)
        return sum(len(job.media) for job in jobs if _month(job.created_at) == month)

    def _within_quota(self, workspace: str, token: Token, wanted: int) -> int:
        left = 0 if token.standing is Standing.NO_CREDITS else MONTHLY_IMAGES - self._used(workspace)
        if left <= 0:
            raise refused(429, "Your image quota is used up", "QUOTA_EXCEEDED")
        return min(wanted, left)

    def _job(
        self, kind: str, workspace: str, token: Token, task: Task, inputs: list[Image], count: int
    ) -> Job:
        jobs = self._world.jobs
        number = jobs.next_number(self.name)
        seed = int(jobs.draw(self.name, number, "seed", 1, 2**31))
        return Job(
            provider=self.name,
            number=number,
            id=str(jobs.identifier(self.name, number)),
            kind=kind,
            owner=token.subject,
            created_at=self._world.clock.now(),
            queue=0.0,
            run=jobs.draw(self.name, number, "run", 4, 8),
            request={"workspace": workspace, "prompt": task.prompt},
            media=recipes(task, inputs, count, seed),
        )

    def _keep(self, job: Job, task: Task, number: int) -> Image:
        workspace = str(job.request["workspace"])
        image = Image(
            id=str(self._world.jobs.identifier(f"{self.name}/{job.number}", number)),
            generation=job.id,
            workspace=workspace,
            owner=job.owner,
            prompt=task.prompt,
            model=task.model.id,
            parameters=parameters(task),
            inputs=task.inputs,
            created_at=self._world.clock.now(),
            recipe=job.media[number],
        )
        self._images.of(workspace, image.created_at)[image.id] = image
        return image

    async def _list(self, request: Request) -> Response:
        _, workspace = self._entered(request)
        images = list(self._images.of(workspace, self._world.clock.now()).values())
        images.reverse()
        return _paged(request, [image.as_json(self._base(request)) for image in images], 20)

    async def _import(self, request: Request) -> Response:
        token, workspace = self._entered(request)
        fields = parse.Fields(parse.parse_body(request))
        url = fields.text("imageUrl")
        fields.check()
        self._uploads += 1
        known = url.startswith(("http://", "https://", "data:"))
        now = self._world.clock.now()
        image = imported(workspace, token.subject, url, self._uploads, now) if known else None
        if image is None:
            problem = {"field": "imageUrl", "message": "imageUrl must lead to an image", "type": "validation"}
            raise RefusedError(JSONResponse({"errors": [problem]}, 422))
        self._images.of(workspace, now)[image.id] = image
        return JSONResponse(image.as_json(self._base(request)), 201)

    async def _get(self, request: Request) -> Response:
        _, workspace = self._entered(request)
        return JSONResponse(
            self._find(workspace, request.path_params["imageId"]).as_json(self._base(request))
        )

    async def _delete(self, request: Request) -> Response:
        token, workspace = self._entered(request)
        image = self._find(workspace, request.path_params["imageId"])
        if image.owner != token.subject:
            raise refused(403, "Only the owner or an admin may delete an image", "FORBIDDEN")
        del self._images.of(workspace, self._world.clock.now())[image.id]
        return Response(status_code=204)

    async def _content(self, request: Request) -> Response:
        _, workspace = self._entered(request)
        image = self._find(workspace, request.path_params["imageId"])
        job = self._world.jobs.get(self.name, image.generation)
        if job is not None and (job.fault("asset-404") or job.fault("expired-asset")):
            raise refused(404, f"Image {image.id} not found", "NOT_FOUND")
        return send_bytes(request, image.data, image.media_type)

    async def _models(self, request: Request) -> Response:
        self._entered(request)
        return _paged(request, [model.as_json(order) for order, model in enumerate(MODELS.values())], 50)

    async def _workspaces(self, request: Request) -> Response:
        authenticated(request, self._world.clock.now())
        return _paged(request, [{"id": DEMO_WORKSPACE, "name": "Sandbox workspace"}], 20)

    async def _quotas(self, request: Request) -> Response:
        _, workspace = self._entered(request)
        used = self._used(workspace)
        return JSONResponse(
            {
                "usageTypeKey": request.query_params.get("usageTypeKey", "images"),
                "monthly": {
                    "limit": MONTHLY_IMAGES,
                    "used": used,
                    "remaining": max(0, MONTHLY_IMAGES - used),
                },
                "daily": {"limit": None, "used": used, "remaining": None},
                "fairUseLimitReached": used >= MONTHLY_IMAGES,
            }
        )


def _paged(request: Request, items: list[dict[str, object]], default_size: int) -> Response:
    page, size = parse.parse_page(request, default_size)
    pages = max(1, -(-len(items) // size))
    shown = {"size": size, "totalElements": len(items), "totalPages": pages, "currentPage": page}
    return JSONResponse({"page": shown, "data": items[(page - 1) * size : page * size]})


def _shortfall(wanted: int, made: int) -> dict[str, object] | None:
    if made == wanted:
        return None
    return {"code": "PARTIAL_QUOTA", "message": f"Only {made} of {wanted} images fit into your quota"}


def _month(instant: float) -> tuple[int, int]:
    when = datetime.fromtimestamp(instant, UTC)
    return when.year, when.month
