"""What an MCP listener offers beside tools, compiled: resources that flows read, and prompts."""

from __future__ import annotations

from dataclasses import replace

from capspec.compiler.flows import FlowCompiler
from capspec.compiler.paths import parse_consumed_path
from capspec.compiler.texts import Texts
from capspec.errors import Place
from capspec.model import ListenerSpec, ParameterSpec
from capspec.model.agents import PromptSpec
from capspec.model.exposes import ResourceSpec
from capspec.node import Report
from capspec.plan import Prompt, PromptArgument, Resource
from capspec.template import Template, TemplateError, compile_template
from capspec.values import MISSING


def compile_resources(spec: ListenerSpec, compiler: FlowCompiler) -> tuple[Resource, ...]:
    """Resources with a flow; those of a `location` are named in a warning."""
    found = []
    for item in spec.resources:
        if item.location:
            message = f"resource '{item.flow.name}' has a 'location', which is not served yet"
            compiler.report.add("CAP315", message, place=item.flow.place, severity="warning")
        elif not item.uri:
            compiler.report.add("CAP316", f"resource '{item.flow.name}' has no 'uri'", place=item.flow.place)
        else:
            found.append(_resource(item, compiler))
    return tuple(found)


def _resource(item: ResourceSpec, compiler: FlowCompiler) -> Resource:
    variables = parse_consumed_path(item.uri).variables
    declared = {parameter.name for parameter in item.flow.inputs}
    inputs = tuple(_variable(name, item.flow.place) for name in variables if name not in declared)
    flow = compiler.flow(replace(item.flow, inputs=(*item.flow.inputs, *inputs)), item.flow.name)
    return Resource(uri=item.uri, variables=variables, media_type=item.media_type, flow=flow)


def _variable(name: str, place: Place) -> ParameterSpec:
    return ParameterSpec(
        name=name, location="", type="string", description="", required=True, value=MISSING, mapping="",
        constraints={}, place=place,
    )  # fmt: skip


def compile_prompts(spec: ListenerSpec, texts: Texts, report: Report) -> tuple[Prompt, ...]:
    """Prompts with inline messages; those of a `location` are named in a warning."""
    found = []
    for item in spec.prompts:
        if item.location:
            message = f"prompt '{item.name}' has a 'location', which is not served yet"
            report.add("CAP315", message, place=item.place, severity="warning")
        else:
            found.append(_prompt(item, texts, report))
    return tuple(found)


def _prompt(item: PromptSpec, texts: Texts, report: Report) -> Prompt:
    arguments = tuple(
        PromptArgument(
            name=argument.name, title=argument.title, description=argument.description, required=argument.required
        )
        for argument in item.arguments
    )
    texts = Texts(texts.bindings, {argument.name for argument in item.arguments})
    messages = tuple((role, _message(text, item, texts, report)) for role, text in item.messages)
    return Prompt(
        name=item.name, title=item.title, description=item.description, arguments=arguments, messages=messages
    )


def _message(text: str, item: PromptSpec, texts: Texts, report: Report) -> Template:
    try:
        return texts.template(text, item.place)
    except TemplateError as error:
        report.add("CAP331", f"prompt '{item.name}': {error}", place=item.place)
        return compile_template("")
