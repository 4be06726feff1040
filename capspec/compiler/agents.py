"""What an MCP listener offers beside tools, compiled: resources that flows or files answer, and prompts.

What cannot work is left out, and a warning says why.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from capspec.compiler.flows import FlowCompiler
from capspec.compiler.inference import legal_name
from capspec.compiler.locations import open_location
from capspec.compiler.texts import Texts
from capspec.compiler.uris import UriParts, parse_uri
from capspec.document import Document
from capspec.errors import Place
from capspec.model import CallSpec, ListenerSpec, ParameterSpec
from capspec.model.agents import PromptSpec
from capspec.model.exposes import ResourceSpec
from capspec.node import Report
from capspec.plan import Flow, Resource
from capspec.plan.offers import FileResource, Prompt, PromptArgument
from capspec.request.inline import MEDIA_TYPE
from capspec.template import Template, TemplateError, compile_template
from capspec.template.binding import literal_template
from capspec.values import MISSING, Json

PROMPT_LIMIT = 512 * 1024
"""Bytes of a prompt in a file of its own: a client must take it in one message."""


# -- resources --------------------------------------------------------------------------------------------


def compile_resources(
    spec: ListenerSpec, document: Document, compiler: FlowCompiler
) -> tuple[Resource | FileResource, ...]:
    """The resources of a listener, in order, under names and uris that are each used once."""
    found: dict[str, Resource | FileResource] = {}
    names: list[str] = []
    for item in spec.resources:
        name = legal_name(item.flow.name or item.uri, names)
        resource = _resource(item, name, document, compiler)
        if resource is None:
            continue
        if resource.uri in found:
            message = f"the uri '{resource.uri}' is that of two resources; the first one answers"
            at = compiler.report.spot(item.flow.place, item.uri, key="uri")
            hint = "give each resource a uri of its own"
            compiler.report.add("CAP318", message, place=at, hint=hint, severity="warning")
            continue
        names.append(name)
        found[resource.uri] = resource
    return tuple(found.values())


def _resource(
    item: ResourceSpec, name: str, document: Document, compiler: FlowCompiler
) -> Resource | FileResource | None:
    place = item.flow.place
    if not item.uri:
        at, hint = compiler.report.instead(place, "uri") or (place, "add 'uri', such as docs://notes")
        compiler.report.add("CAP316", f"resource '{name}' has no 'uri'", place=at, hint=hint)
        return None
    try:
        uri = parse_uri(item.uri)
        if item.location:
            return _files(item, name, uri, document)
    except ValueError as error:
        code, key, text = (
            ("CAP315", "location", item.location) if item.location else ("CAP317", "uri", item.uri)
        )
        message = f"resource '{name}' is left out: {error}"
        at = compiler.report.spot(place, text, key=key)
        shape = any(word in str(error) for word in ("scheme", "braces"))
        hint = "write it like docs://notes, or ship://{imo} for one of many" if shape else ""
        compiler.report.add(code, message, place=at, hint=hint, severity="warning")
        return None
    if item.media_type and not MEDIA_TYPE.fullmatch(item.media_type):
        at = compiler.report.spot(place, item.media_type, key="mimeType")
        message = f"mimeType: '{item.media_type}' is no media type"
        hint = "write one like application/json or text/plain"
        compiler.report.add("CAP329", message, place=at, hint=hint, severity="warning")
    return Resource(
        name=name,
        uri=uri.template,
        parts=uri.parts,
        variables=uri.names,
        media_type=item.media_type,
        binary=item.binary,
        flow=_flow(item, name, uri, compiler),
    )


def _files(item: ResourceSpec, name: str, uri: UriParts, document: Document) -> FileResource:
    """Raises ValueError when there is nothing at the location."""
    if uri.names:
        raise ValueError("a 'location' needs a uri without variables")
    if item.flow.call is not None or item.flow.block.steps or item.flow.ref:
        raise ValueError("it has a 'location' and something to call; keep one of them")
    folder, file = open_location(item.location, document)
    return FileResource(
        name=name,
        title=item.flow.title,
        description=item.flow.description,
        uri=uri.template,
        media_type=item.media_type,
        folder=folder,
        file=file,
        tags=item.flow.tags,
    )


def _flow(item: ResourceSpec, name: str, uri: UriParts, compiler: FlowCompiler) -> Flow:
    """What reads the resource; not available when it needs what the uri does not give."""
    declared = {parameter.name for parameter in item.flow.inputs}
    inputs = tuple(_input(name, item.flow.place) for name in uri.variables if name not in declared)
    call = _doubled(item.flow.call, uri.variables)
    flow = compiler.flow(replace(item.flow, inputs=(*item.flow.inputs, *inputs), call=call), name)
    lacking = [
        given.name
        for given in flow.inputs
        if given.required and given.constant is MISSING and given.name not in uri.variables
    ]
    if flow.unavailable or not lacking:
        return flow
    names = ", ".join(f"'{name}'" for name in lacking)
    reason = f"its uri does not say what {names} is"
    message = f"resource '{name}' is not available: {reason}"
    hint = f"put {{{lacking[0]}}} into the uri, or a value into 'with'"
    at = compiler.report.spot(item.flow.place, item.uri, key="uri")
    compiler.report.add("CAP303", message, place=at, hint=hint, severity="warning")
    return replace(flow, unavailable=reason)


def _input(name: str, place: Place) -> ParameterSpec:
    return ParameterSpec(
        name=name, location="", type="", description="", required=True, value=MISSING, mapping="",
        constraints={}, place=place,
    )  # fmt: skip


def _doubled(call: CallSpec | None, variables: Iterable[str]) -> CallSpec | None:
    """The call, where a value that is just `{x}`, as in the uri, means the variable `x`."""
    if call is None:
        return None
    singles = {f"{{{name}}}": f"{{{{{name}}}}}" for name in variables}
    arguments: dict[str, Json] = {
        key: singles.get(re.sub(r"\s", "", value), value) if isinstance(value, str) else value
        for key, value in call.arguments.items()
    }
    return replace(call, arguments=arguments)


# -- prompts ----------------------------------------------------------------------------------------------


def compile_prompts(
    spec: ListenerSpec, document: Document, texts: Texts, report: Report
) -> tuple[Prompt, ...]:
    """The prompts of a listener, in order, under names that are each used once."""
    found: list[Prompt] = []
    for item in spec.prompts:
        try:
            if not item.name:
                raise ValueError("it has no name")
            name = legal_name(item.name, [prompt.name for prompt in found])
            if name != legal_name(item.name):
                message = f"two prompts are called '{item.name}'; this one is offered as '{name}'"
                at = report.spot(item.place, item.name, key="name")
                hint = "give each prompt a name of its own"
                report.add("CAP319", message, place=at, hint=hint, severity="warning")
            found.append(_prompt(item, name, document, Texts(texts.bindings, _names(item)), report))
        except ValueError as error:
            message = f"prompt '{item.name}' is left out: {error}"
            place, hint = report.instead(item.place, *_lacking(item)) or (item.place, _mend(item))
            report.add("CAP337", message, place=place, hint=hint, severity="warning")
    return tuple(found)


def _lacking(item: PromptSpec) -> tuple[str, ...]:
    return ("template", "location") if item.name else ("name",)


def _mend(item: PromptSpec) -> str:
    if not item.name:
        return "add 'name'"
    return (
        ""
        if item.messages or item.location
        else "add 'template', a list of messages with 'role' and 'content'"
    )


def _prompt(item: PromptSpec, name: str, document: Document, texts: Texts, report: Report) -> Prompt:
    """Raises ValueError when it has no text."""
    if item.location:
        messages = [("user", _file_message(item, document, texts))]
    elif item.messages:
        messages = [(role, _message(text, item, texts, report)) for role, text in item.messages]
    else:
        raise ValueError("it has neither a 'template' nor a 'location'")
    return Prompt(
        name=name,
        title=item.title,
        description=item.description,
        arguments=tuple(
            PromptArgument(
                name=argument.name,
                title=argument.title,
                description=argument.description,
                required=argument.required,
                choices=argument.choices,
            )
            for argument in item.arguments
        ),
        messages=tuple(messages),
        unknown=_unknown(item, [template for _, template in messages], report),
    )


def _message(text: str, item: PromptSpec, texts: Texts, report: Report) -> Template:
    try:
        return texts.template(text, item.place)
    except TemplateError as error:
        place = report.spot(item.place, error.text, error.offset)
        message = f"prompt '{item.name}' is not a template: {error.reason}"
        report.add("CAP331", message, place=place, hint=error.hint)
        return compile_template("")


def _file_message(item: PromptSpec, document: Document, texts: Texts) -> Template:
    """A whole file; without arguments nothing in it is a placeholder. Raises ValueError."""
    folder, file = open_location(item.location, document)
    if not file:
        raise ValueError(f"'{item.location}' is a folder, and should be a file")
    try:
        text = folder.read(file, PROMPT_LIMIT).decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"'{item.location}' cannot be read: {error.strerror or 'it is no file'}") from None
    except UnicodeDecodeError:
        raise ValueError(f"'{item.location}' is not UTF-8 text") from None
    except ValueError:
        raise ValueError(f"'{item.location}' is larger than {PROMPT_LIMIT} bytes") from None
    return texts.template(text, item.place) if item.arguments else literal_template(text)


def _unknown(item: PromptSpec, templates: Iterable[Template], report: Report) -> Mapping[str, str]:
    """Names that are no arguments, as they are written: `{{x}}` may be what the author wants to be read."""
    known = _names(item)
    plain = [template for template in templates if "{%" not in template.source]
    names = dict.fromkeys(name for template in plain for name in template.names if name not in known)
    for name in names:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else "declare it as an argument, or it stays in the text"
        message = f"prompt '{item.name}' reads '{{{{{name}}}}}', which is none of its arguments"
        report.add("CAP333", message, place=report.spot(item.place, name), hint=hint, severity="warning")
    return {name: f"{{{{{name}}}}}" for name in names}


def _written(name: str, templates: Iterable[Template]) -> str:
    """The text of the first of these templates that reads a name."""
    return next((template.source for template in templates if name in template.names), "")


def _names(item: PromptSpec) -> list[str]:
    return [argument.name for argument in item.arguments]
