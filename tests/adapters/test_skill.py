"""The skill adapter over real sockets: what it tells of skills, and which files it gives to whom."""

from __future__ import annotations

import io
import os
import shutil
import stat
import zipfile
from pathlib import Path

import httpx
import pytest

from capspec.skills import contents
from tests.adapters.skill_world import GUIDE, ORDERS, PICTURE, serving

pytestmark = pytest.mark.anyio

SKILL = "/skills/order-management"


# -- what is told ---------------------------------------------------------------------------------------


async def test_the_catalogue_counts_and_lists_the_skills_and_the_names_of_their_tools(tmp_path: Path):
    async with serving(tmp_path) as world:
        answer = await world.client.get("/skills")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "count": 2,
        "skills": [
            {
                "name": "order-management",
                "description": "Handle the orders of a shop.",
                "license": "Apache-2.0",
                "tools": ["list-orders", "get-order", "guide"],
            },
            {"name": "onboarding-guide", "description": "How to begin.", "tools": []},
        ],
    }


async def test_the_detail_says_where_each_tool_comes_from(tmp_path: Path):
    async with serving(tmp_path) as world:
        found = (await world.client.get(SKILL)).json()
    assert found == {
        "name": "order-management",
        "description": "Handle the orders of a shop.",
        "license": "Apache-2.0",
        "compatibility": "Any client that speaks MCP.",
        "argument-hint": "the number of an order",
        "allowed-tools": "list-orders get-order",
        "user-invocable": True,
        "disable-model-invocation": False,
        "metadata": {"author": "somebody", "version": "1.10"},
        "tools": [
            {
                "name": "list-orders",
                "description": "List them all",
                "type": "derived",
                "invocationRef": {"targetNamespace": "shop-rest", "action": "list-orders", "mode": "rest"},
            },
            {
                "name": "get-order",
                "description": "Get one order",
                "type": "derived",
                "invocationRef": {"targetNamespace": "shop-tools", "action": "get-order", "mode": "mcp"},
            },
            {
                "name": "guide",
                "description": "How orders work",
                "type": "instruction",
                "instruction": "order-guide.md",
            },
        ],
    }


async def test_a_skill_that_only_describes_has_no_tools_and_no_unset_members(tmp_path: Path):
    async with serving(tmp_path) as world:
        found = (await world.client.get("/skills/onboarding-guide/")).json()
    assert found == {
        "name": "onboarding-guide",
        "description": "How to begin.",
        "user-invocable": False,
        "disable-model-invocation": True,
        "tools": [],
    }


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/other",
        "/skills/unknown",
        "/skills/unknown/contents",
        f"{SKILL}/other",
        f"{SKILL}/download/more",
        f"{SKILL}/contents/none.md",
        f"{SKILL}/contents/assets",
        "/skills/onboarding-guide/contents",
        "/skills/onboarding-guide/contents/SKILL.md",
        "/skills/onboarding-guide/download",
    ],
)
async def test_what_is_not_there_is_404_with_a_problem_document(tmp_path: Path, path: str):
    async with serving(tmp_path) as world:
        answer = await world.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


@pytest.mark.parametrize("path", ["/skills", SKILL, f"{SKILL}/download", f"{SKILL}/contents/order-guide.md"])
async def test_only_reading_is_offered_and_405_says_so(tmp_path: Path, path: str):
    async with serving(tmp_path) as world:
        refused = [await world.client.request(method, path) for method in ("POST", "PUT", "DELETE")]
        asked = await world.client.options(path)
    assert {answer.status_code for answer in refused} == {405}
    assert {answer.headers["allow"] for answer in (*refused, asked)} == {"GET, HEAD, OPTIONS"}
    assert asked.status_code == 204


@pytest.mark.parametrize(
    "path", ["/skills", f"{SKILL}/SKILL.md", f"{SKILL}/contents/order-guide.md", "/install"]
)
async def test_head_has_the_headers_of_get_and_no_body(tmp_path: Path, path: str):
    async with serving(tmp_path) as world:
        head = await world.client.head(path)
        got = await world.client.get(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))


# -- files ----------------------------------------------------------------------------------------------


async def test_contents_list_the_folder_sorted_with_sizes_and_media_types(tmp_path: Path):
    async with serving(tmp_path, manual=b"# Mine\n") as world:
        found = (await world.client.get(f"{SKILL}/contents")).json()
    assert found == {
        "name": "order-management",
        "files": [
            {"path": "SKILL.md", "size": 7, "type": "text/markdown"},
            {"path": "assets/logo.png", "size": len(PICTURE), "type": "image/png"},
            {"path": "order-guide.md", "size": len(GUIDE), "type": "text/markdown"},
        ],
    }


async def test_files_are_given_byte_for_byte_and_nothing_in_them_may_run_in_a_browser(tmp_path: Path):
    async with serving(tmp_path) as world:
        (tmp_path / "orders" / "page.html").write_text("<script>alert(1)</script>")
        picture = await world.client.get(f"{SKILL}/contents/assets/logo.png")
        guide = await world.client.get(f"{SKILL}/contents/order-guide.md")
        page = await world.client.get(f"{SKILL}/contents/page.html")
    assert (picture.content, guide.content) == (PICTURE, GUIDE)
    assert picture.headers["content-type"] == "image/png"
    assert guide.headers["content-type"] == "text/markdown; charset=utf-8"
    for answer in (picture, guide, page):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_file_that_the_client_has_is_304_until_it_changes(tmp_path: Path):
    async with serving(tmp_path) as world:
        for path in (f"{SKILL}/contents/order-guide.md", f"{SKILL}/SKILL.md"):
            tag = (await world.client.get(path)).headers["etag"]
            again = await world.client.get(path, headers={"if-none-match": f'"other", {tag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        guide = tmp_path / "orders" / "order-guide.md"
        guide.write_bytes(b"another")
        tag = (await world.client.get(f"{SKILL}/contents/order-guide.md")).headers["etag"]
        changed = await world.client.get(
            f"{SKILL}/contents/order-guide.md", headers={"if-none-match": '"old"'}
        )
    assert (changed.status_code, changed.content, changed.headers["etag"]) == (200, b"another", tag)


@pytest.mark.parametrize(
    "way",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2E%2E%2Fsecret.txt",
        "assets/../../secret.txt",
        "assets/%2e%2e/%2e%2e/secret.txt",
        "..%5csecret.txt",
        "%252e%252e/secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "./order-guide.md",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "order-guide.md%00.png",
        "order-guide.md/",
        "order-guide.md/x",
        "a" * 300,
    ],
)
async def test_no_way_leads_out_of_the_folder(tmp_path: Path, way: str):
    async with serving(tmp_path) as world:
        status, body = await world.raw(f"{SKILL}/contents/{way}")
        also, _ = await world.raw(f"{SKILL}/contents/{way}", "HEAD")
    assert status in (400, 404)
    assert also == status
    assert b"do not tell" not in body


@pytest.mark.parametrize("way", ["..%2fsecret.txt", "assets/../x", "a%5cb", "x%00"])
async def test_a_path_that_is_none_is_400(tmp_path: Path, way: str):
    async with serving(tmp_path) as world:
        assert (await world.raw(f"{SKILL}/contents/{way}"))[0] == 400


async def names_of(client: httpx.AsyncClient) -> tuple[list[str], list[str]]:
    """The files of the skill as they are listed, and as they are in the archive."""
    listed = (await client.get(f"{SKILL}/contents")).json()["files"]
    archive = (await client.get(f"{SKILL}/download")).content
    return [file["path"] for file in listed], zipfile.ZipFile(io.BytesIO(archive)).namelist()


async def test_links_that_lead_out_are_neither_listed_nor_given_nor_packed(tmp_path: Path):
    async with serving(tmp_path) as world:
        found = tmp_path / "orders"
        (found / "leak.txt").symlink_to(tmp_path / "secret.txt")
        (found / "up").symlink_to(tmp_path)
        (found / "loop").symlink_to(found / "loop")
        (found / "same.md").symlink_to(found / "order-guide.md")
        listed, packed = await names_of(world.client)
        leaks = [
            (await world.raw(f"{SKILL}/contents/{way}"))[0]
            for way in ("leak.txt", "up/secret.txt", "up/orders.yaml", "loop")
        ]
        same = await world.client.get(f"{SKILL}/contents/same.md")
    assert listed == packed == ["SKILL.md", "assets/logo.png", "order-guide.md", "same.md"]
    assert leaks == [404] * 4
    assert same.content == GUIDE


async def test_what_is_hidden_or_has_a_name_that_cannot_be_shown_is_no_part_of_a_skill(tmp_path: Path):
    async with serving(tmp_path) as world:
        found = tmp_path / "orders"
        (found / ".env").write_text("TOKEN=1")
        (found / ".git").mkdir()
        (found / ".git" / "config").write_text("x")
        (found / "two\nlines.md").write_text("x")
        (found / "a\u202eb.md").write_text("x")
        (found / os.fsdecode(b"latin-\xe9.md")).write_text("x")
        os.mkfifo(found / "pipe")
        (found / "it's $(odd) \u00e9.md").write_text("x")
        listed, packed = await names_of(world.client)
        hidden = [
            (await world.raw(f"{SKILL}/contents/{way}"))[0]
            for way in (".env", ".git/config", "two%0Alines.md", "a%E2%80%AEb.md", "latin-%E9.md", "pipe")
        ]
        odd = await world.client.get(f"{SKILL}/contents/it's%20$(odd)%20%C3%A9.md")
    assert listed == packed
    assert listed == ["SKILL.md", "assets/logo.png", "it's $(odd) \u00e9.md", "order-guide.md"]
    assert hidden == [404] * 6
    assert odd.content == b"x"


async def test_the_archive_is_the_folder_with_what_may_be_executed_and_always_the_same(tmp_path: Path):
    async with serving(tmp_path) as world:
        script = tmp_path / "orders" / "scripts" / "run.sh"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        first = await world.client.get(f"{SKILL}/download")
        os.utime(script, (1, 1))
        second = await world.client.get(f"{SKILL}/download")
        manual = await world.client.get(f"{SKILL}/SKILL.md")
    assert first.content == second.content
    assert first.headers["content-type"] == "application/zip"
    assert first.headers["content-disposition"] == 'attachment; filename="order-management.zip"'
    archive = zipfile.ZipFile(io.BytesIO(first.content))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "SKILL.md": manual.content,
        "assets/logo.png": PICTURE,
        "order-guide.md": GUIDE,
        "scripts/run.sh": b"#!/bin/sh\n",
    }
    modes = {item.filename: stat.S_IMODE(item.external_attr >> 16) for item in archive.infolist()}
    assert (modes["scripts/run.sh"], modes["order-guide.md"]) == (0o755, 0o644)


async def test_a_large_file_is_streamed_in_small_parts(tmp_path: Path):
    async with serving(tmp_path) as world:
        big = os.urandom(1024) * (24 * 1024)
        (tmp_path / "orders" / "big.bin").write_bytes(big)
        async with world.client.stream("GET", f"{SKILL}/download") as answer:
            assert "content-length" not in answer.headers
            parts = [part async for part in answer.aiter_raw()]
        whole = await world.client.get(f"{SKILL}/contents/big.bin")
    assert max(map(len, parts)) < 2**20
    assert zipfile.ZipFile(io.BytesIO(b"".join(parts))).read("big.bin") == big == whole.content


async def test_a_client_that_leaves_in_the_middle_leaves_the_server_working(tmp_path: Path):
    async with serving(tmp_path) as world:
        (tmp_path / "orders" / "big.bin").write_bytes(os.urandom(32 * 2**20))
        for path in ("download", "contents/big.bin"):
            async with world.client.stream("GET", f"{SKILL}/{path}") as answer:
                async for _ in answer.aiter_raw():
                    break
        assert (await world.client.get("/skills")).status_code == 200


async def test_a_folder_with_too_many_files_is_refused_rather_than_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(contents, "MOST_FILES", 2)
    async with serving(tmp_path) as world:
        (tmp_path / "orders" / "third.md").write_text("x")
        answers = [await world.client.get(f"{SKILL}/{part}") for part in ("contents", "download")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "more than 2 files" in answers[0].json()["detail"]


async def test_a_folder_that_is_gone_is_404_and_the_skill_stays(tmp_path: Path):
    async with serving(tmp_path) as world:
        shutil.rmtree(tmp_path / "orders")
        statuses = [
            (await world.client.get(f"{SKILL}/{part}")).status_code
            for part in ("contents", "contents/order-guide.md", "download", "SKILL.md", "")
        ]
    assert statuses == [404, 404, 404, 200, 200]


# -- who may ------------------------------------------------------------------------------------------------

GUARDED = ORDERS.replace(
    "      namespace: shop-skills\n",
    "      namespace: shop-skills\n      authentication: {type: bearer, token: '{{SHOP_TOKEN}}'}\n",
).replace("capability:\n", "binds: [{namespace: env, keys: {SHOP_TOKEN: SHOP_TOKEN}}]\ncapability:\n", 1)


async def test_a_guard_is_asked_before_anything_is_told(tmp_path: Path):
    async with serving(tmp_path, GUARDED, environ={"SHOP_TOKEN": "t0ps3cret"}) as world:
        paths = ("/skills", "/install", f"{SKILL}/download", "/skills/unknown")
        refused = [await world.client.get(path) for path in paths]
        allowed = await world.client.get("/skills", headers={"authorization": "Bearer t0ps3cret"})
    assert {answer.status_code for answer in refused} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in refused)
    assert allowed.json()["count"] == 2
