"""What the library of the tutorial has: branches, books, and who has borrowed which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One title. owned, available: copies; fragile: whether it can be laid on a scanner."""

    id: str
    title: str
    author: str
    born: int
    year: int
    subjects: tuple[str, ...]
    branch: str
    mark: str
    owned: int
    available: int
    fragile: bool = False

    def as_json(self) -> dict[str, object]:
        """The book as the catalogue shows it."""
        return {
            "id": self.id,
            "title": self.title,
            "author": {"name": self.author, "born": self.born},
            "first_published": self.year,
            "subjects": list(self.subjects),
            "shelf": {"branch": self.branch, "mark": self.mark},
            "copies": {"owned": self.owned, "available": self.available},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One house. opens, closes: hours of the day, as ``HH:MM``."""

    code: str
    name: str
    street: str
    opens: str
    closes: str

    def as_json(self) -> dict[str, object]:
        """The branch as the catalogue shows it."""
        hours = {"opens": self.opens, "closes": self.closes}
        return {"code": self.code, "name": self.name, "street": self.street, "hours": hours}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """One book that a reader has. due: a date; renewed: how often it was renewed."""

    id: str
    book: str
    due: str
    renewed: int = 0


BRANCHES = {
    branch.code: branch
    for branch in (
        Branch(code="CEN", name="Central", street="1 Market Square", opens="09:00", closes="20:00"),
        Branch(code="MIL", name="Mill Lane", street="14 Mill Lane", opens="10:00", closes="18:00"),
        Branch(code="NTH", name="North", street="3 Station Road", opens="12:00", closes="19:00"),
    )
}
BOOKS = {
    book.id: book
    for book in (
        Book(
            id="b-101",
            title="Middlemarch",
            author="George Eliot",
            born=1819,
            year=1871,
            subjects=("novel",),
            branch="CEN",
            mark="F ELI",
            owned=3,
            available=1,
        ),
        Book(
            id="b-102",
            title="The Moonstone",
            author="Wilkie Collins",
            born=1824,
            year=1868,
            subjects=("novel", "mystery"),
            branch="MIL",
            mark="F COL",
            owned=2,
            available=0,
        ),
        Book(
            id="b-103",
            title="The Hound of the Baskervilles",
            author="Arthur Conan Doyle",
            born=1859,
            year=1902,
            subjects=("novel", "mystery"),
            branch="CEN",
            mark="F DOY",
            owned=4,
            available=2,
        ),
        Book(
            id="b-104",
            title="On the Origin of Species",
            author="Charles Darwin",
            born=1809,
            year=1859,
            subjects=("science", "nature"),
            branch="NTH",
            mark="576 DAR",
            owned=1,
            available=1,
            fragile=True,
        ),
        Book(
            id="b-105",
            title="Walden",
            author="Henry David Thoreau",
            born=1817,
            year=1854,
            subjects=("essays", "nature"),
            branch="NTH",
            mark="818 THO",
            owned=2,
            available=2,
        ),
    )
}
LOANS = {
    # The second book of this reader was taken out of the catalogue long ago.
    "R-7": (Loan(id="L-31", book="b-102", due="2026-03-02"), Loan(id="L-32", book="b-077", due="2026-02-20")),
    "R-12": (Loan(id="L-44", book="b-101", due="2026-03-09", renewed=2),),
    "R-20": (),
}
