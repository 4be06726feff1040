"""Fields of what is consumed: APIs, their resources and operations, bodies, credentials."""

from __future__ import annotations

from typing import Any

from tests.dialects.loaded import Loaded, Upstream
from tests.dialects.rows import (
    BASE,
    GET,
    OPERATION,
    PUT,
    READ,
    REST,
    THINGS,
    TOOL,
    UP,
    WARNED,
    Row,
    View,
    image,
    ran,
    sent,
    shown,
    tool,
)

API = BASE["capability"]["consumes"]["up"]
BINARY = {f"{GET}/outputRawFormat": "binary"}
STEP = {
    f"{TOOL}/call": None,
    f"{TOOL}/with": None,
    f"{TOOL}/steps": {"first": {"type": "call", "call": "up.get", "with": {"id": "agent.id"}}},
    f"{TOOL}/mappings": [{"target": "it", "value": "$.first"}],
}
"""The tool in a step, which sees the names that the operation gives to parts of its answer."""

CALLS_PUT: dict[str, Any] = {
    f"{TOOL}/call": "up.put",
    f"{TOOL}/with": {"id": "agent.id", "name": "agent.title"},
    f"{TOOL}/inputParameters/title": {"type": "string", "description": "What it is called."},
}


def body(kind: str, data: Any) -> dict[str, Any]:
    return {**CALLS_PUT, f"{PUT}/body": {"type": kind, "data": data}}


def put(part: str) -> Any:
    return sent(part, title="Sloop")


def mapped(content: bytes, media_type: str, mapping: str, kind: str = "string") -> dict[str, Any]:
    """What a tool gives that takes one value of an answer in a format."""
    view = ran("mcp", lambda: Upstream(content=content, media_type=media_type), lambda found: found.value)
    return {"around": {f"{TOOL}/outputParameters": [{"type": kind, "mapping": mapping}]}, "view": view}


HTML = b"<table id=a><tr><th>k</th></tr><tr><td>1</td></tr></table><table id=b><tr><th>k</th></tr><tr><td>2</td></tr></table>"

APIS = [
    Row(object="consumes", name="namespace", at="capability", key="consumes", value={"down": API, "up": API}, other={"up": API},
        view=lambda loaded: list(loaded.plan.operations), gives=["down.get", "down.put", "up.get", "up.put"]),
    Row(object="consumes", name="baseUri", at=UP, value="http://other.test/v1", other="http://up.test", view=sent("url"), gives="http://other.test/v1/things/7"),
    Row(object="consumes", name="type", at=UP, value="http", other="ftp", view=lambda loaded: [item.code for item in loaded.warnings], gives=[]),
    Row(object="consumes", name="description", at=UP, value="Ships.", view=shown("upstreams", "0", "description"), claim=READ, gives="Ships."),
    Row(object="consumes", name="inputParameters", at=UP, value={"X-Version": {"in": "header", "value": "2"}}, view=sent("X-Version"), gives="2"),
    Row(object="consumes", name="authentication", at=UP, value={"type": "bearer", "token": "t"}, view=sent("authorization"), gives="Bearer t"),
    Row(object="consumes", name="tunnel", at=UP, value={"type": "ziti", "service": "ships", "identity": "{{TOKEN}}", "fallback": "direct"},
        since="ikanos", claim=WARNED, code="CAP396"),
    Row(object="consumes", name="resources", at=UP, value={"all": {"path": "/all", "operations": {"get": {"method": "GET"}}}},
        other={"all": {"path": "/any", "operations": {"get": {"method": "GET"}}}}, view=sent("url"), gives="http://up.test/all",
        around={f"{TOOL}/with": None, f"{TOOL}/inputParameters": None, OPERATION: {"method": "GET", "call": "up.get"},
                f"{REST}/resources/things/path": "/all"}),
]  # fmt: skip

RESOURCES = [
    Row(object="consumed resource", name="path", at=THINGS, value="/ships/{{id}}", other="/things/{{id}}", view=sent("url"), gives="http://up.test/ships/7"),
    Row(object="consumed resource", name="name", at=UP, key="resources", value={"ships": API["resources"]["things"]}, other=API["resources"],
        view=shown("operations", "0", "resource", "name"), claim=READ, gives="ships"),
    Row(object="consumed resource", name="display", at=THINGS, value="Ships", view=shown("operations", "0", "resource", "title"), claim=READ, gives="Ships"),
    Row(object="consumed resource", name="description", at=THINGS, value="All.", view=shown("operations", "0", "resource", "description"), claim=READ, gives="All."),
    Row(object="consumed resource", name="tags", at=THINGS, value=["sea"], since="ikanos", view=shown("operations", "0", "resource", "tags"), claim=READ, gives=["sea"]),
    Row(object="consumed resource", name="inputParameters", at=THINGS, value={"lang": {"in": "query", "value": "en"}}, view=sent("url"), gives="http://up.test/things/7?lang=en"),
]  # fmt: skip

OPERATIONS = [
    Row(object="consumed operation", name="name", at=THINGS, key="operations", value={"fetch": {"method": "GET"}}, other={"get": {"method": "GET"}},
        view=lambda loaded: list(loaded.plan.operations), gives=["up.fetch"], around={f"{TOOL}/call": "up.fetch", f"{OPERATION}/call": "up.fetch"}),
    Row(object="consumed operation", name="method", at=GET, value="PUT", other="GET", view=sent("method"), gives="PUT"),
    Row(object="consumed operation", name="display", at=GET, value="Fetch", view=shown("operations", "0", "title"), claim=READ, gives="Fetch"),
    Row(object="consumed operation", name="description", at=GET, value="Fetches one.", view=tool("description"), gives="Fetches one.",
        around={f"{TOOL}/description": None}),
    Row(object="consumed operation", name="tags", at=GET, value=["sea"], since="ikanos", view=shown("operations", "0", "tags"), claim=READ, gives=["sea"]),
    Row(object="consumed operation", name="inputParameters", at=GET, value={"id": {"in": "path"}, "lang": {"in": "query", "value": "en"}},
        other={"id": {"in": "path"}}, view=sent("url"), gives="http://up.test/things/7?lang=en"),
    Row(object="consumed operation", name="outputMediaType", at=GET, value="image/png", since="beta1", around=BINARY,
        view=ran("rest", image, lambda found: found.media_type), gives="image/png"),
    Row(object="consumed operation", name="maxBinarySize", at=GET, value="4B", since="beta1", around=BINARY,
        view=ran("rest", image, lambda found: found.code), gives="CAP610"),
    Row(object="consumed operation", name="outputParameters", at=GET, value={"nick": {"type": "string", "value": "$.name"}}, around=STEP,
        view=lambda loaded: loaded.ran().value["it"].get("nick"), gives="Sloop"),
    Row(object="consumed operation", name="body", at=PUT, value={"type": "json", "data": {"x": 1}}, around={f"{TOOL}/call": "up.put"}, view=sent("body"), gives=b'{"x":1}'),
    # -- formats ------------------------------------------------------------------------------------------
    *(
        Row(object="consumed operation", name="outputRawFormat", at=GET, value=word, gives=expected, since=since,
            **mapped(content, media_type, mapping))
        for word, content, media_type, mapping, expected, since in [
            ("xml", b"<r><a>1</a></r>", "application/xml", "$.a", "1", "0.4"),
            ("XML", b"<r><a>1</a></r>", "application/xml", "$.a", "1", "0.4"),
            ("csv", b"a,b\n1,2\n", "text/csv", "$[0].b", "2", "0.4"),
            ("yaml", b"a: x\n", "application/yaml", "$.a", "x", "0.4"),
            ("tsv", b"a\tb\n1\t2\n", "text/plain", "$[0].b", "2", "alpha2"),
            ("psv", b"a|b\n1|2\n", "text/plain", "$[0].b", "2", "alpha2"),
            ("html", HTML, "text/html", "$.tables[0][0].k", "1", "alpha2"),
            ("markdown", b"# T\n\ntext\n", "text/markdown", "$.sections[0].heading", "T", "alpha2"),
            ("binary", b"\x00\x01", "image/png", "$", "AAE=", "beta1"),
        ]
    ),
    Row(object="consumed operation", name="outputSchema", at=GET, value="#b", since="alpha2", gives="2",
        around={f"{GET}/outputRawFormat": "html", **mapped(HTML, "text/html", "$.tables[0][0].k")["around"]},
        view=mapped(HTML, "text/html", "")["view"]),
]  # fmt: skip

INPUTS = [
    *(
        Row(object="consumed input", name="in", at=f"{GET}/inputParameters/lang", value=place, other=other, view=view, gives=gives,
            around={f"{GET}/inputParameters/lang": {"value": "en"}})
        for place, other, view, gives in [
            ("query", "header", sent("url"), "http://up.test/things/7?lang=en"),
            ("header", "query", sent("lang"), "en"),
            ("cookie", "query", sent("cookie"), "lang=en"),
        ]
    ),
    Row(object="consumed input", name="in", at=f"{PUT}/inputParameters/name", value="body", other="query", around={**CALLS_PUT, f"{PUT}/inputParameters/name": {}},
        view=put("body"), gives=b'{"name":"Sloop"}'),
    Row(object="consumed input", name="in", at=f"{UP}/inputParameters/TOKEN", value="environment", other="query",
        around={f"{UP}/inputParameters": {"TOKEN": {}}, f"{UP}/authentication": {"type": "bearer", "token": "{{TOKEN}}"}},
        view=lambda loaded: [bind.namespace for bind in loaded.capability.binds], gives=["env"]),
    Row(object="consumed input", name="value", at=f"{GET}/inputParameters/lang", value="en", around={f"{GET}/inputParameters/lang": {"in": "query"}},
        view=sent("url"), gives="http://up.test/things/7?lang=en"),
    Row(object="consumed output", name="type", at=f"{GET}/outputParameters/nick", value="string", other="number",
        around={**STEP, f"{GET}/outputParameters": {"nick": {"value": "$.id"}}}, view=lambda loaded: loaded.ran().value["it"].get("nick"), gives="7"),
    Row(object="consumed output", name="value", at=f"{GET}/outputParameters/nick", value="$.name", other="$.deep.flag",
        around={**STEP, f"{GET}/outputParameters": {"nick": {"type": "string"}}}, view=lambda loaded: loaded.ran().value["it"].get("nick"), gives="Sloop"),
]  # fmt: skip

PART = {"name": "n", "value": "v", "contentType": "text/plain", "filename": "a.txt"}


def in_body(mark: bytes) -> View:
    return lambda loaded: mark in put("body")(loaded)


BODIES = [
    *(
        Row(object="body", name="type", at=f"{PUT}/body", value=word, other=other, around=body(word, data), view=put(part), gives=gives)
        for word, other, data, part, gives in [
            ("json", "text", '{"name": {{name}}}', "content-type", "application/json"),
            ("text", "xml", "Hi {{name}}", "content-type", "text/plain; charset=utf-8"),
            ("xml", "text", "<n>{{name}}</n>", "content-type", "application/xml; charset=utf-8"),
            ("sparql", "text", "SELECT * {}", "content-type", "application/sparql-query; charset=utf-8"),
            ("formUrlEncoded", "json", {"name": "{{name}}"}, "body", b"name=Sloop"),
        ]
    ),
    *(
        Row(object="body", name="data", at=f"{PUT}/body", value=data, other=other, around={**CALLS_PUT, f"{PUT}/body": {"type": word}}, view=put("body"), gives=gives)
        for word, data, other, gives in [
            ("json", {"n": "{{name}}"}, {}, b'{"n":"Sloop"}'),
            ("json", ["{{name}}"], {}, b'["Sloop"]'),
            ("json", '{"n": "{{name}}"}', "{}", b'{"n":"Sloop"}'),
            ("text", "{{name}}!", "x", b"Sloop!"),
            ("xml", "<n>{{name}}</n>", "<x/>", b"<n>Sloop</n>"),
            ("sparql", "ASK {}", "ASK { }", b"ASK {}"),
            ("formUrlEncoded", "n={{name}}", "n=x", b"n=Sloop"),
        ]
    ),
    Row(object="body", name="(plain)", at=PUT, key="body", value='{"n": "{{name}}"}', around=CALLS_PUT, view=put("body"), gives=b'{"n":"Sloop"}'),
    *(
        Row(object="multipart part", name=name, at=f"{PUT}/body", key="data", value=[{**PART, name: value}], other=[PART],
            around=body("multipartForm", []), view=in_body(mark), gives=True)
        for name, value, mark in [
            ("name", "file", b'name="file"'),
            ("value", "{{name}}", b"\r\nSloop\r\n"),
            ("filename", "b.csv", b'filename="b.csv"'),
            ("contentType", "text/csv", b"text/csv"),
        ]
    ),
]  # fmt: skip


def auth(kind: str, **fields: str) -> dict[str, Any]:
    return {"around": {f"{UP}/authentication": {"type": kind, **fields}}}


def challenged(loaded: Loaded) -> Any:
    """The credentials that answer a challenge."""
    upstream = Upstream(challenge='Digest realm="r", nonce="n"')
    ran = loaded.ran(upstream=upstream)
    return next((value for name, value in ran.sent.headers if name.lower() == "authorization"), "")


def token_request(loaded: Loaded) -> Any:
    """What an authorization server is asked first."""
    first = loaded.ran().requests[0]
    return first.url if first.body is None else first.body


AUTH = f"{UP}/authentication"
CLIENT = {"clientId": "me", "clientSecret": "{{TOKEN}}", "tokenEndpoint": "https://as.test/token"}
GRANT = b"grant_type=client_credentials"
CREDENTIALS = [
    Row(object="authentication", name="type", at=AUTH, value="basic", other="digest", view=sent("authorization"), gives="Basic YWRhOnB3",
        **auth("", username="ada", password="pw")),
    Row(object="basic", name="username", at=AUTH, value="ada", other="bob", view=sent("authorization"), gives="Basic YWRhOnB3", **auth("basic", password="pw")),
    Row(object="basic", name="password", at=AUTH, value="pw", other="x", view=sent("authorization"), gives="Basic YWRhOnB3", **auth("basic", username="ada")),
    Row(object="bearer", name="token", at=AUTH, value="t", other="x", view=sent("authorization"), gives="Bearer t", **auth("bearer")),
    Row(object="apikey", name="key", at=AUTH, value="X-Key", other="X-Other", view=sent("X-Key"), gives="k", **auth("apikey", value="k", placement="header")),
    Row(object="apikey", name="value", at=AUTH, value="k", other="x", view=sent("X-Key"), gives="k", **auth("apikey", key="X-Key", placement="header")),
    Row(object="apikey", name="placement", at=AUTH, value="query", other="header", view=sent("url"), gives="http://up.test/things/7?X-Key=k", **auth("apikey", key="X-Key", value="k")),
    Row(object="digest", name="username", at=AUTH, value="ada", other="bob", view=challenged, **auth("digest", password="pw")),
    Row(object="digest", name="password", at=AUTH, value="pw", other="x", view=challenged, **auth("digest", username="ada")),
    *(
        Row(object="oauth2", name=name, at=AUTH, value=value, since="alpha2", view=token_request, gives=gives, **auth("oauth2", **CLIENT))
        for name, value, gives in [
            ("scopes", ["a", "b"], GRANT + b"&scope=a+b"),
            ("audience", "ships", GRANT + b"&audience=ships"),
            ("resource", "https://me.test", GRANT + b"&resource=https%3A%2F%2Fme.test"),
        ]
    ),
    Row(object="oauth2", name="tokenEndpoint", at=AUTH, value="https://as.test/t", other="https://as.test/u", since="alpha2",
        view=lambda loaded: loaded.ran().requests[0].url, gives="https://as.test/t", **auth("oauth2", **CLIENT)),
    Row(object="oauth2", name="authorizationServerUri", at=AUTH, value="https://as.test", other="https://other.test", since="alpha2", view=token_request,
        gives="https://as.test/.well-known/oauth-authorization-server", **auth("oauth2", clientId="me", clientSecret="{{TOKEN}}")),
    Row(object="oauth2", name="tokenValidation", at=AUTH, value="jwks", since="alpha2", claim=WARNED, code="CAP110", **auth("oauth2", **CLIENT)),
]  # fmt: skip

FIELDS = [*APIS, *RESOURCES, *OPERATIONS, *INPUTS, *BODIES, *CREDENTIALS]
