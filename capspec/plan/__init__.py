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
    Assembly,
    Flow,
    Input,
    Runtime,
    Scope,
    Step,
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
    Listener,
    MissingVariable,
    Plan,
    Principal,
    Resource,
)

__all__ = [
    "ANONYMOUS",
    "NOTHING",
    "NO_HINTS",
    "Answer",
    "Assembly",
    "Body",
    "Call",
    "Codec",
    "Engine",
    "Extra",
    "Flow",
    "FollowUp",
    "FollowUps",
    "Guard",
    "Input",
    "Listener",
    "Location",
    "MissingVariable",
    "Operation",
    "Parameter",
    "PathVariable",
    "Plan",
    "Principal",
    "Progress",
    "Resource",
    "Result",
    "Runtime",
    "Scope",
    "Step",
    "Upstream", "is_failure",
]  # fmt: skip
