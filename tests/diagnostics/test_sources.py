"""Lines of files for places, wherever the text comes from."""

from __future__ import annotations

from pathlib import Path

from capspec.diagnostics.sources import Sources
from capspec.errors import Place, Problem


def test_lines_are_counted_as_places_are(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("\ufeffone\r\ntwo\u2028still\rthree\n".encode())
    sources = Sources()
    assert [sources.line(Place(str(file), number, 1)) for number in (1, 2, 3, 4, 5)] == [
        "one", "two\u2028still", "three", "", None,
    ]  # fmt: skip


def test_a_text_that_was_read_before_is_not_read_again() -> None:
    assert Sources({"<stdin>": "a\nb"}).line(Place("<stdin>", 2, 1)) == "b"


def test_what_cannot_be_read_has_no_lines(tmp_path: Path) -> None:
    other = tmp_path / "utf16.yaml"
    other.write_bytes("a: 1".encode("utf-16"))
    sources = Sources()
    for name in (str(tmp_path / "none"), str(tmp_path), "<stdin>", "a\0b", str(other)):
        assert sources.line(Place(name, 1, 1)) is None


def test_the_end_is_what_the_problem_says_or_that_of_the_word() -> None:
    sources = Sources({"f": "method: FETCH # x"})
    place = Place("f", 1, 9)
    assert sources.end(Problem(code="C", message="m", place=place)) == Place("f", 1, 14)
    assert sources.end(Problem(code="C", message="m", place=place, end=Place("f", 1, 10))) == Place(
        "f", 1, 10
    )
    assert sources.end(Problem(code="C", message="m")) is None
    assert sources.end(Problem(code="C", message="m", place=Place("g", 1, 1))) is None
