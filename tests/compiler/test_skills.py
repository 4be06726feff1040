"""Skills at compile time: what is left out, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from capspec.errors import CompileError, LoadError
from capspec.plan import Plan
from tests.adapters.skill_world import ORDERS, folder
from tests.whole import plan_of


def compiled(text: str, tmp_path: Path | None = None) -> Plan:
    return plan_of(text, path=None if tmp_path is None else tmp_path / "orders.yaml")


def with_tool(tool: str, *, location: str = "") -> str:
    """The orders with a single skill that has a single tool."""
    before, _, rest = ORDERS.partition("        - name: order-management\n")
    after = rest[rest.index("    - type: rest") :]
    where = f", location: '{location}'" if location else ""
    return f"{before}        - {{name: s, description: d{where}, tools: [{tool}]}}\n{after}"


def said(plan: Plan) -> list[tuple[str, str]]:
    return [(problem.code, str(problem)) for problem in plan.warnings if problem.code.startswith("CAP38")]


def tools_of(plan: Plan) -> list[str]:
    (listener,) = (item for item in plan.listeners if item.type == "skill")
    return [tool.name for skill in listener.skills for tool in skill.tools]


def test_a_good_file_has_no_warnings(tmp_path: Path):
    folder(tmp_path)
    plan = compiled(ORDERS, tmp_path)
    assert said(plan) == []
    assert tools_of(plan) == ["list-orders", "get-order", "guide"]


@pytest.mark.parametrize(
    "tool",
    [
        "{name: t, description: d}",
        "{name: t, from: {sourceNamespace: shop-tools, action: get-order}, instruction: a.md}",
        "{name: t, from: {sourceNamespace: shop-tools, action: get-order}, call: shop.get-order}",
    ],
)
def test_a_tool_is_exactly_one_thing(tool: str):
    with pytest.raises(CompileError, match="exactly one of 'from' and 'instruction'"):
        compiled(with_tool(tool))


@pytest.mark.parametrize(
    ("tool", "code", "message"),
    [
        (
            "{name: t, from: {sourceNamespace: shop-tool, action: get-order}}",
            "CAP382",
            "no adapter has the namespace 'shop-tool'; did you mean 'shop-tools'?",
        ),
        (
            "{name: t, from: {sourceNamespace: shop-skills, action: get-order}}",
            "CAP382",
            "no adapter has the namespace 'shop-skills'",
        ),
        (
            "{name: t, from: {sourceNamespace: shop-tools, action: get-oder}}",
            "CAP383",
            "'shop-tools' has no 'get-oder'; did you mean 'get-order'?",
        ),
        (
            "{name: t, from: {sourceNamespace: shop-rest, action: get-order}}",
            "CAP383",
            "'shop-rest' has no 'get-order'",
        ),
        ("{name: t, call: shop.add-order}", "CAP383", "no other adapter offers what calls 'shop.add-order'"),
    ],
)
def test_a_tool_that_nobody_has_is_left_out_and_the_nearest_is_named(tool: str, code: str, message: str):
    plan = compiled(with_tool(tool))
    ((found, text),) = said(plan)
    assert found == code
    assert message in text
    assert text.startswith("cap.yaml:21:")
    assert tools_of(plan) == []


def test_why_an_adapter_is_not_served_is_said_once_and_not_again_for_tools_of_it():
    text = with_tool("{name: t, from: {sourceNamespace: shop-tools, action: get-order}}").replace(
        "namespace: shop-tools", "namespace: shop-tools\n      authentication: {type: unheard-of}"
    )
    plan = compiled(text)
    assert [problem.code for problem in plan.warnings] == ["CAP312"]
    assert tools_of(plan) == []


def test_a_file_to_read_needs_a_folder_and_to_be_in_it(tmp_path: Path):
    folder(tmp_path)
    with pytest.raises(CompileError, match="the skill has no folder; add 'location'"):
        compiled(with_tool("{name: t, instruction: a.md}"))
    for way in ("../secret.txt", "/etc/passwd", ".hidden", "assets//logo.png"):
        plan = compiled(with_tool(f"{{name: t, instruction: {way}}}", location="file:///./orders"), tmp_path)
        assert [code for code, _ in said(plan)] == ["CAP384"]
        assert tools_of(plan) == []
    plan = compiled(with_tool("{name: t, instruction: none.md}", location="orders"), tmp_path)
    assert "'none.md', which is not in its folder" in said(plan)[0][1]
    assert tools_of(plan) == ["t"]
    plan = compiled(with_tool("{name: t, instruction: ./assets/logo.png}", location="orders"), tmp_path)
    assert said(plan) == []


@pytest.mark.parametrize("location", ["file:///opt/nobody/skills/x", "none", "../outside", "orders.yaml"])
def test_a_folder_that_is_not_there_is_a_warning_and_the_skill_is_served(tmp_path: Path, location: str):
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "in" / "orders.yaml").write_text("x")
    plan = compiled(with_tool("{name: t, instruction: a.md}", location=location), tmp_path / "in")
    ((code, message),) = said(plan)
    assert code == "CAP386"
    assert "skill 's' is served without its files" in message
    assert tools_of(plan) == ["t"]


def test_other_spellings_of_skills_mean_the_same():
    skills = ORDERS.partition("      skills:\n")[0]
    rest = ORDERS[ORDERS.index("    - type: rest") :]
    spelled = {
        "map": "      skills: {a: {description: d, tools: {t: {from: {sourceNamespace: shop-tools, action: get-order}}}}}\n",
        "groups": "      groups: [{name: a, description: d, skills: [{name: t, call: shop.get-order}]}]\n",
        "one": "      skill: {name: a, description: d, tools: [{name: t, call: {operation: shop.get-order}}]}\n",
        "itself": "      skills: [{name: t, description: d, call: shop.get-order}]\n",
    }
    for word, text in spelled.items():
        kind = skills.replace("type: skill", "type: agent-skill" if word == "one" else "type: skill")
        plan = compiled(kind + text + rest)
        assert said(plan) == []
        assert tools_of(plan) == ["t"], word
        tool = plan.listeners[0].skills[0].tools[0]
        assert (tool.source.namespace, tool.source.action, tool.source.mode) == (
            "shop-tools",
            "get-order",
            "mcp",
        )


def test_names_become_what_agents_take_and_a_double_is_left_out():
    text = with_tool("").replace(
        "        - {name: s,",
        "        - {name: My Skill!, description: d}\n        - {name: My-skill, description: d}\n"
        "        - {description: d}\n        - {name: Upper-Case,",
    )
    plan = compiled(text)
    found = [(skill.name, skill.directory) for skill in plan.listeners[0].skills]
    assert found == [("my-skill", "my-skill"), ("Upper-Case", "upper-case")]
    assert [code for code, _ in said(plan)] == ["CAP388", "CAP387", "CAP380"]


def test_a_description_that_agents_would_cut_is_named():
    text = with_tool("").replace("description: d,", f"description: {'d' * 1025}, compatibility: {'c' * 501},")
    messages = [message for code, message in said(compiled(text)) if code == "CAP385"]
    assert len(messages) == 2
    assert [code for code, _ in said(compiled(with_tool("").replace("description: d,", "")))] == ["CAP385"]


def test_a_source_that_is_no_mapping_is_an_error():
    with pytest.raises(LoadError, match="'from' should be a mapping"):
        compiled(with_tool("{name: t, from: shop-tools.get-order}"))
