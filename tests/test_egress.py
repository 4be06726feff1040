"""Which addresses may be contacted, and which tricks do not get around it."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.egress import Egress, Origin, origin_of
from capspec.errors import EgressDenied


@pytest.fixture(scope="module")
def egress() -> Egress:
    return Egress(
        ["https://api.example.com/v1", "http://127.0.0.1:8080", "https://bücher.example", "http://[::1]:9"]
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com/other/path?x=1#y",
        "HTTPS://API.EXAMPLE.COM/v1",
        "https://api.example.com:443/v1",
        "https://api.example.com:/v1",
        "http://127.0.0.1:8080/",
        "https://bücher.example/a",
        "https://BÜCHER.example/a",
        "https://xn--bcher-kva.example/a",
        "http://[::1]:9/",
        "http://[0:0:0:0:0:0:0:1]:9/",
    ],
)
def test_an_origin_of_the_file_is_allowed_in_every_spelling(egress: Egress, url: str) -> None:
    egress.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com./v1",
        "https://evil.example",
        "https://api.example.com.evil.example",
        "https://evil-api.example.com",
        "http://127.0.0.1",
        "http://2130706433:8080/",
        "http://0x7f.1:8080/",
        "http://127.1:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://[::1%25eth0]:9/",
        "http://169.254.169.254/latest/meta-data",
        "https://bucher.example/a",
    ],
)
def test_any_other_origin_is_refused(egress: Egress, url: str) -> None:
    with pytest.raises(EgressDenied):
        egress.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@api.example.com/v1",
        "https://api.example.com@evil.example/",
        "https://evil.example@api.example.com/",
        "https://@api.example.com/",
        "https://api.example.com\\@evil.example/",
        "https:\\\\api.example.com/",
        "https://api.example.com\t.evil.example/",
        "\nhttps://api.example.com/",
        "https://api.example.com /",
        "https://api.example.com:99999/",
        "https://api.example.com:x/",
        "https://api.example.com:0/",
        "https://api%2eexample.com/",
        "https://api.example.com%00.evil.example/",
        "https://[::1/",
        "https://[x]/",
        "https://[v1.a:b]/",
        "https://a\N{IDEOGRAPHIC FULL STOP}\N{IDEOGRAPHIC FULL STOP}b/",
        "https:///v1",
        "https://",
        "//api.example.com/v1",
        "/v1",
        "",
        "file:///etc/passwd",
        "gopher://api.example.com/",
        "javascript:alert(1)",
    ],
)
def test_what_parsers_could_read_differently_is_refused(egress: Egress, url: str) -> None:
    with pytest.raises(EgressDenied) as caught:
        egress.check(url)
    assert "secret" not in str(caught.value)


def test_a_refusal_names_the_origin_and_nothing_else() -> None:
    with pytest.raises(EgressDenied) as caught:
        Egress().check("https://evil.example:8443/path?token=secret")
    assert "https://evil.example:8443" in str(caught.value)
    assert "token" not in str(caught.value)


def test_an_address_can_be_allowed_until_the_rules_are_frozen() -> None:
    egress = Egress()
    egress.allow("https://login.example.com/token")
    egress.freeze().check("https://login.example.com/other")
    with pytest.raises(RuntimeError):
        egress.allow("https://evil.example")


def test_an_unusable_address_cannot_be_allowed() -> None:
    with pytest.raises(ValueError, match="does not begin with http"):
        Egress(["ftp://files.example"])


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("HTTP://Api.Example.Com:80/x", "http://api.example.com"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_an_origin_reads_as_a_url(url: str, text: str) -> None:
    assert str(origin_of(url)) == text


@given(st.text(st.sampled_from("abAB.-_/\\@:#?%[]01ßé。 \t"), max_size=20))
def test_the_client_connects_where_the_check_said(authority: str) -> None:
    """Two parsers, one answer: a URL that is let through means the same host to httpx."""
    try:
        origin = origin_of(f"https://{authority}/x")
    except ValueError:
        return
    url = httpx.URL(f"https://{authority}/x")
    host = url.raw_host.decode("ascii")
    assert Origin(url.scheme, host.lower(), 443 if url.port is None else url.port) == origin
