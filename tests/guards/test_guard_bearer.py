"""`type: bearer` on an exposed adapter."""

from __future__ import annotations

import pytest

from tests.guards.guard_world import admitted, compiled, refused, refused_file

pytestmark = pytest.mark.anyio


TOKEN = 'type: bearer\ntoken: "{{TOKEN}}"'


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "  BEARER   s3cret  "])
async def test_the_right_token_is_admitted(header: str) -> None:
    principal = await admitted(compiled(TOKEN, TOKEN="s3cret"), {"authorization": header})
    assert (principal.name, principal.scheme) == ("bearer", "bearer")


async def test_a_token_beyond_ascii_is_compared_as_utf_8() -> None:
    guard = compiled(TOKEN, TOKEN="grün")
    assert (
        await admitted(guard, {"authorization": "Bearer grün".encode().decode("latin-1")})
    ).name == "bearer"
    await refused(guard, {"authorization": "Bearer gr\u20acn"})


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Basic s3cret"}]
)
async def test_without_a_token_the_challenge_says_what_is_asked(headers: dict[str, str]) -> None:
    error = await refused(compiled(TOKEN + "\nrealm: 'a \"b\"'", TOKEN="s3cret"), headers)
    assert error.challenge == 'Bearer realm="a \\"b\\""'
    assert "Authorization: Bearer" in str(error)


@pytest.mark.parametrize("token", ["s3cre", "s3crets", "S3cret", "s3 cret", "{{TOKEN}}"])
async def test_a_wrong_token_is_refused(token: str) -> None:
    error = await refused(compiled(TOKEN, TOKEN="s3cret"), {"authorization": f"Bearer {token}"})
    assert error.challenge == 'Bearer realm="capspec", error="invalid_token"'
    assert "s3cret" not in str(error)


async def test_a_variable_without_a_value_lets_nobody_in() -> None:
    guard = compiled(TOKEN)
    for header in ("Bearer ", "Bearer {{TOKEN}}", "Bearer TOKEN"):
        error = await refused(guard, {"authorization": header})
        assert "TOKEN" in str(error)
        assert error.challenge == 'Bearer realm="capspec"'


@pytest.mark.parametrize("written", ["type: bearer", "type: bearer\ntoken: ''", "type: bearer\ntoken: '  '"])
def test_an_empty_token_is_refused_with_its_place(written: str) -> None:
    assert "has no token" in refused_file(written)


def test_a_variable_that_is_empty_is_refused() -> None:
    assert "has no token" in refused_file(TOKEN, TOKEN="")


def test_the_token_is_not_in_the_representation() -> None:
    assert "s3cret" not in repr(compiled(TOKEN, TOKEN="s3cret"))
