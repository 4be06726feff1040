"""Each extension point costs one new file and one line of the registry."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from capspec import app, registry
from tests.upstreams import reply
from tests.whole import running, text_of, value_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Adds one file and one registry line, for the time of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    added: list[str] = []

    def add(kind: str, word: str, attribute: str, source: str) -> None:
        module = f"acme_{kind}"
        (tmp_path / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        monkeypatch.setitem(registry.EXTENSIONS[kind], word, f"{module}:{attribute}")
        added.append(module)

    yield add
    for module in added:
        sys.modules.pop(module, None)


def capability(upstream: str = "", operation: str = "", tool: str = "call: up.op", binds: str = "") -> str:
    return f"""
capspec: "1"
{binds}
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    {upstream}
    resources: [{{path: /x, operations: [{{name: op, method: POST {operation}}}]}}]
  exposes:
  - {{type: mcp, namespace: ns, port: 1, tools: [{{name: t, description: d, {tool}}}]}}
"""


async def test_an_auth_scheme_is_one_file_and_one_line(extension):
    extension("auth", "acme", "compile_auth", """
        class Acme:
            names = frozenset({"x-acme"})
            def __init__(self, token): self.token = token
            async def authenticate(self, request, send):
                return await send(request.with_header("X-Acme", self.token[::-1]))
        def compile_auth(settings):
            return Acme(settings.text("token"))
        """)  # fmt: skip
    text = capability(upstream="authentication: {type: acme, token: '{{ACME}}'}")
    async with running(text, environ={"ACME": "abc"}) as whole:
        await whole.tool("t")
        assert whole.sent.header("x-acme") == "cba"


async def test_a_body_format_is_one_file_and_one_line(extension):
    extension("codec", "shout", "CODEC", """
        class Shout:
            media_type = "text/shout"
            def encode(self, value): return str(value).upper().encode(), "text/shout"
            def decode(self, content, charset): return {"heard": content.decode().lower()}
        CODEC = Shout()
        """)  # fmt: skip
    text = capability(operation=", outputRawFormat: shout, body: {type: shout, data: 'hello {{name}}'}")
    async with running(text, {"*": reply(200, b"ECHO", ("content-type", "text/shout"))}) as whole:
        result = await whole.tool("t", {"name": "bob"})
        assert whole.sent.body == b"HELLO BOB"
        assert value_of(result) == {"heard": "echo"}


async def test_a_bind_source_is_one_file_and_one_line(extension):
    extension("bind", "vault", "open_source", """
        def open_source(location, folder, environ):
            return {"key": "from " + location}
        """)  # fmt: skip
    text = capability(
        binds="binds: [{namespace: v, location: 'vault://team', keys: {TOKEN: key}}]",
        upstream="authentication: {type: bearer, token: '{{v.TOKEN}}'}",
    )
    async with running(text) as whole:
        await whole.tool("t")
        assert whole.sent.header("authorization") == "Bearer from vault://team"


async def test_a_step_kind_is_one_file_and_one_line(extension):
    extension("step", "count", "compile_step", """
        class Count:
            def __init__(self, name, source): self.name, self.source = name, source
            async def run(self, scope, runtime): return len(self.source.read(scope))
        def compile_step(name, node, linker):
            return Count(name, linker.source(node.raw("of"), node.place))
        """)  # fmt: skip
    steps = "steps: [{type: call, name: a, call: up.op}, {type: count, name: n, of: $.a.rows}]"
    text = capability(tool=f"{steps}, mappings: [{{target: rows, value: $.n}}]")
    async with running(text, {"*": {"rows": [1, 2, 3]}}) as whole:
        result = await whole.tool("t")
        assert value_of(result) == {"rows": 3}, text_of(result)


async def test_a_guard_is_one_file_and_one_line(extension):
    extension("guard", "acme", "compile_guard", """
        from capspec.errors import AuthError
        from capspec.plan import Principal
        class Acme:
            async def admit(self, request):
                if request.headers.get("x-acme") != "yes":
                    raise AuthError("say x-acme: yes", challenge="Acme")
                return Principal(name="acme", scheme="acme")
        def compile_guard(settings):
            return Acme()
        """)  # fmt: skip
    text = """
capspec: "1"
capability:
  exposes:
  - type: rest
    namespace: ns
    port: 1
    authentication: {type: acme}
    resources: [{path: /m, operations: [{method: GET, name: m, outputParameters: [{name: a, type: string, value: b}]}]}]
"""
    async with running(text) as whole:
        refused = await whole.get("/m")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Acme")
        assert (await whole.get("/m", headers={"X-Acme": "yes"})).json() == {"a": "b"}


async def test_an_adapter_is_one_file_and_one_line(extension):
    extension("adapter", "telnet", "build", """
        from capspec.edge import Edge
        def build(listener, engine, options):
            async def app(scope, receive, send):
                body = ", ".join(flow.name for flow in listener.available).encode()
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": body})
            return Edge(app=app)
        """)  # fmt: skip
    text = capability().replace("type: mcp", "type: telnet")
    async with running(text) as whole:
        listener = whole.plan.listeners[0]
        assert listener.type == "telnet"
        assert [flow.name for flow in listener.available] == ["t"]


async def test_a_transport_is_one_file_and_one_line(extension):
    extension("transport", "canned", "open_transport", """
        from capspec.wire import Response
        class Canned:
            async def send(self, request):
                async def chunks(): yield b'{"from": "' + request.method.encode() + b'"}'
                async def closer(): pass
                headers = (("content-type", "application/json"),)
                return Response(status=200, headers=headers, chunks=chunks(), closer=closer)
            async def close(self): pass
        def open_transport():
            return Canned()
        """)  # fmt: skip
    async with running(capability(), engine=app.EngineOptions(transport="canned")) as whole:
        assert value_of(await whole.tool("t")) == {"from": "POST"}
        assert whole.upstream.requests == []


def test_an_unknown_word_names_the_nearest_one():
    with pytest.raises(registry.UnknownExtension, match="did you mean 'bearer'"):
        registry.find("auth", "baerer")


def test_every_registered_extension_exists_and_every_extension_is_registered():
    package = Path(registry.__file__).parent
    registered = {target for words in registry.EXTENSIONS.values() for target in words.values()}
    for kind, words in registry.EXTENSIONS.items():
        for word in words:
            assert registry.find(kind, word) is not None
    modules = {target.partition(":")[0] for target in registered}
    for folder in ("auth", "guards", "binds", "codecs", "steps", "transports"):
        for file in (package / folder).glob("*.py"):
            if not file.stem.startswith("_"):
                assert f"capspec.{folder}.{file.stem}" in modules, f"{file} has no line in the registry"
