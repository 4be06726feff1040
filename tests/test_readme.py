"""What the README promises, held against the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from capspec import __version__, errors, registry
from capspec.cli import group
from tests.whole import running, value_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def command(name: str) -> str:
    found = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert found is not None
    return found[1]


def subclasses(base: type[errors.CapspecError]) -> set[type[errors.CapspecError]]:
    found = {base}
    for inner in base.__subclasses__():
        found |= subclasses(inner)
    return found


@pytest.mark.parametrize("name", ["run", "test"])
def test_each_of_the_two_commands_is_one_line(name: str):
    assert "\n" not in command(name)


def test_the_checks_read_the_test_command_from_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert "pytest" not in script


def test_every_error_of_a_call_is_in_the_table_with_its_status():
    rows = dict(re.findall(r"^\| (CAP6\d\d) \| (\d{3}) \|", README, re.MULTILINE))
    calls = {kind for kind in subclasses(errors.CallError) if kind.__module__ == "capspec.errors"}
    known = {kind.code: str(kind.status) for kind in calls if issubclass(kind, errors.CallError)}
    del known[errors.CallError.code]
    assert rows == known


def test_every_command_is_in_the_table():
    rows = set(re.findall(r"^\| `capspec ([a-z-]+)", README, re.MULTILINE))
    listed = CliRunner().invoke(group, ["--help"]).output
    commands = set(
        re.findall(r"^  ([a-z-]+)  +\S", listed.split("Commands:")[1].split("Exit codes")[0], re.MULTILINE)
    )
    assert rows == commands


def test_the_options_that_the_readme_names_exist():
    for name in re.findall(r"^\| `capspec ([a-z-]+)", README, re.MULTILINE):
        row = next(line for line in README.splitlines() if line.startswith(f"| `capspec {name}"))
        helped = CliRunner().invoke(group, [name, "--help"]).output
        for option in re.findall(r"--[a-z-]+", row):
            assert option in helped, f"{name} {option}"


def test_the_exit_codes_are_those_of_the_help():
    listed = CliRunner().invoke(group, ["--help"]).output
    said = re.search(r"Exit codes: (.*?)\.\n", README, re.DOTALL)
    assert said is not None
    for code in re.findall(r"\b(\d+) ", said[1]):
        assert re.search(rf"^\s+{code}  ", listed, re.MULTILINE), code


def test_every_kind_of_extension_is_in_the_contributors_table():
    rows = set(re.findall(r"^\| ([a-z]+) \| [^|]*`", CONTRIBUTING, re.MULTILINE))
    assert set(registry.EXTENSIONS) <= rows


def test_the_changelog_knows_this_version_or_says_unreleased():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert heads[0] in ("Unreleased", __version__)


@pytest.mark.anyio
async def test_the_example_file_works_as_the_readme_says():
    (example,) = [block for block in blocks("yaml") if "weather" in block]
    forecast = {"daily": [{"summary": "Rain, later.", "temperature": {"max": 11.5, "min": 4}, "wind": 3}]}
    answers = {"GET /places/Oslo/forecast": forecast}
    async with running(example, answers, environ={"WEATHER_KEY": "k-1"}) as whole:
        assert whole.plan.warnings == ()
        schema = whole.plan.listeners[0].flows[0].input_schema
        assert schema["required"] == ["place"]
        assert schema["properties"]["days"]["type"] == "integer"
        result = await whole.tool("get-forecast", {"place": "Oslo", "days": 2})
        assert value_of(result) == {"summary": "Rain, later.", "high": 11.5}
        assert whole.sent.header("authorization") == "Bearer k-1"
        assert whole.sent.query == [("days", "2")]


def test_the_commands_of_the_example_work(tmp_path: Path):
    (example,) = [block for block in blocks("yaml") if "weather" in block]
    path = tmp_path / "weather.yaml"
    path.write_text(example, encoding="utf-8")
    assert CliRunner().invoke(group, ["validate", str(path)]).exit_code == 0
    shown = CliRunner().invoke(group, ["inspect", str(path)])
    assert shown.exit_code == 0
    for word in ("get-forecast", "place", "WEATHER_KEY"):
        assert word in shown.output
