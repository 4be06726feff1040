"""Two hundred jobs at once in one process: all end, with progress, and nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections import Counter

import pytest

from tests.upstreams import Seen, reply
from tests.whole import Whole, running

pytestmark = pytest.mark.anyio

JOBS = 200
LOOKS = 4
TEXT = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /paint
      operations:
      - name: paint
        method: POST
        poll:
          id: $.id
          request: {uri: "/jobs/{{id}}"}
          interval: 20ms
          status: {path: $.status, success: [done]}
          progress: {path: $.progress, max: 100}
          result: {path: $}
  exposes:
  - type: rest
    namespace: r
    port: 1
    resources: [{path: /paint, operations: [{name: paint, method: POST, call: up.paint}]}]
"""


class Painter:
    """Each job ends at its fourth look."""

    def __init__(self) -> None:
        self.jobs = 0
        self.looks: Counter[str] = Counter()

    def __call__(self, seen: Seen) -> bytes:
        if seen.method == "POST":
            self.jobs += 1
            return reply(202, json.dumps({"id": f"j{self.jobs}"}).encode())
        job = seen.path.rpartition("/")[2]
        self.looks[job] += 1
        done = self.looks[job] >= LOOKS
        status = {"status": "done" if done else "busy", "progress": 25 * self.looks[job], "job": job}
        return reply(200, json.dumps(status).encode())


async def watched(whole: Whole) -> tuple[str, list[float]]:
    """One job from its submission to its end: its last state, and the progress that was told."""
    assert whole.rest is not None
    submitted = await whole.request(
        "POST", "/paint", json={}, headers={"Prefer": "respond-async"}, timeout=60
    )
    assert submitted.status_code == 202
    progress: list[float] = []
    state = ""
    events = {"Accept": "text/event-stream"}
    async with whole.rest.stream("GET", submitted.headers["location"], headers=events, timeout=60) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                envelope = json.loads(line.removeprefix("data: "))
                state = envelope["state"]
                progress.append(envelope.get("progress", 0))
    return state, progress


async def wave(whole: Whole) -> None:
    """All jobs at once, to their end."""
    for state, progress in await asyncio.gather(*(watched(whole) for _ in range(JOBS))):
        assert state == "succeeded"
        assert progress == sorted(progress)
        assert len(progress) > 1
    whole.upstream.requests.clear()


async def test_two_hundred_jobs_at_once_end_with_progress():
    painter = Painter()
    async with running(TEXT, painter) as whole:
        await wave(whole)
        assert painter.jobs == JOBS


@pytest.mark.slow
async def test_two_hundred_jobs_leave_nothing_behind():
    async with running(TEXT, Painter()) as whole:
        tracemalloc.start()
        try:
            used = []
            for _ in range(3):
                await wave(whole)
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert used[2] - used[1] < 1024 * JOBS
