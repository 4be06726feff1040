"""A job at some instant to FLORA's run object."""

from __future__ import annotations

from capspec.sandbox.jobs import Job, Snapshot, State
from capspec.sandbox.providers.flora.catalogue import KINDS, OUTPUT_TYPES
from capspec.sandbox.randomness import seeded

PREFIX = "/flora/api/v1"
_STATUS = {State.QUEUED: "pending", State.RUNNING: "running", State.SUCCEEDED: "completed"}
_CODES = {
    State.FAILED: ("GPU_PROVIDER_ERROR", "The provider failed to generate"),
    State.MODERATED_REQUEST: ("GENERATION_PROMPT_MODERATED", "The prompt was rejected"),
    State.MODERATED_CONTENT: ("safety_blocked", "The result was rejected"),
}
_WORDS = [
    "light",
    "over",
    "water",
    "while",
    "a",
    "slow",
    "wind",
    "moves",
    "the",
    "grass",
    "and",
    "nobody",
    "counts",
    "the",
    "hours",
]


def poll_url(job: Job, origin: str) -> str:
    """Where to ask for the run."""
    evil = job.fault("evil-poll-url")
    return (
        evil.text("url", f"http://evil.invalid/runs/{job.id}") if evil else f"{origin}{PREFIX}/runs/{job.id}"
    )


def run_json(job: Job, *, now: float, origin: str) -> dict[str, object]:
    """The run object at ``now``."""
    snapshot = job.at(now)
    run: dict[str, object] = {
        "run_id": job.id,
        "status": _status(job, snapshot),
        "progress": 100 if snapshot.state.final else int(snapshot.progress * 100),
        "created_at": int(job.created_at * 1000),
        "poll_url": poll_url(job, origin),
    }
    if snapshot.started_at is not None:
        run["started_at"] = int(snapshot.started_at * 1000)
    if snapshot.finished_at is not None:
        run["completed_at"] = int(snapshot.finished_at * 1000)
    if snapshot.state is State.SUCCEEDED:
        run["outputs"] = outputs(job, origin)
    if snapshot.state in _CODES:
        code, message = _CODES[snapshot.state]
        run |= {"error_code": snapshot.code or code, "error_message": snapshot.message or message}
    return run | _cost(job, snapshot, now)


def outputs(job: Job, origin: str) -> list[dict[str, str]]:
    """What a completed run leaves: links to its assets, or the text itself."""
    kind = next(known for known in KINDS if known == job.kind)
    if kind == "text":
        urls = [_text(job)]
    else:
        urls = [f"{origin}/media/flora/{job.id}/{i}.{asset.extension}" for i, asset in enumerate(job.media)]
    return [{"output_id": f"out_{i}", "type": OUTPUT_TYPES[kind], "url": url} for i, url in enumerate(urls)]


def _status(job: Job, snapshot: Snapshot) -> str:
    strange = job.fault("unknown-status")
    if strange and snapshot.state is State.RUNNING:
        return strange.text("status", "warming")
    return _STATUS.get(snapshot.state, "failed")


def _cost(job: Job, snapshot: Snapshot, now: float) -> dict[str, object]:
    """The charge, once it is settled; nothing for a run that failed."""
    late = job.fault("late-cost")
    settled = (
        snapshot.finished_at
        if late is None or snapshot.finished_at is None
        else (snapshot.finished_at + late.number("seconds", 2))
    )
    if settled is None or now < settled:
        return {}
    return {"charged_cost": 0.0 if snapshot.state.unpaid else job.cost}


def _text(job: Job) -> str:
    draw = seeded("text", job.request["prompt"], job.request["seed"])
    return f"{job.request['prompt']}: {' '.join(draw.sample(_WORDS, 8))}."
