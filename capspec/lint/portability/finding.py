"""What a portability check finds: a finding of lint with a code and a severity of its own."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Severity
from capspec.lint.subject import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Finding):
    """`severity` is "error" for what the engine refuses, "warning" for what it ignores or does otherwise, and
    "info" for what changes nothing."""

    code: str
    severity: Severity = "warning"
