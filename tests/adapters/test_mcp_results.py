"""What a client gets for each kind of result and failure, through the SDK's in-process client."""

from __future__ import annotations

import json
import math
from typing import Any

import mcp.types as types
import pytest
from mcp import Client

from capspec.adapters.mcp.adapter import build
from capspec.adapters.mcp.errors import masked
from capspec.adapters.mcp.server import build_server
from capspec.clock import VirtualClock
from capspec.codecs.json import CODEC
from capspec.errors import AuthError, CallError, InputError, MissingSecret, Problem, UpstreamError
from capspec.model import HintsSpec
from capspec.plan import Call, Flow, Operation, Result, Upstream
from capspec.values import Json
from tests.adapters.mcp_world import SECRET, Behaviour, gives, make_flow, make_target, options, raises, served

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000  # 15 January 2027, 08:00:00 UTC
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def outcome(behaviour: Behaviour, flow: Flow | None = None) -> types.CallToolResult:
    listener, engine = make_target([(flow or make_flow("tool"), behaviour)])
    engine.clock = VirtualClock(NOW)
    server, _ = build_server([(listener, engine)], options())
    async with Client(server, raise_exceptions=True) as client:
        return await client.call_tool("tool", {})


def text_of(result: types.CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


async def failed(behaviour: Behaviour, flow: Flow | None = None) -> str:
    result = await outcome(behaviour, flow)
    assert result.is_error
    return text_of(result)


def operation(method: str) -> Operation:
    upstream = Upstream(namespace="api", base_url="https://api.example.org", auth=None)
    return Operation(
        id="api.op", upstream=upstream, method=method, path=(), codec=CODEC, description=f"what {method} does"
    )


def calling(method: str, **changes: Any) -> Flow:
    return make_flow("tool", calls=(operation(method),), **changes)


# -- values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"), [(None, "null"), (True, "true"), (0, "0"), ([], "[]"), ("", ""), ({}, "{}")]
)
async def test_every_json_value_has_a_text(value: Json, text: str) -> None:
    result = await outcome(gives(value))
    assert text_of(result) == text
    assert result.structured_content == (value if isinstance(value, dict) else None)


async def test_what_json_cannot_say_is_mended() -> None:
    result = await outcome(gives({"nan": math.nan, "half\ud800": ["\udfff", math.inf, 1.5, None]}))
    assert result.structured_content == {"nan": None, "half?": ["?", None, 1.5, None]}


async def test_a_stream_is_read_and_closed() -> None:
    closed = False

    async def close() -> None:
        nonlocal closed
        closed = True

    async def parts() -> Any:
        yield b'{"a":'
        yield b"1}"

    async def behave(call: Call) -> Result:
        return Result(stream=parts(), closer=close)

    assert (await outcome(behave)).structured_content == {"a": 1}
    assert closed


@pytest.mark.parametrize(
    ("media", "content", "value", "kind"),
    [
        ("text/html", b"<p>", ..., "text"),
        ("application/xml", b"<a/>", {"a": None}, "text"),
        ("image/svg+xml", b"<svg/>", ..., "text"),
        ("", b"plain", ..., "text"),
        ("", b"\xff\xfe\0", ..., "resource"),
        ("application/octet-stream", b"a,b\n", "YSxiCg==", "text"),
        ("application/octet-stream", b"\0\1", "AAE=", "resource"),
        ("image/png", b"\x89PNG", "iVBORw==", "image"),
        ("image/png; foo=bar", b"\x89PNG", ..., "image"),
        ("audio/mpeg", b"ID3", ..., "audio"),
        ("application/json", b"{broken", ..., "text"),
        ("text/plain; charset=klingon", b"q", ..., "text"),
        ("application/json", b"", ..., "text"),
    ],
)
async def test_bytes_become_what_their_media_type_says(
    media: str, content: bytes, value: Json, kind: str
) -> None:
    result = await outcome(gives(value, content=content, media=media))
    assert [block.type for block in result.content] == [kind]
    assert not result.is_error


async def test_a_decoded_value_counts_more_than_the_bytes_it_came_from() -> None:
    result = await outcome(gives({"a": ["1"]}, content=b"a=1", media="application/x-www-form-urlencoded"))
    assert result.structured_content == {"a": ["1"]}


async def test_bytes_for_a_tool_that_declares_an_object_are_an_error() -> None:
    flow = make_flow("tool", output={"type": "object"})
    text = await failed(gives(content=b"\x89PNG", media="image/png"), flow)
    assert text == "The upstream's answer does not have the declared shape: it is 4 bytes of image/png."


async def test_definitions_stay_where_references_find_them_when_an_output_is_wrapped() -> None:
    schema = {
        "type": "array",
        "items": {"$ref": "#/$defs/n"},
        "$defs": {"n": {"type": "integer"}},
    }
    flow = make_flow("tool", output=schema)
    assert (await outcome(gives([1]), flow)).structured_content == {"result": [1]}
    assert "'result[0]' should be integer; it is \"x\"" in await failed(gives(["x"]), flow)


@pytest.mark.parametrize(
    ("value", "kind"),
    [([1], "a list"), ("x", "a text"), (1.5, "a number"), (True, "a boolean"), (None, "null")],
)
async def test_a_declared_object_that_is_none_is_an_error(value: Json, kind: str) -> None:
    text = await failed(gives(value), make_flow("tool", output={"type": "object"}))
    assert f"it should be an object, and is {kind}" in text


# -- size ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
@pytest.mark.parametrize("declared", [True, False])
async def test_no_result_is_too_large_for_the_clients_limit_on_events(mode: str, declared: bool) -> None:
    schema = {"type": "object"} if declared else None

    async def sized(call: Call) -> Result:
        assert call.progress is not None
        await call.progress(1, None, "so that the answer is an event")
        return Result(value={"text": "é" * (call.arguments["size"] // 6)})

    async def ignore(progress: float, total: float | None, message: str | None) -> None: ...

    target = make_target([(make_flow("sized", output=schema), sized)])
    async with served(build(*target, options())) as url, Client(url, mode=mode) as client:

        async def result_of(size: int) -> types.CallToolResult:
            return await client.call_tool("sized", {"size": size}, progress_callback=ignore)

        small = await result_of(MIB // 4)
        assert json.loads(text_of(small)) == small.structured_content
        middle = await result_of(MIB * 3 // 4)
        assert not middle.is_error
        if declared:
            assert middle.structured_content is not None
            assert text_of(middle) == "The result (256.0 KiB) is in the structured content."
        else:
            assert middle.structured_content is None
            assert len(json.loads(text_of(middle))["text"]) == MIB // 8
        large = await result_of(2 * MIB)
        assert large.is_error == declared
        assert text_of(large).startswith("The call succeeded, but its result is 682.7 KiB: too large")


# -- failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "advice"),
    [
        (400, "GET", "Change the arguments before you call again."),
        (418, "GET", "Change the arguments before you call again."),
        (401, "GET", "The server's own credentials were refused; calling again will not help."),
        (403, "GET", "The server's credentials do not allow this; calling again will not help."),
        (409, "PUT", "It conflicts with the present state; look at that before you call again."),
        (429, "POST", "Wait before you call again."),
        (503, "POST", "Wait before you call again."),
        (500, "GET", "Calling again later may help."),
        (500, "POST", "It may have taken effect all the same: check that before you call again."),
        (504, "PATCH", "It may have taken effect all the same: check that before you call again."),
        (501, "GET", "The upstream does not offer this; calling again will not help."),
        (599, "GET", "Calling again later may help."),
    ],
)
async def test_every_status_says_whether_calling_again_makes_sense(
    status: int, method: str, advice: str
) -> None:
    text = await failed(gives(status=status), calling(method))
    assert text.startswith(f"The upstream answered {status}")
    assert text.splitlines()[-1] == advice


@pytest.mark.parametrize(
    ("hints", "safe"),
    [
        (HintsSpec(idempotent=True), True),
        (HintsSpec(read_only=True), True),
        (HintsSpec(idempotent=False), False),
        (HintsSpec(), False),
    ],
)
async def test_what_the_author_says_of_a_tool_decides_whether_it_may_be_repeated(
    hints: HintsSpec, safe: bool
) -> None:
    text = await failed(gives(status=500), calling("POST", hints=hints))
    assert ("Calling again later may help." in text) == safe


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("120", "Call again after 120 seconds."),
        ("0", "Call again after 1 seconds."),
        ("Fri, 15 Jan 2027 08:00:30 GMT", "Call again after 30 seconds."),
        ("Fri, 15 Jan 2027 07:00:00 GMT", "Call again after 1 seconds."),
        ("soon", "Wait before you call again."),
    ],
)
async def test_retry_after_is_read_as_seconds_or_date(value: str, line: str) -> None:
    text = await failed(gives(status=503, headers=(("retry-after", value),)))
    assert text.splitlines()[-1] == line


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "invalid_scope", "error_description": "No."}, "invalid_scope; No."),
        ({"error": {"code": 7, "message": "Nope"}}, "Nope"),
        ({"errors": [{"detail": "a"}, {"detail": "b"}, "c"]}, "a; b; c"),
        ({"errors": [{"field": "x"}]}, '{"field": "x"}'),
        ({"detail": [{"loc": ["body", "prompt"], "msg": "Field required"}]}, "body.prompt: Field required"),
        ({"detail": [{"loc": ["body", "items", 0], "msg": "Too short"}]}, "body.items.0: Too short"),
        ({"errors": [{"field": "prompt", "message": "is empty"}]}, "prompt: is empty"),
        ({"errors": [{"pointer": "#/a/b", "detail": "x"}, {"path": "c", "message": "y"}]}, "a.b: x; c: y"),
        ({"errors": [{"path": ["a", 1], "message": "x"}, {"path": None, "message": "y"}]}, "a.1: x; y"),
        ({"errors": [{"source": {"pointer": "/data/id"}, "title": "t", "detail": "d"}]}, "data.id: t; d"),
        ({"error": {"message": "must be a number", "param": "seed", "code": None}}, "seed: must be a number"),
        ({"error": "Not Found", "path": "/api/ships"}, "Not Found"),
        ({"message": "twice", "error": "twice"}, "twice"),
        ({"errors": [7]}, '{"errors": [7]}'),
        ({"code": 7}, '{"code": 7}'),
        (["x"], '["x"]'),
        ("line one\r\nline two\x00 \u202ereversed", "line one line two reversed"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
async def test_the_upstreams_words_are_short_marked_and_on_one_line(body: Json, words: str) -> None:
    text = await failed(gives(body, status=400, media="application/json"))
    assert text.splitlines()[1] == f'In its own words: "{words}"'


@pytest.mark.parametrize("content", [b"", b"\x89PNG"])
async def test_nothing_is_quoted_of_what_says_nothing(content: bytes) -> None:
    text = await failed(gives(status=404, content=content, media="image/png"))
    assert text == "The upstream answered 404 Not Found.\nCheck that what the arguments name exists."


async def test_a_codecs_base64_of_an_error_is_not_its_words() -> None:
    text = await failed(gives("b29wcw==", status=400, content=b"oops", media="text/plain"))
    assert 'In its own words: "oops"' in text


@pytest.mark.parametrize(
    "behaviour",
    [
        gives({"message": f"bad key {SECRET}"}, status=401),
        raises(UpstreamError(f"could not send {SECRET}")),
        raises(RuntimeError(SECRET)),
    ],
)
async def test_a_secret_that_an_upstream_echoes_is_masked(behaviour: Behaviour) -> None:
    assert SECRET not in await failed(behaviour)


async def test_a_secret_too_short_to_be_one_leaves_texts_alone() -> None:
    assert masked("a bad call", ["a", "bad call"]) == "a ****"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            InputError("'n' should be integer", hint='it is "x"'),
            "Invalid input: 'n' should be integer; it is \"x\"\nChange the arguments before you call again.",
        ),
        (
            UpstreamError("api.example.org refused the connection", retry_after=3),
            "The upstream failed: api.example.org refused the connection\nCall again after 3 seconds.",
        ),
        (
            MissingSecret("'api' has no credentials"),
            (
                "A secret is missing: 'api' has no credentials\n"
                "It needs a value for A_KEY where this server runs.\n"
                "Calling again will not help until its operator has set it."
            ),
        ),
        (AuthError("No token"), "Authentication required: No token"),
        (
            CallError([Problem(code="X", message="one"), Problem(code="X", message="two", hint="try")]),
            "The call failed:\n- one\n- two; try",
        ),
    ],
)
async def test_every_refusal_lists_its_problems_and_hints(error: CallError, text: str) -> None:
    assert await failed(raises(error), make_flow("tool", missing=("A_KEY",))) == text


# -- tools --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "description"),
    [
        (make_flow("tool", description="own", calls=(operation("GET"),)), "own"),
        (make_flow("tool", description="", calls=(operation("GET"),)), "what GET does"),
        (make_flow("tool", description="", title="Title"), "Title"),
        (make_flow("tool", description=""), "tool"),
    ],
)
async def test_every_tool_has_a_description(flow: Flow, description: str) -> None:
    server, _ = build_server([make_target([(flow, gives({}))])], options())
    async with Client(server) as client:
        (tool,) = (await client.list_tools()).tools
        assert tool.description == description
        assert tool.annotations is None or flow.title


async def test_a_long_introduction_is_cut_short() -> None:
    server, _ = build_server([make_target([], description="word " * 1000)], options())
    assert server.instructions is not None
    assert len(server.instructions) < 801
    assert server.instructions.endswith("word…")
