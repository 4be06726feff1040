"""The route table: what is found, what wins, what it costs."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capspec.adapters.rest import routes as module
from capspec.adapters.rest.routes import Match, MethodNotAllowed, NotFound, Routes
from capspec.plan import PathVariable

Path = tuple[str | PathVariable, ...]


def parts(text: str) -> Path:
    """`/a/{b}/{c+}` to the parts that a plan has."""
    found: list[str | PathVariable] = []
    for piece in re.split(r"(\{[^}]*\})", text):
        if piece.startswith("{"):
            name = piece[1:-1]
            found.append(PathVariable(name=name.rstrip("+"), greedy=name.endswith("+")))
        elif piece:
            found.append(piece)
    return tuple(found)


def table(*texts: str) -> Routes[str]:
    routes: Routes[str] = Routes()
    for text in texts:
        method, path = text.split(" ", 1) if text[0].isupper() else ("GET", text)
        assert routes.add(method, parts(path), text)
    return routes


def target(found: Match[str] | NotFound | MethodNotAllowed) -> str:
    assert isinstance(found, Match)
    return found.target


@pytest.mark.parametrize(
    ("route", "path", "values"),
    [
        ("/", "/", {}),
        ("/", "", {}),
        ("/pets", "/pets", {}),
        ("/pets/{id}", "/pets/7", {"id": "7"}),
        ("/pets/{user-id}", "/pets/a-b", {"user-id": "a-b"}),
        ("/o/{@odata.type}", "/o/x", {"@odata.type": "x"}),
        ("/o/{a name with spaces}", "/o/x", {"a name with spaces": "x"}),
        ("/files/{path}", "/files/a/b/c", {"path": "a/b/c"}),
        ("/files/{path}", "/files/a/b/", {"path": "a/b/"}),
        ("/files/{Key+}/acl", "/files/a/b/acl", {"Key": "a/b"}),
        ("/v1/{name+}:cancel", "/v1/a/b:cancel", {"name": "a/b"}),
        ("/{a+}/{b}", "/x/y/z", {"a": "x/y", "b": "z"}),
        ("/jobs/{id}:cancel", "/jobs/7:cancel", {"id": "7"}),
        ("/jobs/{id}:cancel", "/jobs/7%3Acancel", {"id": "7"}),
        ("/{name}.{ext}", "/report.pdf", {"name": "report", "ext": "pdf"}),
        ("/{name}.{ext}", "/a.b.c", {"name": "a", "ext": "b.c"}),
        ("/me/tz(Zone='{Zone}')", "/me/tz(Zone='Europe%2FParis')", {"Zone": "Europe/Paris"}),
        ("/me/tz(Zone='{Zone}')", "/me/tz%28Zone%3D%27UTC%27%29", {"Zone": "UTC"}),
        ("/a b/{x}", "/a%20b/1", {"x": "1"}),
        ("/a%20b/{x}", "/a%20b/1", {"x": "1"}),
        ("/grüße/{x}", "/gr%C3%BC%C3%9Fe/%E2%82%AC", {"x": "€"}),
        ("/pets/{id}", "/pets/a%2Fb", {"id": "a/b"}),
        ("/pets/{id}", "/pets/100%25", {"id": "100%"}),
        ("/pets/{id}", "/pets/..", {"id": ".."}),
        ("/{id}/x/{id}", "/1/x/2", {"id": "2"}),
        ("token", "/token", {}),
        ("/{a}{b}", "/xyz", {"a": "x", "b": "yz"}),
    ],
)
def test_a_path_gives_its_placeholders_decoded_values(route: str, path: str, values: dict[str, str]) -> None:
    found = table(route).find("GET", path)
    assert isinstance(found, Match)
    assert (found.target, found.values) == (route, values)


@pytest.mark.parametrize(
    ("route", "path", "rest"),
    [
        ("/files/{path}", "/files/a/b%2Fc/", (1, 4)),
        ("/files/{path}/acl", "/files/a/b/acl/", (1, 3)),
        ("/{id}/{rest+}/x", "/1/a//b/x", (1, 4)),
        ("/{path}", "//a", (0, 2)),
        ("/pets/{id}", "/pets/1", None),
    ],
)
def test_a_match_says_which_segments_the_greedy_placeholder_took(
    route: str, path: str, rest: tuple[int, int] | None
) -> None:
    found = table(route).find("GET", path)
    assert isinstance(found, Match)
    assert found.rest == rest


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/pets", "/pet"),
        ("/pets", "/pets/1"),
        ("/pets", "pets"),
        ("/pets/{id}", "/pets/"),
        ("/pets/{id}", "/pets//"),
        ("/pets/{id}", "/pets/%ff"),
        ("/{a+}/x/{b+}/y", "/x/x/x/x/x/x"),
        ("/pets/{id}", "/pets/1/2"),
        ("/pets", "//pets"),
        ("/files/{path}", "/files"),
        ("/files/{path}", "/files/"),
        ("/jobs/{id}:cancel", "/jobs/:cancel"),
        ("/jobs/{id}:cancel", "/jobs/7:start"),
        ("/{a}.{b}", "/x."),
        ("/ab{x}bc", "/abc"),
        ("/ab{x}bc", "/a"),
        ("/x{a}-{b}y", "/x1y"),
        ("/a{x}b", "/ab"),
        ("/v1/{name+}:cancel", "/v1/a/b"),
        ("/{path}", "/" + "a/" * 300),
        ("/{id}", "*"),
    ],
)
def test_other_paths_are_not_found(route: str, path: str) -> None:
    assert table(route).find("GET", path) == NotFound()


@pytest.mark.parametrize(
    ("routes", "path", "expected"),
    [
        (["/users/{id}", "/users/me"], "/users/me", "/users/me"),
        (["/users/{id}", "/users/me"], "/users/mo", "/users/{id}"),
        (["/{path}", "/{id}", "/{id}.json", "/a.json"], "/a.json", "/a.json"),
        (["/{path}", "/{id}", "/{id}.json", "/a.json"], "/b.json", "/{id}.json"),
        (["/{path}", "/{id}", "/{id}.json", "/a.json"], "/b", "/{id}"),
        (["/{path}", "/{id}", "/{id}.json", "/a.json"], "/b/c", "/{path}"),
        (["/a/b/c", "/{x}/b/d"], "/a/b/d", "/{x}/b/d"),
        (["/a/{x}/c", "/{y}/b/{z}"], "/a/b/d", "/{y}/b/{z}"),
        (["/f/{path}", "/f/{k+}/meta"], "/f/a/b/meta", "/f/{k+}/meta"),
        (["/f/{path}", "/f/{k+}/meta"], "/f/a/b/data", "/f/{path}"),
        (["/f/{k+}.json", "/f/{path}"], "/f/a/b.json", "/f/{k+}.json"),
        (["/j/{id}:x", "/j/{id}:long-x"], "/j/1:long-x", "/j/{id}:long-x"),
        (["/j/{a}-{b}", "/j/{a}.{b}"], "/j/1.2", "/j/{a}.{b}"),
        (["/j/{a}", "/j/{a}.x/y"], "/j/1.x", "/j/{a}"),
    ],
)
def test_the_most_specific_route_wins_in_any_order(routes: list[str], path: str, expected: str) -> None:
    assert target(table(*routes).find("GET", path)) == expected
    assert target(table(*reversed(routes)).find("GET", path)) == expected


def test_a_route_with_another_method_does_not_hide_one_that_fits() -> None:
    routes = table("GET /users/me", "DELETE /users/{id}", "PATCH /{path}")
    assert target(routes.find("DELETE", "/users/me")) == "DELETE /users/{id}"
    assert target(routes.find("PATCH", "/users/me")) == "PATCH /{path}"


def test_a_wrong_method_lists_what_the_path_offers() -> None:
    routes = table("GET /users/me", "DELETE /users/{id}", "POST /orders")
    assert routes.find("PUT", "/users/me") == MethodNotAllowed(("DELETE", "GET", "HEAD", "OPTIONS"))
    assert routes.find("GET", "/orders") == MethodNotAllowed(("OPTIONS", "POST"))
    assert routes.find("OPTIONS", "/orders") == MethodNotAllowed(("OPTIONS", "POST"))


def test_head_is_served_by_get_unless_there_is_a_head() -> None:
    assert target(table("GET /a").find("HEAD", "/a")) == "GET /a"
    assert target(table("GET /a", "HEAD /a").find("HEAD", "/a")) == "HEAD /a"


def test_one_slash_at_the_end_makes_no_difference_unless_both_are_routes() -> None:
    assert target(table("/pets").find("GET", "/pets/")) == "/pets"
    assert target(table("/pets/").find("GET", "/pets")) == "/pets/"
    both = table("/pets", "/pets/")
    assert [target(both.find("GET", path)) for path in ("/pets", "/pets/")] == ["/pets", "/pets/"]
    split = table("GET /pets", "POST /pets/")
    assert target(split.find("POST", "/pets")) == "POST /pets/"
    assert split.find("PUT", "/pets") == MethodNotAllowed(("GET", "HEAD", "OPTIONS", "POST"))


def test_the_first_of_equal_routes_stays() -> None:
    routes: Routes[str] = Routes()
    assert routes.add("GET", parts("/{ad_id}"), "first")
    assert not routes.add("GET", parts("/{ad_set_id}"), "second")
    assert routes.add("POST", parts("/{ad_set_id}"), "third")
    assert routes.find("GET", "/7") == Match("first", {"ad_id": "7"})
    assert routes.find("POST", "/7") == Match("third", {"ad_set_id": "7"})


# -- properties -------------------------------------------------------------------------------------------

_UNICODE = st.characters(codec="utf-8")
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="{}/%."), min_size=1, max_size=6)
_NAME = st.text(st.characters(codec="utf-8", exclude_characters="{}/+"), min_size=1, max_size=8)
_VALUE = st.text(_UNICODE, min_size=1, max_size=12)


@st.composite
def _templates(draw: st.DrawFn) -> tuple[Path, str, dict[str, str]]:
    """Any template, with a request path that its placeholders are put into, and their values."""
    path: list[str | PathVariable] = []
    request = ""
    values: dict[str, str] = {}
    for _ in range(draw(st.integers(1, 5))):
        before, after = (draw(st.one_of(st.just(""), _TEXT)) for _ in range(2))
        name = draw(_NAME)
        assume(name != "path")
        if draw(st.booleans()) and name not in values:
            values[name] = draw(_VALUE)
            path += [f"/{before}", PathVariable(name=name), after]
            request += f"/{quote(before)}{quote(values[name], safe='')}{quote(after)}"
        else:
            path.append(f"/{before}")
            request += f"/{quote(before, safe='')}"
    return tuple(part for part in path if part), request, values


@given(_templates())
@settings(max_examples=300, deadline=None)
def test_any_template_gives_back_the_values_that_were_put_in(case: tuple[Path, str, dict[str, str]]) -> None:
    path, request, values = case
    routes: Routes[str] = Routes()
    routes.add("GET", path, "it")
    assert routes.find("GET", request) == Match("it", values)


@given(st.lists(st.sampled_from(["a", "b", "{x}", "{y}.a", "{k+}"]), min_size=1, max_size=4), st.data())
@settings(max_examples=200, deadline=None)
def test_a_route_is_found_whatever_others_there_are(pieces: list[str], data: st.DataObject) -> None:
    others = data.draw(
        st.lists(st.lists(st.sampled_from(["a", "b", "{z}", "{w}.b"]), min_size=1, max_size=4))
    )
    routes: Routes[str] = Routes()
    for other in others:
        routes.add("GET", parts("/" + "/".join(other)), "other")
    routes.add("POST", parts("/" + "/".join(pieces)), "it")
    request = "/" + "/".join(re.sub(r"\{[^}]*\}", "v", piece) for piece in pieces)
    assert target(routes.find("POST", request)) == "it"


# -- cost -------------------------------------------------------------------------------------------------


def calls_made(routes: Routes[str], path: str) -> int:
    """How many functions of the module one look-up calls: a figure that does not depend on the machine."""
    count = 0

    def note(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename == module.__file__

    sys.setprofile(note)
    try:
        routes.find("GET", path)
    finally:
        sys.setprofile(None)
    return count


def test_finding_costs_the_same_with_one_route_and_with_ten_thousand() -> None:
    few = table("/things/{id}/items/{item}", "/jobs/{id}:go-0", "/x/{path}")
    many = table("/things/{id}/items/{item}", "/jobs/{id}:go-0", "/x/{path}")
    for number in range(2_500):
        many.add("GET", parts(f"/static/{number}/deep"), "")
        many.add("GET", parts(f"/things/{{id}}/other-{number}/{{item}}"), "")
        many.add("GET", parts(f"/jobs/{{id}}:go-{number}"), "")
        many.add("GET", parts(f"/p{number}/{{path}}"), "")
    for path in ("/things/1/items/2", "/jobs/1:go-0", "/x/a/b/c", "/nothing/here", "/things/1/none/2"):
        assert calls_made(many, path) <= calls_made(few, path) + 2, path


def test_a_hostile_path_costs_no_more_than_its_length() -> None:
    routes = table("/{a+}/x/{b+}/y/{c+}/z", "/{a}-{b}-{c}-{d}-e")
    short, long = calls_made(routes, "/a" * 50), calls_made(routes, "/a" * 200)
    assert long <= 5 * short
    assert calls_made(routes, "/" + "-" * 5_000) < 50
