"""A transform step: makes a value of what earlier steps gave, without a request."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import CompileError, Problem
from capspec.linking import Linker
from capspec.mapping import Output, compile_outputs
from capspec.model.parameters import parse_outputs
from capspec.node import Node
from capspec.plan import Reader, Runtime, Scope
from capspec.values import Json, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformStep:
    """Gives a `value`, or the `document` of its mappings; `output` shapes it, or reads from all names."""

    name: str
    source: Reader | None
    output: Output | None

    async def run(self, scope: Scope, runtime: Runtime) -> Json | Missing:
        document = scope.values if self.source is None else self.source.read(scope)
        return document if self.output is None else self.output.read(document, scope.names)


def compile_step(name: str, node: Node, linker: Linker) -> TransformStep:
    """`value`, or `mappings`, or neither; and `outputParameters`. Raises CompileError for none of them."""
    source: Reader | None = None
    if node.has("value"):
        source = linker.source(node.raw("value"), node.place)
    elif node.has("mappings"):
        source = linker.mappings(
            [(item.text("target", "targetName"), item.raw("value")) for item in node.members("mappings")],
            node.place,
        )
    outputs = parse_outputs(node)
    if source is None and not outputs:
        message = f"step '{name}' does not say what it makes"
        hint = "add 'value', 'mappings' or 'outputParameters' with a 'mapping' each"
        raise CompileError(Problem(code="CAP345", message=message, hint=hint, place=node.place))
    linker.everything()
    output = compile_outputs(outputs, mode="steps", report=node.report) if outputs else None
    return TransformStep(name=name, source=source, output=output)
