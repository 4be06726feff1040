"""FLORA's error answers: ``{"error": {"code", "message", "fields"?}}``."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from capspec.sandbox.endpoint import RefusedError

_CODES = {
    400: ("input_validation_error", "The request is invalid"),
    401: ("unauthorized", "Missing API key"),
    402: ("insufficient_credits", "The workspace has too few credits"),
    403: ("forbidden", "You do not have access to this resource"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    409: ("conflict", "The request conflicts with another"),
    429: ("rate_limited", "Too many requests"),
    500: ("internal_error", "Something went wrong"),
    503: ("service_unavailable", "The service is unavailable"),
}


def error_response(
    status: int, code: str, message: str, fields: list[dict[str, str]] | None = None
) -> Response:
    """One error answer."""
    error: dict[str, object] = {"code": code, "message": message}
    if fields:
        error["fields"] = fields
    return JSONResponse({"error": error}, status)


def standard_error(status: int) -> Response:
    """The answer that FLORA usually gives with ``status``."""
    return error_response(status, *_CODES.get(status, ("unknown_error", "Unknown error")))


def refused(status: int, code: str, message: str, fields: list[dict[str, str]] | None = None) -> RefusedError:
    """:func:`error_response`, to be raised."""
    return RefusedError(error_response(status, code, message, fields))


def invalid(fields: list[dict[str, str]]) -> RefusedError:
    """The 400 that lists every field, its message the first of them."""
    first = fields[0]
    return refused(400, "input_validation_error", f"{first['field']}: {first['message']}", fields)


def not_found(what: str) -> RefusedError:
    """The 404 for what is missing or somebody else's."""
    return refused(404, "not_found", f"{what} not found")
