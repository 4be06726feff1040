"""Fields of the newest dialects, seen by real clients: sizes, media types, freshness, versions, tunnels."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstreams import reply
from tests.whole import plan_of, running, text_of

pytestmark = pytest.mark.anyio

IMAGE = b"\x89PNG" + b"x" * 60


def capability(
    *, operation: str = "", rest: str = "", mcp: str = "", flow: str = "", api: str = "", info: str = ""
) -> str:
    return f"""
ikanos: 1.0.0-beta5
info: {{display: Pictures, description: Of things{info}}}
capability:
  consumes:
  - namespace: up
    type: http
    baseUri: http://up.test
    {api}
    resources:
      pictures: {{path: /picture, operations: {{get: {{method: GET, outputRawFormat: binary{operation}}}, list: {{method: GET}}}}}}
  exposes:
  - type: rest
    port: 1
    namespace: r
    resources:
      picture: {{path: /picture, operations: {{get: {{method: GET, call: up.get{flow}}}}}}}
    {rest}
  - type: mcp
    port: 2
    namespace: m
    tools: {{picture: {{description: A picture., call: up.get}}, list: {{description: All., call: up.list}}}}
    resources: {{it: {{display: It, uri: 'doc://it', description: It., call: up.list}}}}
    prompts: {{ask: {{display: Ask, description: Asks., template: [{{role: user, content: Hi}}]}}}}
    {mcp}
"""  # fmt: skip


def picture(media_type: str = "application/octet-stream", *, status: int = 200) -> Any:
    return {"*": reply(status, IMAGE, ("Content-Type", media_type))}


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    + f"{len(IMAGE):x}\r\n".encode() + IMAGE + b"\r\n0\r\n\r\n"
)  # fmt: skip


# -- maxBinarySize --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "limit"), [
    (capability(operation=", maxBinarySize: 63B"), 63),
    (capability(operation=", maxBinarySize: 0.05KiB"), 51),
    (capability(rest="maxBinarySize: 10B", mcp="maxBinarySize: 10B"), 10),
    (capability(operation=", maxBinarySize: 20B", rest="maxBinarySize: 1GiB", mcp="maxBinarySize: 1MiB"), 20),
])  # fmt: skip
async def test_an_answer_over_the_limit_is_an_error_that_names_it(text: str, limit: int) -> None:
    async with running(text, picture()) as whole:
        answer = await whole.get("/picture")
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"more than {limit} bytes" in answer.text
        assert "maxBinarySize" in answer.text
        result = await whole.tool("picture")
        assert result.is_error
        assert f"more than {limit} bytes" in text_of(result)


@pytest.mark.parametrize("text", [
    capability(operation=", maxBinarySize: 64B"),
    capability(operation=", maxBinarySize: 1KiB", rest="maxBinarySize: 1B"),
    capability(rest="maxBinarySize: 0.5MiB"),
    capability(),
])  # fmt: skip
async def test_an_answer_within_the_limit_that_counts_is_passed_on(text: str) -> None:
    async with running(text, picture()) as whole:
        answer = await whole.get("/picture")
        assert (answer.status_code, answer.content) == (200, IMAGE)


async def test_the_limit_of_one_adapter_is_not_that_of_another() -> None:
    async with running(capability(mcp="maxBinarySize: 1B"), picture("image/png")) as whole:
        assert (await whole.get("/picture")).content == IMAGE
        assert (await whole.tool("picture")).is_error


async def test_an_answer_of_unknown_length_is_cut_off_at_the_limit_for_tools() -> None:
    async with running(capability(operation=", maxBinarySize: 8B"), {"*": CHUNKED}) as whole:
        result = await whole.tool("picture")
        assert result.is_error
        assert "more than 8 bytes" in text_of(result)


async def test_an_adapters_limit_is_for_bytes_and_not_for_json() -> None:
    async with running(capability(mcp="maxBinarySize: 1B"), {"*": {"a": "much more than a byte"}}) as whole:
        assert not (await whole.tool("list")).is_error


@pytest.mark.parametrize(
    "text", [capability(rest="maxBinarySize: much"), capability(operation=", maxBinarySize: 5KB")]
)
async def test_a_limit_that_is_none_is_warned_of(text: str) -> None:
    (warning,) = plan_of(text).warnings
    assert warning.code == "CAP338"
    assert warning.message.startswith("maxBinarySize: ")


# -- media types ----------------------------------------------------------------------------------------------


CONTRACT = ", responses: {'2XX': {description: Drawn., content: {image/png: {binary: true}, image/webp: {binary: true}}}}"


@pytest.mark.parametrize(("text", "upstream", "expected"), [
    (capability(), "image/gif", "image/gif"),
    (capability(operation=", outputMediaType: image/png"), "image/gif", "image/png"),
    (capability(flow=", responseBinary: {mediaType: image/webp}"), "application/octet-stream", "image/webp"),
    (capability(flow=CONTRACT), "application/octet-stream", "image/png"),
    (capability(flow=CONTRACT), "image/webp", "image/webp"),
    (capability(flow=CONTRACT, operation=", outputMediaType: image/gif"), "image/webp", "image/gif"),
])  # fmt: skip
async def test_the_operation_says_what_bytes_are_then_the_contract_then_the_upstream(
    text: str, upstream: str, expected: str
) -> None:
    async with running(text, picture(upstream)) as whole:
        answer = await whole.get("/picture")
        assert (answer.headers["content-type"], answer.content) == (expected, IMAGE)


async def test_a_contract_says_nothing_of_other_statuses() -> None:
    contract = ", responses: {'201': {description: Drawn., content: {image/png: {binary: true}}}}"
    async with running(capability(flow=contract), picture("image/gif")) as whole:
        assert (await whole.get("/picture")).headers["content-type"] == "image/gif"


async def test_a_contract_is_in_the_interfaces_description() -> None:
    async with running(capability(flow=CONTRACT)) as whole:
        operation = (await whole.get("/openapi.json")).json()["paths"]["/picture"]["get"]
        bytes_ = {"schema": {"type": "string", "format": "binary"}}
        assert operation["responses"]["2XX"] == {
            "description": "Drawn.",
            "content": {"image/png": bytes_, "image/webp": bytes_},
        }
        assert set(operation["responses"]) == {"2XX", "400", "default"}


@pytest.mark.parametrize(("flow", "words"), [
    (CONTRACT + ", responseBinary: {mediaType: image/png}", "'responseBinary' has no effect beside 'responses'"),
    (", responseBinary: {}", "'responseBinary' has no 'mediaType'"),
    (", responseBinary: {mediaType: image/png, status: 999}", "'999' is no HTTP status"),
    (", responseBinary: {mediaType: png}", "'png' is no media type"),
    (", responses: {ok: {description: Fine}}", "'ok'"),
    (", responses: [200]", "'responses' should be a mapping"),
])  # fmt: skip
async def test_a_contract_that_cannot_be_read_is_warned_of(flow: str, words: str) -> None:
    (warning,) = plan_of(capability(flow=flow)).warnings
    assert words in warning.message


# -- freshness ------------------------------------------------------------------------------------------------


async def lists(whole: Any) -> list[tuple[int | None, str | None]]:
    async with whole.agent("2026-07-28") as client:
        found: list[Any] = [
            await client.list_tools(),
            await client.list_resources(),
            await client.list_resource_templates(),
            await client.list_prompts(),
            await client.read_resource("doc://it"),
        ]
    return [(item.ttl_ms, item.cache_scope) for item in found]


@pytest.mark.parametrize(("mcp", "listed", "read"), [
    ("", (60_000, "public"), (0, "private")),
    ("ttlMs: 5000", (5000, "public"), (5000, "private")),
    ("ttlMs: 5000\n    cacheScope: public", (5000, "public"), (5000, "public")),
    ("cacheScope: private", (60_000, "private"), (0, "private")),
    ("ttlMs: 0", (0, "public"), (0, "private")),
])  # fmt: skip
async def test_clients_are_told_for_how_long_and_by_whom_answers_may_be_kept(
    mcp: str, listed: tuple[int, str], read: tuple[int, str]
) -> None:
    async with running(capability(mcp=mcp)) as whole:
        assert whole.plan.warnings == ()
        assert await lists(whole) == [listed] * 4 + [read]


@pytest.mark.parametrize(("mcp", "words"), [
    ("ttlMs: -1", "'ttlMs' is below 0"), ("cacheScope: everybody", "'everybody' is no cacheScope"),
])  # fmt: skip
async def test_freshness_that_makes_no_sense_is_warned_of(mcp: str, words: str) -> None:
    (warning,) = plan_of(capability(mcp=mcp)).warnings
    assert words in warning.message
    assert warning.place is not None


async def test_freshness_is_no_matter_of_rest() -> None:
    (warning,) = plan_of(capability(rest="ttlMs: 5")).warnings
    assert "'ttlMs' is not known in an exposed rest adapter" in warning.message


# -- versions -------------------------------------------------------------------------------------------------


async def test_the_servers_version_is_that_of_the_capability() -> None:
    async with running(capability(info=", version: 2.10")) as whole, whole.agent("legacy") as client:
        assert client.server_info is not None
        assert client.server_info.version == "2.10"


# -- tunnels --------------------------------------------------------------------------------------------------


def tunnelled(fallback: str) -> str:
    return capability(api=f"tunnel: {{type: ziti, service: pictures, identity: '{{{{TOKEN}}}}'{fallback}}}")


@pytest.mark.parametrize("fallback", ["", ", fallback: fail", ", fallback: perhaps"])
async def test_an_api_in_a_tunnel_is_not_called_without_it(fallback: str) -> None:
    plan = plan_of(tunnelled(fallback))
    (warning,) = [problem for problem in plan.warnings if problem.code == "CAP396"]
    assert "'up' asks for a ziti tunnel to 'pictures'" in warning.message
    assert "it is not called" in warning.message
    assert "fallback: direct" in warning.hint
    assert "ziti tunnel" in plan.upstreams[0].problem


async def test_an_api_in_a_tunnel_may_be_called_directly_if_its_author_says_so() -> None:
    plan = plan_of(tunnelled(", fallback: direct"))
    (warning,) = plan.warnings
    assert "it is called directly at its base URI" in warning.message
    assert plan.upstreams[0].problem == ""


async def test_an_api_in_a_tunnel_is_called_at_the_address_that_is_given_for_it() -> None:
    async with running(tunnelled(""), picture("image/png")) as whole:
        assert (await whole.get("/picture")).content == IMAGE
        (warning,) = whole.plan.warnings
        assert "it is called at the address given instead" in warning.message
