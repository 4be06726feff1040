"""A script step: runs JavaScript or Python in a sandbox, with all that is known by then as `context`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capspec.errors import CompileError, Problem
from capspec.linking import Linker
from capspec.node import Node
from capspec.plan import Runtime, Scope
from capspec.references import Arguments
from capspec.scripting.governance import Rules, rules_of
from capspec.scripting.program import NotRunnable, Program
from capspec.scripting.scripts import EXTRA
from capspec.values import Json, Missing

SCHEMA: Mapping[str, Json] = {
    "description": (
        "Runs a script. It sees all that is known by then as `context`, and gives what it leaves in `result`."
    ),
    "type": "object",
    "properties": {
        "file": {
            "description": "The script, below its location.",
            "type": "string",
            "minLength": 1,
            "examples": ["total.js"],
        },
        "source": {
            "description": "The script itself, instead of a file.",
            "type": "string",
            "minLength": 1,
            "examples": ["result = context['find-city'].name"],
        },
        "code": {
            "description": "The same as source.",
            "type": "string",
            "minLength": 1,
            "examples": ["result = context['find-city'].name"],
        },
        "language": {
            "description": "What the script is in; as its file's name says when there is no default.",
            "type": "string",
            "examples": ["javascript", "python"],
        },
        "location": {
            "description": "The folder of its files: a file URL, or a path relative to the capability file.",
            "type": "string",
            "examples": ["./scripts"],
        },
        "dependencies": {
            "description": "Scripts that run before it, in this order, and share their names with it.",
            "type": ["array", "string"],
            "items": {"type": "string"},
            "examples": [["money.js"]],
        },
        "with": {"description": "Further values of `context`, each by its name.", "type": ["object", "null"]},
        "timeout": {
            "description": "How long it may run, in milliseconds.",
            "type": "integer",
            "minimum": 1,
            "examples": [5000],
        },
        "statementLimit": {
            "description": "How many statements it may run.",
            "type": "integer",
            "minimum": 1,
            "examples": [100000],
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptStep:
    """Gives what the script leaves in `result`; MISSING when that is nothing, or null."""

    name: str
    program: Program
    arguments: Arguments

    async def run(self, scope: Scope, runtime: Runtime) -> Json | Missing:
        return await runtime.scripts.run(self.program, self.arguments.read(scope))


def compile_step(name: str, node: Node, linker: Linker) -> ScriptStep:
    """`file` or `source`, `language`, `location`, `dependencies`, `with`, `timeout`, `statementLimit`.

    Raises CompileError (CAP349) when the script cannot be read, or there is nothing that it can run in.
    """
    program = Program(
        name=node.text("file") or name,
        file=node.text("file"),
        source=node.text("source", "code"),
        dependencies=node.texts("dependencies"),
        language=node.text("language"),
        location=node.text("location"),
        timeout=_limit(node, "timeout"),
        statement_limit=_limit(node, "statementLimit", "statement-limit"),
        document=node.document,
    )
    _check(name, node, program)
    linker.everything()
    written = node.get("with")
    place = node.place if written is None else written.place
    sources = tuple((key, linker.source(value, place)) for key, value in node.mapping("with").items())
    return ScriptStep(name=name, program=program, arguments=Arguments(sources))


def _limit(node: Node, *names: str) -> int:
    found = node.integer(*names)
    if found is not None and found < 1:
        raise _refused(node, f"'{names[0]}' should be a whole number, 1 or more")
    return found or 0


def _check(name: str, node: Node, program: Program) -> None:
    rules = rules_of(Node.root(node.document)) or Rules()
    if bool(program.file) == bool(program.source):
        raise _refused(node, f"script step '{name}' should have either 'file' or 'source'")
    try:
        language = program.chosen(rules)
        program.files(rules)
    except NotRunnable as error:
        raise _refused(node, f"script step '{name}': {error}", error.hint) from None
    if not language.is_installed:
        raise _refused(node, f"script step '{name}': {language.title} is not installed", EXTRA)


def _refused(node: Node, message: str, hint: str = "") -> CompileError:
    # The reason why a flow is not available is all that its callers see, so the remedy is in it.
    reason = f"{message}; {hint}" if hint else message
    return CompileError(Problem(code="CAP349", message=reason, place=node.place))
