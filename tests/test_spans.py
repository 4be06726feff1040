"""Traces between processes: what is read of a caller's, and what is told to an upstream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.spans import Propagation, Remote, Span, extract, inject

IDS = st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}")
SHORT_IDS = st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}")


@given(trace_id=IDS, span_id=SHORT_IDS, sampled=st.booleans(), propagation=st.sampled_from(["w3c", "b3"]))
def test_what_is_told_is_understood(
    trace_id: str, span_id: str, sampled: bool, propagation: Propagation
) -> None:
    span = Span(
        trace_id=trace_id, span_id=span_id, parent_id="", name="s", kind="CLIENT", began=0, sampled=sampled
    )
    headers = dict(inject(span, propagation))
    assert extract(headers.get) == Remote(trace_id=trace_id, span_id=span_id, sampled=sampled)


@given(
    st.dictionaries(
        st.sampled_from(["traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid"]), st.text()
    )
)
def test_nothing_that_a_caller_writes_breaks_it(headers: dict[str, str]) -> None:
    found = extract(headers.get)
    assert found is None or (len(found.trace_id), len(found.span_id)) == (32, 16)


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}x-{PARENT}-01",
    ],
)
def test_a_traceparent_that_is_none_begins_a_new_trace(value: str) -> None:
    assert extract({"traceparent": value}.get) is None


def test_a_later_version_may_say_more() -> None:
    found = extract({"traceparent": f"01-{TRACE}-{PARENT}-03-more"}.get)
    assert found == Remote(trace_id=TRACE, span_id=PARENT, sampled=True)


def test_a_short_b3_id_is_filled_up_and_may_leave_the_decision_open() -> None:
    found = extract({"b3": f"{PARENT}-{PARENT}"}.get)
    assert found == Remote(trace_id="0" * 16 + PARENT, span_id=PARENT, sampled=None)


@pytest.mark.parametrize("state", ["v=1\r\nx: y", "ü=1", "v=" + "1" * 600])
def test_a_state_that_is_not_fit_for_a_header_is_dropped(state: str) -> None:
    found = extract({"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": state}.get)
    assert found is not None
    assert found.state == ""
