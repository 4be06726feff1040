"""AWS Signature Version 4: the published test vectors, and the settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from capspec import registry
from capspec.clock import VirtualClock
from capspec.errors import CompileError
from capspec.wire import Request, header
from tests.auth.auth_blocks import compiled, sent_by, settings_of

pytestmark = pytest.mark.anyio

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
STORAGE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def auth_at(moment: datetime, block: str, **variables: str) -> Any:
    auth = compiled(block, **variables)
    auth.clock = VirtualClock(moment.timestamp())
    return auth


def signature(request: Request) -> str:
    return (header(request.headers, "authorization") or "").rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "expected"),
    [
        ("GET", "/", (), None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            (),
            None,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "GET",
            "/\u1234",
            (),
            None,
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        ("POST", "/", (), None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "POST",
            "/",
            FORM,
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
async def test_the_vectors_of_the_test_suite(
    method: str, target: str, headers: Any, body: bytes | None, expected: str
) -> None:
    auth = auth_at(
        datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        "{type: aws-sig-v4, accessKeyId: AKIDEXAMPLE, secretAccessKey: '{{K}}', region: us-east-1, service: service}",
        K=SECRET,
    )
    url = f"https://example.amazonaws.com{target}"
    sent = await sent_by(auth, Request(method=method, url=url, headers=headers, body=body))
    assert signature(sent) == expected
    assert header(sent.headers, "x-amz-date") == "20150830T123600Z"


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "expected"),
    [
        (
            "GET",
            "/test.txt",
            (("Range", "bytes=0-9"),),
            None,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            (("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")),
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", (), None, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            (),
            None,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
async def test_the_examples_of_the_storage_service(
    method: str, target: str, headers: Any, body: bytes | None, expected: str
) -> None:
    auth = auth_at(
        datetime(2013, 5, 24, tzinfo=UTC),
        "{type: aws-sig-v4, accessKeyId: AKIAIOSFODNN7EXAMPLE, secretKey: '{{K}}', region: us-east-1, service: s3}",
        K=STORAGE_SECRET,
    )
    url = f"https://examplebucket.s3.amazonaws.com{target}"
    sent = await sent_by(auth, Request(method=method, url=url, headers=headers, body=body))
    assert signature(sent) == expected
    assert header(sent.headers, "x-amz-content-sha256")


async def test_a_session_token_is_sent_and_signed() -> None:
    auth = compiled(
        "{type: aws-sig-v4, accessKeyId: A, secretAccessKey: B, sessionToken: '{{T}}', region: eu-west-1, service: ce}",
        T="tok",
    )
    sent = await sent_by(auth)
    assert header(sent.headers, "x-amz-security-token") == "tok"
    assert "x-amz-security-token" in (header(sent.headers, "authorization") or "")


async def test_a_blank_in_the_query_is_sent_in_the_way_that_was_signed() -> None:
    auth = compiled("{type: aws-sig-v4, accessKeyId: A, secretAccessKey: B, region: r, service: ce}")
    sent = await sent_by(auth, Request(method="GET", url="https://ce.example.com/?b=x+y&a=%7E"))
    assert sent.url == "https://ce.example.com/?b=x%20y&a=~"


async def test_what_changes_on_the_way_is_not_signed() -> None:
    auth = compiled("{type: aws-sig-v4, accessKeyId: A, secretAccessKey: B, region: r, service: ce}")
    headers = (("User-Agent", "x"), ("Accept", "*/*"), ("Authorization", "theirs"), ("X-Mine", "y"))
    sent = await sent_by(auth, Request(method="GET", url="https://ce.example.com/", headers=headers))
    assert "SignedHeaders=host;x-amz-date;x-mine," in (header(sent.headers, "authorization") or "")


@pytest.mark.parametrize(
    "word", ["aws-sig-v4", "awsSigV4", "AWS_SIGV4", "aws-signature-v4", "AWSSignatureV4", "aws4", "sigv4"]
)
async def test_every_spelling_finds_it_and_the_usual_variables_fill_it(word: str) -> None:
    found = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_REGION": "eu-west-1"}
    auth = compiled(f"{{type: {word}, service: apigateway}}", **found)
    sent = await sent_by(auth)
    assert "Credential=AKID/" in (header(sent.headers, "authorization") or "")
    assert "/eu-west-1/apigateway/aws4_request" in (header(sent.headers, "authorization") or "")
    assert "hush" not in repr(auth._signer)


def test_variables_without_a_value_are_noted() -> None:
    settings = settings_of("{type: aws-sig-v4, service: s3, region: '{{R}}'}")
    registry.find("auth", "aws-sig-v4")(settings)
    assert settings.missing == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "R"]


def test_the_service_has_to_be_named() -> None:
    with pytest.raises(CompileError, match="the name of the AWS service is empty"):
        compiled("{type: aws-sig-v4, accessKeyId: A, secretAccessKey: B, region: r}")
