"""Resources through the official client: what flows read, which uri means what, who is told."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import mcp.types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, MCPError

from capspec import app
from capspec.adapters.mcp.adapter import build
from capspec.adapters.mcp.uris import UriPattern
from capspec.compiler.uris import parse_uri
from capspec.errors import CompileError
from capspec.events import OfferHidden, UnexpectedError
from capspec.plan import Plan, Resource
from tests.adapters.mcp_fleet import (
    GUIDE,
    KINDS,
    PNG,
    answer,
    bytes_at,
    capability,
    fleet,
    mock,
    read,
    refused,
    text_at,
)
from tests.adapters.mcp_offers import ERAS, ask, capabilities_of, merged
from tests.adapters.mcp_world import SECRET, make_flow, make_target, options, raises, served
from tests.whole import plan_of, running

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=KINDS)
async def transport(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Client]]:
    """The protocol's era, and a client of the fleet."""
    async with fleet(str(request.param), tmp_path_factory.mktemp("fleet")) as found:
        yield found


@pytest.fixture
def client(transport: tuple[str, Client]) -> Client:
    return transport[1]


def warnings(plan: Plan) -> list[str]:
    return [f"{problem.code} {problem.message}" for problem in plan.warnings]


# -- what flows read, on every transport, in both eras --------------------------------------------------


async def test_resources_are_listed_in_the_order_of_the_file_and_templates_apart(client: Client) -> None:
    resources = (await client.list_resources()).resources
    first = resources[0]
    assert (first.name, first.title, first.uri, first.description, first.mime_type) == (
        "fleet",
        "Fleet",
        "ship://all",
        "All ships",
        "application/json",
    )
    assert [item.uri for item in resources[1:]] == [*(uri for uri, _, _ in GUIDE), "docs://licence"]
    templates = (await client.list_resource_templates()).resource_templates
    assert [item.uri_template for item in templates] == [
        "ship://by-id/{id}",
        "ship://by-id/{id}/photo",
        "ship://kinds/{kind}",
    ]
    assert (templates[0].name, templates[0].title, templates[0].description) == ("ship", "Ship", "One ship")


async def test_a_resource_is_what_its_call_answers(client: Client) -> None:
    assert await text_at(client, "ship://all") == ("application/json", '[{"id": 1}, {"id": 2}]')


async def test_a_template_is_read_with_what_the_uri_says(client: Client) -> None:
    mime, text = await text_at(client, "ship://by-id/1")
    assert (mime, json.loads(text)) == ("application/json", {"imo": 1, "name": "Ann"})


async def test_percent_encoding_in_a_uri_is_undone(client: Client) -> None:
    assert json.loads((await text_at(client, "ship://by-id/a%2Fb%20c"))[1]) == {"imo": "a/b c"}


async def test_bytes_come_as_they_are(client: Client) -> None:
    assert await bytes_at(client, "ship://by-id/1/photo") == ("image/png", PNG)


async def test_an_upstreams_refusal_is_an_error_with_its_status_and_words(client: Client) -> None:
    error = await refused(client, "ship://by-id/2")
    assert error.code == types.INTERNAL_ERROR
    assert 'The upstream answered 404 Not Found.\nIn its own words: "no such ship"' in error.message
    error = await refused(client, "ship://by-id/500")
    assert (error.code, "on fire" in error.message) == (types.INTERNAL_ERROR, True)


async def test_a_value_that_is_not_allowed_is_refused_before_anything_is_called(client: Client) -> None:
    assert json.loads((await text_at(client, "ship://kinds/tug"))[1]) == {"kind": "tug"}
    error = await refused(client, "ship://kinds/canoe")
    assert error.code == types.INVALID_PARAMS
    assert '"tug"' in error.message


@pytest.mark.parametrize(
    "uri",
    [
        "ship://none",
        "ship://by-id/",
        "ship://by-id/1/2",
        "ship://by-id/1/photo/",
        "ship://by-id/%ff",
        "ship://by-id/" + "x" * 5000,
        "docs://",
        "docs://licence/",
        "docs://licence/x",
        "",
    ],
)
async def test_an_unknown_uri_has_the_code_of_the_clients_era(
    transport: tuple[str, Client], uri: str
) -> None:
    era, client = transport
    error = await refused(client, uri)
    assert error.code == (-32002 if era == "legacy" else types.INVALID_PARAMS)
    assert error.message.startswith("Unknown resource: ")
    assert error.data == {"uri": uri}


@pytest.mark.parametrize(
    ("argument", "typed", "expected"),
    [("kind", "", ["cargo", "ferry", "tug"]), ("kind", "t", ["tug"]), ("other", "", [])],
)
async def test_known_values_of_a_variable_are_offered(
    client: Client, argument: str, typed: str, expected: list[str]
) -> None:
    reference = types.ResourceTemplateReference(type="ref/resource", uri="ship://kinds/{kind}")
    found = await client.complete(reference, {"name": argument, "value": typed})
    assert found.completion.values == expected
    plain = types.ResourceTemplateReference(type="ref/resource", uri="docs://licence")
    assert (await client.complete(plain, {"name": argument, "value": ""})).completion.values == []
    unknown = types.ResourceTemplateReference(type="ref/resource", uri="x://{y}")
    with pytest.raises(MCPError, match="Unknown resource template"):
        await client.complete(unknown, {"name": "y", "value": ""})


# -- what becomes of an answer --------------------------------------------------------------------------


async def contents_of(
    resource: str, uri: str = "r://x"
) -> types.TextResourceContents | types.BlobResourceContents:
    text = capability(f"- {{name: r, uri: 'r://x', {resource}}}")
    async with running(text, answer) as whole, whole.agent() as client:
        return await read(client, uri)


NAME = "call: up.get, with: {id: '1'}, outputParameters: [{type: string, mapping: $.name}]"


@pytest.mark.parametrize(
    ("resource", "mime", "text"),
    [
        ("call: up.list", "application/json", '[{"id": 1}, {"id": 2}]'),
        ("call: up.list, outputParameters: [{type: array, mapping: '$[*].id'}]", "application/json", "[1,2]"),
        ("call: up.list, outputParameters: [{type: string, mapping: '$[0].id'}]", "text/plain", "1"),
        (
            f"mimeType: application/json, {NAME}",
            "application/json",
            '"Ann"',
        ),
        (
            f"mimeType: text/markdown, {NAME}",
            "text/markdown",
            "Ann",
        ),
        ("call: up.chart", "text/xml", "<v><i>Grüße</i></v>"),
        ("mimeType: application/xml, call: up.chart", "application/xml", "<v><i>Grüße</i></v>"),
        ("mimeType: application/json, call: up.map", "application/json", '{"i":"Grüße"}'),
        (
            "mimeType: text/plain, outputParameters: [{name: motto, type: string, value: Ahoy}]",
            "text/plain",
            None,
        ),
    ],
)
async def test_an_answer_is_text_of_the_declared_kind(resource: str, mime: str, text: str | None) -> None:
    contents = await contents_of(resource)
    assert isinstance(contents, types.TextResourceContents)
    assert contents.mime_type == mime
    assert contents.text == (text if text is not None else '{"motto":"Ahoy"}')


@pytest.mark.parametrize(
    ("resource", "mime", "content"),
    [
        ("call: up.photo, with: {id: '1'}", "image/png", PNG),
        ("mimeType: image/x-icon, call: up.photo, with: {id: '1'}", "image/x-icon", PNG),
        ("mimeType: text/plain, call: up.photo, with: {id: '1'}", "text/plain", PNG),
        ("mimeType: image/svg, call: up.chart", "image/svg", "<v><i>Grüße</i></v>".encode("latin-1")),
        ("binary: true, call: up.get, with: {id: '1'}", "application/json", b'{"imo": 1, "name": "Ann"}'),
        (
            f"binary: true, {NAME}",
            "text/plain",
            b"Ann",
        ),
    ],
)
async def test_an_answer_that_is_not_to_be_read_is_bytes(resource: str, mime: str, content: bytes) -> None:
    contents = await contents_of(resource)
    assert isinstance(contents, types.BlobResourceContents)
    assert (contents.mime_type, base64.b64decode(contents.blob)) == (mime, content)


async def test_steps_and_their_mappings_make_a_resource() -> None:
    text = capability("""
- name: r
  uri: ship://{id}/summary
  steps:
  - {type: call, name: one, call: up.get, with: {id: "{{id}}"}}
  - {type: call, name: all, call: up.list}
  mappings:
  - {target: name, value: $.one.name}
  - {target: count, value: "$.all[*].id"}
""")
    async with running(text, answer) as whole, whole.agent() as client:
        assert json.loads((await text_at(client, "ship://1/summary"))[1]) == {"name": "Ann", "count": [1, 2]}
        error = await refused(client, "ship://2/summary")
        assert error.code == types.INTERNAL_ERROR
        assert "step 'one' failed" in error.message
        assert "404" in error.message


async def test_an_upstream_that_does_not_answer_is_an_error() -> None:
    text = capability("- {name: r, uri: 'r://x', call: up.list}")
    impatient = app.EngineOptions(timeout=0.2)
    async with running(text, lambda seen: b"", engine=impatient) as whole, whole.agent() as client:
        error = await refused(client, "r://x")
        assert error.code == types.INTERNAL_ERROR
        assert error.message.startswith("The upstream did not answer in time")


async def test_what_breaks_in_the_server_is_told_by_an_id_only() -> None:
    flow = make_flow("r")
    listener, engine = make_target([(flow, raises(RuntimeError(f"with {SECRET}")))])
    resource = Resource(name="r", uri="r://x", parts=("r://x",), flow=flow)
    listener = replace(listener, resources=(resource,))
    async with served(build(listener, engine, options())) as url, Client(url) as client:
        error = await refused(client, "r://x")
        assert error.code == types.INTERNAL_ERROR
        assert error.message.startswith("Something went wrong in the server")
        (event,) = [event for event in engine.heard if isinstance(event, UnexpectedError)]
        assert event.where == "the resource r"
        assert event.request_id in error.message


# -- which resource a uri means -------------------------------------------------------------------------


async def test_a_resource_of_its_own_comes_before_files_and_these_before_templates(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("a file")
    (tmp_path / "files" / "b.txt").write_text("a file")
    text = capability("""
- {name: any, uri: "x://y/{name}", outputParameters: [{type: string, value: a template}]}
- {name: files, uri: "x://y", location: "file:///./files"}
- {name: own, uri: "x://y/a.txt", outputParameters: [{type: string, value: its own}]}
""")
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent() as client:
        assert (await text_at(client, "x://y/a.txt"))[1] == "its own"
        assert (await text_at(client, "x://y/b.txt"))[1] == "a file"
        assert (await text_at(client, "x://y/c.txt"))[1] == "a template"
        assert [item.name for item in (await client.list_resources()).resources] == ["files/b.txt", "own"]


@pytest.mark.parametrize(
    ("template", "published", "uri", "given"),
    [
        ("x://{ship-id}", "x://{ship_id}", "x://7", {"ship-id": "7"}),
        ("x://{{a}}/to/{{b}}", "x://{a}/to/{b}", "x://1/to/2", {"a": "1", "b": "2"}),
        ("x://{+path}", "x://{+path}", "x://a/b/c", {"path": "a/b/c"}),
        ("x://{+path}/raw/{id}", "x://{+path}/raw/{id}", "x://a/raw/b/raw/c", {"path": "a/raw/b", "id": "c"}),
        ("x://{a}-{b}.{c}", "x://{a}-{b}.{c}", "x://1-2-3.4.5", {"a": "1", "b": "2-3", "c": "4.5"}),
        ("x://{a}?of={b}", "x://{a}?of={b}", "x://1?of=2%203", {"a": "1", "b": "2 3"}),
        ("x://a.b/{c}", "x://a.b/{c}", "x://a.b/%7Bc%7D", {"c": "{c}"}),
    ],
)
async def test_a_template_says_which_part_of_a_uri_is_which_argument(
    template: str, published: str, uri: str, given: dict[str, str]
) -> None:
    arguments = ", ".join(f"{name}: '{{{{{name}}}}}'" for name in given)
    text = capability(f"- {{name: r, uri: '{template}', call: up.search, with: {{kind: tug, {arguments}}}}}")
    async with running(text, answer) as whole, whole.agent() as client:
        (listed,) = (await client.list_resource_templates()).resource_templates
        assert listed.uri_template == published
        assert json.loads((await text_at(client, uri))[1]) == {"kind": "tug", **given}
        assert (await refused(client, uri.replace("x://", "z://"))).message.startswith("Unknown resource")


@given(st.text(min_size=1), st.text(min_size=1))
def test_whatever_was_put_into_a_template_comes_out_again(a: str, b: str) -> None:
    uri = f"x://{quote(a, safe='')}/to/{quote(b, safe='')}"
    assert UriPattern(parse_uri("x://{a}/to/{b}").parts).match(uri) == {"a": a, "b": b}
    assert UriPattern(parse_uri("x://{+a}/to/{b}").parts).match(uri) == {"a": a, "b": b}


async def test_a_uri_that_nearly_fits_is_turned_away_quickly() -> None:
    text = capability(
        "- {name: r, uri: 'x://{a}-{b}-{c}-{d}-{e}!', outputParameters: [{type: string, value: v}]}"
    )
    async with running(text) as whole, whole.agent() as client:
        assert (await text_at(client, "x://1-2-3-4-5!"))[1] == "v"
        assert "Unknown resource" in (await refused(client, "x://" + "-" * 4000)).message


# -- what a file may say --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        ("uri: docs, call: up.list", "317 out: a uri begins with a scheme, such as docs://"),
        ("uri: 'x://{?q}', call: up.list", "317 out: '{?q}' is not understood"),
        ("uri: 'x://{a}{b}', call: up.list", "317 out: there must be something between"),
        ("uri: 'x://{a}/{a}', call: up.list", "317 out: the variable 'a' is in it twice"),
        ("uri: 'x://{+a}/{+b}', call: up.list", "317 out: only one variable"),
        ("uri: 'x://{a', call: up.list", "317 out: its braces do not match"),
        ("uri: 'x://y', location: 'file:///./nothing'", "315 out: there is no file or folder"),
        ("uri: 'x://y', location: 'file:///../elsewhere'", "315 out: 'file:///../elsewhere' leads out"),
        ("uri: 'x://{a}', location: 'file:///./here'", "315 out: a 'location' needs a uri without"),
        ("uri: 'x://y', location: 'file:///./here', call: up.list", "315 out: it has a 'location' and"),
        ("uri: 'x://y', location: 'file:///./pipe'", "315 out: 'file:///./pipe' is neither"),
        ("uri: 'x://y', call: up.nothing", "341 no: there is no operation 'up.nothing'"),
        ("uri: 'x://y', call: up.search", "303 no: its uri does not say what 'kind' is"),
        ("uri: 'x://y', call: up.list, colour: red", "110 'colour' is not known in a resource"),
    ],
)  # fmt: skip
def test_what_does_not_work_is_warned_of(tmp_path: Path, resource: str, problem: str) -> None:
    home = tmp_path / "home"
    (home / "here").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    os.mkfifo(home / "pipe")
    plan = plan_of(capability(f"- {{name: r, {resource}}}"), path=home / "cap.yaml")
    said = problem.replace("out: ", "resource 'r' is left out: ").replace(
        "no: ", "resource 'r' is not available: "
    )
    (warning,) = warnings(plan)
    assert warning.startswith(f"CAP{said}")


def test_a_resource_without_a_uri_is_an_error() -> None:
    with pytest.raises(CompileError, match="resource 'r' has no 'uri'"):
        plan_of(capability("- {name: r, call: up.list}"))


async def test_a_resource_that_cannot_work_is_not_listed_and_says_why() -> None:
    text = capability(
        "- {name: r, uri: 'x://y', call: up.nothing}\n- {name: s, uri: 'x://{a}', call: up.nothing}"
    )
    async with running(text) as whole, whole.agent() as client:
        assert (await client.list_resources()).resources == []
        assert (await client.list_resource_templates()).resource_templates == []
        error = await refused(client, "x://y")
        assert error.code == types.INTERNAL_ERROR
        assert error.message.startswith("This resource is not available: there is no operation 'up.nothing'")


def test_of_two_resources_with_one_uri_the_first_is_served_and_the_other_warned_of() -> None:
    plan = plan_of(
        capability("- {name: a, uri: 'x://{b}', call: up.list}\n- {name: c, uri: 'x://{{b}}', call: up.list}")
    )
    assert [resource.name for resource in plan.listeners[0].resources] == ["a"]
    assert warnings(plan) == ["CAP318 the uri 'x://{b}' is that of two resources; the first one answers"]


# -- who is told of them, and with whom they share ------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_resources_are_announced_only_where_there_are_some(era: str) -> None:
    resource = "- {name: r, uri: 'r://x', outputParameters: [{type: string, value: v}]}"
    async with running(capability(resource)) as whole, whole.agent(era) as client:
        found = await capabilities_of(client, whole.mcp_url, era)
        assert "resources" in found
        assert not set(found) & {"prompts", "completions"}
    async with running(capability("[]")) as whole, whole.agent(era) as client:
        assert "resources" not in await capabilities_of(client, whole.mcp_url, era)
        with pytest.raises(MCPError) as refusal:
            await client.read_resource("r://x")
        assert refusal.value.code == types.METHOD_NOT_FOUND


async def test_merged_resources_have_names_of_their_own_and_the_first_has_a_uri() -> None:
    one = plan_of(
        capability(mock("r", "x://r", "first") + "\n" + mock("t", "x://t/{a}", "first"), name="one")
    )
    two = plan_of(capability(mock("r", "x://r", "second") + "\n" + mock("s", "x://s", "second"), name="two"))
    three = plan_of(capability(mock("t", "x://t/{a}", "third"), name="three"))
    async with merged([one, two, three]) as (url, heard), Client(url) as client:
        listed = (await client.list_resources()).resources
        assert [(item.name, item.uri) for item in listed] == [("one_r", "x://r"), ("s", "x://s")]
        templates = (await client.list_resource_templates()).resource_templates
        assert [(item.name, item.uri_template) for item in templates] == [("one_t", "x://t/{a}")]
        assert (await text_at(client, "x://r"))[1] == "first"
        assert (await text_at(client, "x://s"))[1] == "second"
        assert (await text_at(client, "x://t/1"))[1] == "first"
        hidden = [event for event in heard if isinstance(event, OfferHidden)]
        assert [(event.offer, event.capability) for event in hidden] == [("r", "two"), ("t", "three")]
        assert hidden[0].reason == "the first with the uri x://r answers"


async def test_a_guard_opens_only_the_resources_of_its_own_listener() -> None:
    plans = [
        plan_of(
            capability(
                mock(name, "x://shared", name) + "\n" + mock(f"{name}-own", f"x://{name}/{{a}}", name),
                name=name,
                more=f"authentication: {{type: bearer, token: token-of-{name}}}",
            )
        )
        for name in ("one", "two")
    ]
    async with merged(plans) as (url, _):
        listed = (await ask(url, "resources/list", token="token-of-two"))["result"]
        assert [item["name"] for item in listed["resources"]] == ["two"]
        assert listed["cacheScope"] == "private"
        templates = (await ask(url, "resources/templates/list", token="token-of-two"))["result"]
        assert [item["uriTemplate"] for item in templates["resourceTemplates"]] == ["x://two/{a}"]
        found = await ask(url, "resources/read", {"uri": "x://shared"}, token="token-of-two")
        assert found["result"]["contents"][0]["text"] == "two"
        hidden = await ask(url, "resources/read", {"uri": "x://one/1"}, token="token-of-two")
        assert hidden["error"]["code"] == types.INVALID_PARAMS
        assert hidden["error"]["data"] == {"uri": "x://one/1"}
        assert "error" in await ask(url, "resources/read", {"uri": "x://shared"})
