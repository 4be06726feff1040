"""The `assets` block of a file: what it means, and what is wrong with it, and where."""

from __future__ import annotations

import pytest

from capspec.errors import CapspecError
from capspec.plan import Plan
from capspec.plan.assets import TYPES, Assets
from tests.assets.asset_world import JOB, OPERATION, capability
from tests.whole import plan_of

HTTPS = "https://api.example.com/v1"


def planned(assets: str, *, operation: str = OPERATION, base: str = HTTPS) -> Plan:
    return plan_of(capability(assets, operation=operation), base=base, environ={"TOKEN": "t"})


def rules(assets: str, *, operation: str = OPERATION, base: str = HTTPS) -> Assets | None:
    return planned(assets, operation=operation, base=base).operations["api.make"].assets


def wrong(assets: str) -> list[tuple[str, int]]:
    """The codes and lines of what is wrong."""
    with pytest.raises(CapspecError) as caught:
        planned(assets)
    return [(problem.code, problem.place.line if problem.place else 0) for problem in caught.value.problems]


def line_of(assets: str) -> int:
    lines = capability(assets).splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith("assets:"))


def test_a_word_is_enough():
    assert rules("proxy") == Assets(mode="proxy", allowed=("https://api.example.com",))
    found = rules("save")
    assert found is not None
    assert (found.mode, found.max_size, found.keep, found.types) == ("save", 50 * 2**20, 86400.0, TYPES)


def test_link_means_that_nothing_happens():
    assert rules("link") is None
    assert rules("{mode: link, keep: 1h}") is None


def test_a_mapping_says_more():
    found = rules(
        '{mode: proxy, url: $.path, allowHosts: ["*.bfl.ai"], '
        "maxSize: 1.5MiB, keep: 90m, types: [Image/*, a/b]}"
    )
    assert found is not None
    assert [path.text for path in found.paths] == ["$.path"]
    assert found.allowed == ("https://api.example.com", "https://*.bfl.ai")
    assert (found.max_size, found.keep, found.types) == (1_572_864, 5400.0, ("image/*", "a/b"))


def test_links_may_lead_to_where_the_plan_may():
    assert "https://cdn.example.com" in planned("{mode: proxy, allowHosts: cdn.example.com}").contacts


def test_where_nothing_is_said_the_hosts_are_those_of_the_job():
    operation = JOB.replace('uri: "/jobs/{{id}}"', 'uri: "/jobs/{{id}}", allowHosts: ["*.example.com"]')
    found = rules("proxy", operation=operation)
    assert found is not None
    assert found.allowed == ("https://api.example.com", "https://*.example.com")
    assert found.lasts == 600.0
    own = rules("{mode: proxy, allowHosts: [cdn.example.org]}", operation=operation)
    assert own is not None
    assert own.allowed == ("https://api.example.com", "https://cdn.example.org")


def test_links_are_encrypted_unless_the_api_itself_is_not():
    found = rules("{mode: proxy, allowHosts: [cdn.example.com]}", base="http://127.0.0.1:4010/v1")
    assert found is not None
    assert "http://127.0.0.1:4010" in found.allowed
    assert {"https://cdn.example.com", "http://cdn.example.com:4010"} <= set(found.allowed)


@pytest.mark.parametrize(
    ("mode", "keep", "expires", "works_for"),
    [("proxy", "24h", "10m", 600.0), ("proxy", "5m", "10m", 300.0), ("save", "24h", "10m", 86400.0)],
)
def test_a_link_works_no_longer_than_what_it_leads_to(mode: str, keep: str, expires: str, works_for: float):
    operation = JOB.replace("expires: 10m", f"expires: {expires}")
    found = rules(f"{{mode: {mode}, keep: {keep}}}", operation=operation)
    assert found is not None
    assert found.works_for == works_for


@pytest.mark.parametrize(
    ("assets", "code"),
    [
        ("keep", "CAP360"),
        ("true", "CAP360"),
        ("{keep: 1h}", "CAP360"),
        ("{mode: copy}", "CAP360"),
        ("{mode: proxy, url: path}", "CAP361"),
        ("{mode: proxy, url: ['$.a[']}", "CAP361"),
        ("{mode: proxy, allowHosts: ['https://x.example']}", "CAP362"),
        ("{mode: proxy, allowHosts: ['*.com']}", "CAP362"),
        ("{mode: proxy, allowHosts: ['*']}", "CAP362"),
        ("{mode: proxy, maxSize: 5 MB}", "CAP363"),
        ("{mode: proxy, maxSize: 0}", "CAP363"),
        ("{mode: save, keep: 3 days}", "CAP364"),
        ("{mode: save, keep: 0s}", "CAP364"),
        ("{mode: proxy, types: [png]}", "CAP365"),
        ("{mode: proxy, types: ['*/png']}", "CAP365"),
        ("[proxy]", "CAP107"),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_place(assets: str, code: str):
    assert wrong(assets) == [(code, line_of(assets))]


def test_everything_that_is_wrong_is_reported_at_once():
    found = wrong("{mode: copy, url: path, allowHosts: ['*'], maxSize: x, keep: x, types: [x]}")
    assert [code for code, _ in sorted(found)] == [f"CAP36{digit}" for digit in range(6)]


def test_an_unknown_key_is_a_warning():
    (warning,) = planned("{mode: proxy, maxsize: 1MiB}").warnings
    assert (warning.code, warning.hint) == ("CAP110", "did you mean 'maxSize'?")


def test_a_binary_answer_has_no_links():
    plan = planned("proxy", operation=f"{OPERATION}outputRawFormat: binary")
    assert [problem.code for problem in plan.warnings] == ["CAP366"]
    assert plan.operations["api.make"].assets is None


@pytest.mark.parametrize(
    ("types", "media_type", "taken"),
    [
        (("image/*",), "image/png", True),
        (("image/*",), "images/png", False),
        (("image/png",), "image/jpeg", False),
        (("*/*",), "text/html", True),
        (TYPES, "text/html", False),
    ],
)
def test_a_type_is_taken_when_a_range_has_it(types: tuple[str, ...], media_type: str, taken: bool):
    assert Assets(mode="proxy", types=types).takes(media_type) is taken
