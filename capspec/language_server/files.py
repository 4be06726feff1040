"""The files that an editor has open to what is known of each, read anew a moment after the last change."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from capspec.language_server.reading import Reading, is_capability, read

PAUSE: Final = 0.2
"""Seconds without a change after which a text is read."""


class Files:
    """`publish` is told of every reading, by the URI of its file; `text_of` gives the text that is there now,
    and `root_of` the folder that a file may import from, None for its own."""

    def __init__(
        self,
        publish: Callable[[str, Reading], None],
        text_of: Callable[[str], str],
        root_of: Callable[[Path], Path | None],
    ) -> None:
        self._publish = publish
        self._text_of = text_of
        self._root_of = root_of
        self._paths: dict[str, Path] = {}
        self._known: dict[str, Reading] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()

    def known(self, uri: str) -> Reading | None:
        """What was last known, maybe of an earlier text."""
        return self._known.get(uri)

    def changed(self, uri: str, path: Path, *, pause: float = PAUSE) -> None:
        """Read a file, unless it changes again before."""
        self._paths[uri] = path
        self._forget(uri)
        self._waiting[uri] = asyncio.get_running_loop().create_task(self._later(uri, pause))

    def saved(self) -> None:
        """Read all that is open: one may import another."""
        for uri, path in list(self._paths.items()):
            self.changed(uri, path, pause=0)

    def closed(self, uri: str) -> None:
        self._forget(uri)
        self._paths.pop(uri, None)
        self._known.pop(uri, None)

    async def now(self, uri: str) -> Reading | None:
        """What is known of the text that is there now; None for a file that is no capability."""
        known = self._known.get(uri)
        if known is not None and known.text == self._text_of(uri):
            return known
        return await self._read(uri)

    def _forget(self, uri: str) -> None:
        waiting = self._waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()

    async def _later(self, uri: str, pause: float) -> None:
        await asyncio.sleep(pause)
        await self._read(uri)

    async def _read(self, uri: str) -> Reading | None:
        async with self._one_at_a_time:
            path, before = self._paths.get(uri), self._known.get(uri)
            if path is None:
                return None
            text = self._text_of(uri)
            if before is None and not is_capability(text):
                return None
            found = await asyncio.to_thread(
                read, text, path, os.environ, root=self._root_of(path), before=before
            )
            if uri not in self._paths:
                return None
            self._known[uri] = found
            if found.text == self._text_of(uri):
                self._publish(uri, found)
            return found
