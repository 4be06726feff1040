"""`capspec validate`: every problem of every file, for people, for programs, and for code hosts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capspec.cli import group
from tests.cli.thing_capability import GUARDED, write

WRONG = """\
capspec: "1"
capability:
  consumes:
    - namespace: up
      baseUri: https://api.example.com
      resources:
        - path: /x
          operations:
            - {name: get-x, method: FETCH}
  exposes:
    - {type: rest, port: many, namespace: r}
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["validate", *words])


def test_a_sound_file_has_no_problems(tmp_path: Path) -> None:
    result = run(write(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 file: no problems" in result.stderr


def test_every_problem_has_its_place_its_line_how_to_mend_it_and_why_it_matters(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    result = run(file)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        f"{file}:9:37: error CAP124 'FETCH' is not an HTTP method",
        "   9 |             - {name: get-x, method: FETCH}",
        "     |                                     ^^^^^",
        "     = hint: use one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        "     = why: A request with a method that does not exist cannot be sent or answered.",
    ]
    assert lines[5].startswith(f"{file}:11:26: error CAP107 'port' should be a whole number")
    assert "1 file: 2 errors, 0 warnings" in result.stderr


def test_what_has_one_cause_in_many_places_is_said_once(tmp_path: Path) -> None:
    tools = "".join(f"        - {{name: t{at}, description: d, call: gone.x{at}}}\n" for at in range(500))
    text = WRONG.partition("  exposes:")[0].replace("FETCH", "GET")
    text += f"  exposes:\n    - type: mcp\n      namespace: m\n      tools:\n{tools}"
    file = write(tmp_path, text=text)
    (problem,) = json.loads(run(file, "--format", "json").stdout)
    assert (problem["code"], problem["count"], problem["line"]) == ("CAP341", 500, 14)
    assert "nothing is consumed under the namespace 'gone'" in problem["message"]
    assert [item["line"] for item in problem["related"]][:2] == [15, 16]
    assert "= also: line 15, line 16" in run(file).stdout
    assert run(file).stdout.count("error") + run(file).stdout.count("warning") == 1


def test_why_is_said_once_for_each_code(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG.replace("port: many", "prt: 1, nmespace: x"))
    assert run(file).stdout.count("CAP110") == 2
    assert run(file).stdout.count("What is written there has no effect") == 1


def test_what_follows_from_another_problem_is_not_told_again(tmp_path: Path) -> None:
    file = write(tmp_path, text=GUARDED.replace("type: bearer", "type: saml"))
    codes = [item["code"] for item in json.loads(run(file, "--format", "json").stdout)]
    assert codes.count("CAP321") == 1
    assert set(codes) <= {"CAP321", "CAP211"}


def test_a_secret_in_the_line_is_masked(tmp_path: Path) -> None:
    text = GUARDED.replace("type: bearer", "typ: bearer").replace("'{{THING_TOKEN}}'", "hunter2-abc")
    assert "hunter2-abc" in text
    result = run(write(tmp_path, text=text))
    assert "CAP321" in result.stdout
    assert "hunter2-abc" not in result.stdout


def test_all_files_are_checked_even_after_one_that_cannot_be_read(tmp_path: Path) -> None:
    missing = str(tmp_path / "thing.yaml")
    result = run(missing, write(tmp_path, text=WRONG), write(tmp_path, name="good.yaml"))
    assert result.exit_code == 1
    assert "there is no such file" in result.stdout
    assert "did you mean" in result.stdout
    assert "FETCH" in result.stdout
    assert "3 files: 3 errors" in result.stderr


def test_warnings_do_not_fail_unless_strict(tmp_path: Path) -> None:
    file = write(tmp_path, text="capspecc: 1\n" + GUARDED)
    assert run(file).exit_code == 0
    assert "warning CAP110 'capspecc' is not known in a capability file and has no effect" in run(file).stdout
    assert run(file, "--strict").exit_code == 1


def test_what_is_only_worth_knowing_never_fails(tmp_path: Path) -> None:
    result = run(write(tmp_path, text=GUARDED), "--strict")
    assert result.exit_code == 0
    assert "info CAP211 nothing binds 'THING_TOKEN'" in result.stdout
    assert "1 file: no problems" in result.stderr


def test_a_variable_without_a_value_is_no_problem_of_the_file(tmp_path: Path) -> None:
    assert run(write(tmp_path, text=GUARDED), "--strict").exit_code == 0


def test_json_is_an_array_of_problems(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    result = run(file, "--format", "json")
    first, second = json.loads(result.stdout)
    assert result.exit_code == 1
    assert first == {
        "code": "CAP124",
        "severity": "error",
        "message": "'FETCH' is not an HTTP method",
        "hint": "use one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        "why": "A request with a method that does not exist cannot be sent or answered.",
        "file": file,
        "line": 9,
        "column": 37,
        "endLine": 9,
        "endColumn": 42,
        "count": 1,
        "related": [],
        "doc": "docs/diagnostics.md#cap124",
    }
    assert (second["code"], second["line"]) == ("CAP107", 11)
    assert json.loads(run(write(tmp_path), "--format", "json").stdout) == []


def test_a_problem_without_a_place_has_none_in_json(tmp_path: Path) -> None:
    (problem,) = json.loads(run(str(tmp_path / "none.yaml"), "--format", "json").stdout)
    assert [problem[key] for key in ("file", "line", "column", "endLine", "endColumn")] == [None] * 5


def test_github_gets_workflow_commands(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    first, second = run(file, "--format", "github").stdout.splitlines()
    assert first == (
        f"::error file={file},line=9,col=37,endLine=9,endColumn=42,title=CAP124::'FETCH' is not an HTTP method; "
        "use one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
    )
    assert second.startswith(f"::error file={file},line=11,")


def test_the_same_problem_of_two_files_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text(
        'capspec: "1"\nconsumes:\n- {namespace: up, baseUri: ftp://x, nam: y}\n'
    )
    text = 'capspec: "1"\nconsumes: [{import: up, from: shared.yaml}]\n'
    one, two = write(tmp_path, text=text, name="one.yaml"), write(tmp_path, text=text, name="two.yaml")
    codes = [item["code"] for item in json.loads(run(one, one, "--format", "json").stdout)]
    assert codes == ["CAP322", "CAP110"]
    assert len(json.loads(run(one, two, "--format", "json").stdout)) == 4


def test_colours_are_for_terminals_and_on_demand(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    assert "\x1b[" not in run(file).stdout
    shown = CliRunner().invoke(group, ["validate", "--color", file], color=True).stdout
    assert "\x1b[31m" in shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == run(file).stdout


def test_a_directory_means_the_capability_files_in_it_but_not_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / ".hidden").mkdir()
    write(tmp_path / "inner", name="one.yml", text='capspec: "1"\nx: 1\n')
    write(tmp_path / ".hidden", text=WRONG)
    (tmp_path / "other.yaml").write_text("openapi: 3.1.0\n")
    (tmp_path / "notes.txt").write_text('capspec: "1"\n')
    write(tmp_path, name="two.yaml", text='\ufeff"naftiko": 0.5\ncapability: {}\ny: 1\n')
    result = run(str(tmp_path), "--format", "json")
    assert [item["file"] for item in json.loads(result.stdout)] == [
        str(tmp_path / "inner" / "one.yml"),
        str(tmp_path / "two.yaml"),
    ]


def test_a_slip_in_the_root_key_does_not_hide_a_file_in_a_directory(tmp_path: Path) -> None:
    write(tmp_path, name="one.yaml", text="naftko: 0.5\ncapability: {}\n")
    (problem,) = json.loads(run(str(tmp_path), "--format", "json").stdout)
    assert (problem["code"], problem["line"], problem["hint"]) == ("CAP118", 1, "did you mean 'naftiko'?")


def test_a_name_that_is_no_file_in_a_directory_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    result = run(str(tmp_path))
    assert result.exit_code == 1
    assert "gone.yaml': there is no such file" in result.stdout


def test_what_is_in_a_file_drives_no_terminal(tmp_path: Path) -> None:
    file = write(tmp_path, text='capspec: "1"\n"\\e[31mred": 1\n')
    result = CliRunner().invoke(group, ["validate", "--color", file], color=True)
    assert r"'\x1b[31mred' is not known" in result.stdout


def test_a_directory_without_capabilities_is_a_wrong_command_line(tmp_path: Path) -> None:
    result = run(str(tmp_path))
    assert result.exit_code == 2
    assert "no capability file" in result.stderr


def test_a_file_that_is_named_twice_is_checked_once(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    assert "1 file:" in run(file, file, str(tmp_path)).stderr


def test_standard_input_can_be_checked() -> None:
    result = CliRunner().invoke(group, ["validate", "-"], input=WRONG.encode())
    assert result.exit_code == 1
    assert "<stdin>:9:37: error CAP124" in result.stdout
    assert "method: FETCH}" in result.stdout


@pytest.mark.parametrize("command", ["validate", "--help"])
def test_no_server_or_client_library_is_imported(tmp_path: Path, command: str) -> None:
    words = [command, write(tmp_path)] if command == "validate" else [command]
    code = (
        "import sys; from capspec.cli import group; group(sys.argv[1:], standalone_mode=False);"
        "heavy = {'uvicorn', 'mcp', 'mcp_types', 'starlette', 'httpx', 'pydantic', 'rich', 'anyio'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.splitlines()[-1] == "[]"
