"""How engines are served, and which of their listeners are not."""

from __future__ import annotations

from dataclasses import dataclass, field

from capspec.edge import EdgeOptions
from capspec.plan import Engine, Listener

STDIO_REASON = "its transport is stdio: run it with --stdio, or put everything on one port with --port"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How to serve. `port` None means: the ports of the files. `grace` is seconds.

    `allowed_hosts` are names that `Host` and `Origin` may have besides the loopback ones. `insecure` allows
    adapters without authentication on an address that other machines can reach.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    grace: float = 30.0
    edge: EdgeOptions = field(default_factory=EdgeOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A listener that is not served here, and why."""

    engine: Engine
    listener: Listener
    reason: str
