"""Jobs by themselves: a state for every instant, computed from the job alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capspec.sandbox.faults import Fault
from capspec.sandbox.faults.fault import JOB_KINDS
from capspec.sandbox.jobs import Job, JobStore, State

SECONDS = st.floats(min_value=0, max_value=1e4)
HIDING = ("vanish", "flap")


def make(queue: float = 1.0, run: float = 8.0, *kinds: str) -> Job:
    return Job(
        provider="p",
        number=1,
        id="j",
        kind="k",
        owner="o",
        created_at=1000.0,
        queue=queue,
        run=run,
        request={},
        faults=tuple(Fault(kind=kind) for kind in kinds),
    )


@given(SECONDS, SECONDS, SECONDS, SECONDS)
def test_an_untroubled_job_only_moves_forward(queue: float, run: float, first: float, later: float) -> None:
    job = make(queue, run)
    before, after = job.at(1000 + first), job.at(1000 + first + later)
    order = [State.QUEUED, State.RUNNING, State.SUCCEEDED]
    assert order.index(before.state) <= order.index(after.state)
    assert 0 <= before.progress <= after.progress <= 1


@given(st.sets(st.sampled_from(sorted(set(JOB_KINDS) - set(HIDING)))), SECONDS, SECONDS)
def test_what_is_final_stays_as_it_is_whatever_the_faults(
    kinds: set[str], first: float, later: float
) -> None:
    job = make(1.0, 8.0, *sorted(kinds))
    before = job.at(1000 + first)
    if before.state.final:
        assert job.at(1000 + first + later) == before
    assert job.at(1000 + first) == before


@given(st.integers(0, 2**64), st.integers(1, 10**6), st.text(max_size=20))
def test_draws_and_ids_follow_from_the_seed_and_the_number(seed: int, number: int, what: str) -> None:
    one, other = JobStore(seed=seed), JobStore(seed=seed)
    assert one.identifier("p", number) == other.identifier("p", number)
    drawn = one.draw("p", number, what, 2, 5)
    assert drawn == other.draw("p", number, what, 2, 5)
    assert 2 <= drawn <= 5


def test_a_job_ends_exactly_when_it_said() -> None:
    job = make(1.0, 8.0)
    assert [job.at(job.ends_at - 0.001).state, job.at(job.ends_at).state] == [State.RUNNING, State.SUCCEEDED]
    assert job.at(job.ends_at).finished_at == job.ends_at == 1009.0
