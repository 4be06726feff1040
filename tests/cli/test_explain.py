"""`capspec explain`: what a diagnostic means, all of them, and the page that they make."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capspec.cli import group
from capspec.diagnostics import codes

PAGE = Path(__file__).parent.parent.parent / "docs" / "diagnostics.md"


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["explain", *words])


@pytest.mark.parametrize("word", ["CAP124", "cap124", "124", "[CAP124]"])
def test_a_code_is_explained_however_it_is_written(word: str) -> None:
    result = run(word)
    assert result.exit_code == 0
    assert result.stdout.startswith("CAP124 (error): Not an HTTP method\n\nA request with a method")
    assert "    method: FETCH" in result.stdout
    assert "```" not in result.stdout


def test_files_beside_an_example_have_their_names() -> None:
    assert "(other.yaml)" in run("CAP146").stdout


def test_without_a_code_all_are_listed() -> None:
    lines = run().stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(codes())
    assert "CAP124  error    Not an HTTP method" in lines


def test_a_code_that_is_not_known_names_the_nearest() -> None:
    result = run("KAP341")
    assert result.exit_code == 2
    assert "there is no diagnostic 'KAP341'; did you mean 'CAP341'?" in result.stderr
    assert "lists them all" in run("nonsense").stderr


def test_the_page_is_what_the_catalogue_says() -> None:
    assert run("--markdown").stdout == PAGE.read_text(encoding="utf-8")


def test_every_code_has_an_anchor_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")] == list(
        codes()
    )
