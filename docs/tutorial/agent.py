# ruff: noqa: INP001, T201 - a script of its own, which prints
"""An agent's part, played by hand: calls one tool over MCP and prints what comes back.

python agent.py TOOL '{"argument": "value"}'

The server is the one at AGENT_URL, by default that of the tutorial; AGENT_TOKEN is sent as a bearer token.
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = os.environ.get("AGENT_URL", "http://127.0.0.1:9090/mcp")
TOKEN = os.environ.get("AGENT_TOKEN")


async def call(tool: str, arguments: str = "{}") -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(URL, http_client=http)) as agent,
    ):
        answer = await agent.call_tool(tool, json.loads(arguments))
    if answer.structured_content is not None:
        return json.dumps(answer.structured_content)
    return "\n".join(part.text for part in answer.content if part.type == "text")


try:
    print(asyncio.run(call(*sys.argv[1:])))
except* httpx2.ConnectError:
    sys.exit(f"Nobody answers at {URL}. Is the server of this step running in the other terminal?")
