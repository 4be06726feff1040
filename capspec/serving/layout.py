"""Engines to adapters, and those to sites: what is built, what may be opened, and what listens where."""

from __future__ import annotations

from collections.abc import Sequence

from capspec import registry
from capspec.adapters.mcp import adapter as mcp
from capspec.edge import EdgeOptions
from capspec.errors import LayoutError
from capspec.host_check import is_loopback
from capspec.plan import Engine
from capspec.serving.listening import Exposed, Site, one_port, own_ports, shared_port
from capspec.serving.options import STDIO_REASON, Left, ServeOptions
from capspec.serving.sockets import ListenError


def build(
    name: str, engine: Engine, options: ServeOptions, edge: EdgeOptions
) -> tuple[list[Exposed], list[Left]]:
    """An engine's adapters, and the listeners that have no address of their own to be served at."""
    exposed: list[Exposed] = []
    left: list[Left] = []
    for listener in engine.plan.listeners:
        if listener.transport == "stdio" and options.port is None:
            left.append(Left(engine=engine, listener=listener, reason=STDIO_REASON))
            continue
        built = registry.find("adapter", listener.type)(listener, engine, edge)
        exposed.append(Exposed(capability=name, engine=engine, listener=listener, edge=built))
    return exposed, left


def check_exposure(exposed: Sequence[Exposed], options: ServeOptions) -> None:
    """Refuse to open adapters without authentication to other machines, and to serve nothing at all."""
    if not exposed:
        raise ListenError(
            "there is nothing to serve", hint="add an entry with 'type: rest' or 'type: mcp' to 'exposes'"
        )
    unguarded = [item for item in exposed if item.listener.guard is None]
    if options.insecure or is_loopback(options.host) or not unguarded:
        return
    names = ", ".join(f"'{item.listener.namespace}' of {item.capability}" for item in unguarded[:5])
    more = f" and {len(unguarded) - 5} more" if len(unguarded) > 5 else ""
    raise ListenError(
        f"on {options.host} other machines could use {names}{more} without authentication",
        hint="add 'authentication' to those entries of 'exposes', or allow it with --insecure",
    )


def arrange(exposed: Sequence[Exposed], options: ServeOptions, *, shared: bool) -> tuple[Site, ...]:
    """Each adapter on its own port, or with `shared` all on one."""
    if not shared:
        return own_ports(exposed)
    targets = [(item.listener, item.engine) for item in exposed if item.listener.type == "mcp"]
    merged = mcp.build_merged(targets, options.edge) if targets else None
    port = shared_port(exposed) if options.port is None else options.port
    return (one_port(exposed, merged, port),)


def like(old: Sequence[Exposed], new: Sequence[Exposed]) -> list[Exposed]:
    """The new adapters, each in the place of an old one with the same type and port.

    Raises LayoutError when they do not all find one, or leave some.
    """
    waiting = list(new)
    found: list[Exposed] = []
    gone: list[Exposed] = []
    for item in old:
        match = next((other for other in waiting if _address(other) == _address(item)), None)
        if match is None:
            gone.append(item)
        else:
            waiting.remove(match)
            found.append(match)
    if waiting or gone:
        wants = "; ".join(
            [f"the file now has {_said(item)}" for item in waiting]
            + [f"the file no longer has {_said(item)}" for item in gone]
        )
        raise LayoutError(
            f"what listens where changes only when the server starts again: {wants}",
            hint="start it again, or leave types and ports as they were",
        )
    return found


def _address(item: Exposed) -> tuple[str, int]:
    return item.listener.type, item.listener.port or 0


def _said(item: Exposed) -> str:
    kind, port = _address(item)
    return f"the {kind} adapter '{item.listener.namespace}' on " + (f"port {port}" if port else "a free port")
