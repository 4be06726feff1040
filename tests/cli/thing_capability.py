"""A small capability for tests of the command line, and the upstream that it calls."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.upstreams import Seen, reply

THING = """\
capspec: "1"
info: {label: Things, description: Things to try}
capability:
  consumes:
    - namespace: up
      type: http
      baseUri: UPSTREAM
      resources:
        - path: /things/{id}
          operations:
            - name: get-thing
              method: GET
              inputParameters: [{name: n, in: query, type: integer}]
        - path: /things
          operations:
            - {name: make-thing, method: POST, inputParameters: [{name: body, in: body, type: object}]}
        - path: /picture
          operations:
            - {name: get-picture, method: GET, outputRawFormat: binary}
  exposes:
    - type: rest
      port: REST_PORT
      namespace: things-rest
      resources:
        - {path: '/t/{id}', operations: [{method: GET, name: read-thing, call: up.get-thing}]}
    - type: mcp
      port: MCP_PORT
      namespace: things-mcp
      tools:
        - {name: get-thing, description: Get a thing, call: up.get-thing}
        - {name: make-thing, description: Make a thing, call: up.make-thing}
        - {name: get-picture, description: Get a picture, call: up.get-picture}
"""

GUARDED = THING.replace(
    "consumes:\n    - namespace: up\n",
    "consumes:\n    - namespace: up\n      authentication: {type: bearer, token: '{{THING_TOKEN}}'}\n",
)
"""The same, with a variable that needs a value."""


READABLE = (
    THING
    + """\
      resources:
        - {name: thing, uri: 'thing://{id}', mimeType: application/json, call: up.get-thing}
      prompts:
        - {name: ask, description: Ask, arguments: [{name: what}], template: 'What is {{what}}?'}
"""
)
"""The same, with a resource and a prompt."""


def write(
    folder: Path,
    *,
    upstream: str = "http://127.0.0.1:9",
    name: str = "things.yaml",
    text: str = THING,
    rest_port: int = 0,
    mcp_port: int = 0,
) -> str:
    """The capability in a file; port 0 is any free one. Returns its path."""
    ports = text.replace("REST_PORT", str(rest_port)).replace("MCP_PORT", str(mcp_port))
    path = folder / name
    path.write_text(ports.replace("UPSTREAM", upstream), "utf-8")
    return str(path)


class Gate:
    """An upstream that answers when it is opened. `arrived` is set by the first request."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.opened = asyncio.Event()

    async def answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        self.arrived.set()
        await self.opened.wait()
        return reply(200, b'{"waited": true}')


async def echo(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
    """What was asked, as JSON; a picture for /picture, 404 for things called missing."""
    if seen.path == "/picture":
        return reply(200, b"\x89PNG\r\n\x1a\n\x00", ("content-type", "image/png"))
    told = {"target": seen.target, "body": seen.body.decode(), "auth": seen.header("authorization")}
    return reply(404 if "missing" in seen.path else 200, json.dumps(told).encode())
