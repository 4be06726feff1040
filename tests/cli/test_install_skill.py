"""`capspec install-skill`: what is written where, and what never is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capspec.cli import group
from capspec.skills.targets import TARGETS
from tests.adapters.skill_world import PICTURE, write
from tests.cli.thing_capability import THING
from tests.cli.thing_capability import write as write_thing


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    monkeypatch.setenv("HOME", str(found))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    return found


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(write(tmp_path))


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["install-skill", *words])


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("target", list(TARGETS))
def test_each_agent_gets_every_skill_where_it_looks(home: Path, file: str, target: str):
    done = run(file, "--target", target)
    assert done.exit_code == 0, done.output
    where = home / TARGETS[target].user
    assert set(tree(where / "order-management")) == {
        ".capspec.sha256",
        "SKILL.md",
        "assets/logo.png",
        "order-guide.md",
    }
    assert (where / "order-management" / "assets" / "logo.png").read_bytes() == PICTURE
    assert set(tree(where / "onboarding-guide")) == {".capspec.sha256", "SKILL.md"}
    text = (where / "order-management" / "SKILL.md").read_text("utf-8")
    assert f"capspec call {file} get-order --listener shop-tools id=VALUE" in text
    before = tree(home)
    again = run(file, "--target", target)
    assert again.output.splitlines()[0] == f"up to date: {where / 'order-management'}"
    assert tree(home) == before


def test_one_skill_for_a_project(home: Path, file: str, tmp_path: Path):
    project = tmp_path / "project"
    project.mkdir()
    done = run(file, "--target", "codex", "--skill", "onboarding-guide", "--project", str(project))
    assert done.exit_code == 0
    assert set(tree(project)) == {
        ".agents/skills/onboarding-guide/SKILL.md",
        ".agents/skills/onboarding-guide/.capspec.sha256",
    }
    assert tree(home) == {}


def test_a_capability_without_a_skill_adapter_is_one_skill(home: Path, tmp_path: Path):
    file = write_thing(tmp_path, text=THING)
    done = run(file, "--target", "claude")
    assert done.exit_code == 0
    text = (home / ".claude" / "skills" / "things" / "SKILL.md").read_text("utf-8")
    assert 'description: "Things to try. Use it for: get-thing, make-thing, get-picture."' in text
    assert f"capspec call {file} get-thing --listener things-mcp id=VALUE" in text


def test_a_dry_run_writes_nothing(home: Path, file: str):
    done = run(file, "--target", "claude", "--target", "aider", "--dry-run")
    assert done.exit_code == 0
    assert f"would write: {home}/.claude/skills/order-management/SKILL.md" in done.output
    assert f"would write: {home}/.aider.conf.yml" in done.output
    assert list(home.iterdir()) == []


def test_changed_files_are_refused_all_at_once_and_nothing_is_written(home: Path, file: str, tmp_path: Path):
    run(file, "--target", "claude")
    found = home / ".claude" / "skills" / "order-management"
    (found / "SKILL.md").write_text("mine")
    (found / "order-guide.md").write_text("mine")
    (tmp_path / "orders" / "new.md").write_text("new")
    before = tree(found)
    done = run(file, "--target", "claude")
    assert done.exit_code == 1
    assert done.stderr.count("was changed, or put there by others\n     = hint: --force replaces it\n") == 2
    assert tree(found) == before
    assert run(file, "--target", "claude", "--force").exit_code == 0
    assert (found / "new.md").read_text() == "new"
    assert (found / "SKILL.md").read_text() != "mine"


def test_a_new_version_updates_and_removes_only_what_is_its_own(home: Path, file: str, tmp_path: Path):
    run(file, "--target", "claude")
    found = home / ".claude" / "skills" / "order-management"
    (tmp_path / "orders" / "order-guide.md").write_text("newer")
    (tmp_path / "orders" / "assets" / "logo.png").unlink()
    (found / "notes.md").write_text("mine")
    done = run(file, "--target", "claude", "--skill", "order-management")
    assert done.output.splitlines() == [
        f"written: {found}/order-guide.md",
        f"removed: {found}/assets/logo.png",
    ]
    assert (found / "notes.md").read_text() == "mine"


def test_a_record_that_was_tampered_with_removes_nothing_elsewhere(home: Path, file: str):
    run(file, "--target", "claude")
    found = home / ".claude" / "skills" / "order-management"
    victim = home / "victim.txt"
    victim.write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with (found / ".capspec.sha256").open("a") as record:
        record.write(f"{empty}  ../../../victim.txt\n{empty}  {victim}\nnonsense\n")
    assert run(file, "--target", "claude").exit_code == 0
    assert victim.exists()


def test_links_are_not_followed_unawares(home: Path, file: str, tmp_path: Path):
    found = home / ".claude" / "skills" / "order-management"
    found.mkdir(parents=True)
    theirs = tmp_path / "theirs.md"
    theirs.write_text("theirs")
    (found / "SKILL.md").symlink_to(theirs)
    assert run(file, "--target", "claude").exit_code == 1
    assert theirs.read_text() == "theirs"


def test_aider_is_told_what_to_read_in_lines_of_our_own(home: Path, file: str):
    settings = home / ".aider.conf.yml"
    settings.write_text("model: x\n")
    assert run(file, "--target", "aider").exit_code == 0
    first = settings.read_text()
    assert first.startswith("model: x\n# --- skills")
    assert first.count("\n  - ") == 2
    assert run(file, "--target", "aider").exit_code == 0
    assert settings.read_text() == first


def test_a_list_of_the_users_own_is_left_to_the_user(home: Path, file: str):
    (home / ".aider.conf.yml").write_text("read: CONVENTIONS.md\n")
    done = run(file, "--target", "aider", "--skill", "onboarding-guide")
    assert done.exit_code == 1
    assert "has a list 'read' of its own\n     = hint: add this line to it: - " in done.stderr
    assert (home / ".aider.conf.yml").read_text() == "read: CONVENTIONS.md\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "emacs"], "'emacs' is not one of"),
        ([], "Missing option '--target'"),
        (["--target", "claude", "--skill", "order-managment"], "did you mean 'order-management'?"),
        (["--target", "claude", "--user", "--project", "."], "say one of them"),
    ],
)
def test_a_wrong_command_line_is_said(home: Path, file: str, words: list[str], message: str):
    done = run(file, *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert list(home.iterdir()) == []


def test_a_file_without_tools_has_nothing_to_install(home: Path, tmp_path: Path):
    done = run(write_thing(tmp_path, text='capspec: "1"\n'), "--target", "claude")
    assert done.exit_code == 2
    assert "no tools to make one of" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_cannot_be_written_is_said(home: Path, file: str):
    home.chmod(0o500)
    done = run(file, "--target", "claude")
    home.chmod(0o700)
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr


def test_a_file_in_the_way_of_a_folder_is_said(home: Path, file: str):
    (home / ".claude").write_text("a file")
    done = run(file, "--target", "claude")
    assert done.exit_code == 1
    assert "cannot be" in done.stderr
    assert "Traceback" not in done.output
