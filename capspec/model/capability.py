"""Document to Capability: the author's words, typed, in one shape whatever the dialect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from capspec.document import Document
from capspec.errors import LoadError, Place, Problem
from capspec.model.consumes import UpstreamSpec, parse_consumes
from capspec.model.exposes import ListenerSpec, parse_exposes
from capspec.node import Node, Report

ROOT_KEYS = ("capspec", "naftiko", "ikanos")


@dataclass(frozen=True, slots=True, kw_only=True)
class BindSpec:
    """Where variables come from. `location` is "" for the environment; `keys` is name to provider's key."""

    namespace: str
    location: str
    keys: dict[str, str]
    description: str
    place: Place
    key_places: dict[str, Place]

    @property
    def scheme(self) -> str:
        return urlsplit(self.location).scheme or "env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A whole capability file. `warnings` are problems that do not stop it from being served."""

    name: str
    dialect: str
    version: str
    title: str
    description: str
    tags: tuple[str, ...]
    info_version: str
    binds: tuple[BindSpec, ...]
    upstreams: tuple[UpstreamSpec, ...]
    listeners: tuple[ListenerSpec, ...]
    document: Document
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
    body = root.get("capability") or Node(document, (), {}, root.report)
    info = root.get("info") or Node(document, (), {}, root.report)
    capability = Capability(
        name=_name(document, info),
        dialect=dialect,
        version=_version(root, dialect),
        title=info.text("label", "display", "title", "name"),
        description=info.text("description"),
        tags=info.texts("tags"),
        info_version=info.text("version"),
        binds=tuple(_bind(node) for node in (*_binds(root), *_binds(body))),
        upstreams=parse_consumes((*root.members("consumes"), *body.members("consumes"))),
        listeners=parse_exposes((*root.members("exposes"), *body.members("exposes"))),
        document=document,
        report=root.report,
    )
    _finish(root, body)
    if root.report.errors:
        raise LoadError(root.report.problems)
    return capability


def _dialect(root: Node) -> str:
    for key in ROOT_KEYS:
        if root.has(key):
            return key
    if root.has("capability") or root.has("consumes") or root.has("exposes"):
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


def _version(root: Node, dialect: str) -> str:
    return "" if isinstance(root.raw(dialect), dict) else root.text(dialect)


def _name(document: Document, info: Node) -> str:
    """A short name that is safe in a path: the file's, else the title's."""
    words = (
        document.path.stem if document.path is not None else info.text("label", "display", "title", "name")
    )
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "capability"


def _binds(node: Node) -> list[Node]:
    return [*node.members("binds"), *node.members("externalRefs")]


def _bind(node: Node) -> BindSpec:
    keys = node.get("keys")
    names = keys.value if keys is not None and isinstance(keys.value, dict) else {}
    if keys is not None and isinstance(keys.value, list):
        names = {item.as_text(): item.as_text() for item in keys.items()}
    spec = BindSpec(
        namespace=node.text("namespace", "name", default="env"),
        location=node.text("location", "uri"),
        keys={name: str(name if key is None else key) for name, key in names.items()},
        description=node.text("description"),
        place=node.place,
        key_places={name: keys.key_place(name) for name in names if keys is not None},
    )
    node.has("type", "resolution")
    node.finish("a bind")
    return spec


def _finish(root: Node, body: Node) -> None:
    for name in ("info", "metadata", "apiVersion", "kind", "stakeholders"):
        root.has(name)
    root.finish("a capability file")
    body.finish("a capability")
