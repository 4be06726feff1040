"""`capspec new`: a few answers, or a URL and one response of it, to a first capability file."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

import click

from capspec.drafting.draft import (
    AuthKind,
    Draft,
    Operation,
    base_uri_of,
    name_from,
    name_of,
    operation_of,
    unique,
)
from capspec.drafting.example import Learned, learn
from capspec.drafting.writing import SCHEMA_FILE, written
from capspec.saving import InstallError, replace_file
from capspec.schema import published
from capspec.values import MISSING, Json, Missing

_AUTHS: Final = ("none", "bearer", "apikey")
_LARGEST: Final = 10 * 1024 * 1024


@click.command("new")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--name", help="Of the API; by default that of its host.")
@click.option("--base-uri", metavar="URL", help="Where the API is.")
@click.option(
    "--operation",
    "operations",
    metavar="'METHOD /PATH'",
    multiple=True,
    help="An operation, such as 'GET /things/{id}?limit=10'. May be repeated.",
)
@click.option("--auth", type=click.Choice(_AUTHS), help="What requests to the API carry.")
@click.option("--rest", is_flag=True, help="Offer it as REST. Both when neither is named.")
@click.option("--mcp", is_flag=True, help="Offer it as MCP tools.")
@click.option("--url", help="A whole URL of the API, to learn an operation from.")
@click.option("--method", default="GET", show_default=True, help="The method of --url.")
@click.option("--response", metavar="FILE|-", help="What --url answered, as JSON; names and types are taken.")
@click.option("--no-schema", is_flag=True, help=f"Without {SCHEMA_FILE} for editors.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(file: str | None, force: bool, no_schema: bool, **options: Any) -> None:
    """Write a first capability file: from flags, from a URL and its answer, or from a few questions.

    FILE is NAME.yaml when it is not said; '-' is standard output. Only names and types of a response get into
    it. The JSON Schema of the language goes beside it, so that editors help.
    """
    try:
        draft = _draft(options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if file == "-":
        click.echo(written(draft, schema=False), nl=False)
        return
    path = Path(file or f"{draft.name}.yaml")
    if path.exists() and not force:
        raise InstallError(
            f"'{path}' is there already", hint="name another file, or write over it with --force"
        )
    replace_file(path, written(draft, schema=not no_schema).encode())
    _write_schema(path.with_name(SCHEMA_FILE), wanted=not no_schema, force=force)
    _tell(draft, str(path))


def _write_schema(path: Path, *, wanted: bool, force: bool) -> None:
    """One that is there already stays: it may be of a version that somebody chose."""
    if wanted and (force or not path.exists()):
        replace_file(path, published().encode())


# -- what is known ------------------------------------------------------------------------------------------


def _draft(options: dict[str, Any]) -> Draft:
    """Raises ValueError, and click.UsageError for a command line that does not say enough."""
    learned = _learned(options)
    if learned is None and not options["base_uri"]:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "say where the API is with --base-uri and --operation, or give a --url of it"
            )
        options = _asked(options)
    base_uri = learned.base_uri if learned else base_uri_of(options["base_uri"])
    operations: list[Operation] = [learned.operation] if learned else []
    operations += [operation_of(text) for text in options["operations"]]
    if not operations:
        raise click.UsageError("say what the API can do with --operation 'GET /things/{id}'")
    key = learned.key if learned else ""
    both = options["rest"] == options["mcp"]
    return Draft(
        name=name_from(options["name"]) if options["name"] else name_of(base_uri),
        base_uri=base_uri,
        operations=unique(operations),
        auth=cast("AuthKind", options["auth"] or ("apikey" if key else "none")),
        key_in="query" if key else "header",
        key_name=key or "X-API-Key",
        rest=options["rest"] or both,
        mcp=options["mcp"] or both,
    )


def _learned(options: dict[str, Any]) -> Learned | None:
    if not options["url"]:
        if options["response"]:
            raise click.UsageError("--response needs the --url that answered so")
        return None
    answer = _answer(options["response"]) if options["response"] else MISSING
    return learn(options["url"], options["method"].upper(), answer, base_uri=options["base_uri"] or "")


def _answer(source: str) -> Json | Missing:
    try:
        data = sys.stdin.buffer.read(_LARGEST + 1) if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise click.UsageError(f"--response: cannot read '{source}': {error.strerror}") from None
    if len(data) > _LARGEST:
        raise click.UsageError(f"--response: '{source}' is larger than {_LARGEST:,} bytes")
    try:
        return cast("Json", json.loads(data))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--response: '{source}' is not JSON: {error}") from None


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    """The same, with what a person says at a terminal."""
    click.echo("A first capability file. Enter takes what is in brackets.\n", err=True)
    base_uri = click.prompt("Base URI of the API", value_proc=_said(base_uri_of), err=True)
    usual = name_of(base_uri)
    name = options["name"] or click.prompt("Its name", default=usual, value_proc=_said(name_from), err=True)
    operations = list(options["operations"]) or _asked_operations()
    auth = options["auth"] or click.prompt(
        "What do requests carry", type=click.Choice(_AUTHS), default="none", err=True
    )
    offered = {"rest": options["rest"], "mcp": options["mcp"]}
    if not any(offered.values()):
        kind = click.prompt(
            "Offer it as", type=click.Choice(["both", "mcp", "rest"]), default="both", err=True
        )
        offered = {"rest": kind != "mcp", "mcp": kind != "rest"}
    return {**options, **offered, "base_uri": base_uri, "name": name, "operations": operations, "auth": auth}


def _said(read: Callable[[str], str]) -> Callable[[str], str]:
    """The same, with a refusal that makes the question be asked again."""

    def value(text: str) -> str:
        try:
            return read(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return value


def _asked_operations() -> list[str]:
    found: list[str] = []
    while True:
        question = "Another operation (Enter for none)" if found else "An operation, such as GET /things/{id}"
        text = click.prompt(question, default="" if found else None, show_default=False, err=True)
        if not text:
            return found
        try:
            operation_of(text)
        except ValueError as error:
            click.echo(f"Error: {error}", err=True)
        else:
            found.append(text)


# -- what comes next ----------------------------------------------------------------------------------------


def _tell(draft: Draft, path: str) -> None:
    click.echo(f"{path} is written. Next:", err=True)
    for line in _next(draft, path):
        click.echo(f"  {line}", err=True)


def _next(draft: Draft, path: str) -> Iterable[str]:
    file = shlex.quote(path)
    first = draft.operations[0]
    words = [f"{item.name}=…" for item in first.inputs if item.place == "path"]
    words += [f"{item.name}:='{{}}'" for item in first.inputs if item.place == "body"]
    yield f"capspec validate {file}"
    if draft.auth != "none":
        yield f"export {draft.variable}=…"
    yield " ".join(["capspec call", file, first.name, *words])
    yield f"capspec serve {file}"
