"""An MCP request to who makes it, what it is called in the log, and how it hears of progress."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server import ServerRequestContext

from capspec.adapters.mcp.tools import Entry
from capspec.plan import ANONYMOUS, Call, Principal, Progress
from capspec.values import Json

PRINCIPALS = "capspec.principals"
"""The key of an ASGI scope with one principal, or None for "not admitted", per target."""

LINKS = "capspec.links"
"""The key of an ASGI scope with the absolute URL below which our own links are served."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,64}")

Principals = tuple[Principal | None, ...]
RequestContext = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Callers:
    """Who may be calling. `targets` counts those of an edge; `guarded` says that not all are for anybody."""

    targets: int
    guarded: bool

    def principals(self, context: RequestContext) -> Principals:
        """Whom each target takes the caller for. Over stdio, whoever started the process is everybody."""
        request = context.request
        found: Principals | None = None if request is None else request.scope.get(PRINCIPALS)
        return found if found is not None else (ANONYMOUS,) * self.targets

    def visible(self, context: RequestContext) -> frozenset[int]:
        """The targets that the caller may see, by number."""
        return visible_to(self.principals(context))

    def call(self, context: RequestContext, entry: Entry, arguments: Mapping[str, Json]) -> Call:
        """A call of a tool that the caller may see."""
        return Call(
            flow=entry.flow,
            arguments=arguments,
            listener=entry.listener.namespace,
            principal=self.principals(context)[entry.target] or ANONYMOUS,
            request_id=request_id_of(context),
            progress=progress_of(context),
            links=links_of(context),
        )


def visible_to(principals: Principals) -> frozenset[int]:
    return frozenset(number for number, principal in enumerate(principals) if principal is not None)


def request_id_of(context: RequestContext) -> str:
    """The caller's own id of the HTTP request, if it is fit for a log, or a new one."""
    offered = "" if context.request is None else context.request.headers.get("x-request-id", "")
    return offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(8)


def links_of(context: RequestContext) -> str:
    """The absolute URL below which our own links are served; "" over stdio, where nothing serves them."""
    return "" if context.request is None else context.request.scope.get(LINKS, "")


def progress_of(context: RequestContext) -> Progress | None:
    """Progress notifications for this request, or None when the client asked for none."""
    if context.meta is None or "progress_token" not in context.meta:
        return None
    reached = float("-inf")

    async def report(done: float, total: float | None, message: str) -> None:
        nonlocal reached
        if done > reached:  # progress must increase with every notification
            reached = done
            await context.session.report_progress(done, total, message or None)

    return report
