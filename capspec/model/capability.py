"""Document to Capability: the author's words, typed, in one shape whatever the dialect."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from capspec.document import Document
from capspec.errors import LoadError, Problem
from capspec.model.aggregates import FunctionSpec, parse_aggregates
from capspec.model.binds import BindSpec, environment_binds, parse_binds, warn_of_hidden
from capspec.model.consumes import UpstreamSpec, parse_consumes
from capspec.model.entries import body_of
from capspec.model.exposes import ListenerSpec, parse_exposes
from capspec.model.imports import Imports
from capspec.model.info import InfoSpec, parse_info
from capspec.node import Node, Report
from capspec.values import Json

ROOT_KEYS = ("capspec", "naftiko", "ikanos")

_UNSUPPORTED = ("0.1", "0.2", "0.3")
"""Versions of `naftiko` from before the language had the shapes that all later ones share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A whole capability file, with what it imports. `warnings` do not stop it from being served.

    `imported` are the files that it imports from. `scopes` says of each of them, by its name in places, which
    files' binds its texts see, the one that counts first; all others see those of the capability's own file.
    `dialects` says of every file which one it is in. `lost` are the namespaces that could not be imported.
    """

    name: str
    dialect: str
    version: str
    info: InfoSpec
    binds: tuple[BindSpec, ...]
    upstreams: tuple[UpstreamSpec, ...]
    listeners: tuple[ListenerSpec, ...]
    functions: tuple[FunctionSpec, ...]
    document: Document
    imported: tuple[Document, ...]
    dialects: Mapping[str, str]
    scopes: Mapping[str, tuple[str, ...]]
    lost: tuple[str, ...]
    report: Report

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.report.warnings


def parse(document: Document) -> Capability:
    """Read a document of any dialect.

    Raises LoadError with every problem when it has no root key, or something in it has the wrong shape.
    """
    root = Node.root(document)
    dialect = _dialect(root)
    version = _version(root, dialect)
    body = body_of(root)
    info = parse_info(root)
    imports = Imports(document, root.report)
    upstreams = parse_consumes(imports.section(root, body, "consumes"))
    listeners = parse_exposes(imports.section(root, body, "exposes"))
    functions = parse_aggregates(imports.section(root, body, "aggregates"))
    # After the others: the files that they came from bring their binds.
    binds = parse_binds(imports.binds(root, body))
    warn_of_hidden(binds, imports.scopes, root.report)
    variables = environment_binds(item for api in upstreams for item in api.variables)
    capability = Capability(
        name=_name(document, info.title),
        dialect=dialect,
        version=version,
        info=info,
        binds=(*variables, *binds),
        upstreams=upstreams,
        listeners=listeners,
        functions=functions,
        document=document,
        imported=tuple(imports.files.values()),
        dialects={
            source: _declared(file.data) or dialect
            for source, file in {document.source: document, **imports.files}.items()
        },
        scopes=imports.scopes,
        lost=tuple(imports.lost),
        report=root.report,
    )
    _finish(root, body)
    if root.report.errors:
        raise LoadError(root.report.problems)
    return capability


def _declared(data: Mapping[str, Json]) -> str:
    return next((key for key in ROOT_KEYS if key in data), "")


def _dialect(root: Node) -> str:
    declared = _declared(root.document.data)
    if declared:
        return declared
    written, meant = _near_root_key(root)
    if meant:
        root.has(written)
        message = f"'{written}' is no root key; it is taken for '{meant}'"
        root.warn("CAP118", message, hint=f"did you mean '{meant}'?", place=root.key_place(written))
        return meant
    if any(root.has(key) for key in ("capability", "consumes", "exposes", "aggregates", "binds")):
        root.warn("CAP112", "the file does not say its dialect", hint='begin it with: capspec: "1"')
        return "capspec"
    raise LoadError(
        Problem(
            code="CAP108",
            message="this is no capability file: it has none of the root keys 'capspec', 'naftiko', 'ikanos'",
            hint='begin the file with: capspec: "1", and add a capability section',
            place=root.place,
        )
    )


def _near_root_key(root: Node) -> tuple[str, str]:
    """A key of the root that is nearly one of the dialects', and that one; twice "" when there is none."""
    for key in root.document.data:
        near = difflib.get_close_matches(key.lower(), ROOT_KEYS, 1, cutoff=0.75)
        if near:
            return key, near[0]
    return "", ""


def _version(root: Node, dialect: str) -> str:
    """The version as written; nothing depends on it. Raises LoadError for those that are another language."""
    version = "" if isinstance(root.raw(dialect), dict) else root.text(dialect)
    if dialect == "naftiko" and version in _UNSUPPORTED:
        raise LoadError(
            Problem(
                code="CAP150",
                message=f"the dialect 'naftiko: {version}' is not supported: its files have other shapes",
                hint='write it anew in the shapes of 0.4 or later, and begin it with: capspec: "1"',
                place=root.key_place(dialect),
            )
        )
    return version


def _name(document: Document, title: str) -> str:
    """A short name that is safe in a path: the file's, else the title's."""
    words = document.path.stem if document.path is not None else title
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "capability"


def _finish(root: Node, body: Node) -> None:
    for name in ("metadata", "apiVersion", "kind"):
        root.has(name)
    root.finish("a capability file")
    body.finish("a capability")
