"""Where a job stands to a task: that of the extension to MCP 2026-07-28, and that of MCP 2025-11-25.

A task's id is the handle of its job, so that no server has to remember any task. A job that failed is a
completed task whose result is an error: clients do not show the result of a task that failed.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from capspec.adapters.mcp.callers import RequestContext
from capspec.adapters.mcp.errors import masked
from capspec.adapters.mcp.job_texts import delay_of, summary
from capspec.adapters.mcp.tools import Entry
from capspec.desk import Standing
from capspec.jobs.outcome import State
from capspec.values import Json

EXTENSION: Final = "io.modelcontextprotocol/tasks"
"""The identifier of the extension (SEP-2663)."""

LEGACY: Final = "2025-11-25"
"""The one revision that has tasks itself (SEP-1686)."""

RELATED: Final = "io.modelcontextprotocol/related-task"

_LONGEST_TTL: Final = 2**31 - 1
"""Milliseconds. Clients set timers with it, which fire at once when it is larger."""

_SHORTEST_INTERVAL: Final = 500

Status: TypeAlias = Literal["working", "completed", "cancelled"]


def declares_tasks(context: RequestContext) -> bool:
    """Whether a request's client says that it understands the extension."""
    declared = context.session.client_capabilities
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    return modern and declared is not None and EXTENSION in (declared.extensions or {})


def status_of(standing: Standing) -> Status:
    """The status of a job's task. An unknown job is looked at again, unless that would not help."""
    outcome = standing.outcome
    if outcome.state is State.CANCELED:
        return "cancelled"
    settled = outcome.state is State.UNKNOWN and outcome.retry_after is None
    return "completed" if outcome.final or settled else "working"


def created_task(standing: Standing, entry: Entry) -> dict[str, Json]:
    """CreateTaskResult of the extension."""
    return {"resultType": "task", **task(standing, entry, "working")}


def task(standing: Standing, entry: Entry, status: Status) -> dict[str, Json]:
    """A task of the extension."""
    return {
        "taskId": task_id(standing, entry),
        "status": status,
        "statusMessage": masked(summary(standing.outcome), entry.engine.plan.secrets),
        "createdAt": _time(standing.job.submitted_at),
        "lastUpdatedAt": _time(entry.engine.clock.wall()),
        "ttlMs": _ttl(standing),
        "pollIntervalMs": max(_SHORTEST_INTERVAL, math.ceil(delay_of(standing) * 1000)),
    }


def legacy_task(standing: Standing, entry: Entry, status: Status) -> dict[str, Json]:
    """A task of MCP 2025-11-25."""
    names = {"ttlMs": "ttl", "pollIntervalMs": "pollInterval"}
    return {names.get(name, name): value for name, value in task(standing, entry, status).items()}


def task_id(standing: Standing, entry: Entry) -> str:
    """The handle; and the tool, when its operation is not enough to know it by."""
    mark = "" if entry.jobs is None else entry.jobs.mark
    return f"{standing.handle}.{mark}" if mark else standing.handle


def parts_of(identifier: str) -> tuple[str, str]:
    """The handle in a task's id, and the mark of the tool or ""."""
    handle, _, mark = identifier.partition(".")
    return handle, mark


def _ttl(standing: Standing) -> int:
    return min(_LONGEST_TTL, round((standing.job.expires_at - standing.job.submitted_at) * 1000))


def _time(wall: float) -> str:
    """Seconds since the epoch as ISO 8601 (RFC 3339) in UTC."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
