"""MCP requests to what observers hear of them, in the SDK's chain of middleware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mcp.types as types
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult

from capspec.adapters.mcp.callers import RequestContext
from capspec.adapters.mcp.tools import Catalog, Entry, Target
from capspec.arrivals import Arrival, Arrivals, carrier_of_pairs
from capspec.events import UNTRACED
from capspec.spans import Carrier

_ENDLESS = "subscriptions/listen"
_METHODS = frozenset(
    {
        "completion/complete", "initialize", "ping", "prompts/get", "prompts/list", "resources/list",
        "resources/read", "resources/templates/list", "server/discover", "tasks/cancel", "tasks/get",
        "tasks/list", "tasks/result", "tools/call", "tools/list",
    }
)  # fmt: skip
"""What a request may be called in figures: other words of callers would never end."""


@dataclass(frozen=True, slots=True)
class Observing:
    """Tells of each request. Of those to a merged endpoint only the calls of tools belong to anybody."""

    catalog: Catalog
    arrivals: Sequence[Arrivals]

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        entry = self._entry(ctx)
        arrivals = self._arrivals(entry)
        if ctx.request_id is None or ctx.method == _ENDLESS or arrivals is None:
            return await call_next(ctx)
        method = ctx.method if ctx.method in _METHODS else "other"
        with arrivals.one(_carrier(ctx)) as arrival:
            arrival.operation = method if entry is None else _name(entry)
            about = {"capspec.operation.id": arrival.operation}
            with UNTRACED if entry is None else arrivals.events.span("mcp.tool", about) as span:
                result = await _noted(arrival, ctx, call_next)
                if span is not None:
                    span.failed = arrival.status == "error"
        return result

    def _entry(self, context: RequestContext) -> Entry | None:
        name = context.params.get("name") if context.method == "tools/call" and context.params else None
        return self.catalog.entries.get(name) if isinstance(name, str) else None

    def _arrivals(self, entry: Entry | None) -> Arrivals | None:
        if entry is not None:
            return self.arrivals[entry.target]
        return self.arrivals[0] if len(self.arrivals) == 1 else None


def observing(catalog: Catalog, targets: Sequence[Target]) -> Observing:
    return Observing(catalog, [Arrivals("mcp", listener.namespace, engine) for listener, engine in targets])


async def _noted(arrival: Arrival, context: RequestContext, call_next: CallNext) -> HandlerResult:
    arrival.status, arrival.code = "error", "MCP -32603"
    try:
        result = await call_next(context)
    except MCPError as error:
        arrival.code = f"MCP {error.error.code}"
        raise
    failed = _is_failure(result)
    arrival.status, arrival.code = ("error", "tool") if failed else ("ok", "")
    return result


def _is_failure(result: HandlerResult) -> bool:
    if isinstance(result, types.CallToolResult):
        return bool(result.is_error)
    return isinstance(result, dict) and result.get("isError") is True


def _name(entry: Entry) -> str:
    return entry.flow.name if entry.role == "call" else entry.name


def _carrier(context: RequestContext) -> Carrier:
    """What the caller says of its trace: in `_meta` (SEP-414), or else in the HTTP request."""
    meta: Mapping[str, Any] = context.meta or {}
    request = context.request
    headers = (lambda name: None) if request is None else request.headers.get
    return carrier_of_pairs(meta, headers)
