"""The house rules that a tool can check: small modules, honest imports, names that say something."""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "capspec"
MODULES = sorted(PACKAGE.rglob("*.py"))
VAGUE = {"utils", "helpers", "common", "core", "base", "manager"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_a_module_is_small_says_what_it_is_and_hides_no_import(module: Path):
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert not text.strip() or text.startswith(('"""', 'r"""')), "open with one sentence"
    assert "TYPE_CHECKING" not in text
    assert module.stem not in VAGUE
