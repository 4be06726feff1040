"""A sandbox to test against: in memory with every answer checked against its shape, or on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.routing import compile_path

from capspec.sandbox import SandboxConfig, create_app, demo_secrets
from capspec.sandbox.app import build_providers
from capspec.sandbox.fidelity import Field, Shape
from capspec.sandbox.server import FaultProtocol
from capspec.sandbox.world import World

ORIGIN = "http://127.0.0.1:4010"
SECRETS = demo_secrets()
BFL = {"x-key": SECRETS["BFL_API_KEY"]}
FLEXURA = {"authorization": f"Bearer {SECRETS['MEDIA_GATEWAY_API_KEY']}"}
FLORA = {"authorization": f"Bearer {SECRETS['FLORA_API_KEY']}"}
NEUROFLASH = {"authorization": f"Bearer {SECRETS['NEUROFLASH_ACCESS_TOKEN']}"}
WORKSPACE = f"/neuroflash/api/image-service/v1/workspaces/{SECRETS['NEUROFLASH_WORKSPACE_ID']}"
GENERATION = {"type": "image", "prompt": "a mug", "workspace_id": "ws_abc123", "project_id": "prj_abc123"}
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
    "any": (object,),
}
_ENDPOINTS = [
    (compile_path(endpoint.path)[0], endpoint)
    for provider in build_providers(World(SandboxConfig()))
    for endpoint in provider.endpoints()
]


def misfits(shape: Shape, value: Any, where: str = "$") -> list[str]:
    """What of `value` is not as `shape` says."""
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    found = [
        f"{where}.{name} is missing" for name, f in shape.fields.items() if f.required and name not in value
    ]
    found += [f"{where}.{name} is not declared" for name in value if name not in shape.fields]
    for name, part in shape.fields.items():
        if name in value:
            found += _field_misfits(part, value[name], f"{where}.{name}")
    return found


def _field_misfits(part: Field, value: Any, where: str) -> list[str]:
    kinds = tuple(kind for word in part.type.split("|") for kind in _KINDS[word])
    if not isinstance(value, kinds) or (
        isinstance(value, bool) and bool not in kinds and object not in kinds
    ):
        return [f"{where} is {type(value).__name__}, not {part.type}"]
    if part.of is None or not isinstance(value, dict | list):
        return []
    items = value if isinstance(value, list) else [value]
    return [misfit for i, item in enumerate(items) for misfit in misfits(part.of, item, f"{where}[{i}]")]


def check(request: httpx.Request, status: int, response: httpx.Response) -> None:
    """Fails unless the answer is one that its endpoint declares."""
    for pattern, endpoint in _ENDPOINTS:
        if pattern.match(request.url.path) and endpoint.method == request.method:
            assert status in endpoint.answers, f"{endpoint.path} does not declare {status}"
            shape = endpoint.answers[status]
            if isinstance(shape, Shape):
                assert misfits(shape, response.json()) == []
            return


class CheckedTransport(httpx.ASGITransport):
    """Calls the app in memory; answers must be as declared, unless the test asked for a fault."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        content = await response.aread()
        answer = httpx.Response(response.status_code, headers=response.headers, content=content)
        if "x-sandbox-fault" not in request.headers and b"[[fault:" not in request.content:
            check(request, response.status_code, answer)
        return answer


@dataclass
class Box:
    """A sandbox under test: `http` talks to it."""

    http: httpx.AsyncClient
    origin: str = ORIGIN

    async def advance(self, seconds: float) -> None:
        (await self.http.post("/__sandbox__/clock", json={"advance": seconds})).raise_for_status()

    async def freeze(self) -> None:
        (await self.http.post("/__sandbox__/clock", json={"frozen": True})).raise_for_status()

    async def add_fault(self, fault: str | Mapping[str, Any], **rule: Any) -> dict[str, Any]:
        response = await self.http.post("/__sandbox__/faults", json={"fault": fault, **rule})
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def requests(self, **filters: str) -> list[dict[str, Any]]:
        return list((await self.http.get("/__sandbox__/requests", params=filters)).json()["requests"])

    async def jobs(self) -> list[dict[str, Any]]:
        return list((await self.http.get("/__sandbox__/jobs")).json()["jobs"])

    async def submit_bfl(self, **body: Any) -> dict[str, Any]:
        response = await self.http.post(
            "/bfl/v1/flux-kontext-pro", headers=BFL, json={"prompt": "a hat", **body}
        )
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def bfl_result(self, job: str) -> httpx.Response:
        return await self.http.get("/bfl-eu4/v1/get_result", params={"id": job}, headers=BFL)

    async def submit_flora(self, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        sent = {**FLORA, **(headers or {})}
        return await self.http.post("/flora/api/v1/generate", headers=sent, json={**GENERATION, **body})

    async def run_flora(self, run: str) -> dict[str, Any]:
        response = await self.http.get(f"/flora/api/v1/runs/{run}", headers=FLORA)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def neuroflash(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(WORKSPACE + path, headers=NEUROFLASH, json=body)


@asynccontextmanager
async def in_memory(*, frozen: bool = True, checked: bool = True, **settings: Any) -> AsyncIterator[Box]:
    """A sandbox without sockets, its clock standing still unless told otherwise."""
    app = create_app(SandboxConfig(**settings))
    transport = CheckedTransport(app) if checked else httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        box = Box(http)
        if frozen:
            await box.freeze()
        yield box


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def on_a_socket(*, protocol: Any = FaultProtocol, **settings: Any) -> AsyncIterator[Box]:
    """A sandbox behind uvicorn on a free port, its clock running."""
    app = create_app(SandboxConfig(**settings))
    server = _Server(uvicorn.Config(app, http=protocol, log_level="critical", lifespan="on"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.ready.wait()
        try:
            async with httpx.AsyncClient(base_url=origin, timeout=10) as http:
                yield Box(http, origin)
        finally:
            server.should_exit = True
            await serving
