"""The plan: a capability compiled, and the calls and answers that travel through it.

A request makes a `Call`, and gets a `Result`. In between, steps make requests of `Operation`s and get
`Answer`s.
"""

from capspec.plan.calls import (
    Call,
    Engine,
    Progress,
    Result,
    is_failure,
)
from capspec.plan.flows import (
    NO_HINTS,
    Flow,
    Input,
)
from capspec.plan.operations import (
    NOTHING,
    Answer,
    Body,
    Codec,
    Extra,
    FollowUp,
    FollowUps,
    Location,
    Operation,
    Parameter,
    PathVariable,
    Upstream,
)
from capspec.plan.plan import (
    ANONYMOUS,
    Guard,
    Inbound,
    Listener,
    MissingVariable,
    Plan,
    Principal,
    Resource,
)
from capspec.plan.steps import (
    Block,
    Loop,
    Reader,
    Recovery,
    Runtime,
    Scope,
    Step,
    Task,
)

__all__ = [
    "ANONYMOUS",
    "NOTHING",
    "NO_HINTS",
    "Answer",
    "Block",
    "Body",
    "Call",
    "Codec",
    "Engine",
    "Extra",
    "Flow",
    "FollowUp",
    "FollowUps",
    "Guard",
    "Inbound",
    "Input",
    "Listener",
    "Location",
    "Loop",
    "MissingVariable",
    "Operation",
    "Parameter",
    "PathVariable",
    "Plan",
    "Principal",
    "Progress",
    "Reader",
    "Recovery",
    "Resource",
    "Result",
    "Runtime",
    "Scope",
    "Step",
    "Task",
    "Upstream", "is_failure",
]  # fmt: skip
