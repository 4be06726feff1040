"""The command line: a group whose commands are imported when they are used, so that each starts fast."""

from __future__ import annotations

import difflib
import importlib
import traceback
from typing import Any, Never

import click

from capspec import __version__
from capspec.cli.exits import INTERRUPTED, UNEXPECTED, exit_code
from capspec.cli.printing import print_problems
from capspec.errors import CapspecError

COMMANDS = {
    "serve": "Serve capability files as REST and MCP.",
    "validate": "Check capability files.",
    "explain": "Explain a diagnostic by its code.",
    "check-corpus": "Check how many files would work, without calling anybody.",
    "inspect": "Show what would be served.",
    "call": "Run one tool or operation.",
    "install": "Add a capability to an MCP client's configuration.",
    "install-skill": "Put a capability's skills where an agent finds them.",
    "health": "Ask whether a served capability is ready.",
    "status": "Show what a served capability is.",
    "traces": "Show what its last requests did.",
    "metrics": "Print its metrics.",
    "scripting": "Show or change its rules for scripts.",
    "schema": "Print the JSON Schema of the language.",
    "new": "Write a first capability file.",
    "lsp": "Answer an editor that has capability files open.",
    "sandbox": "Run imitations of the providers, for trials and tests.",
}
"""Each command is the `command` of the module of its name, with `_` for `-`, in this package."""

EPILOG = """\b
Exit codes:
    0  done; for serve: stopped by a signal, requests in flight answered
    1  a call failed, or a file has problems
    2  the command line is wrong
    3  variables have no value, with --strict
    4  cannot listen
   70  an error of capspec itself
  130  interrupted (a second signal ends serve with 128 + its number)
"""


class LazyGroup(click.Group):
    """Imports a command's module when the command is named, and turns every error into words."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"capspec.cli.{cmd_name.replace('-', '_')}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"use one of: {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CapspecError as error:
            print_problems(error.problems)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the last place to turn an error into words
            _apologise(ctx, error)


def _apologise(ctx: click.Context, error: Exception) -> Never:
    if ctx.params.get("debug"):
        click.echo("".join(traceback.format_exception(error)), err=True)
    click.echo(f"capspec failed unexpectedly: {type(error).__name__}: {error}", err=True)
    click.echo("This is an error of capspec itself; 'capspec --debug …' shows where it is.", err=True)
    ctx.exit(UNEXPECTED)


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="capspec %(version)s")
@click.option(
    "--debug", is_flag=True, envvar="CAPSPEC_DEBUG", help="Show where an unexpected error comes from."
)
def group(debug: bool) -> None:
    """One YAML capability file, served as REST and MCP."""


def main() -> None:
    """The `capspec` command."""
    group(prog_name="capspec")
