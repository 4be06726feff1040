"""What a sandbox is started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

IdempotencyMode = Literal["suppress", "replay", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """Settings of one sandbox.

    speed: how many sandbox seconds pass in one second of the wall clock.
    seed: settles every id, duration and pixel.
    faults: fault rules, each ``{match, after, times, probability, fault}``.
    strict_poll_auth: BFL's ``get_result`` demands a key.
    flora_idempotency: ``suppress`` (409 on a repeated key), ``replay`` (the first answer again) or ``off``.
    origin: where clients reach the app, as ``scheme://host:port``; taken from each request when None.
    control: whether ``/__sandbox__`` answers at all.

    Raises ValueError when a setting cannot be used.
    """

    speed: float = 1.0
    seed: int = 1
    faults: Sequence[Mapping[str, object]] = ()
    strict_poll_auth: bool = False
    flora_idempotency: IdempotencyMode = "suppress"
    origin: str | None = None
    control: bool = True

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ValueError(f"speed must be above 0, not {self.speed}")
        if self.flora_idempotency not in get_args(IdempotencyMode):
            raise ValueError(
                f"flora_idempotency must be suppress, replay or off, not {self.flora_idempotency!r}"
            )
        if self.origin is not None and not _is_origin(self.origin):
            raise ValueError(f"origin must read http://host:port, not {self.origin!r}")


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    bare = not (parts.path.strip("/") or parts.query or parts.fragment)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and bare
