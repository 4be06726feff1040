"""Targets to resources: what there is to read, and resources/read from flows and files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import mcp.types as types
from mcp import MCPError
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from capspec.adapters.mcp.caching import declared_ttl
from capspec.adapters.mcp.callers import Callers, RequestContext, links_of, progress_of, request_id_of
from capspec.adapters.mcp.contents import Contents, file_contents, media_type_of, result_contents
from capspec.adapters.mcp.errors import call_failed, unavailable, unexpected, upstream_failed
from capspec.adapters.mcp.listings import Entry, choices, listed, template_of
from capspec.adapters.mcp.names import unique_names
from capspec.adapters.mcp.results import amount, content_of
from capspec.adapters.mcp.text import plain
from capspec.adapters.mcp.tools import Target
from capspec.adapters.mcp.uris import UriPattern, file_name
from capspec.errors import CallError, InputError
from capspec.events import OfferHidden, UnexpectedError
from capspec.plan import ANONYMOUS, Call, Engine, Resource, Result
from capspec.plan.offers import FileResource

PAGE = 200
"""Entries of one answer to resources/list: with long descriptions they stay under 1 MiB."""

FILE_LIMIT = 10 * 1024 * 1024
"""Bytes of a file that is served."""

_NOT_FOUND = -32002
"""JSON-RPC code of an unknown resource up to MCP 2025-11-25; later it is -32602."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Answers everything about resources."""

    entries: Sequence[Entry]
    callers: Callers

    async def list_resources(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """One page: resources without variables, and the files of folders as they are now."""
        start = _start(params.cursor if params is not None else None)
        entries = self._visible(context)
        own = {entry.resource.uri for entry in entries}
        found: dict[str, types.Resource] = {}
        for entry in entries:
            for item in await listed(entry):
                if item.uri == entry.resource.uri or item.uri not in own:
                    found.setdefault(item.uri, item)
        result = types.ListResourcesResult(
            resources=[*found.values()][start : start + PAGE],
            next_cursor=str(start + PAGE) if len(found) > start + PAGE else None,
        )
        if _may_change(entries):
            result.ttl_ms = 0
        return result

    async def list_templates(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        found: dict[str, types.ResourceTemplate] = {}
        for entry in self._visible(context):
            resource = entry.resource
            if isinstance(resource, Resource) and resource.variables and not resource.flow.unavailable:
                found.setdefault(resource.uri, template_of(entry.name, resource))
        return types.ListResourceTemplatesResult(resource_templates=[*found.values()])

    async def read(
        self, context: RequestContext, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """What is at a uri: its own resource, a file of a folder, or the first template that it fits."""
        contents = await self._read(context, params.uri)
        if contents is None:
            raise _unknown(context, params.uri)
        return types.ReadResourceResult(contents=[contents])

    def choices(self, uri: str, argument: str, visible: frozenset[int]) -> Sequence[str] | None:
        """The known values of a template's variable; None when there is no such template."""
        for entry in self.entries:
            if entry.target in visible and entry.resource.uri == uri:
                return choices(entry.resource, argument)
        return None

    def _visible(self, context: RequestContext) -> list[Entry]:
        visible = self.callers.visible(context)
        return [entry for entry in self.entries if entry.target in visible]

    async def _read(self, context: RequestContext, uri: str) -> Contents | None:
        entries = self._visible(context)
        for entry in entries:
            if entry.resource.uri == uri and entry.pattern is None:
                if isinstance(entry.resource, Resource):
                    return await self._call(context, entry, entry.resource, uri, {})
                if entry.resource.file:
                    return await _read_file(entry.resource, entry.resource.file, uri)
                raise MCPError(types.INVALID_PARAMS, f"{plain(uri)} is a folder: read one of the files in it")
        for entry in entries:
            if isinstance(entry.resource, FileResource) and (name := _file_at(entry.resource, uri)):
                contents = await _read_file(entry.resource, name, uri)
                if contents is not None:
                    return contents
        for entry in entries:
            if isinstance(entry.resource, Resource) and entry.pattern is not None:
                values = entry.pattern.match(uri)
                if values is not None:
                    return await self._call(context, entry, entry.resource, uri, values)
        return None

    async def _call(
        self, context: RequestContext, entry: Entry, resource: Resource, uri: str, values: dict[str, str]
    ) -> Contents:
        flow = resource.flow
        if flow.unavailable:
            raise MCPError(types.INTERNAL_ERROR, unavailable(flow, "resource"))
        call = Call(
            flow=flow,
            arguments=values,
            listener=entry.listener.namespace,
            principal=self.callers.principals(context)[entry.target] or ANONYMOUS,
            request_id=request_id_of(context),
            progress=progress_of(context),
            links=links_of(context),
        )
        return await _run(entry, resource, call, uri)


def compile_resources(targets: Sequence[Target], callers: Callers) -> Resources:
    """The resources of every target, in order. A uri that is taken already is announced as hidden."""
    offers = [
        (number, listener, engine, resource)
        for number, (listener, engine) in enumerate(targets)
        for resource in listener.resources
    ]
    names = unique_names([(resource.name, engine.plan.name) for _, _, engine, resource in offers])
    uris: set[str] = set()
    entries = []
    for name, (number, listener, engine, resource) in zip(names, offers, strict=True):
        if resource.uri in uris:
            reason = f"the first with the uri {resource.uri} answers"
            engine.events.emit(OfferHidden(offer=resource.name, capability=engine.plan.name, reason=reason))
        uris.add(resource.uri)
        entries.append(
            Entry(
                name=name,
                target=number,
                resource=resource,
                listener=listener,
                engine=engine,
                pattern=_pattern(resource),
            )
        )
    return Resources(entries, callers)


def _may_change(entries: Sequence[Entry]) -> bool:
    """Whether there are folders, in which files come and go, and no file says for how long a list is good."""
    folders = any(isinstance(entry.resource, FileResource) for entry in entries)
    return folders and declared_ttl([entry.listener for entry in entries]) is None


def _pattern(resource: Resource | FileResource) -> UriPattern | None:
    if isinstance(resource, Resource) and resource.variables:
        return UriPattern(resource.parts)
    return None


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 10:
        return int(cursor)
    raise MCPError(types.INVALID_PARAMS, "This cursor is not one that resources/list gave")


# -- one resource -----------------------------------------------------------------------------------------


def _file_at(resource: FileResource, uri: str) -> str | None:
    return None if resource.file else file_name(resource.uri, uri)


async def _read_file(resource: FileResource, name: str, uri: str) -> Contents | None:
    """The file's contents, None when there is none."""
    try:
        content = await asyncio.to_thread(resource.folder.read, name, FILE_LIMIT)
    except FileNotFoundError:
        return None
    except ValueError as error:
        size = f"{amount(int(error.args[0]))}; files of up to {amount(FILE_LIMIT)} can be read"
        raise MCPError(types.INTERNAL_ERROR, f"{plain(uri)} is {size}") from None
    except OSError:
        raise MCPError(types.INTERNAL_ERROR, f"{plain(uri)} cannot be read") from None
    return file_contents(uri, content, resource.media_type or media_type_of(name))


async def _run(entry: Entry, resource: Resource, call: Call, uri: str) -> Contents:
    """Raises MCPError for everything that goes wrong."""
    engine = entry.engine
    try:
        result = await engine.run(call)
        if result.failed:
            raise MCPError(types.INTERNAL_ERROR, await _refusal(result, call, engine))
        return await result_contents(uri, result, resource)
    except CallError as error:
        code = types.INVALID_PARAMS if isinstance(error, InputError) else types.INTERNAL_ERROR
        raise MCPError(code, call_failed(error, call.flow, engine.plan.secrets)) from error
    except MCPError:
        raise
    except Exception as error:  # the last line of defence: the log gets it, the caller an id
        where = f"the resource {entry.name}"
        engine.events.emit(UnexpectedError(where=where, error=error, request_id=call.request_id))
        raise MCPError(types.INTERNAL_ERROR, unexpected(call.request_id)) from error


async def _refusal(result: Result, call: Call, engine: Engine) -> str:
    content = await content_of(result)
    return upstream_failed(result, content, call.flow, engine.plan.secrets, now=engine.clock.wall())


def _unknown(context: RequestContext, uri: str) -> MCPError:
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    code = types.INVALID_PARAMS if modern else _NOT_FOUND
    return MCPError(code, f"Unknown resource: {plain(uri[:200])}", {"uri": uri})
