"""Failures to the text that an agent reads: what went wrong, what to change, whether to call again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from capspec.adapters.mcp.text import as_text, plain
from capspec.errors import CallError, InputError, MissingSecret, StepError, UpstreamError, UpstreamTimeout
from capspec.plan import Flow, Result
from capspec.values import MISSING, Json, Missing
from capspec.wire import header

QUOTE_LIMIT = 500
"""Characters of an upstream's own words that are passed on."""

_TELLING = ("title", "detail", "message", "msg", "error", "error_description", "reason", "errors")
"""Fields of an error body that say what is wrong (RFC 9457, RFC 6749, and common practice)."""
_PLACES = ("loc", "field", "pointer", "path", "param", "parameter", "source")
"""Fields of one flaw that say what it is about (RFC 9457, 3.1; JSON:API errors; and common practice)."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may be repeated (RFC 9110, 9.2.2)."""

_ADVICE = {
    400: "Change the arguments before you call again.",
    401: "The server's own credentials were refused; calling again will not help.",
    403: "The server's credentials do not allow this; calling again will not help.",
    404: "Check that what the arguments name exists.",
    409: "It conflicts with the present state; look at that before you call again.",
    410: "What the arguments name is gone; calling again will not help.",
    422: "Change the arguments before you call again.",
    501: "The upstream does not offer this; calling again will not help.",
}
_PASSING = frozenset({408, 425, 429, 502, 503, 504})
_REFUSED_FIRST = frozenset({425, 429, 503})
"""Statuses that say that nothing was done."""


def call_failed(error: CallError, flow: Flow, secrets: Sequence[str]) -> str:
    """A refused or broken call: every problem with its hint, and what to do next."""
    problems = [_line(problem.message, problem.hint) for problem in error.problems]
    if len(problems) == 1:
        lines = [f"{error.title}: {problems[0]}"]
    else:
        lines = [f"{error.title}:", *(f"- {problem}" for problem in problems)]
    lines.extend(_next(error, flow, "\n".join(problems)))
    return masked("\n".join(lines), secrets)


def upstream_failed(result: Result, content: bytes, flow: Flow, secrets: Sequence[str], *, now: float) -> str:
    """An upstream's answer of 400 and above, its body in `content` or in the result's value.

    `now` is Unix time, to read a Retry-After date with.
    """
    status = result.status
    lines = [f"The upstream answered {status}{_phrase(status)}."]
    if words := _words(result, content):
        lines.append(f'In its own words: "{words}"')
    lines.append(_after_status(status, _retry_after(result, now), flow))
    return masked("\n".join(lines), secrets)


def unavailable(flow: Flow, kind: str = "tool") -> str:
    """A flow that cannot work with its file as it is."""
    return f"This {kind} is not available: {flow.unavailable}. Calling it again will not help."


def unexpected(request_id: str) -> str:
    """Something broke in the server; its log has the rest under this id."""
    return f"Something went wrong in the server; the arguments are not at fault. Request id: {request_id}."


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the values of bound variables, which an upstream may have echoed."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, "****")
    return text


def quoted(said: str) -> str:
    """What somebody else says, shortened, on one line."""
    said = plain(said[: 8 * QUOTE_LIMIT])
    return said if len(said) <= QUOTE_LIMIT else said[: QUOTE_LIMIT - 1] + "…"


def _line(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message


def _next(error: CallError, flow: Flow, said: str) -> Iterable[str]:
    if isinstance(error, InputError):
        yield "Change the arguments before you call again."
    elif isinstance(error, MissingSecret):
        unsaid = [name for name in flow.missing if name not in said]
        if unsaid:
            yield f"It needs a value for {', '.join(unsaid)} where this server runs."
        yield "Calling again will not help until its operator has set it."
    elif error.retry_after is not None:
        yield _wait(error.retry_after)
    elif isinstance(error, StepError):
        yield _after_status(error.upstream_status, None, flow)
    elif isinstance(error, UpstreamTimeout | UpstreamError):
        yield _repeat(flow)


def _after_status(status: int, wait: float | None, flow: Flow) -> str:
    if wait is not None and (status in _PASSING or status >= 500):
        return _wait(wait)
    if status in _REFUSED_FIRST:
        return "Wait before you call again."
    if status in _PASSING or (status >= 500 and status not in _ADVICE):
        return _repeat(flow)
    return _ADVICE.get(status, _ADVICE[400])


def _wait(seconds: float) -> str:
    return f"Call again after {max(1, round(seconds))} seconds."


def _repeat(flow: Flow) -> str:
    """What to say when nobody knows whether the request took effect."""
    hints = flow.hints
    safe = all(operation.method in _SAFE for operation in flow.calls)
    if hints.read_only or hints.idempotent or (hints.idempotent is None and safe):
        return "Calling again later may help."
    return "It may have taken effect all the same: check that before you call again."


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _retry_after(result: Result, now: float) -> float | None:
    """Seconds from a Retry-After header, a number or a date (RFC 9110, 10.2.3)."""
    text = (header(result.headers, "retry-after") or "").strip()
    if text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now)


def _words(result: Result, content: bytes) -> str:
    """What the upstream says is wrong, shortened, on one line."""
    body = result.value
    if content and (body is MISSING or isinstance(body, str)):
        body = _decoded(content, result.media_type)
    if body is MISSING:
        return ""
    said = body if isinstance(body, str) else "; ".join(dict.fromkeys(_told(body)))
    if not said and body not in (None, {}, []):
        said = json.dumps(body, ensure_ascii=False, default=str)
    return quoted(said)


def _decoded(content: bytes, media_type: str) -> Json | Missing:
    """A body as JSON or text, MISSING when it is neither."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return as_text(content, media_type)


def _told(body: Json) -> Iterable[str]:
    """The texts of the telling fields, looking into objects and lists under them."""
    if isinstance(body, dict):
        for name in _TELLING:
            if (value := body.get(name)) not in (None, ""):
                yield from _texts(value)


def _texts(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value[:10]:
            yield from _texts(item)
    elif isinstance(value, dict):
        told = list(_told(value))
        where = _where(value)
        if told and where:
            told[0] = f"{where}: {told[0]}"
        yield from told or [json.dumps(value, ensure_ascii=False, default=str)]


def _where(flaw: Mapping[str, Json]) -> str:
    """What a flaw is about, such as `body.items.0`, from a list, a JSON Pointer or a name; "" if unsaid."""
    for name in _PLACES:
        place = flaw.get(name)
        if isinstance(place, dict):
            return _where(place)
        if isinstance(place, str) and place:
            return place.removeprefix("#").strip("/").replace("/", ".")
        if isinstance(place, list) and place:
            return ".".join(str(part) for part in place if isinstance(part, str | int))
    return ""
