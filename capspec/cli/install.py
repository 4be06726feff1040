"""`capspec install`: a capability to the configuration of an MCP client."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from capspec import app, model
from capspec.cli.loading import root_option
from capspec.clients.configuring import Edit, putting, removing, snippet
from capspec.clients.entry import Entry, Server, entry_of
from capspec.clients.table import CLIENTS, Client, Machine
from capspec.plan import Plan

_MASK = "****"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What the command line asked for."""

    file: str
    client: Client
    name: str
    project: Path | None
    transport: str
    url: str
    env: Sequence[str]
    env_files: Sequence[str]
    remove: bool
    force: bool
    dry_run: bool
    root: str | None


@click.command("install")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--client", required=True, type=click.Choice(list(CLIENTS)), help="The MCP client.")
@click.option("--name", default="", metavar="NAME", help="What the client calls the server.")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="For the project in this folder, instead of for the user.",
)
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http"]),
    default="stdio",
    show_default=True,
    help="stdio: the client starts the server. http: it is served already.",
)
@click.option("--url", default="", metavar="URL", help="Where it is served; by default at the file's port.")
@click.option(
    "--env",
    multiple=True,
    metavar="NAME",
    help="Copy the value that this variable has now into the client's file, secret or not. Repeatable.",
)
@click.option(
    "--env-file",
    "env_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Let the server read its variables from this file. Repeatable.",
)
@click.option("--remove", is_flag=True, help="Take the server out of the client's file.")
@click.option("--force", is_flag=True, help="Replace or remove a server of that name that is not capspec's.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@root_option
def command(file: str, client: str, **options: Any) -> None:
    """Add FILE to an MCP client's configuration; everything else in it stays.

    No value of a variable is written down unless --env names it: the client hands on those that it was
    started with, or asks for them, as far as it can. Otherwise what to do is said.
    """
    wish = _Wish(file=file, client=CLIENTS[client], **options)
    plan = app.load_plan(file, environ=os.environ, root=wish.root)
    name = wish.name or plan.name
    path = _path(wish)
    if wish.remove:
        _save(removing(wish.client, path, name, force=wish.force), wish, f"'{name}' is not in it")
        return
    server = _server(wish, plan, name)
    entry = _entry(server, wish.client)
    shown = snippet(wish.client, name, _entry(_masked(server), wish.client))
    edit = putting(wish.client, path, name, entry, shown=shown, force=wish.force)
    if wish.dry_run and edit.text is not None:
        click.echo(shown)
    _save(edit, wish, "up to date")
    _tell(server, entry, wish)


def _path(wish: _Wish) -> Path:
    if wish.project is None:
        return wish.client.user(Machine(home=Path.home(), environ=os.environ))
    if not wish.client.project:
        raise click.UsageError(f"{wish.client.title} has no servers for a project alone; leave --project out")
    return wish.project.absolute() / wish.client.project


# -- the server -------------------------------------------------------------------------------------------


def _server(wish: _Wish, plan: Plan, name: str) -> Server:
    if all(listener.type != "mcp" for listener in plan.listeners):
        raise click.UsageError("the file exposes no MCP adapter")
    if wish.transport == "http":
        if wish.env or wish.env_files:
            raise click.UsageError("--env and --env-file are for a server that the client starts")
        return Server(name=name, url=wish.url or _url(plan))
    if wish.url:
        raise click.UsageError("--url is for --transport http")
    arguments = ["-m", "capspec", "serve", "--stdio", str(Path(wish.file).absolute())]
    for path in wish.env_files:
        arguments += ["--env-file", str(Path(path).absolute())]
    if wish.root is not None:
        arguments += ["--root", str(Path(wish.root).absolute())]
    return Server(
        name=name,
        command=sys.executable,
        arguments=arguments,
        variables=() if wish.env_files else tuple(_variables(plan)),
        values=_values(wish.env),
    )


def _url(plan: Plan) -> str:
    ports = [listener.port for listener in plan.listeners if listener.type == "mcp" and listener.port]
    if not ports:
        raise click.UsageError("the file names no port for MCP; say where it is served with --url")
    return f"http://127.0.0.1:{ports[0]}/mcp"


def _variables(plan: Plan) -> Iterable[str]:
    """The variables of the environment that the file binds, each once."""
    binds = model.parse(plan.document).binds
    return dict.fromkeys(key for bind in binds if bind.scheme == "env" for key in bind.keys.values())


def _values(names: Iterable[str]) -> dict[str, str]:
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise click.UsageError(f"--env: {', '.join(missing)} has no value here")
    return {name: os.environ[name] for name in names}


def _entry(server: Server, client: Client) -> Entry:
    try:
        return entry_of(server, client)
    except ValueError as error:
        raise click.UsageError(f"{error}; leave --transport out, or add it in the program itself") from None


def _masked(server: Server) -> Server:
    return Server(
        name=server.name,
        command=server.command,
        arguments=server.arguments,
        url=server.url,
        variables=server.variables,
        values=dict.fromkeys(server.values, _MASK),
    )


# -- what is said -----------------------------------------------------------------------------------------


def _save(edit: Edit, wish: _Wish, unchanged: str) -> None:
    if edit.text is None:
        click.echo(f"{unchanged}: {edit.path}")
        return
    if wish.dry_run:
        click.echo(f"would write: {edit.path}")
        return
    edit.save()
    click.echo(f"written: {edit.path}")
    if edit.backup is not None:
        click.echo(f"what it was before: {edit.backup}")


def _tell(server: Server, entry: Entry, wish: _Wish) -> None:
    title = wish.client.title
    for name in server.values:
        click.echo(f"The value of {name} is in that file now; whoever can read the file can read it.")
    for name in entry.unmet:
        click.echo(
            f"{name} is not in that file, and {title} may not hand it on: name a file that has it with "
            f"--env-file, or write its value there with --env {name}."
        )
    handed_on = [name for name in server.variables if name not in (*entry.unmet, *server.values)]
    if handed_on and wish.client.asks:
        click.echo(f"{title} will ask for {', '.join(handed_on)}.")
    elif handed_on:
        click.echo(f"{title} hands on {', '.join(handed_on)}, if it is started with that.")
    if wish.client.note and not wish.dry_run:
        click.echo(wish.client.note)
