"""Links the calls and steps of one flow to operations, and notes what they demand of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from capspec import registry
from capspec.compiler.inference import Demand
from capspec.compiler.needs import BODY_METHODS, Need, needs_of
from capspec.compiler.operations import BODYLESS, CompiledOperation
from capspec.compiler.targets import Targets, UnknownTarget
from capspec.compiler.texts import Texts
from capspec.errors import CompileError, Place, Problem
from capspec.joining import Mappings, compile_mappings
from capspec.jsonpath import JsonPathError, compile_path
from capspec.model import ExtensionSpec, FlowSpec, OutputSpec
from capspec.plan import Location, Operation, Parameter, Step
from capspec.references import Arguments, PathSource, Reference, Source, compile_arguments, compile_source
from capspec.template import Template, TemplateError
from capspec.values import MISSING, Json


class FlowLinker:
    """The Linker of one flow. `prefixes` are the words that stand for its arguments."""

    def __init__(self, targets: Targets, texts: Texts, prefixes: tuple[str, ...], spec: FlowSpec) -> None:
        self.targets = targets
        self.texts = texts
        self.prefixes = prefixes
        self.spec = spec
        self.demand = Demand()
        self.calls: list[Operation] = []
        self.earlier: list[str] = []

    def compile(self, name: str, spec: ExtensionSpec) -> Step:
        """One step; its name is known to the steps after it."""
        try:
            compile_step = registry.find("step", spec.type)
        except registry.UnknownExtension as error:
            raise _refused("CAP340", f"step '{name}': {error}", spec.place) from error
        step: Step = compile_step(name, spec.node, self)
        spec.node.has("type", "name", "id", "description", "label", "display")
        spec.node.finish(f"a {spec.type} step")
        self.earlier.append(name)
        return step

    # -- Linker ---------------------------------------------------------------------------------------

    def operation(self, target: str, arguments: Arguments, place: Place) -> Operation:
        try:
            compiled = self.targets.find(target)
        except UnknownTarget as error:
            raise _refused("CAP341", str(error), place) from error
        if compiled.operation.problem:
            raise _refused("CAP343", f"'{target}' cannot be called: {compiled.operation.problem}", place)
        needs = needs_of(compiled)
        self.demand.add(needs, arguments, self._free_names(arguments), self.earlier)
        operation = replace(
            compiled.operation,
            parameters=(*compiled.operation.parameters, *self._added(compiled, needs, arguments)),
            missing=tuple(dict.fromkeys((*compiled.operation.missing, *self.texts.missing))),
        )
        self.texts.missing.clear()
        self.calls.append(operation)
        return operation

    def arguments(self, written: Mapping[str, Json], place: Place) -> Arguments:
        try:
            return compile_arguments(written, self.prefixes, lambda text: self._template(text, place))
        except TemplateError as error:
            raise _refused("CAP331", f"a value of 'with' is not a template: {error}", place) from error

    def source(self, written: Json, place: Place) -> Source:
        if isinstance(written, str) and written.startswith("$") and not written.startswith("$this."):
            try:
                return PathSource(compile_path(written))
            except JsonPathError as error:
                raise _refused("CAP330", str(error), place) from error
        try:
            source = compile_source(written, self.prefixes, lambda text: self._template(text, place))
        except TemplateError as error:
            raise _refused("CAP331", str(error), place) from error
        names = source.names if isinstance(source, Reference) else self.texts.arguments_in(source.names)
        self.demand.read(names, self.earlier)
        return source

    def step(self, name: str, place: Place) -> str:
        if name not in self.earlier:
            known = ", ".join(self.earlier) or "none"
            raise _refused("CAP342", f"there is no earlier step '{name}'; earlier steps: {known}", place)
        return name

    def mappings(self, written: Sequence[tuple[str, Json]], place: Place) -> Mappings:
        try:
            return compile_mappings(written, lambda text: self._template(text, place))
        except (JsonPathError, TemplateError) as error:
            raise _refused("CAP330", f"a value of 'mappings': {error}", place) from error

    # -- within ---------------------------------------------------------------------------------------

    def _template(self, text: str, place: Place) -> Template:
        return self.texts.template(text, place)

    def _free_names(self, arguments: Arguments) -> list[str]:
        """Arguments that the templates of `with` read, under their plain names."""
        others = (source for _, source in arguments.sources if not isinstance(source, Reference))
        return [name for source in others for name in self.texts.arguments_in(source.names)]

    def _added(
        self, compiled: CompiledOperation, needs: Mapping[str, Need], arguments: Arguments
    ) -> list[Parameter]:
        """Parameters for what the caller gives and the operation does not declare: query or body fields."""
        operation = compiled.operation
        if operation.body is not None:
            return []
        constant = {parameter.name for parameter in operation.parameters if parameter.value is not None}
        unknown = [key for key in arguments.keys if key not in needs and key not in constant]
        if not arguments.sources and not self.spec.steps:
            carried = ("", "query", "body")
            unknown += [
                item.name for item in self.spec.inputs if item.name not in needs and item.location in carried
            ]
        sources = dict(arguments.sources)
        default: Location = "query" if operation.method in BODYLESS else "body"
        return [
            Parameter(name=name, location=_said(sources.get(name)) or default)
            for name in dict.fromkeys(unknown)
        ]


def _said(source: object) -> Location | None:
    """The place that `rest.query.x` and its kind name."""
    places: dict[str, Location] = {"query": "query", "header": "header", "cookie": "cookie"}
    return places.get(source.location) if isinstance(source, Reference) else None


def _refused(code: str, message: str, place: Place) -> CompileError:
    return CompileError(Problem(code=code, message=message, place=place))


def has_values(outputs: tuple[OutputSpec, ...]) -> bool:
    """Whether outputs say what to answer by themselves: a mock."""
    return any(
        output.value is not MISSING
        or has_values(output.properties)
        or (output.items is not None and has_values((output.items,)))
        for output in outputs
    )


def openness(spec: FlowSpec, operation: Operation, demand: Demand) -> tuple[bool, bool]:
    """Whether undeclared arguments pass on as query, and whether as JSON body.

    Only where the file says nothing of that place: no declared inputs, and nothing of the kind in the
    target or in `with`.
    """
    places = {parameter.location for parameter in operation.parameters if parameter.value is None}
    has_body = operation.method in BODY_METHODS
    by_name = spec.call is None or not spec.call.arguments
    closed = spec.declares_inputs and not spec.inputs
    open_body = has_body and operation.body is None and not places & {"body", "form"} and not closed
    open_query = by_name and not spec.declares_inputs and "query" not in places and not operation.query
    if not spec.path:
        # A tool's argument cannot say where it goes, so it goes where the method has its data.
        open_query = open_query and not has_body
    return open_query, open_body
