"""A path's literals and variables to the path of a URL, whose segments are those that the file wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from capspec.plan import PathVariable
from capspec.request.encoding import leaves_place, path_text
from capspec.values import MISSING, Json, Missing


@dataclass(slots=True)
class RequestPath:
    """A path being put together.

    `value_of` gives a variable's value. `refuse` is called with whose fault it is, and what is wrong.
    """

    value_of: Callable[[str], Json | Missing]
    refuse: Callable[[str, str], None]
    segments: list[str] = field(default_factory=lambda: [""])
    owners: dict[int, str] = field(default_factory=dict)

    def render(self, parts: tuple[str | PathVariable, ...]) -> str:
        """The path, percent-encoded. Every variable that is missing or would leave its segment is refused."""
        for part in parts:
            if isinstance(part, str):
                self._extend(part)
            else:
                self._put(part, last=part is parts[-1])
        for index, segment in enumerate(self.segments):
            self._check(segment, self.owners.get(index, ""))
        return "/".join(self.segments)

    def _put(self, variable: PathVariable, *, last: bool) -> None:
        value = self.value_of(variable.name)
        if value is MISSING or value is None:
            self.refuse(f"'{variable.name}'", "is missing, and the path needs it")
            return
        try:
            text = path_text(value, greedy=variable.greedy)
        except ValueError as error:
            self.refuse(f"'{variable.name}'", str(error))
            return
        # What follows a final slash is no segment that the variable left empty: `folder/` is a name too.
        folder = last and len(text) > 1 and text.endswith("/")
        self._extend(text[:-1] if folder else text, variable.name)
        if folder:
            self._extend("/")

    def _extend(self, text: str, owner: str = "") -> None:
        for index, piece in enumerate(text.split("/")):
            if index:
                self.segments.append("")
            self.segments[-1] += piece
            if owner:
                self.owners[len(self.segments) - 1] = owner

    def _check(self, segment: str, owner: str) -> None:
        if owner and not segment:
            self.refuse(f"'{owner}'", "must not be empty, because the path would be another one")
        elif leaves_place(segment):
            self.refuse(
                f"'{owner}'" if owner else "the path", "must not hold '.' or '..' as a part of the path"
            )
