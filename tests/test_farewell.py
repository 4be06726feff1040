"""Requests that are cut off when the time for finishing is over."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from capspec.serving.farewell import Farewell

pytestmark = pytest.mark.anyio


async def cut_off(*, begun: bool) -> list[Any]:
    """The messages of a request that is cancelled while it waits."""
    waiting = asyncio.Event()
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        waiting.set()
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    task = asyncio.create_task(Farewell(app)({"type": "http"}, receive, send))
    await waiting.wait()
    task.cancel()
    await task
    return sent


async def test_a_request_without_an_answer_is_told_that_the_server_stops():
    start, body = await cut_off(begun=False)
    assert start["status"] == 503
    assert json.loads(body["body"])["detail"] == "The server is stopping."


async def test_an_answer_that_has_begun_is_not_mixed_with_another():
    (start,) = await cut_off(begun=True)
    assert start["status"] == 200
