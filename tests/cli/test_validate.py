"""`capspec validate`: every problem of every file, in words or as JSON."""

from __future__ import annotations

import json
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


def test_every_problem_is_one_line_with_its_place_and_how_to_mend_it(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    result = run(file)
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{file}:9:")
    assert "'FETCH' is not an HTTP method; use one of GET" in first
    assert second.startswith(f"{file}:11:")
    assert "'port' should be a whole number" in second
    assert "1 file: 2 errors, 0 warnings" in result.stderr


def test_all_files_are_checked_even_after_one_that_cannot_be_read(tmp_path: Path) -> None:
    missing = str(tmp_path / "thing.yaml")
    result = run(missing, write(tmp_path, text=WRONG), write(tmp_path, name="good.yaml"))
    assert result.exit_code == 1
    assert "there is no such file; did you mean" in result.stdout
    assert "FETCH" in result.stdout
    assert "3 files: 3 errors" in result.stderr


def test_warnings_do_not_fail_unless_strict(tmp_path: Path) -> None:
    file = write(tmp_path, text="capspecc: 1\n" + GUARDED)
    assert run(file).exit_code == 0
    assert "warning: 'capspecc' is not known in a capability file and has no effect" in run(file).stdout
    assert run(file, "--strict").exit_code == 1


def test_a_variable_without_a_value_is_no_problem_of_the_file(tmp_path: Path) -> None:
    assert run(write(tmp_path, text=GUARDED), "--strict").exit_code == 0


def test_json_has_all_problems_with_their_places(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    result = run(file, "--format", "json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["files"] == [file]
    assert [(item["code"], item["severity"], item["file"], item["line"]) for item in report["problems"]] == [
        ("CAP124", "error", file, 9),
        ("CAP107", "error", file, 11),
    ]


def test_colour_shows_the_line_with_a_caret_under_the_place(tmp_path: Path) -> None:
    file = write(tmp_path, text=WRONG)
    result = CliRunner().invoke(group, ["validate", "--color", file], color=True)
    _, line, caret, *_ = result.stdout.splitlines()
    assert line == "  11 |     - {type: rest, port: many, namespace: r}" or "name: get-x" in line
    plain = caret.replace("\x1b[31m\x1b[1m", "").replace("\x1b[0m", "")
    column = int(result.stdout.splitlines()[0].partition(file)[2].split(":")[2])
    assert plain.index("^") == line.index("|") + 1 + column
    assert "\x1b[" in result.stdout


def test_a_directory_means_the_capability_files_in_it_but_not_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / ".hidden").mkdir()
    write(tmp_path / "inner", name="one.yml")
    write(tmp_path / ".hidden", text=WRONG)
    (tmp_path / "other.yaml").write_text("openapi: 3.1.0\n")
    (tmp_path / "notes.txt").write_text('capspec: "1"\n')
    write(tmp_path, name="two.yaml", text='\ufeff"naftiko": 0.5\ncapability: {}\n')
    result = run(str(tmp_path), "--format", "json")
    assert json.loads(result.stdout)["files"] == [
        str(tmp_path / "inner" / "one.yml"),
        str(tmp_path / "two.yaml"),
    ]


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
    assert json.loads(run(file, file, str(tmp_path), "--format", "json").stdout)["files"] == [file]


def test_standard_input_can_be_checked() -> None:
    result = CliRunner().invoke(group, ["validate", "-"], input=WRONG.encode())
    assert result.exit_code == 1
    assert "<stdin>:9:" in result.stdout


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
