"""Rules about what is declared and used by nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from capspec.language.walking import Found, entries
from capspec.lint.subject import Finding, Subject, names_in, texts_of
from capspec.plan import Flow, Operation, PathVariable
from capspec.template import Template

_SIGNS = re.compile(r"[^a-z0-9]")


def unused_variables(subject: Subject) -> Iterator[Finding]:
    if subject.is_shared and not subject.plan.operations:
        return
    for bind in subject.of("bind"):
        keys = bind.value.get("keys")
        for at, name in enumerate(keys) if isinstance(keys, dict | list) else ():
            if isinstance(name, str) and name not in subject.words:
                key = name if isinstance(keys, dict) else at
                message = f"nothing uses the variable '{name}'"
                hint = f"write {{{{{name}}}}} where it belongs, or take it out"
                yield Finding(
                    message=message,
                    pointer=(*bind.pointer, "keys", key),
                    key=True,
                    hint=hint,
                    cause="variable",
                )


def unused_operations(subject: Subject) -> Iterator[Finding]:
    if subject.is_shared or not any(listener.flows for listener in subject.plan.listeners):
        return
    called = {
        operation.id
        for listener in subject.plan.listeners
        for flow in listener.flows
        for operation in flow.calls
    }
    forwarded = {item.text("targetNamespace") for item in subject.of("forward")}
    known = subject.plan.operations
    for item in subject.of("apiOperation"):
        api = item.parent("api")
        namespace = api.name if api is not None else ""
        name = f"{namespace}.{item.name}"
        if name not in known or name in called or namespace in forwarded or name in subject.words:
            continue
        message = f"nothing calls the operation '{name}'"
        hint = "offer it as a tool or a REST operation, or take it out"
        yield Finding(message=message, pointer=item.pointer, hint=hint, cause="operation")


def unused_inputs(subject: Subject) -> Iterator[Finding]:
    """Of flows that say in `with` what they send; without one, every input is passed on by its name."""
    for item, served in subject.served("tool", "restOperation", "mcpResource"):
        if served.flow.unavailable or "ref" in item.value or not (_given(item) or "steps" in item.value):
            continue
        read = {_plain(name) for name in _read(item, served.flow)}
        for at, name, value in entries(item.value.get("inputParameters")):
            if name and _plain(name) not in read and not {"value", "const", "template"} & set(value):
                message = f"nothing reads the input '{name}' of '{item.name}'"
                hint = "name it in 'with', or take it out"
                pointer = (*item.pointer, "inputParameters", at)
                yield Finding(message=message, pointer=pointer, key=isinstance(at, str), hint=hint)


def _given(item: Found) -> Any:
    call = item.value.get("call")
    return item.value.get("with") or (call.get("with") if isinstance(call, dict) else None)


def _read(item: Found, flow: Flow) -> Iterator[str]:
    """Every name that a flow's own texts read, or an operation that it calls."""
    for key, value in item.value.items():
        if key not in ("inputParameters", "description", "name"):
            for _, text in texts_of(value):
                yield from names_in(text)
    for part in flow.path:
        if isinstance(part, PathVariable):
            yield part.name
    for operation in flow.calls:
        yield from _asked(operation)


def _asked(operation: Operation) -> Iterator[str]:
    yield from (parameter.name for parameter in operation.parameters)
    yield from (part.name for part in operation.path if isinstance(part, PathVariable))
    yield from (name for _, template in operation.query for name in template.names)
    for parameter in operation.parameters:
        if isinstance(parameter.value, Template):
            yield from parameter.value.names
    if operation.body is not None:
        for name in operation.body.content.names:
            yield from names_in(name)


def _plain(name: str) -> str:
    """A name as placeholders are matched: without case and signs."""
    return _SIGNS.sub("", name.lower())
