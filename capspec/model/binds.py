"""The `binds` of a capability and of what it imports: where variables come from, and who sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from capspec.errors import Place
from capspec.folders import locate
from capspec.model.parameters import ParameterSpec
from capspec.node import Node, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class BindSpec:
    """Where variables come from. `location` is "" for the environment; `keys` is name to provider's key.

    A relative location begins at `folder`, which is None when the file has none. `file` names the file whose
    texts see the variables.
    """

    namespace: str
    location: str
    keys: dict[str, str]
    description: str
    place: Place
    key_places: dict[str, Place]
    folder: Path | None
    file: str

    @property
    def scheme(self) -> str:
        return urlsplit(self.location).scheme or "env"

    def origin(self, name: str) -> tuple[str, str]:
        """What tells where the value of a variable comes from."""
        scheme = urlsplit(self.location).scheme
        location = self.location
        if location and scheme in ("", "file") and self.folder is not None:
            location = str(locate(location, self.folder).absolute())
        return location, self.keys[name]


def parse_binds(nodes: Iterable[tuple[str, Node]]) -> tuple[BindSpec, ...]:
    """Each bind with the name of the file that sees it to its spec."""
    return tuple(_bind(node, file) for file, node in nodes)


def environment_binds(parameters: Iterable[ParameterSpec]) -> tuple[BindSpec, ...]:
    """Input parameters that are `in: environment`, as older files declare variables, as binds of them."""
    return tuple(
        BindSpec(
            namespace="env",
            location="",
            keys={item.name: item.name},
            description=item.description,
            place=item.place,
            key_places={item.name: item.place},
            folder=None,
            file=item.place.source,
        )
        for item in parameters
    )


def _bind(node: Node, file: str) -> BindSpec:
    keys = node.get("keys")
    names = keys.value if keys is not None and isinstance(keys.value, dict) else {}
    if keys is not None and isinstance(keys.value, list):
        names = {item.as_text(): item.as_text() for item in keys.items()}
    elif keys is not None and not isinstance(keys.value, dict):
        keys.wrong("a list or a mapping", hint="write the names of the variables as a list: [TOKEN, KEY]")
    spec = BindSpec(
        namespace=node.text("namespace", "name", default="env"),
        location=node.text("location", "uri"),
        keys={name: str(name if key is None else key) for name, key in names.items()},
        description=node.text("description"),
        place=node.place,
        key_places={name: keys.key_place(name) for name in names if keys is not None},
        folder=node.document.folder,
        file=file,
    )
    node.has("type", "resolution")
    node.finish("a bind")
    return spec


def warn_of_hidden(binds: Sequence[BindSpec], scopes: Mapping[str, Sequence[str]], report: Report) -> None:
    """Say where a variable of an imported file gets the value of another one with the same name.

    `scopes` says of each imported file which files' binds it sees, the one that counts first.
    """
    for file, visible in scopes.items():
        for own in (bind for bind in binds if bind.file == file):
            for name in own.keys:
                _warn_of_hidden(name, own, [bind for bind in binds if bind.file in visible[:-1]], report)


def _warn_of_hidden(name: str, own: BindSpec, others: Iterable[BindSpec], report: Report) -> None:
    for other in others:
        if name in other.keys and other.origin(name) != own.origin(name):
            report.add(
                "CAP145",
                f"'{name}' is bound here and at {own.key_places[name]}: this value is taken there too",
                place=other.key_places[name],
                hint="if they are two things, give one of them another name",
                severity="warning",
            )
            return
