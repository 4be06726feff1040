"""What a file says of the links in an operation's answers, compiled: which ones we serve, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from capspec.jsonpath import JsonPath

Mode: TypeAlias = Literal["proxy", "save"]
"""Fetch what a link leads to each time that somebody asks, or once and keep it."""

TYPES: Final = (
    "image/*",
    "audio/*",
    "video/*",
    "application/pdf",
    "application/octet-stream",
    "text/plain",
)
"""The media types that are served where the file does not say."""

MAX_SIZE: Final = 50 * 2**20
KEEP: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """An `assets` block.

    `paths` lead to the links in an answer; without any, each text that is an http(s) URL is one. `allowed`
    are the origins that a link may lead to, as `egress.pattern_of` reads them. `max_size` is bytes, `keep`
    and `lasts` are seconds: for how long our own link works, and the upstream's, where that is known.
    `types` are media types in lower case; `*` stands for either half of one.
    """

    mode: Mode
    paths: tuple[JsonPath, ...] = ()
    allowed: tuple[str, ...] = ()
    max_size: int = MAX_SIZE
    keep: float = KEEP
    lasts: float | None = None
    types: tuple[str, ...] = TYPES

    @property
    def works_for(self) -> float:
        """Seconds for which a link that is made now works."""
        if self.mode == "save" or self.lasts is None:
            return self.keep
        return min(self.keep, self.lasts)

    def takes(self, media_type: str) -> bool:
        """Whether a media type, without parameters and in lower case, is among `types`."""
        kind = media_type.partition("/")[0]
        return not {media_type, f"{kind}/*", "*/*"}.isdisjoint(self.types)
