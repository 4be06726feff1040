"""`type: basic` on an exposed adapter."""

from __future__ import annotations

import base64

import pytest

from tests.guards.guard_world import admitted, compiled, refused, refused_file

pytestmark = pytest.mark.anyio


BASIC = 'type: basic\nusername: ann\npassword: "{{PASSWORD}}"'


def header(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


async def test_the_right_user_is_admitted_under_their_name() -> None:
    principal = await admitted(compiled(BASIC, PASSWORD="a:b grün"), header("ann:a:b grün"))
    assert (principal.name, principal.scheme) == ("ann", "basic")


@pytest.mark.parametrize("offered", ["ann:wrong", "bob:right", ":right", "ann:", "annright", "ann:right "])
async def test_a_wrong_user_or_password_is_refused(offered: str) -> None:
    error = await refused(compiled(BASIC, PASSWORD="right"), header(offered))
    assert error.challenge == 'Basic realm="capspec", charset="UTF-8"'
    assert "right one" in str(error)


@pytest.mark.parametrize(
    "value", ["", "Basic", "Bearer x", "Basic ??", "Basic \u20ac", "Basic YW5u OnJpZ2h0"]
)
async def test_what_is_not_basic_is_refused(value: str) -> None:
    error = await refused(compiled(BASIC, PASSWORD="right"), {"authorization": value})
    assert error.challenge.startswith("Basic ")


async def test_a_variable_without_a_value_lets_nobody_in() -> None:
    error = await refused(compiled(BASIC), header("ann:"))
    assert "PASSWORD" in str(error)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("type: basic\npassword: x", "has no username"),
        ("type: basic\nusername: ann", "has no password"),
        ("type: basic\nusername: 'a:b'\npassword: x", "colon"),
    ],
)
def test_settings_that_nobody_could_meet_are_refused(written: str, said: str) -> None:
    assert said in refused_file(written)


def test_the_password_is_not_in_the_representation() -> None:
    assert "s3cret" not in repr(compiled(BASIC, PASSWORD="s3cret"))
