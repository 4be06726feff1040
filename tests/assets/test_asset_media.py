"""Names and types of assets."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.assets.media import (
    essence_of,
    extension_of,
    is_shown,
    name_in,
    type_at,
    type_of,
    with_extension,
)


@given(st.text(), st.text(max_size=5), st.sampled_from(["image/png", "video/mp4", "x/y", "image/svg+xml"]))
def test_a_name_is_a_name_and_nothing_else(segment: str, otherwise: str, media_type: str):
    url = "https://s.example/" + segment.replace("/", "%2f").replace("?", "%3f").replace("#", "%23")
    try:
        name = with_extension(name_in(url, otherwise), media_type)
    except ValueError:
        return  # no URL
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}", name)
    assert ".." not in name
    assert name.endswith(f".{extension_of(media_type)}")


@pytest.mark.parametrize(
    ("name", "media_type", "whole"),
    [
        ("content", "image/png", "content.png"),
        ("a.jpeg", "image/jpeg", "a.jpeg"),
        ("a.png", "image/jpeg", "a.jpg"),
        ("v1.2", "image/webp", "v1.2.webp"),
        ("a.html", "application/octet-stream", "a.bin"),
        ("a.exe", "application/octet-stream", "a.exe.bin"),
        ("a", "audio/x-wav", "a.wav"),
    ],
)
def test_a_name_ends_as_its_type_does(name: str, media_type: str, whole: str):
    assert with_extension(name, media_type) == whole


@pytest.mark.parametrize(
    ("content_type", "essence"),
    [
        ("Image/PNG; x=1", "image/png"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("a/b\r\nSet-Cookie: x", "application/octet-stream"),
    ],
)
def test_a_content_type_is_one_or_plain_bytes(content_type: str, essence: str):
    assert essence_of(content_type) == essence


@pytest.mark.parametrize(
    "media_type",
    [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/octet-stream",
        "text/css",
    ],
)
def test_what_could_run_scripts_or_is_unknown_is_not_shown(media_type: str):
    assert not is_shown(media_type)


@pytest.mark.parametrize(
    "media_type", ["image/png", "audio/mpeg", "video/mp4", "application/pdf", "text/plain"]
)
def test_media_are_shown(media_type: str):
    assert is_shown(media_type)
    assert type_of(extension_of(media_type)) == media_type


def test_plain_bytes_are_never_taken_for_a_page():
    assert type_at("application/octet-stream", "https://s.example/a.mp4?x=.html") == "video/mp4"
    assert type_at("application/octet-stream", "https://s.example/a.html") == "application/octet-stream"
    assert type_at("image/png", "https://s.example/a.mp4") == "image/png"
