"""The exposed side of a plan: what one REST operation or one MCP tool takes, does and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from capspec.clock import Clock
from capspec.errors import Place, Problem
from capspec.mapping import Output
from capspec.model import HintsSpec
from capspec.plan.operations import NOTHING, Answer, Extra, Location, Operation, PathVariable
from capspec.values import MISSING, Json, Missing

NO_HINTS = HintsSpec()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An argument of a flow.

    `name` is what the file's expressions use; `argument` is the published name, legal for every client.
    `location` and `wire` say where a REST request carries it: `wire` is the placeholder, query or header
    name; a `body` input with `whole` set is the request body itself. `schema` is JSON Schema (2020-12).
    """

    name: str
    argument: str
    schema: Mapping[str, Json]
    required: bool = False
    location: Location = "query"
    wire: str = ""
    whole: bool = False
    constant: Json | Missing = MISSING


class Runtime(Protocol):
    """What a step may use while it runs."""

    clock: Clock

    async def send(self, operation: Operation, arguments: Mapping[str, Json], extra: Extra) -> Answer: ...

    async def decode(self, answer: Answer) -> Json: ...

    async def finish(self, operation: Operation, arguments: Mapping[str, Json]) -> Answer | Json:
        """Start a job and wait for its end: its result, or the answer that started none."""
        ...


@dataclass(slots=True)
class Scope:
    """What a step can see: the caller's arguments, and what earlier steps gave, by name."""

    arguments: dict[str, Json]
    steps: dict[str, Json] = field(default_factory=dict)
    extra: Extra = NOTHING
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, Json]:
        """All names at once, as templates see them; a step's output hides an argument of the same name."""
        return {**dict.fromkeys(self.aliases, self.arguments), **self.arguments, **self.steps}


class Assembly(Protocol):
    """Makes one document of what steps gave; MISSING when there is nothing to make it of."""

    def read(self, scope: Scope) -> Json | Missing: ...


class Step(Protocol):
    """One step of a flow: gives an upstream's answer, a value, or MISSING."""

    @property
    def name(self) -> str: ...

    async def run(self, scope: Scope, runtime: Runtime) -> Answer | Json | Missing: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one REST operation or one MCP tool does: inputs, steps, output.

    `path` alternates literals and variables as the route table needs them ("" parts left out); tools have
    none. `open_query` and `open_body` say that undeclared arguments are passed on as query or JSON body.
    `job` is the operation whose answer is a job, when calling it is all that the flow does.
    `unavailable` says why the flow cannot work; it is then listed by `inspect` and served as an error.
    """

    name: str
    published: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    method: str = ""
    path: tuple[str | PathVariable, ...] = ()
    inputs: tuple[Input, ...] = ()
    input_schema: Mapping[str, Json]
    validate: Callable[[Mapping[str, Json]], list[Problem]]
    steps: tuple[Step, ...] = ()
    document: Assembly | None = None
    output: Output
    output_schema: Mapping[str, Json] | None = None
    open_query: bool = False
    open_body: bool = False
    hints: HintsSpec = NO_HINTS
    timeout: float | None = None
    missing: tuple[str, ...] = ()
    unavailable: str = ""
    calls: tuple[Operation, ...] = ()
    job: Operation | None = None
    aliases: tuple[str, ...] = ()
    place: Place | None = None
