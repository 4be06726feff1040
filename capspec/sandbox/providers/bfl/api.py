"""BFL's endpoints: submit an edit, poll it on another host, ask for the credits."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.endpoint import Endpoint, RefusedError
from capspec.sandbox.fidelity import Note
from capspec.sandbox.jobs import Job
from capspec.sandbox.keys import Standing, owner, standing
from capspec.sandbox.limits import Window
from capspec.sandbox.media import Recipe, render
from capspec.sandbox.media.recipe import Format
from capspec.sandbox.providers.bfl import shapes
from capspec.sandbox.providers.bfl.inputs import KontextInputs, parse_inputs, parse_json, problem, refusal
from capspec.sandbox.providers.bfl.result import result_response, show_task_not_found
from capspec.sandbox.providers.bfl.sizes import kontext_size
from capspec.sandbox.providers.bfl.webhook import webhook
from capspec.sandbox.world import World

PREFIX, REGIONAL_PREFIX = "/bfl/v1", "/bfl-eu4/v1"
START_CREDITS = 100_000.0
_COST = {"pro": 4.0, "max": 8.0}
_RUN = {"pro": (6.0, 9.0), "max": (9.0, 14.0)}
_IN_FLIGHT = {"pro": 24, "max": 6}
_KEY = re.compile(r"bfl_[\w-]{4,}")
_REAL_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DETAILS = {
    400: "Bad Request",
    401: "Not authenticated",
    402: "Insufficient credits",
    403: "Not authenticated - Invalid Authentication",
    404: "Not Found",
    405: "Method Not Allowed",
    422: "Invalid API key format",
    429: "Rate limit exceeded",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Bfl:
    """The imitation of Black Forest Labs' API."""

    name = "bfl"
    title = "Black Forest Labs, FLUX.1 Kontext"
    prefixes: tuple[str, ...] = ("/bfl", "/bfl-eu4")
    notes: tuple[Note, ...] = shapes.PROVIDER_NOTES

    def __init__(self, world: World) -> None:
        self._world = world
        self._polls = Window(limit=1200, seconds=60)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Submit (pro and max), poll under either host, credits."""
        submitted = {
            200: shapes.SUBMITTED,
            402: shapes.GUESSED_DETAIL,
            403: shapes.DETAIL,
            422: shapes.VALIDATION,
            429: shapes.GUESSED_DETAIL,
        }
        polled = {
            200: shapes.RESULT_RESPONSE,
            403: shapes.DETAIL,
            404: shapes.RESULT_RESPONSE,
            422: shapes.VALIDATION,
        }
        reads = {200: shapes.CREDITS, 403: shapes.DETAIL, 422: shapes.VALIDATION, 429: shapes.GUESSED_DETAIL}
        return (
            *(
                Endpoint(
                    method="POST",
                    path=f"{PREFIX}/flux-kontext-{kind}",
                    call=call,
                    phase="submit",
                    answers=submitted,
                    notes=(*shapes.SUBMIT_NOTES, *shapes.WEBHOOK_NOTES),
                )
                for kind, call in (("pro", self._submit_pro), ("max", self._submit_max))
            ),
            *(
                Endpoint(
                    method="GET",
                    path=f"{prefix}/get_result",
                    call=self._get_result,
                    phase="poll",
                    answers=polled,
                    job="id",
                    notes=shapes.POLL_NOTES,
                )
                for prefix in (PREFIX, REGIONAL_PREFIX)
            ),
            Endpoint(method="GET", path=f"{PREFIX}/credits", call=self._credits, phase="read", answers=reads),
        )

    def error(self, status: int) -> Response:
        """``{"detail": "…"}``."""
        return JSONResponse({"detail": _DETAILS.get(status, "Error")}, status)

    def sign(self, response: Response, number: int) -> None:
        """BFL's answers carry nothing of their own."""

    def reset(self) -> None:
        """Forget the polls counted."""
        self._polls.reset()

    async def _submit_pro(self, request: Request) -> Response:
        return self._submit(request, "pro")

    async def _submit_max(self, request: Request) -> Response:
        return self._submit(request, "max")

    def _submit(self, request: Request, kind: str) -> Response:
        body = parse_json(request)
        key = self._authenticated(request)
        inputs = parse_inputs(body)
        self._check_account(key, kind)
        job = self._world.accept(request, self._job(request, key, kind, inputs))
        costs = {"cost": None, "input_mp": None, "output_mp": None}
        if inputs.webhook_url is not None:
            self._world.webhooks.watch(
                webhook(
                    job,
                    url=inputs.webhook_url,
                    secret=inputs.webhook_secret,
                    clock=self._world.clock,
                    links=self._world.links,
                    delivery=self._world.elsewhere(request),
                )
            )
            return JSONResponse(
                {"id": job.id, "status": "Pending", "webhook_url": inputs.webhook_url, **costs}
            )
        return JSONResponse({"id": job.id, "polling_url": self._polling_url(request, job), **costs})

    def _authenticated(self, request: Request) -> str:
        """The caller's key. Raises RefusedError."""
        key = request.headers.get("x-key", "")
        if not key:
            raise RefusedError(JSONResponse({"detail": "Not authenticated"}, 403))
        if not _KEY.fullmatch(key) and not _REAL_KEY.fullmatch(key):
            raise RefusedError(self.error(422))
        found = standing(key)
        if not _KEY.fullmatch(key) or found in (Standing.FORBIDDEN, Standing.REVOKED, Standing.EXPIRED):
            raise RefusedError(self.error(403))
        if found is Standing.LIMITED:
            raise RefusedError(self._too_many())
        return key

    def _check_account(self, key: str, kind: str) -> None:
        now = self._world.clock.now()
        if self._balance(key) < _COST[kind]:
            raise RefusedError(self.error(402))
        if self._world.jobs.unfinished(self.name, owner(key), kind, now) >= _IN_FLIGHT[kind]:
            raise RefusedError(self._too_many())

    def _too_many(self) -> Response:
        response = self.error(429)
        response.headers["retry-after"] = "1"
        return response

    def _balance(self, key: str) -> float:
        start = 0.0 if standing(key) is Standing.NO_CREDITS else START_CREDITS
        return start - self._world.jobs.spent(self.name, owner(key), self._world.clock.now())

    def _job(self, request: Request, key: str, kind: str, inputs: KontextInputs) -> Job:
        jobs = self._world.jobs
        number = jobs.next_number(self.name)
        seed = inputs.seed if inputs.seed is not None else int(jobs.draw(self.name, number, "seed", 1, 2**31))
        prompt = f"{inputs.prompt}, in fine detail" if inputs.prompt_upsampling else inputs.prompt
        images = [self._known_bytes(image) for image in inputs.images]
        width, height = kontext_size(inputs.aspect_ratio, images[0] if images else None)
        formats: dict[str, Format] = {"png": "png", "jpeg": "jpeg"}
        recipe = Recipe(
            format=formats[inputs.output_format],
            prompt=prompt,
            seed=seed,
            basis=hashlib.sha256(b"\0".join(images)).hexdigest() if images else "",
            width=width,
            height=height,
        )
        return Job(
            provider=self.name,
            number=number,
            id=str(jobs.identifier(self.name, number)),
            kind=kind,
            owner=owner(key),
            created_at=self._world.clock.now(),
            queue=jobs.draw(self.name, number, "queue", 0, 1),
            run=jobs.draw(self.name, number, "run", *_RUN[kind]),
            request={
                "prompt": prompt,
                "webhook_url": inputs.webhook_url,
                "webhook_secret": inputs.webhook_secret,
            },
            media=(recipe,),
            cost=_COST[kind],
        )

    def _known_bytes(self, image: bytes | str) -> bytes:
        """An input's bytes; those of an own asset for a link to it, and any other URL's own text."""
        if isinstance(image, bytes):
            return image
        parts = urlsplit(image).path.split("/")
        job = self._world.jobs.get(self.name, parts[-2]) if len(parts) > 2 else None
        return render(job.media[0]) if job is not None and "media" in parts else image.encode()

    def _polling_url(self, request: Request, job: Job) -> str:
        own = f"{self._world.elsewhere(request)}{REGIONAL_PREFIX}/get_result?id={job.id}"
        evil = job.fault("evil-poll-url")
        return evil.text("url", f"http://evil.invalid/v1/get_result?id={job.id}") if evil else own

    async def _get_result(self, request: Request) -> Response:
        if self._world.config.strict_poll_auth:
            self._authenticated(request)
        identifier = request.query_params.get("id")
        if identifier is None:
            raise refusal([problem("missing", ("query", "id"), "Field required", None)])
        now = self._world.clock.now()
        taken = self._polls.take(owner(request.headers.get("x-key", "")), now)
        if not taken.allowed:
            raise RefusedError(self._too_many())
        job = self._world.jobs.get(self.name, identifier)
        response = show_task_not_found(identifier) if job is None else self._shown(request, job)
        response.headers["x-ratelimit-limit"] = str(taken.limit)
        response.headers["x-ratelimit-remaining"] = str(taken.remaining)
        response.headers["x-ratelimit-reset"] = f"{taken.resets_at:.6f}"
        return response

    def _shown(self, request: Request, job: Job) -> Response:
        late = self._world.jobs.draw(self.name, job.number, "region", 0, 1) < 0.25
        return result_response(
            job,
            now=self._world.clock.now(),
            grace=0.2 if late else 0.0,
            links=self._world.links,
            delivery=self._world.elsewhere(request),
        )

    async def _credits(self, request: Request) -> Response:
        return JSONResponse({"credits": self._balance(self._authenticated(request))})
