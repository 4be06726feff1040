"""The exposed side of a plan: what one REST operation or one MCP tool takes, does and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from capspec.errors import Place, Problem
from capspec.jsonpath import JsonPath
from capspec.mapping import Output
from capspec.model import HintsSpec
from capspec.model.groups import NO_GROUP, GroupSpec
from capspec.model.responses import ResponseSpec
from capspec.plan.operations import Location, Operation, PathVariable
from capspec.plan.steps import Block, Reader
from capspec.values import MISSING, Json, Missing

NO_HINTS = HintsSpec()
NO_STEPS = Block(tasks=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An argument of a flow.

    `name` is what the file's expressions use; `argument` is the published name, legal for every client.
    `location` and `wire` say where a REST request carries it: `wire` is the placeholder, query or header
    name; a `body` input with `whole` set is the request body itself, one with a `path` is what that leads to
    in the body. `schema` is JSON Schema (2020-12).
    """

    name: str
    argument: str
    schema: Mapping[str, Json]
    required: bool = False
    location: Location = "query"
    wire: str = ""
    whole: bool = False
    path: JsonPath | None = None
    constant: Json | Missing = MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one REST operation or one MCP tool does: inputs, steps, output.

    `path` alternates literals and variables as the route table needs them ("" parts left out); tools have
    none. `open_query` and `open_body` say that undeclared arguments are passed on as query or JSON body.
    `preset` makes the arguments that the steps see of the caller's. `job` is the operation whose answer is a
    job, when calling it is all that the flow does. `responses` are what its author says that it answers, and
    `group` is what they say of the resource that it belongs to.
    `unavailable` says why the flow cannot work; it is then listed by `inspect` and served as an error. `ref`
    is the function of an aggregate that it offers.
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
    block: Block = NO_STEPS
    preset: Reader | None = None
    output: Output
    output_schema: Mapping[str, Json] | None = None
    open_query: bool = False
    open_body: bool = False
    hints: HintsSpec = NO_HINTS
    timeout: float | None = None
    missing: tuple[str, ...] = ()
    unavailable: str = ""
    calls: tuple[Operation, ...] = ()
    responses: tuple[ResponseSpec, ...] = ()
    group: GroupSpec = NO_GROUP
    job: Operation | None = None
    aliases: tuple[str, ...] = ()
    ref: str = ""
    place: Place | None = None
