"""`type: apikey` on an exposed adapter."""

from __future__ import annotations

import pytest

from capspec.guards import Described
from tests.guards.guard_world import admitted, compiled, refused, refused_file

pytestmark = pytest.mark.anyio


KEY = 'type: apikey\nkey: X-Api-Key\nvalue: "{{KEY}}"'


@pytest.mark.parametrize(
    ("written", "headers", "query"),
    [
        (KEY, {"x-api-key": "s3cret"}, {}),
        (KEY + "\nplacement: header", {"x-api-key": " s3cret "}, {}),
        (KEY + "\nplacement: query", {}, {"X-Api-Key": "s3cret"}),
        (KEY + "\nplacement: cookie", {"cookie": "a=1; X-Api-Key=s3cret"}, {}),
        ('type: apiKey\nname: k\nin: query\nvalue: "{{KEY}}"', {}, {"k": "s3cret"}),
    ],
)
async def test_the_right_key_in_its_place_is_admitted(
    written: str, headers: dict[str, str], query: dict[str, str]
) -> None:
    principal = await admitted(compiled(written, KEY="s3cret"), headers, query)
    assert principal.name in ("apikey:X-Api-Key", "apikey:k")
    assert principal.scheme == "apikey"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"x-api-key": ""}, {}),
        ({"x-api-key": "wrong"}, {}),
        ({"x-api-key": "s3cret,s3cret"}, {}),
        ({"authorization": "ApiKey s3cret"}, {}),
        ({}, {"X-Api-Key": "s3cret"}),
        ({"cookie": "X-Api-Key=s3cret"}, {}),
    ],
)
async def test_any_other_key_or_place_is_refused(headers: dict[str, str], query: dict[str, str]) -> None:
    error = await refused(compiled(KEY, KEY="s3cret"), headers, query)
    assert error.challenge == 'ApiKey realm="capspec", in="header", name="X-Api-Key"'
    assert "s3cret" not in str(error)


async def test_a_query_key_beyond_ascii_is_compared_as_utf_8() -> None:
    guard = compiled(KEY + "\nplacement: query", KEY="grün")
    assert (await admitted(guard, {}, {"X-Api-Key": "grün"})).scheme == "apikey"


@pytest.mark.parametrize("placement", ["header", "query", "cookie"])
async def test_a_variable_without_a_value_lets_nobody_in(placement: str) -> None:
    guard = compiled(f"{KEY}\nplacement: {placement}")
    for value in ("", "{{KEY}}", "KEY"):
        carried = {"x-api-key": value, "cookie": f"X-Api-Key={value}"}
        error = await refused(guard, carried, {"X-Api-Key": value})
        assert "needs KEY" in str(error)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("type: apikey\nkey: k", "has no value"),
        ("type: apikey\nkey: k\nvalue: ' '", "has no value"),
        ("type: apikey\nvalue: x", "does not name its key"),
        ("type: apikey\nkey: k\nvalue: x\nplacement: body", "no place"),
    ],
)
def test_settings_that_nobody_could_meet_are_refused(written: str, said: str) -> None:
    assert said in refused_file(written)


def test_the_guard_describes_itself_without_the_key() -> None:
    for guard in (compiled(KEY, KEY="s3cret"), compiled(KEY)):
        assert isinstance(guard, Described)
        assert guard.security_scheme == {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
        assert "s3cret" not in repr(guard)
