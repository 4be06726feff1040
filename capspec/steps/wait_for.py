"""A wait-for step: waits for the end of jobs that earlier steps began without waiting."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.durations import parse_duration
from capspec.errors import CompileError, MappingError, Problem
from capspec.linking import Linker
from capspec.node import Node
from capspec.plan import Runtime, Scope
from capspec.references import Source
from capspec.values import MISSING, Json, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStep:
    """Gives the result of a job, or those of a list of jobs in its order.

    `job` reads a handle, or what a call step with `wait: false` gave. `seconds` is for each job; None leaves
    it to the operation's own limit.
    """

    name: str
    job: Source
    seconds: float | None

    async def run(self, scope: Scope, runtime: Runtime) -> Json | Missing:
        found = self.job.read(scope)
        if found is MISSING:
            return MISSING
        if isinstance(found, list):
            return [await self._result(item, scope, runtime) for item in found]
        return await self._result(found, scope, runtime)

    async def _result(self, begun: Json, scope: Scope, runtime: Runtime) -> Json:
        handle = begun.get("job") if isinstance(begun, dict) else begun
        if not isinstance(handle, str):
            raise MappingError(f"step '{self.name}' waits for a job, and was given none")
        return await runtime.join(handle, scope.principal, self.seconds)


def compile_step(name: str, node: Node, linker: Linker) -> WaitStep:
    """`job` (a step, a reference or a JSONPath) and `timeout`. Raises CompileError."""
    word = node.text("job")
    source = linker.source(f"$['{word}']" if linker.is_step(word) else word, node.place)
    timeout = node.text("timeout")
    try:
        seconds = parse_duration(timeout) if timeout else None
    except ValueError as error:
        raise CompileError(Problem(code="CAP326", message=f"timeout: {error}", place=node.place)) from error
    if not word:
        message = f"step '{name}' does not say which job it waits for"
        hint = "name a call step that has 'wait: false'"
        raise CompileError(Problem(code="CAP345", message=message, hint=hint, place=node.place))
    return WaitStep(name=name, job=source, seconds=seconds)
