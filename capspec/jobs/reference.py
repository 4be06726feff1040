"""A job that was started, as plain data: all that is needed to ask about it later, and no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from capspec.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRef:
    """`operation` started it, at `submitted_at`. All times are seconds since the epoch.

    `id` is the provider's, "" where it has none. `poll_url`, `result_url` and `cancel_url` are addresses that
    the answer gave. `values` are the names in later requests that only the start could fill. The first look
    is worth it from `look_at` on; from `expires_at` on there is no use in asking.
    """

    operation: str
    id: str | int
    submitted_at: float
    look_at: float
    expires_at: float
    poll_url: str = field(default="", repr=False)
    result_url: str = field(default="", repr=False)
    cancel_url: str = field(default="", repr=False)
    values: Mapping[str, Json] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, Json]:
        """The reference as an object with short names; what is empty is left out."""
        whole = {
            "o": self.operation, "i": self.id, "t": round(self.submitted_at, 3), "e": round(self.expires_at),
            "l": round(self.look_at, 3), "p": self.poll_url, "r": self.result_url, "c": self.cancel_url,
            "v": dict(self.values),
        }  # fmt: skip
        return {name: value for name, value in whole.items() if value not in ("", {})}

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> JobRef:
        """What `to_json` gave. Raises KeyError when it is something else."""
        return cls(
            operation=data["o"],
            id=data.get("i", ""),
            submitted_at=data["t"],
            expires_at=data["e"],
            look_at=data["l"],
            poll_url=data.get("p", ""),
            result_url=data.get("r", ""),
            cancel_url=data.get("c", ""),
            values=data.get("v", {}),
        )
