"""JSONPath text to a compiled reader: RFC 9535 with Jayway's functions, operators and loose spellings."""

from capspec.jsonpath.path import NODE_BUDGET, JsonPath, compile_path
from capspec.jsonpath.run import JsonPathBudgetError, JsonPathError

__all__ = ["NODE_BUDGET", "JsonPath", "JsonPathBudgetError", "JsonPathError", "compile_path"]
