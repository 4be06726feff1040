"""Where a control port is, and how it is asked: what `health`, `status` and their kin have in common."""

from __future__ import annotations

import functools
import http.client
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from capspec import document, model
from capspec.cli.exits import FAILED
from capspec.cli.loading import capability_files
from capspec.cli.printing import visible
from capspec.errors import CapspecError
from capspec.values import Json

DEFAULT_PORT = 9090
PATIENCE = 10.0
"""Seconds that an answer may take."""

_WIDE = 400

_OFF = {
    "/health/ready": "management.health",
    "/status": "management.info",
    "/traces": "observability.traces.local",
    "/metrics": "observability.metrics.local",
    "/scripting": "management.scripting",
}
"""The switch of the file that an endpoint needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPort:
    """A control port. `prefix` is what its paths begin with, `headers` say who asks."""

    address: str
    port: int
    prefix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def ask(self, path: str, method: str = "GET", body: Json = None) -> tuple[int, bytes]:
        """The status and the body of an answer. Ends the command when there is none."""
        content = None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.address, self.port, timeout=PATIENCE)
        try:
            connection.request(method, self.prefix + path, content, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            where = f"{self.address}:{self.port}"
            raise failure(f"Cannot connect to control port at {where}: {error}") from None
        finally:
            connection.close()

    def get(self, path: str, *, missing: str = "", also: tuple[int, ...] = ()) -> bytes:
        """The body of a good answer, or of one with another status that is wanted.

        Ends the command with a reason otherwise; `missing` is the reason when there is no such thing.
        """
        status, content = self.ask(path)
        return self.checked(path, status, content, missing=missing, also=also)

    def checked(
        self, path: str, status: int, content: bytes, *, missing: str = "", also: tuple[int, ...] = ()
    ) -> bytes:
        if status == 200 or status in also:
            return content
        if status in (401, 403):
            raise failure("The control port wants to know who asks: use --token, --user or --api-key.")
        if status == 404 and "error" in _object(content) and (missing or path in _OFF):
            raise failure(missing or f"Not configured: the file's control adapter needs {_OFF[path]}.")
        reason = str(_object(content).get("error") or f"it answered {status}")
        if status == 404:
            reason = f"there is no control adapter at {self.address}:{self.port}{self.prefix}"
        raise failure(f"The control port does not help: {reason}")


def failure(message: str) -> click.exceptions.Exit:
    """Says why a command ends, and is what ends it."""
    click.echo(visible(message), err=True)
    return click.exceptions.Exit(FAILED)


def read_json(content: bytes) -> dict[str, Any]:
    """An object. Ends the command when it is none."""
    found = _object(content)
    if not found:
        raise failure("The control port does not help: its answer is not JSON")
    return found


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def print_json(value: Json) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def table(*headings: str) -> Table:
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        found.add_column(heading, overflow="fold")
    return found


def print_table(rows: Table) -> None:
    """On a terminal as wide as that is; elsewhere a line a row."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)
    console.print(rows)


def cell(value: Json) -> Text:
    return Text("" if value is None else visible(str(value)))


# -- options ----------------------------------------------------------------------------------------------


def control_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where the control port is; the command gets it as `control`.

    Secrets are better in the variables of these options: other users of a machine see command lines.
    """

    @functools.wraps(command)
    def found(**options: Any) -> None:
        names = ("port", "address", "path", "token", "user", "api_key", "api_key_header")
        own = {name: options.pop(name) for name in names}
        command(control=_control_port(own), **options)

    for option in reversed(_OPTIONS):
        found = option(found)
    return found


json_option = click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of what is printed.",
)

_OPTIONS = (
    click.option(
        "--port",
        type=click.IntRange(1, 65535),
        envvar="CAPSPEC_CONTROL_PORT",
        metavar="N",
        help="The control port; by default that of a capability file in this folder, or 9090.",
    ),
    click.option(
        "--address",
        envvar="CAPSPEC_CONTROL_ADDRESS",
        default="localhost",
        show_default=True,
        help="Where it is.",
    ),
    click.option(
        "--path",
        envvar="CAPSPEC_CONTROL_PATH",
        default="",
        metavar="PREFIX",
        help="What its paths begin with: /CAPABILITY/control when everything is on one port.",
    ),
    click.option("--token", envvar="CAPSPEC_CONTROL_TOKEN", metavar="TOKEN", help="A bearer token."),
    click.option("--user", envvar="CAPSPEC_CONTROL_USER", metavar="NAME:PASSWORD", help="Basic credentials."),
    click.option("--api-key", envvar="CAPSPEC_CONTROL_API_KEY", metavar="KEY", help="An API key."),
    click.option(
        "--api-key-header",
        envvar="CAPSPEC_CONTROL_API_KEY_HEADER",
        default="X-API-Key",
        show_default=True,
        metavar="NAME",
        help="The header that the API key is sent in.",
    ),
)


def _control_port(options: Mapping[str, Any]) -> ControlPort:
    headers = {"Accept": "application/json, text/plain"}
    if options["token"]:
        headers["Authorization"] = f"Bearer {options['token']}"
    if options["user"]:
        headers["Authorization"] = f"Basic {b64encode(options['user'].encode()).decode()}"
    if options["api_key"]:
        headers[options["api_key_header"]] = options["api_key"]
    path = "/" + options["path"].strip("/") if options["path"].strip("/") else ""
    port = options["port"] or _port_nearby() or DEFAULT_PORT
    return ControlPort(address=options["address"], port=port, prefix=path, headers=headers)


def _port_nearby() -> int | None:
    """The port of the first control adapter that a capability file in this folder has."""
    try:
        files = capability_files(["."])
    except click.UsageError:
        return None
    for file in files:
        try:
            listeners = model.parse(document.read(file)).listeners
        except CapspecError:
            continue
        for listener in listeners:
            if listener.type == "control" and listener.port:
                return listener.port
    return None
