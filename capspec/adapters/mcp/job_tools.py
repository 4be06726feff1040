"""A flow that starts jobs to MCP tools: what its own says of them, and those that look at and stop them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import mcp.types as types

from capspec.adapters.mcp.schemas import Shape, compile_shape, split_schema
from capspec.desk import envelope_schema
from capspec.errors import InputError
from capspec.plan import Flow
from capspec.validation import compile_check
from capspec.values import Json

Role: TypeAlias = Literal["call", "status", "cancel"]
"""What calling a tool does: what its flow does, or something about a job that the flow has started."""

LONGEST_WAIT: Final = 45
"""Seconds for which one question about a job may wait: many clients give up after 60."""

_JOB: Final = "job"
_WAIT: Final = "wait_seconds"
_INLINE: Final = "inline"
_MEDIA: dict[str, Json] = {
    "type": "boolean",
    "default": False,
    "description": "Whether to give the image or audio itself too, where it is under 512 KiB.",
}
_HANDLE: dict[str, Json] = {"type": "string", "description": "the 'job' of an earlier answer"}
_SECONDS: dict[str, Json] = {
    "type": "integer",
    "minimum": 0,
    "maximum": LONGEST_WAIT,
    "default": 0,
    "description": "For how many seconds to wait for the end of the job.",
}
_CLOSED: dict[str, Json] = {"type": "object", "required": [_JOB], "additionalProperties": False}
_INPUTS: dict[Role, dict[str, Json]] = {
    "status": {**_CLOSED, "properties": {_JOB: _HANDLE, _WAIT: _SECONDS, _INLINE: _MEDIA}},
    "cancel": {**_CLOSED, "properties": {_JOB: _HANDLE}},
}
_CHECKS: Final = {role: compile_check(schema) for role, schema in _INPUTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTools:
    """The names of the tools for the jobs of one flow; `cancel` is "" where jobs cannot be canceled.

    `mark` follows a handle where the handle is a task's id: it is the published name of the flow when others
    start jobs of the same operation, otherwise "".
    """

    start: str
    status: str
    cancel: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """The arguments of a tool that asks about a job.

    `seconds` is for how long it waits for the end; `inline` asks for the media itself beside the link.
    """

    handle: str
    seconds: float
    inline: bool = False

    @classmethod
    def of(cls, role: Role, arguments: Mapping[str, Json]) -> Question:
        """The arguments of a tool. Raises InputError."""
        if problems := _CHECKS[role](arguments):
            raise InputError(problems)
        return cls(arguments[_JOB], arguments.get(_WAIT, 0), arguments.get(_INLINE, False))


def envelope_shape(flow: Flow) -> Shape | None:
    """What the structured content of a flow's job looks like: the envelope, with the flow's result in it."""
    own = compile_shape(flow.output_schema)
    inner, shared = split_schema(flow.output_schema or {}) if own is not None else ({}, {})
    return compile_shape({**shared, **envelope_schema(inner)})


def with_waiting(description: str, tools: JobTools) -> str:
    """The description of a tool that starts jobs."""
    waiting = f"Waits for its job; if that takes long, it answers with a 'job' to give to {tools.status}."
    return f"{description.rstrip()}\n\n{waiting}" if description else waiting


def status_tool(flow: Flow, tools: JobTools, schema: dict[str, Json] | None) -> types.Tool:
    """The tool that says where a job stands."""
    return types.Tool(
        name=tools.status,
        title=f"{flow.title}: status" if flow.title else None,
        description=f"Says where a job of {tools.start} stands, and gives its result when it has ended.",
        input_schema=_input("status", tools),
        output_schema=schema,
        annotations=types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        ),
    )


def cancel_tool(flow: Flow, tools: JobTools, schema: dict[str, Json] | None) -> types.Tool:
    """The tool that stops a job."""
    return types.Tool(
        name=tools.cancel,
        title=f"{flow.title}: cancel" if flow.title else None,
        description=f"Stops a job of {tools.start} that is under way. What it has cost so far may be lost.",
        input_schema=_input("cancel", tools),
        output_schema=schema,
        annotations=types.ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
        ),
    )


def _input(role: Role, tools: JobTools) -> dict[str, Json]:
    schema = _INPUTS[role]
    handle = {**_HANDLE, "description": f"The 'job' that {tools.start} answered with, unchanged."}
    return {**schema, "properties": {**schema["properties"], _JOB: handle}}
