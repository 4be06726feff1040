"""Skills to the JSON that is told of them; what is not set is left out."""

from __future__ import annotations

from collections.abc import Iterable

from capspec.folders import File
from capspec.plan.skills import Skill, SkillTool
from capspec.skills.contents import media_type_of
from capspec.values import Json


def catalogue(skills: Iterable[Skill]) -> dict[str, Json]:
    """All skills: how many, and of each its name, description, license and the names of its tools."""
    found = [_summary(skill) for skill in skills]
    return {"count": len(found), "skills": found}


def detail(skill: Skill) -> dict[str, Json]:
    """One skill, with its tools."""
    said: dict[str, Json] = {
        "name": skill.name,
        "description": skill.description,
        "license": skill.license,
        "compatibility": skill.compatibility,
        "argument-hint": skill.argument_hint,
        "allowed-tools": skill.allowed_tools,
        "user-invocable": skill.user_invocable,
        "disable-model-invocation": skill.disable_model_invocation,
        "metadata": dict(skill.metadata),
    }
    kept = {key: value for key, value in said.items() if value not in ("", {})}
    return {**kept, "tools": [_tool(tool) for tool in skill.tools]}


def contents(skill: Skill, files: Iterable[File]) -> dict[str, Json]:
    """The files of a skill: path, size in bytes, media type."""
    listed = [{"path": file.name, "size": file.size, "type": media_type_of(file.name)} for file in files]
    return {"name": skill.name, "files": listed}


def _summary(skill: Skill) -> dict[str, Json]:
    license_of = {"license": skill.license} if skill.license else {}
    tools = [tool.name for tool in skill.tools]
    return {"name": skill.name, "description": skill.description, **license_of, "tools": tools}


def _tool(tool: SkillTool) -> dict[str, Json]:
    said: dict[str, Json] = {"name": tool.name, "description": tool.description}
    if tool.source is None:
        return {**said, "type": "instruction", "instruction": tool.instruction}
    source = tool.source
    reference = {"targetNamespace": source.namespace, "action": source.action, "mode": source.mode}
    return {**said, "type": "derived", "invocationRef": reference}
