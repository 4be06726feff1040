"""Requests to the spans of a trace: one for the whole, and one for each part that takes time.

A trace goes on from where a caller began it, and on to upstreams, in the headers of W3C Trace Context
(level 1) or of B3.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["SERVER", "CLIENT", "INTERNAL"]
Propagation: TypeAlias = Literal["w3c", "b3"]
Carrier: TypeAlias = Callable[[str], str | None]
"""Gives a header by its lower-case name."""

_LONGEST_STATE: Final = 512

_W3C: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_DECISIONS: Final = {"1": True, "d": True, "true": True, "0": False, "false": False}
_B3: Final = re.compile(r"([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """`sampling` is the share of requests that are traced, 0 to 1, of those whose caller has not decided.

    `propagation` is the format in which upstreams hear of the trace.
    """

    sampling: float = 1.0
    propagation: Propagation = "w3c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where a caller's trace stands: hexadecimal ids; `sampled` None leaves the decision to us."""

    trace_id: str
    span_id: str
    sampled: bool | None = None
    state: str = ""


@dataclass(slots=True, kw_only=True)
class Span:
    """Something that takes time. `began` is seconds since 1970; `seconds` and `failed` count at its end.

    `root` says that it is the whole request here, whose caller may have a span of its own as `parent_id`.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: Kind
    began: float
    root: bool = False
    sampled: bool = True
    state: str = ""
    attributes: dict[str, str | int] = field(default_factory=dict)
    seconds: float = 0.0
    failed: bool = False

    def child(self, name: str, kind: Kind, began: float, attributes: Mapping[str, str | int]) -> Span:
        return Span(
            trace_id=self.trace_id,
            span_id=_new_id(8),
            parent_id=self.span_id,
            name=name,
            kind=kind,
            began=began,
            state=self.state,
            attributes=dict(attributes),
        )


CURRENT: ContextVar[Span | None] = ContextVar("capspec_span", default=None)
"""The innermost span that is not over, where this runs."""


def begin(
    tracing: Tracing, remote: Remote | None, name: str, began: float, attributes: Mapping[str, str | int]
) -> Span:
    """The span of a whole request, and whether it is to be kept."""
    sampled = None if remote is None else remote.sampled
    if sampled is None:
        sampled = tracing.sampling >= 1 or random.random() < tracing.sampling  # noqa: S311 - no secret
    return Span(
        trace_id=_new_id(16) if remote is None else remote.trace_id,
        span_id=_new_id(8),
        parent_id="" if remote is None else remote.span_id,
        name=name,
        kind="SERVER" if remote is None else "INTERNAL",
        began=began,
        root=True,
        sampled=sampled,
        state="" if remote is None else remote.state,
        attributes=dict(attributes),
    )


def _new_id(size: int) -> str:
    return os.urandom(size).hex()


# -- between processes ------------------------------------------------------------------------------------


def extract(carrier: Carrier) -> Remote | None:
    """The caller's trace: a `traceparent`, or B3 in one header or in several; None when there is none."""
    found = _W3C.fullmatch((carrier("traceparent") or "").strip())
    if found is not None:
        state = carrier("tracestate") or ""
        state = state if len(state) <= _LONGEST_STATE and state.isprintable() and state.isascii() else ""
        return _remote(found[1], found[2], sampled=bool(int(found[3], 16) & 1), state=state)
    single = _B3.fullmatch((carrier("b3") or "").strip().lower())
    if single is not None:
        return _remote(single[1], single[2], sampled=_decision(single[3]))
    many = _B3.fullmatch(f"{carrier('x-b3-traceid') or ''}-{carrier('x-b3-spanid') or ''}".lower())
    if many is None:
        return None
    flag = "d" if carrier("x-b3-flags") == "1" else carrier("x-b3-sampled")
    return _remote(many[1], many[2], sampled=_decision(flag))


def _remote(trace_id: str, span_id: str, *, sampled: bool | None, state: str = "") -> Remote | None:
    """None for ids of nothing but zeros, which are none."""
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return Remote(trace_id=trace_id.rjust(32, "0"), span_id=span_id, sampled=sampled, state=state)


def _decision(flag: str | None) -> bool | None:
    return _DECISIONS.get(flag or "")


def inject(span: Span, propagation: Propagation) -> tuple[tuple[str, str], ...]:
    """The headers that tell an upstream of the trace."""
    if propagation == "b3":
        return (("b3", f"{span.trace_id}-{span.span_id}-{int(span.sampled)}"),)
    parent = ("traceparent", f"00-{span.trace_id}-{span.span_id}-{int(span.sampled):02x}")
    return (parent, ("tracestate", span.state)) if span.state else (parent,)
