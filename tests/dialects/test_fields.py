"""Every field of every dialect is honoured, shown to people, or named in a warning."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from capspec.values import MISSING
from tests.dialects.fields import FIELDS
from tests.dialects.loaded import Loaded, load
from tests.dialects.rows import BASE, COMMENT, WARNED, Row
from tests.dialects.writing import BY_NAME, DIALECTS, Dialect, word, written

CASES = [
    pytest.param(row, dialect, id=f"{row}-{number}-{dialect.name}")
    for number, row in enumerate(FIELDS)
    for dialect in DIALECTS
    if BY_NAME[row.since].number <= dialect.number <= BY_NAME[row.until].number
]


def put(document: dict[str, Any], way: str, value: Any) -> None:
    """Put a value where a way leads; None takes away what is there."""
    *parents, last = [part.replace("~", "/") for part in way.split("/")]
    at: Any = document
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    if value is None:
        at.pop(last, None)
    else:
        at[last] = copy.deepcopy(value)


def document_of(row: Row, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(BASE)
    for way, around in row.around.items():
        put(document, way, around)
    put(document, "/".join(filter(None, [row.at, row.key or row.name])), None if value is MISSING else value)
    return document


def write_files(files: Mapping[str, Any], folder: Path, dialect: Dialect) -> None:
    for name, content in files.items():
        path = folder / name
        if isinstance(content, str):
            path.write_text(content)
        elif name.endswith(".yaml"):
            path.write_text(written(content, dialect))
        elif name.endswith(".json"):
            path.write_text(json.dumps(content))
        else:
            path.mkdir(exist_ok=True)
            write_files(content, path, dialect)


def loaded(row: Row, value: Any, dialect: Dialect, folder: Path) -> Loaded:
    write_files(row.files, folder, dialect)
    return load(written(document_of(row, value), dialect), folder)


@pytest.mark.parametrize(("row", "dialect"), CASES)
def test_a_field_does_what_it_says_or_is_warned_of(row: Row, dialect: Dialect, tmp_path: Path) -> None:
    found = loaded(row, row.value, dialect, tmp_path)
    if row.claim == WARNED:
        (warning,) = found.warnings
        name = word(row.key or row.name, dialect)
        assert warning.code == row.code
        assert name in warning.message
        assert warning.place is not None
        assert name in found.plan.document.line(warning.place.line)
        return
    assert [str(problem) for problem in found.warnings] == []
    if row.claim == COMMENT:
        return
    seen = row.view(found)
    other = row.view(loaded(row, row.other, dialect, tmp_path))
    assert seen != other, "it makes no difference"
    if row.gives is not MISSING:
        assert seen == row.gives


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_documents_of_the_table_give_no_warnings_by_themselves(dialect: Dialect) -> None:
    assert load(written(BASE, dialect)).warnings == ()
