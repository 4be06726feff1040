"""The imitations' annotations to FIDELITY.md, beside this module."""

from __future__ import annotations

from pathlib import Path

from capspec.sandbox.app import build_providers
from capspec.sandbox.config import SandboxConfig
from capspec.sandbox.endpoint import Provider
from capspec.sandbox.fidelity import Chapter, Section, render
from capspec.sandbox.world import World

PATH = Path(__file__).with_name("FIDELITY.md")


def table() -> str:
    """The whole text of FIDELITY.md."""
    return render(_chapter(provider) for provider in build_providers(World(SandboxConfig())))


def _chapter(provider: Provider) -> Chapter:
    sections = tuple(
        Section(title=f"{endpoint.method} {endpoint.path}", answers=endpoint.answers, notes=endpoint.notes)
        for endpoint in provider.endpoints()
    )
    return Chapter(title=provider.title, sections=sections, notes=provider.notes)


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")
