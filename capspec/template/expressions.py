"""Jinja expressions and blocks to readers, for the few templates that need more than names.

They are compiled from the capability file only, never from data. A name with hyphens is a name here too:
`a-b` is one name, `a - b` a subtraction.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.visitor import NodeTransformer

from capspec.template.errors import TemplateError, TemplateRenderError
from capspec.template.names import Read, lookup
from capspec.template.sandbox import ENCODE, LONGEST_OUTPUT, environment, native
from capspec.template.writing import Encode, Fragment
from capspec.values import MISSING, Json, Scope

_STATEMENTS = (nodes.Output, nodes.For, nodes.If, nodes.Assign, nodes.With)
_HYPHENATED = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    r"""|(?<![\w.$-])(?P<name>[A-Za-z_]\w*(?:\.\w+)*-[A-Za-z_]\w*(?:[.-]\w+)*)(?![\w-])"""
)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_UNKNOWN = re.compile(r"No (filter|test) named '(.+)'")
_RAW = re.compile(r"\{%[-+]?\s*raw\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """What stands between two braces. `read_json` gives the value behind what `| tojson` wrote."""

    names: tuple[str, ...]
    read: Read
    read_json: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A text with `{% … %}` in it."""

    names: tuple[str, ...]
    render: Callable[[Scope, Encode | None], str]


def compile_expression(source: str) -> Expression:
    """Raises TemplateError, without an offset, for what is no expression or may not be used."""
    names = _Names()
    try:
        output = _parsed(f"{{{{ {names.hide(source)} }}}}", names).body[0]
    except TemplateSyntaxError as error:
        wrong, hint = _explained(error)
        message = f"{source!r} is neither a name nor an expression of Jinja: {wrong}"
        raise TemplateError(message, hint=hint) from None
    result = nodes.Assign(nodes.Name("result", "store"), output.find(nodes.Expr), lineno=1)
    template = environment().from_string(nodes.Template([result], lineno=1))
    evaluate = TemplateExpression(template, undefined_to_none=False)

    def found(scope: Scope) -> Any:
        try:
            return evaluate(names.variables(scope))
        except UndefinedError:
            return MISSING
        except Exception as error:  # noqa: BLE001 - an expression can fail in any way that Python can
            raise TemplateRenderError(f"the expression {source!r} cannot be evaluated: {error}") from None

    def read(scope: Scope) -> Json:
        value = found(scope)
        return value if value is MISSING else native(value)

    def read_json(scope: Scope) -> Json:
        value = found(scope)
        if isinstance(value, Fragment):
            return value.value
        return value if value is MISSING else native(value)

    return Expression(names=tuple(names.needed), read=read, read_json=read_json)


def _explained(error: TemplateSyntaxError) -> tuple[str, str]:
    """What Jinja says is wrong, without its full stop, and a hint: which filter or test may be meant."""
    message = (error.message or "").rstrip(".")
    found = _UNKNOWN.fullmatch(message)
    if found is None:
        return message, "check its quotes, brackets and operators"
    kind, name = found[1], found[2]
    known = environment().filters if kind == "filter" else environment().tests
    near = difflib.get_close_matches(name, known, 1)
    usual = "upper, default, join or tojson" if kind == "filter" else "defined, none or string"
    hint = f"did you mean '{near[0]}'?" if near else f"use one of Jinja's {kind}s, such as {usual}"
    return f"there is no {kind} '{name}'", hint


def compile_block(text: str) -> Block:
    """Raises TemplateError for what is no Jinja template or uses more than output, if, for, set and with."""
    names = _Names()
    rewritten = text if _RAW.search(text) else _TAG.sub(lambda tag: names.hide(tag[0]), text)
    try:
        tree = _parsed(rewritten, names)
    except TemplateSyntaxError as error:
        wrong, hint = _explained(error)
        raise TemplateError(f"the text is no template of Jinja: {wrong}", hint=hint) from None
    for statement in tree.find_all(nodes.Stmt):
        if not isinstance(statement, _STATEMENTS) or getattr(statement, "recursive", False):
            kind = type(statement).__name__.lower()
            raise TemplateError(f"the block uses {kind!r}; only if, for, set and with are supported")
    template = environment().from_string(tree)

    def render(scope: Scope, encode: Encode | None) -> str:
        return _rendered(template, {**names.variables(scope), ENCODE: encode})

    return Block(names=tuple(names.needed), render=render)


def _rendered(template: JinjaTemplate, variables: Mapping[str, Any]) -> str:
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.generate(variables):
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST_OUTPUT:
                raise TemplateRenderError(f"the template gives more than {LONGEST_OUTPUT} characters")
    except TemplateRenderError:
        raise
    except Exception as error:  # noqa: BLE001 - a block can fail in any way that Python can
        raise TemplateRenderError(f"the template cannot be rendered: {error}") from None
    return "".join(pieces)


def _parsed(text: str, names: _Names) -> nodes.Template:
    tree = environment().parse(text)
    if tree.find(nodes.Pow) is not None:
        raise TemplateError("the operator ** is not supported")
    return names.resolve(tree)


class _Names(NodeTransformer):
    """Takes dotted and hyphenated names out of Jinja's hands, so that they mean what they mean elsewhere.

    Before parsing, `hide` replaces names with hyphens, which Jinja would read as subtractions; after it,
    `resolve` replaces dotted names, which may be keys of the scope as a whole. Names that the template sets
    itself stay Jinja's.
    """

    def __init__(self) -> None:
        self.needed: list[str] = []
        self.hidden: dict[str, str] = {}
        self.readers: dict[str, Read] = {}
        self.free: set[str] = set()

    def hide(self, source: str) -> str:
        return _HYPHENATED.sub(
            lambda found: self._alias(found["name"]) if found["name"] else found[0], source
        )

    def resolve(self, tree: nodes.Template) -> nodes.Template:
        stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
        loops = {"loop"} if tree.find(nodes.For) else set()
        self.free = meta.find_undeclared_variables(tree) - stored - loops
        visited: nodes.Template = self.visit(tree)
        return visited

    def variables(self, scope: Scope) -> dict[str, Json]:
        aliased = {alias: read(scope) for alias, read in self.readers.items()}
        return {**scope, **{alias: value for alias, value in aliased.items() if value is not MISSING}}

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - Jinja's naming
        if node.ctx == "load" and node.name in self.free:
            self.needed.append(self.hidden.get(node.name, node.name))
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja's naming
        name = self._dotted(node)
        if name is None:
            return self.generic_visit(node)
        self.needed.append(name)
        return nodes.Name(self._alias(name), "load", lineno=node.lineno)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - Jinja's naming
        if isinstance(node.node, nodes.Getattr):
            node.node.node = self.visit(node.node.node)
            node.args = [self.visit(argument) for argument in node.args]
            return node
        return self.generic_visit(node)

    def _alias(self, name: str) -> str:
        alias = f"__name_{len(self.hidden)}"
        self.hidden[alias] = name
        self.readers[alias] = lookup(name)
        return alias

    def _dotted(self, node: nodes.Node) -> str | None:
        if isinstance(node, nodes.Name):
            return self.hidden.get(node.name, node.name) if node.name in self.free else None
        if isinstance(node, nodes.Getattr):
            head = self._dotted(node.node)
            return None if head is None else f"{head}.{node.attr}"
        return None
