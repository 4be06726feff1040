"""What is being served to a few lines for people, or one JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import click

from capspec import __version__
from capspec.app import HANDLE_VARIABLE
from capspec.cli.description import flows_of
from capspec.cli.printing import plural
from capspec.host_check import is_loopback
from capspec.plan import Engine, Listener, Plan
from capspec.serving.listening import Mount
from capspec.serving.serving import Serving
from capspec.values import Json

_SHOWN = 5
_SHORT = {"control": "ctrl"}
_NOUNS = {"rest": "route", "mcp": "tool", "skill": "skill"}


def describe(serving: Serving, sandbox: str, *, lasting_handles: bool = False) -> dict[str, Json]:
    """Everything that the banner says. `lasting_handles`: those of jobs outlive this process."""
    merged = next(((url, mount) for url, mount in serving.mounts if mount.merged), None)
    return {
        "event": "serving",
        "version": __version__,
        "capabilities": [_capability(engine, serving) for engine in serving.engines],
        "merged": None if merged is None else _endpoint(*merged),
        "clashes": list(serving.clashes),
        "narrowed": _narrowed(serving),
        "sandbox": sandbox or None,
        "ephemeral_handles": not lasting_handles
        and any(_has_jobs(engine.plan) for engine in serving.engines),
    }


def as_json(description: dict[str, Json]) -> str:
    """One line."""
    return json.dumps(description, ensure_ascii=False)


def as_text(description: dict[str, Json]) -> str:
    """Lines with a blank one before and after."""
    lines = [f"capspec {description['version']}", ""]
    width = max((len(item["url"]) for item in _endpoints(description)), default=0)
    for capability in description["capabilities"]:
        lines += _capability_lines(capability, width)
    merged = description["merged"]
    if merged is not None:
        lines += ["  all tools together", _endpoint_line(merged, width), ""]
    if description["clashes"]:
        ports = ", ".join(map(str, description["clashes"]))
        word = "port" if len(description["clashes"]) == 1 else "ports"
        lines += [f"More than one listener wants {word} {ports}, so everything is on one port.", ""]
    if description["narrowed"]:
        names = ", ".join(description["narrowed"])
        lines += [
            f"Only this machine can reach it, although a file says {names}; --host opens it to others.",
            "",
        ]
    if description["ephemeral_handles"]:
        lines += [f"Handles of jobs end with this process; set {HANDLE_VARIABLE} to keep them.", ""]
    if description["sandbox"]:
        lines += [f"Calls go to the sandbox at {description['sandbox']}.", ""]
    lines.append("Stop with Ctrl-C.")
    return "\n".join(lines)


def missing_of(plan: Plan) -> list[dict[str, Json]]:
    """Each variable without a value: its name, where it was looked for, and the flows that cannot work."""
    binds = {variable.name: variable.bind for variable in plan.missing}
    found: dict[str, dict[str, None]] = {name: {} for name in binds}
    for listener in plan.listeners:
        for flow in flows_of(listener):
            for name in flow.missing:
                found.setdefault(name, {})[flow.name] = None
    return [
        {"name": name, "bind": binds.get(name, ""), "affects": list(flows)} for name, flows in found.items()
    ]


def _has_jobs(plan: Plan) -> bool:
    return any(flow.job is not None for listener in plan.listeners for flow in listener.flows)


def _narrowed(serving: Serving) -> list[str]:
    """The addresses that files name and that other machines could reach, when none is served there."""
    if not is_loopback(serving.host):
        return []
    listeners = [listener for engine in serving.engines for listener in engine.plan.listeners]
    return sorted({listener.address for listener in listeners if not is_loopback(listener.address)})


# -- facts ----------------------------------------------------------------------------------------------


def _capability(engine: Engine, serving: Serving) -> dict[str, Json]:
    plan = engine.plan
    own = [
        (url, mount)
        for url, mount in serving.mounts
        if not mount.merged and mount.members[0].engine is engine
    ]
    return {
        "name": own[0][1].members[0].capability if own else plan.name,
        "file": plan.document.source,
        "title": plan.title,
        "endpoints": [_endpoint(url, mount) for url, mount in own],
        "left": [
            {"kind": item.listener.type, "namespace": item.listener.namespace, "reason": item.reason}
            for item in serving.left
            if item.engine is engine
        ],
        "missing": missing_of(plan),
        "unavailable": sum(bool(flow.unavailable) for item in plan.listeners for flow in flows_of(item)),
        "warnings": len(plan.warnings),
    }


def _endpoint(url: str, mount: Mount) -> dict[str, Json]:
    return {
        "kind": mount.kind,
        "namespace": mount.namespace,
        "url": url,
        "count": sum(_offered(member.listener) for member in mount.members),
        "resources": sum(len(member.listener.resources) for member in mount.members),
        "prompts": sum(len(member.listener.prompts) for member in mount.members),
        "authentication": all(member.listener.guard is not None for member in mount.members),
        **_controls(mount.members[0].listener),
    }


def _controls(listener: Listener) -> dict[str, Json]:
    return {} if listener.control is None else {"offers": list(listener.control.offers)}


def _offered(listener: Listener) -> int:
    """The operations or tools of a listener that work, its skills, and the paths that it passes on."""
    forwards = sum(not forward.unavailable for forward in listener.forwards)
    return len(listener.available) + len(listener.skills) + forwards


def _endpoints(description: dict[str, Json]) -> Iterator[dict[str, Json]]:
    for capability in description["capabilities"]:
        yield from capability["endpoints"]
    if description["merged"] is not None:
        yield description["merged"]


# -- lines ----------------------------------------------------------------------------------------------


def _capability_lines(capability: dict[str, Json], width: int) -> list[str]:
    title = f"  {capability['title']}" if capability["title"] else ""
    lines = [f"  {click.style(capability['name'], bold=True)}{title} ({capability['file']})"]
    lines += [_endpoint_line(item, width) for item in capability["endpoints"]]
    lines += [
        f"    {item['kind'].upper():<5} '{item['namespace']}' is not served: {item['reason']}"
        for item in capability["left"]
    ]
    lines += [line for item in capability["missing"] for line in missing_lines(item)]
    notes = []
    if capability["unavailable"]:
        notes.append(f"{plural(capability['unavailable'], 'operation')} not available")
    if capability["warnings"]:
        notes.append(plural(capability["warnings"], "warning"))
    if notes:
        lines.append(f"    {', '.join(notes)}: see capspec inspect {capability['file']}")
    return [*lines, ""]


def _endpoint_line(endpoint: dict[str, Json], width: int) -> str:
    noun = _NOUNS.get(endpoint["kind"], "operation")
    counts = [*endpoint.get("offers", ())] or [plural(endpoint["count"], noun)]
    counts += [plural(endpoint[f"{noun}s"], noun) for noun in ("resource", "prompt") if endpoint[f"{noun}s"]]
    guarded = ", with authentication" if endpoint["authentication"] else ""
    url = click.style(f"{endpoint['url']:<{width}}", fg="cyan")
    kind = str(_SHORT.get(endpoint["kind"], endpoint["kind"])).upper()
    return f"    {kind:<5} {url}  {', '.join(counts)}{guarded}"


def missing_lines(missing: dict[str, Json]) -> list[str]:
    """A variable without a value (`name`, `bind`, `affects`): what that means, where it was looked for."""
    effect = (
        f"{_some(missing['affects'])} cannot work"
        if missing["affects"]
        else "nothing that is exposed needs it"
    )
    lines = [
        f"    {missing['name']} has no value: {effect}",
        f"      {missing['bind']}" if missing["bind"] else "",
    ]
    return [click.style(line, fg="yellow") for line in lines if line]


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more
