"""Jobs of thirteen kinds of API: each can be said in a file, and comes to the end that its answers mean."""

from __future__ import annotations

import pytest

from capspec.jobs.outcome import State
from tests.jobs.job_world import Reply, Script, World, capability, compiled, lost
from tests.jobs.providers import AZURE, BFL, DASHSCOPE, FAL, FLORA, GOOGLE, PROVIDERS, RUNWAY, Provider, Story

pytestmark = pytest.mark.anyio

STORIES = [
    pytest.param(provider, story, id=f"{name} {story.name}")
    for name, provider in PROVIDERS.items()
    for story in provider.stories
]


def world_of(provider: Provider, script: Script) -> World:
    return World(
        compiled(capability(provider.blocks, base=provider.base, operation=provider.operation)), script
    )


@pytest.mark.parametrize(("provider", "story"), STORIES)
async def test_a_job_comes_to_its_end(provider: Provider, story: Story) -> None:
    world = world_of(provider, story.replies)
    outcome = await world.run(**provider.arguments)
    assert outcome.state is story.state, outcome
    assert outcome.result == story.result
    assert (outcome.content, outcome.code, outcome.message) == (story.content, story.code, story.message)
    assert outcome.details == story.details
    assert story.times is None or world.times == list(story.times)


@pytest.mark.parametrize(("provider", "story"), STORIES)
async def test_a_job_is_submitted_once_and_every_request_carries_the_key_of_its_api(
    provider: Provider, story: Story
) -> None:
    world = world_of(provider, story.replies)
    await world.run(**provider.arguments)
    submit = f"{world.operation.method} "
    assert world.lines[0].startswith(submit)
    assert world.lines.count(world.lines[0]) == 1
    assert all(sent.header("x-key") == "sesame" for sent in world.transport.sent)
    assert world.transport.open == 0


# -- what only one of them has ------------------------------------------------------------------------------


async def test_the_latest_word_of_a_log_and_the_place_in_the_queue_are_told() -> None:
    status = "GET https://queue.fal.run/fal-ai/flux/requests/q1/status"
    waiting = Reply({"status": "IN_QUEUE", "queue_position": 2})
    busy = Reply({"status": "IN_PROGRESS", "logs": [{"message": "loading"}, {"message": "step 3 of 9"}]})
    replies = {**FAL.stories[0].replies, status: [waiting, busy, Reply({"status": "COMPLETED"})]}
    world = world_of(FAL, replies)
    await world.run()
    first, second = world.seen
    assert (first.state, first.position) == (State.QUEUED, 2)
    assert (second.state, second.message) == (State.RUNNING, "step 3 of 9")


async def test_the_body_of_a_question_holds_the_id_as_it_was_given() -> None:
    world = world_of(GOOGLE, GOOGLE.stories[0].replies)
    await world.run()
    assert world.transport.sent[1].json == {"operationName": "projects/p/operations/7"}


async def test_an_id_with_slashes_is_a_path_of_its_own() -> None:
    cancel = "POST https://aiplatform.example.com/v1/projects/p/operations/7:cancel"
    world = world_of(GOOGLE, {**GOOGLE.stories[0].replies, cancel: Reply({})})
    accepted = await world.submit()
    await world.jobs.cancel(accepted.job)
    assert cancel in world.lines


async def test_constant_headers_of_the_submission_go_with_every_question() -> None:
    world = world_of(RUNWAY, RUNWAY.stories[0].replies)
    await world.run()
    assert [sent.header("X-Runway-Version") for sent in world.transport.sent] == ["2024-11-06"] * 3


async def test_a_header_that_makes_an_api_asynchronous_is_sent() -> None:
    world = world_of(DASHSCOPE, DASHSCOPE.stories[0].replies)
    await world.run()
    assert world.transport.sent[0].header("X-DashScope-Async") == "enable"


async def test_a_result_can_be_fetched_for_as_long_as_the_file_says() -> None:
    world = world_of(BFL, BFL.stories[0].replies)
    outcome = await world.run()
    assert outcome.result_expires_at == world.clock.wall() + 600


async def test_a_code_that_may_pass_is_said_to_be_worth_another_try() -> None:
    world = world_of(FLORA, FLORA.stories[1].replies)
    assert (await world.run()).retryable is True
    world = world_of(RUNWAY, RUNWAY.stories[1].replies)
    assert (await world.run()).retryable is False


async def test_what_a_later_request_needs_of_the_arguments_is_kept_with_the_job() -> None:
    world = world_of(AZURE, AZURE.stories[0].replies)
    accepted = await world.submit(name="a b", secret="not needed")
    assert accepted.job.values == {"name": "a b"}


async def test_one_run_survives_a_reset_a_page_of_html_and_a_busy_server() -> None:
    run = "GET https://app.flora.ai/api/v1/runs/r1"
    html = Reply(b"<html>bad gateway</html>", 502, headers=(("Content-Type", "text/html"),))
    replies = {
        **FLORA.stories[0].replies,
        run: [
            lost(),
            html,
            Reply({"error": {"code": "rate_limited"}}, 429, headers=(("Retry-After", "9"),)),
            Reply({"status": "running", "progress": 30}),
            Reply({"status": "completed", "outputs": ["o"]}),
        ],
    }
    world = world_of(FLORA, replies)
    outcome = await world.run()
    assert (outcome.state, outcome.result, outcome.attempts) == (State.SUCCEEDED, ["o"], 5)
    assert world.times[2] - world.times[1] >= 2
    assert world.times[3] - world.times[2] == 9
