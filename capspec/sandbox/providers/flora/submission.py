"""A checked request to a run: once for each idempotency key, and only with the credits for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.endpoint import RefusedError
from capspec.sandbox.idempotency import IdempotencyKeys, Name, Verdict
from capspec.sandbox.jobs import Job
from capspec.sandbox.journal import BODY
from capspec.sandbox.keys import Standing, owner, standing
from capspec.sandbox.media import Recipe
from capspec.sandbox.media.recipe import Format
from capspec.sandbox.providers.flora.catalogue import (
    DEFAULTS,
    MODELS,
    READ_ONLY_WORKSPACE,
    Kind,
    Model,
    Technique,
)
from capspec.sandbox.providers.flora.errors import error_response, refused, standard_error
from capspec.sandbox.providers.flora.inputs import Generation, TechniqueRun
from capspec.sandbox.providers.flora.run import poll_url
from capspec.sandbox.providers.flora.webhook import webhook
from capspec.sandbox.world import World

START_CREDITS = 10_000.0
_LATENCY = 0.3  # sandbox seconds that a create takes: time for a duplicate to arrive
_FORMATS: dict[Kind, Format] = {"image": "png", "video": "mp4", "audio": "wav"}
_SIZES = {"1:1": (1024, 1024), "16:9": (1392, 752), "9:16": (752, 1392), "4:3": (1184, 880)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run to be made. technique: its id when one makes it."""

    key: str
    model: Model
    prompt: str
    workspace: str
    project: str | None
    params: Mapping[str, object]
    callback: str | None
    technique: str | None = None
    basis: str = ""


class Submissions:
    """Makes runs of orders."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = IdempotencyKeys(world.config.flora_idempotency)

    def reset(self) -> None:
        """Free every idempotency key."""
        self._keys.reset()

    async def generate(self, request: Request, key: str, asked: Generation) -> Response:
        """``POST /generate``. Raises RefusedError."""
        order = Order(
            key=key,
            model=_model(asked),
            prompt=asked.prompt,
            workspace=asked.workspace,
            project=asked.project,
            params=asked.params,
            callback=asked.callback,
        )
        return await self._once(request, order, request.headers.get("idempotency-key"))

    async def technique(
        self, request: Request, key: str, made_by: Technique, asked: TechniqueRun
    ) -> Response:
        """Both ways to run a technique. Raises RefusedError."""
        pictures = [value for name, value in asked.values.items() if made_by.inputs[name] != "text"]
        order = Order(
            key=key,
            model=MODELS[made_by.model],
            prompt=asked.values.get("prompt", ""),
            workspace=asked.workspace,
            project=None,
            params={},
            callback=asked.callback,
            technique=made_by.id,
            basis=hashlib.sha256("\0".join(pictures).encode()).hexdigest() if pictures else "",
        )
        return await self._once(request, order, asked.key)

    async def _once(self, request: Request, order: Order, key: str | None) -> Response:
        """Make the run, unless its idempotency key has been used."""
        if key is None:
            return JSONResponse(await self._make(request, order), 201)
        name: Name = (order.workspace, request.scope["path"], order.project or "", key)
        digest = hashlib.sha256(request.scope[BODY]).hexdigest()
        verdict = self._keys.claim(name, digest, self._world.clock.now())
        if verdict is Verdict.REPLAY:
            return JSONResponse(self._keys.answer(name), 201, {"idempotent-replayed": "true"})
        if verdict is not Verdict.FRESH:
            raise RefusedError(_repeated(verdict))
        try:
            answer = await self._make(request, order)
        except BaseException:
            self._keys.release(name)
            raise
        self._keys.settle(name, answer)
        return JSONResponse(answer, 201)

    async def _make(self, request: Request, order: Order) -> dict[str, object]:
        if order.workspace == READ_ONLY_WORKSPACE:
            raise refused(403, "forbidden", "Your role in this workspace is read-only")
        await self._world.clock.pause(_LATENCY)
        if self._balance(order.key) < order.model.cost:
            raise RefusedError(standard_error(402))
        job = self._world.accept(request, self._job(order))
        if order.callback is not None:
            self._world.webhooks.watch(
                webhook(job, url=order.callback, secret=order.key, clock=self._world.clock)
            )
        return {
            "run_id": job.id,
            "type": "technique" if order.technique else "generation",
            "estimated_seconds": order.model.seconds,
            "charged_cost": order.model.cost,
            "poll_url": poll_url(job, self._world.origin(request)),
            "model": {"model_id": order.model.id},
            "technique": {"technique_id": order.technique} if order.technique else None,
            "action": None,
            "project_id": order.project,
        }

    def _balance(self, key: str) -> float:
        start = 0.0 if standing(key) is Standing.NO_CREDITS else START_CREDITS
        return start - self._world.jobs.spent("flora", owner(key), self._world.clock.now())

    def _job(self, order: Order) -> Job:
        jobs = self._world.jobs
        number = jobs.next_number("flora")
        given = order.params.get("seed")
        seed = given if isinstance(given, int) else int(jobs.draw("flora", number, "seed", 1, 2**31))
        return Job(
            provider="flora",
            number=number,
            id=f"run_{jobs.identifier('flora', number).hex[:16]}",
            kind=order.model.kind,
            owner=owner(order.key),
            created_at=self._world.clock.now(),
            queue=1.0,
            run=order.model.seconds * jobs.draw("flora", number, "run", 0.7, 1.3),
            request={
                "prompt": order.prompt,
                "seed": seed,
                "workspace": order.workspace,
                "project": order.project,
                "technique": order.technique,
            },
            media=_recipes(order, seed),
            cost=order.model.cost,
        )


def _recipes(order: Order, seed: int) -> tuple[Recipe, ...]:
    form = _FORMATS.get(order.model.kind)
    if form is None:
        return ()
    width, height = _SIZES.get(str(order.params.get("aspect_ratio")), (1024, 1024))
    return (
        Recipe(format=form, prompt=order.prompt, seed=seed, basis=order.basis, width=width, height=height),
    )


def _model(asked: Generation) -> Model:
    model = MODELS.get(asked.model or DEFAULTS[asked.kind])
    if model is None or model.kind != asked.kind:
        usable = ", ".join(found.id for found in MODELS.values() if found.kind == asked.kind)
        message = f'Model "{asked.model}" is not available. Available {asked.kind} models: {usable}'
        raise refused(400, "input_validation_error", message, [{"field": "model", "message": message}])
    return model


def _repeated(verdict: Verdict) -> Response:
    if verdict is Verdict.OTHER_BODY:
        return error_response(422, "idempotency_conflict", "The key was used with another body")
    if verdict is Verdict.BUSY:
        return error_response(409, "conflict", "A request with this key is still being worked on")
    return error_response(
        409, "idempotency_duplicate", "A request with this idempotency key was already accepted"
    )
