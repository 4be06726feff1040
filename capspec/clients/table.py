"""MCP clients to where each keeps its servers, and how it writes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides where a user's files are. `platform` is as `sys.platform` says it."""

    home: Path
    environ: Mapping[str, str]
    platform: str = sys.platform

    @property
    def settings(self) -> Path:
        """The folder of the settings of desktop programs."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            roaming = self.environ.get("APPDATA", "")
            return Path(roaming) if roaming else self.home / "AppData" / "Roaming"
        chosen = self.environ.get("XDG_CONFIG_HOME", "")
        return Path(chosen) if chosen else self.home / ".config"

    def named(self, variable: str, otherwise: Path) -> Path:
        """The folder that a variable names."""
        chosen = self.environ.get(variable, "")
        return Path(chosen) if chosen else otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One MCP client.

    `user` finds the file of a user, `project` is that of a project, relative to its folder, "" for none.
    `key` is the object that has the servers. `reference` is how a value of the environment is written in
    `env`, with `{}` for its name: "" when that cannot be. `asks` says that the client itself asks its user
    for a value, under `inputs`; `forwards` that it takes a list of names, under `env_vars`. `stdio` and
    `http` are words that go into each entry. `url_key` is "" when it takes no server over HTTP. `note` is
    what a user has to do then.
    """

    name: str
    title: str
    user: Callable[[Machine], Path]
    project: str = ""
    format: Literal["json", "toml"] = "json"
    key: str = "mcpServers"
    reference: str = ""
    asks: bool = False
    forwards: bool = False
    stdio: Mapping[str, str]
    http: Mapping[str, str]
    url_key: str = "url"
    note: str = ""


_NONE: Mapping[str, str] = {}

CLIENTS: Final = {
    client.name: client
    for client in (
        Client(
            name="claude-desktop",
            title="Claude Desktop",
            user=lambda machine: machine.settings / "Claude" / "claude_desktop_config.json",
            stdio=_NONE,
            http=_NONE,
            url_key="",
            note="Quit Claude Desktop and start it again.",
        ),
        Client(
            name="claude-code",
            title="Claude Code",
            user=lambda machine: machine.named("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json",
            project=".mcp.json",
            reference="${{{}}}",
            stdio={"type": "stdio"},
            http={"type": "http"},
            note="Start Claude Code again; /mcp shows its servers.",
        ),
        Client(
            name="cursor",
            title="Cursor",
            user=lambda machine: machine.home / ".cursor" / "mcp.json",
            project=".cursor/mcp.json",
            reference="${{env:{}}}",
            stdio=_NONE,
            http=_NONE,
            note="Switch the server on in Cursor's settings, under MCP.",
        ),
        Client(
            name="vscode",
            title="VS Code",
            user=lambda machine: machine.settings / "Code" / "User" / "mcp.json",
            project=".vscode/mcp.json",
            key="servers",
            asks=True,
            stdio={"type": "stdio"},
            http={"type": "http"},
            note="'MCP: List Servers' starts it.",
        ),
        Client(
            name="windsurf",
            title="Windsurf",
            user=lambda machine: machine.home / ".codeium" / "windsurf" / "mcp_config.json",
            reference="${{env:{}}}",
            stdio=_NONE,
            http=_NONE,
            url_key="serverUrl",
            note="Refresh the servers in Cascade's panel.",
        ),
        Client(
            name="cline",
            title="Cline",
            user=lambda machine: (
                machine.settings
                / "Code"
                / "User"
                / "globalStorage"
                / "saoudrizwan.claude-dev"
                / "settings"
                / "cline_mcp_settings.json"
            ),
            stdio=_NONE,
            http={"type": "streamableHttp"},
        ),
        Client(
            name="codex",
            title="Codex",
            user=lambda machine: machine.named("CODEX_HOME", machine.home / ".codex") / "config.toml",
            project=".codex/config.toml",
            format="toml",
            key="mcp_servers",
            forwards=True,
            stdio=_NONE,
            http=_NONE,
            note="Start Codex again.",
        ),
        Client(
            name="gemini",
            title="Gemini CLI",
            user=lambda machine: machine.home / ".gemini" / "settings.json",
            project=".gemini/settings.json",
            reference="${}",
            stdio=_NONE,
            http=_NONE,
            url_key="httpUrl",
            note="Start Gemini CLI again.",
        ),
    )
}
"""By the words that the command line takes."""
