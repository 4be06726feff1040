"""Links the calls and steps of one flow to operations, and notes what they demand of the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from capspec.compiler.inference import Demand
from capspec.compiler.needs import Need, needs_of
from capspec.compiler.operations import BODYLESS, CompiledOperation
from capspec.compiler.paths import spellings
from capspec.compiler.targets import AbsentTarget, Targets, UnknownTarget
from capspec.compiler.terms import NO_TERMS, Terms
from capspec.compiler.texts import Texts
from capspec.errors import CompileError, Place, Problem
from capspec.joining import Mappings, joined
from capspec.jsonpath import JsonPathError, compile_path
from capspec.model import FlowSpec
from capspec.model.steps import StepSpec
from capspec.node import nearest
from capspec.plan import Location, Operation, Parameter
from capspec.references import Arguments, Elements, Members, PathSource, Reference, Source, compile_source
from capspec.template import Template, TemplateError
from capspec.values import MISSING, Json, Missing

_ANY_MEMBER = re.compile(r"\$\s*(\.\.|\.?\*|\[\s*[^\s'\"])")
"""The beginning of a JSONPath that may read any name."""

_PATH = re.compile(r"\$(?=$|[.\[])")
_FIRST = re.compile(r"\$(?:\.([A-Za-z_][\w-]*)|\.?\[\s*['\"]([^'\"]+)['\"])")
"""The first member that a JSONPath names."""

_HEADERS = frozenset({"Authorization", "Accept", "Content-Type", "User-Agent", "If-Match", "If-None-Match"})
"""Names that mean the same to all of HTTP, in the capitals that only headers have."""


class Consequence(CompileError):
    """A flow cannot work for a reason that is reported where it lies, or that is in another file."""


class FlowLinker:
    """The Linker of one flow. `prefixes` are the words that stand for its arguments.

    `earlier` are the steps whose outputs are to be had by now, `local` other names of the blocks around;
    `terms` are put over every operation.
    """

    def __init__(
        self,
        targets: Targets,
        texts: Texts,
        prefixes: tuple[str, ...],
        spec: FlowSpec,
        unoffered: frozenset[str] = frozenset(),
        terms: Terms = NO_TERMS,
    ) -> None:
        self.terms = terms
        self.targets = targets
        self.texts = texts
        self.prefixes = prefixes
        self.spec = spec
        self.demand = Demand(unoffered=unoffered)
        self.calls: list[Operation] = []
        self.earlier: list[str] = []
        self.local: list[str] = []
        self.doubts: list[tuple[str, str, Place, str]] = []
        self._reads: set[str] = set()

    @property
    def known(self) -> list[str]:
        """Names that are no arguments of the caller's."""
        return [*self.earlier, *self.local, *(["steps"] if self.earlier else [])]

    @contextmanager
    def reading(self) -> Iterator[set[str]]:
        """Collects the earlier steps that are read in the block; those around it have read them, too."""
        outer, self._reads = self._reads, set()
        try:
            yield self._reads
        finally:
            outer |= self._reads
            self._reads = outer

    @contextmanager
    def inside(self, *local: str) -> Iterator[None]:
        """What is compiled in the block sees these names, too, and its steps are not seen after it."""
        earlier, around = list(self.earlier), list(self.local)
        self.local += local
        try:
            yield
        finally:
            self.earlier, self.local = earlier, around

    # -- Linker ---------------------------------------------------------------------------------------

    def operation(self, target: str, arguments: Arguments, place: Place) -> Operation:
        return self._linked(self._found(target, place), arguments)

    def call(self, target: str, arguments: Arguments, place: Place) -> tuple[Operation, Arguments]:
        """The operation of a flow that is one call, and the arguments as the operation spells their names."""
        compiled = self._found(target, place)
        arguments = self._respelt(compiled, arguments)
        return self._linked(compiled, arguments), arguments

    def _found(self, target: str, place: Place) -> CompiledOperation:
        try:
            compiled = self.targets.find(target)
        except AbsentTarget as error:
            raise Consequence(str(error)) from error
        except UnknownTarget as error:
            raise refused("CAP341", error.message, place, error.hint) from error
        if compiled.operation.problem:
            raise Consequence(f"'{target}' cannot be called: {compiled.operation.problem}")
        return compiled

    def _linked(self, compiled: CompiledOperation, arguments: Arguments) -> Operation:
        needs = needs_of(compiled)
        sent = Arguments(tuple(pair for pair in arguments.sources if not compiled.withholds(pair[0])))
        self.demand.add(needs, sent, self.free_names(sent), self.known)
        self.demand.withheld |= self._withheld(compiled, arguments)
        self._note(name for name in needs if name not in arguments.keys)
        operation = replace(
            self.terms.over(compiled),
            parameters=(*compiled.operation.parameters, *self._added(compiled, needs, sent)),
            missing=tuple(dict.fromkeys((*compiled.operation.missing, *self.texts.missing))),
        )
        self.texts.missing.clear()
        self.calls.append(operation)
        return operation

    def arguments(self, written: Mapping[str, Json], place: Place) -> Arguments:
        sources = tuple((key, self._argument(value, place)) for key, value in written.items())
        self._note(name for _, source in sources for name in source.names)
        return Arguments(sources)

    def source(self, written: Json | Missing, place: Place) -> Source:
        if isinstance(written, str) and _PATH.match(written):
            self._doubt(written, place)
            return self._path(written, place)
        if isinstance(written, dict):
            return Members(tuple((key, self.source(value, place)) for key, value in written.items()))
        if isinstance(written, list):
            return Elements(tuple(self.source(value, place) for value in written))
        source = self._compiled(None if written is MISSING else written, place, "a value")
        names = source.names if isinstance(source, Reference) else self.texts.arguments_in(source.names)
        self.demand.read(names, self.known)
        self._note(source.names)
        return source

    def mappings(self, written: Sequence[tuple[str, Json | Missing]], place: Place) -> Mappings:
        return joined([(target, self.source(value, place)) for target, value in written])

    def outputs_of(self, steps: Iterable[StepSpec]) -> Mappings:
        """One object of what the steps gave, by their names."""
        return joined([(step.name, PathSource(compile_path(f"$['{step.name}']"))) for step in steps])

    def step(self, name: str, place: Place) -> str:
        if name not in self.earlier:
            raise refused("CAP342", f"there is no earlier step '{name}'", place, self._meant(name))
        self._note([name])
        return name

    def _meant(self, name: str) -> str:
        """Which earlier step may be meant by a name."""
        if any(step.name == name for step in self.spec.block.steps):
            return f"it comes later: move '{name}' before this step"
        near = nearest(name, self.earlier)
        known = f"earlier ones are: {', '.join(self.earlier)}" if self.earlier else "this is the first step"
        return f"did you mean '{near}'?" if near else known

    def is_step(self, name: str) -> bool:
        return name in self.earlier

    def everything(self) -> None:
        self._reads.update(self.earlier)

    # -- within ---------------------------------------------------------------------------------------

    def _argument(self, written: Json, place: Place) -> Source:
        """A value of `with`: beside steps a JSONPath; in a single call only one into a declared input.

        Any other text of a call that begins with `$` may be meant for the upstream.
        """
        if isinstance(written, str) and written.startswith(("$.", "$[")):
            named = any(_leads_into(written, item.name) for item in self.spec.inputs)
            if named or self.spec.block.steps:
                self._doubt(written, place)
                return self._path(written, place)
        return self._compiled(written, place, "a value of 'with'")

    def _doubt(self, path: str, place: Place) -> None:
        """Remember a path that leads into no step that has ended by then, and into no known argument."""
        first = _FIRST.match(path)
        if first is None:
            return
        name = first[1] or first[2]
        known = (*self.known, *(item.name for item in self.spec.inputs), *self.demand.feeds, *self.prefixes)
        if any(_leads_into(path, item) for item in known):
            return
        if any(_leads_into(path, step.name) for step in self.spec.block.steps) or self.earlier:
            message = f"'{path}' leads nowhere: no earlier step is called '{name}'"
            self.doubts.append((path, message, place, self._meant(name)))

    def _compiled(self, written: Json, place: Place, what: str) -> Source:
        try:
            return compile_source(written, self.prefixes, lambda text: self._template(text, place))
        except TemplateError as error:
            raise refused("CAP331", f"{what} is not a template: {error.reason}", place, error.hint) from error

    def _path(self, written: str, place: Place) -> Source:
        try:
            source = PathSource(compile_path(written))
        except JsonPathError as error:
            hint = "write it like $.step.data[0].name"
            raise refused("CAP330", f"'{written}' is not a JSONPath: {error}", place, hint) from error
        self._note([written])
        return source

    def _template(self, text: str, place: Place) -> Template:
        return self.texts.template(text, place)

    def _note(self, names: Iterable[str]) -> None:
        """Remember which earlier steps are read by names as they are written."""
        for name in names:
            if name.startswith("$") and _ANY_MEMBER.match(name):
                self.everything()
            elif name.startswith("$"):
                # Better one step too many than one too few: a filter may read others.
                self._reads.update(step for step in self.earlier if step in name)
            else:
                name = name.removeprefix("steps.")
                self._reads.update(
                    step for step in self.earlier if name == step or name.startswith((f"{step}.", f"{step}["))
                )

    def free_names(self, arguments: Arguments) -> list[str]:
        """Arguments that the templates of `with` read, under their plain names."""
        others = (source for _, source in arguments.sources if not isinstance(source, Reference))
        return [name for source in others for name in self.texts.arguments_in(source.names)]

    def _withheld(self, compiled: CompiledOperation, arguments: Arguments) -> set[str]:
        """The caller's arguments that the target has no use for."""
        fed = {
            source.name
            for key, source in arguments.sources
            if isinstance(source, Reference) and compiled.withholds(key)
        }
        return fed | {
            item.name
            for item in self.spec.inputs
            if item.name not in arguments.keys and compiled.withholds(item.name)
        }

    def _respelt(self, compiled: CompiledOperation, arguments: Arguments) -> Arguments:
        """The arguments under the target's own names, where these differ by case and punctuation only."""
        needs = needs_of(compiled)
        settled = {parameter.name for parameter in compiled.operation.parameters} - needs.keys()
        sources = dict(arguments.sources)
        declared = {item.name: Reference(item.name) for item in self.spec.inputs if item.name not in sources}
        given: dict[str, Source] = {**sources, **declared}
        open_names = [name for name in needs if name not in given]
        words = [word for word in given if word not in needs and word not in settled]
        found = spellings(open_names, words)
        kept = [pair for pair in arguments.sources if pair[0] not in found.values()]
        return Arguments((*kept, *((name, given[word]) for name, word in found.items())))

    def _added(
        self, compiled: CompiledOperation, needs: Mapping[str, Need], arguments: Arguments
    ) -> list[Parameter]:
        """Parameters for what the caller gives and the operation does not declare: query or body fields."""
        operation = compiled.operation
        if operation.body is not None and not operation.body.takes_fields:
            return []
        known = {*needs, *(item.name for item in operation.parameters if item.value is not None)}
        sources = dict(arguments.sources)
        unknown = [
            key for key in arguments.keys if key not in known and not self._is_read(sources[key], compiled)
        ]
        # A body that reads arguments says which; only what is named in another way is added to it.
        if self._passes_by_name and (operation.body is None or not operation.body.content.names):
            carried = ("", "query", "body")
            known |= {source.name for source in sources.values() if isinstance(source, Reference)}
            unknown += [
                item.name
                for item in self.spec.inputs
                if item.name not in known and item.location in carried and not compiled.withholds(item.name)
            ]
        default: Location = "query" if operation.method in BODYLESS else "body"
        return [
            Parameter(name=name, location=_said(sources.get(name)) or _usual(name) or default)
            for name in dict.fromkeys(unknown)
        ]

    @property
    def _passes_by_name(self) -> bool:
        """Whether the flow is one call without a `with`, so that every argument goes on by its own name."""
        return not self.spec.block.steps and not (self.spec.call is not None and self.spec.call.arguments)

    @staticmethod
    def _is_read(source: Source, compiled: CompiledOperation) -> bool:
        """Whether the target's own texts read the same argument, so that it is sent already."""
        return isinstance(source, Reference) and source.name in compiled.names


def _leads_into(path: str, name: str) -> bool:
    """Whether a JSONPath begins with a member of the root."""
    starts = (f"$.{name}", f"$['{name}']", f'$["{name}"]', f"$.['{name}']")
    return any(
        path.startswith(start) and path[len(start) : len(start) + 1] in ("", ".", "[") for start in starts
    )


def _usual(name: str) -> Location | None:
    """Where a name belongs that only a header has."""
    return "header" if name in _HEADERS else None


def _said(source: object) -> Location | None:
    """The place that `rest.query.x` and its kind name."""
    places: dict[str, Location] = {"query": "query", "header": "header", "cookie": "cookie"}
    return places.get(source.location) if isinstance(source, Reference) else None


def refused(code: str, message: str, place: Place, hint: str = "") -> CompileError:
    return CompileError(Problem(code=code, message=message, hint=hint, place=place))
