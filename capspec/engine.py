"""Call to Result: admit the arguments, run the steps, shape the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import replace

from capspec.assets.shelf import Shelf
from capspec.clock import Clock
from capspec.desk import Desk, Standing
from capspec.errors import CallError, MappingError, Unavailable, UpstreamError, UpstreamTimeout
from capspec.events import EventStream, FlowFinished
from capspec.forwarding import Forwarding
from capspec.inputs import admit, passed_on
from capspec.jobs.outcome import Outcome, State
from capspec.masking import Masking
from capspec.orchestration import document_of, run_tasks
from capspec.plan import Answer, Call, Extra, Flow, Operation, Plan, Result, Scope, is_failure
from capspec.scripting.scripts import Scripts
from capspec.steps.call import CallStep
from capspec.upstream import Upstreams
from capspec.values import MISSING, Json, Missing
from capspec.wire import Request, Response

_OF_THE_BYTES = frozenset({"accept-ranges", "content-range", "etag"})
"""Headers that describe bytes which are not passed on as they came."""


class CallEngine:
    """Runs the calls of one plan. Holds no state of a call.

    `desk` knows about the jobs that calls start, `assets` about the links of ours in their answers;
    `forwarding` passes requests on that are no calls, and `scripts` runs script steps.
    """

    def __init__(
        self,
        plan: Plan,
        upstreams: Upstreams,
        clock: Clock,
        events: EventStream,
        desk: Desk,
        assets: Shelf,
        scripts: Scripts,
    ) -> None:
        self.plan = plan
        self.clock = clock
        self.events = events
        self.desk = desk
        self.assets = assets
        self.scripts = scripts
        self._upstreams = upstreams
        self.forwarding = Forwarding(plan, upstreams, clock, events)
        self._masking = Masking(plan.secrets)

    async def run(self, call: Call) -> Result:
        """The result of a call; a flow that starts a job is waited for.

        Raises CallError for everything that goes wrong in a call.
        """
        if call.flow.job is not None:
            started = await self.start(call)
            return started if isinstance(started, Result) else await self._waited(started)
        async with self._observed(call) as ended:
            async with self._deadline(call.flow):
                result = await self._run(call, self._admitted(call))
            ended.append(f"HTTP {result.status}" if result.failed else "")
        return result

    async def start(self, call: Call) -> Standing | Result:
        """Start the job of a flow that is one; a Result when the upstream started none. Raises CallError."""
        flow = call.flow
        async with self._observed(call) as ended:
            scope = self._admitted(call)
            step = flow.block.tasks[0].step if flow.block.tasks else None
            if flow.job is None or not isinstance(step, CallStep):
                raise Unavailable(f"'{flow.name}' starts no job")
            call = replace(call, extra=scope.extra)
            started = await self.desk.start(call, flow.job, step.arguments.read(scope))
            found = await self._answered(call, started, scope) if isinstance(started, Answer) else started
            ended.append(f"HTTP {found.status}" if isinstance(found, Result) and found.failed else "")
        return found

    async def fetch(self, request: Request) -> Response:
        """Make a request that is no call's, such as a guard's. Raises CallError when there is no answer."""
        return await self._upstreams.fetch(request)

    # -- one call -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _observed(self, call: Call) -> AsyncIterator[list[str]]:
        """Emits the event of a call's end: the code that the block appends, or that of its error."""
        began = self.clock.monotonic()
        ended: list[str] = []
        code = "CAP699"
        try:
            with self._span(call.flow):
                yield ended
            code = ended[0]
        except CallError as error:
            code = error.code
            raise
        finally:
            self.events.emit(
                FlowFinished(
                    capability=self.plan.name,
                    listener=call.listener,
                    flow=call.flow.name,
                    principal=call.principal.name,
                    request_id=call.request_id,
                    seconds=self.clock.monotonic() - began,
                    code=code,
                )
            )

    def _span(self, flow: Flow) -> AbstractContextManager[object]:
        """A span for what is a function of an aggregate; other flows are told of by their adapters."""
        if not flow.ref:
            return nullcontext()
        return self.events.span("aggregate.flow", {"capspec.aggregate.ref": flow.ref})

    @asynccontextmanager
    async def _deadline(self, flow: Flow) -> AsyncIterator[None]:
        if flow.timeout is None:
            yield
            return
        try:
            async with self.clock.timeout(flow.timeout):
                yield
        except TimeoutError as error:
            raise UpstreamTimeout(f"'{flow.name}' took longer than {flow.timeout:g} seconds") from error

    def _admitted(self, call: Call) -> Scope:
        flow = call.flow
        if flow.unavailable:
            raise Unavailable(f"'{flow.name}' is not available: {flow.unavailable}")
        admitted = admit(flow, call.arguments)
        extra = passed_on(flow, admitted.undeclared, call.extra)
        scope = Scope(
            arguments=admitted.arguments,
            extra=extra,
            aliases=flow.aliases,
            principal=call.principal.name,
            flow=flow.name,
        )
        if flow.preset is not None:
            preset = flow.preset.read(scope)
            assert isinstance(preset, dict)
            scope.arguments = preset
        return scope

    async def _run(self, call: Call, scope: Scope) -> Result:
        flow = call.flow
        block = flow.block
        outcome = await run_tasks(block, scope, self, open_end=block.document is None)
        if isinstance(outcome, Answer):
            return await self._answered(call, outcome, scope)
        last = block.tasks[-1].step if block.tasks and block.document is None else None
        called = last.operation if isinstance(last, CallStep) else None
        outcome = await self._with_own_links(call, scope, called, None if outcome is MISSING else outcome)
        if block.document is not None:
            found = document_of(block, scope)
            outcome = {} if found is MISSING else found
        return _shaped(flow, outcome, scope, 200)

    # -- what came of it ------------------------------------------------------------------------------

    async def _answered(self, call: Call, answer: Answer, scope: Scope) -> Result:
        flow = call.flow
        operation = self.plan.operations.get(answer.operation)
        if operation is not None and operation.method != "HEAD" and answer.announced > answer.limit:
            await answer.close()
            raise answer.too_large()
        if is_failure(answer.status):
            return await self._refused(answer)
        if not flow.output.identity:
            value = await self._with_own_links(call, scope, operation, await self.decode(answer))
            result = _shaped(flow, value, scope, answer.status)
            result.headers = answer.headers
            return result
        if operation is not None and operation.assets is not None:
            return await self._rewritten(call, scope, operation, answer)
        result = Result(status=answer.status, headers=answer.headers, media_type=answer.content_type)
        if call.streams:
            result.stream, result.closer = answer.stream(), answer.close
            return result
        result.content = await answer.read()
        result.value = await self._readable(answer)
        return result

    async def _refused(self, answer: Answer) -> Result:
        """An upstream's error, without the secrets that it may have echoed."""
        answer.revise(self._masking.content(await answer.read()))
        result = Result(status=answer.status, media_type=answer.content_type)
        result.headers = self._masking.headers(answer.headers)
        result.content = await answer.read()
        result.value = await self._readable(answer)
        return result

    async def _rewritten(self, call: Call, scope: Scope, operation: Operation, answer: Answer) -> Result:
        """An unmapped answer with our own links, in the format that it came in."""
        result = Result(status=answer.status, headers=answer.headers, media_type=answer.content_type)
        result.content = await answer.read()
        result.value = value = await self._readable(answer)
        own = value if value is MISSING else await self._with_own_links(call, scope, operation, value)
        if own != value:
            try:
                result.content, result.media_type = answer.codec.encode(own)
            except ValueError as error:
                raise MappingError(f"the answer cannot be written with other links: it {error}") from error
            result.value = own
            result.headers = tuple(item for item in answer.headers if item[0].lower() not in _OF_THE_BYTES)
        return result

    async def _with_own_links(
        self, call: Call, scope: Scope, operation: Operation | None, document: Json
    ) -> Json:
        """What the operation gave with our own links, which what earlier steps gave has then, too."""
        found = [] if operation is None else [(operation, document)]
        found += [
            (task.step.operation, scope.steps[task.step.name])
            for task in call.flow.block.tasks
            if isinstance(task.step, CallStep) and task.step.name in scope.steps
        ]
        for called, value in found:
            if called.assets is not None:
                made = await self.assets.replace(called, value, call.links)
                scope.steps = {name: made.of(item) for name, item in scope.steps.items()}
                document = made.of(document)
        return document

    async def _readable(self, answer: Answer) -> Json | Missing:
        """The value of an unmapped answer, MISSING when it is not in the declared format."""
        try:
            return await self.decode(answer)
        except MappingError:
            return MISSING

    async def _waited(self, standing: Standing) -> Result:
        ended = await self.desk.wait(standing, None)
        outcome = ended.outcome
        if outcome.content is not None:
            return Result(content=outcome.content, media_type=outcome.media_type)
        return Result(status=200, value=ended.envelope())

    # -- what steps may use ---------------------------------------------------------------------------

    async def send(self, operation: Operation, arguments: Mapping[str, Json], extra: Extra) -> Answer:
        if operation.idempotency is not None:
            return await self.desk.send(operation, arguments, extra)
        return await self._upstreams.send(operation, arguments, extra)

    async def decode(self, answer: Answer) -> Json:
        return await self._upstreams.decode(answer)

    async def output(self, answer: Answer) -> Json:
        value = await self.decode(answer)
        operation = self.plan.operations.get(answer.operation)
        projection = None if operation is None else operation.projection
        return value if projection is None else projection.read(value)

    async def error_body(self, answer: Answer) -> Json:
        try:
            answer.revise(self._masking.content(await answer.read()))
            return await self.decode(answer)
        except CallError:
            return None

    async def begin(
        self, operation: Operation, arguments: Mapping[str, Json], principal: str
    ) -> Answer | Json:
        return await self.desk.begin(operation, arguments, principal)

    async def join(self, handle: str, principal: str, seconds: float | None) -> Json:
        return _result_of(await self.desk.join(handle, principal, seconds), "the job")

    async def finish(self, operation: Operation, arguments: Mapping[str, Json]) -> Answer | Json:
        ended = await self.desk.finish(operation, arguments)
        return _result_of(ended, f"the job of {operation.id}") if isinstance(ended, Outcome) else ended


def _result_of(ended: Outcome, job: str) -> Json:
    if ended.state is not State.SUCCEEDED:
        reason = ended.message or ended.provider_status or str(ended.state)
        raise UpstreamError(f"{job} did not succeed: {reason}")
    return ended.result


def _shaped(flow: Flow, document: Json, scope: Scope, status: int) -> Result:
    value = flow.output.read(document, scope.names)
    if not flow.block.tasks and value in (None, {}):
        status = 204  # nothing is called, and the file has nothing to answer
    return Result(status=status, value=value)
