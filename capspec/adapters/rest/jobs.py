"""A request that starts a job, or asks about one, to its answer.

    <method> <path of the file>      202  it is under way: Location is the job, Retry-After when to ask
                                     200  it has ended
    GET    <job>                     200  where it stands; as text/event-stream what becomes of it
    GET    <job>/result              200  the result alone; 409 when there is none, or not yet
    DELETE <job>                     200  where it stands after the provider was asked to stop it

<job> is `/-/jobs/<operation>/<handle>`. The body is the job's envelope (`desk.Standing.envelope`), and the
status says how the request went, not how the job did: a job that failed is there to be looked at, and is
answered with 200 and `state: failed`, to whoever asks and also to the one who waited for it. A result that is
bytes is answered as it is to a request that starts a job and sees its end, and has a `result_url` in the
envelope.

`Prefer: wait=N` waits up to N seconds for the end, here and with GET; `respond-async` without it makes any
answer to a start a 202 (RFC 7240). A start is never broken off, because a job costs somebody money; a client
that goes away after it stops the wait. It has no handle then, so the job is canceled if the file says so
(`onDisconnect`). Whoever asks about a job has its handle, and may leave and come back.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeAlias
from urllib.parse import quote

from capspec.adapters.rest import events as rest_events
from capspec.adapters.rest import problem_json
from capspec.adapters.rest.encode import Reply, encode, encode_json
from capspec.adapters.rest.exchange import Exchange, InFlight
from capspec.adapters.rest.job_resources import HANDLE, RESULT, jobs_path
from capspec.adapters.rest.prefer import Preferences, preferences
from capspec.assets.serving import base_of
from capspec.desk import JobEngine, Standing
from capspec.errors import CallError
from capspec.jobs.outcome import State
from capspec.plan import Call, Flow, PathVariable, Principal, Result
from capspec.plan.polling import Poll
from capspec.values import Json

Responder: TypeAlias = Callable[[Exchange, Mapping[str, str], Principal], Awaitable[Reply]]
"""Answers a request: what it is, the values of its path's placeholders, and who sent it."""

Route: TypeAlias = tuple[str, tuple[str | PathVariable, ...], Responder]
"""Method, path and what answers there."""

_SAFE_IN_PATHS = "/:@!$&'()*+,;=~"


class JobResponses:
    """Answers for the jobs of one listener."""

    def __init__(self, engine: JobEngine, in_flight: InFlight) -> None:
        self._engine = engine
        self._desk = engine.desk
        self._in_flight = in_flight

    def routes(self, flow: Flow) -> Iterable[Route]:
        """What is served for the jobs of a flow, besides the flow itself."""
        job = (jobs_path(flow), PathVariable(name=HANDLE))
        yield "GET", job, partial(self._show, flow)
        yield "GET", (*job, RESULT), partial(self._show_result, flow)
        if self._desk.can_cancel(flow):
            yield "DELETE", job, partial(self._cancel, flow)

    # -- starting -------------------------------------------------------------------------------------

    async def start(self, exchange: Exchange, call: Call) -> Reply:
        """The answer to a call that starts a job. Raises CallError."""
        started = await self._engine.start(call)
        exchange.watch.start()
        if isinstance(started, Result):
            exchange.result = started
            return encode(started)
        wanted = _preferences(exchange)
        try:
            # The watch begins to run here, and finds out whether the client has left in the meantime.
            await asyncio.sleep(0)
            standing = await self._wait(exchange, started, wanted.wait) if wanted.wait else started
        except asyncio.CancelledError:
            if exchange.watch.gone:
                await self._abandon(started)
            raise
        return self._start_reply(exchange, standing, wanted)

    def _start_reply(self, exchange: Exchange, standing: Standing, wanted: Preferences) -> Reply:
        accepted = wanted.promptly or not standing.outcome.final
        url = _url(exchange, standing)
        headers = _applied(wanted, accepted=accepted)
        if accepted:
            return _envelope(exchange, standing, [*headers, (b"location", url.encode())], status=202)
        if standing.outcome.content is not None:
            return _bytes(standing, [*headers, (b"content-location", f"{url}{RESULT}".encode())])
        return _envelope(exchange, standing, [*headers, (b"content-location", url.encode())])

    async def _abandon(self, standing: Standing) -> None:
        """Do with a job that nobody can ask about what its file says."""
        with suppress(CallError):
            await self._desk.abandon(standing)

    # -- asking ---------------------------------------------------------------------------------------

    def _find(
        self, flow: Flow, exchange: Exchange, values: Mapping[str, str], principal: Principal
    ) -> Standing:
        return self._desk.find(flow, values[HANDLE], principal, base_of(exchange.request.scope))

    async def _show(
        self, flow: Flow, exchange: Exchange, values: Mapping[str, str], principal: Principal
    ) -> Reply:
        standing = self._find(flow, exchange, values, principal)
        if rest_events.are_wanted(exchange.request.header_values(b"accept")):
            return self._events(exchange, standing)
        standing, headers = await self._now(exchange, standing)
        return _envelope(exchange, standing, headers)

    async def _show_result(
        self, flow: Flow, exchange: Exchange, values: Mapping[str, str], principal: Principal
    ) -> Reply:
        found = self._find(flow, exchange, values, principal)
        standing, headers = await self._now(exchange, found)
        if standing.outcome.state is not State.SUCCEEDED:
            return _envelope(exchange, standing, headers, status=409)
        if standing.outcome.content is not None:
            return _bytes(standing, headers)
        return _json(standing.result, headers)

    async def _cancel(
        self, flow: Flow, exchange: Exchange, values: Mapping[str, str], principal: Principal
    ) -> Reply:
        standing = self._find(flow, exchange, values, principal)
        return _envelope(exchange, await self._desk.cancel(standing))

    async def _now(self, exchange: Exchange, found: Standing) -> tuple[Standing, list[tuple[bytes, bytes]]]:
        """Where a job stands that was found by its handle: now, or after the wait that is preferred."""
        exchange.watch.start()
        wanted = _preferences(exchange)
        standing = await self._wait(exchange, found, wanted.wait) if wanted.wait else found
        if standing is found:
            standing = await self._desk.look(found)
        return standing, _applied(wanted, accepted=False)

    async def _wait(self, exchange: Exchange, standing: Standing, seconds: float) -> Standing:
        """Where the job stands when it has ended, after the seconds, or when this server stops."""
        latest = standing

        async def told(look: Standing) -> None:
            nonlocal latest
            latest = look

        if not self._in_flight.draining:
            with self._in_flight.until_drained(exchange):
                latest = await self._desk.wait(standing, seconds, told)
        return latest

    # -- watching -------------------------------------------------------------------------------------

    def _events(self, exchange: Exchange, standing: Standing) -> Reply:
        last_id = "".join(exchange.request.header_values(b"last-event-id"))
        if last_id == rest_events.LAST:
            return Reply(status=204)
        stream = rest_events.events(
            partial(self._desk.wait, standing, None),
            self._engine.clock,
            envelope=partial(_document, exchange),
            problem=lambda error: _problem(exchange, error),
            last_id=last_id,
        )
        exchange.watch.start()
        headers = (("cache-control", "no-store"),)
        media_type = f"{rest_events.MEDIA_TYPE}; charset=utf-8"
        exchange.result = Result(stream=stream, closer=stream.aclose, media_type=media_type, headers=headers)
        return replace(encode(exchange.result), farewell=rest_events.FAREWELL)


def _poll(standing: Standing) -> Poll | None:
    return standing.flow.job.poll if standing.flow.job is not None else None


def _preferences(exchange: Exchange) -> Preferences:
    return preferences(exchange.request.header_values(b"prefer"))


def _problem(exchange: Exchange, error: CallError) -> bytes:
    body = problem_json.problem(error, exchange.request_id).body
    assert isinstance(body, bytes)
    return body


def _applied(wanted: Preferences, *, accepted: bool) -> list[tuple[bytes, bytes]]:
    applied = wanted.applied(accepted=accepted)
    return [(b"preference-applied", applied.encode())] if applied else []


def _url(exchange: Exchange, standing: Standing) -> str:
    """The path of the job, from the root of the server."""
    root = exchange.request.scope.get("root_path", "").rstrip("/")
    return f"{quote(root, safe=_SAFE_IN_PATHS)}{jobs_path(standing.flow)}{standing.handle}"


def _document(exchange: Exchange, standing: Standing) -> dict[str, Json]:
    document = standing.envelope()
    if standing.outcome.content is not None:
        document["result_url"] = f"{_url(exchange, standing)}{RESULT}"
    return document


def _envelope(
    exchange: Exchange, standing: Standing, headers: Iterable[tuple[bytes, bytes]] = (), *, status: int = 200
) -> Reply:
    outcome = standing.outcome
    poll = _poll(standing)
    seconds = outcome.retry_after
    if seconds is None and outcome.state.under_way and poll is not None:
        seconds = poll.rhythm.interval
    more = [] if seconds is None or outcome.final else [(b"retry-after", b"%d" % math.ceil(seconds))]
    return _json(_document(exchange, standing), [*headers, *more], status=status)


def _json(value: Json, headers: Iterable[tuple[bytes, bytes]], *, status: int = 200) -> Reply:
    described = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return Reply(status=status, headers=[*described, *headers], body=encode_json(value))


def _bytes(standing: Standing, headers: list[tuple[bytes, bytes]]) -> Reply:
    outcome = standing.outcome
    more = (("cache-control", "no-store"),)
    reply = encode(Result(content=outcome.content, media_type=outcome.media_type, headers=more))
    reply.headers.extend(headers)
    return reply
