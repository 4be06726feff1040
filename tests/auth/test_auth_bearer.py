"""Bearer tokens."""

from __future__ import annotations

import pytest

from capspec.auth.bearer import compile_auth
from capspec.errors import CompileError
from capspec.wire import header
from tests.auth.auth_blocks import GET, compiled, sent_by, settings_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "block",
    [
        "{type: bearer, token: '{{TOKEN}}'}",
        "{type: bearer, value: '{{TOKEN}}'}",
        "{type: bearer, placement: header, value: '{{TOKEN}}'}",
        "{type: bearer, token: 'Bearer {{TOKEN}}'}",
        "{type: bearer, token: '  bearer   {{TOKEN}}  '}",
    ],
)
async def test_the_token_is_sent_once_and_with_one_scheme(block: str) -> None:
    auth = compiled(block, TOKEN="abc.def-_~+/=")
    request = await sent_by(auth, GET.with_header("authorization", "theirs"))
    assert request.headers == (("Authorization", "Bearer abc.def-_~+/="),)
    assert auth.names == {"authorization"}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: bearer}", "the bearer token is empty"),
        ("{type: bearer, token: ''}", "the bearer token is empty"),
        ("{type: bearer, token: abc, placement: query}", "cannot be placed in the query"),
        ('{type: bearer, token: "abc\\ndef"}', "control character"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(block)
    assert "abc" not in str(caught.value)


def test_a_variable_without_a_value_is_noted_and_refuses_nothing() -> None:
    settings = settings_of("{type: bearer, token: '{{TOKEN}}'}")
    assert compile_auth(settings).names == {"authorization"}
    assert settings.missing == ["TOKEN"]


async def test_secrets_do_not_print() -> None:
    auth = compiled("{type: bearer, token: hush}")
    assert "hush" not in repr(auth)
    assert header((await sent_by(auth)).headers, "authorization") == "Bearer hush"
