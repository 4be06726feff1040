"""The steps of a flow: what each does, what it waits for, and what becomes of it when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from capspec.clock import Clock
from capspec.events import EventStream
from capspec.plan.operations import NOTHING, Answer, Extra, Operation
from capspec.scripting.scripts import Scripts
from capspec.values import Json, Missing

MAX_ITEMS = 1000
"""The elements that a `for-each` takes when its file names no other limit."""

CONCURRENCY = 5
"""How many elements of a `for-each` run at once when its file does not say."""


@dataclass(slots=True)
class Scope:
    """What a step can see: the caller's arguments, and what earlier steps gave, by name.

    `local` are names of the block around it: the element of a `for-each`, an error. `aliases` are words that
    stand for all arguments. `principal` is the caller's name, `flow` that of the whole flow.
    """

    arguments: dict[str, Json]
    steps: dict[str, Json] = field(default_factory=dict)
    extra: Extra = NOTHING
    aliases: tuple[str, ...] = ()
    local: Mapping[str, Json] = field(default_factory=dict)
    principal: str = ""
    flow: str = ""

    @property
    def values(self) -> dict[str, Json]:
        """All names at once: a step's output hides an argument of the same name."""
        return {**self.arguments, **self.steps, **self.local}

    @property
    def names(self) -> dict[str, Json]:
        """The same as templates see them, with the words that stand for all arguments and all steps."""
        return {"steps": self.steps, **dict.fromkeys(self.aliases, self.arguments), **self.values}

    def within(self, local: Mapping[str, Json]) -> Scope:
        """A scope inside this one, whose steps are not seen from outside."""
        return replace(self, steps=dict(self.steps), local={**self.local, **local})


class Runtime(Protocol):
    """What a step may use while it runs."""

    clock: Clock
    events: EventStream
    scripts: Scripts

    async def send(self, operation: Operation, arguments: Mapping[str, Json], extra: Extra) -> Answer: ...

    async def output(self, answer: Answer) -> Json:
        """The value of an answer as steps see it, with the parts that its operation names."""
        ...

    async def error_body(self, answer: Answer) -> Json:
        """What came with an upstream's error, without secrets; None when it cannot be read."""
        ...

    async def finish(self, operation: Operation, arguments: Mapping[str, Json]) -> Answer | Json:
        """Start a job and wait for its end: its result, or the answer that started none."""
        ...

    async def begin(
        self, operation: Operation, arguments: Mapping[str, Json], principal: str
    ) -> Answer | Json:
        """Start a job: its handle as `job` and its `state`, or the answer that started none."""
        ...

    async def join(self, handle: str, principal: str, seconds: float | None) -> Json:
        """The result of a job that was begun. Raises UpstreamError when it did not succeed in time."""
        ...


class Reader(Protocol):
    """Reads a value in a scope; MISSING when there is none."""

    def read(self, scope: Scope) -> Json | Missing: ...


class Step(Protocol):
    """One step of a flow: gives an upstream's answer, a value, or MISSING."""

    @property
    def name(self) -> str: ...

    async def run(self, scope: Scope, runtime: Runtime) -> Answer | Json | Missing: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A step runs for each element of a list, `concurrency` at a time, with the element as `variable`."""

    items: Reader
    variable: str = "item"
    concurrency: int = CONCURRENCY
    limit: int = MAX_ITEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What stands for a failed step's output: a value, what `block` gives, or nothing."""

    value: Reader | None = None
    block: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A step and what governs it. It runs when all of `after` have ended: positions in the same block.

    `kind` is the step's word in the file, "" for a call that is a whole flow, of which events tell already.
    """

    step: Step
    kind: str = ""
    after: frozenset[int] = frozenset()
    condition: Reader | None = None
    loop: Loop | None = None
    recovery: Recovery | None = None

    @property
    def plain(self) -> bool:
        """Whether the step always runs, once, and its failure is the flow's."""
        return self.condition is None and self.loop is None and self.recovery is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Tasks in the order of the file. What it gives is `document`, or else what its last task gives."""

    tasks: tuple[Task, ...]
    document: Reader | None = None
