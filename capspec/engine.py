"""Call to Result: admit the arguments, run the steps, shape the answer."""

from __future__ import annotations

from collections.abc import Mapping

from capspec.clock import Clock
from capspec.errors import CallError, MappingError, Unavailable, UpstreamError, UpstreamTimeout
from capspec.events import EventStream, FlowFinished
from capspec.inputs import admit, passed_on
from capspec.plan import Answer, Call, Extra, Flow, Operation, Plan, Result, Scope, Step
from capspec.upstream import Upstreams
from capspec.values import MISSING, Json, Missing


class CallEngine:
    """Runs the calls of one plan. Holds no state of a call."""

    def __init__(self, plan: Plan, upstreams: Upstreams, clock: Clock, events: EventStream) -> None:
        self.plan = plan
        self.clock = clock
        self.events = events
        self._upstreams = upstreams

    async def run(self, call: Call) -> Result:
        """Raises CallError for everything that goes wrong in a call."""
        began = self.clock.monotonic()
        code = "CAP699"
        try:
            result = await self._within_deadline(call)
            code = f"HTTP {result.status}" if result.failed else ""
        except CallError as error:
            code = error.code
            raise
        finally:
            self._finished(call, code, self.clock.monotonic() - began)
        return result

    async def _within_deadline(self, call: Call) -> Result:
        seconds = call.flow.timeout
        if seconds is None:
            return await self._run(call)
        try:
            async with self.clock.timeout(seconds):
                return await self._run(call)
        except TimeoutError as error:
            raise UpstreamTimeout(f"'{call.flow.name}' took longer than {seconds:g} seconds") from error

    async def _run(self, call: Call) -> Result:
        flow = call.flow
        if flow.unavailable:
            raise Unavailable(f"'{flow.name}' is not available: {flow.unavailable}")
        admitted = admit(flow, call.arguments)
        extra = passed_on(flow, admitted.undeclared, call.extra)
        scope = Scope(arguments=admitted.arguments, extra=extra, aliases=flow.aliases)
        orchestrated = flow.document is not None
        outcome: Answer | Json | Missing = None
        for step in flow.steps if orchestrated else flow.steps[:-1]:
            outcome = await self._intermediate(step, scope)
            if outcome is not MISSING:
                scope.steps[step.name] = outcome
        if flow.document is not None:
            document = flow.document.read(scope)
            outcome = outcome if document is MISSING else document
        elif flow.steps:
            outcome = await flow.steps[-1].run(scope, self)
        if isinstance(outcome, Answer):
            return await self._answered(call, outcome, scope)
        return _shaped(flow, None if outcome is MISSING else outcome, scope, 200)

    async def _intermediate(self, step: Step, scope: Scope) -> Json | Missing:
        outcome = await step.run(scope, self)
        if not isinstance(outcome, Answer):
            return outcome
        if outcome.status >= 400:
            await outcome.close()
            raise UpstreamError(f"step '{step.name}' failed: {outcome.operation} answered {outcome.status}")
        return await self.decode(outcome)

    async def _answered(self, call: Call, answer: Answer, scope: Scope) -> Result:
        flow = call.flow
        if answer.status < 400 and not flow.output.identity:
            value = await self.decode(answer)
            result = _shaped(flow, value, scope, answer.status)
            result.headers = answer.headers
            return result
        result = Result(status=answer.status, headers=answer.headers, media_type=answer.content_type)
        if call.streams:
            result.stream, result.closer = answer.stream(), answer.close
            return result
        result.content = await answer.read()
        result.value = await self._readable(answer)
        return result

    async def _readable(self, answer: Answer) -> Json | Missing:
        """The value of an unmapped answer, MISSING when it is not in the declared format."""
        try:
            return await self.decode(answer)
        except MappingError:
            return MISSING

    # -- what steps may use ---------------------------------------------------------------------------

    async def send(self, operation: Operation, arguments: Mapping[str, Json], extra: Extra) -> Answer:
        return await self._upstreams.send(operation, arguments, extra)

    async def decode(self, answer: Answer) -> Json:
        return await self._upstreams.decode(answer)

    def _finished(self, call: Call, code: str, seconds: float) -> None:
        self.events.emit(
            FlowFinished(
                capability=self.plan.name,
                listener=call.listener,
                flow=call.flow.name,
                principal=call.principal.name,
                request_id=call.request_id,
                seconds=seconds,
                code=code,
            )
        )


def _shaped(flow: Flow, document: Json, scope: Scope, status: int) -> Result:
    return Result(status=status, value=flow.output.read(document, scope.names))
