"""Resources of a capability file, through the official client: what flows read, what files hold, what is refused."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import mcp.types as types
import pytest
from mcp import Client, MCPError
from mcp_offers import ERAS, ask, merged, over_stdio

from capspec.adapters import mcp_listings, mcp_resources
from capspec.errors import CompileError
from capspec.events import OfferHidden
from capspec.plan import Plan
from tests.upstreams import Seen, reply, serving
from tests.whole import plan_of, running

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n\0\0"


def capability(resources: str, *, name: str = "cap", more: str = "") -> str:
    indented = "\n".join(f"      {line}" for line in resources.strip("\n").splitlines())
    return f"""
capspec: "1"
info: {{title: {name}}}
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources:
    - path: /ships
      operations:
      - {{name: list, method: GET}}
      - {{name: get, method: GET, path: "/{{{{id}}}}"}}
      - name: search
        method: GET
        path: /search
        inputParameters:
        - {{name: kind, in: query, required: true, enum: [cargo, ferry, tug]}}
        - {{name: limit, in: query, type: integer}}
      - {{name: photo, method: GET, path: "/{{{{id}}}}/photo", outputRawFormat: binary}}
      - {{name: chart, method: GET, path: /chart, outputRawFormat: xml}}
  exposes:
  - type: mcp
    namespace: ns
    port: 1
    {more}
    resources:
{indented}
"""


def answer(seen: Seen) -> bytes:
    if seen.path == "/ships/1":
        return reply(200, b'{"imo": 1, "name": "Ann"}')
    if seen.path == "/ships/a%2Fb%20c":
        return reply(200, b'{"imo": "a/b c"}')
    if seen.path == "/ships/1/photo":
        return reply(200, PNG, ("content-type", "image/png"))
    if seen.path == "/ships/chart":
        return reply(200, "<v><i>Grüße</i></v>".encode("latin-1"), ("content-type", "text/xml; charset=latin-1"))
    if seen.path == "/ships/search":
        return reply(200, json.dumps(dict(seen.query)).encode())
    if seen.path == "/ships":
        return reply(200, b'[{"id": 1}, {"id": 2}]')
    if seen.path == "/ships/500":
        return reply(500, b'{"error": "on fire"}')
    return reply(404, b'{"error": "no such ship"}')


FLEET = capability("""
- {name: fleet, label: Fleet, description: All ships, uri: "ship://all", mimeType: application/json, call: up.list}
- name: ship
  label: Ship
  description: One ship
  uri: ship://by-id/{id}
  mimeType: application/json
  call: up.get
- {name: photo, uri: "ship://by-id/{id}/photo", mimeType: image/png, binary: true, call: up.photo, with: {id: "{id}"}}
- {name: kind, uri: "ship://kinds/{kind}", call: up.search}
- {name: guide, label: Guide, description: How to, uri: "docs://guide", location: "file:///./guide"}
- {name: licence, description: Terms, uri: "docs://licence", location: "file:///./LICENCE.md"}
""")


def lay_out(home: Path) -> None:
    guide = home / "guide"
    (guide / "deep" / "er").mkdir(parents=True)
    (guide / "a b.md").write_text("# Grüße\n", encoding="utf-8")
    (guide / "data.json").write_text('{"a": 1}')
    (guide / "deep" / "er" / "x.csv").write_text("a,b\n1,2\n")
    (guide / "deep" / "logo.png").write_bytes(PNG)
    (guide / "deep" / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (guide / "empty.txt").write_bytes(b"")
    (guide / "odd").write_bytes(b"\0\1")
    (guide / ".hidden").write_text("hidden")
    (guide / ".git").mkdir()
    (guide / ".git" / "config").write_text("hidden")
    (home / "LICENCE.md").write_text("Do as you like.")
    (home / "secret.txt").write_text("secret")
    (guide / "out.txt").symlink_to(home / "secret.txt")
    (guide / "outside").symlink_to(home)
    (guide / "alias.json").symlink_to("data.json")
    (guide / "loop").symlink_to("loop")
    os.mkfifo(guide / "pipe")


GUIDE = [
    ("docs://guide/a%20b.md", "text/markdown", 9),
    ("docs://guide/alias.json", "application/json", 8),
    ("docs://guide/data.json", "application/json", 8),
    ("docs://guide/deep/er/x.csv", "text/csv", 8),
    ("docs://guide/deep/latin.txt", "text/plain", 5),
    ("docs://guide/deep/logo.png", "image/png", 10),
    ("docs://guide/empty.txt", "text/plain", 0),
    ("docs://guide/odd", "application/octet-stream", 2),
]


@pytest.fixture(scope="module", params=["http-2026-07-28", "http-legacy", "stdio-2026-07-28", "stdio-legacy"])
async def transport(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Client]]:
    """The protocol's era, and a client of the fleet."""
    kind, _, mode = str(request.param).partition("-")
    home = tmp_path_factory.mktemp("fleet")
    lay_out(home)
    async with AsyncExitStack() as stack:
        if kind == "stdio":

            async def answered(seen: Seen, writer: object) -> bytes:
                return answer(seen)

            upstream = await stack.enter_async_context(serving(answered))
            (home / "fleet.yaml").write_text(FLEET)
            environ = {"CAPSPEC_BASE_URI_UP": upstream.url}
            yield mode, await stack.enter_async_context(over_stdio(home / "fleet.yaml", mode, environ))
        else:
            whole = await stack.enter_async_context(running(FLEET, answer, path=home / "fleet.yaml"))
            yield mode, await stack.enter_async_context(whole.agent(mode))


@pytest.fixture
def client(transport: tuple[str, Client]) -> Client:
    return transport[1]


async def read(client: Client, uri: str) -> types.TextResourceContents | types.BlobResourceContents:
    (contents,) = (await client.read_resource(uri)).contents
    assert contents.uri == uri
    return contents


async def text_at(client: Client, uri: str) -> tuple[str | None, str]:
    contents = await read(client, uri)
    assert isinstance(contents, types.TextResourceContents)
    return contents.mime_type, contents.text


async def bytes_at(client: Client, uri: str) -> tuple[str | None, bytes]:
    contents = await read(client, uri)
    assert isinstance(contents, types.BlobResourceContents)
    return contents.mime_type, base64.b64decode(contents.blob)


async def refused(client: Client, uri: str) -> MCPError:
    with pytest.raises(MCPError) as refusal:
        await client.read_resource(uri)
    return refusal.value


def warnings(plan: Plan) -> list[str]:
    return [f"{problem.code} {problem.message}" for problem in plan.warnings]


# -- what flows read, on every transport, in both eras --------------------------------------------------------


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
async def test_an_unknown_uri_has_the_code_of_the_clients_era(transport: tuple[str, Client], uri: str) -> None:
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
    with pytest.raises(MCPError, match="Unknown resource template"):
        unknown = types.ResourceTemplateReference(type="ref/resource", uri="x://{y}")
        await client.complete(unknown, {"name": "y", "value": ""})


# -- what files hold, on every transport, in both eras ----------------------------------------------------------


async def test_each_file_of_a_folder_is_listed_and_none_that_is_hidden_or_elsewhere(client: Client) -> None:
    resources = (await client.list_resources()).resources
    listed = [item for item in resources if item.uri.startswith("docs://guide")]
    assert [(item.uri, item.mime_type, item.size) for item in listed] == GUIDE
    assert (listed[3].name, listed[3].title) == ("guide/deep/er/x.csv", "Guide: deep/er/x.csv")
    assert {item.description for item in listed} == {"How to"}


async def test_texts_are_read_as_text(client: Client) -> None:
    assert await text_at(client, "docs://guide/a%20b.md") == ("text/markdown", "# Grüße\n")
    assert await text_at(client, "docs://guide/a b.md") == ("text/markdown", "# Grüße\n")
    assert await text_at(client, "docs://guide/deep/er/x.csv") == ("text/csv", "a,b\n1,2\n")
    assert await text_at(client, "docs://guide/alias.json") == ("application/json", '{"a": 1}')
    assert await text_at(client, "docs://guide/empty.txt") == ("text/plain", "")


async def test_other_files_are_read_byte_for_byte(client: Client) -> None:
    assert await bytes_at(client, "docs://guide/deep/logo.png") == ("image/png", PNG)
    assert await bytes_at(client, "docs://guide/odd") == ("application/octet-stream", b"\0\1")


async def test_a_text_that_is_not_utf_8_keeps_its_bytes(client: Client) -> None:
    assert await bytes_at(client, "docs://guide/deep/latin.txt") == ("text/plain", "Grüße".encode("latin-1"))


async def test_a_single_file_is_one_resource(client: Client) -> None:
    assert await text_at(client, "docs://licence") == ("text/markdown", "Do as you like.")
    (item,) = [item for item in (await client.list_resources()).resources if item.uri == "docs://licence"]
    assert (item.name, item.title, item.size) == ("licence", None, 15)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "%2E%2E%2Fsecret.txt",
        "..%2fsecret.txt",
        "deep/../../secret.txt",
        "deep/../data.json",
        "./data.json",
        "/data.json",
        "//etc/passwd",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..\\secret.txt",
        "..%5Csecret.txt",
        "%252e%252e/secret.txt",
        "data.json%00.md",
        "data.json/",
        "data.json?x",
        "data.json#x",
        "data.json/x",
        "deep",
        "deep/",
        ".hidden",
        ".git/config",
        "%2egit/config",
        "out.txt",
        "outside/secret.txt",
        "outside/guide/data.json/..",
        "loop",
        "pipe",
        "DATA.JSON%20",
        "\ud800",
        "x" * 300,
    ],
)
async def test_nothing_but_a_listed_file_can_be_read(transport: tuple[str, Client], path: str) -> None:
    era, client = transport
    if path == "\ud800":
        path = "%ED%A0%80"
    error = await refused(client, f"docs://guide/{path}")
    assert error.code == (-32002 if era == "legacy" else types.INVALID_PARAMS)
    assert "secret" not in error.message.removeprefix(f"Unknown resource: docs://guide/{path}")


async def test_a_folder_itself_cannot_be_read(client: Client) -> None:
    error = await refused(client, "docs://guide")
    assert error.code == types.INVALID_PARAMS
    assert error.message == "docs://guide is a folder: read one of the files in it"


# -- what becomes of an answer --------------------------------------------------------------------------------


async def contents_of(resource: str, uri: str = "r://x") -> types.TextResourceContents | types.BlobResourceContents:
    async with running(capability(f"- {{name: r, uri: 'r://x', {resource}}}"), answer) as whole:
        async with whole.agent() as client:
            return await read(client, uri)


@pytest.mark.parametrize(
    ("resource", "mime", "text"),
    [
        ("call: up.list", "application/json", '[{"id": 1}, {"id": 2}]'),
        ("call: up.list, outputParameters: [{type: array, mapping: '$[*].id'}]", "application/json", "[1,2]"),
        ("call: up.list, outputParameters: [{type: string, mapping: '$[0].id'}]", "text/plain", "1"),
        (
            "mimeType: application/json, call: up.get, with: {id: '1'}, outputParameters: [{type: string, mapping: $.name}]",
            "application/json",
            '"Ann"',
        ),
        (
            "mimeType: text/markdown, call: up.get, with: {id: '1'}, outputParameters: [{type: string, mapping: $.name}]",
            "text/markdown",
            "Ann",
        ),
        ("call: up.chart", "text/xml", "<v><i>Grüße</i></v>"),
        ("mimeType: application/xml, call: up.chart", "application/xml", "<v><i>Grüße</i></v>"),
        ("mimeType: application/json, call: up.chart", "application/json", '{"v":{"i":"Grüße"}}'),
        ("mimeType: text/plain, outputParameters: [{name: motto, type: string, value: Ahoy}]", "text/plain", None),
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
            "binary: true, call: up.get, with: {id: '1'}, outputParameters: [{type: string, mapping: $.name}]",
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


async def test_an_upstream_that_is_not_there_is_an_error() -> None:
    async with running(capability("- {name: r, uri: 'r://x', call: up.list}"), lambda seen: b"") as whole:
        async with whole.agent() as client:
            assert (await refused(client, "r://x")).code == types.INTERNAL_ERROR


# -- which resource a uri means -------------------------------------------------------------------------------


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
        assert [item.name for item in (await client.list_resources()).resources] == ["files/a.txt", "files/b.txt", "own"]


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


async def test_a_uri_that_nearly_fits_is_turned_away_quickly() -> None:
    text = capability("- {name: r, uri: 'x://{a}-{b}-{c}-{d}-{e}!', outputParameters: [{type: string, value: v}]}")
    async with running(text) as whole, whole.agent() as client:
        assert (await text_at(client, "x://1-2-3-4-5!"))[1] == "v"
        assert "Unknown resource" in (await refused(client, "x://" + "-" * 4000)).message


# -- what a file may say --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        ("uri: docs, call: up.list", "CAP317 resource 'r' is left out: a uri begins with a scheme, such as docs://"),
        ("uri: 'x://{?q}', call: up.list", "CAP317 resource 'r' is left out: '{?q}' is not understood"),
        ("uri: 'x://{a}{b}', call: up.list", "CAP317 resource 'r' is left out: there must be something between"),
        ("uri: 'x://{a}/{a}', call: up.list", "CAP317 resource 'r' is left out: the variable 'a' is in it twice"),
        ("uri: 'x://{+a}/{+b}', call: up.list", "CAP317 resource 'r' is left out: only one variable"),
        ("uri: 'x://{a', call: up.list", "CAP317 resource 'r' is left out: its braces do not match"),
        ("uri: 'x://y', location: 'file:///./nothing'", "CAP315 resource 'r' is left out: there is no file or folder"),
        ("uri: 'x://y', location: 'file:///../elsewhere'", "CAP315 resource 'r' is left out: 'file:///../elsewhere' leads out"),
        ("uri: 'x://{a}', location: 'file:///./here'", "CAP315 resource 'r' is left out: a 'location' needs a uri without"),
        ("uri: 'x://y', location: 'file:///./here', call: up.list", "CAP315 resource 'r' is left out: it has a 'location' and"),
        ("uri: 'x://y', location: 'file:///./pipe'", "CAP315 resource 'r' is left out: 'file:///./pipe' is neither"),
        ("uri: 'x://y', call: up.nothing", "CAP310 resource 'r' is not available: there is no operation 'up.nothing'"),
        ("uri: 'x://y', call: up.search", "CAP310 resource 'r' is not available: its uri does not say what 'kind' is"),
        ("uri: 'x://y', call: up.list, colour: red", "CAP110 'colour' is not known in a resource and has no effect"),
    ],
)  # fmt: skip
def test_what_does_not_work_is_warned_of(tmp_path: Path, resource: str, problem: str) -> None:
    home = tmp_path / "home"
    (home / "here").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    os.mkfifo(home / "pipe")
    plan = plan_of(capability(f"- {{name: r, {resource}}}"), path=home / "cap.yaml")
    assert len(plan.warnings) == 1
    assert warnings(plan)[0].startswith(problem)


def test_a_resource_without_a_uri_is_an_error() -> None:
    with pytest.raises(CompileError, match="resource 'r' has no 'uri'"):
        plan_of(capability("- {name: r, call: up.list}"))


async def test_a_resource_that_cannot_work_is_not_listed_and_says_why() -> None:
    text = capability("- {name: r, uri: 'x://y', call: up.nothing}\n- {name: s, uri: 'x://{a}', call: up.nothing}")
    async with running(text) as whole, whole.agent() as client:
        assert (await client.list_resources()).resources == []
        assert (await client.list_resource_templates()).resource_templates == []
        error = await refused(client, "x://y")
        assert error.code == types.INTERNAL_ERROR
        assert error.message.startswith("This resource is not available: there is no operation 'up.nothing'")


def test_of_two_resources_with_one_uri_the_first_is_served_and_the_other_warned_of() -> None:
    plan = plan_of(capability("- {name: a, uri: 'x://{b}', call: up.list}\n- {name: c, uri: 'x://{{b}}', call: up.list}"))
    assert [resource.name for resource in plan.listeners[0].resources] == ["a"]
    assert warnings(plan) == ["CAP318 the uri 'x://{b}' is that of two resources; the first one answers"]


async def test_a_declared_media_type_is_that_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.bin").write_text("text")
    (tmp_path / "files" / "b.gz").write_bytes(b"\xff")
    resource = "- {name: r, uri: 'x://y/', mimeType: text/plain, location: 'file:///./files/'}"
    async with running(capability(resource), path=tmp_path / "cap.yaml") as whole, whole.agent() as client:
        listed = (await client.list_resources()).resources
        assert [(item.uri, item.mime_type) for item in listed] == [
            ("x://y/a.bin", "text/plain"),
            ("x://y/b.gz", "text/plain"),
        ]
        assert await text_at(client, "x://y/a.bin") == ("text/plain", "text")
        assert await bytes_at(client, "x://y/b.gz") == ("text/plain", b"\xff")


async def test_a_folder_may_be_anywhere_when_its_path_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b")
    text = capability(f"- {{name: r, uri: 'x://y', location: 'file://{tmp_path}'}}")
    async with running(text) as whole, whole.agent() as client:
        assert await bytes_at(client, "x://y/a.tar.gz") == ("application/gzip", b"\x1f\x8b")


# -- files that change, and many or large ones ------------------------------------------------------------------


async def test_files_are_served_as_they_are_now(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    text = capability("""
- {name: r, uri: "x://y", location: "file:///./files"}
- {name: one, uri: "x://one", location: "file:///./files/one.txt"}
""")
    (files / "one.txt").write_text("1")
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent() as client:
        assert (await text_at(client, "x://one"))[1] == "1"
        (files / "one.txt").write_text("2")
        assert (await text_at(client, "x://one"))[1] == "2"
        (files / "one.txt").unlink()
        (tmp_path.parent / "elsewhere.txt").write_text("secret")
        (files / "one.txt").symlink_to(tmp_path.parent / "elsewhere.txt")
        (files / "new.txt").write_text("new")
        assert "Unknown resource" in (await refused(client, "x://one")).message
        assert (await text_at(client, "x://y/new.txt"))[1] == "new"
        assert [item.uri for item in (await client.list_resources()).resources] == ["x://y/new.txt"]
        (files / "new.txt").unlink()
        (files / "one.txt").unlink()
        files.rmdir()
        assert (await client.list_resources()).resources == []


async def test_a_folder_that_becomes_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    (home / "files").mkdir(parents=True)
    other.mkdir()
    (other / "secret.txt").write_text("secret")
    text = capability('- {name: r, uri: "x://y", location: "file:///./files"}')
    async with running(text, path=home / "cap.yaml") as whole, whole.agent() as client:
        (home / "files").rmdir()
        (home / "files").symlink_to(other)
        assert (await client.list_resources()).resources == []
        assert "Unknown resource" in (await refused(client, "x://y/secret.txt")).message


async def test_links_that_are_swapped_under_a_folder_are_followed(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap."""
    for number in ("1", "2"):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "guide.md").write_text(number)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "guide.md").symlink_to("..data/guide.md")
    text = capability(f"""
- {{name: all, uri: "x://all", location: "file://{tmp_path}"}}
- {{name: one, uri: "x://one", location: "file:///./guide.md"}}
""")
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent() as client:
        assert [item.uri for item in (await client.list_resources()).resources] == ["x://all/guide.md", "x://one"]
        assert (await text_at(client, "x://one"))[1] == "1"
        (tmp_path / "..data").unlink()
        (tmp_path / "..data").symlink_to("..2")
        assert (await text_at(client, "x://one"))[1] == "2"
        assert (await text_at(client, "x://all/guide.md"))[1] == "2"


@pytest.mark.parametrize("era", ERAS)
async def test_a_file_over_the_limit_is_refused_with_both_sizes(tmp_path: Path, era: str) -> None:
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(mcp_resources.FILE_LIMIT + 1)
    text = capability('- {name: r, uri: "x://y", location: "file:///./large.bin"}')
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent(era) as client:
        error = await refused(client, "x://y")
        assert error.code == types.INTERNAL_ERROR
        assert error.message == "x://y is 10.0 MiB; files of up to 10.0 MiB can be read"


async def test_a_file_of_many_megabytes_arrives_whole(tmp_path: Path) -> None:
    content = os.urandom(mcp_resources.FILE_LIMIT)
    (tmp_path / "large.bin").write_bytes(content)
    text = capability('- {name: r, uri: "x://y", location: "file:///./large.bin"}')
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent("2026-07-28") as client:
        assert await bytes_at(client, "x://y") == ("application/octet-stream", content)


async def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a")
    text = capability('- {name: r, uri: "x://y", location: "file:///./a.txt"}')

    def refuse(path: object, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent() as client:
        monkeypatch.setattr("capspec.folders.os.open", refuse)
        error = await refused(client, "x://y")
        assert (error.code, error.message) == (types.INTERNAL_ERROR, "x://y cannot be read")
        assert (await client.list_resources()).resources == []


@pytest.mark.parametrize("era", ERAS)
async def test_many_files_are_listed_page_by_page(tmp_path: Path, era: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_listings, "FILES_LIMIT", 450)
    (tmp_path / "files").mkdir()
    for number in range(460):
        (tmp_path / "files" / f"{number:03}.txt").touch()
    text = capability('- {name: r, uri: "x://y", location: "file:///./files"}')
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent(era) as client:
        uris: list[str] = []
        cursor: str | None = None
        for _ in range(3):
            page = await client.list_resources(cursor=cursor)
            uris += [item.uri for item in page.resources]
            cursor = page.next_cursor
        assert cursor is None
        assert uris == [f"x://y/{number:03}.txt" for number in range(450)]
        for bad in ("-1", "x", "٣", "9" * 20):
            with pytest.raises(MCPError) as refusal:
                await client.list_resources(cursor=bad)
            assert refusal.value.code == types.INVALID_PARAMS
        assert (await client.list_resources(cursor="99999")).resources == []


async def test_a_file_whose_name_is_no_text_can_be_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / os.fsdecode(b"gr\xfcn?#%.txt")).write_text("green")
    text = capability('- {name: r, uri: "x://y", location: "file:///./files"}')
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent() as client:
        (listed,) = (await client.list_resources()).resources
        assert (listed.uri, listed.name) == ("x://y/gr%FCn%3F%23%25.txt", "r/gr?n?#%.txt")
        assert (await text_at(client, listed.uri))[1] == "green"


# -- who is told of them, and with whom they share --------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_resources_are_announced_only_where_there_are_some(era: str) -> None:
    resource = "- {name: r, uri: 'r://x', outputParameters: [{type: string, value: v}]}"
    async with running(capability(resource)) as whole, whole.agent(era) as client:
        found = await _capabilities(client, whole.mcp_url, era)
        assert "resources" in found
        assert not set(found) & {"prompts", "completions"}
    async with running(capability("[]")) as whole, whole.agent(era) as client:
        assert "resources" not in await _capabilities(client, whole.mcp_url, era)
        with pytest.raises(MCPError) as refusal:
            await client.read_resource("r://x")
        assert refusal.value.code == types.METHOD_NOT_FOUND


async def _capabilities(client: Client, url: str, era: str) -> dict[str, Any]:
    if era == "legacy":
        assert client.server_capabilities is not None
        return client.server_capabilities.model_dump(exclude_none=True)
    found: dict[str, Any] = (await ask(url, "server/discover"))["result"]["capabilities"]
    return found


def mock(name: str, uri: str, value: str) -> str:
    return f"- {{name: {name}, uri: '{uri}', outputParameters: [{{type: string, value: {value}}}]}}"


async def test_merged_resources_have_names_of_their_own_and_the_first_has_a_uri() -> None:
    one = plan_of(capability(mock("r", "x://r", "first") + "\n" + mock("t", "x://t/{a}", "first"), name="one"))
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


async def test_lists_may_be_kept_where_they_stay_the_same(tmp_path: Path) -> None:
    async with running(capability(mock("r", "x://r", "v") + "\n" + mock("t", "x://{a}", "v"))) as whole:
        for method in ("resources/list", "resources/templates/list"):
            listed = (await ask(whole.mcp_url, method))["result"]
            assert (listed["ttlMs"], listed["cacheScope"]) == (60_000, "public")
    (tmp_path / "files").mkdir()
    text = capability('- {name: r, uri: "x://y", location: "file:///./files"}')
    async with running(text, path=tmp_path / "cap.yaml") as whole:
        assert (await ask(whole.mcp_url, "resources/list"))["result"]["ttlMs"] == 0
