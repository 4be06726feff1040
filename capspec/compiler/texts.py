"""Texts of the file to templates with bound variables put in, so that request data never meets a secret."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from capspec.bindings import Bindings
from capspec.errors import Place
from capspec.references import PREFIXES
from capspec.template import JsonText, Template, Tree, compile_json_text, compile_template, compile_tree
from capspec.template.binding import bind_template, bind_tree
from capspec.values import Json


@dataclass(slots=True)
class Texts:
    """Compiles texts, and notes in `missing` the variables that they need and that have no value.

    `arguments` are names that mean a call's arguments even if a variable has the same name.
    """

    bindings: Bindings
    arguments: Collection[str] = ()
    prefixes: tuple[str, ...] = PREFIXES
    missing: list[str] = field(default_factory=list)

    def template(self, text: str, place: Place, *, single_brace: bool = False) -> Template:
        """Raises TemplateError."""
        template = compile_template(text, single_brace=single_brace)
        return bind_template(template, self._constants(template.names, place))

    def setting(self, text: str, place: Place) -> Template:
        """The same of a text that is the file's own, so that a bare name of a variable means the variable."""
        return self.template(self.bindings.braced(text, place), place)

    def tree(self, data: Json, place: Place) -> Tree:
        tree = compile_tree(data)
        return bind_tree(tree, self._constants(tree.names, place))

    def json_text(self, text: str, place: Place) -> JsonText:
        template = compile_json_text(text)
        return bind_tree(template, self._constants(template.names, place))

    def arguments_in(self, names: Iterable[str]) -> list[str]:
        """Those of a template's names that are arguments of the call, without their prefix."""
        return [self._stripped(name) for name in names if not self._is_variable(name)]

    def _constants(self, names: Iterable[str], place: Place) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in filter(self._is_variable, names):
            value, missing = self.bindings.resolve(f"{{{{{name}}}}}", place)
            self.missing.extend(missing)
            found[name] = "" if missing else value
        return found

    def _is_variable(self, name: str) -> bool:
        if name in self.arguments or name.partition(".")[0] in self.prefixes:
            return False
        return self.bindings.is_bound(name)

    def _stripped(self, name: str) -> str:
        prefix, dot, rest = name.removeprefix("$this.").partition(".")
        return rest if dot and prefix in self.prefixes else name
