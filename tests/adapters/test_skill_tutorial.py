"""The skills of the reference's tutorial, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from capspec import app
from capspec.adapters.skill.replies import catalogue, detail

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
FILES = sorted(
    path
    for path in REFERENCE.glob("tutorial-*/step-*.yml")
    if int(path.name.split("-")[1]) in (7, 8, 9, 10, 11)
)

pytestmark = pytest.mark.skipif(not FILES, reason="the tutorial is not here")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_skills_of_a_step_are_all_there(path: Path) -> None:
    plan = app.load_plan(path, environ={})
    assert [problem for problem in plan.warnings if problem.code.startswith("CAP38")] == []
    (listener,) = (item for item in plan.listeners if item.type == "skill")
    told = catalogue(listener.skills)
    assert (told["count"], [skill["name"] for skill in told["skills"]]) == (2, ["fleet-ops", "voyage-ops"])
    fleet, voyages = map(detail, listener.skills)
    assert len(fleet["tools"]) == 4
    assert voyages["tools"][0]["name"] == "create-voyage"
    for tool in (*fleet["tools"], *voyages["tools"]):
        assert tool["type"] == "derived"
        assert tool["invocationRef"] == {
            "targetNamespace": "shipyard-tools",
            "action": tool["name"],
            "mode": "mcp",
        }
