"""One flow in either dialect, served over REST and MCP: how it is written, and how it is called."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import yaml

from tests.upstreams import Seen, reply
from tests.whole import Whole, text_of, value_of

DIALECTS = {"naftiko": "1.0.0-alpha2", "ikanos": "1.0.0-beta5"}
"""The dialect that writes collections as lists, and the one that writes them as maps."""

_COLLECTIONS = frozenset(
    {
        "inputParameters", "outputParameters", "resources", "operations", "steps", "tools", "prompts", "arguments",
        "skills", "functions", "items",
    }
)  # fmt: skip
_RENAMED = {"label": "display", "targetName": "target", "functions": "flows"}


def written(dialect: str, capability: dict[str, Any], **root: Any) -> str:
    """A capability that is written with lists, in a dialect."""
    document = {dialect: DIALECTS[dialect], "info": {"label": "World", "description": "Of tests."}}
    whole = {**document, **root, "capability": capability}
    return json.dumps(_mapped(whole) if dialect == "ikanos" else whole)


def _mapped(value: Any, key: str = "") -> Any:
    """The same with maps where the newer dialect has them."""
    if isinstance(value, list):
        items = [_mapped(item) for item in value]
        if key in _COLLECTIONS and items and all(isinstance(item, dict) and "name" in item for item in items):
            return {item["name"]: {k: v for k, v in item.items() if k != "name"} for item in items}
        return items
    if isinstance(value, dict):
        return {_RENAMED.get(name, name): _mapped(item, name) for name, item in value.items()}
    return value


def flow_of(
    dialect: str,
    consumed: str,
    flow: str,
    inputs: str = "[]",
    *,
    method: str = "POST",
    path: str = "/go",
    **more: Any,
) -> str:
    """A capability with one flow: the tool `go` of `agent`, and `POST /go` of `app`.

    `consumed` are the resources of the API `up`, or all of `consumes` as a list with namespaces; all are YAML.
    """
    body = yaml.safe_load(flow) or {}
    given = yaml.safe_load(inputs)
    apis = yaml.safe_load(consumed)
    if not apis or "namespace" not in apis[0]:
        apis = [{"namespace": "up", "type": "http", "baseUri": "http://up.test", "resources": apis or []}]
    tool = {"name": "go", "description": "Goes.", "inputParameters": given, **body}
    placed = [{"in": "body", **item} for item in given]
    operation = {"name": "go", "method": method, "inputParameters": placed, **body}
    resource = {"name": "going", "path": path, "operations": [operation]}
    aggregates = more.pop("aggregates", None)
    capability: dict[str, Any] = {
        "consumes": apis,
        "exposes": [
            {"type": "mcp", "namespace": "agent", "port": 1, "tools": [tool]},
            {"type": "rest", "namespace": "app", "port": 2, "resources": [resource]},
        ],
    }
    if aggregates is not None:
        capability["aggregates"] = yaml.safe_load(aggregates)
    return written(dialect, capability, **more)


@dataclass(frozen=True)
class Answered:
    """What a caller got: whether it worked, the value, and the text of an error."""

    ok: bool
    value: Any = None
    text: str = ""


Go = Callable[[Whole, dict[str, Any]], Awaitable[Answered]]


async def over_rest(whole: Whole, arguments: dict[str, Any]) -> Answered:
    response = await whole.request("POST", "/go", json=arguments)
    if response.status_code >= 300:
        return Answered(False, text=response.text)
    return Answered(True, response.json() if response.content else None)


async def over_mcp(whole: Whole, arguments: dict[str, Any]) -> Answered:
    result = await whole.tool("go", arguments)
    if result.is_error:
        return Answered(False, text=text_of(result))
    value = value_of(result)
    # What is no object is wrapped for agents.
    return Answered(True, value["result"] if isinstance(value, dict) and set(value) == {"result"} else value)


def answering(routes: dict[str, Any]) -> Callable[[Seen], bytes]:
    """Answers by "METHOD path": a JSON value, whole bytes, or a status; anything else gets {}."""

    def answer(seen: Seen) -> bytes:
        found = routes.get(f"{seen.method} {seen.path}", routes.get("*", {}))
        if isinstance(found, bytes):
            return found
        if isinstance(found, int):
            return reply(found, b'{"why": "so"}')
        return reply(200, json.dumps(found).encode())

    return answer


def typed(media_type: str, content: str | bytes, status: int = 200) -> bytes:
    """An upstream's answer in another format than JSON."""
    body = content.encode() if isinstance(content, str) else content
    return reply(status, body, ("content-type", media_type))
