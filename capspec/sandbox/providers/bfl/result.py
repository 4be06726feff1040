"""A job at some instant to BFL's ResultResponse."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from capspec.sandbox.jobs import Job, Snapshot, State
from capspec.sandbox.links import LinkSigner

LINK_LIFE = 600.0
_STATUS = {
    State.QUEUED: "Pending",
    State.RUNNING: "Pending",
    State.SUCCEEDED: "Ready",
    State.FAILED: "Error",
    State.MODERATED_REQUEST: "Request Moderated",
    State.MODERATED_CONTENT: "Content Moderated",
}
_MODERATION = {State.MODERATED_REQUEST: "moderate:request", State.MODERATED_CONTENT: "moderate:content"}


def sample_path(job: Job) -> str:
    """Where the job's picture lies, below the sandbox's root."""
    return f"/media/bfl/{job.id}/sample.{job.media[0].extension}"


def show_task_not_found(identifier: str) -> Response:
    """The 404 for an id that the store does not know, or not yet."""
    return JSONResponse(_body(identifier, "Task not found"), 404)


def result_response(job: Job, *, now: float, grace: float, links: LinkSigner, delivery: str) -> Response:
    """The job's answer at ``now``. grace: seconds before it is found; delivery: the links' origin."""
    snapshot = job.at(now)
    if snapshot.state is State.ABSENT or now < job.created_at + grace:
        return show_task_not_found(job.id)
    return JSONResponse(result_body(job, now=now, links=links, delivery=delivery), headers=_pace(snapshot))


def result_body(job: Job, *, now: float, links: LinkSigner, delivery: str) -> dict[str, object]:
    """The job's ResultResponse at ``now``, for polls and webhooks."""
    snapshot = job.at(now)
    body = _body(job.id, _status(job, snapshot))
    if snapshot.state is State.RUNNING:
        body["progress"] = min(9, max(1, int(snapshot.progress * 10))) / 10
    elif snapshot.state is State.SUCCEEDED:
        body |= {"result": _result(job, snapshot, now, links, delivery), "cost": job.cost}
    elif snapshot.state is State.FAILED:
        body["details"] = {"error": snapshot.message or snapshot.code or "Generation failed"}
    elif snapshot.state in _MODERATION:
        fault = job.fault(_MODERATION[snapshot.state])
        reason = fault.text("reason", "Sexual Content") if fault else "Sexual Content"
        body["details"] = {"Moderation Reasons": [reason]}
    return body


def _body(identifier: str, status: str) -> dict[str, object]:
    nothing: dict[str, object] = {"result": None, "progress": None, "details": None, "preview": None}
    return {"id": identifier, "status": status, **nothing}


def _status(job: Job, snapshot: Snapshot) -> str:
    strange = job.fault("unknown-status")
    if strange and snapshot.state is State.RUNNING:
        return strange.text("status", "Reasoning")
    return _STATUS[snapshot.state]


def _pace(snapshot: Snapshot) -> dict[str, str]:
    return {"retry-after": "0" if snapshot.state.final or snapshot.progress >= 0.5 else "1"}


def _result(job: Job, snapshot: Snapshot, now: float, links: LinkSigner, delivery: str) -> dict[str, object]:
    path = sample_path(job)
    expires = now - 1 if job.fault("expired-asset") else now + LINK_LIFE
    query = links.query(path, expires=expires, media_type=job.media[0].media_type)
    started, finished = snapshot.started_at or 0.0, snapshot.finished_at or 0.0
    return {
        "sample": f"{delivery}{path}?{query}",
        "prompt": job.media[0].prompt,
        "seed": job.media[0].seed,
        "start_time": started,
        "end_time": finished,
        "duration": finished - started,
    }
