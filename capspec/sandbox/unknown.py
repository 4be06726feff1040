"""Paths that a provider does not have to its own 404 or 405."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from capspec.sandbox.endpoint import Endpoint, Provider


class UnknownPath:
    """What answers everything below a provider's prefix that no endpoint takes."""

    def __init__(self, provider: Provider, endpoints: Iterable[Endpoint]) -> None:
        self._provider = provider
        self._paths = [(compile_path(endpoint.path)[0], endpoint.method) for endpoint in endpoints]

    def endpoint(self, prefix: str) -> Endpoint:
        """The catch-all below ``prefix``."""
        return Endpoint(
            method="*", path=prefix + "/{rest:path}", call=self._refuse, phase="unknown", answers={}
        )

    async def _refuse(self, request: Request) -> Response:
        allowed = sorted({method for pattern, method in self._paths if pattern.match(request.scope["path"])})
        response = self._provider.error(405 if allowed else 404)
        if allowed:
            response.headers["allow"] = ", ".join(allowed)
        return response
