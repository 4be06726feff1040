"""A shipped capability, served over REST and MCP in this process, in front of the providers' imitations."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from mcp import Client
from mcp.types import ImageContent, TextContent

from capspec import app, registry
from capspec.cli.loading import Surroundings, load_plans
from capspec.cli.sandboxed import surroundings
from capspec.clock import SystemClock
from capspec.edge import EdgeOptions
from capspec.plan import Engine, Flow, Listener, PathVariable, Plan
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of

CAPABILITIES = Path(__file__).parent.parent / "capabilities"
SIGN_IN = "https://id.neuroflash.com"
SPEED = 100.0
LONGEST = 120.0
"""Seconds that a generation takes at the most; a link to a picture works for longer."""


class HastyClock(SystemClock):
    """Pauses pass as quickly as the providers' time does; deadlines are those of the machine."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / SPEED)


class RefusedError(AssertionError):
    """A tool answered with an error; what it said is the message."""


class Caller(Protocol):
    """Calls a tool of the capability, in one way or the other. Raises RefusedError."""

    async def __call__(self, tool: str, /, **arguments: Any) -> Any: ...


@dataclass
class Studio:
    """A capability that runs. `call` reaches its tools, `web` anything else, such as what they made."""

    plan: Plan
    origin: str
    call: Caller
    web: httpx.AsyncClient

    async def made(self, tool: str, /, **arguments: Any) -> Any:
        """The result of a tool that starts a job and waits for its end."""
        envelope = await self.call(tool, **arguments)
        assert envelope["state"] == "succeeded", envelope
        assert envelope["job"], "there is no handle to ask about the job with"
        return envelope["result"]

    async def later(self, seconds: float = LONGEST) -> None:
        """Let the providers' time pass."""
        url = f"{self.origin}/__sandbox__/clock"
        (await self.web.post(url, json={"advance": seconds})).raise_for_status()

    async def requests(self, **filters: str) -> list[dict[str, Any]]:
        """What the providers were asked, in order."""
        answer = await self.web.get(f"{self.origin}/__sandbox__/requests", params=filters)
        return list(answer.json()["requests"])

    async def last_job(self, provider: str) -> str:
        """The id of the latest job of a provider."""
        answer = await self.web.get(f"{self.origin}/__sandbox__/jobs")
        return [str(job["id"]) for job in answer.json()["jobs"] if job["provider"] == provider][-1]

    async def fetch(self, url: str) -> bytes:
        """What is at a link that a tool gave."""
        answer = await self.web.get(url)
        assert answer.status_code == 200, f"{url} answered {answer.status_code}"
        return answer.content


@dataclass(frozen=True)
class OverMcp:
    """A tool's structured content; the bytes of an image; None when there is nothing."""

    agent: Client

    async def __call__(self, tool: str, /, **arguments: Any) -> Any:
        result = await self.agent.call_tool(tool, arguments)
        texts = [item.text for item in result.content if isinstance(item, TextContent)]
        if result.is_error and result.structured_content is None:
            raise RefusedError("\n".join(texts))
        if result.content and isinstance(result.content[0], ImageContent):
            return base64.b64decode(result.content[0].data)
        return result.structured_content


@dataclass(frozen=True)
class OverRest:
    """The JSON of an answer; the bytes of an image; None when there is nothing. Jobs are waited for."""

    listener: Listener
    client: httpx.AsyncClient

    async def __call__(self, tool: str, /, **arguments: Any) -> Any:
        flow = next(flow for flow in self.listener.flows if flow.name == tool)
        answer = await self.client.send(self._request(flow, arguments))
        if answer.is_error:
            raise RefusedError(answer.text)
        if answer.headers.get("content-type", "").startswith("image/"):
            return answer.content
        return json.loads(answer.content) if answer.content else None

    def _request(self, flow: Flow, arguments: Mapping[str, Any]) -> httpx.Request:
        """The request that the route wants: each argument in the place of its input."""
        places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}, "header": {}}
        inputs = {item.argument: item for item in flow.inputs}
        for name, value in arguments.items():
            places[inputs[name].location][inputs[name].wire] = value
        path = "".join(
            str(places["path"][part.name]) if isinstance(part, PathVariable) else part for part in flow.path
        )
        return self.client.build_request(
            flow.method,
            path,
            params=places["query"],
            json=places["body"] if flow.method == "POST" else None,
            headers={"Prefer": "wait=60", **places["header"]},
        )


@asynccontextmanager
async def studio(path: Path, way: str, scratch: Path) -> AsyncIterator[Studio]:
    """The file as `--sandbox` loads it, reached by "rest" or "mcp"."""
    given = Surroundings(environ={}, base_uris={})
    async with AsyncExitStack() as stack:
        around = await stack.enter_async_context(surroundings(given, sandbox=True, speed=SPEED))
        plan = load_plans([str(signing_in_at(around.sandbox, path, scratch))], around)[0]
        engine = await stack.enter_async_context(app.open_engine(plan, clock=HastyClock()))
        listener = next(item for item in plan.listeners if item.type == way)
        url = await stack.enter_async_context(_listening(listener, engine))
        call: Caller
        if way == "mcp":
            call = OverMcp(await stack.enter_async_context(Client(url)))
        else:
            call = OverRest(listener, await stack.enter_async_context(_web(url)))
        yield Studio(plan, around.sandbox, call, await stack.enter_async_context(_web()))


def signing_in_at(origin: str, path: Path, scratch: Path) -> Path:
    """The file; or a copy that gets its tokens at the sandbox, because no option moves a token endpoint."""
    text = path.read_text(encoding="utf-8")
    if SIGN_IN not in text:
        return path
    copy = scratch / path.name
    copy.write_text(text.replace(SIGN_IN, f"{origin}/neuroflash-id"), encoding="utf-8")
    return copy


def _web(url: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=60)


@asynccontextmanager
async def _listening(listener: Listener, engine: Engine) -> AsyncIterator[str]:
    edge = registry.find("adapter", listener.type)(listener, engine, EdgeOptions(version="test"))
    async with edge.running():
        (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
        server = server_for(edge.app, grace=5)
        await server.open(bound)
        try:
            yield f"http://127.0.0.1:{port_of(bound)}{edge.endpoint}"
        finally:
            await server.finish()
            bound.close()
