"""A mistake: what is written instead of what, and what should be said of it."""

from __future__ import annotations

from typing import TypeAlias

Mistake: TypeAlias = tuple[str, str, str, str] | tuple[str, str, str, str, str]
"""Old text, new text, a part of the message, a part of the hint, the severity ("warning")."""

HERE = "§"
"""Stands before the place of a mistake in the new text."""
