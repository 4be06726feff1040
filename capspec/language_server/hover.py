"""A place in a file to what an editor shows there, as Markdown. Values of variables are never in it."""

from __future__ import annotations

from capspec.document import Document
from capspec.language_server import names, schema
from capspec.language_server.cursor import Spot
from capspec.language_server.meaning import Meaning, meaning
from capspec.language_server.paths import explained
from capspec.language_server.reading import Reading
from capspec.model import OperationSpec, ParameterSpec, UpstreamSpec


def hover(reading: Reading, document: Document, spot: Spot) -> str:
    """Empty when there is nothing to say."""
    found = meaning(reading, document, spot)
    return "" if found is None else _said(reading, document, found)


def operation_text(upstream: UpstreamSpec, operation: OperationSpec) -> str:
    """What is sent, and what it takes."""
    address = f"{upstream.base_uri.rstrip('/')}/{operation.path.lstrip('/')}"
    lines = [f"**{operation.method}** `{address}`", f"`{upstream.namespace}.{operation.name}`"]
    if operation.description or operation.title:
        lines.append(operation.description or operation.title)
    inputs = [
        _line(name, "path", "string", True, "") if item is None else _input(item, operation)
        for name, item in names.inputs_of(operation).items()
    ]
    if inputs:
        lines.append("Inputs:\n" + "\n".join(inputs))
    if operation.body is not None:
        lines.append(f"Body: {operation.body.type or 'as the file writes it'}")
    if upstream.auth is not None:
        lines.append(f"Authentication: {upstream.auth.type}")
    return "\n\n".join(lines)


def _input(item: ParameterSpec, operation: OperationSpec) -> str:
    in_path = item.name in names.placeholders(operation.path)
    where = item.location or ("path" if in_path else "query")
    return _line(item.name, where, item.type or "string", bool(item.required) or in_path, item.description)


def _given(item: ParameterSpec) -> str:
    return _line(item.name, "input", item.type or "string", bool(item.required), item.description)


def _line(name: str, where: str, kind: str, required: bool, description: str) -> str:
    about = f": {description}" if description else ""
    return f"- `{name}` ({where}, {kind}{', required' if required else ''}){about}"


def _said(reading: Reading, document: Document, found: Meaning) -> str:
    match found.kind:
        case "operation":
            called = names.operation_called(reading, found.name)
            return operation_text(*called) if called else f"Nothing is consumed as `{found.name}`."
        case "function":
            return _function(reading, found.name)
        case "step":
            return _step(reading, found)
        case "input" | "argument":
            return _declared(reading, document, found)
        case "variable":
            return _variable(reading, found.name, document.source)
        case "path":
            return explained(found.name)
        case "import" | "file":
            return _imported(reading, found)
        case _:
            return schema.description(document.data, found.pointer)


def _function(reading: Reading, name: str) -> str:
    function = names.functions(reading).get(name)
    if function is None:
        return f"No aggregate has the function `{name}`."
    flow = function.flow
    called = names.operation_called(reading, flow.call.target) if flow.call else None
    lines = [f"The function `{function.id}`", flow.description or flow.title]
    lines.append("\n".join(_given(item) for item in flow.inputs))
    if called is not None:
        lines.append(f"It calls:\n\n{operation_text(*called)}")
    return "\n\n".join(filter(None, lines))


def _step(reading: Reading, found: Meaning) -> str:
    step = names.steps(reading, found.pointer).get(found.name)
    if step is None:
        return f"No step of this flow is called `{found.name}`."
    word = step.text("call", "operation")
    called = names.operation_called(reading, word) if word else None
    about = f"The output of the step `{found.name}`"
    return f"{about}, which calls:\n\n{operation_text(*called)}" if called else f"{about}."


def _declared(reading: Reading, document: Document, found: Meaning) -> str:
    known = names.arguments if found.kind == "argument" else names.inputs
    pointer = known(reading, found.pointer).get(found.name)
    what = "argument" if found.kind == "argument" else "input"
    if pointer is None:
        return f"The {what} `{found.name}`, which the caller gives."
    written = document.value(pointer)
    facts = written if isinstance(written, dict) else {}
    kind, about = str(facts.get("type") or "string"), str(facts.get("description") or "")
    return f"The {what} `{found.name}` ({kind}{', required' if facts.get('required') is True else ''})" + (
        f": {about}" if about else ""
    )


def _variable(reading: Reading, name: str, source: str) -> str:
    found = names.variables(reading).get(name)
    plain = name.removeprefix("env.").removeprefix("secrets.")
    found = found or names.variables(reading).get(plain)
    value = "It has a value here." if reading.has_value(name, source) else "It has no value here."
    if found is None:
        return f"The variable `{plain}` of the environment: no bind declares it. {value}"
    where = f"`{found.location}`" if found.location else "the environment"
    about = f"\n\n{found.description}" if found.description else ""
    return (
        f"The variable `{found.name}`, bound by `{found.namespace}`: `{found.key}` in {where}. {value}{about}"
    )


def _imported(reading: Reading, found: Meaning) -> str:
    if found.kind == "file":
        return f"The file `{found.name}`, relative to this one."
    brought = [
        f"- `{api.namespace}`: {len(api.operations)} operations of `{api.base_uri}`"
        for api in (reading.capability.upstreams if reading.capability else ())
        if api.place.source != str(reading.path)
    ]
    return "\n".join(
        [f"`{found.name}` of another file.", *(["", "Imported here:", "", *brought] if brought else [])]
    )
