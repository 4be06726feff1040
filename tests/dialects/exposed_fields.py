"""Fields of what is exposed over REST and MCP: adapters, resources, operations, tools, prompts, forwards."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import httpx

from capspec.errors import AuthError, CallError
from capspec.plan import Inbound
from tests.dialects.loaded import Loaded
from tests.dialects.rows import (
    BASE,
    DOC,
    GET,
    MCP,
    OPERATION,
    PROMPT,
    READ,
    RESOURCE,
    REST,
    TOOL,
    Row,
    described,
    given,
    image,
    input_schema,
    listener,
    of_resource,
    prompt,
    ran,
    rest_input,
    sent,
    shown,
    tool,
)

KEY = {"type": "apikey", "key": "X-Key", "value": "{{TOKEN}}"}
BINARY = {f"{GET}/outputRawFormat": "binary"}
LONE = BASE["capability"]["exposes"]["rest"]["resources"]["things"]
TOOLS = BASE["capability"]["exposes"]["mcp"]["tools"]
GUARD = [(kind, f"capability/exposes/{kind}") for kind in ("rest", "mcp")]
STEP = {"type": "call", "call": "up.get", "with": {"id": "7"}}
PATH = ("paths", "/things/{id}")


def without(flow: str) -> dict[str, Any]:
    return {f"{flow}/call": None, f"{flow}/with": None}


def hinted(loaded: Loaded) -> Any:
    return tool("annotations")(loaded)


def guarded(kind: str) -> Any:
    return lambda loaded: loaded.listener(kind).guard is not None


ADAPTERS = [
    *(
        row
        for kind, at in GUARD
        for row in [
            Row(object=f"{kind} adapter", name="port", at=at, value=9000, other=9001, view=listener(kind, "port"), gives=9000),
            Row(object=f"{kind} adapter", name="address", at=at, value="0.0.0.0", view=listener(kind, "address"), gives="0.0.0.0"),
            Row(object=f"{kind} adapter", name="namespace", at=at, value="other", other="another", view=listener(kind, "namespace"), gives="other",
                around={f"{OPERATION}/with": None, f"{TOOL}/with": None}),
            Row(object=f"{kind} adapter", name="authentication", at=at, value=KEY, since="0.4" if kind == "rest" else "alpha2",
                view=guarded(kind), gives=True),
            Row(object=f"{kind} adapter", name="maxBinarySize", at=at, value="4B", since="beta1", around=BINARY,
                view=ran(kind, image, lambda found: found.code), gives="CAP610"),
        ]
    ),
    Row(object="rest adapter", name="type", at=REST, value="rest", other="grpc", view=lambda loaded: [item.type for item in loaded.plan.listeners], gives=["rest", "mcp"]),
    Row(object="rest adapter", name="inputParameters", at=REST, value={"size": {"in": "header", "type": "integer"}},
        view=lambda loaded: [item.name for item in loaded.flow("rest").inputs], gives=["size", "id"]),
    Row(object="rest adapter", name="resources", at=REST, value={"things": {**LONE, "path": "/it/{{id}}"}}, other={"things": LONE},
        view=lambda loaded: list(loaded.interface["paths"]), gives=["/it/{id}"]),
    Row(object="mcp adapter", name="transport", at=MCP, value="stdio", other="http", around={f"{MCP}/port": None}, view=listener("mcp", "transport"), gives="stdio"),
    Row(object="mcp adapter", name="description", at=MCP, value="All about things.", other="x", view=lambda loaded: loaded.server.instructions, gives="All about things."),
    Row(object="mcp adapter", name="tools", at=MCP, value={"other": TOOLS["get-thing"]}, other=TOOLS, view=lambda loaded: list(loaded.tools), gives=["other"]),
    Row(object="mcp adapter", name="ttlMs", at=MCP, value=5000, since="beta4", view=listener("mcp", "ttl_ms"), gives=5000),
    Row(object="mcp adapter", name="cacheScope", at=MCP, value="private", since="beta4", view=listener("mcp", "cache_scope"), gives="private"),
]  # fmt: skip

RESOURCES = [
    Row(object="exposed resource", name="name", at=REST, key="resources", value={"ships": LONE}, other={"things": LONE},
        view=shown("listeners", "0", "flows", "0", "resource", "name"), claim=READ, gives="ships"),
    Row(object="exposed resource", name="path", at=RESOURCE, value="/ships/{{id}}", other="/things/{{id}}", view=lambda loaded: list(loaded.interface["paths"]), gives=["/ships/{id}"]),
    Row(object="exposed resource", name="display", at=RESOURCE, value="Ships", view=described(*PATH, "summary"), claim=READ, gives="Ships"),
    Row(object="exposed resource", name="description", at=RESOURCE, value="All ships.", other="x", view=described(*PATH, "description"), claim=READ, gives="All ships."),
    Row(object="exposed resource", name="tags", at=RESOURCE, value=["sea"], since="ikanos", view=described(*PATH, "get", "tags"), claim=READ, gives=["sea"]),
    Row(object="exposed resource", name="inputParameters", at=RESOURCE, value={"size": {"in": "query", "type": "integer"}},
        view=lambda loaded: [item.name for item in loaded.flow("rest").inputs], gives=["size", "id"]),
    Row(object="exposed resource", name="operations", at=RESOURCE, value={"one": LONE["operations"]["get-thing"]}, other=LONE["operations"],
        view=lambda loaded: [flow.name for flow in loaded.listener("rest").flows], gives=["one"]),
    Row(object="exposed resource", name="forward", at=RESOURCE, value={"targetNamespace": "up"}, view=lambda loaded: len(loaded.listener("rest").forwards), gives=1),
    Row(object="forward", name="targetNamespace", at=f"{RESOURCE}/forward", value="up", other="nothing", around={f"{RESOURCE}/forward": {}},
        view=lambda loaded: loaded.listener("rest").forwards[0].unavailable, gives=""),
    Row(object="forward", name="trustedHeaders", at=f"{RESOURCE}/forward", value=["X-Trace"], around={f"{RESOURCE}/forward": {"targetNamespace": "up"}},
        view=lambda loaded: loaded.listener("rest").forwards[0].trusted_headers, gives=("x-trace",)),
]  # fmt: skip

OPERATIONS = [
    Row(object="exposed operation", name="name", at=RESOURCE, key="operations", value={"one": LONE["operations"]["get-thing"]}, other=LONE["operations"],
        view=described(*PATH, "get", "operationId"), gives="one"),
    Row(object="exposed operation", name="method", at=OPERATION, value="PUT", other="GET", view=lambda loaded: sorted(loaded.interface["paths"]["/things/{id}"]), gives=["description", "put"]),
    Row(object="exposed operation", name="display", at=OPERATION, value="One", view=described(*PATH, "get", "summary"), claim=READ, gives="One"),
    Row(object="exposed operation", name="description", at=OPERATION, value="Gets one.", view=described(*PATH, "get", "description"), claim=READ, gives="Gets one."),
    Row(object="exposed operation", name="tags", at=OPERATION, value=["sea"], since="ikanos", view=described(*PATH, "get", "tags"), claim=READ, gives=["sea"]),
    Row(object="exposed operation", name="inputParameters", at=OPERATION, value={"id": {"in": "path", "type": "integer", "description": "Which."}},
        other={"id": {"in": "path", "type": "string", "description": "Which."}}, view=lambda loaded: loaded.interface["paths"]["/things/{id}"]["get"]["parameters"][0]["schema"]["type"], gives="integer"),
    Row(object="exposed operation", name="responses", at=OPERATION, since="beta1", around=BINARY,
        value={"200": {"description": "The picture.", "content": {"image/png": {"binary": True}}}},
        view=ran("rest", image, lambda found: found.media_type), gives="image/png"),
    Row(object="response", name="description", at=f"{OPERATION}/responses/2XX", value="Drawn.", since="beta1", around={f"{OPERATION}/responses": {"2XX": {}}},
        view=described(*PATH, "get", "responses", "2XX", "description"), claim=READ, gives="Drawn."),
    Row(object="response", name="content", at=f"{OPERATION}/responses/200", value={"text/plain": {}}, since="beta1", around={f"{OPERATION}/responses": {"200": {}}},
        view=described(*PATH, "get", "responses", "200", "content"), claim=READ, gives={"text/plain": {"schema": {}}}),
    Row(object="response content", name="schema", at=f"{OPERATION}/responses/200/content/application~json", value={"type": "object"}, since="beta1",
        around={f"{OPERATION}/responses": {"200": {"content": {"application/json": {}}}}},
        view=described(*PATH, "get", "responses", "200", "content", "application/json", "schema"), claim=READ, gives={"type": "object"}),
    Row(object="response content", name="binary", at=f"{OPERATION}/responses/200/content/image~png", value=True, since="beta1",
        around={**BINARY, f"{OPERATION}/responses": {"200": {"content": {"image/png": {}}}}}, view=ran("rest", image, lambda found: found.media_type), gives="image/png"),
    Row(object="exposed operation", name="responseBinary", at=OPERATION, value={"mediaType": "image/png"}, since="beta1", around=BINARY,
        view=ran("rest", image, lambda found: found.media_type), gives="image/png"),
    Row(object="responseBinary", name="mediaType", at=f"{OPERATION}/responseBinary", value="image/png", other="image/webp", since="beta1",
        around={**BINARY, f"{OPERATION}/responseBinary": {}}, view=ran("rest", image, lambda found: found.media_type), gives="image/png"),
    Row(object="responseBinary", name="status", at=f"{OPERATION}/responseBinary", value=201, since="beta1",
        around={**BINARY, f"{OPERATION}/responseBinary": {"mediaType": "image/png"}}, view=ran("rest", lambda: image(201), lambda found: found.media_type), gives="image/png"),
    Row(object="responseBinary", name="description", at=f"{OPERATION}/responseBinary", value="Drawn.", since="beta1",
        around={**BINARY, f"{OPERATION}/responseBinary": {"mediaType": "image/png"}}, view=described(*PATH, "get", "responses", "200", "description"), claim=READ, gives="Drawn."),
]  # fmt: skip

SIZE = f"{OPERATION}/inputParameters/size"


def size(**fields: Any) -> dict[str, Any]:
    return {"around": {SIZE: {"in": "query", "type": "integer", "description": "How many.", **fields}}}


REST_INPUTS = [
    Row(object="rest input", name="in", at=SIZE, value="header", other="query", view=rest_input("location"), gives="header", **size()),
    Row(object="rest input", name="in", at=SIZE, value="cookie", other="query", view=rest_input("location"), gives="cookie", **size()),
    Row(object="rest input", name="in", at=SIZE, value="body", other="query", view=rest_input("location"), gives="body", **size()),
    *(
        Row(object="rest input", name="type", at=SIZE, value=kind, other="null", view=rest_input("type"), gives=kind, **size())
        for kind in ("string", "number", "integer", "boolean", "array", "object")
    ),
    Row(object="rest input", name="description", at=SIZE, value="How many.", other="x", view=rest_input("description"), gives="How many.", **size()),
    Row(object="rest input", name="pattern", at=SIZE, value="^[0-9]$", view=rest_input("pattern"), gives="^[0-9]$", **size(type="string")),
    Row(object="rest input", name="value", at=SIZE, value="5", view=rest_input("constant"), gives="5", **size()),
]  # fmt: skip

WHICH = f"{TOOL}/inputParameters/id"
TOOL_FIELDS = [
    Row(object="tool", name="name", at=MCP, key="tools", value={"other": TOOLS["get-thing"]}, other=TOOLS, view=lambda loaded: list(loaded.tools), gives=["other"]),
    Row(object="tool", name="display", at=TOOL, value="A thing", since="0.5", view=tool("title"), gives="A thing"),
    Row(object="tool", name="description", at=TOOL, value="Gets one.", other="x", view=tool("description"), gives="Gets one."),
    Row(object="tool", name="tags", at=TOOL, value=["sea"], since="ikanos", view=shown("listeners", "1", "flows", "0", "tags"), claim=READ, gives=["sea"]),
    Row(object="tool", name="inputParameters", at=TOOL, value={"id": {"type": "integer", "description": "Which."}}, other={"id": {"type": "string", "description": "Which."}},
        view=input_schema("properties", "id", "type"), gives="integer"),
    Row(object="tool", name="hints", at=TOOL, value={"readOnly": True, "destructive": False, "idempotent": True, "openWorld": False}, since="alpha2", view=hinted,
        gives={"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}),
    *(
        Row(object="hints", name=name, at=f"{TOOL}/hints", value=True, since="alpha2", around={f"{TOOL}/hints": {}}, view=hinted, gives={f"{name}Hint": True})
        for name in ("readOnly", "destructive", "idempotent", "openWorld")
    ),
    *(
        Row(object="tool input", name="type", at=WHICH, value=kind, other="null", view=input_schema("properties", "id", "type"), gives=kind)
        for kind in ("string", "number", "integer", "boolean", "array", "object")
    ),
    Row(object="tool input", name="name", at=TOOL, key="inputParameters", value={"which": {"type": "string", "description": "Which."}},
        other={"id": {"type": "string", "description": "Which."}}, around={f"{TOOL}/with": {"id": "agent.which"}},
        view=lambda loaded: list(input_schema("properties")(loaded)), gives=["which"]) ,
    Row(object="tool input", name="description", at=WHICH, value="Which one.", other="x", view=input_schema("properties", "id", "description"), gives="Which one."),
    Row(object="tool input", name="required", at=f"{TOOL}/inputParameters/size", value=False, around={f"{TOOL}/inputParameters/size": {"type": "integer", "description": "How many."}},
        view=input_schema("required"), gives=["id"]),
]  # fmt: skip

PAGE: dict[str, Any] = {
    "around": {
        DOC: {
            "display": "A page",
            "uri": "doc://page",
            "description": "It.",
            "call": "up.get",
            "with": {"id": "7"},
        }
    }
}
FILE: dict[str, Any] = {
    "around": {DOC: {"display": "A page", "uri": "doc://page", "description": "It."}},
    "files": {"docs": {"page.md": "# Page"}},
}

MCP_RESOURCES = [
    Row(object="mcp resource", name="name", at=MCP, key="resources", value={"page": {"uri": "doc://page", "call": "up.get", "with": {"id": "7"}}},
        other={"other": {"uri": "doc://page", "call": "up.get", "with": {"id": "7"}}}, since="0.5", view=of_resource("name"), gives="page"),
    Row(object="mcp resource", name="display", at=DOC, value="The page", other="x", since="0.5", view=of_resource("title"), gives="The page", **PAGE),
    Row(object="mcp resource", name="uri", at=DOC, value="doc://it", other="doc://x", since="0.5", view=of_resource("uri"), gives="doc://it", **PAGE),
    Row(object="mcp resource", name="description", at=DOC, value="A page.", other="x", since="0.5", view=of_resource("description"), gives="A page.", **PAGE),
    Row(object="mcp resource", name="tags", at=DOC, value=["sea"], since="ikanos", view=shown("listeners", "1", "resources", "0", "tags"), claim=READ, gives=["sea"], **PAGE),
    Row(object="mcp resource", name="mimeType", at=DOC, value="text/markdown", since="0.5", view=of_resource("media_type"), gives="text/markdown", **PAGE),
    Row(object="mcp resource", name="binary", at=DOC, value=True, since="beta1", view=of_resource("binary"), gives=True, **PAGE),
    Row(object="mcp resource", name="call", at=DOC, value="up.get", other="up.put", since="0.5", view=sent("method", name="doc"), gives="GET", **PAGE),
    Row(object="mcp resource", name="with", at=DOC, value={"id": "9"}, other={"id": "8"}, since="0.5", view=sent("url", name="doc"), gives="http://up.test/things/9", **PAGE),
    Row(object="mcp resource", name="steps", at=DOC, value={"one": STEP}, other={"one": {**STEP, "call": "up.put"}}, since="0.5",
        around={DOC: {"display": "A page", "uri": "doc://page", "description": "It."}}, view=sent("method", name="doc"), gives="GET"),
    Row(object="mcp resource", name="mappings", at=DOC, value=[{"target": "called", "value": "$.one.name"}], since="0.5",
        around={DOC: {"display": "A page", "uri": "doc://page", "description": "It.", "steps": {"one": STEP}}}, view=given(name="doc"), gives={"called": "Sloop"}),
    Row(object="mcp resource", name="outputParameters", at=DOC, value=[{"type": "string", "mapping": "$.name"}], since="0.5", view=given(name="doc"), gives="Sloop", **PAGE),
    Row(object="mcp resource", name="location", at=DOC, value="file:///./docs/page.md", other="file:///./docs", since="0.5", view=of_resource("file"), gives="docs/page.md", **FILE),
]  # fmt: skip

ASK: dict[str, Any] = {
    "around": {
        PROMPT: {
            "display": "Ask",
            "description": "Asks.",
            "arguments": {"what": {"description": "What."}},
            "template": [{"role": "user", "content": "Tell me of {{what}}"}],
        }
    }
}
ARGUMENT = f"{PROMPT}/arguments/what"


def messages(loaded: Loaded) -> Any:
    (found,) = loaded.listener("mcp").prompts
    return [(role, template.text({"what": "ships"})) for role, template in found.messages]


PROMPTS = [
    Row(object="prompt", name="name", at=MCP, key="prompts", value={"ask": ASK["around"][PROMPT]}, other={"tell": ASK["around"][PROMPT]}, since="0.5",
        view=lambda loaded: list(loaded.prompts), gives=["ask"]),
    Row(object="prompt", name="display", at=PROMPT, value="Question", other="x", since="0.5", view=prompt("title"), gives="Question", **ASK),
    Row(object="prompt", name="description", at=PROMPT, value="A question.", other="x", since="0.5", view=prompt("description"), gives="A question.", **ASK),
    Row(object="prompt", name="arguments", at=PROMPT, value={"what": {"description": "What."}}, other={"what": {"description": "x"}}, since="0.5",
        view=prompt("arguments"), gives=[{"name": "what", "description": "What.", "required": True}], **ASK),
    Row(object="prompt", name="template", at=PROMPT, value=[{"role": "assistant", "content": "On {{what}}:"}], other=[{"role": "user", "content": "On {{what}}:"}], since="0.5",
        view=messages, gives=[("assistant", "On ships:")], **ASK),
    Row(object="prompt", name="location", at=PROMPT, value="file:///./ask.txt", other="file:///./other.txt", since="0.5", view=messages, gives=[("user", "On ships")],
        around={PROMPT: {"display": "Ask", "description": "Asks.", "arguments": {"what": {"description": "What."}}}},
        files={"ask.txt": "On {{what}}", "other.txt": "{{what}}?"}),
    Row(object="prompt argument", name="display", at=ARGUMENT, value="Topic", since="0.5", view=prompt("arguments", 0, "title"), gives="Topic", **ASK),
    Row(object="prompt argument", name="description", at=ARGUMENT, value="Topic.", other="x", since="0.5", view=prompt("arguments", 0, "description"), gives="Topic.", **ASK),
    Row(object="prompt argument", name="required", at=ARGUMENT, value=False, since="0.5", view=prompt("arguments", 0, "required"), gives=False, **ASK),
]  # fmt: skip


def key_guard(loaded: Loaded) -> Any:
    return loaded.listener("rest").guard.security_scheme


def admitted(**headers: str) -> Any:
    """Whom the REST guard takes a request for."""

    def view(loaded: Loaded) -> Any:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            asyncio.run(loaded.listener("rest").guard.admit(Inbound(headers=names)))
        except CallError as error:
            return error.code
        return "admitted"

    return view


def answers_the_challenge(loaded: Loaded) -> bool:
    """Whether the REST guard takes what ada makes of its challenge with her password."""
    guard = loaded.listener("rest").guard
    assert guard is not None
    exchange = httpx.DigestAuth("ada", "pw").auth_flow(httpx.Request("GET", "http://me.test/"))
    request = next(exchange)
    for _ in range(2):
        headers = {"authorization": request.headers.get("authorization", "")}
        try:
            asyncio.run(guard.admit(Inbound(headers=headers)))
        except AuthError as error:
            challenged = httpx.Response(401, headers={"www-authenticate": error.challenge}, request=request)
            with suppress(StopIteration):
                request = exchange.send(challenged)
        else:
            return True
    return False


GUARDS = f"{REST}/authentication"
OAUTH = {"type": "oauth2", "authorizationServerUri": "https://as.test", "resource": "https://me.test"}


def guard(**fields: Any) -> dict[str, Any]:
    return {"around": {GUARDS: fields}}


AUTHENTICATION = [
    Row(object="guard", name="type", at=GUARDS, value="basic", other="digest", view=admitted(authorization="Basic YWRhOnB3"), gives="admitted",
        **guard(username="ada", password="pw")),
    Row(object="basic guard", name="username", at=GUARDS, value="ada", other="bob", view=admitted(authorization="Basic YWRhOnB3"), gives="admitted", **guard(type="basic", password="pw")),
    Row(object="basic guard", name="password", at=GUARDS, value="pw", other="no", view=admitted(authorization="Basic YWRhOnB3"), gives="admitted", **guard(type="basic", username="ada")),
    *(
        Row(object="digest guard", name=name, at=GUARDS, value=value, other="x", view=answers_the_challenge, gives=True, **guard(type="digest", **rest))
        for name, value, rest in [("username", "ada", {"password": "pw"}), ("password", "pw", {"username": "ada"})]
    ),
    Row(object="bearer guard", name="token", at=GUARDS, value="t", other="x", view=admitted(authorization="Bearer t"), gives="admitted", **guard(type="bearer")),
    Row(object="apikey guard", name="key", at=GUARDS, value="X-Key", other="X-Other", view=admitted(x_key="k"), gives="admitted", **guard(type="apikey", value="k", placement="header")),
    Row(object="apikey guard", name="value", at=GUARDS, value="k", other="x", view=admitted(x_key="k"), gives="admitted", **guard(type="apikey", key="X-Key", placement="header")),
    Row(object="apikey guard", name="placement", at=GUARDS, value="query", other="header", view=lambda loaded: key_guard(loaded)["in"], gives="query", **guard(type="apikey", key="X-Key", value="k")),
    Row(object="oauth2 guard", name="authorizationServerUri", at=GUARDS, value="https://as.test", other="https://x.test", since="alpha2",
        view=lambda loaded: loaded.listener("rest").guard.resource_metadata["authorization_servers"], gives=["https://as.test"], **guard(**OAUTH)),
    Row(object="oauth2 guard", name="resource", at=GUARDS, value="https://me.test/x", other="https://me.test", since="alpha2",
        view=lambda loaded: loaded.listener("rest").guard.resource_metadata["resource"], gives="https://me.test/x", **guard(**OAUTH)),
    Row(object="oauth2 guard", name="scopes", at=GUARDS, value=["read"], since="alpha2", view=lambda loaded: loaded.listener("rest").guard.scopes, gives=("read",), **guard(**OAUTH)),
    Row(object="oauth2 guard", name="audience", at=GUARDS, value="ships", since="alpha2", view=lambda loaded: "ships" in str(loaded.listener("rest").guard.tokens.expected), gives=True, **guard(**OAUTH)),
    Row(object="oauth2 guard", name="tokenEndpoint", at=GUARDS, value="https://as.test/token", since="alpha2", view=lambda loaded: "https://as.test/token" in str(key_guard(loaded)), gives=True, **guard(**OAUTH)),
    Row(object="oauth2 guard", name="tokenValidation", at=GUARDS, value="introspection", other="jwks", since="alpha2",
        view=lambda loaded: type(loaded.listener("rest").guard.tokens).__name__, gives="Introspection", around={GUARDS: {**OAUTH, "clientId": "me", "clientSecret": "{{TOKEN}}"}}),
]  # fmt: skip

FIELDS = [
    *ADAPTERS,
    *RESOURCES,
    *OPERATIONS,
    *REST_INPUTS,
    *TOOL_FIELDS,
    *MCP_RESOURCES,
    *PROMPTS,
    *AUTHENTICATION,
]
