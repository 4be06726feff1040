"""The catalogue of diagnostics: every code has an entry, and every example gives what it says."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

import capspec
from capspec import errors
from capspec.diagnostics import Entry, codes, entries, entry_of
from capspec.errors import CapspecError
from tests.diagnostics.catalogue_world import problems_of, whole, written

PACKAGE = Path(capspec.__file__).parent
PAGE = PACKAGE.parent / "docs" / "diagnostics.md"

SHOWN = [entry for entry in entries() if entry.wrong is not None]

ELSEWHERE = {
    "CAP143",  # the slip is in another file
    "CAP211",  # a bind is missing
    "CAP310", "CAP337",  # a key is missing, and the whole is told of
}  # fmt: skip
"""Codes whose examples are mended elsewhere than where they are told of."""

NO_TEXT = {
    "CAP000", "CAP100", "CAP200", "CAP300",  # what has no code of its own
    "CAP101", "CAP119", "CAP104", "CAP147",  # no text that one would want to read
}  # fmt: skip
"""Codes about files that no example can show; tests of documents and imports have them."""


def used() -> set[str]:
    sources = (path for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts)
    texts = [path.read_text(encoding="utf-8") for path in sources]
    return {code for text in texts for code in re.findall(r"CAP[0-6]\d{2}", text)}


def test_every_code_that_the_program_can_give_has_an_entry() -> None:
    assert sorted(used() - set(codes())) == []


def test_every_entry_is_of_a_code_that_the_program_can_give() -> None:
    assert sorted(code for code in set(codes()) - used() if code[3] != "7") == []


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.code)
def test_an_entry_says_everything_in_a_few_words(entry: Entry) -> None:
    assert 0 < len(entry.title) <= 70
    assert not entry.title.endswith(".")
    assert 20 <= len(entry.why) <= 140
    assert 10 <= len(entry.mend) <= 400
    assert entry.why.endswith(".")
    assert entry.mend.endswith(".")


def test_everything_that_a_file_can_have_wrong_has_an_example() -> None:
    about_files = {code for code in codes() if code[3] in "123"}
    assert about_files - NO_TEXT == {entry.code for entry in SHOWN}


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.code)
def test_a_wrong_example_gives_its_code_and_no_other(entry: Entry, tmp_path: Path) -> None:
    assert entry.wrong is not None
    found = problems_of(written(entry.wrong, tmp_path))
    assert {problem.code for problem in found} == {entry.code}, found
    assert {problem.severity for problem in found} == {entry.severity}


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.code)
def test_a_right_example_has_no_problems(entry: Entry, tmp_path: Path) -> None:
    assert entry.right is not None
    assert problems_of(written(entry.right, tmp_path)) == ()


def slips(wrong: str, right: str) -> set[int]:
    """The lines of a text, from 1, that are otherwise in another one, and those beside them."""
    matcher = difflib.SequenceMatcher(a=wrong.splitlines(), b=right.splitlines(), autojunk=False)
    changed = [(first, last) for tag, first, last, _, _ in matcher.get_opcodes() if tag != "equal"]
    return {line for first, last in changed for line in range(first, last + 2)}


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.code)
def test_a_slip_is_told_of_within_a_line_of_where_it_is(entry: Entry, tmp_path: Path) -> None:
    assert entry.wrong is not None
    assert entry.right is not None
    near = slips(whole(entry.wrong.text), whole(entry.right.text))
    places = [problem.place for problem in problems_of(written(entry.wrong, tmp_path))]
    here = {place.line for place in places if place is not None and place.source.endswith("example.yaml")}
    assert here & near or entry.code in ELSEWHERE, (here, near)


def test_a_code_that_is_none_has_no_entry() -> None:
    assert entry_of("CAP998") is None
    assert entry_of("../catalogue") is None


def classes(base: type[CapspecError]) -> set[type[CapspecError]]:
    return {base}.union(*(classes(inner) for inner in base.__subclasses__()))


def test_every_class_of_error_has_an_entry() -> None:
    assert {kind.code for kind in classes(CapspecError) if kind.__module__ == errors.__name__} <= set(codes())
