"""Events to the states of a capability's adapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from capspec.events import Event, ServerStarted, ServerStopped
from capspec.plan import Listener
from capspec.values import Json


@dataclass(slots=True)
class States:
    """Hears which of the listeners accept connections, and where."""

    listeners: tuple[Listener, ...]
    urls: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        if isinstance(event, ServerStarted):
            self.urls.setdefault((event.kind, event.namespace), []).append(event.url)
        elif isinstance(event, ServerStopped):
            self.urls.pop((event.kind, event.namespace), None)

    @property
    def ready(self) -> bool:
        """Whether all have started that should. One over stdio is started by its client, elsewhere, and the
        control adapter is what answers here."""
        return all(
            state["state"] == "started"
            for listener, state in zip(self.listeners, self.adapters(), strict=True)
            if listener.type != "control" and listener.transport != "stdio"
        )

    def adapters(self) -> list[dict[str, Json]]:
        """Type, namespace, port and state of each, in the order of the file."""
        return list(self._states())

    def _states(self) -> Iterator[dict[str, Json]]:
        seen: Counter[tuple[str, str]] = Counter()
        for listener in self.listeners:
            key = listener.type, listener.namespace
            urls = self.urls.get(key, [])
            url = urls[seen[key]] if seen[key] < len(urls) else ""
            seen[key] += 1
            yield _state(listener, url)


def _state(listener: Listener, url: str) -> dict[str, Json]:
    found: dict[str, Json] = {"type": listener.type}
    if listener.type != "control":
        found["namespace"] = listener.namespace
    if listener.transport == "stdio":
        found["transport"] = "stdio"
    port = urlsplit(url).port if url else listener.port
    if port:
        found["port"] = port
    return {**found, "state": "started" if url else "stopped"}
