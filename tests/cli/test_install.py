"""`capspec install`: the configuration of MCP clients, of which nothing else is lost."""

from __future__ import annotations

import json
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from capspec.cli import group
from capspec.clients.table import CLIENTS, Machine
from tests.cli.cli_processes import finished
from tests.cli.thing_capability import GUARDED, THING, write

SECRET = "s3cr3t-v4lue"
BOUND = GUARDED.replace(
    "capability:\n", "binds: [{namespace: env, keys: {THING_TOKEN: THE_KEY}}]\ncapability:\n"
)

USER_FILES = {
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "cline": ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    monkeypatch.setenv("HOME", str(found))
    monkeypatch.setenv("THE_KEY", SECRET)
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path, text=BOUND, mcp_port=9091)


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["install", *words])


def read(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


def server(path: Path, client: str, name: str = "things") -> dict[str, Any]:
    found: dict[str, Any] = read(path)[CLIENTS[client].key][name]
    return found


# -- what is written ------------------------------------------------------------------------------------

COMMANDS: dict[str, dict[str, Any]] = {
    "claude-desktop": {},
    "claude-code": {"type": "stdio", "env": {"THE_KEY": "${THE_KEY}"}},
    "cursor": {"env": {"THE_KEY": "${env:THE_KEY}"}},
    "vscode": {"type": "stdio", "env": {"THE_KEY": "${input:things-THE_KEY}"}},
    "windsurf": {"env": {"THE_KEY": "${env:THE_KEY}"}},
    "cline": {},
    "codex": {"env_vars": ["THE_KEY"]},
    "gemini": {"env": {"THE_KEY": "$THE_KEY"}},
}


@pytest.mark.parametrize("client", list(CLIENTS))
def test_each_client_is_told_to_start_the_server_and_gets_no_value(home: Path, file: str, client: str):
    done = run(file, "--client", client)
    assert done.exit_code == 0, done.output
    path = home / USER_FILES[client]
    assert f"written: {path}\n" in done.output
    assert server(path, client) == {
        "command": sys.executable,
        "args": ["-m", "capspec", "serve", "--stdio", file],
        **COMMANDS[client],
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in path.read_text("utf-8") + done.output
    assert "THE_KEY" in done.output
    before = path.read_bytes()
    again = run(file, "--client", client)
    assert f"up to date: {path}" in again.output
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir() if item.is_file()] == [path.name]


@pytest.mark.parametrize("client", list(CLIENTS))
def test_remove_takes_out_what_install_put_in(home: Path, file: str, client: str):
    run(file, "--client", client)
    done = run(file, "--client", client, "--remove")
    assert done.exit_code == 0
    path = home / USER_FILES[client]
    assert "things" not in path.read_text("utf-8")
    assert f"'things' is not in it: {path}" in run(file, "--client", client, "--remove").output


URLS: dict[str, dict[str, Any]] = {
    "claude-code": {"type": "http", "url": "http://127.0.0.1:9091/mcp"},
    "cursor": {"url": "http://127.0.0.1:9091/mcp"},
    "vscode": {"type": "http", "url": "http://127.0.0.1:9091/mcp"},
    "windsurf": {"serverUrl": "http://127.0.0.1:9091/mcp"},
    "cline": {"type": "streamableHttp", "url": "http://127.0.0.1:9091/mcp"},
    "codex": {"url": "http://127.0.0.1:9091/mcp"},
    "gemini": {"httpUrl": "http://127.0.0.1:9091/mcp"},
}


@pytest.mark.parametrize("client", list(URLS))
def test_a_client_can_be_told_where_it_is_served(home: Path, file: str, client: str):
    assert run(file, "--client", client, "--transport", "http").exit_code == 0
    assert server(home / USER_FILES[client], client) == URLS[client]
    other = run(file, "--client", client, "--name", "far", "--transport", "http", "--url", "https://h/mcp")
    assert other.exit_code == 0
    assert "https://h/mcp" in server(home / USER_FILES[client], client, "far").values()


def test_claude_desktop_takes_no_url(home: Path, file: str):
    done = run(file, "--client", "claude-desktop", "--transport", "http")
    assert done.exit_code == 2
    assert "Claude Desktop takes no server at a URL" in done.stderr


@pytest.mark.parametrize("client", ["claude-code", "cursor", "vscode", "codex", "gemini"])
def test_a_project_has_a_file_of_its_own(home: Path, file: str, tmp_path: Path, client: str):
    project = tmp_path / "project"
    project.mkdir()
    assert run(file, "--client", client, "--project", str(project)).exit_code == 0
    assert server(project / CLIENTS[client].project, client)["args"][-1] == file
    assert list(home.iterdir()) == []


@pytest.mark.anyio
async def test_what_is_written_starts_a_server_that_speaks_mcp(home: Path, file: str):
    run(file, "--client", "cursor")
    entry = server(home / ".cursor" / "mcp.json", "cursor")
    assert entry["args"][:2] == ["-m", "capspec"]
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    done = await finished(*entry["args"][2:], given=json.dumps(initialize).encode() + b"\n")
    assert [json.loads(line)["id"] for line in done.out.splitlines()] == [1]


# -- values ---------------------------------------------------------------------------------------------


def test_a_value_is_copied_only_when_it_is_named_and_that_is_said(home: Path, file: str):
    dry = run(file, "--client", "claude-desktop", "--env", "THE_KEY", "--dry-run")
    assert '"THE_KEY": "****"' in dry.output
    assert SECRET not in dry.output
    assert list(home.iterdir()) == []
    done = run(file, "--client", "claude-desktop", "--env", "THE_KEY")
    path = home / USER_FILES["claude-desktop"]
    assert server(path, "claude-desktop")["env"] == {"THE_KEY": SECRET}
    assert "The value of THE_KEY is in that file now" in done.output
    assert SECRET not in done.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_value_that_is_not_there_cannot_be_copied(home: Path, file: str):
    done = run(file, "--client", "cursor", "--env", "NOBODY_SET_THIS")
    assert done.exit_code == 2
    assert "NOBODY_SET_THIS has no value here" in done.stderr


def test_a_file_with_values_is_named_instead_of_them(home: Path, file: str, tmp_path: Path):
    (tmp_path / "my.env").write_text("THE_KEY=x\n")
    done = run(file, "--client", "cline", "--env-file", str(tmp_path / "my.env"))
    entry = server(home / USER_FILES["cline"], "cline")
    assert entry["args"][-2:] == ["--env-file", str(tmp_path / "my.env")]
    assert "env" not in entry
    assert "THE_KEY" not in done.output


def test_a_client_that_hands_nothing_on_is_explained(home: Path, file: str):
    done = run(file, "--client", "claude-desktop")
    assert "THE_KEY is not in that file, and Claude Desktop may not hand it on" in done.output
    assert "--env THE_KEY" in done.output


def test_vs_code_asks_for_values_and_forgets_to_when_it_is_removed(home: Path, file: str):
    path = home / USER_FILES["vscode"]
    path.parent.mkdir(parents=True)
    theirs = {"type": "promptString", "id": "theirs", "description": "x"}
    path.write_text(json.dumps({"inputs": [theirs], "servers": {}}))
    run(file, "--client", "vscode")
    ours = {
        "type": "promptString",
        "id": "things-THE_KEY",
        "description": "THE_KEY for things",
        "password": True,
    }
    assert read(path)["inputs"] == [theirs, ours]
    run(file, "--client", "vscode", "--env", "THE_KEY")
    assert read(path)["inputs"] == [theirs]
    run(file, "--client", "vscode")
    run(file, "--client", "vscode", "--remove")
    assert read(path) == {"inputs": [theirs], "servers": {}}


# -- what is the user's ---------------------------------------------------------------------------------


def test_everything_else_in_a_json_file_stays_and_there_is_a_copy(home: Path, file: str):
    path = home / USER_FILES["cursor"]
    path.parent.mkdir()
    text = (
        '\ufeff{\r\n    "z": [1, 2.50, 1e3, null, "\u00e9\\u0000"],\r\n'
        '    "mcpServers": {\r\n        "b": {"command": "x"},\r\n        "a": {}\r\n    },\r\n    "last": true\r\n}\r\n'
    )
    path.write_bytes(text.encode("utf-8"))
    path.chmod(0o644)
    done = run(file, "--client", "cursor")
    assert done.exit_code == 0, done.output
    written = path.read_bytes().decode("utf-8")
    assert written.startswith('\ufeff{\r\n    "z": [\r\n')
    found = json.loads(written.removeprefix("\ufeff"))
    assert list(found) == ["z", "mcpServers", "last"]
    assert found["z"] == [1, 2.5, 1000.0, None, "\u00e9\0"]
    assert list(found["mcpServers"]) == ["b", "a", "things"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    backup = path.with_name("mcp.json.before-capspec")
    assert backup.read_bytes() == text.encode("utf-8")
    assert f"what it was before: {backup}" in done.output


def test_comments_and_order_of_a_toml_file_stay(home: Path, file: str):
    path = home / USER_FILES["codex"]
    path.parent.mkdir()
    before = (
        '# mine\nmodel = "x" # the best\n\n[mcp_servers.other]\ncommand = "y" # theirs\n\n'
        "[tui]\nnotifications = true\n"
    )
    path.write_text(before)
    assert run(file, "--client", "codex").exit_code == 0
    text = path.read_text()
    for line in filter(None, before.splitlines()):
        assert line in text
    assert tomllib.loads(text)["mcp_servers"]["things"]["command"] == sys.executable
    assert tomllib.loads(text)["tui"] == {"notifications": True}
    assert run(file, "--client", "codex", "--remove").exit_code == 0
    assert tomllib.loads(path.read_text()) == tomllib.loads(before)


def test_what_a_user_added_to_a_toml_entry_stays(home: Path, file: str):
    run(file, "--client", "codex")
    path = home / USER_FILES["codex"]
    path.write_text(path.read_text() + "\nstartup_timeout_sec = 30\n")
    assert run(file, "--client", "codex", "--transport", "http", "--force").exit_code == 0
    assert server(path, "codex") == {"url": "http://127.0.0.1:9091/mcp", "startup_timeout_sec": 30}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{\n  // mine\n  "servers": {}\n}', "it has comments (line 2)"),
        ('{"servers": {}, }', "it is not JSON (line 1)"),
        ('{"a": 1, "a": 2}', "the same key twice"),
        ("[]", "it is no JSON object"),
        ('{"servers": []}', "'servers' in it is no object"),
        ('{"inputs": {}}', "'inputs' in it is no list"),
        ('{"a": 1e999}', "a number that JSON cannot hold"),
        ('{"a": ' + "9" * 5000 + "}", "a number that is too long"),
        ("[" * 100000, "nested too deeply"),
    ],
)
def test_a_file_that_would_lose_something_is_left_alone_and_the_entry_is_shown(
    home: Path, file: str, text: str, reason: str
):
    path = home / USER_FILES["vscode"]
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = (
        run(file, "--client", "vscode", "--env", "THE_KEY")
        if "inputs" not in text
        else run(file, "--client", "vscode")
    )
    assert done.exit_code == 1
    assert reason in done.stderr
    assert '"servers"' in done.stderr
    assert SECRET not in done.output
    assert path.read_text() == text
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_text_without_a_utf8_form_stays_an_escape(home: Path, file: str):
    path = home / USER_FILES["cursor"]
    path.parent.mkdir()
    path.write_text('{"a": "\\ud800 \u00e9"}', "utf-8")
    assert run(file, "--client", "cursor").exit_code == 0
    assert read(path)["a"] == "\ud800 \u00e9"


@pytest.mark.parametrize(
    "before",
    [
        '[mcp_servers.a]\ncommand = "x"\n\n[other]\nb = 1\n\n[mcp_servers.c]\ncommand = "y"\n',
        'mcp_servers = { a = { command = "x" } }\n\n[other]\nb = 1\n',
        '[other]\nb = 1\n\n[mcp_servers]\na.command = "x"\n',
        '[[profiles]]\nname = "p"\n',
        "",
    ],
)
def test_toml_may_be_written_in_any_order(home: Path, file: str, before: str):
    path = home / USER_FILES["codex"]
    path.parent.mkdir()
    path.write_text(before)
    assert run(file, "--client", "codex").exit_code == 0
    found = tomllib.loads(path.read_text())
    assert found["mcp_servers"].pop("things")["command"] == sys.executable
    assert found == {"mcp_servers": {}, **tomllib.loads(before)}
    assert run(file, "--client", "codex", "--remove").exit_code == 0
    rest = tomllib.loads(path.read_text())
    assert {key: value for key, value in rest.items() if value} == tomllib.loads(before)


def test_toml_that_is_none_is_left_alone(home: Path, file: str):
    path = home / USER_FILES["codex"]
    path.parent.mkdir()
    for text in ("a = = b\n", "mcp_servers = 3\n"):
        path.write_text(text)
        done = run(file, "--client", "codex")
        assert done.exit_code == 1
        assert "is left as it is" in done.stderr
        assert "[mcp_servers.things]" in done.stderr
        assert path.read_text() == text


def test_another_server_of_the_same_name_is_not_replaced_or_removed_unawares(home: Path, file: str):
    path = home / USER_FILES["cursor"]
    path.parent.mkdir()
    text = '{"mcpServers": {"things": {"command": "theirs"}}}'
    path.write_text(text)
    refused = run(file, "--client", "cursor")
    assert refused.exit_code == 1
    assert (
        "another server with the name 'things'\n     = hint: choose another name with --name"
        in refused.stderr
    )
    assert run(file, "--client", "cursor", "--remove").exit_code == 1
    assert path.read_text() == text
    assert run(file, "--client", "cursor", "--name", "mine").exit_code == 0
    assert list(read(path)["mcpServers"]) == ["things", "mine"]
    assert run(file, "--client", "cursor", "--force").exit_code == 0
    assert server(path, "cursor")["command"] == sys.executable


def test_a_link_stays_a_link(home: Path, file: str, tmp_path: Path):
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    path = home / USER_FILES["claude-code"]
    path.symlink_to(real)
    assert run(file, "--client", "claude-code").exit_code == 0
    assert path.is_symlink()
    assert "things" in read(real)["mcpServers"]


@pytest.mark.parametrize("client", ["cursor", "codex"])
def test_a_dry_run_shows_the_entry_and_writes_nothing(home: Path, file: str, client: str):
    done = run(file, "--client", client, "--dry-run")
    assert done.exit_code == 0
    assert sys.executable in done.output
    assert f"would write: {home / USER_FILES[client]}" in done.output
    assert list(home.iterdir()) == []


# -- the command line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--client", "emacs"], "'emacs' is not one of"),
        (["--client", "windsurf", "--project", "."], "Windsurf has no servers for a project alone"),
        (["--client", "cursor", "--url", "http://x"], "--url is for --transport http"),
        (
            ["--client", "cursor", "--transport", "http", "--env", "THE_KEY"],
            "a server that the client starts",
        ),
    ],
)
def test_a_wrong_command_line_is_said(home: Path, file: str, words: list[str], message: str):
    done = run(file, *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert list(home.iterdir()) == []


def test_a_file_without_mcp_cannot_be_installed(home: Path, tmp_path: Path):
    rest = THING.partition("    - type: mcp")[0]
    done = run(write(tmp_path, text=rest), "--client", "cursor")
    assert done.exit_code == 2
    assert "exposes no MCP adapter" in done.stderr


def test_a_file_without_a_port_needs_a_url(home: Path, tmp_path: Path):
    done = run(write(tmp_path), "--client", "cursor", "--transport", "http")
    assert done.exit_code == 2
    assert "say where it is served with --url" in done.stderr


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("darwin", {}, "/u/Library/Application Support/Code/User/mcp.json"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/Code/User/mcp.json"),
        ("win32", {}, "/u/AppData/Roaming/Code/User/mcp.json"),
        ("linux", {"XDG_CONFIG_HOME": "/config"}, "/config/Code/User/mcp.json"),
        ("linux", {}, "/u/.config/Code/User/mcp.json"),
    ],
)
def test_where_settings_are_depends_on_the_system(platform: str, environ: dict[str, str], expected: str):
    machine = Machine(home=Path("/u"), environ=environ, platform=platform)
    assert CLIENTS["vscode"].user(machine).as_posix() == expected
