"""What the OpenAPI document says of jobs, and that the paths in it are those that are served."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.adapters.rest_jobs_world import CANCEL, JOBS, NameGuard, answers_with, job_world

pytestmark = pytest.mark.anyio

ENVELOPE = {"application/json": {"schema": {"$ref": "#/components/schemas/Job-make-picture"}}}


async def described(**options: Any) -> dict[str, Any]:
    async with job_world({}, guard=NameGuard(), **options) as world:
        answer = await world.client.get("/openapi.json", headers={"X-Name": "ann"})
    document: dict[str, Any] = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    return document


async def test_a_start_has_an_outcome_or_a_promise_of_one() -> None:
    document = await described()
    start = document["paths"]["/pictures"]["post"]
    responses = start["responses"]
    assert set(responses) == {"200", "202", "400", "401", "default"}
    assert set(responses["202"]["headers"]) == {"Location", "Retry-After", "Preference-Applied"}
    assert responses["200"]["content"] == responses["202"]["content"] == ENVELOPE
    assert [item["name"] for item in start["parameters"] if item["in"] == "header"] == ["Prefer"]
    assert "respond-async" in start["parameters"][0]["description"]


async def test_the_envelope_has_the_schema_of_the_result() -> None:
    schemas = (await described())["components"]["schemas"]
    assert set(schemas) == {"Problem", "Job-make-picture", "Job-make-picture-2", "Job-other"}
    assert "timed_out" in schemas["Job-other"]["properties"]["state"]["enum"]
    assert schemas["Job-make-picture-2"]["properties"]["result"]["properties"] == {
        "picture": {"type": ["string", "null"]}
    }
    assert "result_url" not in schemas["Job-other"]["properties"]


async def test_jobs_and_their_results_have_paths_of_their_own() -> None:
    paths = (await described(poll=CANCEL))["paths"]
    job, result = paths[f"{JOBS}{{handle}}"], paths[f"{JOBS}{{handle}}/result"]
    assert set(job) == {"get", "delete"}
    assert set(paths["/-/jobs/other/{handle}"]) == {"get"}
    assert set(job["get"]["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert job["delete"]["responses"]["200"]["content"] == ENVELOPE
    assert result["get"]["responses"]["409"]["content"] == ENVELOPE
    ids = [item["operationId"] for methods in paths.values() for item in methods.values()]
    assert len(ids) == len(set(ids))
    assert [item["operationId"] for item in (*job.values(), *result.values())] == [
        "make-picture-job", "make-picture-cancel", "make-picture-result",
    ]  # fmt: skip
    for operation in (*job.values(), *result.values()):
        assert {"401", "404", "410", "default"} <= set(operation["responses"])


async def test_results_of_bytes_may_be_anything() -> None:
    document = await described(result='{uri: "/jobs/{{id}}/content", format: binary}')
    properties = document["components"]["schemas"]["Job-make-picture"]["properties"]
    assert properties["result_url"]["format"] == "uri-reference"
    assert set(document["paths"]["/pictures"]["post"]["responses"]["200"]["content"]) == {
        "application/json", "*/*",
    }  # fmt: skip
    assert set(document["paths"][f"{JOBS}{{handle}}"]["get"]["responses"]["200"]["content"]) == {
        "application/json", "text/event-stream",
    }  # fmt: skip
    result = document["paths"][f"{JOBS}{{handle}}/result"]["get"]
    assert set(result["responses"]["200"]["content"]) == {"*/*"}


async def test_a_path_of_the_file_is_described_as_the_file_has_it() -> None:
    paths = (await described(routes=answers_with("own", f"{JOBS}{{handle}}"), poll=CANCEL))["paths"]
    assert paths[f"{JOBS}{{handle}}"]["get"]["operationId"] == "own"
    assert paths[f"{JOBS}{{handle}}"]["delete"]["operationId"] == "make-picture-cancel"
