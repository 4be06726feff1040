"""The objects of the language: what kind of object stands below which key of which kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of object.

    `one` says by key which kind of object stands there; `named` of which kind the entries are of a list of
    objects with a `name`, or of a map by name; `listed` the same for what is a list in all dialects.
    """

    one: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, str] = field(default_factory=dict)


_GUARD: Final = {"authentication": "authentication", "auth": "authentication"}
_SECTIONS: Final = {
    "binds": "bind",
    "externalRefs": "bind",
    "consumes": "api",
    "imports": "import",
    "aggregates": "aggregate",
    "exposes": "adapter",
}
_FLOW: Final = Shape(
    one={
        "hints": "hints",
        "semantics": "semantics",
        "call": "call",
        "responses": "responses",
        "responseBinary": "responseBinary",
    },
    named={"inputParameters": "input", "steps": "step", "outputParameters": "output"},
    listed={"mappings": "mapping"},
)
_PLAIN: Final = Shape()

SHAPES: Final[Mapping[str, Shape]] = {
    "file": Shape(
        one={"info": "info", "capability": "capability"}, listed={**_SECTIONS, "stakeholders": "stakeholder"}
    ),
    "info": Shape(listed={"stakeholders": "stakeholder"}),
    "stakeholder": _PLAIN,
    "capability": Shape(listed=_SECTIONS),
    "bind": _PLAIN,
    "import": _PLAIN,
    "api": Shape(
        one={**_GUARD, "tunnel": "tunnel"},
        named={"inputParameters": "input", "resources": "apiResource", "operations": "apiOperation"},
    ),
    "tunnel": _PLAIN,
    "apiResource": Shape(named={"inputParameters": "input", "operations": "apiOperation"}),
    "apiOperation": Shape(
        one={"poll": "poll", "idempotency": "idempotency", "webhook": "webhook", "assets": "assets"},
        named={"inputParameters": "input", "outputParameters": "output"},
    ),
    "input": Shape(one={"items": "input"}, named={"properties": "input"}),
    "output": Shape(one={"items": "output", "values": "output"}, named={"properties": "output"}),
    "authentication": _PLAIN,
    "poll": Shape(
        one={
            "status": "jobStatus",
            "request": "jobRequest",
            "result": "jobResult",
            "cancel": "jobRequest",
            "error": "jobError",
        }
    ),
    "jobStatus": _PLAIN,
    "jobRequest": _PLAIN,
    "jobResult": _PLAIN,
    "jobError": _PLAIN,
    "idempotency": _PLAIN,
    "webhook": _PLAIN,
    "assets": _PLAIN,
    "call": _PLAIN,
    "hints": _PLAIN,
    "semantics": _PLAIN,
    "responses": _PLAIN,
    "responseBinary": _PLAIN,
    "step": Shape(named={"steps": "step", "try": "step", "do": "step"}, listed={"mappings": "mapping"}),
    "mapping": _PLAIN,
    "rest": Shape(one=_GUARD, named={"inputParameters": "input", "resources": "restResource"}),
    "restResource": Shape(
        one={"forward": "forward"}, named={"inputParameters": "input", "operations": "restOperation"}
    ),
    "forward": _PLAIN,
    "restOperation": _FLOW,
    "mcp": Shape(one=_GUARD, named={"tools": "tool", "resources": "mcpResource", "prompts": "prompt"}),
    "tool": _FLOW,
    "mcpResource": _FLOW,
    "prompt": Shape(named={"arguments": "argument"}, listed={"template": "message"}),
    "argument": _PLAIN,
    "message": _PLAIN,
    "skillAdapter": Shape(
        one={**_GUARD, "skill": "skill"}, named={"skills": "skill", "groups": "skillGroup"}
    ),
    "skill": Shape(named={"tools": "skillTool"}),
    "skillGroup": Shape(named={"tools": "skillTool", "skills": "skill"}),
    "skillTool": Shape(one={"from": "skillToolSource"}),
    "skillToolSource": _PLAIN,
    "control": Shape(one={**_GUARD, "management": "management"}),
    "management": _PLAIN,
    "aggregate": Shape(named={"functions": "function", "flows": "function"}),
    "function": _FLOW,
    "other": _PLAIN,
}
"""By kind; `other` is an adapter of a type that is not known."""

ADAPTERS: Final = {
    "rest": "rest",
    "api": "rest",
    "mcp": "mcp",
    "skill": "skillAdapter",
    "agent-skill": "skillAdapter",
    "control": "control",
}
"""The `type` of an adapter, in lower case, to its kind."""
