"""The pages of docs/language: each example works as it is shown, and nothing of the language has no page."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from capspec import registry
from tests.docs_pages import FOLDER, Example, examples, pages
from tests.docs_world import differs, loaded, running, show, written

PAGES = pages()
EXAMPLES = [example for page in PAGES for example in examples(page)]
INDEX = FOLDER / "README.md"

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)


@pytest.mark.anyio
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
async def test_an_example_works_as_it_is_shown(example: Example, tmp_path: Path) -> None:
    file = written(example, tmp_path)
    plan, problems = loaded(example, file)
    wrong = differs(example.problems, problems, f"{example} (problems)")
    assert not wrong, wrong
    if plan is None:
        return
    async with running(plan, example) as live:
        wrong = [told for block in example.shown if (told := await show(block, example, live, tmp_path))]
    wrong += [f"{example} does not show this request:\n\n{asked}" for asked in live.upstream.surprises]
    unused = [item.line for item in example.upstream if item.line not in live.upstream.used]
    wrong += [f"{example.page}:{line} shows a request that is not made" for line in unused]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_an_example_and_a_fitting_length(page: Path) -> None:
    assert any(example.page == page.name for example in EXAMPLES)
    assert 40 <= len(page.read_text(encoding="utf-8").splitlines()) <= 260


def test_every_page_is_linked_from_the_first_one() -> None:
    linked = set(_LINK.findall(INDEX.read_text(encoding="utf-8")))
    assert {page.name for page in PAGES} - {INDEX.name} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            headings = _HEADING.findall(_FENCED.sub("", target.read_text(encoding="utf-8")))
            assert anchor in {_anchor(heading) for heading in headings}, f"{page.name}: {link}"


def _anchor(heading: str) -> str:
    """As GitHub makes them."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
WORDS = set(re.findall(r"[A-Za-z0-9][A-Za-z0-9_.-]*", TEXT))


@pytest.mark.parametrize("kind", [kind for kind in registry.EXTENSIONS if kind != "transport"])
def test_every_extension_is_on_a_page(kind: str) -> None:
    assert set(registry.names(kind)) <= WORDS


@pytest.mark.parametrize("place", ["step", "loop", "recovery", "poll", "jobStatus", "assets", "idempotency"])
def test_every_key_of_steps_and_jobs_is_on_a_page(place: str) -> None:
    base = json.loads(files("capspec").joinpath("schema.base.json").read_text("utf-8"))
    assert _keys(base["$defs"][place]) <= WORDS


def _keys(definition: dict[str, Any]) -> set[str]:
    found = set(definition.get("properties", {}))
    for part in definition.get("anyOf", []):
        found |= _keys(part)
    return found
