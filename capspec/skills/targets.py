"""Agents, and the folders in which each looks for skills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One agent. All paths have slashes; those of a user are relative to the home folder.

    `user` and `project` are where it looks for skills. `moved_by` is the environment variable that names
    another folder instead of the first segment of `user`. `signs` are paths of which one is there when a user
    has the agent. `reads` is the file that must name what the agent is to read, for one that looks for no
    skills itself. `note` is what a user has to know.
    """

    name: str
    title: str
    user: str
    project: str
    signs: tuple[str, ...]
    moved_by: str = ""
    reads: str = ""
    note: str = ""

    def folder(self, *, home: Path, project: Path | None, environ: Mapping[str, str]) -> Path:
        """Where its skills are: those of a project, or those of a user."""
        if project is not None:
            return project / self.project
        moved = environ.get(self.moved_by, "") if self.moved_by else ""
        if moved:
            return Path(moved).joinpath(*self.user.split("/")[1:])
        return home / self.user


TARGETS: Final = {
    target.name: target
    for target in (
        Target(
            name="claude",
            title="Claude Code",
            user=".claude/skills",
            project=".claude/skills",
            signs=(".claude",),
            moved_by="CLAUDE_CONFIG_DIR",
        ),
        Target(
            name="codex",
            title="Codex",
            user=".agents/skills",
            project=".agents/skills",
            signs=(".codex",),
            note="Start Codex again to make it look.",
        ),
        Target(
            name="cursor",
            title="Cursor",
            user=".cursor/skills",
            project=".cursor/skills",
            signs=(".cursor",),
        ),
        Target(
            name="windsurf",
            title="Windsurf",
            user=".codeium/windsurf/skills",
            project=".windsurf/skills",
            signs=(".codeium/windsurf",),
        ),
        Target(
            name="cline",
            title="Cline",
            user=".cline/skills",
            project=".cline/skills",
            signs=(".cline",),
            note="Cline must have skills switched on in its settings, under Features.",
        ),
        Target(
            name="aider",
            title="Aider",
            user=".aider/skills",
            project=".aider/skills",
            signs=(".aider", ".aider.conf.yml"),
            reads=".aider.conf.yml",
        ),
    )
}
"""By the words that command lines take."""
