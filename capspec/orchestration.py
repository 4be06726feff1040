"""Blocks of steps run: conditions, loops, what stands for a failed step, and steps at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from capspec.errors import (
    CallError,
    InputError,
    MappingError,
    StepError,
    UpstreamError,
    UpstreamTimeout,
)
from capspec.jsonpath import JsonPathBudgetError
from capspec.ordered import run_ordered
from capspec.plan import Answer, Block, Loop, Reader, Recovery, Runtime, Scope, Task, is_failure
from capspec.template import TemplateError
from capspec.values import MISSING, Json, Missing

_NOTHING: tuple[Json, ...] = (None, False, "", 0, [], {})


async def run_block(block: Block, scope: Scope, runtime: Runtime) -> Json | Missing:
    """What a block gives. Its steps' outputs are seen in the block only. Raises CallError."""
    within = scope.within({})
    outcome = await run_tasks(block, within, runtime)
    assert not isinstance(outcome, Answer)
    return outcome if block.document is None else document_of(block, within)


async def run_tasks(
    block: Block, scope: Scope, runtime: Runtime, *, open_end: bool = False
) -> Answer | Json | Missing:
    """Run all tasks, and give what the last one gave; with `open_end` that may be an answer not yet read.

    The outputs are in `scope.steps` then. Raises CallError: that of the first task that failed.
    """
    last = len(block.tasks) - 1

    async def one(at: int) -> Answer | Json | Missing:
        task = block.tasks[at]
        with _reading(task):
            if open_end and at == last and task.plain:
                with _told(task, scope, runtime):
                    return await task.step.run(scope, runtime)
            outcome = await _governed(task, scope, runtime)
        if outcome is not MISSING:
            scope.steps[task.step.name] = outcome
        return outcome

    outcomes = await run_ordered(
        [partial(one, at) for at in range(len(block.tasks))], [task.after for task in block.tasks]
    )
    return outcomes[-1] if outcomes else MISSING


@contextmanager
def _reading(task: Task) -> Iterator[None]:
    """Values that cannot be read are the caller's fault in a whole call, and else those of an earlier step.

    What a template says may quote a value, and values may be secrets.
    """
    try:
        yield
    except (TemplateError, JsonPathBudgetError) as error:
        if not task.kind:
            raise InputError("a template of 'with' cannot be evaluated with these arguments") from error
        message = f"a template of step '{task.step.name}' cannot be evaluated with what is there"
        raise MappingError(message) from error


def document_of(block: Block, scope: Scope) -> Json | Missing:
    """What the mappings of a block make; MISSING for none, or when they find nothing. Raises MappingError."""
    try:
        return MISSING if block.document is None else block.document.read(scope)
    except (TemplateError, JsonPathBudgetError) as error:
        raise MappingError("a value of 'mappings' cannot be evaluated with what is there") from error


async def _governed(task: Task, scope: Scope, runtime: Runtime) -> Json | Missing:
    if task.loop is not None:
        return await _each(task, task.loop, scope, runtime)
    return await _once(task, scope, runtime)


async def _each(task: Task, loop: Loop, scope: Scope, runtime: Runtime) -> Json | Missing:
    """The outputs for all elements in their order, without those that gave none."""
    elements = _elements(task, loop, scope)
    jobs = [
        partial(_once, task, scope.within({loop.variable: element, "index": at}), runtime)
        for at, element in enumerate(elements)
    ]
    outcomes = await run_ordered(jobs, limit=loop.concurrency)
    return [outcome for outcome in outcomes if outcome is not MISSING]


def _elements(task: Task, loop: Loop, scope: Scope) -> list[Json]:
    found = loop.items.read(scope)
    if found is MISSING or found is None:
        return []
    if isinstance(found, dict):
        return [found]  # formats without lists, such as XML, write a list of one as its element
    if not isinstance(found, list):
        raise MappingError(f"step '{task.step.name}' runs for each element of a list, and got no list")
    if len(found) > loop.limit:
        raise MappingError(
            f"step '{task.step.name}' would run {len(found)} times, and at most {loop.limit} are allowed",
            hint="ask for fewer, or raise 'max-items' of its 'for-each'",
        )
    return found


async def _once(task: Task, scope: Scope, runtime: Runtime) -> Json | Missing:
    try:
        with _reading(task):
            if task.condition is not None and not holds(task.condition, scope):
                return MISSING
            return await _outcome(task, scope, runtime)
    except CallError as error:
        if task.recovery is None:
            raise
        return await _recovered(task.recovery, error, scope, runtime)


async def _outcome(task: Task, scope: Scope, runtime: Runtime) -> Json | Missing:
    with _told(task, scope, runtime):
        outcome = await _ran(task, scope, runtime)
        if not isinstance(outcome, Answer):
            return outcome
        if is_failure(outcome.status):
            raise StepError(
                f"step '{task.step.name}' failed: {outcome.operation} answered {outcome.status}",
                upstream_status=outcome.status,
                body=await runtime.error_body(outcome),
            )
        return await runtime.output(outcome)


async def _ran(task: Task, scope: Scope, runtime: Runtime) -> Answer | Json | Missing:
    """What the step gave. An upstream that gives no answer is named by the step."""
    try:
        return await task.step.run(scope, runtime)
    except (UpstreamError, UpstreamTimeout) as error:
        if not task.kind or isinstance(error, StepError) or "step '" in str(error):
            raise
        said, hint = error.problems[0].message, error.problems[0].hint
        raise type(error)(
            f"step '{task.step.name}' failed: {said}", hint=hint, retry_after=error.retry_after
        ) from error


def _told(task: Task, scope: Scope, runtime: Runtime) -> AbstractContextManager[None]:
    """A block of which events tell as a step; of a call that is a whole flow they tell anyway."""
    if not task.kind:
        return nullcontext()
    return runtime.events.step(task.step.name, task.kind, scope.flow)


async def _recovered(recovery: Recovery, error: CallError, scope: Scope, runtime: Runtime) -> Json | Missing:
    within = scope.within({"error": _described(error)})
    if recovery.block is not None:
        return await run_block(recovery.block, within, runtime)
    return MISSING if recovery.value is None else recovery.value.read(within)


def _described(error: CallError) -> dict[str, Json]:
    """An error as steps see it: `code`, `message`, and `status` and `body` of the upstream's answer."""
    status = error.upstream_status if isinstance(error, StepError) else None
    body = error.body if isinstance(error, StepError) else None
    return {"code": error.code, "message": error.problems[0].message, "status": status, "body": body}


def holds(condition: Reader, scope: Scope) -> bool:
    """Whether a condition's value counts as true: all but null, false, 0, "false", and what is empty."""
    value = condition.read(scope)
    if value is MISSING or value in _NOTHING:
        return False
    return not (isinstance(value, str) and value.strip().lower() in ("", "false"))
