"""An example of a page at work: real servers above, and below an API that answers as the page says."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from mcp import Client, MCPError

from capspec import app
from capspec.clock import VirtualClock
from capspec.edge import EdgeOptions
from capspec.errors import CapspecError, Problem
from capspec.plan import Plan
from capspec.serving.listening import Mount
from capspec.serving.serving import ServeOptions, Serving, serve
from capspec.wire import Request, Response, header
from tests.docs_pages import ROOT, Block, Example, Exchange, Message, exchange
from tests.whole import text_of, value_of

_ANY = re.compile('"…"|…')
"""What a page writes for something that is different every time: a value of JSON, or a part of a text."""


def fits(shown: str, found: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in _ANY.split(shown))
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def differs(shown: str, found: str, where: str) -> str:
    """Both texts when what was found is not what is shown, or ""."""
    shown, found = tidy(shown), tidy(found)
    return "" if fits(shown, found) else f"{where} shows\n\n{shown}\n\nand it is\n\n{found}"


def tidy(text: str) -> str:
    """JSON in one layout, other texts without the blanks around them."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except ValueError:
        return text.replace("\r\n", "\n").strip()


# -- below ----------------------------------------------------------------------------------------------


@dataclass
class Upstream:
    """The transport of an example: each request must be one that the page shows.

    The first exchange that fits and was not used yet answers, or else the last one that fits.
    """

    exchanges: Sequence[Exchange]
    used: set[int] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        request = await request.whole()
        known = [item for item in self.exchanges if _asks(item, request)]
        if not known:
            self.surprises.append(_told(request))
            return _response(500, {}, b"")
        fresh = [item for item in known if item.line not in self.used]
        chosen = fresh[0] if fresh else known[-1]
        self.used.add(chosen.line)
        return _answer(chosen.answer)

    async def close(self) -> None:
        pass


def _asks(item: Exchange, request: Request) -> bool:
    asked = item.request
    assert request.body is None or isinstance(request.body, bytes)
    return (
        fits(asked.start, f"{request.method} {request.url}")
        and all(
            fits(value, header(request.headers, name) or "(none)") for name, value in asked.headers.items()
        )
        and fits(tidy(asked.body), tidy((request.body or b"").decode(errors="replace")))
    )


def _told(request: Request) -> str:
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers)]
    body = request.body.decode(errors="replace") if isinstance(request.body, bytes) else ""
    return "\n".join([*lines, "", tidy(body)])


def _answer(shown: Message) -> Response:
    """JSON, unless a header says otherwise; a body in base64 is marked as such."""
    headers = ({"Content-Type": "application/json"} if shown.body else {}) | shown.headers
    coded = headers.pop("Content-Transfer-Encoding", "")
    body = base64.b64decode(shown.body) if coded == "base64" else shown.body.encode()
    return _response(int(shown.start.split()[1]), headers, body)


def _response(status: int, headers: dict[str, str], body: bytes) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield body

    async def close() -> None:
        pass

    return Response(status=status, headers=tuple(headers.items()), chunks=chunks(), closer=close)


# -- the capability -------------------------------------------------------------------------------------


def write(example: Example, folder: Path) -> None:
    """The example's file, with those beside it."""
    for name, text in {example.name: example.text, **example.files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def loaded(example: Example) -> tuple[Plan | None, str]:
    """The plan, None for a file that is refused, and its problems as the command line says them.

    The file is that of the current folder.
    """
    try:
        plan = app.load_plan(example.name, environ=example.environ, mock=example.mock)
    except CapspecError as error:
        return None, "\n".join(map(_line, error.problems))
    return plan, "\n".join(map(_line, plan.warnings))


def _line(problem: Problem) -> str:
    kind = "" if problem.severity == "error" else f"{problem.severity}: "
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{kind}{problem.message}{hint} [{problem.code}]"


@dataclass
class Running:
    """A served example: the addresses of its adapters by their types."""

    urls: dict[str, str]
    upstream: Upstream


@asynccontextmanager
async def running(plan: Plan, example: Example) -> AsyncIterator[Running]:
    """The example, served for as long as the block lasts."""
    upstream = Upstream([*example.upstream, *example.inherited])
    # Other ports than those of the file, which may be taken.
    plan = replace(plan, listeners=tuple(replace(listener, port=0) for listener in plan.listeners))
    stop: asyncio.Event = asyncio.Event()
    ready: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
    async with app.open_engine(plan, clock=VirtualClock(), transport=upstream) as engine:
        options = ServeOptions(edge=EdgeOptions(version="1"))
        served = asyncio.create_task(serve([engine], options, stop, ready.set_result))
        waiting: list[asyncio.Future[Any]] = [served, ready]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await served
        try:
            yield Running(dict(map(_address, ready.result().mounts)), upstream)
        finally:
            stop.set()
            await served


def _address(mounted: tuple[str, Mount]) -> tuple[str, str]:
    """The type of an adapter, and what paths at it follow; of one for agents, its endpoint."""
    url, mount = mounted
    return mount.kind, url if mount.kind == "mcp" else url.removesuffix(mount.edge.endpoint)


# -- what is shown --------------------------------------------------------------------------------------


async def show(block: Block, example: Example, live: Running) -> str:
    """Do what a block shows of what is served; what is different then, or ""."""
    where = f"{example.page}:{block.line}"
    return await (_request(block, live, where) if block.language == "http" else _agent(block, live, where))


async def _request(block: Block, live: Running, where: str) -> str:
    shown = exchange(block)
    method, path = shown.request.start.split(" ", 1)
    kind = block.words.get("to") or next(kind for kind in live.urls if kind != "mcp")
    async with httpx.AsyncClient(base_url=live.urls[kind]) as client:
        answer = await client.request(
            method, path, headers=shown.request.headers, content=shown.request.body or None
        )
    base = str(client.base_url).rstrip("/")
    found = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    found += [f"{name}: {answer.headers.get(name, '(none)')}" for name in shown.answer.headers]
    head = [shown.answer.start, *(f"{name}: {value}" for name, value in shown.answer.headers.items())]
    body = answer.text.replace(base, "http://localhost")
    wrong = differs("\n".join(head), "\n".join(found), where), differs(shown.answer.body, body, where)
    return "\n".join(filter(None, wrong))


async def _agent(block: Block, live: Running, where: str) -> str:
    """`METHOD WHAT {arguments}`, and after a blank line what the agent gets."""
    asked, _, shown = block.text.partition("\n\n")
    method, _, rest = " ".join(asked.split()).partition(" ")
    name, _, arguments = rest.partition(" ")
    async with Client(live.urls["mcp"]) as agent:
        try:
            found = await _asked(agent, method, name, arguments)
        except MCPError as error:
            found = f"error: {error}"
    return differs(shown, found if isinstance(found, str) else json.dumps(found), where)


async def _asked(agent: Client, method: str, name: str, rest: str) -> Any:
    if method == "tools/call":
        result = await agent.call_tool(name, json.loads(rest or "{}"))
        return f"error: {text_of(result)}" if result.is_error else value_of(result)
    if method == "tools/list":
        tools = (await agent.list_tools()).tools
        return (
            _plain(next(tool for tool in tools if tool.name == name))[rest]
            if name
            else [t.name for t in tools]
        )
    if method == "resources/list":
        return [_plain(item) for item in (await agent.list_resources()).resources]
    if method == "resources/templates/list":
        return [_plain(item) for item in (await agent.list_resource_templates()).resource_templates]
    if method == "resources/read":
        return [_plain(item) for item in (await agent.read_resource(name)).contents]
    if method == "prompts/list":
        return [_plain(item) for item in (await agent.list_prompts()).prompts]
    assert method == "prompts/get", method
    found = await agent.get_prompt(name, json.loads(rest or "{}"))
    return [_plain(item) for item in found.messages]


def _plain(model: Any) -> Any:
    found = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: value for key, value in found.items() if key != "_meta"}


async def run(block: Block, example: Example) -> str:
    """The commands of a block, run in the current folder; what is different of what they print, or ""."""
    wrong = []
    for command in block.text.split("$ capspec ")[1:]:
        words, _, shown = command.partition("\n")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "capspec", *words.split(),
            stdout=PIPE, stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "100", **example.environ},
        )  # fmt: skip
        out, _ = await process.communicate()
        wrong.append(differs(shown, out.decode(), f"{example.page}:{block.line}"))
    return "\n".join(filter(None, wrong))
