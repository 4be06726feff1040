"""What compiling a step may ask: operations by name, `with` values, and paths into what is known by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from capspec.errors import Place
from capspec.plan import Operation, Reader
from capspec.references import Arguments, Source
from capspec.values import Json, Missing


class Linker(Protocol):
    """Each method notes what the step reads, and raises CompileError with the place of what is wrong."""

    def operation(self, target: str, arguments: Arguments, place: Place) -> Operation:
        """The operation, with parameters added for arguments that it does not declare."""
        ...

    def arguments(self, written: Mapping[str, Json], place: Place) -> Arguments: ...

    def source(self, written: Json | Missing, place: Place) -> Source:
        """One value: a reference, a template, a literal, or a JSONPath (`$…`) over steps and arguments."""
        ...

    def mappings(self, written: Sequence[tuple[str, Json | Missing]], place: Place) -> Reader:
        """Values, each put at its target, a path with dots, of one object."""
        ...

    def step(self, name: str, place: Place) -> str:
        """The name of an earlier step."""
        ...

    def is_step(self, name: str) -> bool:
        """Whether there is an earlier step of the name."""
        ...

    def everything(self) -> None:
        """Note that the step reads all that there is, so that it runs after all earlier steps."""
        ...
