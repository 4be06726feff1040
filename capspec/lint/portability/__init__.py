"""A file and a version of the reference engine to what that engine would refuse in it, ignore, or do otherwise."""

from capspec.lint.portability.checking import CODES, check_portability, unsayable

__all__ = ["CODES", "check_portability", "unsayable"]
