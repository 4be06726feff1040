"""`type: digest` on an exposed adapter: settings, nonces and users. The exchange itself is tested on sockets."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.clock import VirtualClock
from capspec.errors import AuthError
from capspec.guards import Described
from capspec.nonces import Nonces
from capspec.plan import Guard, Inbound, Principal
from tests.guards.guard_world import compiled, refused, refused_file

pytestmark = pytest.mark.anyio

DIGEST = 'type: digest\nusername: "{{USER}}"\npassword: "{{PASSWORD}}"'


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def offered(guard: Guard, user: str, named: str, password: str = "grün") -> Principal:
    """What becomes of credentials of `user`, who is named by the parameters `named`."""
    challenge = (await refused(guard, {})).challenge
    nonce, opaque = (re.findall(f'{name}="([^"]+)"', challenge)[0] for name in ("nonce", "opaque"))
    secret, request = sha256(f"{user}:capspec:{password}"), sha256("GET:http://any.test/a?b=1")
    response = sha256(f"{secret}:{nonce}:00000001:c:auth:{request}")
    text = (
        f'Digest {named}, realm="capspec", nonce="{nonce}", uri="http://any.test/a?b=1", qop=auth, nc=00000001,'
        f' cnonce="c", response="{response}", opaque="{opaque}", algorithm=SHA-256'
    )
    headers = {"authorization": text.encode().decode("latin-1")}
    return await guard.admit(Inbound(headers=headers, target="/a?b=1"))


@pytest.mark.parametrize("user", ["ann", "Jäsøn Doe", 'quo"te', "back\\slash"])
async def test_a_user_may_be_named_in_three_ways(user: str) -> None:
    guard = compiled(DIGEST, USER=user, PASSWORD="grün")
    escaped = user.replace("\\", "\\\\").replace('"', '\\"')
    encoded = "".join(f"%{byte:02X}" for byte in user.encode())
    for named in (
        f'username="{escaped}"',
        f"username*=UTF-8''{encoded}",
        f'username="{sha256(f"{user}:capspec")}", userhash=true',
    ):
        principal = await offered(guard, user, named)
        assert (principal.name, principal.scheme) == (user, "digest")


@pytest.mark.parametrize(
    "named",
    [
        'username="bob"',
        'username=""',
        "username*=ISO-8859-1''ann",
        "username*=UTF-8''ann, username=\"bob\"",
        f'username="{sha256("ann:capspec")}"',
        'username="ann", userhash=true',
        'nobody="ann"',
    ],
)
async def test_another_user_is_refused(named: str) -> None:
    guard = compiled(DIGEST, USER="ann", PASSWORD="grün")
    with pytest.raises(AuthError, match="not the right ones"):
        await offered(guard, "ann", named)


async def test_a_wrong_password_is_not_told_that_its_nonce_is_old() -> None:
    guard = compiled(DIGEST, USER="ann", PASSWORD="right")
    with pytest.raises(AuthError) as caught:
        await offered(guard, "ann", 'username="ann"', password="wrong")
    assert all("stale" not in challenge for challenge in caught.value.challenges)


async def test_a_variable_without_a_value_lets_nobody_in() -> None:
    error = await refused(compiled(DIGEST, USER="ann"), {"authorization": 'Digest username="ann"'})
    assert "needs PASSWORD" in str(error)
    assert len(error.challenges) == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("type: digest\npassword: x", "has no username"),
        ("type: digest\nusername: ann", "has no password"),
        ("type: digest\nusername: ann\npassword: ''", "has no password"),
        ("type: digest\nusername: ann\npassword: x\nrealm: ' '", "has no realm"),
        ("type: digest\nusername: ann\npassword: x\nrealm: 'a \"b\"'", "plain ASCII"),
        ("type: digest\nusername: ann\npassword: x\nrealm: é", "plain ASCII"),
    ],
)
def test_settings_that_nobody_could_meet_are_refused(written: str, said: str) -> None:
    assert said in refused_file(written)


def test_nothing_secret_is_in_the_representation() -> None:
    guard = compiled(DIGEST, USER="ann", PASSWORD="s3cret")
    assert isinstance(guard, Described)
    assert "s3cret" not in repr(guard)
    assert sha256("ann:capspec:s3cret") not in repr(guard)


# -- nonces -----------------------------------------------------------------------------------------------


def test_a_nonce_is_taken_once_with_each_count_for_five_minutes() -> None:
    clock = VirtualClock()
    nonces = Nonces(clock)
    nonce = nonces.make()
    clock.advance(299)
    assert [nonces.take(nonce, count) for count in (1, 1, 3, 2, 2, 3)] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]
    clock.advance(2)
    assert not nonces.take(nonce, 4)


def test_a_nonce_of_another_maker_or_a_changed_one_is_not_taken() -> None:
    nonces = Nonces(VirtualClock())
    nonce = nonces.make()
    changed = ("A" if nonce[0] != "A" else "B") + nonce[1:]
    for text in (Nonces(VirtualClock()).make(), changed, nonce[:-4], "", "é", "====", nonce + "AAAA"):
        assert not nonces.take(text, 1)
    assert nonces.take(nonce, 1)


def test_memory_is_bounded_and_what_was_forgotten_is_old() -> None:
    clock = VirtualClock()
    nonces = Nonces(clock)
    made = []
    for _ in range(6000):
        clock.advance(0.001)
        made.append(nonces.make())
        assert nonces.take(made[-1], 1)
    assert len(nonces._uses) <= 4096
    assert not any(nonces.take(nonce, 1) for nonce in made)
    assert not nonces.take(made[0], 2)
    assert nonces.take(made[-1], 2)


@given(st.lists(st.integers(0, 600), max_size=300))
def test_no_count_is_ever_taken_twice(counts: list[int]) -> None:
    nonces = Nonces(VirtualClock())
    nonce = nonces.make()
    taken = [count for count in counts if nonces.take(nonce, count)]
    assert len(taken) == len(set(taken))
    highest = -1
    for count in dict.fromkeys(counts):
        assert count in taken or count <= highest - 256
        highest = max(highest, count)
