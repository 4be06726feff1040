"""A good file with one mistake: the first thing that is said is where it is, what it is, and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from capspec import app, registry
from capspec.compiler.formats import READ_ONLY, WRITTEN_ONLY
from capspec.errors import CapspecError, Problem, sort_problems
from tests.mistakes.good import LISTS, MAPS, laid_out
from tests.mistakes.meant import MISSING, NAMES, WORDS
from tests.mistakes.mistake import HERE, Mistake
from tests.mistakes.shapes import SHAPES
from tests.mistakes.written import KEYS, SYNTAX, VALUES

TABLES = {**KEYS, **SYNTAX, **VALUES, **MISSING, **NAMES, **WORDS}
NAFTIKO = LISTS.replace('capspec: "1"', 'naftiko: "1.0.0-alpha2"')
ROOT = "root key"
"""The one mistake in what the dialects differ by."""


def problems_of(folder: Path, text: str) -> tuple[Problem, ...]:
    file = laid_out(folder, text)
    try:
        plan = app.load_plan(file, environ={})
    except CapspecError as error:
        return error.problems
    return sort_problems((*plan.warnings, *plan.remarks))


def check(folder: Path, good: str, mistake: Mistake) -> None:
    old, new, says, mends, *rest = mistake
    assert good.count(old) == 1, "it is not clear where the mistake is made"
    marked = good.replace(old, new)
    line = (
        marked[: marked.index(HERE)].count("\n") + 1
        if HERE in marked
        else good[: good.index(old)].count("\n") + 1
    )
    found = problems_of(folder, marked.replace(HERE, ""))
    assert found, "nothing is said"
    first = found[0]
    assert says in first.message
    assert mends in first.hint
    assert first.place is not None
    assert first.place.source.endswith("cap.yaml")
    assert abs(first.place.line - line) <= 1, (first.place, line)
    assert first.severity == (rest[0] if rest else "warning")
    assert len(found) <= 2, found


@pytest.mark.parametrize("good", [LISTS, NAFTIKO, MAPS], ids=["capspec", "naftiko", "ikanos"])
def test_a_file_without_a_mistake_has_no_problems(good: str, tmp_path: Path) -> None:
    assert problems_of(tmp_path, good) == ()


@pytest.mark.parametrize("mistake", TABLES.values(), ids=TABLES)
def test_a_mistake_is_told_of_where_it_is_and_with_its_cause(mistake: Mistake, tmp_path: Path) -> None:
    check(tmp_path, LISTS, mistake)


@pytest.mark.parametrize("mistake", SHAPES.values(), ids=SHAPES)
def test_a_mistake_in_a_map_is_told_of_as_well_as_in_a_list(mistake: Mistake, tmp_path: Path) -> None:
    check(tmp_path, MAPS, mistake)


def test_other_dialects_are_told_of_the_same(tmp_path: Path) -> None:
    """Every tenth mistake, since nothing about problems depends on the dialect."""
    for mistake in [mistake for name, mistake in TABLES.items() if name != ROOT][::10]:
        check(tmp_path, NAFTIKO, mistake)


def test_formats_that_hints_name_can_do_what_is_wanted() -> None:
    codecs = {name: registry.find("codec", name) for name in registry.names("codec")}
    assert {name for name, codec in codecs.items() if not hasattr(codec, "encode")} == set(READ_ONLY)
    assert set(WRITTEN_ONLY) <= set(codecs)
