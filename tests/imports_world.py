"""Small families of files that import from each other, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from capspec import app
from capspec.plan import Plan

REGISTRY = """\
capspec: "1"
consumes:
  - namespace: registry
    type: http
    baseUri: https://registry.example.com
    resources:
      - {path: /ships, operations: [{name: list-ships, method: GET}]}
  - namespace: crews
    type: http
    baseUri: https://crews.example.com
    resources:
      - {path: /crew, operations: [{name: list-crew, method: GET}]}
"""
"""Two APIs, in a file of their own."""

MAIN = """\
capspec: "1"
capability:
  consumes:
    - {import: registry, from: ./shared/registry.yaml}
  exposes:
    - type: mcp
      namespace: ships
      tools:
        - {name: list-ships, description: List ships, call: registry.list-ships}
        - {name: say, description: Say something, outputParameters: [{name: a, type: string, value: b}]}
"""
"""Imports one of them, and calls it by a tool; the other tool needs nothing."""


def importing(entry: str, section: str = "consumes") -> str:
    """A capability whose section has one entry, and which exposes nothing."""
    return f'capspec: "1"\ncapability:\n  {section}:\n    - {entry}\n'


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """The files below the folder; gives the first one's path."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder / next(iter(files))


def load(
    folder: Path,
    files: Mapping[str, str],
    *,
    environ: Mapping[str, str] | None = None,
    root: Path | None = None,
) -> Plan:
    """The first file, compiled, beside the others."""
    return app.load_plan(write(folder, files), environ=environ or {}, root=root)


def told(plan: Plan, folder: Path) -> list[str]:
    """The warnings, with places relative to the folder."""
    return [str(problem).replace(f"{folder}/", "") for problem in plan.warnings]
