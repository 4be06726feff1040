"""neuroflash's request bodies to checked values, or to a 422 that lists every field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse

from capspec.sandbox.endpoint import RefusedError
from capspec.sandbox.journal import BODY
from capspec.sandbox.providers.neuroflash.models import (
    DEFAULT,
    EDIT,
    FORMATS,
    GENERATE,
    MODELS,
    UPSCALE,
    Model,
)

MAX_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one of the three tasks was asked. ratio: None for an edit that keeps its input's."""

    model: Model
    prompt: str = ""
    inputs: tuple[str, ...] = ()
    count: int = 1
    ratio: str | None = "1:1"
    format: str = "png"
    factor: int = 1


def refused(status: int, message: str, code: str) -> RefusedError:
    """``{"error": message, "code": code}``."""
    return RefusedError(JSONResponse({"error": message, "code": code}, status))


def parse_body(request: Request) -> dict[str, object]:
    """The JSON object sent. Raises RefusedError (400)."""
    try:
        body = json.loads(request.scope[BODY])
    except (ValueError, RecursionError):
        raise refused(400, "The body is not valid JSON", "BAD_REQUEST") from None
    if not isinstance(body, dict):
        raise refused(400, "The body must be a JSON object", "BAD_REQUEST")
    return body


def parse_generation(body: Mapping[str, object]) -> Task:
    """A generation. Raises RefusedError."""
    fields = Fields(body)
    model = fields.model(GENERATE, DEFAULT)
    task = Task(
        model=model,
        prompt=fields.text("prompt"),
        count=fields.integer("numImages", 1, range(1, model.max_images + 1)),
        ratio=fields.choice("aspectRatio", "1:1", model.ratios),
        format=fields.format(),
    )
    fields.check()
    return task


def parse_edit(body: Mapping[str, object]) -> Task:
    """An edit of existing images. Raises RefusedError."""
    fields = Fields(body)
    model = fields.model(EDIT, DEFAULT)
    ratio = fields.choice("aspectRatio", "auto", ("auto", *model.ratios))
    task = Task(
        model=model,
        prompt=fields.text("prompt"),
        inputs=fields.texts("imageIds"),
        count=fields.integer("numImages", 1, range(1, model.max_images + 1)),
        ratio=None if ratio == "auto" else ratio,
        format=fields.format(),
    )
    fields.check()
    return task


def parse_upscale(body: Mapping[str, object]) -> Task:
    """An upscale of one image. Raises RefusedError."""
    fields = Fields(body)
    model = fields.model(UPSCALE, None)
    task = Task(
        model=model,
        inputs=(fields.text("imageId"),),
        ratio=None,
        factor=fields.integer("upscaleFactor", None, model.factors),
        format=fields.format(),
    )
    fields.check()
    return task


def parse_page(request: Request, default_size: int) -> tuple[int, int]:
    """``page`` (from 1) and ``size`` (to 200) of the query. Raises RefusedError."""
    fields = Fields({name: _number(value) for name, value in request.query_params.items()})
    page = fields.integer("page", 1, range(1, 1_000_000))
    size = fields.integer("size", default_size, range(1, MAX_PAGE + 1))
    fields.check()
    return page, size


class Fields:
    """Takes fields out of a body and collects what is wrong with them."""

    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body
        self._errors: list[dict[str, str]] = []

    def check(self) -> None:
        """Raises RefusedError (422) when anything was wrong."""
        if self._errors:
            raise RefusedError(JSONResponse({"errors": self._errors}, 422))

    def text(self, name: str) -> str:
        value = self._body.get(name)
        if isinstance(value, str) and value.strip():
            return value
        self._wrong(name, f"{name} is required" if value is None else f"{name} must be a non-empty string")
        return ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._body.get(name)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._wrong(name, f"{name} must be a list of at least one id")
        return ()

    def integer(self, name: str, default: int | None, known: range | tuple[int, ...]) -> int:
        value = self._body.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and value in known:
            return value
        allowed = f"from {known[0]} to {known[-1]}" if isinstance(known, range) else _listed(known)
        self._wrong(name, f"{name} must be an integer {allowed}")
        return 1

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        value = self._body.get(name)
        if value is None or value in known:
            return default if value is None else str(value)
        self._wrong(name, f"{name} must be {_listed(known)}")
        return default

    def format(self) -> str:
        value = self.choice("outputFormat", "png", FORMATS)
        if value == "webp":
            self._wrong("outputFormat", "the sandbox renders jpeg and png, not webp")
        return value

    def model(self, capability: str, default: str | None) -> Model:
        """The model asked for, able to do ``capability``. Raises RefusedError (403) outside the plan."""
        able = [model for model in MODELS.values() if capability in model.capabilities]
        found = next((model for model in able if model.id == self._body.get("modelId", default)), None)
        if found is None:
            self._wrong("modelId", f"modelId must be {_listed(tuple(model.id for model in able))}")
            return able[0]
        if not found.allowed:
            raise refused(403, f"Model {found.id} is not part of your plan", "MODEL_NOT_ALLOWED")
        return found

    def _wrong(self, name: str, message: str) -> None:
        self._errors.append({"field": name, "message": message, "type": "validation"})


def _listed(known: tuple[object, ...]) -> str:
    return "one of " + ", ".join(map(str, known))


def _number(value: str) -> object:
    return int(value) if value.isdecimal() and len(value) < 10 else value
