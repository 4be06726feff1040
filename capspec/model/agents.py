"""What an MCP adapter offers beside tools: prompts and resources, as the author wrote them."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptArgumentSpec:
    """An argument of a prompt; required unless its author says otherwise. `choices` are its `enum`."""

    name: str
    title: str
    description: str
    required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSpec:
    """A prompt: messages as (role, text) pairs, or a `location` to read one from."""

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgumentSpec, ...]
    messages: tuple[tuple[str, str], ...]
    location: str
    place: Place


def parse_prompts(node: Node) -> tuple[PromptSpec, ...]:
    return tuple(_prompt(name, item) for name, item in node.named("prompts"))


def _prompt(name: str, node: Node) -> PromptSpec:
    spec = PromptSpec(
        name=name,
        title=node.text("label", "display", "title"),
        description=node.text("description"),
        arguments=tuple(_argument(key, item) for key, item in node.named("arguments")),
        messages=_messages(node),
        location=node.text("location"),
        place=node.place,
    )
    node.has("name", "tags")
    node.finish("a prompt")
    return spec


def _argument(name: str, node: Node) -> PromptArgumentSpec:
    required = node.flag("required")
    spec = PromptArgumentSpec(
        name=name,
        title=node.text("label", "display", "title"),
        description=node.text("description"),
        required=True if required is None else required,
        choices=node.texts("enum"),
    )
    node.has("name", "type")
    node.finish("a prompt argument")
    return spec


def _messages(node: Node) -> tuple[tuple[str, str], ...]:
    """A list of messages with `role` and `content`, or one text that the user says."""
    child = node.get("template")
    if child is None:
        return ()
    if isinstance(child.value, str):
        return (("user", child.value),)
    found = []
    for item in node.members("template"):
        role = item.text("role", default="user")
        if role not in ("user", "assistant"):
            item.error("CAP132", f"'{role}' cannot speak in a prompt", hint="use 'user' or 'assistant'")
        found.append((role, item.text("content", "text")))
        item.finish("a prompt message")
    return tuple(found)
