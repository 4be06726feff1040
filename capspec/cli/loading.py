"""Arguments of a command line to compiled plans: which files, with which variables and base URIs."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from capspec import app
from capspec.errors import CapspecError, LoadError, Problem
from capspec.model.capability import ROOT_KEYS
from capspec.plan import Plan

Command = TypeVar("Command", bound=Callable[..., Any])

_TOP_KEY = re.compile(rb"^(?:\xef\xbb\xbf)?[\"']?([A-Za-z][\w-]*)[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What files are loaded with. `rewrites` leads from real base URIs to those of the sandbox, whose URL is
    `sandbox`. `root` and `paths` are those of the command line, and say what may be imported. With `mock`,
    nobody is called."""

    environ: Mapping[str, str]
    base_uris: Mapping[str, str]
    rewrites: Mapping[str, str] = field(default_factory=dict)
    sandbox: str = ""
    root: str | None = None
    paths: Sequence[str] = ()
    mock: bool = False

    def rewritten(self, url: str) -> str:
        """The sandbox's address for a real one; "" for one that it does not imitate, so that nothing real is
        called by a command that asked for a sandbox."""
        if not self.sandbox or url.startswith(self.sandbox + "/"):
            return url
        for real in sorted(self.rewrites, key=len, reverse=True):
            rest = url.removeprefix(real.rstrip("/"))
            if rest != url and (not rest or rest.startswith("/")):
                return self.rewrites[real].rstrip("/") + rest
        return ""


def surroundings_of(
    options: Mapping[str, Any], environ: Mapping[str, str], paths: Sequence[str] = ()
) -> Surroundings:
    """What the command line says with `loading_options`."""
    return Surroundings(
        environ=environ,
        base_uris=options["base_uris"],
        root=options["root"],
        paths=paths,
        mock=options["mock"],
    )


def capability_files(paths: Iterable[str]) -> list[str]:
    """Each file as it is named, and the capability files that are in each directory, hidden folders left out.

    Raises click.UsageError for a directory without any.
    """
    found: dict[str, None] = {}
    for path in paths:
        if path != "-" and os.path.isdir(path):
            inside = sorted(_capabilities_in(path))
            if not inside:
                raise click.UsageError(f"there is no capability file (*.yaml, *.yml) in '{path}'")
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return list(found)


def _capabilities_in(directory: str) -> Iterable[str]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".yaml", ".yml")) and not name.startswith(".") and _is_capability(path):
                yield path


def _is_capability(path: str) -> bool:
    """Whether a file looks like a capability; one that cannot be read counts, so that somebody is told."""
    try:
        keys = {key.decode() for key in _TOP_KEY.findall(Path(path).read_bytes())}
    except OSError:
        return True
    if "capability" in keys:
        # A slip in the root key must not hide the file.
        return any(difflib.get_close_matches(key.lower(), ROOT_KEYS, 1, cutoff=0.75) for key in keys)
    return not keys.isdisjoint(ROOT_KEYS)


def root_of(file: str, root: str | None, paths: Iterable[str]) -> str | None:
    """The folder that a file may import from: `root`, or the innermost one of `paths` that the file was found
    in, since all that is in it is served; None means the file's own."""
    if root is not None:
        return root
    around = [path for path in paths if path != file and Path(file).is_relative_to(path)]
    return max(around, key=lambda path: len(Path(path).parts), default=None)


def environment(env_files: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The process's variables, and below them those of dotenv files, of which the last one wins."""
    found: dict[str, str] = {}
    for path in env_files:
        from dotenv import dotenv_values  # noqa: PLC0415 - only who has such a file pays for it

        # Without interpolation a secret that has a `$` in it stays what it is.
        try:
            values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"--env-file: cannot read '{path}': {error}") from None
        found.update({name: value for name, value in values.items() if value is not None})
    return {**found, **(os.environ if environ is None else environ)}


def load_plans(files: Sequence[str], around: Surroundings) -> list[Plan]:
    """Every file compiled.

    Raises LoadError with the problems of all files together, click.UsageError for a base URI of a namespace
    that no file consumes.
    """
    plans: list[Plan] = []
    problems: list[Problem] = []
    for file in files:
        try:
            plans.append(load_one(file, around))
        except CapspecError as error:
            problems.extend(error.problems)
    if problems:
        raise LoadError(problems)
    known = {upstream.namespace for plan in plans for upstream in plan.upstreams}
    for namespace in around.base_uris:
        if namespace not in known:
            names = ", ".join(sorted(known)) or "none at all"
            raise click.UsageError(f"--base-uri: nothing consumes '{namespace}'; known are: {names}")
    return plans


def load_one(file: str, around: Surroundings, content: bytes | None = None) -> Plan:
    """One file compiled; `content` stands for what is in it. Raises CapspecError."""
    if file == "-" and around.sandbox:
        raise click.UsageError("--sandbox needs a file; standard input can be read only once")
    return app.load_plan(
        file,
        environ=around.environ,
        base_uris=around.base_uris,
        rewrite=around.rewritten,
        root=root_of(file, around.root, around.paths),
        mock=around.mock,
        content=content,
    )


def without_shared(plans: Sequence[Plan], paths: Sequence[str]) -> list[Plan]:
    """The plans without those of files that were found in a folder and are there to be imported from: they
    have no `capability`, and expose nothing or were in fact imported."""
    imported = {file.path for plan in plans for file in plan.imported}
    return [plan for plan in plans if plan.document.source in paths or not _is_shared(plan, imported)]


def _is_shared(plan: Plan, imported: Collection[Path | None]) -> bool:
    path = plan.document.path
    if "capability" in plan.document.data or path is None:
        return False
    return "exposes" not in plan.document.data or path.resolve() in imported


def _base_uris(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        namespace, separator, url = value.partition("=")
        if not separator or not namespace or not url.startswith(("http://", "https://")):
            raise click.BadParameter(f"'{value}' is not NAMESPACE=URL, with http:// or https://")
        found[namespace] = url
    return found


root_option = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Imports may read what is below this folder; by default below DIR, or the folder of FILE.",
)


def loading_options(command: Command) -> Command:
    """The options that say which values, addresses and other files a file is loaded with."""
    options = (
        root_option,
        click.option(
            "--env-file",
            "env_files",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False),
            help="Variables from a dotenv file; those of the process win. Repeatable, the last one wins.",
        ),
        click.option(
            "--base-uri",
            "base_uris",
            multiple=True,
            metavar="NAMESPACE=URL",
            callback=_base_uris,
            help="Call this consumed API somewhere else. Repeatable.",
        ),
        click.option("--sandbox", is_flag=True, help="Call imitations of the providers, started within."),
        click.option(
            "--mock", is_flag=True, help="Call nobody: answer with the declared outputs, or by their types."
        ),
        click.option(
            "--sandbox-speed",
            type=click.FloatRange(min=0, min_open=True),
            default=10.0,
            show_default=True,
            metavar="N",
            help="How many times faster than real jobs those of the sandbox are.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
