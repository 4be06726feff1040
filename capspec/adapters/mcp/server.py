"""Targets to an SDK server: what their listeners offer, and tools/call through an engine."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import mcp.types as types
from mcp import MCPError
from mcp.server import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ToolsListChanged,
)

from capspec.adapters.mcp.caching import cache_hints
from capspec.adapters.mcp.callers import Callers, RequestContext
from capspec.adapters.mcp.completions import Completions
from capspec.adapters.mcp.errors import call_failed, unavailable, unexpected
from capspec.adapters.mcp.jobs import JobCalls, ToolAnswer
from capspec.adapters.mcp.observing import observing
from capspec.adapters.mcp.prompts import compile_prompts
from capspec.adapters.mcp.resources import compile_resources
from capspec.adapters.mcp.results import encode, failure
from capspec.adapters.mcp.tasks import Tasks
from capspec.adapters.mcp.tools import Catalog, Entry, Target, compile_catalog
from capspec.edge import EdgeOptions
from capspec.errors import CallError
from capspec.events import UnexpectedError
from capspec.plan import Call

INSTRUCTIONS_LIMIT = 800
"""Characters of instructions: they go into every conversation."""


@dataclass(slots=True)
class Listening:
    """Serves subscriptions/listen until it is closed. A plan never changes; another may stand in for it."""

    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    closed: bool = False
    streams: ListenHandler = field(init=False)

    def __post_init__(self) -> None:
        self.streams = ListenHandler(self.bus)

    async def __call__(
        self, context: RequestContext, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        if self.closed:
            raise MCPError(types.INTERNAL_ERROR, "The server is shutting down")
        return await self.streams(context, params)

    async def changed(self) -> None:
        """Tell who listens that everything offered may be another one now."""
        for event in (ToolsListChanged(), ResourcesListChanged(), PromptsListChanged()):
            await self.bus.publish(event)

    def close(self) -> None:
        """End every open stream with its final message, and refuse new ones."""
        self.closed = True
        self.streams.close()


@dataclass(frozen=True, slots=True)
class Ongoing:
    """What goes on in a server until it is told to stop: listen streams, and waits for jobs."""

    listening: Listening
    jobs: JobCalls

    def open(self) -> None:
        self.listening.closed = self.jobs.waits.closed = False
        self.jobs.errands.open()

    def close(self) -> None:
        """End what has no end of its own, or one that is far away."""
        self.listening.close()
        self.jobs.waits.close()

    async def settled(self) -> None:
        """Return when nothing is done any longer for callers who have left."""
        await self.jobs.errands.settled()

    async def stop(self) -> None:
        """Give up what is still to be done for them."""
        await self.jobs.errands.stop()


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers tools/list and tools/call."""

    catalog: Catalog
    callers: Callers
    jobs: JobCalls
    lists: dict[frozenset[int], types.ListToolsResult] = field(default_factory=dict)

    async def list_tools(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        visible = self.callers.visible(context)
        if visible not in self.lists:
            self.lists[visible] = self.catalog.list(visible)
        return self.lists[visible]

    async def call_tool(self, context: RequestContext, params: types.CallToolRequestParams) -> ToolAnswer:
        visible = self.callers.visible(context)
        entry = self.catalog.find(params.name, visible)
        if entry is None:
            raise _unknown(params.name, self.catalog.names(visible))
        if entry.flow.unavailable:
            return failure(unavailable(entry.flow))
        call = self.callers.call(context, entry, params.arguments or {})
        return await _told(self._answer(entry, call, context), entry, call)

    async def _answer(self, entry: Entry, call: Call, context: RequestContext) -> ToolAnswer:
        if entry.jobs is not None:
            return await self.jobs.answer(entry, call, context)
        return await encode(await entry.engine.run(call), entry, call.request_id)

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """The schema to check `Mcp-Param-*` headers against; None for tools that declare no such header.

        Without this the SDK makes the whole list of tools for every call.
        """
        entry = self.catalog.entries.get(name)
        return entry.tool.input_schema if entry is not None and entry.mirrored else None


def build_server(targets: Sequence[Target], options: EdgeOptions) -> tuple[Server[Any], Ongoing]:
    """The SDK server of these targets, and what goes on in it for long."""
    guarded = any(listener.guard is not None for listener, _ in targets)
    callers = Callers(len(targets), guarded)
    catalog, jobs = compile_catalog(targets), JobCalls(options)
    desk = Desk(catalog, callers, jobs)
    prompts, resources = compile_prompts(targets, callers), compile_resources(targets, callers)
    completions = Completions(prompts, resources)
    listening = Listening()
    name, title, version, instructions = _identity(targets, options)
    server: Server[Any] = Server(
        name,
        version=version,
        title=title or None,
        instructions=instructions or None,
        cache_hints=cache_hints([listener for listener, _ in targets]),
        on_list_tools=desk.list_tools,
        # The SDK's types have no place for a task.
        on_call_tool=cast("Any", desk.call_tool),
        # The SDK announces what it has been given an answer for.
        on_list_resources=resources.list_resources if resources.entries else None,
        on_list_resource_templates=resources.list_templates if resources.entries else None,
        on_read_resource=resources.read if resources.entries else None,
        on_list_prompts=prompts.list_prompts if prompts.entries else None,
        on_get_prompt=prompts.get if prompts.entries else None,
        on_completion=completions.complete if completions.wanted else None,
        on_subscriptions_listen=listening,
        get_tool_input_schema=desk.input_schema,
    )
    server.middleware.append(observing(catalog, targets))
    if any(entry.jobs is not None for entry in catalog.entries.values()):
        Tasks(catalog, callers, jobs).serve(server)
    return server, Ongoing(listening, jobs)


def _identity(targets: Sequence[Target], options: EdgeOptions) -> tuple[str, str, str, str]:
    """Name, title, version and instructions. Several capabilities together are one server of capspec's."""
    described = [
        (engine.plan, listener.description or engine.plan.description) for listener, engine in targets
    ]
    if len(targets) == 1:
        plan, text = described[0]
        name = targets[0][0].namespace or plan.name
        return name, plan.title, plan.version or options.version, _short(text, INSTRUCTIONS_LIMIT)
    share = INSTRUCTIONS_LIMIT // max(1, len(described))
    lines = [f"{plan.title or plan.name}: {_short(text, share)}" for plan, text in described if text]
    return "capspec", "", options.version, "\n".join(dict.fromkeys(lines))


def _short(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _unknown(name: str, known: Sequence[str]) -> MCPError:
    near = difflib.get_close_matches(name, known, 1)
    mend = f"; did you mean '{near[0]}'?" if near else ""
    return MCPError(types.INVALID_PARAMS, f"Unknown tool: {name}{mend}")


async def _told(answer: Awaitable[ToolAnswer], entry: Entry, call: Call) -> ToolAnswer:
    """The answer: whatever goes wrong becomes a result that the model can read."""
    engine = entry.engine
    try:
        return await answer
    except CallError as error:
        return failure(call_failed(error, call.flow, engine.plan.secrets))
    except Exception as error:  # noqa: BLE001 - the last line of defence: the log gets it, the caller an id
        where = f"the tool {entry.name}"
        engine.events.emit(UnexpectedError(where=where, error=error, request_id=call.request_id))
        return failure(unexpected(call.request_id))
