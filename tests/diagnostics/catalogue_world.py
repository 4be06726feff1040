"""An example of the catalogue to a file in a folder, and a file to the problems that it has."""

from __future__ import annotations

import re
from pathlib import Path

from capspec import app
from capspec.diagnostics import Example
from capspec.errors import CapspecError, Problem, sort_problems

_ROOT = re.compile(r"^[\"']?(?:capspe[ck]|naftiko|ikanos|capability|name)[\"']?:|^- ", re.MULTILINE)

_OTHERS = {
    "consumes": """\
  consumes:
    - namespace: shop
      baseUri: https://api.example.com
      resources:
        - path: /orders/{id}
          operations:
            - name: get-order
              method: GET
""",
    "exposes": """\
  exposes:
    - type: mcp
      namespace: shop-tools
      tools:
        - name: get-order
          description: An order by its number.
          call: shop.get-order
""",
}


def whole(text: str) -> str:
    """The text of a file: an example without a root key is about parts of a capability, which has the others."""
    if _ROOT.search(text):
        return text
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    others = "".join(part for key, part in _OTHERS.items() if f"{key}:" not in text.splitlines())
    return f'capspec: "1"\ncapability:\n{lines}{others}'


def written(example: Example, folder: Path) -> Path:
    for name, text in example.beside.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "example.yaml"
    path.write_text(whole(example.text), encoding="utf-8")
    return path


def problems_of(path: Path) -> tuple[Problem, ...]:
    try:
        plan = app.load_plan(path, environ={})
    except CapspecError as error:
        return error.problems
    return sort_problems((*plan.warnings, *plan.remarks))
