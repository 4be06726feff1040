"""Prompts through the official client: what is listed, rendered, refused and completed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp.types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, MCPError

from capspec.errors import CompileError
from capspec.plan import Plan
from tests.adapters.mcp_offers import ERAS, ask, capabilities_of, merged, over_stdio
from tests.whole import plan_of, running

pytestmark = pytest.mark.anyio


def capability(prompts: str, *, name: str = "cap", more: str = "") -> str:
    indented = "\n".join(f"      {line}" for line in prompts.strip("\n").splitlines())
    return f"""
capspec: "1"
info: {{title: {name}}}
capability:
  exposes:
  - type: mcp
    namespace: ns
    port: 1
    {more}
    prompts:
{indented}
"""


HARBOUR = capability("""
- name: watch-report
  label: Watch report
  description: What happened on a watch
  arguments:
  - {name: ship-id, label: Ship, description: the IMO number}
  - {name: watch, description: which watch, enum: [first, forenoon, afternoon, dog]}
  - {name: style, required: false}
  template:
  - role: user
    content: "Report on {{ship-id}} for the {{ watch }} watch.{% if style %} Be {{style}}.{% endif %}"
  - {role: assistant, content: "Aye. {{style}}!"}
- name: ahoy
  template: "Ahoy!"
""")


def texts(result: types.GetPromptResult) -> list[tuple[str, str]]:
    return [(message.role, message.content.text) for message in result.messages]


@pytest.fixture(scope="module", params=["http-2026-07-28", "http-legacy", "stdio-2026-07-28", "stdio-legacy"])
async def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    kind, _, mode = str(request.param).partition("-")
    if kind == "stdio":
        path = tmp_path_factory.mktemp("harbour") / "harbour.yaml"
        path.write_text(HARBOUR)
        async with over_stdio(path, mode) as found:
            yield found
    else:
        async with running(HARBOUR) as whole, whole.agent(mode) as found:
            yield found


@asynccontextmanager
async def agent(text: str, **options: Any) -> AsyncIterator[Client]:
    async with running(text, **options) as whole, whole.agent() as found:
        yield found


def warnings(plan: Plan) -> list[str]:
    return [f"{problem.code} {problem.message}" for problem in plan.warnings]


# -- on every transport, in both eras -------------------------------------------------------------------


async def test_prompts_are_listed_in_the_order_of_the_file_with_their_arguments(client: Client) -> None:
    first, second = (await client.list_prompts()).prompts
    assert (first.name, first.title, first.description) == (
        "watch-report",
        "Watch report",
        "What happened on a watch",
    )
    assert first.arguments is not None
    assert [(item.name, item.title, item.description, item.required) for item in first.arguments] == [
        ("ship-id", "Ship", "the IMO number", True),
        ("watch", None, "which watch", True),
        ("style", None, None, False),
    ]
    assert (second.name, second.arguments) == ("ahoy", None)


async def test_a_prompt_is_rendered_with_its_arguments(client: Client) -> None:
    got = await client.get_prompt("watch-report", {"ship-id": "IMO-1", "watch": "dog", "style": "brief"})
    assert got.description == "What happened on a watch"
    assert texts(got) == [
        ("user", "Report on IMO-1 for the dog watch. Be brief."),
        ("assistant", "Aye. brief!"),
    ]


async def test_an_optional_argument_that_is_not_given_leaves_nothing_behind(client: Client) -> None:
    got = await client.get_prompt("watch-report", {"ship-id": "IMO-1", "watch": "dog"})
    assert texts(got) == [("user", "Report on IMO-1 for the dog watch."), ("assistant", "Aye. !")]


async def test_every_missing_argument_is_named_with_what_it_is(client: Client) -> None:
    with pytest.raises(MCPError) as refusal:
        await client.get_prompt("watch-report", {"style": "brief"})
    assert refusal.value.code == types.INVALID_PARAMS
    assert "needs 'ship-id' (the IMO number), 'watch' (which watch)" in refusal.value.message


async def test_arguments_that_it_does_not_have_are_ignored(client: Client) -> None:
    assert texts(await client.get_prompt("ahoy", {"_locale": "de", "extra": "{{x}}"})) == [("user", "Ahoy!")]


async def test_an_unknown_prompt_is_refused_with_the_nearest_name(client: Client) -> None:
    with pytest.raises(MCPError) as refusal:
        await client.get_prompt("watch-rapport", {})
    assert refusal.value.code == types.INVALID_PARAMS
    assert refusal.value.message == "Unknown prompt: watch-rapport; did you mean 'watch-report'?"


@pytest.mark.parametrize(
    ("argument", "typed", "expected"),
    [
        ("watch", "", ["first", "forenoon", "afternoon", "dog"]),
        ("watch", "FO", ["forenoon"]),
        ("watch", "x", []),
        ("ship-id", "", []),
        ("nobody", "", []),
    ],
)
async def test_known_values_are_offered_while_an_argument_is_typed(
    client: Client, argument: str, typed: str, expected: list[str]
) -> None:
    reference = types.PromptReference(type="ref/prompt", name="watch-report")
    found = await client.complete(reference, {"name": argument, "value": typed})
    assert found.completion.values == expected
    assert (found.completion.total, found.completion.has_more) == (len(expected), False)


async def test_nothing_is_offered_for_an_unknown_prompt(client: Client) -> None:
    with pytest.raises(MCPError, match="Unknown prompt: nothing"):
        await client.complete(
            types.PromptReference(type="ref/prompt", name="nothing"), {"name": "a", "value": ""}
        )


# -- values are data ------------------------------------------------------------------------------------


QUOTING = (
    plan_of(capability("- {name: p, arguments: [{name: a}], template: '<{{a}}> {{b}}'}"))
    .listeners[0]
    .prompts[0]
)


@given(st.text())
def test_a_value_is_put_in_as_it_is(value: str) -> None:
    ((_, template),) = QUOTING.messages
    assert template.text({**QUOTING.unknown, "a": value}) == f"<{value}> {{{{b}}}}"


@pytest.mark.parametrize("value", ["{{other}}", "{{a}}", "{% if a %}", "$1 \\1 \\n", "{{ 7 * 7 }}", ""])
async def test_a_value_is_never_read_again(value: str) -> None:
    text = capability("- {name: p, arguments: [{name: a}, {name: other}], template: '<{{a}}> {{other}}'}")
    async with agent(text) as client:
        got = await client.get_prompt("p", {"a": value, "other": "secret"})
        assert texts(got) == [("user", f"<{value}> secret")]


async def test_a_prompt_that_cannot_be_made_of_its_arguments_says_why() -> None:
    text = capability("- {name: p, arguments: [{name: n}], template: '{{ 10 // (n | int) }} each'}")
    async with agent(text) as client:
        assert texts(await client.get_prompt("p", {"n": "5"})) == [("user", "2 each")]
        with pytest.raises(MCPError, match="cannot be made of these arguments") as refusal:
            await client.get_prompt("p", {"n": "0"})
        assert refusal.value.code == types.INVALID_PARAMS


async def test_more_known_values_than_fit_are_counted() -> None:
    names = ", ".join(f"ship{number:03}" for number in range(120))
    text = capability(f"- {{name: p, arguments: [{{name: a, enum: [{names}]}}], template: x}}")
    async with agent(text) as client:
        reference = types.PromptReference(type="ref/prompt", name="p")
        found = (await client.complete(reference, {"name": "a", "value": "s"})).completion
        assert (len(found.values), found.total, found.has_more) == (100, 120, True)


# -- what a file may say --------------------------------------------------------------------------------


async def test_a_map_of_prompts_and_its_other_words_mean_the_same() -> None:
    text = capability("""
greet:
  display: Greet
  arguments: {who: {display: Whom, required: true}}
  template:
  - {content: "Hello {{who}}"}
""")
    async with agent(text) as client:
        (prompt,) = (await client.list_prompts()).prompts
        assert (prompt.name, prompt.title) == ("greet", "Greet")
        assert prompt.arguments == [types.PromptArgument(name="who", title="Whom", required=True)]
        assert texts(await client.get_prompt("greet", {"who": "you"})) == [("user", "Hello you")]


async def test_a_name_that_is_no_argument_stays_in_the_text_and_is_warned_of() -> None:
    text = capability("- {name: p, arguments: [{name: topic}], template: 'On {{topik}}: {{topic}}'}")
    async with running(text) as whole, whole.agent() as client:
        assert warnings(whole.plan) == ["CAP333 prompt 'p' reads '{{topik}}', which is none of its arguments"]
        assert whole.plan.warnings[0].hint == "did you mean 'topic'?"
        assert texts(await client.get_prompt("p", {"topic": "tea"})) == [("user", "On {{topik}}: tea")]


async def test_prompts_without_a_name_or_a_text_are_left_out_with_a_warning() -> None:
    plan = plan_of(capability("- {template: x}\n- {name: empty}\n- {name: good, template: x}"))
    assert [prompt.name for prompt in plan.listeners[0].prompts] == ["good"]
    assert warnings(plan) == [
        "CAP337 prompt '' is left out: it has no name",
        "CAP337 prompt 'empty' is left out: it has neither a 'template' nor a 'location'",
    ]


async def test_names_are_legal_and_used_once() -> None:
    plan = plan_of(capability("- {name: Ask me!, template: x}\n- {name: Ask me?, template: y}"))
    assert [prompt.name for prompt in plan.listeners[0].prompts] == ["Ask-me", "Ask-me-2"]


async def test_a_template_that_is_none_is_an_error() -> None:
    with pytest.raises(CompileError, match="prompt 'p'"):
        plan_of(capability("- {name: p, template: 'Hello {{#each}}'}"))


# -- prompts in files of their own ----------------------------------------------------------------------


def filed(tmp_path: Path, location: str, more: str = "") -> Plan:
    text = capability(f"- {{name: p, location: '{location}'{more}}}\n- {{name: other, template: x}}")
    return plan_of(text, path=tmp_path / "cap.yaml")


@pytest.mark.parametrize("era", ERAS)
async def test_a_whole_file_is_one_message_of_the_user(tmp_path: Path, era: str) -> None:
    (tmp_path / "p.md").write_text("\ufeff# Grüße\n\n{{name}} {% raw %} {{#x}}\n", encoding="utf-8")
    text = capability("- {name: p, description: d, location: 'file:///./p.md'}")
    async with running(text, path=tmp_path / "cap.yaml") as whole, whole.agent(era) as client:
        assert whole.plan.warnings == ()
        assert texts(await client.get_prompt("p", {})) == [("user", "# Grüße\n\n{{name}} {% raw %} {{#x}}\n")]


async def test_arguments_are_put_into_a_file_that_declares_them(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("Dear {{who}}, {{rest}}")
    text = capability("- {name: p, location: 'file:///./p.md', arguments: [{name: who}]}")
    async with agent(text, path=tmp_path / "cap.yaml") as client:
        got = await client.get_prompt("p", {"who": "{{rest}}"})
        assert texts(got) == [("user", "Dear {{rest}}, {{rest}}")]


async def test_a_file_may_be_anywhere_when_its_path_says_so(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("here")
    text = capability(f"- {{name: p, location: 'file://{tmp_path}/p.md'}}")
    async with agent(text) as client:
        assert texts(await client.get_prompt("p", {})) == [("user", "here")]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///./nothing.md", "there is no file or folder 'file:///./nothing.md'"),
        ("file:///./folder", "'file:///./folder' is a folder, and should be a file"),
        ("file:///../outside.md", "'file:///../outside.md' leads out of the folder that it is in"),
        ("file:///./%2e%2e/outside.md", "leads out of the folder that it is in"),
        ("file:///./link.md", "'file:///./link.md' leads out of the folder that it is in"),
        ("file:///./latin.md", "'file:///./latin.md' is not UTF-8 text"),
        ("file:///./large.md", "'file:///./large.md' is larger than 524288 bytes"),
    ],
)
def test_a_file_that_cannot_be_served_leaves_its_prompt_out_with_a_warning(
    tmp_path: Path, location: str, reason: str
) -> None:
    home = tmp_path / "home"
    (home / "folder").mkdir(parents=True)
    (tmp_path / "outside.md").write_text("outside")
    (home / "link.md").symlink_to(tmp_path / "outside.md")
    (home / "latin.md").write_bytes("Grüße".encode("latin-1"))
    (home / "large.md").write_bytes(b"x" * (512 * 1024 + 1))
    plan = filed(home, location)
    assert [prompt.name for prompt in plan.listeners[0].prompts] == ["other"]
    (warning,) = plan.warnings
    assert (warning.code, warning.severity) == ("CAP337", "warning")
    assert reason in warning.message


def test_a_relative_file_needs_a_capability_file_to_be_relative_to() -> None:
    plan = plan_of(capability("- {name: p, location: 'file:///./p.md'}"))
    assert plan.listeners[0].prompts == ()
    assert "the capability was not read from a file" in plan.warnings[0].message


def test_a_file_whose_text_is_no_template_leaves_its_prompt_out(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("{{#each}}")
    plan = filed(tmp_path, "file:///./p.md", ", arguments: [{name: a}]")
    assert [prompt.name for prompt in plan.listeners[0].prompts] == ["other"]
    assert warnings(plan)[0].startswith("CAP337 prompt 'p' is left out: Mustache tags")


# -- who is told of them, and with whom they share ------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_prompts_are_announced_only_where_there_are_some(era: str) -> None:
    async with running(capability("- {name: p, template: x}")) as whole, whole.agent(era) as client:
        found = await capabilities_of(client, whole.mcp_url, era)
        assert set(found) >= {"prompts"}
        assert not set(found) & {"resources", "completions"}
    bare = capability("[]", more="tools: [{name: t, outputParameters: [{name: a, type: string, value: x}]}]")
    async with running(bare) as whole, whole.agent(era) as client:
        assert "prompts" not in await capabilities_of(client, whole.mcp_url, era)
        with pytest.raises(MCPError) as refusal:
            await client.list_prompts()
        assert refusal.value.code == types.METHOD_NOT_FOUND


async def test_names_of_merged_capabilities_get_their_capability_before_them() -> None:
    first = plan_of(capability("- {name: p, template: one}\n- {name: q, template: own}", name="first"))
    second = plan_of(capability("- {name: p, template: two}", name="second"))
    async with merged([first, second]) as (url, _), Client(url) as client:
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == [
            "first_p",
            "q",
            "second_p",
        ]
        assert texts(await client.get_prompt("second_p", {})) == [("user", "two")]
        assert texts(await client.get_prompt("q", {})) == [("user", "own")]


async def test_a_guard_opens_only_the_prompts_of_its_own_listener() -> None:
    plans = [
        plan_of(
            capability(
                f"- {{name: {name}, template: x}}",
                name=name,
                more=f"authentication: {{type: bearer, token: token-of-{name}}}",
            )
        )
        for name in ("one", "two")
    ]
    async with merged(plans) as (url, _):
        listed = (await ask(url, "prompts/list", token="token-of-two"))["result"]
        assert [prompt["name"] for prompt in listed["prompts"]] == ["two"]
        assert listed["cacheScope"] == "private"
        hidden = await ask(url, "prompts/get", {"name": "one"}, token="token-of-two")
        assert hidden["error"]["code"] == types.INVALID_PARAMS
        assert hidden["error"]["message"].startswith("Unknown prompt: one")
        assert (await ask(url, "prompts/get", {"name": "two"}, token="token-of-two"))["result"]["messages"]
        assert "error" in await ask(url, "prompts/list", token="token-of-nobody")
