"""Script steps in whole flows, over MCP and REST: what they see, what they give, and what their failures say."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from capspec import app
from capspec.cli.options import engine_options_of
from capspec.errors import CallError
from capspec.events import ScriptFinished, ScriptPrinted
from capspec.plan import Call
from capspec.scripting import language as languages
from tests.whole import plan_of, running, text_of, value_of

pytestmark = pytest.mark.anyio

MEMBERS = [
    {"name": "alice", "active": True},
    {"name": "eve", "active": False},
    {"name": "bob", "active": True},
]


def capability(
    steps: list[dict[str, Any]],
    *,
    scripting: dict[str, Any] | None = None,
    flows: Sequence[dict[str, Any]] = (),
    **flow: Any,
) -> str:
    """One consumed operation `team.list-members`; as tool and REST operation: `run` with `steps`, and `flows`."""
    run = {"name": "run", "steps": steps, **flow}
    all_flows = [{"description": "Runs.", **item} for item in (run, *flows)]
    control = {"type": "control", "port": 3, "management": {"scripting": scripting}}
    whole = {
        "capspec": "1",
        "binds": [{"namespace": "env", "keys": {"TOKEN": "TOKEN"}}],
        "capability": {
            "consumes": [{
                "namespace": "team", "type": "http", "baseUri": "http://up.test",
                "resources": [{"path": "/members", "operations": [{"name": "list-members", "method": "GET"}]}],
            }],
            "exposes": [
                {"type": "mcp", "namespace": "ns", "port": 1, "tools": all_flows},
                {"type": "rest", "namespace": "ns", "port": 2,
                 "resources": [{"path": f"/{item['name']}", "operations": [{"method": "POST", **item}]} for item in all_flows]},
                *([control] if scripting is not None else []),
            ],
        },
    }  # fmt: skip
    return json.dumps(whole)


def source(text: str, language: str = "javascript", /, **more: Any) -> dict[str, Any]:
    return {"type": "script", "name": "work", "language": language, "source": text, **more}


CALL = {"type": "call", "name": "list-members", "call": "team.list-members"}
INPUT = [{"name": "limit", "type": "number", "description": "How many."}]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("javascript", "result = {names: context['list-members'].filter(m => m.active).map(m => m.name), limit: context.limit, extra: context.extra}"),
        ("python", "result = {'names': [m['name'] for m in context['list-members'] if m['active']], 'limit': context['limit'], 'extra': context['extra']}"),
    ],
)  # fmt: skip
async def test_a_script_sees_arguments_and_steps_and_with_over_every_adapter(language, text):
    steps = [CALL, source(text, language, **{"with": {"extra": "n={{limit}}"}})]
    wanted = {"names": ["alice", "bob"], "limit": 2, "extra": "n=2"}
    async with running(capability(steps, inputParameters=INPUT), {"GET /members": MEMBERS}) as whole:
        assert value_of(await whole.tool("run", {"limit": 2})) == wanted
        response = await whole.request("POST", "/run", json={"limit": 2})
        assert (response.status_code, response.json()) == (200, wanted)


async def test_with_takes_templates_references_json_paths_and_plain_values_and_hides_what_has_the_same_name():
    with_ = {
        "first": "$.list-members[0].name",
        "names": "$.list-members[?@.active == true].name",
        "limit": "ns.limit",
        "text": "{{limit}} of {{list-members[0].name}}",
        "plain": {"a": [1, "{{limit}}"]},
        "list-members": "hidden",
    }
    steps = [CALL, source("result = context", **{"with": with_})]
    async with running(capability(steps, inputParameters=INPUT), {"GET /members": MEMBERS}) as whole:
        found = value_of(await whole.tool("run", {"limit": 2}))
    assert found["first"] == "alice"
    assert found["names"] == ["alice", "bob"]
    assert found["limit"] == 2
    assert found["text"] == "2 of alice"
    assert found["plain"]["a"][0] == 1
    assert found["list-members"] == "hidden"


async def test_what_a_script_gives_is_for_later_steps_and_mappings():
    steps = [
        source("result = {ids: [1, 2]}"),
        {**source("result = sum(context['work']['ids'])", "python"), "name": "total"},
    ]
    mappings = [
        {"targetName": "sum.all", "value": "$.total"},
        {"targetName": "first", "value": "$.work.ids[0]"},
    ]
    async with running(capability(steps, mappings=mappings)) as whole:
        assert value_of(await whole.tool("run")) == {"sum": {"all": 3}, "first": 1}


async def test_a_script_that_gives_nothing_leaves_its_target_out():
    steps = [source("result = null"), {**source("result = 'work' in context"), "name": "seen"}]
    mappings = [{"targetName": "work", "value": "$.work"}, {"targetName": "seen", "value": "$.seen"}]
    async with running(capability(steps, mappings=mappings)) as whole:
        assert value_of(await whole.tool("run")) == {"seen": False}


async def test_a_secret_is_seen_only_by_a_script_that_it_is_passed_to():
    secret = "hunter2-hunter2"
    look = "result = JSON.stringify(context).includes('hunter2')"
    environ = {"TOKEN": secret}
    async with running(capability([source(look)]), environ=environ) as whole:
        assert value_of(await whole.tool("run")) is False
    passed = source(look, **{"with": {"token": "{{TOKEN}}"}})
    async with running(capability([passed]), environ=environ) as whole:
        assert value_of(await whole.tool("run")) is True


async def test_files_are_beside_the_capability_and_dependencies_run_before(tmp_path: Path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "rates.js").write_text("const rate = 0.9;")
    (tmp_path / "scripts" / "price.js").write_text("result = {price: 100 * rate};")
    step = {"type": "script", "name": "work", "file": "price.js", "dependencies": ["rates.js"]}
    text = capability([{**step, "location": "./scripts"}])
    async with running(text, path=tmp_path / "cap.yaml") as whole:
        assert value_of(await whole.tool("run")) == {"price": 90}
    text = capability([step], scripting={"defaultLocation": (tmp_path / "scripts").as_uri()})
    async with running(text, path=tmp_path / "cap.yaml") as whole:
        assert value_of(await whole.tool("run")) == {"price": 90}


FAILURES = [
    (source("\nthrow new Error('boom')"), 500, "script 'work', line 2: Error: boom"),
    (source("\n\n1 / 0", "python"), 500, "script 'work', line 3: ZeroDivisionError: division by zero"),
    (source("x = = 1"), 500, "script 'work': cannot be read: SyntaxError"),
    (source("while (true);"), 500, "script 'work' exceeded the statement limit (100000)"),
    (source("while (true);", statementLimit=50), 500, "script 'work' exceeded the statement limit (50)"),
    (
        source("result = 'x'.repeat(2 ** 29)"),
        500,
        "script 'work' needed more than 67,108,864 bytes of memory",
    ),
    (source("function f() { f() } f()"), 500, "script 'work' nested its calls too deeply"),
    (source("result = Promise.resolve(1)"), 500, "script 'work': 'result' has no JSON"),
    (source("while (true);", timeout=300, statementLimit=10**12), 504, "'work' took longer than 0.3 seconds"),
]


async def test_a_failure_says_what_and_where_and_nothing_of_the_machine():
    flows = [{"name": f"run-{at}", "steps": [step]} for at, (step, _, _) in enumerate(FAILURES)]
    async with running(capability([source("result = 1")], flows=flows)) as whole:
        for at, (_, status, message) in enumerate(FAILURES):
            response = await whole.request("POST", f"/run-{at}")
            assert response.status_code == status
            assert message in response.text
            assert response.json()["code"] == ("CAP618" if status == 504 else "CAP617")
            result = await whole.tool(f"run-{at}")
            assert result.is_error
            assert message in text_of(result)
            for trace in ("site-packages", "Traceback", str(Path(__file__).parents[1]), "wasm"):
                assert trace not in response.text + text_of(result)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (source("result = 1", "groovy"), "no engine for Groovy"),
        (source("result = 1", "ruby"), "'ruby' is not a language"),
        ({"type": "script", "name": "work", "language": "javascript"}, "either 'file' or 'source'"),
        ({"type": "script", "name": "work", "file": "../x.js"}, "not the name of a script"),
        (source("1", timeout=0), "'timeout' should be"),
    ],
)
async def test_a_script_that_can_never_run_is_said_when_the_file_is_read(step, why, tmp_path: Path):
    plan = plan_of(capability([step]), path=tmp_path / "cap.yaml")
    assert any(why in problem.message for problem in plan.warnings)
    assert not plan.listeners[0].available


async def test_a_language_whose_engine_is_not_installed_names_what_to_install(monkeypatch):
    monkeypatch.setattr(languages.Language, "is_installed", property(lambda self: False))
    plan = plan_of(capability([source("result = 1")]))
    found = [item.message for item in plan.warnings if "JavaScript is not installed" in item.message]
    assert found
    assert all("pip install 'capspec[scripts]'" in message for message in found)


@pytest.mark.parametrize(
    ("scripting", "engine", "why"),
    [
        ({"enabled": False}, None, "scripts are switched off"),
        ({"enabled": True}, app.EngineOptions(scripting=False), "scripts are switched off"),
        (None, app.EngineOptions(scripting=False), "scripts are switched off"),
    ],
)
async def test_scripts_that_are_switched_off_do_not_run(scripting, engine, why):
    async with running(capability([source("result = 1")], scripting=scripting), engine=engine) as whole:
        response = await whole.request("POST", "/run")
        assert (response.status_code, why in response.text) == (503, True)


@pytest.mark.parametrize(
    ("word", "runs"), [("false", False), ("FALSE", False), ("0", False), ("true", True), ("", True)]
)
def test_the_environment_can_switch_all_scripts_off(word, runs):
    options = {"timeout": 1.0, "max_response_bytes": 10, "assets_folder": ""}
    assert engine_options_of(options, {"CAPSPEC_SCRIPTING": word}).scripting is runs
    assert engine_options_of(options, {}).scripting is True


async def test_a_change_of_the_rules_holds_for_the_next_call_and_calls_are_counted(tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.js").write_text(
            f"result = '{folder}'; if (context.fail) throw new Error('no')"
        )
    text = capability(
        [{"type": "script", "name": "work", "file": "x.js"}],
        scripting={"defaultLocation": (tmp_path / "a").as_uri()},
        inputParameters=[{"name": "fail", "type": "boolean", "required": False, "description": "Whether."}],
    )
    plan = plan_of(text)
    seen: list[Any] = []
    events = app.new_events()
    events.observers.append(seen.append)
    async with app.open_engine(plan, events=events) as engine:
        governance = engine.scripts.governance
        flow = plan.listeners[0].available[0]

        async def run(**arguments: Any) -> Any:
            return (await engine.run(Call(flow=flow, arguments=arguments))).value

        assert await run() == "a"
        governance.change({"defaultLocation": (tmp_path / "b").as_uri()})
        assert await run() == "b"
        with pytest.raises(CallError, match="no"):
            await run(fail=True)
        governance.change({"allowedLanguages": ["python"]})
        with pytest.raises(CallError, match="not in the allowed languages"):
            await run()
        governance.change({"allowedLanguages": ["javascript"], "defaultLocation": "file:///nowhere/at/all"})
        with pytest.raises(CallError, match="no folder"):
            await run()
        stats = governance.state()["stats"]
        assert (stats["totalExecutions"], stats["totalErrors"]) == (3, 1)
        assert stats["averageDurationMs"] > 0
        assert stats["lastExecutionAt"].endswith("Z")
    ended = [event for event in seen if isinstance(event, ScriptFinished)]
    assert [(event.script, event.language, event.code) for event in ended] == [
        ("x.js", "javascript", ""), ("x.js", "javascript", ""), ("x.js", "javascript", "CAP617"),
    ]  # fmt: skip


async def test_what_a_script_prints_is_for_the_debug_log_only(caplog):
    caplog.set_level(logging.DEBUG, "capspec")
    async with running(capability([source("console.log('from the script'); result = 1")])) as whole:
        response = await whole.request("POST", "/run")
    assert "from the script" not in response.text
    (record,) = [item for item in caplog.records if "from the script" in item.getMessage()]
    assert record.levelno == logging.DEBUG
    assert ScriptPrinted.__name__ in record.getMessage()


async def test_many_callers_at_once_get_their_own_answers():
    steps = [source("result = {n: context.limit * 2}")]
    async with running(capability(steps, inputParameters=INPUT)) as whole:
        calls = (whole.request("POST", "/run", json={"limit": n}) for n in range(50))
        answers = await asyncio.gather(*calls)
        assert [answer.json() for answer in answers] == [{"n": 2 * n} for n in range(50)]
