"""A capability that can be served to what its author would rather know before somebody else finds out."""

from capspec.lint.running import examine, lint
from capspec.lint.table import RULES, Rule, names_of

__all__ = ["RULES", "Rule", "examine", "lint", "names_of"]
