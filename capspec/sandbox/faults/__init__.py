"""Faults: what they are called, when they strike, and how an answer is broken."""

from __future__ import annotations

from capspec.sandbox.faults.book import FaultBook, Strike
from capspec.sandbox.faults.fault import Fault, FaultSyntaxError, parse_fault
from capspec.sandbox.faults.rule import Rule, parse_rule

__all__ = ["Fault", "FaultBook", "FaultSyntaxError", "Rule", "Strike", "parse_fault", "parse_rule"]
