"""Skill specs to skills: tools linked to the listeners that have them, locations to folders.

What cannot work is left out, and a warning says why.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from capspec.compiler.locations import open_location
from capspec.errors import Severity
from capspec.folders import Folder, is_shown
from capspec.model import ListenerSpec
from capspec.model.renaming import written_namespace
from capspec.model.skills import SkillSpec, SkillToolSpec
from capspec.node import Report
from capspec.plan import Flow, Listener
from capspec.plan.skills import Skill, SkillTool, ToolSource

LONGEST_NAME = 64
"""Characters of a skill's name in the Agent Skills convention."""

LONGEST_DESCRIPTION = 1024
LONGEST_COMPATIBILITY = 500

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def directory_name(name: str) -> str:
    """A name as the Agent Skills convention wants it: lower-case letters, figures and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_NAME].rstrip("-") or "skill"


def with_skills(
    listeners: Iterable[Listener], specs: Sequence[ListenerSpec], report: Report
) -> list[Listener]:
    """The listeners, and those that offer skills with them. `specs` are all that the file exposes."""
    served = list(listeners)
    return [
        replace(listener, skills=_SkillCompiler(listener, served, specs, report).skills())
        if listener.type == "skill"
        else listener
        for listener in served
    ]


@dataclass(slots=True)
class _SkillCompiler:
    listener: Listener
    served: Sequence[Listener]
    specs: Sequence[ListenerSpec]
    report: Report

    def skills(self) -> tuple[Skill, ...]:
        found: dict[str, Skill] = {}
        for spec in self.listener.spec.skills:
            name = self._name(spec)
            directory = directory_name(name)
            if name and directory not in found:
                found[directory] = self._skill(spec, name, directory)
            elif name:
                self._tell("CAP387", f"there are two skills '{name}'; the first one is served", spec)
        return tuple(found.values())

    def _name(self, spec: SkillSpec) -> str:
        """The skill's name in paths, "" when it has none."""
        if not spec.name:
            self._tell("CAP380", "a skill has no name and is left out", spec, hint="add 'name'")
        elif not _SAFE_NAME.fullmatch(spec.name):
            name = directory_name(spec.name)
            message = f"'{spec.name}' is no name for a skill; it is served as '{name}'"
            self._tell("CAP388", message, spec, hint="use letters, figures and hyphens")
            return name
        return spec.name

    def _skill(self, spec: SkillSpec, name: str, directory: str) -> Skill:
        self._check(spec, name)
        folder = self._folder(spec, name)
        tools: dict[str, SkillTool] = {}
        for item in spec.tools:
            tool = self._tool(item, spec, folder)
            if tool is None:
                continue
            if tool.name in tools:
                self._tell(
                    "CAP387", f"skill '{name}' has two tools '{tool.name}'; the first one counts", item
                )
            tools.setdefault(tool.name, tool)
        return Skill(
            name=name,
            directory=directory,
            description=spec.description,
            tools=tuple(tools.values()),
            license=spec.license,
            compatibility=spec.compatibility,
            metadata=spec.metadata,
            allowed_tools=spec.allowed_tools,
            argument_hint=spec.argument_hint,
            user_invocable=spec.user_invocable,
            disable_model_invocation=spec.disable_model_invocation,
            folder=folder,
        )

    def _check(self, spec: SkillSpec, name: str) -> None:
        if not spec.description:
            hint = "say what it does, and when an agent should use it"
            self._tell(
                "CAP385", f"skill '{name}' has no description, by which agents choose", spec, hint=hint
            )
        for what, text, most in (
            ("description", spec.description, LONGEST_DESCRIPTION),
            ("compatibility", spec.compatibility, LONGEST_COMPATIBILITY),
        ):
            if len(text) > most:
                message = f"the {what} of skill '{name}' has more than {most} characters"
                self._tell("CAP385", message, spec, hint="agents may cut it, or refuse the skill")

    def _folder(self, spec: SkillSpec, name: str) -> Folder | None:
        if not spec.location:
            return None
        try:
            folder, file = open_location(spec.location, spec.node.document)
            if file:
                raise ValueError(f"'{spec.location}' is a file, and should be a folder")
        except ValueError as error:
            message = f"skill '{name}' is served without its files: {error}"
            self._tell("CAP386", message, spec, key="location", text=spec.location)
            return None
        return folder

    # -- tools ----------------------------------------------------------------------------------------

    def _tool(self, item: SkillToolSpec, spec: SkillSpec, folder: Folder | None) -> SkillTool | None:
        name = item.name or item.action or item.call.rpartition(".")[2] or item.instruction
        if sum((item.derived, bool(item.call), bool(item.instruction))) != 1:
            message = f"tool '{name}' of a skill needs exactly one of 'from' and 'instruction'"
            self._tell("CAP381", message, item, severity="error")
            return None
        if item.instruction:
            return self._instruction(name, item, spec, folder)
        source = self._source(name, item) if item.derived else self._caller(name, item)
        if source is None:
            return None
        description = item.description or source.flow.description
        return SkillTool(name=name, description=description, source=source)

    def _instruction(
        self, name: str, item: SkillToolSpec, spec: SkillSpec, folder: Folder | None
    ) -> SkillTool | None:
        path = item.instruction.removeprefix("./")
        if not spec.location:
            message = f"tool '{name}' of a skill is a file, and the skill has no folder"
            self._tell("CAP384", message, item, hint="add 'location' to the skill", severity="error")
            return None
        if not all(map(is_shown, path.split("/"))):
            message = f"tool '{name}' of a skill is left out: '{item.instruction}' is no file in its folder"
            hint = "write a path relative to the skill's location"
            self._tell("CAP384", message, item, hint=hint, key="instruction", text=item.instruction)
            return None
        if folder is not None and folder.size(path) is None:
            message = f"tool '{name}' of a skill names the file '{path}', which is not in its folder"
            self._tell("CAP384", message, item, key="instruction", text=item.instruction)
        return SkillTool(name=name, description=item.description, instruction=path)

    def _source(self, name: str, item: SkillToolSpec) -> ToolSource | None:
        """What `from` names."""
        listener = self._sibling(item)
        if listener is None:
            self._lost(name, item)
            return None
        flow = next((flow for flow in listener.flows if item.action in (flow.name, flow.published)), None)
        if flow is None:
            near = difflib.get_close_matches(item.action, [flow.name for flow in listener.flows], 1)
            hint = f"did you mean '{near[0]}'?" if near else "name one of its tools or operations in 'action'"
            message = f"tool '{name}' of a skill: '{listener.namespace}' has no '{item.action}'"
            self._tell("CAP383", message, item, hint=hint, key="action", text=item.action)
            return None
        return _tool_source(listener, item.action, flow)

    def _sibling(self, item: SkillToolSpec) -> Listener | None:
        """The listener of a namespace, as it is here, or as it is in the file that says so."""
        offers = [listener for listener in self.served if listener.type in ("mcp", "rest")]
        exact = [listener for listener in offers if listener.namespace == item.namespace]
        written = [
            listener
            for listener in offers
            if listener.place.source == item.place.source
            and written_namespace(listener.spec.node) == item.namespace
        ]
        return next(iter([*written, *exact]), None)

    def _lost(self, name: str, item: SkillToolSpec) -> None:
        known = [spec.namespace for spec in self.specs if spec.type in ("mcp", "rest")]
        if item.namespace in known:
            # Why that one is not served is said where it stands.
            return
        near = difflib.get_close_matches(item.namespace, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else "name a rest or mcp adapter of this file"
        message = f"tool '{name}' of a skill: no adapter has the namespace '{item.namespace}'"
        self._tell("CAP382", message, item, hint=hint, text=item.namespace)

    def _caller(self, name: str, item: SkillToolSpec) -> ToolSource | None:
        """What another listener offers that does nothing but the `call`; agents' tools come first."""
        offers = sorted(
            (listener for listener in self.served if listener.type in ("mcp", "rest")),
            key=lambda listener: listener.type != "mcp",
        )
        for listener in offers:
            for flow in listener.flows:
                if [operation.id for operation in flow.calls] == [item.call]:
                    return _tool_source(listener, flow.name, flow)
        message = f"tool '{name}' of a skill is left out: no other adapter offers what calls '{item.call}'"
        self._tell("CAP383", message, item, hint="expose it as a tool, and name that in 'from'")
        return None

    def _tell(
        self,
        code: str,
        message: str,
        at: SkillSpec | SkillToolSpec,
        *,
        hint: str = "",
        severity: Severity = "warning",
        text: str = "",
        key: str = "",
    ) -> None:
        """`text` is what is wrong, and `key` where it is written, when it is not the whole."""
        place = self.report.spot(at.place, text, key=key)
        hint = hint or _MEND.get(code, "")
        self.report.add(code, message, place=place, hint=hint, severity=severity)


_MEND = {
    "CAP384": "correct the path, or make the file",
    "CAP386": "correct 'location', or make the folder; it is relative to this file",
    "CAP387": "give one of them another name",
}


def _tool_source(listener: Listener, action: str, flow: Flow) -> ToolSource:
    return ToolSource(namespace=listener.namespace, action=action, mode=listener.type, flow=flow)
