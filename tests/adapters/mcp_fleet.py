"""A fleet of ships as MCP resources: what its upstream answers, what its folder holds, and how it is read."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import mcp.types as types
import pytest
from mcp import Client, MCPError

from tests.adapters.mcp_offers import over_stdio
from tests.upstreams import Seen, reply, serving
from tests.whole import running

KINDS = ("http-2026-07-28", "http-legacy", "stdio-2026-07-28", "stdio-legacy")
PNG = b"\x89PNG\r\n\x1a\n\0\0"


def capability(resources: str, *, name: str = "cap", more: str = "") -> str:
    indented = "\n".join(f"      {line}" for line in resources.strip("\n").splitlines())
    return f"""
capspec: "1"
info: {{title: {name}}}
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /ships
      operations:
      - {{name: list, method: GET}}
      - {{name: get, method: GET, path: "/{{{{id}}}}"}}
      - name: search
        method: GET
        path: /search
        inputParameters:
        - {{name: kind, in: query, required: true, enum: [cargo, ferry, tug]}}
        - {{name: limit, in: query, type: integer}}
      - {{name: photo, method: GET, path: "/{{{{id}}}}/photo", outputRawFormat: binary}}
      - {{name: chart, method: GET, path: /chart, outputRawFormat: xml}}
      - {{name: map, method: GET, path: /map, outputRawFormat: xml}}
  exposes:
  - type: mcp
    namespace: ns
    port: 1
    {more}
    resources:
{indented}
"""


def answer(seen: Seen) -> bytes:
    if seen.path == "/ships/1":
        return reply(200, b'{"imo": 1, "name": "Ann"}')
    if seen.path == "/ships/a%2Fb%20c":
        return reply(200, b'{"imo": "a/b c"}')
    if seen.path == "/ships/1/photo":
        return reply(200, PNG, ("content-type", "image/png"))
    if seen.path == "/ships/chart":
        return reply(
            200, "<v><i>Grüße</i></v>".encode("latin-1"), ("content-type", "text/xml; charset=latin-1")
        )
    if seen.path == "/ships/map":
        return reply(200, "<v><i>Grüße</i></v>".encode(), ("content-type", "text/xml"))
    if seen.path == "/ships/search":
        return reply(200, json.dumps(dict(seen.query)).encode())
    if seen.path == "/ships":
        return reply(200, b'[{"id": 1}, {"id": 2}]')
    if seen.path == "/ships/500":
        return reply(500, b'{"error": "on fire"}')
    return reply(404, b'{"error": "no such ship"}')


FLEET = capability("""
- name: fleet
  label: Fleet
  description: All ships
  uri: ship://all
  mimeType: application/json
  call: up.list
- name: ship
  label: Ship
  description: One ship
  uri: ship://by-id/{id}
  mimeType: application/json
  call: up.get
- name: photo
  uri: ship://by-id/{id}/photo
  mimeType: image/png
  binary: true
  call: up.photo
  with: {id: "{id}"}
- {name: kind, uri: "ship://kinds/{kind}", call: up.search}
- {name: guide, label: Guide, description: How to, uri: "docs://guide", location: "file:///./guide"}
- {name: licence, description: Terms, uri: "docs://licence", location: "file:///./LICENCE.md"}
""")


def mock(name: str, uri: str, value: str) -> str:
    return f"- {{name: {name}, uri: '{uri}', outputParameters: [{{type: string, value: {value}}}]}}"


def lay_out(home: Path) -> None:
    guide = home / "guide"
    (guide / "deep" / "er").mkdir(parents=True)
    (guide / "a b.md").write_text("# Grüße\n", encoding="utf-8")
    (guide / "data.json").write_text('{"a": 1}')
    (guide / "deep" / "er" / "x.csv").write_text("a,b\n1,2\n")
    (guide / "deep" / "logo.png").write_bytes(PNG)
    (guide / "deep" / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (guide / "empty.txt").write_bytes(b"")
    (guide / "odd").write_bytes(b"\0\1")
    (guide / ".hidden").write_text("hidden")
    (guide / ".git").mkdir()
    (guide / ".git" / "config").write_text("hidden")
    (home / "LICENCE.md").write_text("Do as you like.")
    (home / "secret.txt").write_text("secret")
    (guide / "out.txt").symlink_to(home / "secret.txt")
    (guide / "outside").symlink_to(home)
    (guide / "alias.json").symlink_to("data.json")
    (guide / "loop").symlink_to("loop")
    os.mkfifo(guide / "pipe")


GUIDE = [
    ("docs://guide/a%20b.md", "text/markdown", 10),
    ("docs://guide/alias.json", "application/json", 8),
    ("docs://guide/data.json", "application/json", 8),
    ("docs://guide/deep/er/x.csv", "text/csv", 8),
    ("docs://guide/deep/latin.txt", "text/plain", 5),
    ("docs://guide/deep/logo.png", "image/png", 10),
    ("docs://guide/empty.txt", "text/plain", 0),
    ("docs://guide/odd", "application/octet-stream", 2),
]


@asynccontextmanager
async def fleet(kind: str, home: Path) -> AsyncIterator[tuple[str, Client]]:
    """The fleet over `http-<era>` or `stdio-<era>`: the era, and a client."""
    transport, _, mode = kind.partition("-")
    lay_out(home)
    async with AsyncExitStack() as stack:
        if transport == "stdio":

            async def answered(seen: Seen, writer: object) -> bytes:
                return answer(seen)

            upstream = await stack.enter_async_context(serving(answered))
            (home / "fleet.yaml").write_text(FLEET)
            environ = {"CAPSPEC_BASE_URI_UP": upstream.url}
            yield mode, await stack.enter_async_context(over_stdio(home / "fleet.yaml", mode, environ))
        else:
            whole = await stack.enter_async_context(running(FLEET, answer, path=home / "fleet.yaml"))
            yield mode, await stack.enter_async_context(whole.agent(mode))


async def read(client: Client, uri: str) -> types.TextResourceContents | types.BlobResourceContents:
    (contents,) = (await client.read_resource(uri)).contents
    assert contents.uri == uri
    return contents


async def text_at(client: Client, uri: str) -> tuple[str | None, str]:
    contents = await read(client, uri)
    assert isinstance(contents, types.TextResourceContents)
    return contents.mime_type, contents.text


async def bytes_at(client: Client, uri: str) -> tuple[str | None, bytes]:
    contents = await read(client, uri)
    assert isinstance(contents, types.BlobResourceContents)
    return contents.mime_type, base64.b64decode(contents.blob)


async def refused(client: Client, uri: str) -> MCPError:
    with pytest.raises(MCPError) as refusal:
        await client.read_resource(uri)
    return refusal.value
