"""The files that others wrote: what loads, what it sends, and what is said of those that cannot be loaded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from capspec.cli import group
from capspec.corpus.checking import FileReport, check_files
from capspec.corpus.findings import KINDS, TOLD
from capspec.corpus.oddities import TITLES
from capspec.corpus.report import CorpusReport
from capspec.corpus.served import check_served
from tests.oddity_world import capability, consumed, exposed, operation, passing

CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "files"
LARGE = 1024 * 1024

# What nothing could refer to, or what could mean two things: these files are examples of what is refused.
REFUSED = {"CAP127", "CAP128"}

there = pytest.mark.skipif(not CORPUS.is_dir(), reason="the files are not here")


@pytest.fixture(scope="module")
def reports() -> list[FileReport]:
    files = sorted(str(path) for path in CORPUS.rglob("*") if path.is_file())
    return asyncio.run(check_files(files))


# -- the public files -------------------------------------------------------------------------------------


@there
def test_every_file_with_a_root_key_loads(reports):
    assert [(item.path, item.crash) for item in reports if item.outcome == "crashed"] == []
    refused = [item for item in reports if item.outcome == "refused"]
    assert [item.path for item in refused if {problem.code for problem in item.problems} - REFUSED] == []
    assert len(refused) <= 0.01 * len(reports)


@there
def test_every_file_of_less_than_a_megabyte_loads_within_two_seconds(reports):
    slow = [(item.path, item.seconds) for item in reports if item.bytes <= LARGE and item.seconds > 2]
    assert slow == []


@there
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in TOLD])
def test_no_request_is_other_than_its_file_says(reports, kind):
    found = [(item.path, finding) for item in reports for finding in item.findings if finding.kind == kind]
    assert found == []


@there
def test_nearly_everything_that_is_offered_sends_something(reports):
    report = CorpusReport(reports)
    asked = report.total("flows") - report.total("unavailable") - report.total("mocked")
    assert report.total("sent") >= 0.999 * asked
    assert asked > 0.9 * report.total("flows")


@there
def test_files_in_one_process_keep_to_their_own_upstreams(reports):
    assert [item.astray for item in reports if item.astray] == []


@there
def test_what_cannot_be_loaded_is_said_in_words_with_a_place(reports):
    unloaded = [item for item in reports if item.outcome != "loaded"]
    assert all(problem.place is not None for item in unloaded for problem in item.problems)
    for item in unloaded:
        result = CliRunner().invoke(group, ["validate", item.path])
        assert result.exit_code == 1
        assert f"{item.problems[0].place}" in result.stdout
        assert "Traceback" not in result.output
        assert "unexpectedly" not in result.output


@there
def test_pairs_of_files_are_served_side_by_side(reports):
    loaded = [item.path for item in reports if item.outcome == "loaded"]
    served = asyncio.run(check_served(loaded[:: len(loaded) // 12][:12]))
    assert served.wrong == []
    assert (served.pairs, served.calls > 20) == (6, True)


@there
def test_the_largest_file_lists_all_of_its_tools(reports):
    largest = max((item for item in reports if item.outcome == "loaded"), key=lambda item: item.tools)
    served = asyncio.run(check_served([largest.path]))
    assert served.wrong == []
    assert served.tools == largest.tools - largest.probed.unavailable


# -- the command ------------------------------------------------------------------------------------------


def write(folder: Path, name: str, data: object) -> str:
    file = folder / name
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return str(file)


def run(*words: str):
    return CliRunner().invoke(group, ["check-corpus", *words])


GOOD = capability([consumed("/x/{id}", operation(method="POST"), baseUri="")], exposed("/r/{ID}", "POST"))


def test_a_sound_file_is_asked_for_everything(tmp_path: Path):
    write(tmp_path, "good.yaml", GOOD)
    result = run(str(tmp_path), "--served", "1")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 file: 1 loaded" in result.stderr
    assert "2 flows: 2 sent, 0 not available" in result.stderr
    assert "served: 1 pair, 2 calls" in result.stderr


def test_the_report_counts_by_oddity_and_has_every_file(tmp_path: Path):
    (tmp_path / "in").mkdir()
    good, broken = (
        write(tmp_path / "in", "good.yaml", GOOD),
        write(tmp_path / "in", "broken.yml", "a: b: c\n"),
    )
    write(tmp_path / "in", "other.yaml", {"services": []})
    result = run(str(tmp_path / "in"), "--json", str(tmp_path / "r.json"), "--report", str(tmp_path / "r.md"))
    assert result.exit_code == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["summary"]["outcomes"] == {"malformed": 1, "loaded": 1, "foreign": 1}
    assert set(report["findings"].values()) == {0}
    oddities = {item["id"]: item for item in report["oddities"]}
    assert (
        {"base-uri-empty", "path-undeclared", "rest-spelt-otherwise", "body-impossible"}
        <= set(oddities)
        <= set(TITLES)
    )
    assert oddities["path-undeclared"] | {"title": ""} == {
        "id": "path-undeclared", "title": "", "files": 1, "occurrences": 1, "flows": 2, "sent": 2, "findings": 0,
    }  # fmt: skip
    files = {item["file"]: item for item in report["files"]}
    assert (files[good]["sent"], files[broken]["problems"][0]["line"]) == (2, 1)
    tables = (tmp_path / "r.md").read_text()
    assert "| path-undeclared | path placeholder not declared | 1 | 1 | 2 | 0 |" in tables
    assert f"malformed | {broken}:1:" in tables


def test_a_capability_that_does_not_load_fails(tmp_path: Path):
    file = write(tmp_path, "cap.yaml", {"naftiko": "1.0.0-alpha2", "capability": {"exposes": "text"}})
    result = run(file)
    assert result.exit_code == 1
    assert f"refused: {file}:2:12: 'exposes' should be a list" in result.stdout


def test_what_a_file_would_send_wrong_is_found(tmp_path: Path):
    # A literal that looks like a reference, in a place where none is read.
    constant = {"name": "v", "in": "query", "value": "rest.version"}
    data = capability([consumed("/x", operation(inputParameters=[constant]))], exposed())
    file = write(tmp_path, "cap.yaml", data)
    result = run(file)
    assert result.exit_code == 1
    assert f"{file}: literal: rest n-rest, r: rest.v" in result.stdout


def test_an_input_that_nothing_uses_is_told_of_and_is_no_failure(tmp_path: Path):
    flow = exposed("/r/{unused}", **passing(id="@.id"))
    write(tmp_path, "cap.yaml", capability([consumed("/x/{id}")], flow))
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert "unplaced" not in result.stdout
