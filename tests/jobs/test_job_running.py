"""Jobs waited for, looked at and canceled: what goes wrong never loses one, and never pays for one twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from capspec.clock import SystemClock
from capspec.errors import JobNotFound, Unavailable, UpstreamError
from capspec.jobs.outcome import Outcome, State
from capspec.jobs.reference import JobRef
from capspec.jobs.running import LAST_LOOK, Accepted
from capspec.plan import Answer
from capspec.values import MISSING
from tests.jobs.job_world import BASE, Reply, World, lost, world

pytestmark = pytest.mark.anyio

SUBMIT = f"POST {BASE}/jobs"
LOOK = f"GET {BASE}/jobs/j1"
CANCEL = f"DELETE {BASE}/jobs/j1"
RESULT = f"GET {BASE}/jobs/j1/result"
ACCEPTED = Reply({"id": "j1"}, 202)
RUNNING = Reply({"status": "running"})
DONE = Reply({"status": "done", "result": "picture"})
GARBAGE = Reply(b"<html>hello</html>", headers=(("Content-Type", "text/html"),))


def blocks(more: str = "", *, result: str = "{path: $.result}", status: str = "") -> str:
    return f"""
poll:
  id: $.id
  request: {{uri: "/jobs/{{{{id}}}}"}}
  status: {{path: $.status, success: [done], failure: [failed], canceled: [stopped], {status}}}
  result: {result}
  error: {{code: $.code, message: $.reason}}
  {more or "interval: 2s"}
"""


def maker(
    *looks: Reply,
    more: str = "",
    result: str = "{path: $.result}",
    status: str = "",
    also: Mapping[str, Reply | Sequence[Reply]] | None = None,
) -> World:
    """A maker that accepts a job, and gives these answers about it."""
    script = {SUBMIT: [ACCEPTED], LOOK: list(looks), **(also or {})}
    return world(blocks(more, result=result, status=status), script)


# -- ends --------------------------------------------------------------------------------------------------


async def test_an_accepted_job_is_queued_and_says_when_to_look() -> None:
    accepted = await maker(DONE).submit()
    assert accepted.job.id == "j1"
    assert (accepted.outcome.state, accepted.outcome.job_id) == (State.QUEUED, "j1")
    assert accepted.outcome.retry_after == 2


async def test_a_submission_that_is_refused_is_no_job() -> None:
    made = world(blocks(), {SUBMIT: Reply({"detail": "no credits"}, 402)})
    answer = await made.offer()
    assert isinstance(answer, Answer)
    assert (answer.status, await answer.read()) == (402, b'{"detail": "no credits"}')


async def test_a_submission_without_an_answer_is_an_error_and_not_repeated() -> None:
    made = world(blocks(), {SUBMIT: lost()})
    with pytest.raises(UpstreamError):
        await made.offer()
    assert made.lines == [SUBMIT]


async def test_an_answer_that_breaks_off_after_its_headers_may_have_started_a_job() -> None:
    made = world(blocks(), {SUBMIT: Reply({"id": "j1"}, 202, lost="within")})
    accepted = await made.submit()
    assert (accepted.outcome.state, accepted.outcome.code) == (State.UNKNOWN, "no_job_id")
    assert "broke off" in accepted.outcome.message
    assert not accepted.outcome.retryable
    assert made.lines == [SUBMIT]


@pytest.mark.parametrize("reply", [GARBAGE, Reply({}), Reply({"id": None}), Reply({"id": ""}), Reply(None)])
async def test_an_answer_that_names_no_job_is_said_to_be_unknown(reply: Reply) -> None:
    accepted = await world(blocks(), {SUBMIT: reply}).submit()
    assert (accepted.outcome.state, accepted.outcome.code) == (State.UNKNOWN, "no_job_id")


async def test_an_answer_that_names_no_job_and_a_reason_is_a_failure() -> None:
    accepted = await world(blocks(), {SUBMIT: Reply({"code": 1008, "reason": "no balance"})}).submit()
    outcome = accepted.outcome
    assert (outcome.state, outcome.code, outcome.message) == (State.FAILED, "1008", "no balance")


async def test_a_word_for_success_in_the_first_answer_means_nothing_without_a_result() -> None:
    made = world(blocks(), {SUBMIT: Reply({"id": "j1", "status": "done"}), LOOK: DONE})
    assert (await made.run()).result == "picture"
    assert made.lines == [SUBMIT, LOOK]


async def test_a_job_that_succeeds_without_its_result_has_succeeded() -> None:
    outcome = await maker(Reply({"status": "done"})).run()
    assert (outcome.state, outcome.result) == (State.SUCCEEDED, None)


async def test_an_unknown_status_is_pending_unless_the_file_says_that_it_fails() -> None:
    odd = Reply({"status": "dreaming"})
    assert (await maker(odd, DONE).run()).state is State.SUCCEEDED
    outcome = await maker(odd, DONE, status="unknown: fail").run()
    assert (outcome.state, outcome.message) == (State.FAILED, "the job ended with the status 'dreaming'")


async def test_without_result_the_whole_last_answer_is_the_result() -> None:
    block = blocks().replace("  result: {path: $.result}\n", "")
    made = world(block, {SUBMIT: ACCEPTED, LOOK: Reply({"status": "done", "a": 1})})
    assert (await made.run()).result == {"status": "done", "a": 1}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"status": "Queued"}, State.QUEUED),
        ({"status": "IN_QUEUE"}, State.QUEUED),
        ({"status": "pending", "part": None}, State.QUEUED),
        ({"status": "pending", "part": 0}, State.QUEUED),
        ({"status": "pending", "part": 0.4}, State.RUNNING),
        ({"status": "pending", "place": 3}, State.QUEUED),
        ({"status": "reasoning", "place": 0}, State.QUEUED),
        ({"status": "reasoning"}, State.RUNNING),
    ],
)
async def test_a_job_that_has_not_begun_is_queued(body: Any, state: State) -> None:
    made = maker(Reply(body), more="progress: {path: $.part}\n  position: $.place")
    assert (await made.jobs.check((await made.submit()).job)).state is state


async def test_a_job_can_be_asked_about_for_a_day_and_longer_where_its_result_lasts() -> None:
    job = (await maker(DONE, more="timeout: 1h").submit()).job
    assert job.expires_at - job.submitted_at == 25 * 3600
    job = (await maker(DONE, more="timeout: 1h", result="{path: $.result, expires: 48h}").submit()).job
    assert job.expires_at - job.submitted_at == 49 * 3600


# -- what goes wrong while waiting ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [lost(), lost("within"), GARBAGE, Reply(None, 500), Reply({}, 429), Reply(None), Reply(b"\xff{", 200)],
)
async def test_trouble_passes(trouble: Reply) -> None:
    if trouble.lost == "within":
        trouble = Reply({"status": "done"}, lost="within")
    made = maker(trouble, trouble, RUNNING, trouble, DONE, more="maxErrors: 2")
    outcome = await made.run()
    assert (outcome.state, outcome.attempts) == (State.SUCCEEDED, 5)
    assert made.lines.count(SUBMIT) == 1


async def test_too_much_trouble_in_a_row_ends_the_wait_but_not_the_job() -> None:
    made = maker(RUNNING, GARBAGE, more="maxErrors: 2")
    outcome = await made.run()
    assert (outcome.state, outcome.code, outcome.job_id) == (State.UNKNOWN, "poll_failed", "j1")
    assert (outcome.attempts, outcome.retryable) == (4, False)


async def test_the_last_trouble_is_told() -> None:
    made = maker(lost(), more="maxErrors: 0")
    assert "broke off" in (await made.run()).message


@pytest.mark.parametrize("code", [400, 401, 403, 409, 301, 302, 307])
async def test_a_refused_question_ends_the_wait_at_once_but_not_the_job(code: int) -> None:
    made = maker(RUNNING, Reply({"reason": "go away"}, code, headers=(("Location", "https://evil.test/"),)))
    outcome = await made.run()
    assert (outcome.state, outcome.code, outcome.attempts) == (State.UNKNOWN, "poll_rejected", 2)
    assert "go away" in outcome.message
    assert {sent.host for sent in made.transport.sent} == {"api.maker.test"}


async def test_an_answer_over_the_size_limit_is_not_asked_for_again() -> None:
    made = maker(Reply({"status": "running", "x": "y" * (11 * 1024 * 1024)}), DONE)
    outcome = await made.run()
    assert (outcome.state, outcome.attempts) == (State.UNKNOWN, 1)


async def test_a_busy_provider_is_obeyed_even_when_it_says_now() -> None:
    busy = Reply({}, 429, headers=(("Retry-After", "0"),))
    made = maker(busy, busy, DONE)
    assert (await made.run()).state is State.SUCCEEDED
    assert made.times == [2, 2.5, 3]


async def test_progress_never_goes_back_and_the_end_counts_before_it() -> None:
    looks = [Reply({"status": "running", "done": value}) for value in (10, 60, 40, None, 90)]
    made = maker(*looks, Reply({"status": "failed", "done": 100}), more="progress: {path: $.done, max: 100}")
    outcome = await made.run()
    assert [seen.progress for seen in made.seen] == [0.1, 0.6, 0.6, 0.6, 0.9]
    assert outcome.state is State.FAILED


async def test_trouble_is_not_told_as_progress() -> None:
    made = maker(RUNNING, lost(), RUNNING, DONE)
    await made.run()
    assert [seen.state for seen in made.seen] == [State.RUNNING, State.RUNNING]


# -- time --------------------------------------------------------------------------------------------------


async def test_a_wait_ends_when_its_time_is_over_and_can_be_taken_up_again() -> None:
    made = maker(RUNNING, RUNNING, RUNNING, RUNNING, DONE)
    accepted = await made.submit()
    outcome = await made.wait(accepted.job, until=5)
    assert (outcome.state, outcome.attempts, outcome.retry_after) == (State.RUNNING, 3, 2)
    assert made.times == [2, 4, 5]
    again = await made.wait(accepted.job, until=60)
    assert (again.state, again.attempts) == (State.SUCCEEDED, 2)


async def test_a_wait_of_no_time_is_one_look() -> None:
    made = maker(RUNNING)
    accepted = await made.submit()
    outcome = await made.wait(accepted.job, until=0)
    assert (outcome.state, outcome.attempts) == (State.RUNNING, 1)
    assert made.times == [0]


async def test_a_last_look_does_not_come_earlier_than_the_provider_asked() -> None:
    made = maker(Reply({"status": "running"}, headers=(("Retry-After", "30"),)))
    outcome = await made.wait((await made.submit()).job, until=10)
    assert (outcome.attempts, outcome.retry_after) == (1, 30)
    assert made.clock.monotonic() == 2


async def test_a_job_that_takes_too_long_is_not_said_to_have_failed() -> None:
    made = maker(RUNNING, more="timeout: 7s")
    accepted = await made.submit()
    outcome = await made.wait(accepted.job)
    assert (outcome.state, outcome.code, outcome.job_id) == (State.TIMED_OUT, "timed_out", "j1")
    assert "may still be running" in outcome.message
    assert not outcome.retryable
    assert made.times == [2, 4, 6, 7]


async def test_a_job_can_be_asked_about_after_its_time() -> None:
    made = maker(RUNNING, RUNNING, RUNNING, DONE, more="timeout: 5s")
    accepted = await made.submit()
    assert (await made.wait(accepted.job)).state is State.TIMED_OUT
    made.clock.advance(3600)
    assert (await made.wait(accepted.job)).result == "picture"


async def test_the_number_of_looks_can_be_limited() -> None:
    outcome = await maker(RUNNING, more="maxAttempts: 3").run()
    assert (outcome.state, outcome.attempts) == (State.TIMED_OUT, 3)


async def test_a_job_that_takes_too_long_is_canceled_where_the_file_says_so() -> None:
    more = 'timeout: 3s\n  onTimeout: cancel\n  cancel: {uri: "/jobs/{{id}}", method: DELETE}'
    stopped = Reply({"status": "stopped"})
    made = maker(RUNNING, RUNNING, stopped, more=more, also={CANCEL: Reply(None, 204)})
    outcome = await made.run()
    assert (outcome.state, outcome.attempts) == (State.CANCELED, 2)
    made = maker(RUNNING, more=more, also={CANCEL: Reply({"reason": "too late"}, 409)})
    outcome = await made.run()
    assert outcome.state is State.TIMED_OUT
    assert "HTTP 409, too late" in outcome.message


async def test_an_answer_that_takes_too_long_does_not_hold_up_the_wait() -> None:
    made = maker(RUNNING, Reply({"status": "done"}, takes=30))
    outcome = await made.wait((await made.submit()).job, until=4)
    assert outcome.state is State.RUNNING
    assert made.clock.monotonic() == 4 + 30


async def test_an_answer_that_never_comes_is_left_behind_at_the_end_of_the_wait() -> None:
    """With real time, because only that interrupts."""
    made = maker(RUNNING)
    hanging = asyncio.Event()

    class Stuck:
        async def send(self, operation: Any, arguments: Any, extra: Any = None) -> Answer:
            await hanging.wait()
            raise AssertionError

    accepted = await made.submit()
    made.jobs._clock = clock = _Hasty()
    made.jobs._looker = type(made.jobs._looker)(Stuck(), clock)  # type: ignore[arg-type]
    outcome = await made.jobs.wait(accepted.job, until=0)
    assert (outcome.state, outcome.attempts) == (State.QUEUED, 1)
    assert clock.limits == [LAST_LOOK]


class _Hasty(SystemClock):
    """Real time in which every limit is reached at once."""

    def __init__(self) -> None:
        self.limits: list[float | None] = []

    def wall(self) -> float:
        return 1_800_000_000.0

    def timeout(self, seconds: float | None) -> Any:
        self.limits.append(seconds)
        return super().timeout(0.01)


async def test_a_caller_that_goes_away_leaves_the_job_alone() -> None:
    made = maker(RUNNING)
    accepted = await made.submit()
    waiting = asyncio.ensure_future(made.wait(accepted.job))
    await made.looked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert made.transport.open == 0
    assert CANCEL not in made.lines


# -- one look ----------------------------------------------------------------------------------------------


async def test_a_look_says_where_the_job_stands_and_when_to_come_again() -> None:
    made = maker(RUNNING, Reply({"status": "running"}, headers=(("Retry-After", "9"),)), DONE)
    job = (await made.submit()).job
    first, second, third = [await made.jobs.check(job) for _ in range(3)]
    assert (first.state, first.retry_after) == (State.RUNNING, 2)
    assert second.retry_after == 9
    assert (third.state, third.result, third.retry_after) == (State.SUCCEEDED, "picture", None)


async def test_a_look_that_fails_says_nothing_of_the_job() -> None:
    made = maker(lost(), Reply({}, 503), DONE)
    job = (await made.submit()).job
    assert (await made.jobs.check(job)).state is State.UNKNOWN
    assert (await made.jobs.check(job)).state is State.UNKNOWN
    assert (await made.jobs.check(job)).state is State.SUCCEEDED


async def test_a_job_of_another_file_is_not_there() -> None:
    made = maker(DONE)
    job = JobRef(operation="other.make", id="j1", submitted_at=0, look_at=0, expires_at=1)
    for ask in (made.jobs.check, made.jobs.wait, made.jobs.cancel):
        with pytest.raises(JobNotFound):
            await ask(job)


async def test_a_job_as_plain_data_is_the_same_job() -> None:
    made = maker(RUNNING, DONE)
    job = (await made.submit()).job
    assert JobRef.from_json(job.to_json()) == job
    assert (await made.wait(JobRef.from_json(job.to_json()))).result == "picture"


# -- results that take a request of their own ----------------------------------------------------------------

SECOND = '{uri: "/jobs/{{id}}/result", path: $.url}'


async def test_trouble_with_the_result_passes_and_the_job_is_looked_at_again() -> None:
    made = maker(
        RUNNING, DONE, result=SECOND, also={RESULT: [lost(), Reply({}, 503), GARBAGE, Reply({"url": "u"})]}
    )
    outcome = await made.run()
    assert (outcome.state, outcome.result) == (State.SUCCEEDED, "u")
    assert made.lines.count(RESULT) == 4


async def test_a_result_that_is_always_refused_is_a_failure_with_its_reason() -> None:
    reply = Reply({"code": "LOST", "reason": "disk full"}, 500)
    made = maker(DONE, result=SECOND, more="maxErrors: 1", also={RESULT: reply})
    outcome = await made.run()
    assert (outcome.state, outcome.code, outcome.message) == (State.FAILED, "LOST", "disk full")
    made = maker(DONE, result=SECOND, also={RESULT: reply})
    assert (await made.jobs.check((await made.submit()).job)).state is State.UNKNOWN


async def test_a_result_that_cannot_be_reached_leaves_the_job_unknown() -> None:
    made = maker(DONE, result=SECOND, more="maxErrors: 1", also={RESULT: lost()})
    outcome = await made.run()
    assert (outcome.state, outcome.code) == (State.UNKNOWN, "poll_failed")


@pytest.mark.parametrize("code", [404, 410, 302])
async def test_a_result_that_is_not_there_is_a_failure(code: int) -> None:
    outcome = await maker(DONE, result=SECOND, also={RESULT: Reply({}, code)}).run()
    assert (outcome.state, outcome.code) == (State.FAILED, "result_failed")


async def test_an_answer_without_the_result_is_a_failure() -> None:
    outcome = await maker(DONE, result=SECOND, also={RESULT: Reply({"url": None})}).run()
    assert (outcome.state, outcome.code) == (State.FAILED, "result_missing")


async def test_a_declared_operation_can_fetch_the_result() -> None:
    more = """
- name: fetch
  method: GET
  path: /files/{file}
  inputParameters: [{name: file, in: path}, {name: size, in: query, value: large}]
"""
    made = world(
        blocks(result='{call: maker.fetch, with: {file: "{{status.file}}", as: png}, path: $.url}'),
        {
            SUBMIT: ACCEPTED,
            LOOK: Reply({"status": "done", "file": "f/1"}),
            f"GET {BASE}/files/f%2F1?size=large&as=png": Reply({"url": "u"}),
        },
        more=more,
    )
    assert (await made.run()).result == "u"


async def test_a_job_can_have_ended_when_it_is_submitted_and_still_need_its_result_fetched() -> None:
    made = world(
        blocks(result=SECOND), {SUBMIT: Reply({"id": "j1", "status": "done"}), RESULT: Reply({"url": "u"})}
    )
    accepted = await made.submit()
    assert (accepted.outcome.state, accepted.outcome.result) == (State.SUCCEEDED, "u")
    made = world(
        blocks(result=SECOND),
        {SUBMIT: Reply({"id": "j1", "status": "done"}), RESULT: [lost(), Reply({"url": "u"})], LOOK: DONE},
    )
    assert (await made.run()).result == "u"
    assert made.lines == [SUBMIT, RESULT, LOOK, RESULT]


async def test_bytes_are_handed_over_as_they_are() -> None:
    film = Reply(b"\x00\xff\x00", headers=(("Content-Type", "video/mp4"),))
    made = maker(DONE, result='{uri: "/jobs/{{id}}/result", format: binary}', also={RESULT: film})
    outcome = await made.run()
    assert (outcome.content, outcome.media_type, outcome.result) == (b"\x00\xff\x00", "video/mp4", MISSING)


# -- canceling ---------------------------------------------------------------------------------------------

STOPPABLE = 'cancel: {uri: "/jobs/{{id}}", method: DELETE}'


async def canceled(made: World) -> Outcome:
    return await made.jobs.cancel((await made.submit()).job)


async def test_a_canceled_job_is_looked_at_once_more() -> None:
    outcome = await canceled(
        maker(Reply({"status": "stopped"}), more=STOPPABLE, also={CANCEL: Reply(None, 202)})
    )
    assert outcome.state is State.CANCELED


async def test_the_answer_to_canceling_can_say_that_it_is_canceled() -> None:
    made = maker(RUNNING, more=STOPPABLE, also={CANCEL: Reply({"status": "stopped"})})
    assert (await canceled(made)).state is State.CANCELED
    assert made.lines == [SUBMIT, CANCEL]


async def test_a_job_that_is_deleted_and_no_longer_found_was_canceled() -> None:
    outcome = await canceled(maker(Reply({}, 404), more=STOPPABLE, also={CANCEL: Reply(None, 204)}))
    assert (outcome.state, outcome.code) == (State.CANCELED, "canceled")


async def test_a_job_that_goes_on_for_a_while_was_asked_to_stop() -> None:
    outcome = await canceled(maker(RUNNING, more=STOPPABLE, also={CANCEL: Reply(None, 202)}))
    assert (outcome.state, outcome.message) == (State.RUNNING, "the provider was asked to cancel the job")


async def test_a_job_that_had_ended_keeps_its_end() -> None:
    made = maker(DONE, more=STOPPABLE, also={CANCEL: Reply({"reason": "already done"}, 409)})
    outcome = await canceled(made)
    assert (outcome.state, outcome.result) == (State.SUCCEEDED, "picture")


@pytest.mark.parametrize(
    ("reply", "said"), [(Reply({"reason": "no"}, 403), "HTTP 403, no"), (lost(), "broke off")]
)
async def test_a_job_that_cannot_be_canceled_says_why(reply: Reply, said: str) -> None:
    outcome = await canceled(maker(RUNNING, more=STOPPABLE, also={CANCEL: reply}))
    assert outcome.state is State.RUNNING
    assert said in outcome.message


async def test_a_file_that_says_nothing_of_canceling_cannot_cancel() -> None:
    made = maker(RUNNING)
    assert not made.jobs.can_cancel(made.operation)
    with pytest.raises(Unavailable):
        await canceled(made)


async def test_an_answer_that_gave_no_address_for_canceling_cannot_be_canceled() -> None:
    more = "cancel: {uriFrom: {body: $.stop}}\n  onTimeout: cancel\n  timeout: 3s"
    made = maker(RUNNING, more=more)
    assert made.jobs.can_cancel(made.operation)
    with pytest.raises(Unavailable):
        await canceled(made)
    outcome = await made.run()
    assert outcome.state is State.TIMED_OUT
    assert "no address" in outcome.message


# -- together ----------------------------------------------------------------------------------------------


async def test_many_jobs_share_nothing() -> None:
    def answer(request: Any) -> Reply:
        if request.method == "POST":
            numbers.append(len(numbers))
            return Reply({"id": f"n{numbers[-1]}"})
        return Reply({"status": "done", "result": request.url.rpartition("/")[2]})

    numbers: list[int] = []
    made = world(blocks(), answer)
    outcomes = await asyncio.gather(*(made.run() for _ in range(50)))
    assert sorted(str(outcome.result) for outcome in outcomes) == sorted(f"n{number}" for number in range(50))
    assert all(outcome.result == outcome.job_id for outcome in outcomes)


async def test_an_operation_without_jobs_is_told_apart() -> None:
    made = maker(DONE)
    assert isinstance(await made.offer(), Accepted)
    plain = world("", {})
    with pytest.raises(LookupError):
        await plain.offer()


# -- odd answers -------------------------------------------------------------------------------------------


async def test_an_answer_that_is_too_large_for_a_path_is_trouble_and_not_the_end() -> None:
    wide = Reply({"status": [[0] * 1000] * 1100})
    made = world(blocks().replace("path: $.status", "path: $..status"), {SUBMIT: ACCEPTED, LOOK: wide})
    outcome = await made.run()
    assert (outcome.state, outcome.code, outcome.attempts) == (State.UNKNOWN, "poll_failed", 6)


async def test_a_flag_can_be_a_status_among_others() -> None:
    made = maker(Reply({"status": False}), Reply({"status": True, "result": "r"}))
    block = blocks().replace("[done]", "[true]")
    made = world(block, made.transport.script)
    assert (await made.run()).result == "r"


async def test_a_look_after_canceling_that_fails_says_nothing_of_the_job() -> None:
    outcome = await canceled(maker(lost(), more=STOPPABLE, also={CANCEL: Reply(None, 202)}))
    assert (outcome.state, outcome.message) == (State.UNKNOWN, "the provider was asked to cancel the job")
