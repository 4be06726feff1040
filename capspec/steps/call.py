"""A call step: makes one request of an operation with the arguments that `with` gives."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import CompileError, Problem
from capspec.linking import Linker
from capspec.node import Node
from capspec.plan import NOTHING, Answer, Operation, Runtime, Scope
from capspec.references import Arguments
from capspec.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep:
    """Sends to `operation`; with `passes_extra`, when it is a whole flow, undeclared arguments go along.

    A job is waited for, unless `waits` is False: then its handle is what the step gives.
    """

    name: str
    operation: Operation
    arguments: Arguments
    passes_extra: bool = False
    waits: bool = True

    async def run(self, scope: Scope, runtime: Runtime) -> Answer | Json:
        arguments = self.arguments.read(scope)
        if self.operation.poll is not None:
            if self.waits:
                return await runtime.finish(self.operation, arguments)
            return await runtime.begin(self.operation, arguments, scope.principal)
        return await runtime.send(self.operation, arguments, scope.extra if self.passes_extra else NOTHING)


def compile_step(name: str, node: Node, linker: Linker) -> CallStep:
    """`call: ns.operation`, or `operation` with its namespace as `capability`; `with` (or `params`); `wait`.

    Raises CompileError when there is no such operation.
    """
    written = node.get("with", "params", "parameters")
    place = node.place if written is None else written.place
    arguments = linker.arguments(node.mapping("with", "params", "parameters"), place)
    operation = linker.operation(_target(node), arguments, node.at("call", "operation"))
    waits = node.flag("wait") is not False
    if not waits and operation.poll is None:
        message = f"'wait: false' has no meaning: {operation.id} starts no job"
        raise CompileError(
            Problem(
                code="CAP339", message=message, hint="add 'poll', or remove 'wait'", place=node.at("wait")
            )
        )
    return CallStep(name=name, operation=operation, arguments=arguments, waits=waits)


def _target(node: Node) -> str:
    namespace, operation = node.text("capability", "namespace"), node.text("call", "operation")
    return f"{namespace}.{operation}" if namespace and "." not in operation else operation
