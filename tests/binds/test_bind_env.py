"""Bound variables from the environment."""

from __future__ import annotations

from capspec import registry


def test_the_source_is_the_environment_that_is_given() -> None:
    source = registry.find("bind", "env")("", None, {"TOKEN": "t-1"})

    assert source.get("TOKEN") == "t-1"
    assert source.get("HOME") is None
