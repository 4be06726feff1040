"""Events to the addresses of the other listeners of a capability, which SKILL.md tells agents."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from capspec.events import Event, ServerStarted, ServerStopped


@dataclass(slots=True)
class Addresses:
    """Hears where the listeners of one capability answer: URLs by kind and namespace."""

    urls: dict[tuple[str, str], str] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        if isinstance(event, ServerStarted):
            self.urls[event.kind, event.namespace] = event.url
        elif isinstance(event, ServerStopped):
            self.urls.pop((event.kind, event.namespace), None)

    def seen_from(self, base: str) -> dict[str, str]:
        """The URLs by namespace, for whoever reached this server at `base`: it knows the machine by that
        name, and one on every address has no other. "" leaves them as they are."""
        there = urlsplit(base).hostname or ""
        found = {namespace: url for (kind, namespace), url in self.urls.items() if kind in ("mcp", "rest")}
        return {namespace: _moved(url, there) for namespace, url in found.items() if namespace}


def _moved(url: str, host: str) -> str:
    if not host:
        return url
    parts = urlsplit(url)
    name = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=name if parts.port is None else f"{name}:{parts.port}"))
