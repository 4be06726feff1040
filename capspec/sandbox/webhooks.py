"""Jobs that somebody waits for to POSTs when they are done; only ever to this machine's own addresses."""

from __future__ import annotations

import asyncio
import http.client
import math
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from capspec.sandbox.clock import Clock, iso
from capspec.sandbox.jobs import Job, JobStore
from capspec.sandbox.loopback import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One announcement to come. compose: the finished job to body and headers.

    retries: sandbox seconds between attempts; timeout: wall-clock seconds for each.
    """

    provider: str
    job: str
    url: str
    compose: Callable[[Job], tuple[bytes, dict[str, str]]]
    retries: tuple[float, ...]
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One delivery tried. status: what the receiver answered; error: why there is no answer."""

    provider: str
    job: str
    url: str
    at: float
    status: int | None = None
    error: str | None = None

    def as_json(self) -> dict[str, object]:
        """The attempt as the control plane shows it."""
        return asdict(self) | {"at": iso(self.at)}


class Webhooks:
    """Waits for jobs and delivers their announcements; keeps a list of what was tried."""

    def __init__(self, clock: Clock, jobs: JobStore) -> None:
        self._clock, self._jobs = clock, jobs
        self._tasks: set[asyncio.Task[None]] = set()
        self.attempts: deque[Attempt] = deque(maxlen=1000)

    def reset(self) -> None:
        """Forget what was tried; what waits for a forgotten job ends by itself."""
        self.attempts.clear()

    def watch(self, webhook: Webhook) -> None:
        """Deliver ``webhook`` when its job is done; one to another machine is noted as refused."""
        if is_loopback(urlsplit(webhook.url).hostname or ""):
            self._start(self._deliver(webhook))
        else:
            self._note(webhook, error="the sandbox sends webhooks to loopback addresses only")

    async def close(self) -> None:
        """Stop waiting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, webhook: Webhook) -> None:
        if await self._finished(webhook.job) is None:
            return
        for pause in (0.0, *webhook.retries):
            due = self._clock.now() + pause
            while self._clock.now() < due:
                await self._clock.until(due)
            job = self._jobs.find(webhook.job)
            if job is None or await self._post(webhook, job):
                return

    async def _finished(self, identifier: str) -> Job | None:
        """The job once it is done; None when a reset forgot it."""
        while (job := self._jobs.find(identifier)) is not None:
            now = self._clock.now()
            if job.at(now).state.final:
                return job
            await self._clock.until(job.ends_at if job.ends_at > now else math.inf)
        return None

    async def _post(self, webhook: Webhook, job: Job) -> bool:
        """Whether the receiver took it."""
        body, headers = webhook.compose(job)
        try:
            status = await asyncio.to_thread(_post, webhook.url, body, headers, webhook.timeout)
        except (OSError, http.client.HTTPException) as error:
            self._note(webhook, error=str(error) or type(error).__name__)
            return False
        self._note(webhook, status=status)
        return 200 <= status < 300

    def _note(self, webhook: Webhook, *, status: int | None = None, error: str | None = None) -> None:
        self.attempts.append(
            Attempt(
                provider=webhook.provider,
                job=webhook.job,
                url=webhook.url,
                at=self._clock.now(),
                status=status,
                error=error,
            )
        )


def _post(url: str, body: bytes, headers: dict[str, str], timeout: float) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(
            "POST", parts._replace(scheme="", netloc="", fragment="").geturl() or "/", body, headers
        )
        return connection.getresponse().status
    finally:
        connection.close()
