"""What each part of an imitation rests on: annotated answer shapes and notes to the table in FIDELITY.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Where a fact comes from, the firmest first."""

    DOCUMENTED = "documented"
    OFFICIAL = "official"
    MEASURED = "measured"
    REPORTED = "reported"
    INFERRED = "inferred"
    INVENTED = "invented"


MEANING = {
    Source.DOCUMENTED: "the provider's reference pages for these very calls",
    Source.OFFICIAL: "other material that the provider publishes: OpenAPI, SDK, guides",
    Source.MEASURED: "recorded exchanges with the real service",
    Source.REPORTED: "somebody else's description of the real service",
    Source.INFERRED: "our own guess: nothing published says it",
    Source.INVENTED: "made up for the tutorial: there is no such service",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an answer. type: JSON types joined by ``|``; of: the shape of the object or element."""

    type: str
    source: Source
    of: Shape | None = None
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An answer's fields by name. source: of the shape as a whole; extra: whether other fields may appear."""

    name: str
    fields: Mapping[str, Field]
    extra: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A behaviour that is not a field, and what it rests on."""

    text: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One endpoint's part of the table."""

    title: str
    answers: Mapping[int, Shape | str]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One provider's part of the table."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[Note, ...] = field(default=())


def render(chapters: Iterable[Chapter]) -> str:
    """The whole of FIDELITY.md."""
    lines = [
        "# Fidelity",
        "",
        "What each field and behaviour of the sandbox rests on.",
        "Written by `python -m capspec.sandbox.fidelity_table` from annotations; a test holds it current.",
        "",
        *(f"- **{source}**: {meaning}" for source, meaning in MEANING.items()),
    ]
    for chapter in chapters:
        lines += ["", f"## {chapter.title}", "", *_notes(chapter.notes)]
        shapes: dict[str, Shape] = {}
        for alike in _grouped(chapter.sections):
            lines += _section(alike)
            for answer in alike[0].answers.values():
                _collect(answer, shapes)
        for shape in shapes.values():
            lines += _table(shape)
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _grouped(sections: Iterable[Section]) -> list[list[Section]]:
    """Sections in order, those that follow each other and say the same in one group."""
    groups: list[list[Section]] = []
    for section in sections:
        if groups and (groups[-1][0].answers, groups[-1][0].notes) == (section.answers, section.notes):
            groups[-1].append(section)
        else:
            groups.append([section])
    return groups


def _section(alike: list[Section]) -> list[str]:
    section, titles = alike[0], ", ".join(f"`{each.title}`" for each in alike)
    answers = ", ".join(
        f"{status} {answer if isinstance(answer, str) else answer.name}"
        for status, answer in section.answers.items()
    )
    return ["", f"### {titles}", "", f"Answers: {answers}", "", *_notes(section.notes)]


def _notes(notes: Iterable[Note]) -> list[str]:
    return [f"- {note.text} ({note.source})" for note in notes]


def _collect(answer: Shape | str | None, shapes: dict[str, Shape]) -> None:
    if not isinstance(answer, Shape) or answer.name in shapes:
        return
    shapes[answer.name] = answer
    for part in answer.fields.values():
        _collect(part.of, shapes)


def _table(shape: Shape) -> list[str]:
    rows = [
        f"| `{name}` | {_type(part)} | {'yes' if part.required else 'no'} | {part.source} |"
        for name, part in shape.fields.items()
    ]
    return ["", f"#### {shape.name}", "", "| field | type | always | source |", "|---|---|---|---|", *rows]


def _type(part: Field) -> str:
    shown = part.type.replace("|", " or ")
    return f"{shown} of {part.of.name}" if part.of else shown


def documented(type_: str, of: Shape | None = None, *, required: bool = True) -> Field:
    """A field that the provider's reference pages show."""
    return Field(type=type_, source=Source.DOCUMENTED, of=of, required=required)


def official(type_: str, of: Shape | None = None, *, required: bool = True) -> Field:
    """A field that the provider publishes elsewhere."""
    return Field(type=type_, source=Source.OFFICIAL, of=of, required=required)


def measured(type_: str, of: Shape | None = None, *, required: bool = True) -> Field:
    """A field seen in recorded answers."""
    return Field(type=type_, source=Source.MEASURED, of=of, required=required)


def inferred(type_: str, of: Shape | None = None, *, required: bool = True) -> Field:
    """A field that we guess."""
    return Field(type=type_, source=Source.INFERRED, of=of, required=required)


def invented(type_: str, of: Shape | None = None, *, required: bool = True) -> Field:
    """A field of a service that was made up."""
    return Field(type=type_, source=Source.INVENTED, of=of, required=required)
