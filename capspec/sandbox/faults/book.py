"""A request's facts to the faults that strike it: its header, its prompt, the rules, in that order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from capspec.sandbox.faults.fault import TIMING, Fault, FaultSyntaxError, directives, parse_fault
from capspec.sandbox.faults.rule import Rule, parse_rule
from capspec.sandbox.randomness import seeded

HEADER = "x-sandbox-fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What hits one request: at most one fault of its answer, any number of faults of the job it makes.

    deferred: faults that wait for a later request about that job. source: who asked for them.
    """

    answer: Fault | None = None
    job: tuple[Fault, ...] = ()
    deferred: tuple[Fault, ...] = ()
    source: str | None = None


class FaultBook:
    """The rules in force and how often each has struck."""

    def __init__(self, rules: Iterable[Mapping[str, object]], *, seed: int) -> None:
        self._initial = tuple(
            parse_rule(rule, identifier=f"rule-{i}") for i, rule in enumerate(rules, start=1)
        )
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Back to the rules that the sandbox was started with, none of them used."""
        self.rules: list[Rule] = []
        self._added = 0
        self._seen: dict[str, int] = {}
        self._struck: dict[str, int] = {}
        self._draws: dict[str, random.Random] = {}
        for rule in self._initial:
            self._insert(rule)

    def add(self, source: Mapping[str, object]) -> Rule:
        """One more rule, after the others. Raises FaultSyntaxError."""
        rule = parse_rule(source, identifier=f"rule-{self._added + 1}")
        self._insert(rule)
        return rule

    def defer(self, fault: Fault, job: str) -> None:
        """Let ``fault`` strike later requests about ``job``, as its own timing options say."""
        times = int(fault.number("times", 1)) or None
        plain = replace(fault, options={k: v for k, v in fault.options.items() if k not in TIMING})
        match = {"job": job, "phase": fault.text("phase", "poll")}
        after = int(fault.number("after", 0))
        self._insert(
            Rule(id=f"directive-{self._added + 1}", match=match, fault=plain, after=after, times=times)
        )

    def remove(self, identifier: str | None = None) -> int:
        """Forget the rule of that id, or every rule; how many went."""
        kept = [rule for rule in self.rules if identifier is not None and rule.id != identifier]
        gone = len(self.rules) - len(kept)
        self.rules = kept
        return gone

    def struck(self, rule: Rule) -> int:
        """How often ``rule`` has struck."""
        return self._struck[rule.id]

    def strike(self, facts: Mapping[str, str], header: str | None, body: bytes) -> Strike:
        """What hits the request. Raises FaultSyntaxError for a header or directive that cannot be read."""
        if header:
            return _sorted([parse_fault(header)], "header")
        if facts.get("phase") in ("submit", "token") and (found := directives(body)):
            return _sorted(found, "prompt")
        for rule in self.rules:
            if rule.fits(facts) and self._due(rule):
                return _sorted([rule.fault], rule.id)
        return Strike()

    def _insert(self, rule: Rule) -> None:
        if any(rule.id == other.id for other in self.rules):
            raise FaultSyntaxError(f"there is already a fault rule {rule.id!r}")
        self._added += 1
        self.rules.append(rule)
        self._seen[rule.id] = self._struck[rule.id] = 0
        self._draws[rule.id] = seeded(self._seed, "fault", rule.id)

    def _due(self, rule: Rule) -> bool:
        self._seen[rule.id] += 1
        if self._seen[rule.id] <= rule.after:
            return False
        if rule.times is not None and self._struck[rule.id] >= rule.times:
            return False
        if self._draws[rule.id].random() >= rule.probability:
            return False
        self._struck[rule.id] += 1
        return True


def _sorted(faults: list[Fault], source: str) -> Strike:
    later = tuple(f for f in faults if f.text("phase", "submit") != "submit")
    now = [f for f in faults if f not in later]
    answers = [f for f in now if not f.of_job]
    return Strike(
        answer=answers[0] if answers else None,
        job=tuple(f for f in now if f.of_job),
        deferred=later,
        source=source,
    )
