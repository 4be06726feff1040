"""Files as MCP resources: what is listed and read, and that nothing else can be."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import mcp.types as types
import pytest
from mcp import Client, MCPError

from capspec.adapters.mcp import listings as mcp_listings
from capspec.adapters.mcp import resources as mcp_resources
from tests.adapters.mcp_fleet import (
    GUIDE,
    KINDS,
    PNG,
    bytes_at,
    capability,
    fleet,
    mock,
    refused,
    text_at,
)
from tests.adapters.mcp_offers import ERAS, ask
from tests.whole import running

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


# -- what files hold, on every transport, in both eras --------------------------------------------------


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


# -- files that change, and many or large ones ----------------------------------------------------------


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
        assert [item.uri for item in (await client.list_resources()).resources] == [
            "x://all/guide.md",
            "x://one",
        ]
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


async def test_a_file_that_may_not_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
async def test_many_files_are_listed_page_by_page(
    tmp_path: Path, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_lists_may_be_kept_where_they_stay_the_same(tmp_path: Path) -> None:
    async with running(capability(mock("r", "x://r", "v") + "\n" + mock("t", "x://{a}", "v"))) as whole:
        for method in ("resources/list", "resources/templates/list"):
            listed = (await ask(whole.mcp_url, method))["result"]
            assert (listed["ttlMs"], listed["cacheScope"]) == (60_000, "public")
    (tmp_path / "files").mkdir()
    text = capability('- {name: r, uri: "x://y", location: "file:///./files"}')
    async with running(text, path=tmp_path / "cap.yaml") as whole:
        assert (await ask(whole.mcp_url, "resources/list"))["result"]["ttlMs"] == 0
