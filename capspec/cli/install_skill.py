"""`capspec install-skill`: a capability's skills to the folders in which agents look for them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

import click

from capspec import app
from capspec.cli.exits import FAILED
from capspec.cli.loading import root_option
from capspec.cli.printing import print_problems
from capspec.errors import CapspecError
from capspec.plan.skills import Skill
from capspec.skills.contents import MANUAL, SkillFiles
from capspec.skills.generated import skills_of
from capspec.skills.installing import Change, place, read_at_start
from capspec.skills.markdown import Access, manual
from capspec.skills.targets import TARGETS, Target


@click.command("install-skill")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--target",
    "targets",
    multiple=True,
    required=True,
    type=click.Choice(list(TARGETS)),
    help="The agent. Repeatable.",
)
@click.option("--skill", "names", multiple=True, metavar="NAME", help="Only this skill. Repeatable.")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="For the project in this folder.",
)
@click.option("--user", is_flag=True, help="For the user, in all projects; this is the default.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that were changed, or put there by others.")
@root_option
def command(
    file: str,
    targets: Sequence[str],
    names: Sequence[str],
    project: Path | None,
    user: bool,
    dry_run: bool,
    force: bool,
    root: str | None,
) -> None:
    """Put the skills of FILE where an agent finds them.

    A file without a skill adapter is one skill: what it is for, its tools, and how to call them. Only files
    that this command wrote, and that nobody has changed since, are ever replaced.
    """
    if user and project is not None:
        raise click.UsageError("--user and --project are two places; say one of them")
    plan = app.load_plan(file, environ=os.environ, root=root)
    skills = _chosen(skills_of(plan), names)
    access = Access(server=plan.name, file=str(Path(file).absolute()))
    failed = False
    for target in map(TARGETS.__getitem__, dict.fromkeys(targets)):
        for skill in skills:
            files = SkillFiles(skill, manual(skill, access).encode())
            failed |= not _install(files, target, project and project.absolute(), dry_run, force)
        if target.note:
            click.echo(target.note)
    if failed:
        raise click.exceptions.Exit(FAILED)


def _chosen(skills: Sequence[Skill], names: Sequence[str]) -> list[Skill]:
    if not skills:
        raise click.UsageError("the file has no skills, and no tools to make one of")
    known = {skill.name: skill for skill in skills}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(known)}"
            raise click.UsageError(f"the file has no skill '{name}'; {hint}")
    return [skill for skill in skills if not names or skill.name in names]


def _install(files: SkillFiles, target: Target, project: Path | None, dry_run: bool, force: bool) -> bool:
    """Whether it could be installed; what happened is printed."""
    home = Path.home()
    folder = target.folder(home=home, project=project, environ=os.environ) / files.skill.directory
    try:
        changes = place(files, folder, force=force, dry_run=dry_run)
        if target.reads:
            settings = (project or home) / target.reads
            changes += read_at_start(settings, folder / MANUAL, dry_run=dry_run)
    except CapspecError as error:
        print_problems(error.problems)
        return False
    for change in changes:
        click.echo(_said(change, dry_run))
    if not changes:
        click.echo(f"up to date: {folder}")
    return True


def _said(change: Change, dry_run: bool) -> str:
    words = {"written": "would write", "removed": "would remove"} if dry_run else {}
    return f"{words.get(change.what, change.what)}: {change.path}"
