"""Flows that start jobs to the resources of those jobs: where they are, and what OpenAPI says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from capspec.desk import envelope_schema
from capspec.plan import Flow
from capspec.values import Json

HANDLE: Final = "handle"
"""The placeholder of a job's handle."""

RESULT: Final = "/result"
"""What follows the path of a job in that of its result."""

_PROBLEM: dict[str, Json] = {"$ref": "#/components/responses/Problem"}

_PREFER: dict[str, Json] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "'wait=30' waits up to 30 seconds for the end of the job (RFC 7240).",
    "schema": {"type": "string"},
}
_RETRY_AFTER: dict[str, Json] = {
    "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer"}},
}
_LOCATION: dict[str, Json] = {
    "Location": {
        "description": "The job, to be asked about with GET.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
}
_APPLIED: dict[str, Json] = {
    "Preference-Applied": {
        "description": "What was heeded of the Prefer header.",
        "schema": {"type": "string"},
    },
}


def jobs_path(flow: Flow) -> str:
    """The path that the handles of a flow's jobs come after, percent-encoded, with a slash at its end.

    It has the published name, which no other flow of the listener has.
    """
    return f"/-/jobs/{quote(flow.published, safe='')}/"


def has_bytes(flow: Flow) -> bool:
    """Whether the result of a flow's jobs is bytes."""
    return flow.job is not None and flow.job.poll is not None and flow.job.poll.result.binary


def schema_name(flow: Flow) -> str:
    """The name of the envelope's schema among the components of a document."""
    return f"Job-{quote(flow.published, safe='').replace('%', '-')}"


def schema_of(flow: Flow) -> dict[str, Json]:
    """The schema of the envelope of a flow's jobs."""
    schema = envelope_schema(flow.output_schema)
    if has_bytes(flow):
        url = {
            "type": "string",
            "format": "uri-reference",
            "description": "Where the bytes of the result are.",
        }
        schema["properties"] = {**schema["properties"], "result_url": url}
    return schema


def prefer_parameter(*, starts: bool) -> dict[str, Json]:
    """The Prefer header; of a request that `starts` a job it means one thing more."""
    if not starts:
        return dict(_PREFER)
    return {
        **_PREFER,
        "description": f"{_PREFER['description']} 'respond-async' waits for nothing and answers with 202.",
    }


def start_responses(flow: Flow) -> dict[str, Json]:
    """The good answers to a request that starts a job."""
    ended = _content(flow)
    if has_bytes(flow):
        ended["*/*"] = {"schema": {}}
    return {
        "200": {"description": "The job has ended, well or not.", "headers": _APPLIED, "content": ended},
        "202": {
            "description": "The job is under way.",
            "headers": {**_LOCATION, **_RETRY_AFTER, **_APPLIED},
            "content": _content(flow),
        },
    }


def describe_jobs(flow: Flow) -> dict[str, dict[str, dict[str, Json]]]:
    """Path Items of a flow's jobs by path. Their `operationId` is what comes after that of the flow."""
    handle: dict[str, Json] = {
        "name": HANDLE,
        "in": "path",
        "required": True,
        "description": "What the envelope calls 'job', and the Location of the answer ends with.",
        "schema": {"type": "string"},
    }
    what = flow.title or flow.name
    job = {"get": _look(flow, handle, what)}
    if flow.job is not None and flow.job.follow_ups is not None and flow.job.follow_ups.cancel is not None:
        job["delete"] = _cancel(flow, handle, what)
    path = f"{jobs_path(flow)}{{{HANDLE}}}"
    return {path: job, f"{path}{RESULT}": {"get": _result(flow, handle, what)}}


def _look(flow: Flow, handle: Mapping[str, Json], what: str) -> dict[str, Json]:
    stream = {
        "type": "string",
        "description": "An event 'progress' for each change and an 'outcome' at the end, with the envelope.",
    }
    found = {
        "description": "Where the job stands, whether it went well or not.",
        "headers": {**_RETRY_AFTER, **_APPLIED},
        "content": {**_content(flow), "text/event-stream": {"schema": stream}},
    }
    return {
        "operationId": "job",
        "summary": f"A job of {what}",
        "parameters": [dict(handle), prefer_parameter(starts=False)],
        "responses": {"200": found, **_refusals()},
    }


def _cancel(flow: Flow, handle: Mapping[str, Json], what: str) -> dict[str, Json]:
    found = {
        "description": "Where the job stands after the provider was asked to stop it.",
        "content": _content(flow),
    }
    return {
        "operationId": "cancel",
        "summary": f"Cancel a job of {what}",
        "parameters": [dict(handle)],
        "responses": {"200": found, **_refusals()},
    }


def _result(flow: Flow, handle: Mapping[str, Json], what: str) -> dict[str, Json]:
    schema: dict[str, Json] = dict(flow.output_schema) if flow.output_schema is not None else {}
    content: Json = {"*/*": {"schema": {}}} if has_bytes(flow) else {"application/json": {"schema": schema}}
    missing = {
        "description": "There is no result, or not yet: where the job stands.",
        "headers": _RETRY_AFTER,
        "content": _content(flow),
    }
    return {
        "operationId": "result",
        "summary": f"The result of a job of {what}",
        "parameters": [dict(handle), prefer_parameter(starts=False)],
        "responses": {
            "200": {"description": "The result itself.", "content": content},
            **_refusals(),
            "409": missing,
        },
    }


def _content(flow: Flow) -> dict[str, Json]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema_name(flow)}"}}}


def _refusals() -> dict[str, Json]:
    return {"404": _PROBLEM, "410": _PROBLEM, "default": _PROBLEM}
