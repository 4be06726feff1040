"""Cookie headers as browsers, scripts and odd clients send them."""

from __future__ import annotations

import pytest

from capspec.cookies import parse_cookies


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2;", {"a": "1", "b": "2"}),
        ('a="x y"; b="', {"a": "x y", "b": '"'}),
        ("a=b=c", {"a": "b=c"}),
        ("a=; odd; =x; b={1:2}", {"a": "", "b": "{1:2}"}),
        ("a=first; a=second", {"a": "first"}),
    ],
)
def test_pairs_are_read_and_everything_else_is_skipped(header: str, cookies: dict[str, str]) -> None:
    assert parse_cookies(header) == cookies
