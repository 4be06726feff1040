"""The Jinja environment that expressions run in: nothing but the scope's values and what cannot do harm.

There are no globals and no loaders, few filters and few methods, and no operation that makes much out of
little, so that no value from a caller or an upstream can exhaust the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from jinja2 import ChainableUndefined, Undefined, pass_context
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from capspec.template.errors import TemplateRenderError
from capspec.template.writing import Fragment, as_text
from capspec.values import MISSING, Json

LONGEST_OUTPUT = 10_000_000
"""How many characters an expression or a block may give."""

ENCODE = "\0encode"
"""The variable that holds how a block encodes what it inserts; no template can name it."""

_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int",
    "items", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
    "reverse", "select", "selectattr", "sort", "sum", "title", "trim", "truncate", "unique",
    "upper", "urlencode", "wordcount",
)  # fmt: skip
_METHODS = (
    "capitalize", "endswith", "get", "items", "keys", "lower", "lstrip", "rstrip", "split",
    "startswith", "strip", "title", "upper", "values",
)  # fmt: skip


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """A few methods of JSON values; of loops and groups, what Jinja lets through."""
        allowed = attr in _METHODS or isinstance(obj, (LoopContext, tuple))
        return allowed and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """No method of texts gets round the list, not even as Jinja's own safe `format`."""
        return

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.items` is the member of that name, if the object has it, and not Python's method."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`*` and `%` are arithmetic only: on texts and lists they multiply."""
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            raise UndefinedError(f"{operator} of something that is not there")
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise SecurityError(f"{operator} is for numbers")
        return super().call_binop(context, operator, left, right)


@cache
def environment() -> _Sandbox:
    """The one environment, made when it is first needed."""
    made = _Sandbox(
        undefined=ChainableUndefined,
        finalize=_inserted,
        autoescape=False,
        keep_trailing_newline=True,
    )
    made.globals.clear()
    own: dict[str, Callable[..., Any]] = {
        "join": _join,
        "replace": _replace,
        "round": _round,
        "string": lambda value: as_text(native(value)),
        "tojson": lambda value: Fragment(native(value)),
    }
    made.filters = {name: made.filters[name] for name in _FILTERS} | own
    return made


def native(value: Any) -> Json:
    """What an expression gave as JSON; MISSING when it is undefined. Raises TemplateRenderError otherwise."""
    if isinstance(value, Undefined):
        return MISSING
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return bounded(str(value))
    if isinstance(value, Mapping):
        return {str(name): _member(item) for name, item in value.items()}
    if isinstance(value, Iterable):
        return [_member(item) for item in value]
    raise TemplateRenderError(f"the expression gives a {type(value).__name__}, which is no JSON value")


def bounded(text: str) -> str:
    """The text. Raises TemplateRenderError when it is too long."""
    if len(text) > LONGEST_OUTPUT:
        raise TemplateRenderError(f"the expression gives more than {LONGEST_OUTPUT} characters")
    return text


def _member(value: Any) -> Json:
    found = native(value)
    return None if found is MISSING else found


@pass_context
def _inserted(context: Context, value: Any) -> str:
    found = native(value)
    if found is MISSING:
        return ""
    encode = context.get(ENCODE)
    return as_text(found) if encode is None else str(encode(as_text(found)))


def _join(values: Iterable[Any], separator: str = "") -> str:
    texts = [as_text(_member(value)) for value in values]
    if len(texts) * len(separator) > LONGEST_OUTPUT:
        raise SecurityError("join gives too long a text")
    return separator.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    if text.count(old) * len(new) > LONGEST_OUTPUT:
        raise SecurityError("replace gives too long a text")
    return text.replace(old, new)


def _round(value: float, precision: int = 0) -> float:
    if abs(precision) > 100:
        raise SecurityError("round takes at most 100 digits")
    return round(value, precision)
