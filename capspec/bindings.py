"""A capability's binds to Bindings: its variables' values, which cannot print, and which ones have none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from capspec import registry
from capspec.errors import BindError, CompileError, Place, Problem
from capspec.model import BindSpec, Capability
from capspec.plan import MissingVariable
from capspec.template import TemplateError, compile_template
from capspec.values import MISSING, Missing, Secret

_UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_BARE: Final = re.compile(r"\$((?:secrets|env)\.\w+)")
_ALIKE: Final = 0.87
"""How alike two names are when one is taken for the other misspelt: a letter in eight, not a word in two."""

_ENVIRONMENT: Final = ("env", "secrets")
"""Words before a dot that name a variable wherever it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One bind, opened. `reason` says why it could not be; its values are then empty."""

    spec: BindSpec
    values: Mapping[str, str] = field(repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variable:
    """One variable, found or not: `bind` says where its value comes from, or why there is none."""

    name: str
    bind: str
    value: Secret | None


_Missing = dict[tuple[str, str], dict[Place, None]]
"""Names and binds of variables without a value, and where each is asked for."""


class Bindings:
    """The variables of a capability, as the texts of its own file see them.

    `NAME`, `namespace.NAME`, `env.NAME` and `secrets.NAME` all name a variable. One that no bind declares is
    looked up in the environment. Of several binds that declare a name, the last that has a value counts. A
    blank value counts as none: sent as a credential it could only be refused, and less clearly. `unknown` are
    the names that no bind declares, and where they are asked for.

    `files` are the variables as other files see them, which brought binds of their own when entries were
    imported from them. Where variables are asked for that have no value is noted in `missing`, and in `bare`
    where one stands without its braces.
    """

    __slots__ = ("_environ", "_files", "_found", "_missing", "_sources", "bare", "unknown")

    def __init__(
        self,
        sources: Sequence[_Source],
        environ: Mapping[str, str],
        missing: _Missing,
        files: Mapping[str, Bindings],
    ) -> None:
        self._sources = tuple(sources)
        self._environ = environ
        self._files = files
        self._found: dict[str, _Variable] = {}
        self._missing = missing
        self.bare: dict[Place, str] = {}
        self.unknown: dict[tuple[str, Place], None] = {}
        for source in self._sources:
            for name in source.spec.keys:
                self._find(f"{source.spec.namespace}.{name}")
                variable = self._find(name)
                if source.reason and variable.value is None:
                    self._note(variable, source.spec.key_places.get(name, source.spec.place))

    def __repr__(self) -> str:
        return f"Bindings({len(self._sources)} binds)"

    def seen_in(self, file: str) -> Bindings:
        """The variables as the texts of a file see them. `file` is the `source` of its places."""
        return self._files.get(file, self)

    def resolve(self, text: str, place: Place) -> tuple[str, tuple[str, ...]]:
        """The text with its variables put in, and the names of those that have no value, which become "".

        They are those that the file sees which the place is in.

        A whole text `$secrets.NAME` or `$env.NAME` is a variable without its braces. Values are put in as
        they are: braces in them mean nothing. Raises CompileError for a text that is not a template.
        """
        if place.source in self._files:
            return self._files[place.source].resolve(text, place)
        text = self.braced(text, place)
        try:
            template = compile_template(text)
        except TemplateError as error:
            raise _refusal(f"the text is not a template: {error.reason}", place, error.hint) from error
        if template.is_literal:
            return text, ()
        variables = {name: self._find(name) for name in template.names}
        for name in variables:
            if not self._is_declared(name):
                self.unknown[name, place] = None
        absent = {item.name: item for item in variables.values() if item.value is None}
        for variable in absent.values():
            self._note(variable, place)
        values = {name: item.value.reveal() for name, item in variables.items() if item.value is not None}
        try:
            written = template.text(values)
        except TemplateError:
            # Its message may quote a value.
            raise _refusal("the template cannot be evaluated with its variables", place) from None
        return "" if written is MISSING else written, tuple(absent)

    def braced(self, text: str, place: Place) -> str:
        """A setting that is nothing but a variable's name, with the braces that its author left out."""
        if _BARE.fullmatch(text):
            return _BARE.sub(r"{{\1}}", text)
        if _UPPER.fullmatch(text) and self._declaring(text):
            self.bare[place] = text
            return f"{{{{{text}}}}}"
        return text

    @property
    def taken_for_variables(self) -> dict[Place, str]:
        """Every place where a bound variable's name stands without its braces."""
        return {place: name for view in (self, *self._files.values()) for place, name in view.bare.items()}

    @property
    def undeclared(self) -> tuple[tuple[str, str, Place], ...]:
        """Variables that were asked for and that no bind declares: the name, a declared one that is close to
        it when it has no value, and where."""
        views = (self, *self._files.values())
        return tuple((name, view._near(name), place) for view in views for name, place in view.unknown)

    def value(self, name: str) -> Secret | None:
        """The value of a variable, None when it has none."""
        return self._find(name).value

    def constant(self, name: str) -> str | Missing:
        """The value of a variable, revealed, MISSING when it has none."""
        value = self.value(name)
        return MISSING if value is None else value.reveal()

    def is_bound(self, name: str) -> bool:
        """Whether a name means a variable: a bind declares it, or it is written as only variables are."""
        prefix, dot, rest = name.rpartition(".")
        if not dot:
            return bool(self._declaring(name)) or _UPPER.fullmatch(name) is not None
        if prefix in _ENVIRONMENT:
            return True
        namespaces = {source.spec.namespace for source in self._sources}
        return prefix in namespaces and (
            bool(self._declaring(rest, prefix)) or _UPPER.fullmatch(rest) is not None
        )

    def declares(self, name: str) -> bool:
        """Whether a bind names this variable, with or without its namespace before it."""
        prefix, _, rest = name.rpartition(".")
        return bool(self._declaring(rest, prefix))

    @property
    def missing(self) -> tuple[MissingVariable, ...]:
        """The variables without a value that were asked for so far, and all of binds that cannot be read."""
        return tuple(
            MissingVariable(name=name, bind=bind, places=tuple(places))
            for (name, bind), places in self._missing.items()
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """All values known so far, revealed, the longest first, so that they can be masked in order."""
        views = (self, *self._files.values())
        found = (item for view in views for item in view._found.values())
        values = {item.value.reveal() for item in found if item.value is not None}
        return tuple(sorted(values, key=lambda value: (-len(value), value)))

    # -- within -------------------------------------------------------------------------------------

    def _is_declared(self, name: str) -> bool:
        """Whether a bind declares it, or it says itself that it is the environment's."""
        prefix, _, rest = name.rpartition(".")
        return prefix == "env" or bool(self._declaring(rest, "" if prefix in _ENVIRONMENT else prefix))

    def _near(self, name: str) -> str:
        if self.value(name) is not None:
            return ""
        prefix, dot, rest = name.rpartition(".")
        known = [key for source in self._sources for key in source.spec.keys]
        near = difflib.get_close_matches(rest, known, 1, cutoff=_ALIKE)
        return f"{prefix}{dot}{near[0]}" if near else ""

    def _note(self, variable: _Variable, place: Place) -> None:
        self._missing.setdefault((variable.name, variable.bind), {})[place] = None

    def _find(self, name: str) -> _Variable:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._look_up(name)
        return found

    def _look_up(self, name: str) -> _Variable:
        prefix, _, rest = name.rpartition(".")
        declared = self._declaring(rest, prefix) if prefix else self._declaring(name)
        if not prefix or declared:
            return self._first(rest, declared)
        if prefix == "env" and self._environ.get(rest, "").strip():
            return self._first(rest, ())
        if prefix in _ENVIRONMENT or any(source.spec.namespace == prefix for source in self._sources):
            return self._first(rest, self._declaring(rest))
        return self._first(name, ())

    def _declaring(self, name: str, namespace: str = "") -> tuple[_Source, ...]:
        return tuple(
            source
            for source in reversed(self._sources)
            if name in source.spec.keys and namespace in ("", source.spec.namespace)
        )

    def _first(self, name: str, sources: Iterable[_Source]) -> _Variable:
        """The variable from the first source that has a value, or from the environment when there is none."""
        tried = [_from_source(name, source) for source in sources]
        tried = tried or [_variable(name, self._environ.get(name, ""), "environment")]
        nowhere = _Variable(name=name, bind="; ".join(item.bind for item in tried), value=None)
        return next((item for item in tried if item.value is not None), nowhere)


def resolve(capability: Capability, environ: Mapping[str, str]) -> Bindings:
    """Open every bind of a capability and of what it imports, once.

    A bind that cannot be read is no error: its variables are missing, and `bind` says why.
    """
    sources = [_opened(spec, environ) for spec in capability.binds]

    def seen(files: Iterable[str]) -> list[_Source]:
        """What counts most comes last."""
        return [source for file in files for source in sources if source.spec.file == file]

    missing: _Missing = {}
    files = {
        file: Bindings(seen(reversed(visible)), environ, missing, {})
        for file, visible in capability.scopes.items()
    }
    return Bindings(seen([capability.document.source]), environ, missing, files)


def _opened(spec: BindSpec, environ: Mapping[str, str]) -> _Source:
    try:
        values = registry.find("bind", _provider(spec))(spec.location, spec.folder, environ)
    except registry.UnknownExtension as error:
        return _Source(spec=spec, values={}, reason=str(error))
    except BindError as error:
        return _Source(spec=spec, values={}, reason=error.problems[0].message)
    return _Source(spec=spec, values=values)


def _refusal(message: str, place: Place, hint: str = "") -> CompileError:
    return CompileError(Problem(code="CAP331", message=message, hint=hint, place=place))


def _provider(spec: BindSpec) -> str:
    # A path without a scheme is a file, also `C:\secrets.env`.
    if spec.location and _SCHEME.match(spec.location) is None:
        return "file"
    return spec.scheme


def _from_source(name: str, source: _Source) -> _Variable:
    key = source.spec.keys[name]
    where = source.spec.location or "the environment"
    reason = source.reason or f"no value for '{key}' in {where}"
    return _variable(name, source.values.get(key, ""), source.spec.namespace, reason)


def _variable(name: str, value: str, bind: str, reason: str = "") -> _Variable:
    if value.strip():
        return _Variable(name=name, bind=bind, value=Secret(value))
    return _Variable(name=name, bind=f"{bind}: {reason}" if reason else bind, value=None)
