"""A plan to its skills: those that the file declares, or one that is made of all its tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from capspec.plan import Flow, Listener, Plan
from capspec.plan.skills import Skill, SkillTool, ToolSource

_LONGEST_DESCRIPTION = 1024


def skills_of(plan: Plan) -> tuple[Skill, ...]:
    """Every skill of a capability. One without a skill adapter is a skill itself, if it has a tool."""
    declared = tuple(skill for listener in plan.listeners for skill in listener.skills)
    if declared or any(listener.type == "skill" for listener in plan.listeners):
        return declared
    tools = _tools(plan.listeners)
    return (_whole(plan, tools),) if tools else ()


def _tools(listeners: Sequence[Listener]) -> tuple[SkillTool, ...]:
    """The tools of agents, or, where there are none, the operations of REST."""
    for mode in ("mcp", "rest"):
        found: dict[str, SkillTool] = {}
        for listener in listeners:
            for flow in listener.available if listener.type == mode else ():
                found.setdefault(flow.published, _tool(listener, flow))
        if found:
            return tuple(found.values())
    return ()


def _tool(listener: Listener, flow: Flow) -> SkillTool:
    source = ToolSource(namespace=listener.namespace, action=flow.name, mode=listener.type, flow=flow)
    return SkillTool(name=flow.published, description=flow.description, source=source)


def _whole(plan: Plan, tools: Iterable[SkillTool]) -> Skill:
    about = plan.description or plan.title or f"What {plan.name} can do."
    names = ", ".join(tool.name for tool in tools)
    return Skill(
        name=plan.name,
        directory=plan.name[:64].strip("-"),
        description=_fitting(f"{_sentence(about)} Use it for: {names}.", about),
        tools=tuple(tools),
    )


def _sentence(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _fitting(*texts: str) -> str:
    """The first text that is short enough, or what fits of the last one."""
    return next(
        (text for text in texts if len(text) <= _LONGEST_DESCRIPTION), texts[-1][:_LONGEST_DESCRIPTION]
    )
