"""The same tools over every transport and in both eras of the protocol, through the official client."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mcp.types as types
import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters

from capspec.adapters.mcp.adapter import build
from tests.adapters.mcp_world import PNG, SECRET, options, served, world

pytestmark = pytest.mark.anyio

STDIO = StdioServerParameters(
    command=sys.executable,
    args=[str(Path(__file__).with_name("mcp_stdio_world.py"))],
    env={"PYTHONPATH": os.pathsep.join(sys.path)},
)
LEGACY = {"http-legacy", "stdio-legacy"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(
    scope="module", params=["http-auto", "http-modern", "http-legacy", "stdio-modern", "stdio-legacy"]
)
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Client]]:
    """A connected client, and what connects it."""
    kind = str(request.param)
    mode = {"legacy": "legacy", "modern": "2026-07-28", "auto": "auto"}[kind.partition("-")[2]]
    if kind.startswith("stdio"):
        async with Client(STDIO, mode=mode) as client:
            yield kind, client
        return
    listener, engine = world()
    async with served(build(listener, engine, options())) as url, Client(url, mode=mode) as client:
        yield kind, client


@pytest.fixture
def client(transport: tuple[str, Client]) -> Client:
    return transport[1]


def text_of(result: types.CallToolResult) -> str:
    assert [block.type for block in result.content] == ["text"]
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


async def failure(client: Client, name: str) -> str:
    result = await client.call_tool(name, {})
    assert result.is_error
    assert result.structured_content is None
    return text_of(result)


# -- who serves ---------------------------------------------------------------------------------------------


async def test_the_server_names_itself_after_the_adapter_and_the_capability(
    transport: tuple[str, Client],
) -> None:
    kind, client = transport
    await client.list_tools()
    info = client.server_info
    if kind.endswith("-modern"):  # adopted without asking: it is in the results
        assert info is None or info.name == "world-tools"
        return
    assert info is not None
    assert (info.name, info.version, info.title) == ("world-tools", "3.1.4", "The World")
    assert client.instructions == "Tools of the world."


async def test_the_protocol_revision_is_the_newest_of_the_clients_era(transport: tuple[str, Client]) -> None:
    kind, client = transport
    assert client.protocol_version == ("2025-11-25" if kind in LEGACY else "2026-07-28")


# -- tools/list ---------------------------------------------------------------------------------------------


async def tools(client: Client) -> dict[str, types.Tool]:
    return {tool.name: tool for tool in (await client.list_tools()).tools}


async def test_tools_are_listed_in_the_order_of_the_file_with_everything_said_about_them(
    client: Client,
) -> None:
    listed = await tools(client)
    assert list(listed)[:4] == ["add", "numbers", "greet", "info"]
    tool = listed["add"]
    assert (tool.title, tool.description) == ("Adder", "Adds two numbers.")
    assert tool.input_schema["properties"] == {"a": {"type": "integer"}, "b": {"type": "integer"}}
    assert tool.annotations is not None
    assert tool.annotations.model_dump(exclude_none=True) == {
        "title": "Adder",
        "read_only_hint": True,
        "open_world_hint": False,
    }


async def test_schemas_have_an_object_at_their_root_and_are_valid(client: Client) -> None:
    for tool in (await tools(client)).values():
        for schema in (tool.input_schema, tool.output_schema):
            if schema is not None:
                assert schema["type"] == "object"
                Draft202012Validator.check_schema(schema)


async def test_a_tool_without_a_known_output_declares_no_schema(client: Client) -> None:
    assert (await tools(client))["greet"].output_schema is None


async def test_tools_that_cannot_work_are_not_listed(client: Client) -> None:
    assert "closed" not in await tools(client)


# -- results ------------------------------------------------------------------------------------------------


async def test_a_declared_object_is_structured_content_and_the_same_as_text(client: Client) -> None:
    result = await client.call_tool("add", {"a": 2, "b": 40})
    assert not result.is_error
    assert result.structured_content == {"sum": 42}
    assert text_of(result) == '{"sum":42}'


async def test_a_declared_list_is_wrapped_in_schema_and_value_alike(client: Client) -> None:
    schema = (await tools(client))["numbers"].output_schema
    result = await client.call_tool("numbers", {})
    assert schema is not None
    assert schema["properties"] == {"result": {"type": "array", "items": {"type": "integer"}}}
    assert result.structured_content == {"result": [1, 2, 3]}
    assert text_of(result) == '{"result":[1,2,3]}'


async def test_an_undeclared_object_is_structured_content_too(client: Client) -> None:
    result = await client.call_tool("info", {})
    assert result.structured_content == {"a": [1, "é"]}
    assert text_of(result) == '{"a":[1,"é"]}'


async def test_json_that_nobody_mapped_is_structured_content(client: Client) -> None:
    assert (await client.call_tool("raw", {})).structured_content == {"n": 1}


async def test_a_text_is_a_text(client: Client) -> None:
    result = await client.call_tool("greet", {})
    assert (text_of(result), result.structured_content) == ("hello", None)


async def test_text_is_decoded_by_its_charset(client: Client) -> None:
    assert text_of(await client.call_tool("note", {})) == "grün"


async def test_an_answer_without_content_says_so(client: Client) -> None:
    result = await client.call_tool("nothing", {})
    assert not result.is_error
    assert text_of(result) == "Done: the upstream answered 204 and sent no content."


async def test_a_small_image_is_inlined(client: Client) -> None:
    block = (await client.call_tool("picture", {})).content[0]
    assert isinstance(block, types.ImageContent)
    assert (block.mime_type, base64.b64decode(block.data)) == ("image/png", PNG)


async def test_a_big_image_is_named_and_not_inlined(client: Client) -> None:
    result = await client.call_tool("poster", {})
    assert not result.is_error
    assert text_of(result) == "The result is 600.0 KiB of image/jpeg: too large to be put in here."


async def test_a_sound_is_audio_content(client: Client) -> None:
    block = (await client.call_tool("sound", {})).content[0]
    assert isinstance(block, types.AudioContent)
    assert (block.mime_type, base64.b64decode(block.data)) == ("audio/wav", b"RIFF\0")


async def test_other_bytes_are_an_embedded_resource(client: Client) -> None:
    block = (await client.call_tool("archive", {})).content[0]
    assert isinstance(block, types.EmbeddedResource)
    resource = block.resource
    assert isinstance(resource, types.BlobResourceContents)
    assert (resource.mime_type, base64.b64decode(resource.blob)) == ("application/zip", b"PK\x03\x04\0")
    assert resource.uri.startswith("capspec:result/archive/")


# -- failures -----------------------------------------------------------------------------------------------


async def test_an_upstreams_refusal_gives_its_status_its_words_and_what_to_do(client: Client) -> None:
    assert await failure(client, "lost") == (
        "The upstream answered 404 Not Found.\n"
        'In its own words: "No such user; There is no user 42."\n'
        "Check that what the arguments name exists."
    )


async def test_a_busy_upstream_says_when_to_call_again(client: Client) -> None:
    assert await failure(client, "busy") == (
        "The upstream answered 429 Too Many Requests.\n"
        'In its own words: "<p>slow down</p>"\n'
        "Call again after 7 seconds."
    )


async def test_wrong_arguments_are_all_named_with_what_is_allowed(client: Client) -> None:
    assert await failure(client, "picky") == (
        "Invalid input:\n"
        "- 'size' is missing; give size: how large it gets\n"
        '- \'kind\' is "x"; use one of "a", "b"\n'
        "Change the arguments before you call again."
    )


async def test_a_missing_secret_is_named(client: Client) -> None:
    assert await failure(client, "keyless") == (
        "A secret is missing: 'weather' needs API_KEY; set API_KEY in the environment\n"
        "Calling again will not help until its operator has set it."
    )


async def test_a_timeout_says_whether_calling_again_is_safe(client: Client) -> None:
    assert await failure(client, "late") == (
        "The upstream did not answer in time: weather.get took longer than 30 seconds\n"
        "Calling again later may help."
    )


async def test_an_unexpected_error_gives_an_id_and_nothing_of_the_error(client: Client) -> None:
    text = await failure(client, "broken")
    assert text.startswith("Something went wrong in the server; the arguments are not at fault. Request id: ")
    assert SECRET not in text
    assert "RuntimeError" not in text


async def test_an_answer_of_another_shape_than_declared_is_an_error_with_the_answer_in_it(
    client: Client,
) -> None:
    text = await failure(client, "misshapen")
    assert text.startswith(
        "The upstream's answer does not have the declared shape:\n'result' should be array"
    )
    assert text.endswith('It answered: {"not":"a list"}')


async def test_calling_a_tool_that_cannot_work_says_why(client: Client) -> None:
    expected = (
        "This tool is not available: it calls 'x.y', which does not exist. Calling it again will not help."
    )
    assert await failure(client, "closed") == expected


async def test_calling_an_unknown_tool_is_a_protocol_error_with_a_suggestion(client: Client) -> None:
    with pytest.raises(MCPError) as caught:
        await client.call_tool("numbrs", {})
    assert caught.value.error.code == types.INVALID_PARAMS
    assert caught.value.error.message == "Unknown tool: numbrs; did you mean 'numbers'?"


# -- the rest -----------------------------------------------------------------------------------------------


async def test_progress_that_grows_reaches_a_client_that_asks_for_it(client: Client) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    result = await client.call_tool("count", {}, progress_callback=on_progress)
    assert result.structured_content == {"asked for progress": True}
    assert seen == [(1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]


async def test_nobody_is_bothered_with_progress_that_was_not_asked_for(client: Client) -> None:
    result = await client.call_tool("count", {})
    assert result.structured_content == {"asked for progress": False}


async def test_arguments_reach_the_engine_as_they_were_sent(client: Client) -> None:
    arguments: dict[str, Any] = {"X-Key": "a", "list": [1, None, {"deep": True}], "n": 1.5}
    result = await client.call_tool("echo", arguments)
    assert result.structured_content == {"arguments": arguments, "caller": "anonymous"}


async def test_what_is_not_offered_is_not_found(client: Client) -> None:
    with pytest.raises(MCPError) as caught:
        await client.list_resources()
    assert caught.value.error.code == types.METHOD_NOT_FOUND
