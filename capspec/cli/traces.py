"""`capspec traces`: what the last requests to a capability did, and how long that took."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import click

from capspec.cli.control import (
    ControlPort,
    cell,
    control_options,
    json_option,
    print_json,
    print_table,
    read_json,
    table,
)


@click.command("traces")
@click.argument("trace_id", metavar="[ID]", required=False)
@click.option("--operation", default="", metavar="TEXT", help="Only those with this in an operation's name.")
@click.option("--status", default="", metavar="STATUS", help="Only those that ended so: OK or ERROR.")
@control_options
@json_option
def command(control: ControlPort, trace_id: str | None, operation: str, status: str, output: str) -> None:
    """List the last traces of a control port's capability, or show the spans of one."""
    if trace_id:
        path = f"/traces/{quote(trace_id, safe='')}"
        found = read_json(control.get(path, missing=f"Trace not found: {trace_id}"))
    else:
        wanted = {"operation": operation, "status": status}
        query = urlencode({name: value for name, value in wanted.items() if value})
        found = _listed(control, query)
    if output == "json":
        print_json(found)
    elif trace_id:
        _show(found)
    else:
        _list(found)


def _listed(control: ControlPort, query: str) -> dict[str, Any]:
    code, content = control.ask(f"/traces?{query}" if query else "/traces")
    return read_json(control.checked("/traces", code, content))


def _list(found: dict[str, Any]) -> None:
    rows = table("Trace", "Request", "Operation", "Duration", "Status", "Spans", "Time")
    for item in found.get("traces") or []:
        about = [item.get(key) for key in ("traceId", "operation", "operationId")]
        rest = [item.get(key) for key in ("status", "spanCount", "timestamp")]
        rows.add_row(*map(cell, [*about, readable(item.get("durationMs")), *rest]))
    if rows.row_count:
        print_table(rows)
    click.echo(f"{rows.row_count} shown; {found.get('bufferUsed')} of at most {found.get('bufferSize')} kept")


def _show(found: dict[str, Any]) -> None:
    """The spans as a tree, each below the one that it is a part of."""
    spans = found.get("spans") or []
    known = {span.get("spanId") for span in spans}
    below: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        parent = span.get("parentSpanId")
        below.setdefault(parent if parent in known else "", []).append(span)
    rows = table("Span", "Kind", "Duration", "Status", "About")
    _add(rows, below, "", 0)
    click.echo(f"{found.get('traceId')}  {found.get('status')}  {readable(found.get('durationMs'))}")
    print_table(rows)


def _add(rows: Any, below: dict[str, list[dict[str, Any]]], parent: str, depth: int) -> None:
    for span in below.pop(parent, []):
        about = span.get("attributes") or {}
        words = [str(about[key]) for key in _TOLD if key in about]
        name = f"{'  ' * depth}{span.get('name')}"
        duration = readable(span.get("durationMs"))
        rows.add_row(*map(cell, [name, span.get("kind"), duration, span.get("status"), ", ".join(words)]))
        _add(rows, below, str(span.get("spanId")), depth + 1)


_TOLD = (
    "capspec.operation.id", "capspec.step.name", "url.full", "http.response.status_code", "error.type",
)  # fmt: skip


def readable(milliseconds: Any) -> str:
    """342ms, or 1.2s from a second on."""
    if not isinstance(milliseconds, (int, float)):
        return ""
    return f"{milliseconds:.0f}ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.1f}s"
