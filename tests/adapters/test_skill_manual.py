"""SKILL.md: the folder's own, or one that says what the tools are and how to call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from capspec import document
from capspec.plan.skills import Skill
from capspec.skills.contents import SkillFiles
from capspec.skills.generated import skills_of
from capspec.skills.markdown import Access, manual
from tests.adapters.skill_world import serving, write
from tests.whole import plan_of

SKILL = "/skills/order-management"

JOBS = """\
capspec: "1"
info: {description: Pictures on demand.}
capability:
  consumes:
    - namespace: p
      type: http
      baseUri: https://p.example.com
      resources:
        - path: /pictures
          operations:
            - name: make
              method: POST
              body: {type: json, data: {prompt: '{{prompt}}', size: '{{size}}'}}
              poll: {id: $.id, request: {uri: '/pictures/{{id}}'}, status: {path: $.s, success: [ok]}, result: {path: $}}
  exposes:
    - type: mcp
      port: 9090
      namespace: tools
      tools:
        - name: make-picture
          description: Make a picture
          inputParameters:
            - {name: prompt, type: string, required: true, description: What to show}
            - {name: size, type: string, enum: [small, large], default: small}
          call: p.make
    - type: rest
      port: 8080
      namespace: pictures
      resources:
        - path: /pictures/{prompt}
          operations: [{name: make-one, method: POST, description: Make one, call: p.make}]
"""


def front_matter(text: str) -> dict[str, Any]:
    _, _, rest = text.partition("---\n")
    return document.parse(rest.partition("\n---\n")[0] + "\n").data


def rendered(text: str, access: Access | None = None) -> str:
    (skill,) = skills_of(plan_of(text))
    return manual(skill, access or Access(server="s"))


@pytest.mark.anyio
async def test_the_folders_own_is_given_as_it_is(tmp_path: Path):
    own = b"---\nname: order-management\n---\n\xc3\xa9\r\n"
    async with serving(tmp_path, manual=own) as world:
        answer = await world.client.get(f"{SKILL}/SKILL.md")
        same = await world.client.get(f"{SKILL}/contents/SKILL.md")
    assert answer.content == same.content == own
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"


@pytest.mark.anyio
async def test_one_that_is_made_has_front_matter_tools_and_guides(tmp_path: Path):
    async with serving(tmp_path) as world:
        text = (await world.client.get(f"{SKILL}/SKILL.md")).text
        other = (await world.client.get("/skills/onboarding-guide/SKILL.md")).text
    assert front_matter(text) == {
        "name": "order-management",
        "description": "Handle the orders of a shop.",
        "license": "Apache-2.0",
        "compatibility": "Any client that speaks MCP.",
        "allowed-tools": "list-orders get-order",
        "argument-hint": "the number of an order",
        "metadata": {"author": "somebody", "version": "1.10"},
    }
    assert "### `get-order`\n\nGet one order\n" in text
    assert "- `id` (string, required): Its number | as printed\n" in text
    assert "- `total` (number or string): What it costs" in text
    assert "### `GET /orders`\n\nList them all" in text
    assert "- [guide](<order-guide.md>): How orders work" in text
    assert front_matter(other) == {
        "name": "onboarding-guide",
        "description": "How to begin.",
        "user-invocable": False,
        "disable-model-invocation": True,
    }


@pytest.mark.parametrize(
    "hostile",
    [
        'a "quoted" \\ thing: # no comment',
        "---\nname: another\n---",
        "line one\nline two\u2028three\u0085four",
        "hidden\u200b\u202e\x07text",
        "{not: a map}",
        "- [x](y) `z`",
        "\U0001f600 \u00e9\u4e2d",
    ],
)
def test_no_description_breaks_out_of_the_front_matter(hostile: str):
    broken = Skill(name="s", directory="s", description=hostile, metadata={hostile: hostile})
    found = front_matter(manual(broken, Access(server="s")))
    assert found["name"] == "s"
    assert set(found) == {"name", "description", "metadata"}
    visible = "".join(char for char in " ".join(hostile.split()) if char.isprintable())
    assert found["description"] == visible


def test_a_capability_without_a_skill_adapter_is_a_skill_of_all_its_tools():
    (skill,) = skills_of(plan_of(JOBS))
    assert (skill.name, skill.directory, [tool.name for tool in skill.tools]) == (
        "capability",
        "capability",
        ["make-picture"],
    )
    text = rendered(JOBS, Access(server="pictures", urls={"tools": "http://h:1/mcp"}))
    assert front_matter(text)["description"] == "Pictures on demand. Use it for: make-picture."
    assert "Call these as tools of the MCP server `pictures`, which is at <http://h:1/mcp>." in text
    assert "- `size` (string): One of `small`, `large`. `small` when left out." in text


def test_what_starts_a_job_says_how_to_follow_it():
    text = rendered(JOBS)
    assert "- `make-picture`: ask with `make-picture_status`" in text
    alone = rendered(JOBS.replace("type: mcp", "type: later"))
    assert "### `POST /pictures/{prompt}`" in alone
    assert "- `prompt` (in the path, required)" in alone
    assert "`Location`" in alone
    assert "make-picture" not in alone


def test_where_the_file_is_the_command_line_calls_each_tool():
    text = rendered(JOBS, Access(server="s", file="/home/a b/p.yaml"))
    command = "capspec call '/home/a b/p.yaml' make-picture --listener tools --wait prompt=VALUE"
    assert f"```sh\n{command}\n```" in text


def test_a_capability_without_tools_is_no_skill():
    assert skills_of(plan_of('capspec: "1"\n')) == ()


def test_the_files_of_a_skill_without_a_folder_are_its_manual(tmp_path: Path):
    (skill,) = skills_of(plan_of(JOBS, path=write(tmp_path)))
    files = SkillFiles(skill, b"x")
    assert [(file.name, file.size) for file in files.list()] == [("SKILL.md", 1)]
    with pytest.raises(FileNotFoundError):
        files.open("other.md")
