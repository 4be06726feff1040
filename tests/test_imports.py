"""Imports: entries of other files, under the same name or another, and one clear word where one cannot be had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capspec import app
from capspec.errors import LoadError
from capspec.model.imports import DEEPEST, MOST
from capspec.plan import Plan
from tests.imports_world import MAIN, REGISTRY, importing, load, told, write
from tests.whole import plan_of


def operations(plan: Plan) -> list[str]:
    return list(plan.operations)


def unavailable(plan: Plan) -> dict[str, str]:
    return {flow.name: flow.unavailable for listener in plan.listeners for flow in listener.flows}


# -- what can be written ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{import: registry, from: ./shared/registry.yaml}", ["registry.list-ships"]),
        ("{import: registry, location: shared/registry.yaml}", ["registry.list-ships"]),
        ("{import: registry, location: 'file:///./shared/registry.yaml'}", ["registry.list-ships"]),
        ("{import: registry, location: 'file://./shared/registry.yaml'}", ["registry.list-ships"]),
        ("{import: crews, from: ./shared/registry.yaml, as: people}", ["people.list-crew"]),
        ("{import: crews, from: ./shared/registry.yaml, namespace: people}", ["people.list-crew"]),
        ("{namespace: crews, from: ./shared/registry.yaml}", ["crews.list-crew"]),
        ("{import: '*', from: ./shared/registry.yaml}", ["registry.list-ships", "crews.list-crew"]),
        ("{import: shared/registry.yaml}", ["registry.list-ships", "crews.list-crew"]),
        ("{import: crews, from: ./shared/registry.yaml, description: Who sails}", ["crews.list-crew"]),
    ],
)
def test_an_import_is_written_in_any_of_the_ways_that_files_use(
    tmp_path: Path, entry: str, expected: list[str]
) -> None:
    plan = load(tmp_path, {"main.yaml": importing(entry), "shared/registry.yaml": REGISTRY})
    assert (operations(plan), told(plan, tmp_path)) == (expected, [])


def test_an_absolute_location_works_below_the_root(tmp_path: Path) -> None:
    main = importing(f"{{import: crews, from: 'file://{tmp_path}/shared/registry.yaml'}}")
    plan = load(tmp_path, {"main.yaml": main, "shared/registry.yaml": REGISTRY})
    assert operations(plan) == ["crews.list-crew"]


def test_the_source_may_be_a_whole_capability_of_another_dialect_with_maps(tmp_path: Path) -> None:
    wrapped = """\
ikanos: 1.0.0-beta5
capability:
  consumes:
    registry:
      baseUri: https://registry.example.com
      resources: {ships: {path: /ships, operations: {list-ships: {method: GET}}}}
"""
    plan = load(tmp_path, {"main.yaml": MAIN, "shared/registry.yaml": wrapped})
    assert (operations(plan), told(plan, tmp_path)) == (["registry.list-ships"], [])


def test_a_file_of_one_api_is_taken_whole_under_the_name_that_it_gets(tmp_path: Path) -> None:
    one = REGISTRY.partition("  - namespace: crews")[0]
    main = importing("{import: shared/one.yaml, as: ships}")
    plan = load(tmp_path, {"main.yaml": main, "shared/one.yaml": one})
    assert (operations(plan), told(plan, tmp_path)) == (["ships.list-ships"], [])


def test_older_files_list_imports_at_their_root(tmp_path: Path) -> None:
    main = 'naftiko: "1.0.0-alpha1"\nimports:\n  - {namespace: crews, from: shared/registry.yaml}\n'
    plan = load(tmp_path, {"main.yaml": main, "shared/registry.yaml": REGISTRY})
    assert (operations(plan), told(plan, tmp_path)) == (["crews.list-crew"], [])


def test_two_names_for_one_entry_stand_beside_each_other(tmp_path: Path) -> None:
    main = importing("{import: crews, from: ./r.yaml}").rstrip("\n") + (
        "\n    - {import: crews, from: ./r.yaml, as: one}\n    - {import: crews, from: ./r.yaml, as: two}\n"
    )
    plan = load(tmp_path, {"main.yaml": main, "r.yaml": REGISTRY})
    assert operations(plan) == ["crews.list-crew", "one.list-crew", "two.list-crew"]


def test_calls_use_the_new_name_and_the_old_one_is_unknown(tmp_path: Path) -> None:
    main = MAIN.replace("registry.yaml}", "registry.yaml, as: ships}")
    plan = load(tmp_path, {"main.yaml": main, "shared/registry.yaml": REGISTRY})
    assert "nothing is consumed under the namespace 'registry'" in unavailable(plan)["list-ships"]
    plan = load(tmp_path, {"main.yaml": main.replace("call: registry.", "call: ships.")})
    assert unavailable(plan)["list-ships"] == ""


def test_what_an_api_calls_of_itself_follows_it_to_its_new_name(tmp_path: Path) -> None:
    jobs = """\
capspec: "1"
consumes:
  - namespace: maker
    baseUri: https://maker.example.com
    resources:
      - path: /jobs
        operations:
          - name: submit
            method: POST
            poll:
              id: $.id
              request: {call: maker.look, with: {id: '{{id}}'}}
              status: {path: $.status, success: [done]}
      - {path: '/jobs/{id}', operations: [{name: look, method: GET}]}
"""
    plan = load(tmp_path, {"main.yaml": importing("{import: maker, from: j.yaml, as: m}"), "j.yaml": jobs})
    assert told(plan, tmp_path) == []
    follow_ups = plan.operations["m.submit"].follow_ups
    assert follow_ups is not None
    assert follow_ups.status is not None
    assert follow_ups.status.own is not None
    assert follow_ups.status.own.id == "m.look"


# -- adapters and aggregates ------------------------------------------------------------------------------

ADAPTERS = """\
capspec: "1"
exposes:
  - type: mcp
    namespace: ships
    tools:
      - name: list-ships
        description: List ships
        inputParameters: [{name: flag, type: string, description: Whose, required: true}]
        call: registry.list-ships
        with: {flag: ships.flag}
  - {type: rest, resources: [{path: /ships, operations: [{method: GET, call: registry.list-ships}]}]}
"""


def test_adapters_are_imported_and_call_what_the_importing_file_consumes(tmp_path: Path) -> None:
    main = importing("{import: registry, from: r.yaml}") + "  exposes: [{import: ships, from: a.yaml}]\n"
    plan = load(tmp_path, {"main.yaml": main, "r.yaml": REGISTRY, "a.yaml": ADAPTERS})
    assert [listener.namespace for listener in plan.listeners] == ["ships"]
    assert (unavailable(plan), told(plan, tmp_path)) == ({"list-ships": ""}, [])


def test_a_renamed_adapter_still_understands_its_own_name_in_its_texts(tmp_path: Path) -> None:
    main = (
        importing("{import: registry, from: r.yaml}") + "  exposes: [{import: ships, from: a.yaml, as: x}]\n"
    )
    plan = load(tmp_path, {"main.yaml": main, "r.yaml": REGISTRY, "a.yaml": ADAPTERS})
    (listener,) = plan.listeners
    assert (listener.namespace, listener.flows[0].unavailable) == ("x", "")
    assert {"x", "ships"} <= set(listener.flows[0].aliases)
    assert [item.name for item in listener.flows[0].inputs] == ["flag"]


def test_an_adapter_without_a_namespace_is_imported_by_its_type(tmp_path: Path) -> None:
    main = importing("{import: registry, from: r.yaml}") + "  exposes: [{import: rest, from: a.yaml}]\n"
    plan = load(tmp_path, {"main.yaml": main, "r.yaml": REGISTRY, "a.yaml": ADAPTERS})
    assert [(listener.type, listener.namespace) for listener in plan.listeners] == [("rest", "rest")]


def test_aggregates_are_imported_and_referred_to_by_their_new_name(tmp_path: Path) -> None:
    shared = """\
capspec: "1"
aggregates:
  - namespace: fleet
    functions: [{name: all-ships, description: All of them, call: registry.list-ships}]
"""
    main = (
        importing("{import: registry, from: r.yaml}")
        + """\
  aggregates: [{import: fleet, from: f.yaml, as: navy}]
  exposes: [{type: mcp, namespace: m, tools: [{name: ships, ref: navy.all-ships}]}]
"""
    )
    plan = load(tmp_path, {"main.yaml": main, "r.yaml": REGISTRY, "f.yaml": shared})
    assert (unavailable(plan), told(plan, tmp_path)) == ({"ships": ""}, [])


def test_files_that_an_imported_adapter_names_are_beside_the_file_that_names_them(tmp_path: Path) -> None:
    adapter = """\
capspec: "1"
exposes:
  - type: mcp
    namespace: docs
    resources: [{name: manual, uri: 'docs://manual', location: 'file:///./manual.md'}]
    prompts: [{name: ask, location: '../prompts/ask.md'}]
"""
    plan = load(
        tmp_path,
        {
            "main.yaml": importing("{import: docs, from: shared/docs.yaml}", "exposes"),
            "shared/docs.yaml": adapter,
            "shared/manual.md": "How to",
            "prompts/ask.md": "What?",
        },
    )
    (listener,) = plan.listeners
    assert [item.name for item in listener.resources] == ["manual"]
    assert [item.name for item in listener.prompts] == ["ask"]
    assert told(plan, tmp_path) == []


# -- binds ------------------------------------------------------------------------------------------------

GUARDED = """\
capspec: "1"
binds: [{namespace: own, location: 'file:///./keys.env', keys: {TOKEN: token}}]
consumes:
  - namespace: api
    baseUri: https://{place}.example.com
    authentication: {type: bearer, token: '{{own.TOKEN}}'}
    resources: [{path: /x, operations: [{name: get-x, method: GET}]}]
"""


def test_an_imported_api_brings_the_binds_of_its_file(tmp_path: Path) -> None:
    main = importing("{import: api, from: shared/api.yaml}")
    files = {"main.yaml": main, "shared/api.yaml": GUARDED, "shared/keys.env": "token=s3cret\n"}
    plan = load(tmp_path, files, environ={"place": "here"})
    assert (plan.missing, "s3cret" in plan.secrets) == ((), True)
    assert plan.operations["api.get-x"].upstream.base_url == "https://here.example.com"
    assert told(plan, tmp_path) == []


def test_its_variables_are_not_seen_by_the_file_that_imports_it(tmp_path: Path) -> None:
    main = importing("{import: api, from: shared/api.yaml}") + (
        "    - {namespace: mine, baseUri: 'https://me.example.com', headers: {X-Token: '{{TOKEN}}'},\n"
        "       resources: [{path: /y, operations: [{name: get-y, method: GET}]}]}\n"
    )
    files = {"main.yaml": main, "shared/api.yaml": GUARDED, "shared/keys.env": "token=s3cret\n"}
    plan = load(tmp_path, files, environ={"place": "here"})
    assert plan.operations["mine.get-y"].missing == ("TOKEN",)
    assert plan.operations["api.get-x"].missing == ()


def test_a_bind_of_the_importing_file_counts_before_and_a_different_one_is_told_of(tmp_path: Path) -> None:
    main = (
        importing("{import: api, from: shared/api.yaml}")
        + "binds: [{namespace: own, location: main.env, keys: {TOKEN: token}}]\n"
    )
    files = {"main.yaml": main, "shared/api.yaml": GUARDED, "main.env": "token=from-main\n"}
    files["shared/keys.env"] = "token=from-shared\n"
    plan = load(tmp_path, files, environ={"place": "here"})
    assert {"from-main"} == {secret for secret in plan.secrets if secret.startswith("from-")}
    (warning,) = told(plan, tmp_path)
    assert warning.startswith("main.yaml:5:53: 'TOKEN' is bound here and at shared/api.yaml:2:65")
    same = main.replace("main.env", "shared/keys.env")
    assert told(load(tmp_path, {**files, "main.yaml": same}, environ={"place": "here"}), tmp_path) == []


def test_binds_are_imported_by_their_namespace(tmp_path: Path) -> None:
    binds = "binds:\n  - {namespace: keys, location: keys.env, keys: {TOKEN: token}}\n"
    main = """\
capspec: "1"
binds: [{import: keys, from: shared/binds.yaml, as: k}]
consumes:
  - namespace: mine
    baseUri: https://me.example.com
    headers: {X-Token: '{{k.TOKEN}}'}
    resources: [{path: /y, operations: [{name: get-y, method: GET}]}]
"""
    files = {"main.yaml": main, "shared/binds.yaml": binds, "shared/keys.env": "token=s3cret\n"}
    plan = load(tmp_path, files)
    assert (plan.missing, plan.secrets, told(plan, tmp_path)) == ((), ("s3cret",), [])


def test_the_location_of_a_bind_alone_is_no_import(tmp_path: Path) -> None:
    main = 'capspec: "1"\nbinds: [{namespace: keys, location: keys.env, keys: {TOKEN: token}}]\n'
    plan = load(tmp_path, {"main.yaml": main, "keys.env": "token=s3cret\n"})
    assert (plan.secrets, told(plan, tmp_path)) == (("s3cret",), [])


# -- further files ----------------------------------------------------------------------------------------


def test_an_import_may_lead_to_another_import(tmp_path: Path) -> None:
    plan = load(
        tmp_path,
        {
            "main.yaml": importing("{import: people, from: a/middle.yaml, as: staff}"),
            "a/middle.yaml": importing("{import: crews, from: ../b/end.yaml, as: people}"),
            "b/end.yaml": REGISTRY,
        },
    )
    assert (operations(plan), told(plan, tmp_path)) == (["staff.list-crew"], [])
    assert [Path(file.source).name for file in plan.imported] == ["middle.yaml", "end.yaml"]


def test_everything_of_a_file_includes_what_it_imports_itself(tmp_path: Path) -> None:
    files = {
        "main.yaml": importing("{import: crews, from: middle.yaml}"),
        "middle.yaml": importing("{import: '*', from: end.yaml}"),
        "end.yaml": REGISTRY,
    }
    assert operations(load(tmp_path, files)) == ["crews.list-crew"]
    files["main.yaml"] = importing("{import: '*', from: middle.yaml}")
    assert operations(load(tmp_path, files)) == ["registry.list-ships", "crews.list-crew"]


def test_only_what_is_imported_counts_and_the_rest_of_its_file_may_be_wrong(tmp_path: Path) -> None:
    shared = REGISTRY + "  - {namespace: broken, resources: 5}\nexposes: nonsense\n"
    plan = load(tmp_path, {"main.yaml": MAIN, "shared/registry.yaml": shared})
    assert (operations(plan), told(plan, tmp_path)) == (["registry.list-ships"], [])


# -- what cannot be imported ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "{import: registry, from: ./regstry.yaml}",
            "main.yaml:4:32: 'registry' is not imported: './regstry.yaml' does not exist; "
            "did you mean 'registry.yaml'?",
        ),
        (
            "{import: registry, from: shared}",
            "main.yaml:4:32: 'registry' is not imported: 'shared' is a folder; check the path",
        ),
        (
            "{import: registry, from: '.'}",
            "main.yaml:4:32: 'registry' is not imported: '.' is a folder; check the path",
        ),
        (
            "{import: regitry, from: registry.yaml}",
            "main.yaml:4:16: 'regitry' is not imported: 'registry.yaml' does not have it in 'consumes'; "
            "did you mean 'registry'? it has: registry, crews",
        ),
        (
            "{import: x, from: empty.yaml}",
            "main.yaml:4:25: 'x' is not imported: 'empty.yaml' has no 'consumes'",
        ),
        (
            "{import: '*', from: registry.yaml, as: both}",
            "main.yaml:4:7: 'as' names one entry, and 'registry.yaml' has 2 in 'consumes'; "
            "say with 'import' which one it means",
        ),
        (
            "{from: registry.yaml}",
            "main.yaml:4:7: this import does not say what it takes from 'registry.yaml'; "
            "add 'import: NAMESPACE', or 'import: \"*\"' for everything",
        ),
        (
            "{import: registry}",
            "main.yaml:4:7: this import does not say which file it is from; add 'from: FILE'",
        ),
        (
            "{import: registry, from: main.yaml}",
            "main.yaml:4:32: 'registry' is not imported: 'main.yaml' is this file itself",
        ),
        (
            "{import: registry, from: 'https://example.com/registry.yaml'}",
            "main.yaml:4:32: 'registry' is not imported: 'https://example.com/registry.yaml' is not a file, "
            "and nothing is imported over a network; download it, and import the copy",
        ),
        ('{import: registry, from: "a\\0b"}', "main.yaml:4:32: 'registry' is not imported: 'a\0b' leads nowhere; check the path"),
        (
            "{import: registry, from: broken.yaml}",
            "broken.yaml:2:1: the key `a` is written on line 1 and again on line 2 "
            "(imported at main.yaml:4:7); keep one of them",
        ),
        (
            "{import: crews, from: registry.yaml, az: people}",
            "main.yaml:4:44: 'az' is not known in an import and has no effect; did you mean 'as'?",
        ),
    ],
)  # fmt: skip
def test_one_warning_says_what_is_wrong_with_an_import_and_where(
    tmp_path: Path, entry: str, expected: str
) -> None:
    (tmp_path / "shared").mkdir()
    files = {"main.yaml": importing(entry), "registry.yaml": REGISTRY}
    files |= {"empty.yaml": 'capspec: "1"\nconsumes: []\n', "broken.yaml": "a: 1\na: 2\n"}
    plan = load(tmp_path, files)
    assert told(plan, tmp_path) == [expected]


def test_the_rest_of_the_file_works_without_what_cannot_be_imported(tmp_path: Path) -> None:
    plan = load(tmp_path, {"main.yaml": MAIN})
    assert unavailable(plan) == {"list-ships": "'registry' could not be imported", "say": ""}
    (warning,) = told(plan, tmp_path)
    assert "'./shared/registry.yaml' does not exist" in warning


def test_the_only_api_of_a_file_is_meant_whatever_it_is_called(tmp_path: Path) -> None:
    one = REGISTRY.partition("  - namespace: crews")[0].replace("namespace: registry", "namespace: ships-api")
    plan = load(tmp_path, {"main.yaml": MAIN, "shared/registry.yaml": one})
    assert operations(plan) == ["registry.list-ships"]
    assert told(plan, tmp_path) == [
        "main.yaml:4:16: './shared/registry.yaml' has no 'registry'; its only namespace 'ships-api' is taken "
        "for it; write 'import: ships-api' and 'as: registry'"
    ]


def test_a_namespace_that_is_taken_is_refused(tmp_path: Path) -> None:
    main = MAIN.replace(
        "  exposes:", "    - {import: crews, from: ./shared/registry.yaml, as: registry}\n  exposes:"
    )
    with pytest.raises(LoadError) as caught:
        load(tmp_path, {"main.yaml": main, "shared/registry.yaml": REGISTRY})
    (problem,) = (problem for problem in caught.value.problems if problem.severity == "error")
    assert problem.message == f"the namespace 'registry' is already taken at {tmp_path}/main.yaml:4:7"
    assert problem.hint == "give one of them another name with 'as'"
    assert problem.place is not None
    assert problem.place.line == 5


def test_a_problem_in_an_imported_entry_has_its_own_file_and_the_way_there(tmp_path: Path) -> None:
    wrong = REGISTRY.replace("method: GET}]}\n  - namespace: crews", "method: FETCH}]}\n  - namespace: crews")
    files = {
        "main.yaml": importing("{import: registry, from: middle.yaml}"),
        "middle.yaml": importing("{import: registry, from: end.yaml}"),
        "end.yaml": wrong,
    }
    with pytest.raises(LoadError) as caught:
        load(tmp_path, files)
    (problem,) = caught.value.problems
    assert (
        str(problem)
        .replace(f"{tmp_path}/", "")
        .startswith(
            "end.yaml:7:64: 'FETCH' is not an HTTP method (imported at middle.yaml:4:7, imported at main.yaml:4:7)"
        )
    )


@pytest.mark.parametrize("name", ["registry", "'*'"])
def test_imports_in_a_circle_are_told_of_once(tmp_path: Path, name: str) -> None:
    files = {
        "main.yaml": importing(f"{{import: {name}, from: other.yaml}}"),
        "other.yaml": importing(f"{{import: {name}, from: main.yaml}}"),
    }
    (warning,) = told(load(tmp_path, files), tmp_path)
    assert "imports go in a circle: main.yaml:4:7 -> other.yaml:4:7 -> main.yaml:4:7" in warning


def test_two_files_may_import_different_entries_of_each_other(tmp_path: Path) -> None:
    one = REGISTRY.partition("  - namespace: crews")[0]
    other = importing("{import: registry, from: main.yaml, as: ships}")
    files = {"main.yaml": one + "  - {import: ships, from: other.yaml}\n", "other.yaml": other}
    plan = load(tmp_path, files)
    assert (operations(plan), told(plan, tmp_path)) == (["registry.list-ships", "ships.list-ships"], [])


def test_a_chain_of_files_has_an_end(tmp_path: Path) -> None:
    files = {f"{n}.yaml": importing(f"{{import: crews, from: {n + 1}.yaml}}") for n in range(DEEPEST + 1)}
    files[f"{DEEPEST + 1}.yaml"] = REGISTRY
    (warning,) = told(load(tmp_path, files), tmp_path)
    assert f"imports go through more than {DEEPEST} files: 0.yaml:4:7 -> 1.yaml:4:7" in warning
    files["1.yaml"] = files["2.yaml"]
    assert operations(load(tmp_path, files)) == ["crews.list-crew"]


def test_imports_that_multiply_come_to_an_end(tmp_path: Path) -> None:
    twice = "{{import: '*', from: {0}.yaml}}\n    - {{import: '*', from: {0}.yaml}}"
    files = {f"{n}.yaml": importing(twice.format(n + 1)) for n in range(DEEPEST - 1)}
    files[f"{DEEPEST - 1}.yaml"] = 'capspec: "1"\nconsumes: [{baseUri: "https://x.example.com"}]\n'
    plan = load(tmp_path, files)
    assert any(f"there are more than {MOST:,} imports" in warning for warning in told(plan, tmp_path))


# -- the root folder --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location", ["../outside.yaml", "/etc/hostname", "./link.yaml", "linked/outside.yaml"]
)
def test_nothing_is_imported_from_outside_of_the_root(tmp_path: Path, location: str) -> None:
    write(tmp_path, {"outside.yaml": REGISTRY})
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (inner / "linked").symlink_to(tmp_path)
    plan = load(inner, {"main.yaml": importing(f"{{import: crews, from: {location}}}")})
    (warning,) = plan.warnings
    assert warning.message == (
        f"'crews' is not imported: '{location}' leads out of '{inner}', the folder that may be imported from"
    )
    expected = "keep what is imported" if location.startswith("/etc") else f"allow it with --root {tmp_path}"
    assert warning.hint.startswith(expected)
    assert plan.operations == {}


def test_a_wider_root_allows_it(tmp_path: Path) -> None:
    files = {"inner/main.yaml": importing("{import: crews, from: ../outside.yaml}"), "outside.yaml": REGISTRY}
    plan = load(tmp_path, files, root=tmp_path)
    assert (operations(plan), told(plan, tmp_path)) == (["crews.list-crew"], [])


def test_a_link_within_the_root_is_followed(tmp_path: Path) -> None:
    main = write(tmp_path, {"main.yaml": importing("{import: crews, from: link.yaml}"), "a/r.yaml": REGISTRY})
    (tmp_path / "link.yaml").symlink_to("a/r.yaml")
    assert operations(app.load_plan(main, environ={})) == ["crews.list-crew"]


def test_places_are_named_as_the_command_line_named_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"caps/main.yaml": MAIN, "caps/shared/registry.yaml": REGISTRY + "az: 1\n"})
    monkeypatch.chdir(tmp_path)
    plan = app.load_plan(os.path.join("caps", "main.yaml"), environ={})
    assert [file.source for file in plan.imported] == ["caps/shared/registry.yaml"]


def test_a_text_that_is_no_file_imports_nothing_relative() -> None:
    plan = plan_of(importing("{import: crews, from: r.yaml}"))
    assert [problem.message for problem in plan.warnings] == [
        "'crews' is not imported: r.yaml is relative, and the capability was not read from a file"
    ]
