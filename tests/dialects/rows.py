"""A row of the table of fields: where a field may be, a value for it, and what shows that it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from capspec.plan.offers import FileResource
from capspec.values import MISSING
from tests.dialects.loaded import Loaded, Ran, Upstream

View = Callable[[Loaded], Any]

HONOURED: Final = "honoured"
READ: Final = "read"
WARNED: Final = "warned"
COMMENT: Final = "comment"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A field of an object.

    It is "honoured" when it changes what `view` sees, "read" when that is only shown to people, "warned" of
    when a warning with `code` names it; a "comment" is for those who read the file. `at` is the way to the
    object in the document, in which it is called `key` if not by its name, `around` what else is there (None for
    what is not), and `files` other files. `other` is the value that it
    is held against, where it cannot be left out. `gives` is what `view` should see.
    """

    object: str
    name: str
    key: str = ""
    at: str
    value: Any
    view: View = lambda loaded: None
    claim: Literal["honoured", "read", "warned", "comment"] = "honoured"
    since: str = "0.4"
    until: str = "beta4"
    other: Any = MISSING
    gives: Any = MISSING
    around: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""

    def __str__(self) -> str:
        return f"{self.object}.{self.name}"


BASE: Final[dict[str, Any]] = {
    "info": {"display": "World", "description": "Of things."},
    "capability": {
        "consumes": {
            "up": {
                "type": "http",
                "baseUri": "http://up.test",
                "resources": {
                    "things": {
                        "path": "/things/{{id}}",
                        "operations": {
                            "get": {"method": "GET", "inputParameters": {"id": {"in": "path"}}},
                            "put": {"method": "PUT", "inputParameters": {"id": {"in": "path"}}},
                        },
                    }
                },
            }
        },
        "exposes": {
            "rest": {
                "type": "rest",
                "port": 8080,
                "namespace": "app",
                "resources": {
                    "things": {
                        "path": "/things/{{id}}",
                        "description": "Things.",
                        "operations": {
                            "get-thing": {
                                "method": "GET",
                                "inputParameters": {
                                    "id": {"in": "path", "type": "string", "description": "Which."}
                                },
                                "call": "up.get",
                                "with": {"id": "app.id"},
                            }
                        },
                    }
                },
            },
            "mcp": {
                "type": "mcp",
                "port": 8081,
                "namespace": "agent",
                "description": "About things.",
                "tools": {
                    "get-thing": {
                        "description": "Get one.",
                        "inputParameters": {"id": {"type": "string", "description": "Which."}},
                        "call": "up.get",
                        "with": {"id": "agent.id"},
                    }
                },
            },
        },
    },
}
"""What every document of the table has."""

UP = "capability/consumes/up"
THINGS = f"{UP}/resources/things"
GET = f"{THINGS}/operations/get"
PUT = f"{THINGS}/operations/put"
REST = "capability/exposes/rest"
RESOURCE = f"{REST}/resources/things"
OPERATION = f"{RESOURCE}/operations/get-thing"
MCP = "capability/exposes/mcp"
TOOL = f"{MCP}/tools/get-thing"
PROMPT = f"{MCP}/prompts/ask"
DOC = f"{MCP}/resources/doc"
SKILL = "capability/exposes/skill"
SAIL = f"{SKILL}/skills/sail"
CONTROL = "capability/exposes/control"
AGGREGATE = "capability/aggregates/fleet"
FUNCTION = f"{AGGREGATE}/flows/find"

TOKEN_BIND: Final = {"binds": {"vault": {"keys": {"TOKEN": "TOKEN"}}}}
IMAGE: Final = Upstream(content=b"\x89PNG....", media_type="application/octet-stream")
STEPS: Final = {"first": {"type": "call", "call": "up.get", "with": {"id": "agent.id"}}}


def image(status: int = 200, media_type: str = "application/octet-stream", size: int = 8) -> Upstream:
    return Upstream(content=b"x" * size, media_type=media_type, status=status)


# -- views ------------------------------------------------------------------------------------------------


def shown(*keys: str) -> View:
    """A part of what `inspect` shows."""

    def view(loaded: Loaded) -> Any:
        value: Any = loaded.inspected
        for key in keys:
            value = value[int(key) if isinstance(value, list) else key]
        return value

    return view


def described(*keys: str) -> View:
    """A part of the interface's description (OpenAPI); None where there is none."""

    def view(loaded: Loaded) -> Any:
        value: Any = loaded.interface
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    return view


def tool(*keys: str) -> View:
    """A part of what clients are told of the tool."""

    def view(loaded: Loaded) -> Any:
        value: Any = loaded.tools["get-thing"]
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    return view


def prompt(*keys: str | int) -> View:
    def view(loaded: Loaded) -> Any:
        value: Any = loaded.prompts["ask"]
        for key in keys:
            value = value[key] if isinstance(key, int) else value.get(key)
        return value

    return view


def listener(kind: str, name: str) -> View:
    return lambda loaded: getattr(loaded.listener(kind), name)


def given(kind: str = "mcp", name: str = "get-thing", **arguments: Any) -> View:
    """What a flow answers."""
    return lambda loaded: loaded.ran(kind, name, **arguments).value


def sent(part: str, kind: str = "mcp", name: str = "get-thing", **arguments: Any) -> View:
    """A part of the last request that a flow makes: url, body, method, or the name of a header."""

    def view(loaded: Loaded) -> Any:
        ran = loaded.ran(kind, name, **arguments)
        if part in ("url", "body", "method"):
            return getattr(ran.sent, part)
        return {name.lower(): value for name, value in ran.sent.headers}.get(part.lower())

    return view


def ran(
    kind: str, upstream: Callable[[], Upstream], pick: Callable[[Ran], Any], name: str = "get-thing"
) -> View:
    return lambda loaded: pick(loaded.ran(kind, name, upstream()))


def resource(loaded: Loaded) -> Any:
    """The MCP resource, as the plan has it."""
    (found,) = loaded.listener("mcp").resources
    return found


def of_resource(name: str) -> View:
    def view(loaded: Loaded) -> Any:
        found = resource(loaded)
        if name in ("title", "description") and not isinstance(found, FileResource):
            return getattr(found.flow, name)
        return getattr(found, name)

    return view


def skill(name: str) -> View:
    return lambda loaded: getattr(loaded.listener("skill").skills[0], name)


def input_schema(*keys: str) -> View:
    return tool("inputSchema", *keys)


def rest_input(name: str) -> View:
    """Where a REST request carries the input `size`, or what its schema says."""

    def view(loaded: Loaded) -> Any:
        found = next(item for item in loaded.flow("rest").inputs if item.name == "size")
        return getattr(found, name) if hasattr(found, name) else found.schema.get(name)

    return view


binding = sent("authorization")


def control(*names: str) -> View:
    def view(loaded: Loaded) -> Any:
        value: Any = loaded.listener("control").control
        for name in names:
            value = getattr(value, name)
        return value

    return view
