"""Webhooks: told to this machine when a job is done, signed, and tried again when refused."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from capspec.sandbox.providers.bfl.shapes import WEBHOOK
from tests.sandbox.sandbox_world import BFL, FLORA, Box, in_memory, misfits, on_a_socket
from tests.upstreams import Seen, reply, serving

pytestmark = pytest.mark.anyio


@dataclass
class Receiver:
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def next(self) -> Seen:
        async with asyncio.timeout(10):
            await self.arrived.acquire()
        return self.seen[-1]


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    """Answers with each status in turn, then with 200."""
    receiver, left = Receiver(), list(statuses)

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        receiver.seen.append(seen)
        receiver.arrived.release()
        return reply(left.pop(0) if left else 200)

    async with serving(answer) as server:
        receiver.url = f"{server.url}/hooks?for=me"
        yield receiver


async def attempts(box: Box, count: int) -> list[dict[str, Any]]:
    """The attempts, once there are so many."""
    async with asyncio.timeout(10):
        while True:
            found = (await box.http.get("/__sandbox__/webhooks")).json()["webhooks"]
            if len(found) >= count:
                return list(found)
            await asyncio.sleep(0.005)  # the sender is a thread: leave it the interpreter


async def test_bfl_tells_a_finished_job_signed_with_the_secret() -> None:
    async with receiving() as receiver, in_memory() as box:
        answer = await box.submit_bfl(webhook_url=receiver.url, webhook_secret="s3cret")
        assert set(answer) == {"id", "status", "webhook_url", "cost", "input_mp", "output_mp"}
        await box.advance(12)
        told = await receiver.next()
        assert [told.method, told.target] == ["POST", "/hooks?for=me"]
        signature = hmac.new(b"s3cret", told.body, hashlib.sha256).hexdigest()
        assert told.header("x-bfl-signature") == f"sha256={signature}"
        message = json.loads(told.body)
        assert misfits(WEBHOOK, message) == []
        assert [message["id"], message["status"]] == [answer["id"], "Ready"]
        assert (await box.http.get(message["result"]["sample"])).status_code == 200
        assert (await attempts(box, 1))[0]["status"] == 200


async def test_bfl_tells_a_failed_job_as_an_error() -> None:
    async with receiving() as receiver, in_memory() as box:
        await box.submit_bfl(webhook_url=receiver.url, prompt="[[fault:moderate:content]]")
        await box.advance(12)
        told = await receiver.next()
        message = json.loads(told.body)
        assert [message["status"], message["error"], message["message"]] == [
            "Error",
            "moderated-content",
            "Content Moderated",
        ]
        assert told.header("x-bfl-signature") is None


async def test_flora_tells_a_run_without_its_outputs() -> None:
    async with receiving() as receiver, in_memory() as box:
        run = (await box.submit_flora(callback_url=receiver.url)).json()["run_id"]
        await box.advance(100)
        told = await receiver.next()
        stamp, _, signature = (told.header("flora-signature") or "").partition(",")
        signed = stamp.removeprefix("t=").encode() + b"." + told.body
        key = FLORA["authorization"].removeprefix("Bearer ").encode()
        assert signature == "v1=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
        assert [told.header("flora-event"), told.header("flora-webhook-id")] == [
            "run.completed",
            f"evt_{run[4:]}",
        ]
        assert json.loads(told.body)["data"] == {"run_id": run, "status": "completed"}


async def test_a_refused_webhook_is_tried_again_after_its_pauses() -> None:
    async with receiving(500, 503) as receiver, in_memory() as box:
        await box.submit_bfl(webhook_url=receiver.url)
        await box.advance(12)
        for tried, pause in ((1, 1), (2, 5)):
            await attempts(box, tried)
            await box.advance(pause)
        assert [attempt["status"] for attempt in await attempts(box, 3)] == [500, 503, 200]


async def test_a_webhook_that_nobody_takes_is_given_up() -> None:
    async with receiving(*[500] * 4) as receiver, in_memory() as box:
        await box.submit_bfl(webhook_url=receiver.url)
        await box.advance(12)
        for tried, pause in ((1, 1), (2, 5), (3, 30)):
            await attempts(box, tried)
            await box.advance(pause)
        await attempts(box, 4)
        await box.advance(3600)
        assert len(await attempts(box, 4)) == 4


async def test_a_webhook_without_a_receiver_is_noted_with_its_error() -> None:
    async with receiving() as receiver:
        closed = receiver.url
    async with in_memory() as box:
        await box.submit_bfl(webhook_url=closed)
        await box.advance(12)
        (attempt,) = await attempts(box, 1)
        assert attempt["status"] is None
        assert attempt["error"]


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "http://10.0.0.1/", "http://127.0.0.1.evil.invalid/"]
)
async def test_no_other_machine_is_ever_told(url: str) -> None:
    async with in_memory() as box:
        await box.submit_bfl(webhook_url=url)
        (attempt,) = await attempts(box, 1)
        assert "loopback" in attempt["error"]


async def test_a_job_that_is_put_into_a_final_state_is_told_at_once() -> None:
    async with receiving() as receiver, in_memory() as box:
        job = (await box.submit_bfl(webhook_url=receiver.url, prompt="[[fault:stuck]]"))["id"]
        await box.advance(3600)
        await box.http.post(f"/__sandbox__/jobs/{job}", json={"state": "failed"})
        assert json.loads((await receiver.next()).body)["error"] == "failed"


async def test_a_forgotten_job_is_not_told() -> None:
    async with receiving() as receiver, in_memory() as box:
        await box.submit_bfl(webhook_url=receiver.url)
        await box.http.post("/__sandbox__/reset")
        await box.advance(3600)
        assert (await box.http.get("/__sandbox__/webhooks")).json() == {"webhooks": []}
        assert receiver.seen == []


async def test_a_server_stops_while_a_webhook_waits() -> None:
    async with on_a_socket() as box:
        body = {"prompt": "a", "webhook_url": f"{box.origin}/hook"}
        answer = await box.http.post("/bfl/v1/flux-kontext-pro", headers=BFL, json=body)
        assert answer.status_code == 200
