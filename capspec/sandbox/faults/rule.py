"""A mapping to a Rule: which requests a fault strikes, from which one on, how often and how likely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from capspec.sandbox.faults.fault import Fault, FaultSyntaxError, parse_fault

MATCHABLE = frozenset({"provider", "method", "path", "phase", "host", "job"})
_FIELDS = frozenset({"id", "match", "after", "times", "probability", "fault"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``fault`` strikes requests that fit ``match`` (globs), after the first ``after``, ``times`` times.

    times: None for ever. probability: of each strike, 0 to 1.
    """

    id: str
    match: Mapping[str, str]
    fault: Fault
    after: int = 0
    times: int | None = None
    probability: float = 1.0

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Whether a request with ``facts`` is one of those that the rule is about."""
        if self.fault.of_job and facts.get("phase") != "submit":
            return False
        return all(fnmatchcase(facts.get(name, ""), glob) for name, glob in self.match.items())

    def as_json(self) -> dict[str, object]:
        """The rule as the control plane shows it."""
        return {
            "id": self.id,
            "match": dict(self.match),
            "after": self.after,
            "times": self.times,
            "probability": self.probability,
            "fault": {"kind": self.fault.kind, **self.fault.options},
        }


def parse_rule(source: object, *, identifier: str) -> Rule:
    """A rule from its mapping; ``identifier`` names it unless the mapping does. Raises FaultSyntaxError."""
    if not isinstance(source, Mapping):
        raise FaultSyntaxError(f"a fault rule is a mapping, not {source!r}")
    if unknown := sorted(set(source) - _FIELDS):
        raise FaultSyntaxError(
            f"a fault rule has no field {', '.join(map(repr, unknown))}; known: {_known(_FIELDS)}"
        )
    fault = source.get("fault")
    if not isinstance(fault, str | Mapping):
        raise FaultSyntaxError("a fault rule names its fault: {match: {provider: bfl}, fault: {kind: reset}}")
    times = source.get("times")
    return Rule(
        id=str(source.get("id", identifier)),
        match=_match(source.get("match", {})),
        fault=parse_fault(fault),
        after=int(_number("after", source.get("after", 0))),
        times=None if times is None else int(_number("times", times)),
        probability=min(1.0, _number("probability", source.get("probability", 1.0))),
    )


def _match(source: object) -> dict[str, str]:
    if not isinstance(source, Mapping):
        raise FaultSyntaxError(f"match must be a mapping of {_known(MATCHABLE)}")
    if unknown := sorted(set(source) - MATCHABLE):
        raise FaultSyntaxError(f"cannot match on {', '.join(map(repr, unknown))}; known: {_known(MATCHABLE)}")
    return {str(name): str(glob) for name, glob in source.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise FaultSyntaxError(f"{name} must be a number from 0, not {value!r}")
    return float(value)


def _known(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
