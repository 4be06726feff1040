"""Jobs as tasks: the extension to MCP 2026-07-28 (SEP-2663), and what MCP 2025-11-25 has itself (SEP-1686).

A tool that starts jobs answers a client that declares the extension with a task, and one that asks for a task
with what 2025-11-25 calls so. No task is kept: every replica with the same key for handles serves them all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import mcp.types as types
from mcp import MCPError
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from capspec.adapters.mcp.callers import Callers, RequestContext
from capspec.adapters.mcp.errors import call_failed, unexpected
from capspec.adapters.mcp.job_results import encode_jobless
from capspec.adapters.mcp.jobs import CANCEL_SECONDS, JobCalls, is_open, job_engine
from capspec.adapters.mcp.task_shapes import (
    EXTENSION,
    LEGACY,
    RELATED,
    declares_tasks,
    legacy_task,
    parts_of,
    status_of,
    task,
)
from capspec.adapters.mcp.tools import Catalog, Entry
from capspec.desk import Standing
from capspec.errors import CallError, InputError, JobExpired, JobNotFound, Unavailable
from capspec.events import UnexpectedError
from capspec.plan import Call, Result
from capspec.values import Json

_OF_THE_CALLER = (InputError, JobExpired, JobNotFound)


class TaskParams(types.RequestParams):
    """What every request about a task says: `taskId`."""

    task_id: str


Handler: TypeAlias = Callable[[RequestContext, TaskParams], Awaitable[dict[str, Json]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request about a task: the job, the tool that started it, and a call for who asks."""

    entry: Entry
    call: Call
    found: Standing


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of one edge."""

    catalog: Catalog
    callers: Callers
    jobs: JobCalls

    def serve(self, server: Server[Any]) -> None:
        """Make a server answer requests about tasks, and announce that it does."""
        modern = {"tasks/get": self.get, "tasks/update": self.update, "tasks/cancel": self.cancel}
        legacy = {
            "tasks/get": self.legacy_get,
            "tasks/result": self.legacy_result,
            "tasks/cancel": self.legacy_cancel,
        }
        for method in modern | legacy:
            answer = partial(_by_revision, method, modern.get(method), legacy.get(method))
            server.add_request_handler(method, TaskParams, answer)
        server.add_request_handler("tasks/list", types.PaginatedRequestParams, self.legacy_list)
        server.extensions = {**server.extensions, EXTENSION: {}}
        server.middleware.append(self.intercept)

    # -- the extension --------------------------------------------------------------------------------

    async def get(self, context: RequestContext, params: TaskParams) -> dict[str, Json]:
        asked = self._declared(context, params)
        with _telling(asked.entry, asked.call):
            standing = await job_engine(asked.entry).desk.look(asked.found)
        answer = task(standing, asked.entry, status_of(standing))
        if answer["status"] == "completed":
            result = self.jobs.encode(standing, asked.entry, asked.call, context)
            answer["result"] = _dumped(result)
        return answer

    async def update(self, context: RequestContext, params: TaskParams) -> dict[str, Json]:
        """No job ever asks for anything, so that there is nothing to be updated."""
        self._declared(context, params)
        return {}

    async def cancel(self, context: RequestContext, params: TaskParams) -> dict[str, Json]:
        """Asking is all that is promised: the status says what comes of it."""
        asked = self._declared(context, params)
        engine = job_engine(asked.entry)
        with _telling(asked.entry, asked.call), suppress(Unavailable, TimeoutError):
            async with engine.clock.timeout(CANCEL_SECONDS):
                await engine.desk.cancel(asked.found)
        return {}

    def _declared(self, context: RequestContext, params: TaskParams) -> Asked:
        if not declares_tasks(context):
            raise _undeclared()
        name = None if context.request is None else context.request.headers.get(MCP_NAME_HEADER)
        # Not all clients send it, and nothing here depends on it.
        if name is not None and decode_header_value(name) != params.task_id:
            raise MCPError(types.HEADER_MISMATCH, "Mcp-Name is not the taskId of the request")
        return self._asked(context, params)

    # -- MCP 2025-11-25 -------------------------------------------------------------------------------

    async def legacy_get(self, context: RequestContext, params: TaskParams) -> dict[str, Json]:
        asked = self._asked(context, params)
        with _telling(asked.entry, asked.call):
            standing = await job_engine(asked.entry).desk.look(asked.found)
        return legacy_task(standing, asked.entry, status_of(standing))

    async def legacy_result(self, context: RequestContext, params: TaskParams) -> dict[str, Json]:
        asked = self._asked(context, params)
        with _telling(asked.entry, asked.call):
            standing = await self.jobs.wait(asked.found, asked.entry, asked.call, None)
        if standing.outcome.state.under_way:
            raise MCPError(types.INTERNAL_ERROR, "The server is stopping; ask again")
        result = self.jobs.encode(standing, asked.entry, asked.call, context)
        result.meta = {RELATED: {"taskId": params.task_id}}
        return _dumped(result)

    async def legacy_cancel(self, context: RequestContext, params: TaskParams) -> dict[str, Json]:
        asked = self._asked(context, params)
        with _telling(asked.entry, asked.call):
            standing = await job_engine(asked.entry).desk.cancel(asked.found)
        status = status_of(standing)
        if standing.outcome.final and status != "cancelled":
            raise MCPError(types.INVALID_PARAMS, "The task has already ended")
        return legacy_task(standing, asked.entry, "working" if status == "completed" else status)

    async def legacy_list(
        self, context: RequestContext, params: types.PaginatedRequestParams
    ) -> dict[str, Json]:
        """Nobody keeps a list of tasks."""
        if context.protocol_version != LEGACY:
            raise _unknown("tasks/list")
        return {"tasks": []}

    # -- what the SDK does not know -------------------------------------------------------------------

    async def intercept(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """A middleware: requests in which tasks play a part that the SDK's types have no place for."""
        params = ctx.params or {}
        if ctx.method == "initialize":
            return self._announcing(await call_next(ctx))
        if ctx.method == "tools/call" and ctx.protocol_version == LEGACY and "task" in params:
            called = types.CallToolRequestParams.model_validate(params, by_name=False)
            entry = self.catalog.find(called.name, self.callers.visible(ctx))
            if entry is not None and _starts_jobs(entry) and called.task is not None:
                return await self._started(entry, called, ctx)
        if ctx.method == "subscriptions/listen" and not declares_tasks(ctx):
            wanted = params.get("notifications")
            if isinstance(wanted, dict) and wanted.get("taskIds"):
                raise _undeclared()
        return await call_next(ctx)

    def _announcing(self, result: HandlerResult) -> HandlerResult:
        if isinstance(result, dict) and result.get("protocolVersion") == LEGACY:
            entries = self.catalog.entries.values()
            tasks: dict[str, Json] = {"requests": {"tools": {"call": {}}}}
            if any(entry.jobs is not None and entry.jobs.cancel for entry in entries):
                tasks["cancel"] = {}
            result["capabilities"]["tasks"] = tasks
        return result

    async def _started(
        self, entry: Entry, params: types.CallToolRequestParams, context: RequestContext
    ) -> dict[str, Json]:
        """A task for a call that asks for one; for a job that has ended and cannot be found again its end."""
        call = self.callers.call(context, entry, params.arguments or {})
        with _telling(entry, call):
            started = await self.jobs.begin(entry, call)
            if isinstance(started, Result):
                return _dumped(_successful(await encode_jobless(started, entry, call.request_id)))
        if is_open(started) or started.job.poll_url or started.job.id != "":
            return {"task": legacy_task(started, entry, "working")}
        return _dumped(self.jobs.encode(started, entry, call, context))

    # -- within ---------------------------------------------------------------------------------------

    def _asked(self, context: RequestContext, params: TaskParams) -> Asked:
        """The job of a task's id. Raises MCPError."""
        handle, mark = parts_of(params.task_id)
        for entry in self.catalog.starting(self.callers.visible(context)):
            if mark in ("", entry.flow.published):
                call = self.callers.call(context, entry, {})
                with _telling(entry, call), suppress(JobNotFound):
                    desk = job_engine(entry).desk
                    return Asked(entry, call, desk.find(entry.flow, handle, call.principal, call.links))
        raise MCPError(types.INVALID_PARAMS, "There is no such task")


def _starts_jobs(entry: Entry) -> bool:
    return entry.role == "call" and entry.jobs is not None and not entry.flow.unavailable


@contextmanager
def _telling(entry: Entry, call: Call) -> Iterator[None]:
    """A block whose failures become JSON-RPC errors: there is no result that could say them."""
    engine = entry.engine
    try:
        yield
    except MCPError:
        raise
    except CallError as error:
        code = types.INVALID_PARAMS if isinstance(error, _OF_THE_CALLER) else types.INTERNAL_ERROR
        raise MCPError(code, call_failed(error, call.flow, engine.plan.secrets)) from error
    except Exception as error:  # noqa: BLE001 - the log gets it, the caller an id
        where = f"a task of {entry.name}"
        engine.events.emit(UnexpectedError(where=where, error=error, request_id=call.request_id))
        raise MCPError(types.INTERNAL_ERROR, unexpected(call.request_id)) from None


def _successful(result: types.CallToolResult) -> types.CallToolResult:
    """The result. Raises MCPError for one that is an error: what waits for a task reads no other answer."""
    if result.is_error:
        texts = [block.text for block in result.content if isinstance(block, types.TextContent)]
        raise MCPError(types.INTERNAL_ERROR, "\n".join(texts))
    return result


async def _by_revision(
    method: str, modern: Handler | None, legacy: Handler | None, context: RequestContext, params: TaskParams
) -> dict[str, Json]:
    """What the client's revision of the protocol means by a method."""
    version = context.protocol_version
    handler = modern if version in MODERN_PROTOCOL_VERSIONS else legacy if version == LEGACY else None
    if handler is None:
        raise _unknown(method)
    return await handler(context, params)


def _unknown(method: str) -> MCPError:
    return MCPError(types.METHOD_NOT_FOUND, "Method not found", method)


def _undeclared() -> MCPError:
    required: dict[str, Json] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
    message = "Missing required client capability"
    return MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, message, required)


def _dumped(result: types.CallToolResult) -> dict[str, Json]:
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)
