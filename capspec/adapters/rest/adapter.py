"""Listener and engine to an ASGI application: a request finds its flow, becomes a call, and is answered."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from functools import partial

from capspec.adapters.rest import problem_json
from capspec.adapters.rest.body import DisconnectError
from capspec.adapters.rest.decode import Decoder, Incoming
from capspec.adapters.rest.encode import Reply, encode, encode_json
from capspec.adapters.rest.exchange import Exchange, InFlight
from capspec.adapters.rest.forwards import ForwardingEngine, Forwards
from capspec.adapters.rest.jobs import JobResponses, Responder
from capspec.adapters.rest.openapi import describe, security_scheme
from capspec.adapters.rest.routes import Match, MethodNotAllowed, Routes
from capspec.adapters.rest.watch import Watch
from capspec.admission import Gate
from capspec.arrivals import Arrivals, carrier_of, noting
from capspec.assets.serving import asset_app, base_of, concerns
from capspec.desk import JobEngine
from capspec.edge import ASGIScope, Edge, EdgeOptions, Receive, SendMessage
from capspec.errors import CallError, MethodError, UnknownPathError
from capspec.events import UnexpectedError
from capspec.plan import NOTHING, Call, Engine, Flow, Listener, Principal, Result
from capspec.values import Json

STALLED = 30.0
"""Seconds for which a client may take no bytes of a stream: meanwhile it holds a connection upstream."""

DESCRIPTION_PATH = "/openapi.json"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,64}")
_BODILESS = frozenset({204, 205, 304})


def build(listener: Listener, engine: Engine, options: EdgeOptions) -> Edge:
    """The edge of a REST listener. Of flows with the same method and path the first is served."""
    app = RestApp(listener, engine, options)
    return Edge(app=app, drain=app.drain, settled=app.settled, well_known=app.gate.well_known)


class RestApp:
    """One listener as a bare ASGI application (ASGI 3, HTTP scope)."""

    def __init__(self, listener: Listener, engine: Engine, options: EdgeOptions) -> None:
        self.gate = Gate(listener, engine)
        self._listener = listener
        self._engine = engine
        self._limit = options.max_request_bytes
        self._in_flight = InFlight()
        self._arrivals = Arrivals("rest", listener.namespace, engine)
        self._assets = asset_app(engine)
        self._jobs = JobResponses(engine, self._in_flight) if isinstance(engine, JobEngine) else None
        self._described: tuple[str, bytes] | None = None
        self._routes: Routes[Responder] = Routes()
        self._add_flows()
        self._routes.add("GET", (DESCRIPTION_PATH,), self._describe)
        self._add_jobs()
        self._add_forwards()

    def _add_flows(self) -> None:
        scheme = security_scheme(self._listener) or {}
        private = frozenset({scheme["name"]}) if scheme.get("in") == "query" else frozenset()
        for flow in self._listener.flows:
            decoder = Decoder(flow, private_query=private)
            self._routes.add(flow.method, flow.path, partial(self._call, flow, decoder))

    def _add_jobs(self) -> None:
        for flow in self._listener.flows:
            if self._jobs is not None and flow.job is not None:
                for method, path, respond in self._jobs.routes(flow):
                    self._routes.add(method, path, partial(_named, flow.name, respond))

    def _add_forwards(self) -> None:
        """Last of all: they take what nothing else does."""
        if isinstance(self._engine, ForwardingEngine):
            forwards = Forwards(self._listener, self._engine, whole_limit=self._limit)
            for method, path, respond in forwards.routes():
                self._routes.add(method, path, respond)

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")
        request = Incoming(scope, receive, self._limit)
        with self._arrivals.one(carrier_of(scope), request.method) as arrival:
            send = noting(arrival, send) if self._engine.events.detailed else send
            exchange = Exchange(request, _request_id(request), send, Watch(receive), arrival=arrival)
            async with self._in_flight.answering(exchange):
                if concerns(scope):
                    await self._assets(scope, receive, send)
                elif not await self.gate.describe(scope, send):
                    await self._exchange(exchange)

    async def settled(self) -> None:
        """Return when everything is answered that there is now."""
        await self._in_flight.settled()

    async def drain(self) -> None:
        """End streams and waits that have no end of their own, and wait until everything is answered."""
        await self._in_flight.drain()

    # -- one request ----------------------------------------------------------------------------------------

    async def _exchange(self, exchange: Exchange) -> None:
        try:
            reply = await self._reply(exchange)
        except CallError as error:
            exchange.arrival.code = error.code
            reply = problem_json.problem(error, exchange.request_id)
        except DisconnectError:
            raise
        except Exception as error:  # noqa: BLE001 - this is the edge: nothing may get past it
            self._report(exchange, error)
            reply = problem_json.unexpected(exchange.request_id)
        await self._answer(exchange, reply)

    async def _reply(self, exchange: Exchange) -> Reply:
        request = exchange.request
        principal = await self.gate.admit(request.scope, exchange.request_id)
        found = self._routes.find(request.method, request.path)
        if isinstance(found, MethodNotAllowed):
            if request.method == "OPTIONS":
                return Reply(status=204, headers=[(b"allow", ", ".join(found.allow).encode())])
            raise MethodError(f"{request.method} is not offered here", allow=found.allow)
        if not isinstance(found, Match):
            listing = request.scope.get("root_path", "").rstrip("/") + DESCRIPTION_PATH
            raise UnknownPathError("no operation has this path", hint=f"{listing} lists them all")
        exchange.rest = found.rest
        return await found.target(exchange, found.values, principal)

    async def _call(
        self,
        flow: Flow,
        decoder: Decoder,
        exchange: Exchange,
        values: Mapping[str, str],
        principal: Principal,
    ) -> Reply:
        exchange.arrival.operation = flow.name
        arguments: dict[str, Json] = {}
        extra = NOTHING
        if not flow.unavailable:
            arguments, extra = await decoder.decode(exchange.request, values)
        call = Call(
            flow=flow,
            arguments=arguments,
            listener=self._listener.namespace,
            extra=extra,
            principal=principal,
            request_id=exchange.request_id,
            streams=True,
            links=base_of(exchange.request.scope),
        )
        if self._jobs is not None and flow.job is not None:
            return await self._jobs.start(exchange, call)
        exchange.watch.start()
        exchange.result = await self._engine.run(call)
        return encode(exchange.result)

    async def _describe(self, exchange: Exchange, values: Mapping[str, str], principal: Principal) -> Reply:
        mount = exchange.request.scope.get("root_path", "") or "/"
        if self._described is None or self._described[0] != mount:
            self._described = mount, encode_json(describe(self._listener, self._engine.plan, mount=mount))
        return Reply(status=200, headers=[(b"content-type", b"application/json")], body=self._described[1])

    # -- the answer -----------------------------------------------------------------------------------------

    async def _answer(self, exchange: Exchange, reply: Reply) -> None:
        headers = [*reply.headers, (b"x-request-id", exchange.request_id.encode()), _NOSNIFF]
        head = exchange.request.method == "HEAD"
        if isinstance(reply.body, bytes):
            exchange.watch.stop()
            if reply.status not in _BODILESS:
                headers.append((b"content-length", b"%d" % len(reply.body)))
            await exchange.send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await exchange.send({"type": "http.response.body", "body": b"" if head else reply.body})
            return
        await exchange.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if head or await self._stream(exchange, reply):
            exchange.watch.stop()
            await exchange.send({"type": "http.response.body", "body": b""})

    async def _stream(self, exchange: Exchange, reply: Reply) -> bool:
        """Send a body as it comes, no faster than the client takes it; False when it broke off.

        A body that broke off is left incomplete, which is the one way left to tell the client.
        """
        try:
            if exchange.result is None or not _is_endless(exchange.result):
                await _send_all(exchange, reply)
                return True
            if not self._in_flight.draining:
                with self._in_flight.until_drained(exchange):
                    await _send_all(exchange, reply)
                    return True
            if reply.farewell:
                await _send_part(exchange, reply.farewell)
        except (CallError, TimeoutError):
            return False
        except Exception as error:  # noqa: BLE001 - the answer has begun, so this cannot become a problem
            self._report(exchange, error)
            return False
        return True

    def _report(self, exchange: Exchange, error: Exception) -> None:
        where = f"rest {self._listener.namespace}"
        self._engine.events.emit(UnexpectedError(where=where, error=error, request_id=exchange.request_id))


_NOSNIFF = (b"x-content-type-options", b"nosniff")


async def _named(
    name: str, respond: Responder, exchange: Exchange, values: Mapping[str, str], principal: Principal
) -> Reply:
    exchange.arrival.operation = name
    return await respond(exchange, values, principal)


async def _send_all(exchange: Exchange, reply: Reply) -> None:
    assert not isinstance(reply.body, bytes)
    async for chunk in reply.body:
        await _send_part(exchange, chunk)


async def _send_part(exchange: Exchange, chunk: bytes) -> None:
    async with asyncio.timeout(STALLED):
        await exchange.send({"type": "http.response.body", "body": chunk, "more_body": True})


def _is_endless(result: Result) -> bool:
    return result.media_type.lower().startswith("text/event-stream")


def _request_id(request: Incoming) -> str:
    """The caller's own id when it is a plain token, else a new one."""
    offered = request.headers.get(b"x-request-id", b"")
    return offered.decode() if _REQUEST_ID.fullmatch(offered) else os.urandom(12).hex()
