"""A request to its token and workspace, or to the refusal that neuroflash would send."""

from __future__ import annotations

import re

from starlette.requests import Request

from capspec.sandbox.endpoint import RefusedError
from capspec.sandbox.keys import Standing, bearer
from capspec.sandbox.providers.neuroflash.inputs import refused
from capspec.sandbox.providers.neuroflash.tokens import Token, read

DEMO_WORKSPACE = "0b7c3a52-6a0f-4f6d-9d58-1c2f5a7e9b31"
_OWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|ws[-_]?(?!.*foreign)[\w-]*", re.IGNORECASE)


def authenticated(request: Request, now: float) -> Token:
    """The caller's token. Raises RefusedError."""
    text = bearer(request.headers.get("authorization"))
    if text is None:
        raise refused(401, "Authentication required", "UNAUTHORIZED")
    token = read(text)
    if token is None or token.standing in (Standing.REVOKED, Standing.EXPIRED) or _over(token, now):
        raise refused(401, "Invalid or expired token", "UNAUTHORIZED")
    if token.standing is Standing.FORBIDDEN:
        raise refused(403, "You do not have permission to do this", "FORBIDDEN")
    if token.standing is Standing.LIMITED:
        raise refused(429, "Too many requests", "RATE_LIMITED")
    return token


def entered(request: Request) -> str:
    """The workspace of the path, when it is the caller's. Raises RefusedError."""
    workspace: str = request.path_params["workspaceId"]
    if not _OWN.fullmatch(workspace):
        raise foreign(workspace)
    return workspace


def foreign(workspace: str) -> RefusedError:
    """The 403 for somebody else's workspace."""
    return refused(403, f"You do not have access to workspace {workspace}", "FORBIDDEN")


def _over(token: Token, now: float) -> bool:
    return token.expires is not None and now >= token.expires
