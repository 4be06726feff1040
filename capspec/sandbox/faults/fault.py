"""Text or a mapping to a Fault: ``status 429 retry-after=2``, ``{kind: trickle, interval: 0.1}``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

# Faults of one answer, with the options that each understands.
ANSWER_KINDS: dict[str, frozenset[str]] = {
    "status": frozenset({"status", "retry-after", "retry-after-date"}),
    "malformed": frozenset(),
    "html": frozenset({"status"}),
    "empty": frozenset({"status"}),
    "wrong-type": frozenset({"type"}),
    "wrong-charset": frozenset(),
    "truncate": frozenset(),
    "abort-chunked": frozenset(),
    "close": frozenset(),
    "reset": frozenset(),
    "stall": frozenset({"seconds"}),
    "slow": frozenset({"seconds"}),
    "trickle": frozenset({"interval", "bytes"}),
    "lost-response": frozenset({"how"}),
    "redirect": frozenset({"status", "to"}),
}
# Faults of a whole job, settled when it is submitted.
JOB_KINDS: dict[str, frozenset[str]] = {
    "fail": frozenset({"code", "message"}),
    "moderate:request": frozenset({"reason"}),
    "moderate:content": frozenset({"reason"}),
    "stuck": frozenset(),
    "vanish": frozenset({"after"}),
    "flap": frozenset({"seconds"}),
    "unknown-status": frozenset({"status"}),
    "progress-backwards": frozenset(),
    "late-cost": frozenset({"seconds"}),
    "expired-asset": frozenset(),
    "asset-404": frozenset(),
    "evil-poll-url": frozenset({"url"}),
}
KINDS = {**ANSWER_KINDS, **JOB_KINDS}
# Options of a prompt's directive that say when it strikes.
TIMING = frozenset({"phase", "after", "times"})
# The option that a bare first word fills: ``status 429``, ``stall 5``.
_POSITIONAL = {"status": "status", "html": "status", "stall": "seconds", "slow": "seconds", "redirect": "to"}
_DIRECTIVE = re.compile(rb"\[\[fault:([^\]]{1,300})\]\]")


class FaultSyntaxError(ValueError):
    """A fault that cannot be understood; the message says what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, and its options as text."""

    kind: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_job(self) -> bool:
        """Whether it strikes a job's timeline rather than one answer."""
        return self.kind in JOB_KINDS

    def text(self, option: str, default: str) -> str:
        """An option's text."""
        return self.options.get(option, default)

    def number(self, option: str, default: float) -> float:
        """An option's number."""
        return float(self.options.get(option, default))

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{name}={value}" for name, value in sorted(self.options.items()))])


def parse_fault(source: str | Mapping[str, object]) -> Fault:
    """A fault from its text or its mapping. Raises FaultSyntaxError."""
    if isinstance(source, str):
        return _from_words(source)
    options = {str(name).replace("_", "-"): str(value) for name, value in source.items()}
    if "kind" not in options:
        raise FaultSyntaxError("a fault names its kind: {kind: reset}")
    return _checked(options.pop("kind"), options)


def directives(body: bytes) -> list[Fault]:
    """Every ``[[fault:…]]`` in a request's body, in order. Raises FaultSyntaxError."""
    return [_from_words(found.decode("utf-8", "replace")) for found in _DIRECTIVE.findall(body)]


def _from_words(text: str) -> Fault:
    try:
        kind, *words = shlex.split(text)
    except ValueError:
        raise FaultSyntaxError(f"{text!r} is not a fault") from None
    options = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            name, value = _POSITIONAL.get(kind, ""), word
        options[name] = value
    return _checked(kind, options)


def _checked(kind: str, options: dict[str, str]) -> Fault:
    kind = kind.removeprefix("job-")
    if kind not in KINDS:
        raise FaultSyntaxError(f"unknown fault {kind!r}; known: {', '.join(sorted(KINDS))}")
    if unknown := sorted(set(options) - KINDS[kind] - TIMING):
        known = ", ".join(sorted(KINDS[kind])) or "none"
        raise FaultSyntaxError(
            f"fault {kind!r} has no option {', '.join(map(repr, unknown))}; known: {known}"
        )
    for name in ("seconds", "after", "times", "interval", "bytes", "retry-after-date"):
        _check_number(kind, name, options.get(name))
    if not re.fullmatch(r"[2-5]\d\d", options.get("status", "200")) and kind != "unknown-status":
        raise FaultSyntaxError(f"fault {kind!r}: {options['status']!r} is not an HTTP status from 200 to 599")
    return Fault(kind=kind, options=options)


def _check_number(kind: str, name: str, value: str | None) -> None:
    try:
        if value is not None and not float(value) >= 0:
            raise ValueError
    except ValueError:
        raise FaultSyntaxError(f"fault {kind!r}: {name} must be a number from 0, not {value!r}") from None
