"""`capspec inspect`: what would be served, as tables or JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capspec.cli.description import describe
from capspec.cli.loading import (
    Surroundings,
    capability_files,
    environment,
    load_plans,
    loading_options,
    surroundings_of,
)
from capspec.cli.printing import plural, print_problems
from capspec.cli.sandboxed import surroundings
from capspec.plan import Plan
from capspec.values import Json


@click.command("inspect")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array with everything, schemas included.")
@click.option("--schemas", is_flag=True, help="Show the input and output schemas in the tables too.")
@loading_options
def command(paths: tuple[str, ...], as_json: bool, schemas: bool, **options: Any) -> None:
    """Show what would be served: routes and tools, their inputs, variables, and what does not work."""
    files = capability_files(paths)
    given = surroundings_of(options, environment(options["env_files"]), paths)
    asyncio.run(_run(files, given, as_json, schemas, options))


async def _run(
    files: list[str], given: Surroundings, as_json: bool, schemas: bool, options: dict[str, Any]
) -> None:
    async with surroundings(given, sandbox=options["sandbox"], speed=options["sandbox_speed"]) as around:
        plans = load_plans(files, around)
        descriptions = [describe(plan, around.environ) for plan in plans]
    if as_json:
        click.echo(json.dumps(descriptions, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False)
    for plan, description in zip(plans, descriptions, strict=True):
        _show(console, plan, description, schemas)


def _show(console: Console, plan: Plan, description: dict[str, Json], schemas: bool) -> None:
    heading = Text.assemble(
        (description["name"], "bold"), f"  {description['title']}", f"  ({description['file']})"
    )
    console.print(heading)
    for listener in description["listeners"]:
        console.print()
        console.print(_listener_heading(listener))
        if listener["type"] == "skill":
            console.print(Padding(_skills(listener["skills"]), (0, 0, 0, 2)))
            continue
        if listener["control"] is not None:
            console.print(Padding(Text(", ".join(listener["control"]) or "nothing"), (0, 0, 0, 2)))
            continue
        console.print(Padding(_flows(listener, schemas), (0, 0, 0, 2)))
        if listener["resources"]:
            console.print(Padding(_resources(listener["resources"]), (0, 0, 0, 2)))
        if listener["prompts"]:
            console.print(Padding(_prompts(listener["prompts"]), (0, 0, 0, 2)))
    if description["upstreams"]:
        console.print("\nCalls")
        console.print(Padding(_upstreams(description["upstreams"]), (0, 0, 0, 2)))
    if description["binds"] or description["missing"]:
        console.print("\nVariables")
        console.print(Padding(_variables(description), (0, 0, 0, 2)))
    if plan.warnings:
        console.print(f"\n{plural(len(plan.warnings), 'warning')}")
        print_problems(plan.warnings, stream=console.file)
    console.print()


def _listener_heading(listener: dict[str, Json]) -> Text:
    where = (
        "standard input and output"
        if listener["transport"] == "stdio"
        else f"port {listener['port'] or 'free'}"
    )
    guard = (
        f"authentication {listener['authentication']}" if listener["authentication"] else "no authentication"
    )
    kind = (listener["type"].upper(), "bold cyan")
    return Text.assemble(kind, f" {listener['namespace']}, {where}, {guard}")


def _flows(listener: dict[str, Json], schemas: bool) -> Table:
    table = _table("Route" if listener["type"] == "rest" else "Tool", "Inputs", "Calls", "State")
    for flow in listener["flows"]:
        name = f"{flow['method']} {flow['path']}" if "path" in flow else flow["name"]
        table.add_row(Text(name), _inputs(flow), Text("\n".join(flow["calls"])), _state(flow))
        if schemas:
            table.add_row(_schemas(flow), end_section=True)
    for forward in listener["forwards"]:
        route = f"{' '.join(forward['methods'])} {forward['path']}"
        table.add_row(Text(route), Text("passed on"), Text(forward["target"]), _state(forward))
    return table


def _inputs(flow: dict[str, Json]) -> Text:
    """Names and types; `*` marks what is required."""
    schema = flow["input_schema"]
    required = schema.get("required", ())
    parts = [
        f"{name}{'*' if name in required else ''}: {_type(inner)}"
        for name, inner in schema.get("properties", {}).items()
    ]
    if schema.get("additionalProperties") not in (False, None):
        parts.append("…")
    return Text("\n".join(parts))


def _type(schema: Json) -> str:
    kind = schema.get("type", "any") if isinstance(schema, dict) else "any"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _state(flow: dict[str, Json]) -> Text:
    if flow["unavailable"]:
        return Text(f"not available: {flow['unavailable']}", style="red")
    if flow["missing"]:
        return Text(f"needs {', '.join(flow['missing'])}", style="yellow")
    return Text("ok", style="green")


def _schemas(flow: dict[str, Json]) -> RenderableType:
    parts = [Text(f"input: {json.dumps(flow['input_schema'], ensure_ascii=False)}", style="dim")]
    if flow["output_schema"] is not None:
        parts.append(Text(f"output: {json.dumps(flow['output_schema'], ensure_ascii=False)}", style="dim"))
    return Group(*parts)


def _resources(resources: Iterable[dict[str, Json]]) -> Table:
    table = _table("Resource", "Media type", "Calls", "State")
    for resource in resources:
        calls = Text("\n".join(resource["calls"]))
        table.add_row(Text(resource["uri"]), Text(resource["media_type"]), calls, _state(resource))
    return table


def _prompts(prompts: Iterable[dict[str, Json]]) -> Table:
    table = _table("Prompt", "Arguments")
    for prompt in prompts:
        names = [f"{item['name']}{'*' if item['required'] else ''}" for item in prompt["arguments"]]
        table.add_row(Text(prompt["name"]), Text("\n".join(names)))
    return table


def _skills(skills: Iterable[dict[str, Json]]) -> Table:
    table = _table("Skill", "Tools", "Files")
    for skill in skills:
        table.add_row(Text(skill["name"]), Text("\n".join(skill["tools"])), Text(skill["folder"] or "none"))
    return table


def _upstreams(upstreams: Iterable[dict[str, Json]]) -> Table:
    table = _table("API", "Address", "Authentication", "State")
    for upstream in upstreams:
        problem = upstream["problem"] or (
            f"needs {', '.join(upstream['missing'])}" if upstream["missing"] else ""
        )
        table.add_row(
            Text(upstream["namespace"]),
            Text(upstream["base_url"]),
            "yes" if upstream["authentication"] else "no",
            Text(problem or "ok", style="yellow" if problem else "green"),
        )
    return table


def _variables(description: dict[str, Json]) -> Table:
    table = _table("Variable", "From", "Key", "Value")
    for bind in description["binds"]:
        for variable in bind["variables"]:
            value = Text("yes", style="green") if variable["has_value"] else Text("no", style="yellow")
            table.add_row(
                Text(variable["name"]), Text(bind["location"] or "environment"), Text(variable["key"]), value
            )
    declared = {variable["name"] for bind in description["binds"] for variable in bind["variables"]}
    for missing in description["missing"]:
        if missing["name"] not in declared:
            table.add_row(Text(missing["name"]), "not declared", "", Text("no", style="yellow"))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
