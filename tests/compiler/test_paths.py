"""Path texts of real files, taken apart."""

from __future__ import annotations

import pytest

from capspec.compiler.paths import normalised, parse_consumed_path, parse_exposed_path
from capspec.plan import PathVariable


def written(text: str) -> str:
    """The parts in one line: `<x>` for a variable, `<x+>` for a greedy one."""
    parts = parse_consumed_path(text).parts
    return "".join(
        part if isinstance(part, str) else f"<{part.name}{'+' if part.greedy else ''}>" for part in parts
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/ships", "/ships"),
        ("/ships/{imo}", "/ships/<imo>"),
        ("/ships/{{imo}}", "/ships/<imo>"),
        ("/ships/{{ imo-number }}/crew", "/ships/<imo-number>/crew"),
        ("/ships/{{tools.imo}}", "/ships/<imo>"),
        ("api/users", "/api/users"),
        ("", ""),
        ("/", "/"),
        ("/{Bucket}/{Key+}", "/<Bucket>/<Key+>"),
        ("/{+path}", "/<path+>"),
        ("/v1/{name=projects/**}", "/v1/<name+>"),
        ("/v1/{name=*}", "/v1/<name>"),
        ("/me/zones(Zone='{Zone}')", "/me/zones(Zone='<Zone>')"),
        ("/companies({company_id})/x", "/companies(<company_id>)/x"),
        ("/jobs/{id}:cancel", "/jobs/<id>:cancel"),
        ("/oauth/tokens/:connect", "/oauth/tokens/:connect"),
        ("/v1/Invoice Items", "/v1/Invoice%20Items"),
        ("/data//failedResults", "/data//failedResults"),
        ("/$svn/act/", "/$svn/act/"),
        ("/tags/{resourceArn}#tagKeys", "/tags/<resourceArn>"),
        ("/a%20b/ü", "/a%20b/%C3%BC"),
        ("/x/{a b}", "/x/<a b>"),
        ("/{a}{b}", "/<a><b>"),
    ],
)
def test_a_consumed_path(text: str, expected: str):
    assert written(text) == expected


def test_the_query_of_a_path_is_taken_apart():
    parts = parse_consumed_path("/{Bucket}?partNumber={partNumber}&acl&x=a=b#frag")
    assert parts.query == (("partNumber", "{partNumber}"), ("acl", ""), ("x", "a=b"))
    assert parts.variables == ("Bucket",)


def test_a_placeholder_used_twice_is_one_variable():
    assert parse_consumed_path("/{a}/x/{a}").variables == ("a",)


def test_an_exposed_placeholder_named_path_takes_the_rest():
    assert parse_exposed_path("/files/{{path}}").parts == ("/files/", PathVariable(name="path", greedy=True))
    assert parse_exposed_path("/files/{file}").parts == ("/files/", PathVariable(name="file"))


@pytest.mark.parametrize("name", ["fieldIdOrKey", "field-id-or-key", "fieldidorkey", "field_id.or KEY"])
def test_spellings_of_a_name_are_one(name: str):
    assert normalised(name) == "fieldidorkey"
