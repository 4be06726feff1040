"""Options that several commands share: the limits of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from capspec.app import HANDLE_VARIABLE, SCRIPTING_VARIABLE, EngineOptions
from capspec.sealing import SHORTEST_SECRET

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULTS = EngineOptions()


def engine_options(command: Command) -> Command:
    """--timeout, --max-response-bytes and --assets-folder."""
    timeout = click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=_DEFAULTS.timeout,
        show_default=True,
        metavar="SECONDS",
        help="How long an upstream may take, where the file does not say.",
    )
    size = click.option(
        "--max-response-bytes",
        type=click.IntRange(min=1),
        default=_DEFAULTS.max_response_bytes,
        show_default=True,
        metavar="N",
        help="The largest answer that is taken from an upstream.",
    )
    folder = click.option(
        "--assets-folder",
        type=click.Path(file_okay=False),
        default="",
        metavar="DIR",
        help="Where assets are kept that files say to save; by default among the user's caches.",
    )
    return timeout(size(folder(command)))


def engine_options_of(options: Mapping[str, Any], environ: Mapping[str, str]) -> EngineOptions:
    """The options as an engine takes them. Raises click.UsageError for a secret that is too short."""
    secret = environ.get(HANDLE_VARIABLE, "")
    if 0 < len(secret) < SHORTEST_SECRET:
        raise click.UsageError(f"{HANDLE_VARIABLE} has fewer than {SHORTEST_SECRET} characters")
    return EngineOptions(
        timeout=options["timeout"],
        max_response_bytes=options["max_response_bytes"],
        handle_secret=secret,
        assets_folder=options["assets_folder"],
        scripting=environ.get(SCRIPTING_VARIABLE, "").strip().lower() not in ("false", "off", "no", "0"),
    )
