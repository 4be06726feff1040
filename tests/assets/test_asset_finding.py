"""Which texts of an answer are links, and answers with others in their place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.assets.finding import LONGEST, MOST, find, replaced, unsigned
from capspec.jsonpath import compile_path
from capspec.plan.assets import Assets

BASE = "https://api.example.com/v1"
CDN = "https://cdn.example.com"
FREE = Assets(mode="proxy", allowed=(BASE, CDN))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(f"{CDN}/a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def urls(answer: Any, *paths: str, assets: Assets = FREE) -> list[str]:
    compiled = tuple(map(compile_path, paths))
    rules = Assets(mode="proxy", allowed=assets.allowed, paths=compiled)
    return [found.url for found in find(rules, BASE, answer).links]


@pytest.mark.parametrize(
    "text",
    [
        f"{CDN}/a.png",
        "HTTPS://CDN.example.com/a.png?x=1&y=%20",
        "https://cdn.example.com:443/a",
        f"{BASE}/files/1",
    ],
)
def test_a_text_that_is_a_url_of_an_allowed_host_is_a_link(text: str):
    assert len(urls({"a": [{"b": text}]})) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"see {CDN}/a.png",
        f"{CDN}/a.png and more",
        "https://other.example.com/a",
        "http://cdn.example.com/a",
        "https://cdn.example.com:8443/a",
        "https://cdn.example.com@evil.example/a",
        "https://user@cdn.example.com/a",
        "https://cdn.example.com\\@evil.example/a",
        "https://cdn.example.com.evil.example/a",
        "file:///etc/passwd",
        "ftp://cdn.example.com/a",
        "//cdn.example.com/a",
        "/files/1",
        "files/1",
        "",
        f"{CDN}/{'x' * LONGEST}",
    ],
)
def test_other_texts_are_not(text: str):
    assert urls({"a": text}) == []


def test_paths_say_which_texts_are_links_and_may_lead_to_what_holds_them():
    answer = {
        "images": [{"_links": {"content": {"href": f"{CDN}/1"}}}, {"_links": {"content": f"{CDN}/2"}}],
        "x": CDN,
    }
    assert urls(answer, "$.images[*]._links.content") == [f"{CDN}/1", f"{CDN}/2"]


def test_a_path_at_a_link_of_the_file_is_below_the_base_url():
    assert urls({"a": "/files/1#top"}, "$.a") == ["https://api.example.com/files/1"]
    assert urls({"a": "//cdn.example.com/1"}, "$.a") == [f"{CDN}/1"]
    assert urls({"a": "A poem / about slashes"}, "$.a") == []
    assert urls({"a": "/imagine a poem"}, "$.a") == []


def test_a_link_is_found_once():
    assert urls([f"{CDN}/a", f"{CDN}/a"]) == [f"{CDN}/a"]


def test_there_is_an_end_to_links():
    assert len(urls([f"{CDN}/{number}" for number in range(MOST + 5)])) == MOST


def test_what_a_path_leads_to_is_refused_with_a_reason():
    rules = Assets(mode="proxy", allowed=(BASE,), paths=(compile_path("$.a"),))
    assert find(rules, BASE, {"a": f"{CDN}/1"}).refused == ("its host is not among 'allowHosts'",)
    assert find(rules, BASE, {"b": f"{CDN}/1"}).refused == ()


def test_replacing_leaves_the_answer_itself_alone():
    answer = {"a": [f"{CDN}/a", {"b": f"{CDN}/a"}], "c": f"see {CDN}/a"}
    assert replaced(answer, {f"{CDN}/a": "ours"}) == {"a": ["ours", {"b": "ours"}], "c": f"see {CDN}/a"}
    assert answer["a"] == [f"{CDN}/a", {"b": f"{CDN}/a"}]


@given(JSON)
def test_an_answer_keeps_its_shape(answer: Any):
    there = replaced(answer, {f"{CDN}/a": "https://ours.example"})
    assert replaced(there, {"https://ours.example": f"{CDN}/a"}) == answer
    assert replaced(answer, {}) is answer


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://s.example/a?se=2030&sp=r&sig=abc%3D", "https://s.example/a"),
        ("https://s.example/a?id=1&X-Amz-Date=2&X-Amz-Signature=3", "https://s.example/a?id=1"),
        ("https://s.example/a?Expires=1&Signature=2&Key-Pair-Id=3", "https://s.example/a"),
        ("https://s.example/a?id=1&expires=2", "https://s.example/a?id=1&expires=2"),
        ("https://s.example/a?token=abc", "https://s.example/a?token=abc"),
    ],
)
def test_the_signature_of_a_link_says_nothing_of_what_it_leads_to(url: str, same: str):
    assert unsigned(url) == same
