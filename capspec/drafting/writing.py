"""A draft to the text of a capability file, with comments that lead its author on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from capspec.drafting.draft import Draft, Input, Operation, Output

SCHEMA_FILE: Final = ".capspec.schema.json"
"""The JSON Schema beside the file, which its first line leads editors to."""

_PLAIN: Final = re.compile(r"[A-Za-z/$][\w./$-]*|https?://[\w./:-]+[\w/-]")
_PATH: Final = re.compile(r"/[\w./{}~+@-]*")
_WORDS: Final = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


def written(draft: Draft, *, schema: bool = True) -> str:
    """The file. With `schema`, its first line says where editors find the JSON Schema."""
    return "\n".join(_lines(draft, schema)) + "\n"


def scalar(text: str) -> str:
    """A text as YAML: plain where that means the same, else in double quotes."""
    plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return text if plain else _quoted(text)


def title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _lines(draft: Draft, schema: bool) -> Iterator[str]:
    if schema:
        yield f"# yaml-language-server: $schema=./{SCHEMA_FILE}"
    yield 'capspec: "1"'
    yield "info:"
    yield f"  label: {scalar(title(draft.name))}"
    yield "  # Agents and people read this first: say what it is for, and what it is not for."
    yield f"  description: {scalar(f'What the {draft.name} API offers, as tools and operations.')}"
    yield "capability:"
    if draft.auth != "none":
        yield "  binds:"
        yield "  # {{NAMES}} in this file stand for values that it does not hold: here, from the environment."
        yield "  - namespace: env"
        yield f"    keys: {{{draft.variable}: {draft.variable}}}"
    yield from _consumes(draft)
    yield "  exposes:"
    if draft.mcp:
        yield from _mcp(draft)
    if draft.rest:
        yield from _rest(draft)


def _consumes(draft: Draft) -> Iterator[str]:
    yield "  consumes:"
    yield "  # The API that is called. Operations are called by `namespace.name`."
    yield f"  - namespace: {draft.name}"
    yield "    type: http"
    yield f"    baseUri: {scalar(draft.base_uri)}"
    if draft.auth == "bearer":
        yield f'    authentication: {{type: bearer, token: "{{{{{draft.variable}}}}}"}}'
    if draft.auth == "apikey":
        key = f'key: {scalar(draft.key_name)}, value: "{{{{{draft.variable}}}}}", placement: {draft.key_in}'
        yield f"    authentication: {{type: apikey, {key}}}"
    if any(operation.inputs for operation in draft.operations):
        yield "    # Callers see the inputs, and their descriptions too: say what a good value looks like."
    yield "    resources:"
    for path in dict.fromkeys(operation.path for operation in draft.operations):
        yield f"    - path: {_path(path)}"
        yield "      operations:"
        for operation in draft.operations:
            if operation.path == path:
                yield from _consumed(operation)


def _path(path: str) -> str:
    return path if _PATH.fullmatch(path) else _quoted(path)


def _quoted(text: str) -> str:
    """In double quotes; what nobody could see is escaped (YAML 1.2.2, 5.7)."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)


def _consumed(operation: Operation) -> Iterator[str]:
    yield f"      - name: {operation.name}"
    yield f"        method: {operation.method}"
    if operation.inputs:
        yield "        inputParameters:"
        yield from (f"        - {_input(item, operation)}" for item in operation.inputs)


def _input(item: Input, operation: Operation) -> str:
    needed = ", required: true" if item.place != "query" else ""
    about = {
        "path": f"Which {operation.subject}: its {item.name}.",
        "query": f"The parameter {item.name} of the API.",
        "body": f"The {operation.subject}, as the API takes it.",
    }[item.place]
    described = f"description: {scalar(about)}"
    return f"{{name: {scalar(item.name)}, in: {item.place}, type: {item.type}{needed}, {described}}}"


# -- what is offered ----------------------------------------------------------------------------------------


def _mcp(draft: Draft) -> Iterator[str]:
    yield "  # Tools for agents, at http://127.0.0.1:9090/mcp, or with `capspec serve FILE --stdio`."
    yield "  - type: mcp"
    yield "    port: 9090"
    yield f"    namespace: {draft.name}-tools"
    yield "    # An agent chooses a tool by its description: say when to use it, and what it gives."
    yield "    tools:"
    for operation in draft.operations:
        yield f"    - name: {operation.name}"
        yield f"      description: {scalar(_description(operation))}"
        yield f"      hints: {_hints(operation)}"
        yield f"      call: {draft.name}.{operation.name}"
        yield from _outputs(operation, "      ")


def _rest(draft: Draft) -> Iterator[str]:
    both = (
        ", which get what the API answers"
        if draft.mcp and any(item.outputs for item in draft.operations)
        else ""
    )
    yield f"  # For applications{both}: at http://127.0.0.1:8080, described by /openapi.json."
    yield "  - type: rest"
    yield "    port: 8080"
    yield f"    namespace: {draft.name}-rest"
    yield "    resources:"
    for path in dict.fromkeys(operation.path for operation in draft.operations):
        yield f"    - path: {_path(path)}"
        yield "      operations:"
        for operation in draft.operations:
            if operation.path == path:
                yield f"      - method: {operation.method}"
                yield f"        name: {operation.name}"
                yield f"        call: {draft.name}.{operation.name}"
                if not draft.mcp:
                    yield from _outputs(operation, "        ")


def _description(operation: Operation) -> str:
    verb = operation.name.partition("-")[0].capitalize()
    articles = {"List": "", "Create": "a "}
    return f"{verb} {articles.get(verb, 'one ' if '{' in operation.path else 'the ')}{operation.subject}."


def _hints(operation: Operation) -> str:
    if operation.method in _SAFE:
        return "{readOnly: true}"
    if operation.method == "DELETE":
        return "{destructive: true, idempotent: true}"
    return "{readOnly: false, destructive: %s}" % ("false" if operation.method == "POST" else "true")


def _outputs(operation: Operation, indent: str) -> Iterator[str]:
    if not operation.outputs:
        return
    yield f"{indent}# What callers get: take out what nobody needs. Each mapping is a JSONPath in the answer."
    yield f"{indent}outputParameters:"
    for output in operation.outputs:
        first, *others = _output(output, named=True)
        yield f"{indent}- {first}"
        yield from (f"{indent}  {line}" for line in others)


def _output(output: Output, *, named: bool) -> list[str]:
    lines = [f"name: {scalar(output.name)}"] if named and output.name else []
    lines += [f"type: {output.type}"] if output.type else []
    lines += [f"mapping: {scalar(output.mapping)}"] if output.mapping else []
    if output.properties:
        lines.append("properties:")
        for item in output.properties:
            lines.append(f"  {scalar(item.name)}:")
            lines += [f"    {line}" for line in _output(item, named=False)]
    if output.items is not None:
        lines.append("items:")
        lines += [f"  {line}" for line in _output(output.items, named=False)]
    return lines
