"""What a skill listener offers: skills for agents to read, and the tools of other listeners that they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from capspec.folders import Folder
from capspec.plan.flows import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSource:
    """The listener that a tool of a skill belongs to, what it is called there, and what it does.

    `mode` is the listener's type, `action` the author's word for the flow.
    """

    namespace: str
    action: str
    mode: str
    flow: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillTool:
    """Either a tool of another listener (`source`), or a file of the skill's folder to read."""

    name: str
    description: str
    source: ToolSource | None = None
    instruction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A skill. `name` is what its author calls it, and is safe in a path; `directory` is the name of the
    folder that it is installed in, which is what the Agent Skills convention takes for its name.

    `folder` is None when the author has none, or it is not there.
    """

    name: str
    directory: str
    description: str
    tools: tuple[SkillTool, ...] = ()
    license: str = ""
    compatibility: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    allowed_tools: str = ""
    argument_hint: str = ""
    user_invocable: bool = True
    disable_model_invocation: bool = False
    folder: Folder | None = None
