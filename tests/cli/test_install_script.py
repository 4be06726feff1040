"""The script of GET …/install, piped into real shells, against `capspec serve`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from capspec.skills.targets import TARGETS
from tests.adapters.skill_world import GUIDE, ORDERS, PICTURE, folder
from tests.cli.cli_processes import PATIENCE, finished, served

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        shutil.which("bash") is None or shutil.which("curl") is None, reason="no bash or curl"
    ),
]

ROOT = Path(__file__).parents[2]
SHELLS = [shell for shell in ("bash", "dash") if shutil.which(shell)]


@dataclass
class Run:
    """What a piped script said."""

    code: int
    out: str
    err: str


@dataclass
class Machine:
    """A home folder, and a server with skills. `url` ends where `/install` begins."""

    home: Path
    url: str
    folder: Path
    shell: str = "bash"

    async def install(
        self, *words: str, of: str = "/skills/order-management", path: str = "", **env: str
    ) -> Run:
        """`curl -s URL/install | bash -s -- …`, with the words as they are."""
        pipe = f'curl -s "$URL" | {self.shell} -s -- "$@"'
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", pipe, "bash", *words,
            stdout=PIPE, stderr=PIPE,
            env={
                "PATH": path or os.environ["PATH"],
                "HOME": str(self.home),
                "URL": f"{self.url}{of}/install",
                "LC_ALL": "C.UTF-8",
                **env,
            },
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Run(process.returncode, out.decode(), err.decode())


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder that does not lie in a hidden one of ours, by its path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(params=SHELLS)
async def machine(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Machine]:
    found = folder(tmp_path)
    home = tmp_path / "the home of $USER's"
    home.mkdir()
    (tmp_path / "orders.yaml").write_text(ORDERS)
    async with served(str(tmp_path / "orders.yaml")) as server:
        url = server.url("skill").removesuffix("/skills")
        yield Machine(home, url, found, str(request.param))


async def test_the_documented_line_installs_the_skill_of_the_seeds_own_capability(tmp_path: Path):
    file = str(ROOT / "capabilities" / "flexura.yaml")
    async with served(file, "--port", "0") as server:
        base = server.url("skill").removesuffix("/skills")
        machine = Machine(tmp_path, base, tmp_path)
        done = await machine.install("--target", "claude", of="/skills/flexura")
    assert (done.code, done.err) == (0, "")
    found = tmp_path / ".claude" / "skills" / "flexura"
    text = (found / "SKILL.md").read_text("utf-8")
    assert text.startswith("---\nname: flexura\n")
    assert f"which is at <{base}/mcp>" in text
    assert (found / "references" / "workflow.md").is_file()


@pytest.mark.parametrize("target", list(TARGETS))
async def test_each_agent_gets_the_whole_skill_where_it_looks(machine: Machine, target: str):
    script = machine.folder / "scripts" / "run me.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    done = await machine.install("--target", target)
    assert (done.code, done.err) == (0, "")
    found = machine.home / TARGETS[target].user / "order-management"
    files = tree(found)
    assert set(files) == {
        ".capspec.sha256",
        "SKILL.md",
        "assets/logo.png",
        "order-guide.md",
        "scripts/run me.sh",
    }
    assert (files["assets/logo.png"], files["order-guide.md"]) == (PICTURE, GUIDE)
    assert os.access(found / "scripts" / "run me.sh", os.X_OK)
    assert not os.access(found / "order-guide.md", os.X_OK)
    assert f"written: {found}/SKILL.md" in done.out
    again = await machine.install("--target", target)
    assert (again.code, again.out.splitlines()[0]) == (0, f"up to date: {found}")
    assert tree(found) == files


async def test_install_without_a_skill_installs_all_of_them(machine: Machine):
    done = await machine.install("--target", "claude", "--target=cursor", of="")
    assert done.code == 0
    for where in (".claude", ".cursor"):
        assert sorted(path.name for path in (machine.home / where / "skills").iterdir()) == [
            "onboarding-guide",
            "order-management",
        ]
    assert not (machine.home / ".claude" / "skills" / "onboarding-guide" / "assets").exists()


async def test_a_project_gets_it_in_its_own_folder(machine: Machine, tmp_path: Path):
    project = tmp_path / 'a "project" $HOME `x`'
    project.mkdir()
    done = await machine.install("--target", "windsurf", "--project", str(project))
    assert done.code == 0
    assert (project / ".windsurf" / "skills" / "order-management" / "SKILL.md").is_file()
    assert list(machine.home.iterdir()) == []


async def test_claude_code_can_be_told_to_live_elsewhere(machine: Machine, tmp_path: Path):
    done = await machine.install("--target", "claude", CLAUDE_CONFIG_DIR=str(tmp_path / "else where"))
    assert done.code == 0
    assert (tmp_path / "else where" / "skills" / "order-management" / "SKILL.md").is_file()


async def test_a_dry_run_says_what_it_would_write_and_writes_nothing(machine: Machine):
    done = await machine.install("--target", "claude", "--target", "aider", "--dry-run")
    assert done.code == 0
    assert list(machine.home.iterdir()) == []
    for path in (".claude/skills/order-management/SKILL.md", ".aider.conf.yml"):
        assert f"would write: {machine.home}/{path}" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "emacs"], "'emacs' is no agent that is known here"),
        (["--target", "$(touch hacked)"], "is no agent that is known here"),
        (["--target"], "--target needs a value"),
        (["--everything"], "'--everything' is no option"),
        (["--target", "claude", "--project", "/none/such"], "there is no folder '/none/such'"),
        ([], "no agent was found here; say which it is with --target"),
    ],
)
async def test_what_it_does_not_know_is_refused_before_anything_is_written(
    machine: Machine, words: list[str], message: str
):
    done = await machine.install(*words)
    assert done.code == 2
    assert message in done.err
    assert list(machine.home.iterdir()) == []


async def test_without_a_target_the_one_agent_that_is_there_gets_it(machine: Machine):
    (machine.home / ".cursor").mkdir()
    done = await machine.install()
    assert (done.code, done.out.splitlines()[0]) == (0, "for: cursor")
    (machine.home / ".codeium" / "windsurf").mkdir(parents=True)
    several = await machine.install()
    assert several.code == 2
    assert "several agents are here: cursor windsurf; say which with --target" in several.err


async def test_files_of_the_user_are_never_replaced_without_being_told(machine: Machine):
    await machine.install("--target", "claude")
    found = machine.home / ".claude" / "skills" / "order-management"
    (found / "order-guide.md").write_text("my own words")
    (found / "notes.md").write_text("mine")
    (machine.folder / "order-guide.md").write_text("newer")
    before = tree(found)
    refused = await machine.install("--target", "claude")
    assert refused.code == 1
    assert f"{found}/order-guide.md was changed, or put there by others; --force replaces it" in refused.err
    assert tree(found) == before
    forced = await machine.install("--target", "claude", "--force")
    assert forced.code == 0
    assert (found / "order-guide.md").read_text() == "newer"
    assert (found / "notes.md").read_text() == "mine"


async def test_a_folder_that_somebody_else_made_is_left_alone(machine: Machine):
    found = machine.home / ".claude" / "skills" / "order-management"
    found.mkdir(parents=True)
    (found / "SKILL.md").write_text("somebody else's")
    assert (await machine.install("--target", "claude")).code == 1
    assert tree(found) == {"SKILL.md": b"somebody else's"}


async def test_a_link_is_not_followed_unawares(machine: Machine, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (machine.home / ".claude" / "skills").mkdir(parents=True)
    (machine.home / ".claude" / "skills" / "order-management").symlink_to(elsewhere)
    done = await machine.install("--target", "claude")
    assert done.code == 1
    assert "is a link; --force follows it" in done.err
    assert tree(elsewhere) == {}


async def test_a_new_version_replaces_what_was_installed_and_removes_what_is_gone(machine: Machine):
    await machine.install("--target", "claude")
    found = machine.home / ".claude" / "skills" / "order-management"
    (machine.folder / "order-guide.md").write_text("newer")
    (machine.folder / "assets" / "logo.png").unlink()
    (machine.folder / "more.md").write_text("more")
    dry = await machine.install("--target", "claude", "--dry-run")
    assert f"would remove: {found}/assets/logo.png" in dry.out
    done = await machine.install("--target", "claude")
    assert done.code == 0
    assert {name: text for name, text in tree(found).items() if name[0] in "ao" or name == "more.md"} == {
        "order-guide.md": b"newer",
        "more.md": b"more",
    }


async def test_aider_is_told_what_to_read_and_its_settings_stay(machine: Machine):
    settings = machine.home / ".aider.conf.yml"
    settings.write_text("# mine\nmodel: gpt-x")
    settings.chmod(0o640)
    for skill in ("/skills/order-management", "/skills/onboarding-guide", "/skills/order-management"):
        assert (await machine.install("--target", "aider", of=skill)).code == 0
    where = f"{machine.home}/.aider/skills"
    assert settings.read_text() == (
        "# mine\nmodel: gpt-x\n"
        "# --- skills that capspec installed ---\n"
        "read:\n"
        f'  - "{where}/order-management/SKILL.md"\n'
        f'  - "{where}/onboarding-guide/SKILL.md"\n'
        "# --- end of skills that capspec installed ---\n"
    )
    assert settings.stat().st_mode & 0o777 == 0o640


async def test_a_list_of_the_users_own_is_left_to_the_user(machine: Machine):
    settings = machine.home / ".aider.conf.yml"
    settings.write_text("read: [CONVENTIONS.md]\n")
    done = await machine.install("--target", "aider")
    assert done.code == 1
    assert "has a list 'read' already; add this line to it:" in done.err
    assert '/.aider/skills/order-management/SKILL.md"' in done.out
    assert settings.read_text() == "read: [CONVENTIONS.md]\n"


def few_tools(found: Path) -> Path:
    """A folder with what any machine has, and without curl, unzip and sha256sum."""
    found.mkdir()
    names = "sh bash dash wget mktemp rm mkdir mv cp cat cut sed sort find cmp dirname grep tail shasum perl"
    for name in names.split():
        path = shutil.which(name)
        if path is not None:
            (found / name).symlink_to(path)
    (found / "python3").symlink_to(Path(sys.executable).resolve())
    return found


@pytest.mark.skipif(
    shutil.which("wget") is None or shutil.which("shasum") is None, reason="no wget or shasum"
)
async def test_python_unpacks_where_there_is_no_unzip_and_wget_fetches_where_there_is_no_curl(
    machine: Machine, tmp_path: Path
):
    tools = few_tools(tmp_path / "tools")
    async with httpx.AsyncClient() as client:
        script = (await client.get(f"{machine.url}/skills/order-management/install")).text
    process = await asyncio.create_subprocess_exec(
        str(tools / machine.shell), "-s", "--", "--target", "claude",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env={"PATH": str(tools), "HOME": str(machine.home)},
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate(script.encode())
    assert (process.returncode, err) == (0, b"")
    assert tree(machine.home / ".claude" / "skills" / "order-management")["assets/logo.png"] == PICTURE


async def test_a_server_that_does_not_answer_leaves_nothing_behind(machine: Machine):
    done = await machine.install("--target", "claude", "--url", "http://127.0.0.1:9")
    assert done.code == 1
    assert not (machine.home / ".claude").exists()


async def test_half_a_script_does_nothing(machine: Machine):
    async with httpx.AsyncClient() as client:
        script = (await client.get(f"{machine.url}/install")).text
    for end in range(0, len(script) - 8, 400):
        process = await asyncio.create_subprocess_exec(
            machine.shell, "-s", "--", "--target", "claude",
            stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(machine.home)},
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            await process.communicate(script[:end].encode())
    assert list(machine.home.iterdir()) == []


async def test_a_header_of_the_users_gets_past_the_guard(tmp_path: Path):
    text = ORDERS.replace(
        "      namespace: shop-skills\n",
        "      namespace: shop-skills\n      authentication: {type: bearer, token: '{{SHOP_TOKEN}}'}\n",
    ).replace("capability:\n", "binds: [{namespace: env, keys: {SHOP_TOKEN: SHOP_TOKEN}}]\ncapability:\n", 1)
    folder(tmp_path)
    (tmp_path / "orders.yaml").write_text(text)
    async with served(str(tmp_path / "orders.yaml"), env={"SHOP_TOKEN": "t0ps3cret"}) as server:
        url = server.url("skill").removesuffix("/skills")
        header = "Authorization: Bearer t0ps3cret"
        async with httpx.AsyncClient() as client:
            script = await client.get(f"{url}/install", headers={"authorization": "Bearer t0ps3cret"})
        assert b"t0ps3cret" not in script.content
        for words, code in (([], 1), (["--header", header], 0)):
            process = await asyncio.create_subprocess_exec(
                "bash", "-s", "--", "--target", "claude", *words,
                stdin=PIPE, stdout=PIPE, stderr=PIPE,
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            )  # fmt: skip
            async with asyncio.timeout(PATIENCE):
                await process.communicate(script.content)
            assert process.returncode == code
    assert (tmp_path / ".claude" / "skills" / "order-management" / "SKILL.md").is_file()


async def test_the_command_and_the_script_know_each_others_files(machine: Machine, tmp_path: Path):
    await machine.install("--target", "claude")
    found = machine.home / ".claude" / "skills" / "order-management"
    first = tree(found)
    words = (
        "install-skill",
        str(tmp_path / "orders.yaml"),
        "--target",
        "claude",
        "--skill",
        "order-management",
    )
    done = await finished(*words, env={"HOME": str(machine.home)})
    assert (done.code, done.out) == (0, f"written: {found}/SKILL.md\n")
    assert {**tree(found), "SKILL.md": b"", ".capspec.sha256": b""} == {
        **first,
        "SKILL.md": b"",
        ".capspec.sha256": b"",
    }
    back = await machine.install("--target", "claude")
    assert back.code == 0
    assert tree(found) == first


# -- how it is served -----------------------------------------------------------------------------------


async def test_skills_share_a_port_with_the_routes_of_the_same_capability(tmp_path: Path):
    folder(tmp_path)
    (tmp_path / "orders.yaml").write_text(ORDERS)
    async with served(str(tmp_path / "orders.yaml"), "--port", "0") as server, httpx.AsyncClient() as client:
        port = httpx.URL(server.url("rest")).port
        base = f"http://127.0.0.1:{port}/orders"
        assert server.url("skill") == f"{base}/skills"
        (endpoint,) = (
            item for item in server.banner["capabilities"][0]["endpoints"] if item["kind"] == "skill"
        )
        assert endpoint["count"] == 2
        statuses = [
            (await client.get(f"{base}/{path}")).status_code
            for path in ("skills", "skills/order-management/contents", "install", "openapi.json", "nothing")
        ]
        text = (await client.get(f"{base}/skills/order-management/SKILL.md")).text
        script = (await client.get(f"{base}/install")).text
    assert statuses == [200, 200, 200, 200, 404]
    assert f"<{base}>" in text
    assert f"<{base}/mcp>" in text
    assert f"\nurl={base}\n" in script


async def test_each_listener_on_a_port_of_its_own_is_named_with_its_address(tmp_path: Path):
    folder(tmp_path)
    (tmp_path / "orders.yaml").write_text(ORDERS)
    async with served(str(tmp_path / "orders.yaml")) as server, httpx.AsyncClient() as client:
        port = httpx.URL(server.url("skill")).port
        text = (await client.get(f"http://localhost:{port}/skills/order-management/SKILL.md")).text
        foreign = await client.get(server.url("skill"), headers={"origin": "http://evil.example"})
    assert f"<{server.url('mcp')}>".replace("127.0.0.1", "localhost") in text
    assert f"<{server.url('rest')}>".replace("127.0.0.1", "localhost") in text
    assert foreign.status_code == 403
