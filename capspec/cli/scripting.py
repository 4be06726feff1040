"""`capspec scripting`: the rules for scripts of a capability that is served, seen and changed."""

from __future__ import annotations

import click

from capspec.cli.control import ControlPort, control_options, failure, json_option, print_json, read_json
from capspec.cli.printing import visible
from capspec.values import Json

_FLAGS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
_KEYS = ("enabled", "defaultLocation", "defaultLanguage", "timeout", "statementLimit", "allowedLanguages")


def _changes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for value in values:
        key, separator, text = value.partition("=")
        if not separator or key not in _KEYS:
            raise click.BadParameter(f"'{value}' is not KEY=VALUE; keys are {', '.join(_KEYS)}")
        found[key] = _typed(key, text.strip())
    return found


def _typed(key: str, text: str) -> Json:
    """The value as the control port wants it; what does not fit is left for it to refuse."""
    if key == "enabled":
        return _FLAGS.get(text.lower(), text)
    if key in ("timeout", "statementLimit"):
        return int(text) if text.lstrip("-").isdecimal() else text
    if key == "allowedLanguages":
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


@click.command("scripting")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_changes,
    help=f"Change a rule, at once and until the next start: {', '.join(_KEYS)}. Repeatable.",
)
@control_options
@json_option
def command(control: ControlPort, changes: dict[str, Json], output: str) -> None:
    """Show the rules for a capability's scripts and how they fared, or change them."""
    if changes:
        status, content = control.ask("/scripting", "PUT", changes)
        if status == 400:
            raise failure(str(read_json(content).get("error")))
        found = read_json(control.checked("/scripting", status, content))
    else:
        found = read_json(control.get("/scripting"))
    if output == "json":
        print_json(found)
        return
    allowed = found.get("allowedLanguages")
    stats = found.get("stats") or {}
    lines = {
        "Scripting": "ENABLED" if found.get("enabled") else "DISABLED",
        "Default location": found.get("defaultLocation") or "none",
        "Default language": found.get("defaultLanguage") or "none",
        "Timeout": f"{found.get('timeout')} ms",
        "Statement limit": found.get("statementLimit"),
        "Allowed languages": "all" if allowed is None else ", ".join(allowed) or "none",
        "Executions": f"{stats.get('totalExecutions', 0)}, {stats.get('totalErrors', 0)} with errors",
        "Average": f"{float(stats.get('averageDurationMs') or 0):.2f} ms",
        "Last execution": stats.get("lastExecutionAt") or "never",
    }
    for heading, value in lines.items():
        click.echo(visible(f"{heading + ':':<19}{value}"))
