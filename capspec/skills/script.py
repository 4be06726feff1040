"""Skills to a script that installs them, for `curl -fsS … | bash -s -- --target AGENT`.

What differs between servers is put before the script as functions of quoted words. It fetches from the
server that it came from, and runs in any POSIX shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

from capspec.plan.skills import Skill
from capspec.skills.targets import TARGETS, Target


def install_script(skills: Iterable[Skill], url: str) -> str:
    """The script. `url` is where the listener's `/skills` is, without that and without a slash after it."""
    lines = [
        "#!/bin/sh",
        "set -eu",
        f"url={shlex.quote(url)}",
        *_each_skill(skills),
        *_where_of(),
        *_is_there(),
    ]
    return "\n".join(lines) + "\n" + _body()


@lru_cache(maxsize=1)
def _body() -> str:
    text = files("capspec.skills").joinpath("install.sh").read_text("utf-8")
    return text.replace("@AGENTS@", ", ".join(TARGETS)).replace("@AGENTS_PLAIN@", " ".join(TARGETS))


def _each_skill(skills: Iterable[Skill]) -> Iterator[str]:
    yield "each_skill() {"
    yield "    :"
    for skill in skills:
        kind = "zip" if skill.folder is not None else "file"
        words = map(shlex.quote, (skill.name, skill.directory, kind))
        yield f"    install_skill {' '.join(words)} || failed=1"
    yield "}"


def _where_of() -> Iterator[str]:
    """A function that says of an agent where its skills are, and what its user must know."""
    yield "where_of() { # AGENT"
    yield "    settings='' note=''"
    yield '    case "$1" in'
    for target in TARGETS.values():
        yield f"        {target.name})"
        yield f'            if [ -n "$project" ]; then folder="$project"/{shlex.quote(target.project)}'
        yield f"            else folder={_user_folder(target)}; fi"
        if target.reads:
            yield f'            settings="${{project:-$HOME}}"/{shlex.quote(target.reads)}'
        if target.note:
            yield f"            note={shlex.quote(target.note)}"
        yield "            ;;"
    yield "    esac"
    yield "}"


def _user_folder(target: Target) -> str:
    if not target.moved_by:
        return f'"$HOME"/{shlex.quote(target.user)}'
    first, _, rest = target.user.partition("/")
    return f'"${{{target.moved_by}:-"$HOME"/{first}}}"/{shlex.quote(rest)}'


def _is_there() -> Iterator[str]:
    """A function that says whether the user has an agent."""
    yield "is_there() { # AGENT"
    yield '    case "$1" in'
    for target in TARGETS.values():
        tests = " || ".join(f'[ -e "$HOME"/{shlex.quote(sign)} ]' for sign in target.signs)
        yield f"        {target.name}) {tests} ;;"
    yield "    esac"
    yield "}"
