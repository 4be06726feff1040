"""A call step: makes one request of an operation with the arguments that `with` gives."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.linking import Linker
from capspec.node import Node
from capspec.plan import NOTHING, Answer, Operation, Runtime, Scope
from capspec.references import Arguments
from capspec.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep:
    """Sends to `operation`; with `passes_extra`, when it is a whole flow, undeclared arguments go along."""

    name: str
    operation: Operation
    arguments: Arguments
    passes_extra: bool = False

    async def run(self, scope: Scope, runtime: Runtime) -> Answer | Json:
        arguments = self.arguments.read(scope)
        if self.operation.poll is not None:
            return await runtime.finish(self.operation, arguments)
        return await runtime.send(self.operation, arguments, scope.extra if self.passes_extra else NOTHING)


def compile_step(name: str, node: Node, linker: Linker) -> CallStep:
    """`call: ns.operation` and `with`. Raises CompileError when there is no such operation."""
    target = node.text("call")
    with_place = node.document.place((*node.pointer, "with"))
    arguments = linker.arguments(node.mapping("with"), with_place)
    return CallStep(name=name, operation=linker.operation(target, arguments, node.place), arguments=arguments)
