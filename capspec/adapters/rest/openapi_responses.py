"""A flow to the Responses Object of its operation (OpenAPI 3.1.1, 4.8.16): what its author says it answers,
else what it gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from capspec.adapters.rest.job_resources import start_responses
from capspec.model.responses import ContentSpec, ResponseSpec
from capspec.plan import Flow
from capspec.values import Json

UNAUTHORIZED: Mapping[str, Json] = {"$ref": "#/components/responses/Unauthorized"}


def describe_responses(flow: Flow, *, guarded: bool) -> dict[str, Json]:
    """Every status that a caller may see; `guarded` says that one may be that of a caller who is refused."""
    declared = {_status(item.status): _response(item) for item in flow.responses}
    given: dict[str, Json] = start_responses(flow) if flow.job is not None else {}
    if flow.job is None and not any(status.startswith("2") for status in declared):
        given = {"2XX": _given(flow)}
    responses: dict[str, Json] = {
        **declared,
        **given,
        "400": declared.get("400", {"$ref": "#/components/responses/InvalidInput"}),
        "default": {"$ref": "#/components/responses/Problem"},
    }
    if guarded:
        responses["401"] = UNAUTHORIZED
    return responses


def _given(flow: Flow) -> dict[str, Json]:
    schema = dict(flow.output_schema) if flow.output_schema is not None else {}
    media = "*/*" if flow.output.identity and flow.calls else "application/json"
    return {"description": "What the call gave.", "content": {media: {"schema": schema}}}


def _status(written: str) -> str:
    """OpenAPI has whole ranges of a hundred only."""
    return written if re.fullmatch(r"[1-5](\d\d|XX)", written) else f"{written[0]}XX"


def _response(spec: ResponseSpec) -> dict[str, Json]:
    # A description is required there.
    found: dict[str, Json] = {"description": spec.description or "What the call gave."}
    if spec.content:
        found["content"] = {item.media_type: {"schema": _schema(item)} for item in spec.content}
    return found


def _schema(spec: ContentSpec) -> dict[str, Json]:
    return spec.schema or ({"type": "string", "format": "binary"} if spec.binary else {})
