"""BlockSpec to Block: each step compiled, and with it what it waits for, when it runs, and what then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from capspec import registry
from capspec.compiler.flow_linker import FlowLinker, refused
from capspec.errors import Place
from capspec.model.steps import BlockSpec, LoopSpec, RecoverySpec, StepSpec
from capspec.node import Report
from capspec.plan import Block, Loop, Operation, Reader, Recovery, Step, Task
from capspec.plan.steps import CONCURRENCY, MAX_ITEMS
from capspec.references import Rendered, Source
from capspec.steps.block import BlockStep
from capspec.template.placeholders import split
from capspec.values import MISSING, Json

_SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods whose requests may change places (RFC 9110, 9.2.1)."""


@dataclass(slots=True)
class _Order:
    """What the tasks of one block wait for. `walls` are those that nothing may change places with."""

    names: dict[str, int] = field(default_factory=dict)
    walls: set[int] = field(default_factory=set)

    def add(self, spec: StepSpec, reads: set[str], *, wall: bool, alone: bool) -> frozenset[int]:
        """The positions that the next task waits for."""
        at = len(self.names)
        if wall or alone:
            after = frozenset(range(at))
        else:
            after = frozenset({self.names[name] for name in reads if name in self.names} | self.walls)
        if wall:
            self.walls.add(at)
        self.names[spec.name] = at
        return after


class BlockCompiler:
    """Compiles the steps of one flow."""

    def __init__(self, linker: FlowLinker, report: Report) -> None:
        self.linker = linker
        self.report = report

    def block(self, spec: BlockSpec, place: Place, *local: str) -> Block:
        """Raises CompileError for a step that cannot work."""
        with self.linker.inside(*local):
            return self.outermost(spec, place)

    def outermost(self, spec: BlockSpec, place: Place) -> Block:
        """The same, of a flow's own steps."""
        order = _Order()
        tasks = []
        for at, step in enumerate(spec.steps, start=1):
            # Without mappings the last step's answer is the flow's, and nothing may go on beside it.
            ends = at == len(spec.steps) and not spec.mappings
            tasks.append(self._task(step, spec, order, ends=ends))
        document = self.linker.mappings(spec.mappings, place) if spec.mappings else None
        return Block(tasks=tuple(tasks), document=document)

    def _task(self, spec: StepSpec, block: BlockSpec, order: _Order, *, ends: bool) -> Task:
        if spec.name in order.names:
            message = f"there are two steps '{spec.name}'"
            raise refused("CAP344", message, spec.place, "give each step a name of its own")
        called = len(self.linker.calls)
        with self.linker.reading() as reads:
            for name in spec.after:
                self.linker.step(name, self.report.spot(spec.node.at("dependsOn", "depends-on"), name))
            loop = None if spec.loop is None else self._loop(spec.loop)
            with self.linker.inside(*(("index", loop.variable) if loop else ())):
                at = spec.node.at("when", "condition", "if")
                condition = None if spec.when is MISSING else self._condition(spec.when, at)
                step = self._step(spec, block)
                recovery = None if spec.recovery is None else self._recovery(spec.recovery)
        parallel = block.parallel if spec.parallel is None else spec.parallel
        changes = any(_changes(operation) for operation in self.linker.calls[called:])
        after = order.add(
            spec, reads, wall=parallel is False or (changes and parallel is not True), alone=ends
        )
        self.linker.earlier.append(spec.name)
        return Task(step=step, kind=spec.type, after=after, condition=condition, loop=loop, recovery=recovery)

    def _step(self, spec: StepSpec, around: BlockSpec) -> Step:
        if spec.block is not None:
            if not spec.block.steps:
                raise refused("CAP345", f"step '{spec.name}' has no steps", spec.place, "add 'steps'")
            parallel = around.parallel if spec.block.parallel is None else spec.block.parallel
            inner = replace(spec.block, parallel=parallel)
            return BlockStep(name=spec.name, block=self.block(inner, spec.place))
        try:
            compile_step = registry.find("step", spec.type)
        except registry.UnknownExtension as error:
            message, hint = f"step '{spec.name}': {error.message}", error.hint
            if not spec.type:
                message, hint = f"step '{spec.name}' does nothing", "add 'call', or what else it should do"
            raise refused("CAP340", message, spec.node.at("type"), hint) from error
        step: Step = compile_step(spec.name, spec.node, self.linker)
        spec.node.has("type")
        spec.node.finish(f"a {spec.type} step")
        return step

    def _loop(self, spec: LoopSpec) -> Loop:
        items = spec.items
        if isinstance(items, str) and self.linker.is_step(items):
            items = f"$['{items}']"
        return Loop(
            items=self.linker.source(items, spec.place),
            variable=spec.variable,
            concurrency=max(1, CONCURRENCY if spec.concurrency is None else spec.concurrency),
            limit=max(1, MAX_ITEMS if spec.limit is None else spec.limit),
        )

    def _recovery(self, spec: RecoverySpec) -> Recovery:
        with self.linker.inside("error"):
            value = None if spec.value is MISSING else self.linker.source(spec.value, spec.place)
            block = None if spec.block is None else self.block(spec.block, spec.place)
            return Recovery(value=value, block=block)

    def _condition(self, written: Json, place: Place) -> Reader:
        """A condition: an expression in braces or without them, a reference, a JSONPath, or true or false."""
        source = self.linker.source(written, place)
        if not isinstance(written, str) or not isinstance(source, Rendered):
            return source
        return self._expression(written, source, place)

    def _expression(self, written: str, source: Source, place: Place) -> Reader:
        parts = list(split(written.strip()))
        if any(isinstance(part, str) and part.strip() for part in parts):
            if len(parts) > 1:
                hint = "put all of it between one pair of braces: {{ a == 'b' }}"
                raise refused("CAP346", f"the condition '{written}' is text with names in it", place, hint)
            return self.linker.source(f"{{{{ {written} }}}}", place)
        if len(parts) > 1:
            hint = "join them in one expression: {{ a and b }}"
            raise refused("CAP346", f"the condition '{written}' has several expressions", place, hint)
        return source


def _changes(operation: Operation) -> bool:
    return operation.method not in _SAFE
