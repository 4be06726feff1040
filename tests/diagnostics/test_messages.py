"""What is said of a slip: the right code, at the very character, with what is probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from capspec.errors import Problem
from tests.diagnostics.catalogue_world import problems_of

GOOD = """\
capspec: "1"
capability:
  binds:
    - namespace: env
      keys: {SHOP_TOKEN: SHOP_TOKEN}
  consumes:
    - namespace: shop
      baseUri: https://api.example.com
      authentication:
        type: bearer
        token: "{{SHOP_TOKEN}}"
      resources:
        - path: /orders/{id}
          operations:
            - name: get-order
              method: GET
              outputRawFormat: json
              timeout: 30s
              inputParameters:
                - {name: fields, in: query}
                - name: X-Note
                  in: header
                  value: "for {{customer}}"
        - path: /orders
          operations:
            - name: add-order
              method: POST
              body:
                type: json
                data:
                  note: "{{note}}"
                  lines: ["{{line}}"]
  exposes:
    - type: mcp
      namespace: shop-tools
      port: 9090
      tools:
        - name: get-order
          description: An order by its number.
          inputParameters:
            - {name: number, type: string}
            - {name: fields, type: string}
            - {name: customer, type: string}
          call: shop.get-order
          with:
            id: tools.number
            fields: tools.fields
          outputParameters:
            - name: total
              type: number
              mapping: $.items[0].total
        - name: both
          description: An order and another one.
          inputParameters:
            - {name: number, type: string}
          steps:
            - name: first
              call: shop.get-order
              with: {id: "{{number}}", customer: "x"}
            - name: second
              call: shop.get-order
              when: "{{ first.more }}"
              with:
                id: $.first.next
                customer: x
          mappings:
            - {target: one, value: $.first}
            - {target: two, value: $.second}
    - type: rest
      namespace: shop-api
      resources:
        - path: /orders/{number}
          operations:
            - name: read-order
              call: shop.get-order
              with: {id: rest.number, customer: x}
"""


def problems(tmp_path: Path, *slips: tuple[str, str]) -> tuple[tuple[Problem, ...], str]:
    text = GOOD
    for good, bad in slips:
        assert good in text
        text = text.replace(good, bad, 1)
    path = tmp_path / "example.yaml"
    path.write_text(text, encoding="utf-8")
    return problems_of(path), text


def test_the_file_without_slips_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path)[0] == ()


@pytest.mark.parametrize(
    ("good", "bad", "code", "at", "hint"),
    [
        # variables
        ('token: "{{SHOP_TOKEN}}"', 'token: "{{SHOP_TOKN}}"', "CAP210", "SHOP_TOKN", "did you mean 'SHOP_TOKEN'?"),
        ('token: "{{SHOP_TOKEN}}"', 'token: "{{OTHER}}"', "CAP211", "OTHER", "bind it in 'binds'"),
        # what calls are given
        ("tools.number", "tolls.number", "CAP301", "tolls.number", "did you mean 'tools.number'?"),
        ("rest.number", "rset.number", "CAP301", "rset.number", "did you mean 'rest.number'?"),
        ("tools.fields", "tools.feilds", "CAP302", "tools.feilds", "did you mean 'tools.fields'?"),
        ("fields: tools.fields", "feilds: tools.fields", "CAP302", "feilds", "did you mean 'fields'?"),
        ("value: $.second", "value: $.secnod", "CAP302", "$.secnod", "did you mean '$.second'?"),
        # words
        ("in: query", "in: quary", "CAP116", "quary", "did you mean 'query'?"),
        ("outputRawFormat: json", "outputRawFormat: jsno", "CAP325", "jsno", "did you mean 'json'?"),
        ("type: bearer", "type: beerer", "CAP321", "beerer", "did you mean 'bearer'?"),
        ("type: bearer", "typ: bearer", "CAP321", "typ", "did you mean 'type'? There is 'typ'"),
        ("type: mcp", "type: mpc", "CAP311", "mpc", "did you mean 'mcp'?"),
        ("type: mcp", "typ: mcp", "CAP130", "typ", "did you mean 'type'? There is 'typ'"),
        ("method: POST", "method: PSOT", "CAP124", "PSOT", "use one of GET"),
        ("type: number", "type: nubmer", "CAP332", "nubmer", ""),
        # numbers
        ("port: 9090", "port: 90900", "CAP117", "90900", "use 1 to 65535"),
        ("port: 9090", "port: -1", "CAP117", "-1", "use 1 to 65535"),
        ("timeout: 30s", "timeout: a while", "CAP326", "a while", ""),
        # braces
        ("path: /orders/{id}", "path: /orders/{id", "CAP115", "{id", "write a placeholder as {name}"),
        ("path: /orders/{number}", "path: /orders/number}", "CAP115", "}", "write a placeholder as {name}"),
        # calls
        ("call: shop.get-order\n          with", "call: shop.get-odrer\n          with", "CAP341",
         "shop.get-odrer", "did you mean 'shop.get-order'?"),
        ("call: shop.get-order\n              when", "call: shop.get-odrer\n              when", "CAP341",
         "shop.get-odrer", "did you mean 'shop.get-order'?"),
    ],
)  # fmt: skip
def test_a_slip_is_told_of_where_it_is_with_what_is_meant(
    tmp_path: Path, good: str, bad: str, code: str, at: str, hint: str
) -> None:
    found, text = problems(tmp_path, (good, bad))
    problem = next(item for item in found if item.code == code)
    assert problem.place is not None
    line = text.splitlines()[problem.place.line - 1]
    assert line[problem.place.column - 1 :].startswith(at), (problem, line)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("good", "bad", "code", "rest"),
    [
        ("mapping: $.items[0].total", "mapping: $.items[0.total", "CAP330", ".total"),
        ("mapping: $.items[0].total", 'mapping: "$.items[0.total"', "CAP330", '.total"'),
        ("mapping: $.items[0].total", "mapping: |\n                $.items[0.total", "CAP330", ".total"),
        ("value: $.first}", 'value: "$.first["}', "CAP330", '"}'),
        ("id: $.first.next", "id: $.first[next", "CAP330", "next"),
        ('"for {{customer}}"', '"for {{customer}"', "CAP331", '{{customer}"'),
        ('note: "{{note}}"', 'note: "a {{note}"', "CAP331", '{{note}"'),
        ('lines: ["{{line}}"]', 'lines: ["{{line"]', "CAP331", '{{line"]'),
        ('with: {id: "{{number}}"', 'with: {id: "{{number}"', "CAP331", '{{number}"'),
        ('token: "{{SHOP_TOKEN}}"', 'token: "{{SHOP_TOKEN}"', "CAP321", '{{SHOP_TOKEN}"'),
        ("https://api.example.com", '"https://{{HOST}"', "CAP322", '{{HOST}"'),
    ],
)
def test_what_is_wrong_within_a_text_is_told_of_at_its_character(
    tmp_path: Path, good: str, bad: str, code: str, rest: str
) -> None:
    found, text = problems(tmp_path, (good, bad))
    problem = next(item for item in found if item.code == code)
    assert problem.place is not None
    line = text.splitlines()[problem.place.line - 1]
    assert line[problem.place.column - 1 :].startswith(rest), (problem, line)


@pytest.mark.parametrize(
    "slip",
    [
        ("baseUri: https://api.example.com", "baseUri: api.example.com"),
        ("type: bearer", "type: saml"),
        ("path: /orders/{id}", "path: /orders/{id"),
    ],
)
def test_what_follows_from_a_slip_is_not_told_again(tmp_path: Path, slip: tuple[str, str]) -> None:
    found, _ = problems(tmp_path, slip)
    assert len(found) == 1, found


def test_two_tools_of_one_name_are_told_of_with_the_first(tmp_path: Path) -> None:
    found, text = problems(tmp_path, ("- name: both", "- name: get-order"))
    (problem,) = found
    assert (problem.code, problem.severity) == ("CAP319", "warning")
    assert "this one is offered as 'get-order-2'" in problem.message
    (first,) = problem.related
    assert text.splitlines()[first.place.line - 1].strip() == "- name: get-order"
    assert problem.place is not None
    assert first.place.line < problem.place.line


@pytest.mark.parametrize(
    "slip",
    [
        ("fields: tools.fields", "fields: test.json"),
        ("fields: tools.fields", "fields: total.items"),
        ("fields: tools.fields", "fields: tools.query"),
        ("fields: tools.fields", 'fields: "{{env.SHOP}}"'),
        ("fields: tools.fields", "x-my-field: tools.fields"),
        ('token: "{{SHOP_TOKEN}}"', "token: $env.OTHER_TOKEN"),
    ],
)
def test_what_may_be_meant_as_it_is_is_let_be(tmp_path: Path, slip: tuple[str, str]) -> None:
    assert problems(tmp_path, slip)[0] == ()
