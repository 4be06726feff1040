"""An endpoint as an ASGI app: names the request, lets faults strike, turns refusals into answers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from capspec.sandbox.endpoint import Endpoint, Provider, RefusedError
from capspec.sandbox.faults import FaultSyntaxError, Strike
from capspec.sandbox.faults.book import HEADER
from capspec.sandbox.faults.play import Exchange, play
from capspec.sandbox.journal import BODY, ENTRY, Entry
from capspec.sandbox.world import STRIKE, World


class Gate:
    """One endpoint of one provider, observed and breakable."""

    def __init__(self, world: World, provider: Provider, endpoint: Endpoint) -> None:
        self._world, self._provider, self._endpoint = world, provider, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry: Entry = scope[ENTRY]
        request = Request(scope)
        entry.provider, entry.phase = self._provider.name, self._endpoint.phase
        entry.job = self._job(request)
        try:
            strike = self._world.faults.strike(_facts(entry), request.headers.get(HEADER), scope[BODY])
        except FaultSyntaxError as error:
            await JSONResponse({"sandbox": str(error)}, 400)(scope, receive, send)
            return
        await self._answer_struck(strike, {**scope, STRIKE: strike}, receive, send)

    async def _answer_struck(self, strike: Strike, scope: Scope, receive: Receive, send: Send) -> None:
        entry: Entry = scope[ENTRY]
        shown = [str(fault) for fault in (strike.answer, *strike.job, *strike.deferred) if fault is not None]
        entry.fault, entry.fault_source = "; ".join(shown) or None, strike.source
        if strike.answer is None:
            await self._answer(scope, receive, send)
            return
        exchange = Exchange(
            fault=strike.answer,
            app=self._answer,
            scope=scope,
            receive=receive,
            send=send,
            refuse=lambda status: self._signed(self._provider.error(status), entry),
            elsewhere=self._world.elsewhere(Request(scope)),
        )
        await play(exchange)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._endpoint.call(Request(scope, receive))
        except RefusedError as refusal:
            response = refusal.response
        await self._signed(response, scope[ENTRY])(scope, receive, send)

    def _signed(self, response: Response, entry: Entry) -> Response:
        self._provider.sign(response, entry.number)
        return response

    def _job(self, request: Request) -> str | None:
        name = self._endpoint.job
        return None if name is None else request.path_params.get(name) or request.query_params.get(name)


def _facts(entry: Entry) -> dict[str, str]:
    return {
        "provider": entry.provider or "",
        "method": entry.method,
        "path": entry.path,
        "phase": entry.phase or "",
        "host": entry.host,
        "job": entry.job or "",
    }
