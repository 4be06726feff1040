"""The words of a block about jobs to values: paths, durations, numbers. What cannot be read is reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from capspec.durations import parse_duration
from capspec.errors import Place
from capspec.jobs.judging import word_of
from capspec.jsonpath import JsonPath, JsonPathError, compile_path
from capspec.model.jobs import Written
from capspec.node import Report
from capspec.values import Json

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class Terms:
    """Reads words, and says of each that it cannot read what is wrong and where."""

    report: Report

    def path(self, written: Written | None) -> JsonPath | None:
        """A JSONPath; None where there is none, or none that can be read (CAP350)."""
        if written is None:
            return None
        if not written.text.lstrip().startswith("$"):
            self.wrong(
                "CAP350", f"'{written.text}' is not a JSONPath", written.place, hint="begin it with '$.'"
            )
            return None
        try:
            return compile_path(written.text)
        except JsonPathError as error:
            message = f"'{written.text}' is not a JSONPath: {error}"
            hint = "write it like $.data[0].status"
            self.wrong("CAP350", message, written.place, text=error.text, offset=error.offset, hint=hint)
            return None

    def paths(self, written: Iterable[Written]) -> tuple[JsonPath, ...]:
        return tuple(path for item in written if (path := self.path(item)) is not None)

    def duration(self, name: str, written: Written | None, default: float) -> float:
        """Seconds (CAP351)."""
        if written is None:
            return default
        try:
            return parse_duration(written.text)
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            self.wrong("CAP351", f"{name}: {message}", written.place, hint=hint)
            return default

    def number(self, name: str, written: Written | None, default: float, *, low: float, high: float) -> float:
        """A number between two bounds (CAP357)."""
        if written is None:
            return default
        try:
            value = float(written.text)
        except ValueError:
            value = float("nan")
        if low <= value <= high:
            return value
        self.wrong("CAP357", f"{name} should be a number from {low:g} to {high:g}", written.place)
        return default

    def choice(self, name: str, written: Written | None, words: Sequence[_Word]) -> _Word:
        """One of these words, the first where nothing is written (CAP357)."""
        if written is None or written.text in words:
            return words[0] if written is None else cast("_Word", written.text)
        self.wrong(
            "CAP357", f"{name} cannot be '{written.text}'", written.place, hint=f"use {' or '.join(words)}"
        )
        return words[0]

    def at_least(self, low: int, name: str, value: int | None, place: Place) -> int | None:
        """A whole number (CAP357); None where there is none, or too small a one."""
        if value is None or value >= low:
            return value
        self.wrong("CAP357", f"{name} should be {low} or more", self.report.spot(place, str(value), key=name))
        return None

    def words(self, values: Iterable[Json]) -> frozenset[str]:
        """Values as they are compared with what answers say."""
        return frozenset(filter(None, map(word_of, values)))

    def wrong(
        self, code: str, message: str, place: Place, *, hint: str = "", text: str = "", offset: int = 0
    ) -> None:
        """`text` is what is wrong in the block at `place`, when it does not stand there itself."""
        self.report.add(code, message, place=self.report.spot(place, text, offset), hint=hint)
