"""An extension's own configuration: what its author wrote, with bound variables put in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from capspec.errors import CompileError, Place, Problem
from capspec.node import Node
from capspec.values import Json

Resolve = Callable[[str, Place], tuple[str, tuple[str, ...]]]
"""A text with `{{NAME}}` in it to its value, and the names of variables that have none."""


@dataclass(slots=True)
class Settings:
    """Reads a node's texts with their variables resolved, and notes which variables have no value.

    Only bound variables are put in: no request data ever reaches a setting.
    """

    node: Node
    resolve: Resolve
    missing: list[str] = field(default_factory=list)

    def text(self, *names: str, default: str = "") -> str:
        child = self.node.get(*names)
        return default if child is None else self._resolved(child.as_text(default), child.place)

    def texts(self, *names: str) -> tuple[str, ...]:
        child = self.node.get(*names)
        place = self.node.place if child is None else child.place
        return tuple(self._resolved(item, place) for item in self.node.texts(*names))

    def rendered(self, text: str, place: Place | None = None) -> str:
        """A text that was read already, or that stands for a setting, resolved."""
        return self._resolved(text, place or self.node.place)

    def within(self, name: str) -> Settings | None:
        """The settings of a block of these, which notes its missing variables here too; None when absent.

        Raises CompileError when it is no block.
        """
        child = self.node.get(name)
        if child is None:
            return None
        if not isinstance(child.value, dict):
            raise self.refuse(f"'{name}' should be a mapping")
        return Settings(child, self.resolve, self.missing)

    def mapping(self, *names: str) -> dict[str, str]:
        """A map of texts, values resolved."""
        child = self.node.get(*names)
        if child is None or not isinstance(child.value, dict):
            return {}
        return {str(item.pointer[-1]): self._resolved(item.as_text(), item.place) for item in child.items()}

    def raw(self, *names: str) -> Json:
        """A plain value as written, None when absent."""
        child = self.node.get(*names)
        return None if child is None else child.value

    def refuse(self, message: str, *, hint: str = "") -> CompileError:
        """The error to raise when the settings make no sense."""
        return CompileError(Problem(code="CAP320", message=message, hint=hint, place=self.node.place))

    def _resolved(self, text: str, place: Place) -> str:
        value, missing = self.resolve(text, place)
        self.missing.extend(missing)
        return value


@dataclass(frozen=True, slots=True)
class FormatSettings:
    """What a file says of a format beside its name: `outputSchema` as it is written, "" when there is none.

    `read` gives the bytes of a file by its path beside the capability file, and raises ValueError when there
    is no such file, or none that may be read.
    """

    schema: str
    read: Callable[[str], bytes]
