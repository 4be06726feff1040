"""Where the files of a script may be: below one folder, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from capspec import document
from capspec.scripting.governance import Rules
from capspec.scripting.program import NotRunnable, Program


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "scripts" / "lib").mkdir(parents=True)
    (folder / "scripts" / "main.js").write_text("result = 1")
    (folder / "scripts" / "lib" / "tax.js").write_bytes(b"\xef\xbb\xbfvar tax = 2")
    (folder / "beside.py").write_text("result = 2")
    (folder / "latin.js").write_bytes(b"\xe9")
    (folder / "long.js").write_bytes(b" " * (1024 * 1024 + 1))
    (tmp_path / "outside.js").write_text("result = 'outside'")
    os.symlink(tmp_path / "outside.js", folder / "link.js")
    os.symlink(tmp_path, folder / "way-out")
    return folder


def program(home: Path | None, **said: Any) -> Program:
    found = document.parse("a: 1", "cap.yaml", None if home is None else home / "cap.yaml")
    whole: dict[str, Any] = {
        "name": "s", "file": "", "source": "", "dependencies": (), "language": "", "location": "",
        "timeout": 0, "statement_limit": 0, "document": found,
    }  # fmt: skip
    return Program(**{**whole, **said})


def test_files_are_read_in_order_from_their_location(home):
    wanted = program(home, file="main.js", dependencies=("lib/tax.js",), location="scripts")
    assert wanted.files(Rules()) == (("lib/tax.js", "var tax = 2"), ("main.js", "result = 1"))
    same = program(home, file="main.js", location=(home / "scripts").as_uri())
    assert same.files(Rules()) == (("main.js", "result = 1"),)


def test_without_a_location_they_are_beside_the_capability_file(home):
    assert program(home, file="scripts/main.js").files(Rules()) == (("scripts/main.js", "result = 1"),)


def test_a_default_location_is_for_those_that_have_none(home):
    rules = Rules(default_location=(home / "scripts").as_uri())
    assert program(home, file="main.js").files(rules) == (("main.js", "result = 1"),)
    with pytest.raises(NotRunnable, match=r"no script 'main\.js'"):
        program(home, file="main.js", location=home.as_uri()).files(rules)


def test_files_are_read_once(home):
    wanted = program(home, file="main.js", location="scripts")
    wanted.files(Rules())
    (home / "scripts" / "main.js").write_text("result = 'other'")
    assert wanted.files(Rules()) == (("main.js", "result = 1"),)
    assert program(home, file="main.js", location="scripts").files(Rules())[0][1] == "result = 'other'"


def test_a_script_in_the_capability_file_needs_no_location():
    assert program(None, source="result = 3").files(Rules()) == (("s", "result = 3"),)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"file": "../outside.js"}, "not the name of a script"),
        ({"file": "scripts/../../outside.js"}, "not the name of a script"),
        ({"file": "./beside.py"}, "not the name of a script"),
        ({"file": "/etc/passwd"}, "not the name of a script"),
        ({"file": "a b.js"}, "not the name of a script"),
        ({"file": "x\0.js"}, "not the name of a script"),
        ({"file": "..%2foutside.js"}, "not the name of a script"),
        ({"file": "scripts\\main.js"}, "not the name of a script"),
        ({"file": "link.js"}, "no script 'link.js'"),
        ({"file": "way-out/outside.js"}, "no script"),
        ({"file": "main.js", "dependencies": ("../outside.js",), "location": "scripts"}, "not the name"),
        ({"file": "nothing.js"}, "no script 'nothing.js' at its location"),
        ({"file": "scripts"}, "no script 'scripts'"),
        ({"file": "latin.js"}, "not UTF-8"),
        ({"file": "long.js"}, "larger than 1,048,576 bytes"),
        ({"file": "x.js", "location": "nowhere"}, "no folder 'nowhere'"),
        ({"file": "x.js", "location": "beside.py"}, "not a folder"),
        ({"file": "outside.js", "location": "way-out"}, "leads out of the folder"),
        ({"file": "outside.js", "location": ".."}, "leads out of the folder"),
        ({"file": "outside.js", "location": "scripts/../.."}, "leads out of the folder"),
    ],
)
def test_nothing_outside_and_nothing_strange_is_read(home, said, why):
    with pytest.raises(NotRunnable, match=why) as caught:
        program(home, **said).files(Rules())
    assert str(home) not in str(caught.value)


def test_without_a_capability_file_there_must_be_a_location():
    with pytest.raises(NotRunnable, match="no 'location'"):
        program(None, file="x.js").files(Rules())


@pytest.mark.parametrize(
    ("said", "rules", "language"),
    [
        ({"file": "x.js"}, {}, "javascript"),
        ({"file": "x.PY"}, {}, "python"),
        ({"file": "x.js", "language": "python"}, {}, "python"),
        ({"file": "x"}, {"default_language": "python"}, "python"),
        ({"source": "1", "language": "javascript"}, {"default_language": "python"}, "javascript"),
    ],
)
def test_the_language_is_the_steps_or_the_default_or_what_the_name_says(said, rules, language):
    assert program(None, **said).chosen(Rules(**rules)).name == language


@pytest.mark.parametrize(
    ("said", "rules", "why"),
    [
        ({"file": "x"}, {}, "no 'language'"),
        ({"file": "x.groovy"}, {}, "no engine for Groovy"),
        ({"file": "x.js", "language": "groovy"}, {}, "no engine for Groovy"),
        ({"file": "x.js", "language": "ruby"}, {}, "'ruby' is not a language"),
        ({"file": "x.js"}, {"allowed_languages": ("python",)}, "javascript is not in the allowed languages"),
        ({"file": "x.js"}, {"allowed_languages": ()}, "not in the allowed languages"),
    ],
)
def test_a_language_that_is_not_to_be_had_is_refused(said, rules, why):
    with pytest.raises(NotRunnable, match=why) as caught:
        program(None, **said).chosen(Rules(**rules))
    assert caught.value.hint
