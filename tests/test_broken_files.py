"""Whatever is wrong with a file, it is said in words: nothing else is ever raised, nor sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from capspec import app
from capspec.cli import group
from capspec.corpus.checking import FileReport, check_file
from capspec.errors import CapspecError
from tests.broken_files import as_yaml, broken_data, broken_text
from tests.test_corpus import CORPUS
from tests.test_oddities import ROWS

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial"
TEXTS = [file.read_text("utf-8") for file in sorted(TUTORIAL.glob("*.yaml"))]
DATA = [yaml.safe_load(text) for text in TEXTS] + [row.file for row in ROWS[::9]]


def checked(folder: Path, texts: Iterator[str]) -> Iterator[tuple[str, FileReport]]:
    """Each text as a file, loaded and asked for everything."""
    file = folder / "cap.yaml"
    for text in texts:
        file.write_text(text, "utf-8", errors="surrogatepass")
        # The check gives every upstream an address; here each has its own.
        with suppress(CapspecError):
            app.load_plan(file, environ={})
        yield text, asyncio.run(check_file(str(file)))


def judge(text: str, report: FileReport) -> None:
    assert report.outcome != "crashed", f"{report.crash}\n{text[:3000]}"
    raised = [finding for finding in report.findings if finding.kind == "exception"]
    assert not raised, f"{raised}\n{text[:3000]}"
    if report.outcome != "loaded":
        assert report.problems
        assert all(problem.place is not None and problem.code for problem in report.problems), report.problems


@pytest.mark.parametrize("number", range(len(DATA)))
def test_broken_data_is_refused_in_words_or_works_as_far_as_it_can(number, tmp_path: Path):
    texts = (as_yaml(broken_data(DATA[number], seed)) for seed in range(8))
    for text, report in checked(tmp_path, texts):
        judge(text, report)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_broken_text_is_refused_in_words_or_works_as_far_as_it_can(number, tmp_path: Path):
    texts = (broken_text(TEXTS[number], seed) for seed in range(8))
    for text, report in checked(tmp_path, texts):
        judge(text, report)


def test_the_command_line_says_what_is_wrong_with_broken_files(tmp_path: Path):
    for seed in range(30):
        file = tmp_path / f"cap{seed}.yaml"
        text = broken_text(TEXTS[seed % len(TEXTS)], seed)
        file.write_text(text if seed % 2 else as_yaml(broken_data(DATA[seed % len(DATA)], seed)), "utf-8")
    result = CliRunner().invoke(group, ["validate", *map(str, sorted(tmp_path.glob("*.yaml")))])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "unexpectedly" not in result.output


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(100))
def test_thousands_of_broken_files_are_refused_in_words(hundred, tmp_path: Path):
    found = sorted(path for path in CORPUS.rglob("*") if path.is_file()) if CORPUS.is_dir() else []
    public = [
        text for path in found[hundred % 7 :: 40] if len(text := path.read_text("utf-8", "replace")) < 30_000
    ]
    texts = TEXTS + public
    data = DATA + [item for item in map(_loaded, public) if isinstance(item, dict)]
    seeds = range(1000 + 100 * hundred, 1100 + 100 * hundred)
    made = (
        as_yaml(broken_data(data[seed % len(data)], seed))
        if seed % 2
        else broken_text(texts[seed % len(texts)], seed)
        for seed in seeds
    )
    for text, report in checked(tmp_path, made):
        judge(text, report)


def _loaded(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None
