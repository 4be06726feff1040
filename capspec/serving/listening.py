"""Built adapters to sites: which address serves what, under which path.

Each listener has the port that its file names, at the root. When two listeners want the same port, or one
port is asked for, everything is on that port: a capability's REST adapter at `/<capability>` and its MCP
adapter at `/<capability>/mcp`; its skills are at `/<capability>/skills`, its control adapter is at
`/<capability>/control`. When it has several of a kind, their namespaces follow the capability's name. The
tools of all together are at `/mcp`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import unquote

from capspec.edge import ASGIApp, ASGIScope, Edge, Message, Receive, SendMessage
from capspec.guards import METADATA, ProtectedResource
from capspec.plan import Engine, Listener
from capspec.refusal import refuse

MERGED = "mcp"
"""The first segment of the merged MCP endpoint, which is not to be had as a capability's name."""

CONTROL = "/control"
"""Where a capability's control adapter is below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A listener and its built adapter. `capability` is the capability's name, different from all others."""

    capability: str
    engine: Engine
    listener: Listener
    edge: Edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """An adapter at a path. Requests at or below `path` are for it, or, where its edge names `paths`, those
    at or below one of them after `path`; `root` is its ASGI root path.

    `members` are the listeners that it serves: one, or all those of the merged endpoint.
    """

    kind: str
    path: str
    root: str
    edge: Edge
    members: tuple[Exposed, ...]
    merged: bool = False

    @property
    def endpoint(self) -> str:
        """The path that clients are told."""
        return self.root + self.edge.endpoint

    @property
    def namespace(self) -> str:
        return "" if self.merged else self.members[0].listener.namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One listening socket and what is mounted on it. Port 0 is any free one."""

    port: int
    mounts: tuple[Mount, ...]


def clashes(exposed: Iterable[Exposed]) -> tuple[int, ...]:
    """The ports that more than one listener wants."""
    wanted = Counter(item.listener.port for item in exposed if item.listener.port)
    return tuple(sorted(port for port, count in wanted.items() if count > 1))


def own_ports(exposed: Iterable[Exposed]) -> tuple[Site, ...]:
    """Each listener at the root of its own port."""
    return tuple(
        Site(
            port=item.listener.port or 0,
            mounts=(Mount(kind=item.listener.type, path="", root="", edge=item.edge, members=(item,)),),
        )
        for item in exposed
    )


def one_port(exposed: Sequence[Exposed], merged: Edge | None, port: int) -> Site:
    """Everything on one port, and the merged MCP endpoint when there is one."""
    mounts = [_mount(item, folder) for item, folder in zip(exposed, _folders(exposed), strict=True)]
    if merged is not None:
        members = tuple(item for item in exposed if item.listener.type == "mcp")
        mounts.append(replace(_mcp_mount(merged, "", members), merged=True))
    return Site(port=port, mounts=tuple(mounts))


def shared_port(exposed: Iterable[Exposed]) -> int:
    """The port for everything when none is asked for: the first that a file names."""
    return next((item.listener.port for item in exposed if item.listener.port), 0)


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names that can be told apart in a path: a repeated one gets a number."""
    taken = {MERGED}
    found = []
    for name in names:
        unique, number = name, 1
        while unique in taken:
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique)
        found.append(unique)
    return tuple(found)


def _folders(exposed: Sequence[Exposed]) -> list[str]:
    """For each listener `/<capability>`, and `/<namespace>` below it when there are several of the kind."""
    groups: dict[tuple[str, str], list[str]] = {}
    for item in exposed:
        namespace = _segment(item.listener.namespace)
        groups.setdefault((item.capability, item.listener.type), []).append(namespace)
    names = {key: iter(unique_names(group)) for key, group in groups.items()}
    found = []
    for item in exposed:
        key = item.capability, item.listener.type
        own = f"/{next(names[key])}" if len(groups[key]) > 1 else ""
        found.append(f"/{item.capability}{own}")
    return found


def _segment(name: str) -> str:
    """A name as one segment of a path that needs no escapes (RFC 3986, 2.3)."""
    return re.sub(r"[^A-Za-z0-9._~-]+", "-", name)


def _mount(item: Exposed, folder: str) -> Mount:
    if item.listener.type == "mcp":
        return _mcp_mount(item.edge, folder, (item,))
    folder += CONTROL if item.listener.type == "control" else ""
    return Mount(kind=item.listener.type, path=folder, root=folder, edge=item.edge, members=(item,))


def _mcp_mount(edge: Edge, folder: str, members: tuple[Exposed, ...]) -> Mount:
    # An adapter that answers at a path of its own brings the last segment with it.
    path = f"{folder}{edge.endpoint or f'/{MERGED}'}"
    return Mount(kind="mcp", path=path, root=path.removesuffix(edge.endpoint), edge=edge, members=members)


class Mounts:
    """An ASGI application that passes a request on to the mount with the longest path that it begins with."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self._mounts = {mount.path + path: mount for mount in mounts for path in mount.edge.paths or ("",)}
        self._depth = max(path.count("/") for path in self._mounts)
        self._well_known, self._moved = _well_known(tuple(self._mounts.values()))

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        known = self._well_known.get(str(scope["path"]))
        if known is not None:
            owner, path = known
            await owner.edge.app({**scope, "path": path, "root_path": ""}, receive, send)
            return
        segments = str(scope["path"]).split("/")[: self._depth + 1]
        while segments:
            mount = self._mounts.get("/".join(segments))
            if mount is not None:
                sends = _telling(send, *moved) if (moved := self._moved.get(mount.path)) else send
                await mount.edge.app({**scope, "root_path": mount.root}, receive, sends)
                return
            segments.pop()
        await refuse(send, HTTPStatus.NOT_FOUND, "Nothing is served here.")


_Known = dict[str, tuple[Mount, str]]
"""Paths of the origin to the mount that answers there, and the path by which the mount itself knows it."""


def _well_known(mounts: Sequence[Mount]) -> tuple[_Known, dict[str, tuple[bytes, bytes]]]:
    """Who answers at which path, and what challenges of the mount at a path have to name instead of what.

    Of mounts that know the same path the first answers. Where another has something else to say, it does so
    below its own path, as if that were the path of its resource (RFC 9728, 3.1).
    """
    found: _Known = {}
    for mount in mounts:
        for path in mount.edge.well_known:
            found.setdefault(path, (mount, path))
    moved = {}
    for mount in mounts:
        guard = _resource(mount)
        if guard is None:
            continue
        told, own = guard.metadata_paths[0], f"{METADATA}{mount.path}"
        first = _resource(found[unquote(told)][0]) if unquote(told) in found else None
        if first is not None and first.resource_metadata != guard.resource_metadata and own not in found:
            found[own] = mount, unquote(told)
            moved[mount.path] = f'{told}"'.encode(), f'{own}"'.encode()
    return found, moved


def _resource(mount: Mount) -> ProtectedResource | None:
    guard = mount.members[0].listener.guard if len(mount.members) == 1 else None
    return guard if isinstance(guard, ProtectedResource) else None


def _telling(send: SendMessage, told: bytes, own: bytes) -> SendMessage:
    """Sends answers whose challenges name another path of metadata."""

    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value.replace(told, own) if name.lower() == b"www-authenticate" else value)
                for name, value in message.get("headers", ())
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sends


def application(site: Site) -> ASGIApp:
    """What a site's server runs."""
    if len(site.mounts) == 1 and not site.mounts[0].path:
        return site.mounts[0].edge.app
    return Mounts(site.mounts)
