"""Everything that one sandbox remembers, and where it can be reached."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import Request

from capspec.sandbox.clock import Clock
from capspec.sandbox.config import SandboxConfig
from capspec.sandbox.faults import Fault, FaultBook, Strike
from capspec.sandbox.jobs import Job, JobStore
from capspec.sandbox.journal import ENTRY, Entry, Journal
from capspec.sandbox.links import LinkSigner
from capspec.sandbox.webhooks import Webhooks

STRIKE = "sandbox.strike"


class World:
    """One sandbox's clock, jobs, journal and fault rules, shared by the providers' imitations."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.clock = Clock(speed=config.speed)
        self.jobs = JobStore(seed=config.seed)
        self.journal = Journal()
        self.faults = FaultBook(config.faults, seed=config.seed)
        self.links = LinkSigner(seed=config.seed)
        self.webhooks = Webhooks(self.clock, self.jobs)

    def reset(self) -> None:
        """Back to the state at the start."""
        self.clock.reset()
        self.jobs.reset()
        self.webhooks.reset()
        self.journal.reset()
        self.faults.reset()

    def origin(self, request: Request) -> str:
        """Where the client reaches the app: ``scheme://host:port``."""
        return (self.config.origin or f"{request.url.scheme}://{request.headers.get('host', '')}").rstrip("/")

    def elsewhere(self, request: Request) -> str:
        """The app under another name: ``localhost`` for ``127.0.0.1``, the origin itself for any other."""
        return other_name(self.origin(request))

    def accept(self, request: Request, job: Job, *faults: Fault) -> Job:
        """Take on ``job``, with the faults that the request carries and ``faults`` of the account."""
        strike: Strike = request.scope[STRIKE]
        job = replace(job, faults=(*strike.job, *faults))
        self.jobs.add(job)
        entry: Entry = request.scope[ENTRY]
        entry.job = job.id
        for fault in strike.deferred:
            self.faults.defer(fault, job.id)
        return job


def other_name(origin: str) -> str:
    """``origin`` with ``localhost`` in place of ``127.0.0.1``; any other origin as it is."""
    parts = urlsplit(origin)
    if parts.hostname != "127.0.0.1":
        return origin
    return parts._replace(netloc=parts.netloc.replace("127.0.0.1", "localhost")).geturl()
