"""Rules about tools: what they do to the world, and what a model has to read before it can use one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from capspec.language.walking import Found
from capspec.lint.subject import Finding, Subject
from capspec.plan import Flow, Listener

LONGEST_NAME: Final = 64
"""Characters of a tool's name: what the APIs of the large models accept."""

LONGEST_DESCRIPTION: Final = 1024
"""Characters of a tool's description: what the strictest of these APIs accept."""

MOST_TOOLS: Final = 128
"""Tools of one adapter: what the strictest of these APIs accept at once."""

MOST_TOKENS: Final = 20_000
"""Tokens, by estimate, that the list of an adapter's tools may take: a tenth of a context of 200,000."""

CHARACTERS_PER_TOKEN: Final = 4

_DESTROYING: Final = re.compile(
    r"(?:^|[-_./\s])(?:delete|remove|destroy|drop|purge|erase|wipe|truncate|revoke|terminate|uninstall|deprovision)"
    r"(?=$|[-_./\s]|[A-Z])"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def destructive_unhinted(subject: Subject) -> Iterator[Finding]:
    for tool, served in subject.served("tool"):
        hints = served.flow.hints
        if hints.destructive is not None or hints.read_only:
            continue
        why = _destroys(tool, served.flow)
        if why:
            message = f"tool '{tool.name}' {why}, and does not say that it is destructive"
            hint = "add 'hints: {destructive: true}', so that clients ask first, or false if it loses nothing"
            yield Finding(message=message, pointer=_named(tool), key=_is_key(tool), hint=hint)


def contradicting_hint(subject: Subject) -> Iterator[Finding]:
    for tool, served in subject.served("tool"):
        hints = served.flow.hints
        methods = {operation.method for operation in served.flow.calls}
        changing = sorted(methods & {"DELETE", "PUT", "PATCH"})
        if hints.read_only and changing:
            message = f"tool '{tool.name}' is said to change nothing, and makes a {changing[0]} request"
        elif hints.destructive is False and "DELETE" in methods:
            message = f"tool '{tool.name}' is said to destroy nothing, and makes a DELETE request"
        else:
            continue
        pointer = (*tool.pointer, "hints") if "hints" in tool.value else _named(tool)
        yield Finding(
            message=message,
            pointer=pointer,
            key="hints" in tool.value or _is_key(tool),
            hint="correct 'hints'",
        )


def inconsistent_semantics(subject: Subject) -> Iterator[Finding]:
    functions = {f"{_namespace(item)}.{item.name}": item for item in subject.of("function")}
    for item in subject.of("tool", "restOperation"):
        function = functions.get(item.text("ref"))
        semantics = function.value.get("semantics") if function is not None else None
        if not isinstance(semantics, dict):
            continue
        said = _against(item, semantics)
        if said:
            message = f"{said}, and its function '{item.text('ref')}' says otherwise in 'semantics'"
            key = "hints" if "hints" in item.value else "method" if "method" in item.value else "ref"
            yield Finding(
                message=message, pointer=(*item.pointer, key), key=True, hint="let both say the same"
            )


def _against(item: Found, semantics: dict[str, object]) -> str:
    """What a tool or an operation says against a function's semantics; "" for nothing."""
    hints = item.value.get("hints")
    hints = hints if isinstance(hints, dict) else {}
    safe, idempotent = semantics.get("safe"), semantics.get("idempotent")
    name = item.name or item.text("ref").rpartition(".")[2]
    method = item.text("method").upper()
    if safe is True and (hints.get("readOnly") is False or hints.get("destructive") is True):
        return f"'{name}' is hinted to change something"
    if safe is False and hints.get("readOnly") is True:
        return f"'{name}' is hinted to change nothing"
    if isinstance(idempotent, bool) and hints.get("idempotent") is (not idempotent):
        return f"'{name}' is hinted to be {'' if not idempotent else 'not '}idempotent"
    if safe is True and method in ("POST", "PUT", "PATCH", "DELETE"):
        return f"'{name}' is reached with {method}, which may change something"
    if safe is False and method == "GET":
        return f"'{name}' is reached with GET, which must change nothing"
    return ""


def long_name(subject: Subject) -> Iterator[Finding]:
    for tool, served in subject.served("tool"):
        if len(tool.name) > LONGEST_NAME:
            message = (
                f"the tool's name has {len(tool.name)} characters, more than {LONGEST_NAME};"
                f" it is offered as '{served.flow.published}'"
            )
            hint = "give it a shorter name"
            yield Finding(message=message, pointer=_named(tool), key=_is_key(tool), hint=hint, cause="long")


def long_description(subject: Subject) -> Iterator[Finding]:
    for tool, served in subject.served("tool"):
        size = len(served.flow.description)
        if size > LONGEST_DESCRIPTION:
            message = f"the description of tool '{tool.name}' has {size} characters, more than {LONGEST_DESCRIPTION}"
            own = "description" in tool.value
            pointer = (*tool.pointer, "description") if own else _named(tool)
            yield Finding(
                message=message, pointer=pointer, hint="say in it what is needed to choose the tool"
            )


def many_tools(subject: Subject) -> Iterator[Finding]:
    listeners = {id(served.listener): served.listener for _, served in subject.served("tool")}
    adapters = {served.listener.namespace: tool.parents[-1] for tool, served in subject.served("tool")}
    for listener in listeners.values():
        tools, tokens = len(listener.available), tokens_of(listener)
        if tools <= MOST_TOOLS and tokens <= MOST_TOKENS:
            continue
        message = (
            f"'{listener.namespace}' offers {tools} tools, which take a model about {tokens:,} tokens to read"
        )
        hint = f"split it: up to {MOST_TOOLS} tools and {MOST_TOKENS:,} tokens leave a model room to work"
        pointer = (*adapters[listener.namespace].pointer, "tools")
        yield Finding(message=message, pointer=pointer, key=True, hint=hint)


def tokens_of(listener: Listener) -> int:
    """An estimate of the tokens that a list of the adapter's tools takes (MCP `tools/list`)."""
    return sum(map(_characters, listener.available)) // CHARACTERS_PER_TOKEN


def _characters(flow: Flow) -> int:
    schemas = [
        json.dumps(schema, default=str) for schema in (flow.input_schema, flow.output_schema) if schema
    ]
    return sum(map(len, (flow.published, flow.title, flow.description, *schemas)))


def _destroys(tool: Found, flow: Flow) -> str:
    """What speaks for a tool that destroys something; "" for nothing."""
    if any(operation.method == "DELETE" for operation in flow.calls):
        return "makes a DELETE request"
    words = _CAMEL.sub("-", tool.name).lower()
    found = _DESTROYING.search(words)
    if found is not None and all(operation.method not in ("GET", "HEAD") for operation in flow.calls):
        return f"is called '{tool.name}'"
    return ""


def _namespace(function: Found) -> str:
    aggregate = function.parent("aggregate")
    return aggregate.text("namespace", "name") if aggregate is not None else ""


def _named(tool: Found) -> tuple[str | int, ...]:
    """Where a tool's name stands."""
    return tool.pointer if _is_key(tool) else (*tool.pointer, "name")


def _is_key(tool: Found) -> bool:
    return isinstance(tool.pointer[-1], str)
