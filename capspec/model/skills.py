"""The skills of an exposed `skill` adapter, as the author wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capspec.errors import Place
from capspec.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillToolSpec:
    """A tool of a skill. It is one of three things; the others are "".

    `namespace` and `action` name what another adapter exposes (`from`); `call` an operation that another
    adapter's tool calls; `instruction` a file of the skill's folder.
    """

    name: str
    description: str
    namespace: str
    action: str
    call: str
    instruction: str
    derived: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillSpec:
    """A skill in the sense of the Agent Skills convention: what an agent reads to know how to do something.

    `location` is the folder that has its files, "" for none.
    """

    name: str
    description: str
    license: str
    compatibility: str
    metadata: dict[str, str]
    allowed_tools: str
    argument_hint: str
    user_invocable: bool
    disable_model_invocation: bool
    location: str
    tools: tuple[SkillToolSpec, ...]
    node: Node
    place: Place


def parse_skills(node: Node) -> tuple[SkillSpec, ...]:
    """Every skill of an adapter: its `skills`, and the `groups` and the one `skill` of other files."""
    found = [_skill(name, item, item.named("tools")) for name, item in node.named("skills")]
    found += [_group(name, item) for name, item in node.named("groups")]
    single = node.get("skill")
    if single is not None and not isinstance(single.value, dict):
        meant = "did you mean 'skills'?" if isinstance(single.value, list) else ""
        single.wrong("a mapping", hint=meant)
    elif single is not None:
        found.append(_skill(single.text("name"), single, single.named("tools")))
    return tuple(found)


def _group(name: str, node: Node) -> SkillSpec:
    return _skill(name, node, node.named("skills", "tools"), kind="a group of skills")


def _skill(name: str, node: Node, tools: Iterable[tuple[str, Node]], *, kind: str = "a skill") -> SkillSpec:
    spec = SkillSpec(
        name=name,
        description=node.text("description"),
        license=node.text("license"),
        compatibility=node.text("compatibility"),
        metadata=_metadata(node),
        allowed_tools=" ".join(node.texts("allowed-tools", "allowedTools")),
        argument_hint=node.text("argument-hint", "argumentHint"),
        user_invocable=_flag(node, True, "user-invocable", "userInvocable"),
        disable_model_invocation=_flag(node, False, "disable-model-invocation", "disableModelInvocation"),
        location=node.text("location"),
        tools=(*_itself(name, node), *(_tool(key, item) for key, item in tools)),
        node=node,
        place=node.place,
    )
    node.has("name", "id")
    node.finish(kind)
    return spec


def _itself(name: str, node: Node) -> Iterable[SkillToolSpec]:
    """A skill that says what it calls is one tool."""
    called = _called(node)
    if called:
        yield SkillToolSpec(
            name=name,
            description=node.text("description"),
            namespace="",
            action="",
            call=called,
            instruction="",
            derived=False,
            place=node.place,
        )


def _tool(name: str, node: Node) -> SkillToolSpec:
    source = _source(node)
    spec = SkillToolSpec(
        name=name,
        description=node.text("description"),
        namespace=source.text("sourceNamespace", "namespace") if source is not None else "",
        action=source.text("action") if source is not None else "",
        call=_called(node),
        instruction=node.text("instruction"),
        derived=source is not None,
        place=node.place,
    )
    if source is not None:
        source.finish("'from' of a tool of a skill")
    node.has("name", "id")
    node.finish("a tool of a skill")
    return spec


def _source(node: Node) -> Node | None:
    source = node.get("from")
    if source is not None and not isinstance(source.value, dict):
        node.error("CAP133", "'from' should be a mapping", hint="write sourceNamespace and action below it")
        return None
    return source


def _called(node: Node) -> str:
    child = node.get("call")
    if child is None:
        return ""
    return child.text("operation", "call", "target") if isinstance(child.value, dict) else child.as_text()


def _metadata(node: Node) -> dict[str, str]:
    child = node.get("metadata")
    if child is None or not isinstance(child.value, dict):
        return {}
    return {str(item.pointer[-1]): item.as_text() for item in child.items() if item.value is not None}


def _flag(node: Node, default: bool, *names: str) -> bool:
    found = node.flag(*names)
    return default if found is None else found
