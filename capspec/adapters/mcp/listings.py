"""Resources to their entries in resources/list and resources/templates/list, and to values of variables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import mcp.types as types

from capspec.adapters.mcp.contents import media_type_of
from capspec.adapters.mcp.results import compact
from capspec.adapters.mcp.uris import UriPattern, file_uri
from capspec.plan import Engine, Listener, PathVariable, Resource
from capspec.plan.offers import FileResource
from capspec.values import Json

FILES_LIMIT = 10_000
"""Files of one folder that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A resource under the name that clients see. `pattern` matches the uris of a template."""

    name: str
    target: int
    resource: Resource | FileResource
    listener: Listener
    engine: Engine
    pattern: UriPattern | None


async def listed(entry: Entry) -> Iterable[types.Resource]:
    """The entries of a resource: none for a template, one for each file of a folder."""
    resource = entry.resource
    if isinstance(resource, FileResource):
        return await asyncio.to_thread(_listed_files, entry.name, resource)
    if resource.variables or resource.flow.unavailable:
        return ()
    item = types.Resource(
        name=entry.name,
        title=resource.flow.title or None,
        uri=resource.uri,
        description=resource.flow.description or None,
        mime_type=resource.media_type or None,
    )
    return (item,)


def _listed_files(name: str, resource: FileResource) -> list[types.Resource]:
    if resource.file:
        size = resource.folder.size(resource.file)
        if size is None:
            return []
        return [_file(resource, name, resource.title, resource.uri, resource.file, size)]
    found = []
    for file in resource.folder.files(FILES_LIMIT):
        shown = file.name.encode("utf-8", "replace").decode()
        title = f"{resource.title}: {shown}" if resource.title else ""
        uri = file_uri(resource.uri, file.name)
        found.append(_file(resource, f"{name}/{shown}", title, uri, file.name, file.size))
    return found


def _file(resource: FileResource, name: str, title: str, uri: str, file: str, size: int) -> types.Resource:
    return types.Resource(
        name=name,
        title=title or None,
        uri=uri,
        description=resource.description or None,
        mime_type=resource.media_type or media_type_of(file),
        size=size,
    )


def template_of(name: str, resource: Resource) -> types.ResourceTemplate:
    return types.ResourceTemplate(
        name=name,
        title=resource.flow.title or None,
        uri_template=resource.uri,
        description=resource.flow.description or None,
        mime_type=resource.media_type or None,
    )


def choices(resource: Resource | FileResource, argument: str) -> Sequence[str]:
    """The values that a variable can have, as far as its schema says."""
    if isinstance(resource, FileResource):
        return ()
    variables = (part.name for part in resource.parts if isinstance(part, PathVariable))
    names = {
        name for pair in zip(variables, resource.variables, strict=True) if argument in pair for name in pair
    }
    schema = next((item.schema for item in resource.flow.inputs if item.name in names), {})
    known: Sequence[Json] = [True, False] if schema.get("type") == "boolean" else schema.get("enum", ())
    return [value if isinstance(value, str) else compact(value) for value in known if value is not None]
