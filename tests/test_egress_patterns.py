"""Patterns of hosts that a file allows: `*.` stands for names below a name, and for nothing else."""

from __future__ import annotations

import pytest

from capspec.egress import Egress, is_among, pattern_of
from capspec.errors import EgressDenied

EGRESS = Egress(["https://api.example.com", "https://*.cdn.example", "http://*.bücher.example:8080"]).freeze()


@pytest.mark.parametrize(
    "url",
    [
        "https://a.cdn.example/x",
        "https://a.b.cdn.example",
        "https://A.CDN.Example:443/",
        "http://www.bücher.example:8080/",
        "http://www.xn--bcher-kva.example:8080/",
    ],
)
def test_names_below_a_pattern_are_allowed(url: str) -> None:
    EGRESS.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/",
        "https://.cdn.example/",
        "https://xcdn.example/",
        "https://a.cdn.example.evil.test/",
        "http://a.cdn.example/",
        "https://a.cdn.example:8443/",
        "https://a.cdn.example./",
        "https://*.cdn.example/",
        "http://www.bücher.example/",
        "https://x@a.cdn.example/",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(EgressDenied):
        EGRESS.check(url)


@pytest.mark.parametrize(
    "text",
    [
        "https://*", "https://*.com", "https://*.localhost", "https://*.127.0.0.1", "https://*.0.0.1",
        "https://*.[::1]", "https://*.a.test.", "https://*.a..test", "https://*.*.a.test", "https://a.*.test",
        "https://*a.test", "ftp://*.a.test", "https://*.a.test:0", "*.a.test", "https://x@*.a.test",
    ],
)  # fmt: skip
def test_what_would_allow_too_much_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        pattern_of(text)


def test_an_address_from_an_answer_must_be_allowed_twice() -> None:
    EGRESS.check_given("https://a.cdn.example/", ["https://*.cdn.example"])
    for url, allowed in (
        ("https://a.cdn.example/", ["https://api.example.com"]),
        ("https://other.test/", ["https://other.test"]),
        ("https://a.cdn.example/", []),
    ):
        with pytest.raises(EgressDenied):
            EGRESS.check_given(url, allowed)


def test_a_text_that_is_no_url_is_among_nothing() -> None:
    assert not is_among("not a url", ["https://api.example.com"])
