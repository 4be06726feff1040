"""The variables of a capability: how they are named, where they come from, and that they never print."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

from capspec import bindings, document, model
from capspec.bindings import Bindings
from capspec.errors import CompileError, Place
from capspec.values import MISSING, Secret

HERE = Place("capability.yaml", 20, 3)
THERE = Place("capability.yaml", 30, 3)


def bound(binds: str, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Bindings:
    path = None if folder is None else folder / "capability.yaml"
    text = f"capspec: '1'\nbinds:\n{binds}\n"
    return bindings.resolve(model.parse(document.parse(text, "capability.yaml", path)), environ or {})


ENV = "  - {namespace: env, keys: {TOKEN: TOKEN, OTHER: PROVIDER_KEY}}"


# -- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["TOKEN", "env.TOKEN", "secrets.TOKEN"])
def test_a_variable_has_several_names(name: str) -> None:
    found = bound(ENV, {"TOKEN": "t-1"})

    assert found.resolve(f"Bearer {{{{{name}}}}}", HERE) == ("Bearer t-1", ())
    assert found.value(name) == Secret("t-1")
    assert found.constant(name) == "t-1"
    assert found.is_bound(name)
    assert found.missing == ()


def test_a_variable_can_be_named_with_the_namespace_of_its_bind() -> None:
    binds = "  - {namespace: a, keys: {TOKEN: A}}\n  - {namespace: b, keys: {TOKEN: B}}"
    found = bound(binds, {"A": "from a", "B": "from b"})

    assert found.constant("a.TOKEN") == "from a"
    assert found.constant("b.TOKEN") == "from b"
    assert found.constant("TOKEN") == "from b"


def test_a_key_can_have_another_name_at_its_provider() -> None:
    found = bound(ENV, {"OTHER": "no", "PROVIDER_KEY": "yes"})

    assert found.constant("OTHER") == "yes"
    assert found.constant("env.OTHER") == "yes"


def test_of_several_binds_the_last_that_has_a_value_counts() -> None:
    binds = "  - {namespace: a, keys: {X: A_X, Y: A_Y}}\n  - {namespace: b, keys: {X: B_X, Y: B_Y}}"
    found = bound(binds, {"A_X": "a", "A_Y": "a", "B_X": "b"})

    assert (found.constant("X"), found.constant("Y")) == ("b", "a")


@pytest.mark.parametrize("name", ["UNBOUND", "env.UNBOUND", "secrets.UNBOUND", "vault.UNBOUND"])
def test_a_name_that_nobody_bound_is_looked_up_in_the_environment(name: str) -> None:
    found = bound("  - {namespace: vault, location: ./none.env, keys: {OTHER: OTHER}}", {"UNBOUND": "e"})

    assert found.resolve(f"{{{{ {name} }}}}", HERE) == ("e", ())


def test_a_lower_case_name_that_nobody_bound_is_looked_up_too() -> None:
    found = bound("  []", {"basePath": "/v2"})

    assert found.constant("basePath") == "/v2"
    assert not found.is_bound("basePath")


def test_env_means_the_environment_before_other_binds(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOKEN=from file")
    binds = "  - {namespace: vault, location: ./.env, keys: {TOKEN: TOKEN}}"

    assert bound(binds, {"TOKEN": "from env"}, tmp_path).constant("env.TOKEN") == "from env"
    assert bound(binds, {}, tmp_path).constant("env.TOKEN") == "from file"
    assert bound(binds, {"TOKEN": "from env"}, tmp_path).constant("secrets.TOKEN") == "from file"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TOKEN", True),
        ("ANYTHING_2", True),
        ("env.anything", True),
        ("secrets.anything", True),
        ("vault.lower", True),
        ("vault.UPPER", True),
        ("lower", True),
        ("vault.other", False),
        ("tools.x", False),
        ("tools.TOKEN", False),
        ("name", False),
        ("Name", False),
        ("$.id", False),
        ("a.b.c", False),
    ],
)
def test_what_means_a_variable_and_what_an_argument(name: str, expected: bool) -> None:
    assert bound("  - {namespace: vault, keys: {lower: X}}").is_bound(name) is expected


# -- texts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "plain", "{x}", "https://api.example.com/${X}", "$5"])
def test_a_text_without_names_stays_as_it_is(text: str) -> None:
    assert bound(ENV).resolve(text, HERE) == (text, ())


def test_a_bare_reference_is_a_variable_without_its_braces() -> None:
    found = bound(ENV, {"TOKEN": "t-1"})

    assert found.resolve("$secrets.TOKEN", HERE) == ("t-1", ())
    assert found.resolve("$env.TOKEN", HERE) == ("t-1", ())


@pytest.mark.parametrize(
    "value", ["{{OTHER}}", "{{ 7 * 7 }}", "${HOME}", "$secrets.OTHER", "{% if 1 %}x{% endif %}"]
)
def test_a_value_is_never_a_template(value: str) -> None:
    found = bound(ENV, {"TOKEN": value, "PROVIDER_KEY": "no"})

    assert found.resolve("{{TOKEN}}", HERE) == (value, ())
    assert found.resolve("a {{TOKEN}} b {{TOKEN}}", HERE) == (f"a {value} b {value}", ())


def test_a_text_that_is_no_template_is_refused_at_its_place() -> None:
    with pytest.raises(CompileError) as caught:
        bound(ENV).resolve("{{TOKEN", HERE)

    assert caught.value.problems[0].place == HERE


def test_an_expression_can_have_a_default_for_a_missing_variable() -> None:
    assert bound(ENV).resolve("{{ REGION | default('eu') }}", HERE) == ("eu", ("REGION",))


def test_a_template_that_fails_does_not_quote_the_value() -> None:
    with pytest.raises(CompileError) as caught:
        bound(ENV, {"TOKEN": "hunter2"}).resolve("{{ 1 // TOKEN }}", HERE)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


# -- what is missing --------------------------------------------------------------------------------------


def test_all_missing_variables_are_found_with_the_places_that_need_them() -> None:
    found = bound(ENV)

    assert found.resolve("{{TOKEN}}:{{UNBOUND}}", HERE) == (":", ("TOKEN", "UNBOUND"))
    assert found.resolve("x {{env.TOKEN}}", THERE) == ("x ", ("TOKEN",))
    assert found.resolve("{{tools.x}}", THERE) == ("", ("tools.x",))
    assert {item.name: (item.bind, item.places) for item in found.missing} == {
        "TOKEN": ("env: no value for 'TOKEN' in the environment", (HERE, THERE)),
        "UNBOUND": ("environment", (HERE,)),
        "tools.x": ("environment", (THERE,)),
    }


def test_a_variable_that_nobody_asks_for_is_not_missing() -> None:
    found = bound(ENV)

    assert found.value("TOKEN") is None
    assert found.constant("TOKEN") is MISSING
    assert found.missing == ()


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_blank_value_counts_as_none(value: str) -> None:
    found = bound(ENV, {"TOKEN": value})

    assert found.resolve("{{TOKEN}}", HERE) == ("", ("TOKEN",))
    assert found.secrets == ()


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///./none.yaml", "there is no such file"),
        ("./none.yaml", "there is no such file"),
        ("./bad.json", "the file is not JSON (line 1)"),
        ("vault://secret/data", "'vault' is not a known kind of location; use one of: env, file"),
        ("fil:///./x", "did you mean 'file'?"),
    ],
)
def test_every_variable_of_a_bind_that_cannot_be_read_is_missing_with_the_reason(
    location: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text("hunter2")
    binds = f"  - namespace: vault\n    location: {location}\n    keys:\n      A: a\n      B: b"
    found = bound(binds, {}, tmp_path)

    assert [item.name for item in found.missing] == ["A", "B"]
    assert [item.places for item in found.missing] == [
        (Place("capability.yaml", 6, 7),),
        (Place("capability.yaml", 7, 7),),
    ]
    for item in found.missing:
        assert item.bind.startswith("vault: ")
        assert reason in item.bind
        assert "hunter2" not in item.bind
    assert found.resolve("{{A}}", HERE) == ("", ("A",))
    assert found.missing[0].places == (Place("capability.yaml", 6, 7), HERE)


def test_a_bind_that_cannot_be_read_does_not_hide_another_that_has_the_value(tmp_path: Path) -> None:
    binds = "  - {namespace: file, location: ./none.env, keys: {A: A}}\n  - {namespace: env, keys: {A: A}}"

    assert bound(binds, {"A": "1"}, tmp_path).missing == ()
    (missing,) = bound(binds, {}, tmp_path).missing
    assert "no value for 'A' in the environment" in missing.bind
    assert "there is no such file" in missing.bind


def test_a_key_that_its_file_does_not_have_is_not_taken_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("other: x")
    found = bound(
        "  - {namespace: vault, location: ./s.yaml, keys: {A: a}}", {"A": "no", "a": "no"}, tmp_path
    )

    assert found.resolve("{{A}}", HERE) == ("", ("A",))
    assert found.missing[0].bind == "vault: no value for 'a' in ./s.yaml"


def test_a_relative_file_of_a_capability_that_is_no_file_is_missing() -> None:
    found = bound("  - {namespace: vault, location: ./s.yaml, keys: {A: a}}")

    assert "is relative" in found.missing[0].bind


# -- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("secrets.yaml", 'registry-token: "t-1"'),
        ("secrets.json", '{"registry-token": "t-1"}'),
        ("secrets.env", "registry-token=t-1"),
    ],
)
def test_variables_come_from_files_beside_the_capability(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / name).write_text(content)
    location = f"file:///./shared/{name}"
    found = bound(
        f"  - {{namespace: vault, location: '{location}', keys: {{TOKEN: registry-token}}}}", {}, tmp_path
    )

    assert found.resolve("{{TOKEN}}/{{vault.TOKEN}}", HERE) == ("t-1/t-1", ())


def test_the_older_words_for_binds_are_understood(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"notion_token": "t-1"}')
    text = """
naftiko: "0.5"
capability: {consumes: []}
externalRefs:
  - {name: file, type: environment, resolution: file, uri: "file://./s.json", keys: {token: notion_token}}
  - {name: run, type: variables, resolution: runtime, keys: {user: NOTION_USER}}
"""
    capability = model.parse(document.parse(text, "c.yaml", tmp_path / "c.yaml"))
    found = bindings.resolve(capability, {"NOTION_USER": "ada"})

    assert found.resolve("{{user}}:{{token}}", HERE) == ("ada:t-1", ())


# -- secrecy ----------------------------------------------------------------------------------------------


def test_the_values_to_mask_are_all_that_are_known_the_longest_first() -> None:
    found = bound(ENV, {"TOKEN": "abc", "PROVIDER_KEY": "abcdef", "LATER": "z", "UNRELATED": "no"})
    assert found.secrets == ("abcdef", "abc")

    found.resolve("{{LATER}}", HERE)
    assert set(found.secrets) == {"abcdef", "abc", "z"}


def test_values_never_print(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=hunter2")
    binds = "  - {namespace: vault, location: ./.env, keys: {A: A, NONE: NONE}}\n" + ENV
    found = bound(binds, {"TOKEN": "hunter2", "UNUSED": "hunter2"}, tmp_path)
    found.resolve("{{A}} {{TOKEN}} {{NONE}}", HERE)
    secret = found.value("A")
    assert secret is not None

    shown = [repr(found), str(found), f"{found}", repr(vars(type(found))), repr(found.missing)]
    shown += [repr(secret), str(secret), f"{secret}", f"{secret:>20}", repr([secret]), repr({"a": secret})]
    for item in (found, secret):
        for attribute in ("_sources", "_found", "_missing"):
            shown.append(repr(getattr(item, attribute, "")))
        with pytest.raises(TypeError) as caught:
            json.dumps(item)
        shown += traceback.format_exception(caught.value)
        with pytest.raises(TypeError) as caught:
            pickle.dumps(item)
        shown += traceback.format_exception(caught.value)
    assert "hunter2" not in "".join(shown)
    with pytest.raises(TypeError):
        copy.deepcopy(found)
