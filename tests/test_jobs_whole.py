"""Jobs of the shipped capabilities as their users meet them: real processes, faults, and an end by force."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.types import ImageContent

from tests.cli.cli_processes import PATIENCE, Serving, served, started

pytestmark = pytest.mark.anyio

KONTEXT = str(Path(__file__).parent.parent / "capabilities" / "flux-kontext.yaml")
KEYS = {"FLUX_TOKEN": "bfl_demo_0123456789abcdef", "CAPSPEC_HANDLE_KEY": "sixteen characters at the least"}


@asynccontextmanager
async def sandbox(speed: str) -> AsyncIterator[httpx.AsyncClient]:
    """The providers in a process of their own; a client of it."""
    async with started("sandbox", "--port", "0", "--speed", speed) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://\S+", line)
        assert found is not None, line
        async with httpx.AsyncClient(base_url=found[0], timeout=PATIENCE) as client:
            yield client


def serving(providers: httpx.AsyncClient) -> Any:
    base = f"flux={str(providers.base_url).rstrip('/')}/bfl/v1"
    return served(KONTEXT, "--port", "0", "--base-uri", base, env=KEYS)


async def submitted(client: httpx.AsyncClient, prompt: str, prefer: str = "respond-async") -> httpx.Response:
    return await client.post("edits/pro", json={"prompt": prompt}, headers={"Prefer": prefer})


async def submits(providers: httpx.AsyncClient) -> int:
    """How many jobs the provider was asked for."""
    seen = (await providers.get("/__sandbox__/requests")).json()
    requests = seen["requests"] if isinstance(seen, dict) else seen
    return sum(item["method"] == "POST" and item["path"].endswith("/flux-kontext-pro") for item in requests)


def client_of(process: Serving) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=process.url("rest") + "/", timeout=PATIENCE)


def job_of(process: Serving, answer: httpx.Response) -> httpx.URL:
    """The job resource that an answer names, on a server that may be another one by now."""
    return httpx.URL(process.url("rest")).join(httpx.URL(answer.headers["location"]).raw_path.decode())


async def test_handles_outlive_a_server_that_is_killed(anyio_backend: str):
    async with sandbox("20") as providers:
        async with serving(providers) as first, client_of(first) as client:
            answers = [await submitted(client, f"boat {number}") for number in range(10)]
            assert [answer.status_code for answer in answers] == [202] * 10
            first.process.kill()
            await first.ended()
        async with serving(providers) as second, client_of(second) as client:
            for answer in answers:
                ended = await client.get(job_of(second, answer), headers={"Prefer": "wait=30"})
                assert ended.json()["state"] == "succeeded", ended.text
        assert await submits(providers) == 10


@pytest.mark.parametrize(
    ("directive", "state"),
    [
        ("[[fault:reset phase=poll times=2]]", "succeeded"),
        ("[[fault:status 429 phase=poll times=2]]", "succeeded"),
        ("[[fault:html phase=poll times=1]]", "succeeded"),
        ("[[fault:moderate:content]]", "failed"),
        ("[[fault:fail]]", "failed"),
        ("[[fault:evil-poll-url]]", "succeeded"),
    ],
)
async def test_what_goes_wrong_at_the_provider_loses_no_job_and_buys_none_twice(directive: str, state: str):
    async with sandbox("1000") as providers, serving(providers) as process, client_of(process) as client:
        answer = await submitted(client, f"a boat {directive}", "wait=30")
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == state, answer.text
        if state == "failed":
            assert answer.json()["error"]["message"]
        assert await submits(providers) == 1


async def test_a_job_that_never_ends_is_left_with_its_handle():
    async with sandbox("1000") as providers, serving(providers) as process, client_of(process) as client:
        answer = await submitted(client, "a boat [[fault:stuck]]", "wait=1")
        assert answer.status_code == 202
        assert answer.json()["state"] in ("queued", "running")
        again = await client.get(job_of(process, answer))
        assert again.json()["state"] in ("queued", "running")
        assert await submits(providers) == 1


async def test_an_agent_that_asks_for_it_gets_the_picture_itself():
    async with sandbox("1000") as providers, serving(providers) as process:
        async with Client(process.url("mcp")) as agent:
            made = await agent.call_tool("edit-image-pro", {"prompt": "a red boat"})
            assert made.structured_content is not None
            assert made.structured_content["state"] == "succeeded"
            assert [item.type for item in made.content] == ["text", "resource_link"]
            question = {"job": made.structured_content["job"], "inline": True}
            shown = await agent.call_tool("edit-image-pro_status", question)
            (picture,) = [item for item in shown.content if isinstance(item, ImageContent)]
            assert base64.b64decode(picture.data).startswith(b"\x89PNG")
            assert picture.mime_type == "image/png"
        assert await submits(providers) == 1
