"""The pages of docs/language: each example works as it is shown, and nothing of the language has no page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from capspec import registry, schema
from capspec.plan import Plan
from tests.docs_pages import FOLDER, Example, examples, pages
from tests.docs_world import differs, loaded, run, running, show, write

PAGES = pages()
EXAMPLES = [example for page in PAGES for example in examples(page)]
INDEX = FOLDER / "README.md"

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)


@pytest.mark.anyio
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
async def test_an_example_works_as_it_is_shown(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(example, tmp_path)
    monkeypatch.chdir(tmp_path)
    plan, problems = loaded(example)
    told = differs(example.problems, problems, f"{example} (problems)")
    assert not told, told
    wrong = [await run(block, example) for block in example.commands]
    if plan is not None and example.shown:
        wrong += await served(plan, example)
    assert not any(wrong), "\n\n".join(filter(None, wrong))


async def served(plan: Plan, example: Example) -> list[str]:
    """What is different from what the page shows."""
    async with running(plan, example) as live:
        wrong = [await show(block, example, live) for block in example.shown]
    wrong += [f"{example} does not show this request:\n\n{asked}" for asked in live.upstream.surprises]
    unused = [item.line for item in example.upstream if item.line not in live.upstream.used]
    return wrong + [f"{example.page}:{line} shows a request that is not made" for line in unused]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_an_example_and_a_fitting_length(page: Path) -> None:
    assert any(example.page == page.name for example in EXAMPLES)
    assert 60 <= len(page.read_text(encoding="utf-8").splitlines()) <= 210


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


def test_every_key_of_the_language_is_on_a_page() -> None:
    whole = schema.bundle()
    for place, definition in {"the root": whole, **whole["$defs"]}.items():
        assert not _keys(definition) - WORDS, place


def _keys(definition: dict[str, Any]) -> set[str]:
    """The names of all members of objects that a definition describes, those of others that it names left out."""
    inner = definition.get("properties", {})
    parts = [*inner.values(), *definition.get("anyOf", []), definition.get("items")]
    return set(inner).union(*(_keys(part) for part in parts if isinstance(part, dict)))
