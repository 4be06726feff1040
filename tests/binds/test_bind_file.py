"""Bound variables from files: where a location leads, and what each format gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from capspec import registry
from capspec.errors import BindError

open_source = registry.find("bind", "file")


def values(folder: Path, name: str, content: str | bytes) -> dict[str, str]:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return dict(open_source(f"file:///./{name}", folder, {}))


def refusal(location: str, folder: Path | None) -> str:
    with pytest.raises(BindError) as caught:
        open_source(location, folder, {})
    return caught.value.problems[0].message


# -- locations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    [
        "file:///./shared/secrets.env",
        "file://./shared/secrets.env",
        "file:shared/secrets.env",
        "file://./shared/secr%65ts.env",
        "./shared/secrets.env",
        "shared/secrets.env",
        "FILE:///./shared/secrets.env",
        "file:///../folder/shared/secrets.env",
        "file://../folder/shared/secrets.env",
        "../folder/shared/secrets.env",
    ],
)
def test_a_relative_location_starts_at_the_folder_of_the_capability(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    (folder / "shared").mkdir(parents=True)
    (folder / "shared" / "secrets.env").write_text("A=1")
    monkeypatch.chdir("/")

    assert open_source(location, folder, {}) == {"A": "1"}


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "{}"])
def test_an_absolute_location_needs_no_folder(form: str, tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("A=1")

    assert open_source(form.format(path), None, {}) == {"A": "1"}


def test_a_relative_location_without_a_folder_is_refused() -> None:
    assert "is relative" in refusal("file:///./secrets.env", None)


# -- formats ----------------------------------------------------------------------------------------------


def test_yaml_gives_its_scalars_as_they_are_written(tmp_path: Path) -> None:
    content = """
token: "t-1"
api-version: 1.10
expires: 2026-04-02
on: yes
flag: true
none: null
empty:
list: [1]
nested: {a: 1}
multi: |
  one
  two
"""
    assert values(tmp_path, "s.yaml", content) == {
        "token": "t-1",
        "api-version": "1.10",
        "expires": "2026-04-02",
        "on": "yes",
        "flag": "true",
        "multi": "one\ntwo\n",
    }


def test_json_gives_its_scalars_as_they_are_written(tmp_path: Path) -> None:
    content = '{"token": "t-1", "version": 1.10, "n": 12, "flag": true, "none": null, "list": [1], "o": {}}'

    assert values(tmp_path, "s.json", content) == {
        "token": "t-1",
        "version": "1.10",
        "n": "12",
        "flag": "true",
    }


@pytest.mark.parametrize("name", [".env", "secrets.env", ".env.local", "secrets"])
def test_other_files_are_dotenv(name: str, tmp_path: Path) -> None:
    content = "# comment\nexport TOKEN='t 1'\nPLAIN=a#b\nQUOTED=\"x\\ny\" # why\nEMPTY=\nALONE\n"

    assert values(tmp_path, name, content) == {"TOKEN": "t 1", "PLAIN": "a#b", "QUOTED": "x\ny", "EMPTY": ""}


def test_dotenv_values_are_not_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTER", "no")

    assert values(tmp_path, ".env", "A=${OUTER}\nB=$A\n") == {"A": "${OUTER}", "B": "$A"}


def test_json_without_its_suffix_is_recognised(tmp_path: Path) -> None:
    assert values(tmp_path, "secrets", '\n{"A": "1"}') == {"A": "1"}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert values(tmp_path, ".env", b"\xef\xbb\xbfA=1") == {"A": "1"}
    assert values(tmp_path, "s.json", b'\xef\xbb\xbf{"A": "1"}') == {"A": "1"}


# -- what is wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("s.json", b'{"a": "hunter2",\n "b" "hunter2"}', "the file is not JSON (line 2)"),
        ("s.json", b'["hunter2"]', "the file is not a JSON object"),
        ("s.json", b"[" * 100_000, "the file is nested too deeply"),
        ("s.yaml", b"a: hunter2\nb: [hunter2", "the file is not a YAML mapping (line"),
        ("s.yaml", b"- hunter2", "the file is not a YAML mapping"),
        ("s.yml", b"hunter2: hunter2\nhunter2: 1", "the file is not a YAML mapping (line 2)"),
        (".env", b"A=hunter2\xff", "the file is not UTF-8 text"),
        (".env", b"A=hunter2" + b"x" * 1024 * 1024, "the file is larger than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_without_quoting_it(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    message = refusal(f"./{name}", tmp_path)

    assert reason in message
    assert name in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("./no.env", "there is no such file"),
        ("./folder", "directory"),
        ("./folder.env/x", "there is no such file"),
        ("./a%00b", "there is no such file"),
        ("file:///./a%00b", "null"),
    ],
)
def test_a_location_that_leads_to_no_file_is_refused(location: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.env").write_text("")

    assert reason in refusal(location, tmp_path).lower()
