"""Basic authentication."""

from __future__ import annotations

import base64

import pytest

from capspec.auth.basic import compile_auth
from capspec.errors import CompileError
from capspec.wire import header
from tests.auth.auth_blocks import compiled, sent_by, settings_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("username", "password"),
    [("ada", "pass:word"), ("sk_live_1", ""), ("", "only-a-password"), ("ünï", "¢ode ")],
)
async def test_user_name_and_password_are_sent_in_utf_8(username: str, password: str) -> None:
    auth = compiled("{type: basic, username: '{{USER}}', password: '{{PASS}}'}", USER=username, PASS=password)
    value = header((await sent_by(auth)).headers, "authorization") or ""
    scheme, _, pair = value.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(pair).decode() == f"{username}:{password}"
    assert auth.names == {"authorization"}


@pytest.mark.parametrize("token", ["YTpi", "Basic YTpi", "basic  YTpi"])
async def test_a_token_is_encoded_already(token: str) -> None:
    auth = compiled("{type: basic, token: '{{TOKEN}}'}", TOKEN=token)
    assert header((await sent_by(auth)).headers, "authorization") == "Basic YTpi"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: basic}", "the user name and the password are empty"),
        ("{type: basic, username: '', password: ''}", "are empty"),
        ("{type: basic, username: 'a:b', password: c}", "cannot hold a colon"),
        ('{type: basic, username: a, password: "c\\nd"}', "control character"),
        ("{type: basic, token: ''}", "the basic token is empty"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        compiled(block)


def test_variables_without_a_value_are_noted_and_refuse_nothing() -> None:
    settings = settings_of("{type: basic, username: '{{USER}}', password: '{{PASS}}'}")
    assert compile_auth(settings).names == {"authorization"}
    assert settings.missing == ["USER", "PASS"]
