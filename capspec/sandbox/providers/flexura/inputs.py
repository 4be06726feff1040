"""Flexura's request bodies to checked values, or to a 400 that names the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse

from capspec.sandbox.endpoint import RefusedError
from capspec.sandbox.journal import BODY

_TOPICS = ("general", "news", "finance")
_RANGES = ("day", "week", "month", "year")
_DEPTHS = ("basic", "advanced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What ``/api/search`` was asked."""

    query: str
    max_results: int
    include_answer: bool
    topic: str
    time_range: str | None
    search_depth: str
    include_domains: tuple[str, ...]
    exclude_domains: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What ``/api/generate/image`` was asked, sizes in pixels."""

    prompt: str
    model: str
    width: int
    height: int
    seed: int


def error(message: str, status: int = 400) -> RefusedError:
    """``{"error": message}``."""
    return RefusedError(JSONResponse({"error": message}, status))


def parse_body(request: Request) -> dict[str, object]:
    """The JSON object sent. Raises RefusedError."""
    try:
        body = json.loads(request.scope[BODY])
    except (ValueError, RecursionError):
        raise error("Invalid JSON body") from None
    if not isinstance(body, dict):
        raise error("The body must be a JSON object")
    return body


def parse_prompt(body: Mapping[str, object]) -> str:
    """The prompt. Raises RefusedError."""
    return _text(body, "prompt")


def parse_picture(body: Mapping[str, object]) -> Picture:
    """A picture's inputs. Raises RefusedError."""
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise error("options must be an object")
    _integer(options, "steps", 4, 1, 50)
    model = body.get("model") or "nvidia-flux"
    return Picture(
        prompt=parse_prompt(body),
        model=str(model),
        width=_integer(options, "width", 1024, 16, 4096),
        height=_integer(options, "height", 1024, 16, 4096),
        seed=_integer(options, "seed", 0, 0, 2**53),
    )


def parse_search(body: Mapping[str, object]) -> Search:
    """A search's inputs. Raises RefusedError."""
    include_answer = body.get("include_answer", True)
    if not isinstance(include_answer, bool):
        raise error("include_answer must be true or false")
    return Search(
        query=_text(body, "query"),
        max_results=_integer(body, "max_results", 5, 1, 20),
        include_answer=include_answer,
        topic=_one_of(body, "topic", _TOPICS) or "general",
        time_range=_one_of(body, "time_range", _RANGES),
        search_depth=_one_of(body, "search_depth", _DEPTHS) or "basic",
        include_domains=_texts(body, "include_domains"),
        exclude_domains=_texts(body, "exclude_domains"),
    )


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise error(f"{name} is required")
    return value


def _integer(body: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise error(f"{name} must be a number from {low} to {high}")
    return int(value)


def _one_of(body: Mapping[str, object], name: str, known: tuple[str, ...]) -> str | None:
    value = body.get(name)
    if value is not None and value not in known:
        raise error(f"{name} must be one of {', '.join(known)}")
    return None if value is None else str(value)


def _texts(body: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise error(f"{name} must be a list of strings")
    return tuple(value)
