"""A request's body to checked Kontext inputs, or to the 422 that FastAPI and pydantic v2 would answer."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse

from capspec.sandbox.endpoint import RefusedError
from capspec.sandbox.journal import BODY

IMAGE_FIELDS = ("input_image", "input_image_2", "input_image_3", "input_image_4")
_MAX_IMAGE = 20 * 1024 * 1024
_FORMATS = ("jpeg", "png", "webp")
_RATIO = re.compile(r"(\d{1,3}):(\d{1,3})")
_WIDEST = 21 / 9

Problem = dict[str, object]
Loc = tuple[str | int, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class KontextInputs:
    """What ``/flux-kontext-pro`` and ``-max`` were asked. images: decoded bytes, or the URL as given."""

    prompt: str
    images: tuple[bytes | str, ...]
    seed: int | None
    aspect_ratio: str | None
    output_format: str
    webhook_url: str | None
    webhook_secret: str | None
    prompt_upsampling: bool
    safety_tolerance: int


def parse_json(request: Request) -> object:
    """The request's JSON body. Raises RefusedError (422 ``json_invalid``)."""
    raw: bytes = request.scope[BODY]
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if not raw:
        return None
    if kind != "application/json" and not kind.endswith("+json"):
        return raw.decode("utf-8", "replace")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        at = getattr(error, "pos", 0)
        reason = getattr(error, "msg", "not JSON")
        raise refusal(
            [problem("json_invalid", ("body", at), "JSON decode error", {}, error=reason)]
        ) from None


def parse_inputs(body: object) -> KontextInputs:
    """Checked inputs. Raises RefusedError (422) with every problem."""
    if body is None:
        raise refusal([problem("missing", ("body",), "Field required", None)])
    if not isinstance(body, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise refusal([problem("model_attributes_type", ("body",), message, body)])
    reader = _Reader(body)
    images = [reader.optional(name, None, _image) for name in IMAGE_FIELDS]
    inputs = KontextInputs(
        prompt=reader.required_string("prompt"),
        images=tuple(image for image in images if image is not None),
        seed=reader.optional("seed", None, _integer),
        aspect_ratio=reader.optional("aspect_ratio", None, _aspect_ratio),
        output_format=reader.optional("output_format", "png", _output_format),
        webhook_url=reader.optional("webhook_url", None, _url),
        webhook_secret=reader.optional("webhook_secret", None, _string),
        prompt_upsampling=reader.optional("prompt_upsampling", False, _boolean),
        safety_tolerance=reader.optional("safety_tolerance", 2, _tolerance),
    )
    if reader.problems:
        raise refusal(reader.problems)
    return inputs


def problem(kind: str, loc: Loc, message: str, value: object, **ctx: object) -> Problem:
    """One entry of a 422's ``detail``."""
    found: Problem = {"type": kind, "loc": list(loc), "msg": message, "input": value}
    return found | {"ctx": ctx} if ctx else found


def refusal(problems: list[Problem]) -> RefusedError:
    """The 422 answer that lists ``problems``."""
    return RefusedError(JSONResponse({"detail": problems}, 422))


class _InvalidError(ValueError):
    """A value that does not fit: pydantic's error type, message and context."""

    def __init__(self, kind: str, message: str, **ctx: object) -> None:
        super().__init__(message)
        self.kind, self.ctx = kind, ctx


class _Reader:
    """Takes fields out of a body and collects what is wrong with them."""

    def __init__(self, body: dict[str, object]) -> None:
        self._body = body
        self.problems: list[Problem] = []

    def required_string(self, name: str) -> str:
        if name not in self._body:
            self.problems.append(problem("missing", ("body", name), "Field required", self._body))
            return ""
        return self._read(name, "", _string)

    def optional(self, name: str, default: T, read: Callable[[object], T]) -> T:
        return default if self._body.get(name) is None else self._read(name, default, read)

    def _read(self, name: str, default: T, read: Callable[[object], T]) -> T:
        try:
            return read(self._body[name])
        except _InvalidError as wrong:
            self.problems.append(
                problem(wrong.kind, ("body", name), str(wrong), self._body[name], **wrong.ctx)
            )
            return default


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise _InvalidError("string_type", "Input should be a valid string")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _InvalidError("int_type", "Input should be a valid integer")
    if isinstance(value, float) and not value.is_integer():
        raise _InvalidError(
            "int_from_float", "Input should be a valid integer, got a number with a fractional part"
        )
    try:
        return int(value)
    except (ValueError, OverflowError):
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise _InvalidError("int_parsing", message) from None


def _tolerance(value: object) -> int:
    number = _integer(value)
    if number > 6:
        raise _InvalidError("less_than_equal", "Input should be less than or equal to 6", le=6)
    if number < 0:
        raise _InvalidError("greater_than_equal", "Input should be greater than or equal to 0", ge=0)
    return number


def _boolean(value: object) -> bool:
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if isinstance(value, bool | int | str) and str(value).lower() in known:
        return known[str(value).lower()]
    if isinstance(value, bool | int | str):
        raise _InvalidError("bool_parsing", "Input should be a valid boolean, unable to interpret input")
    raise _InvalidError("bool_type", "Input should be a valid boolean")


def _output_format(value: object) -> str:
    if value not in _FORMATS:
        expected = "'jpeg', 'png' or 'webp'"
        raise _InvalidError("enum", f"Input should be {expected}", expected=expected)
    if value == "webp":
        raise _InvalidError(
            "value_error", "Value error, the sandbox renders jpeg and png, not webp", error={}
        )
    return str(value)


def _aspect_ratio(value: object) -> str:
    text = _string(value)
    found = _RATIO.fullmatch(text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not width or not height:
        raise _InvalidError(
            "value_error", "Value error, Aspect ratio must be in the format 'width:height'", error={}
        )
    if not 1 / _WIDEST <= width / height <= _WIDEST:
        raise _InvalidError(
            "value_error", "Value error, Aspect ratio must be between 21:9 and 9:21", error={}
        )
    return text


def _url(value: object) -> str:
    text = _string(value)
    if not text:
        raise _InvalidError("string_too_short", "URL should have at least 1 character", min_length=1)
    if len(text) > 2083:
        raise _InvalidError("url_too_long", "URL should have at most 2083 characters", max_length=2083)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise _InvalidError(
            "url_scheme", "URL scheme should be 'http' or 'https'", expected_schemes="'http' or 'https'"
        )
    if not parts.hostname:
        raise _InvalidError("url_parsing", "Input should be a valid URL, empty host", error="empty host")
    return text


def _image(value: object) -> bytes | str:
    text = _string(value)
    if text.startswith(("http://", "https://")):
        return text
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _InvalidError(
            "value_error", "Value error, expected a URL or a base64 encoded image", error={}
        ) from None
    if not data or len(data) > _MAX_IMAGE:
        raise _InvalidError("value_error", "Value error, an image has between 1 byte and 20 MB", error={})
    return data
