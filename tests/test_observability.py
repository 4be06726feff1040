"""Metrics and traces of capabilities that are served: what is counted, what is kept, what upstreams hear."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families

from capspec.compiler import control
from capspec.events import EventStream, RequestFinished, SpanEnded
from capspec.observability.metrics import MOST_SERIES, Metrics
from capspec.observability.traces import MOST_SPANS, Trace, Traces
from capspec.spans import CURRENT, Span, Tracing
from tests.adapters.control_world import SECRET, World, capability, controlled
from tests.cli.thing_capability import echo
from tests.upstreams import Seen, reply, serving
from tests.whole import plan_of, running

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"

STEPS = """
type: rest
port: 0
namespace: steps
resources:
- path: /two/{id}
  operations:
  - name: two
    method: GET
    steps:
    - {name: first, type: call, call: up.get-thing, with: {id: '{{id}}'}}
    - {name: second, type: call, call: up.get-thing, with: {id: '$.first.target'}}
"""


OFFERING = """
type: rest
port: 0
namespace: offering
resources: [{path: '/thing/{id}', operations: [{name: read, method: GET, ref: things.read}]}]
"""
THINGS = """
namespace: things
functions:
- name: read
  description: Read a thing.
  inputParameters: [{name: id, type: string, description: Which.}]
  steps: [{name: first, type: call, call: up.get-thing, with: {id: '{{id}}'}}]
"""


def sent(world: World) -> Seen:
    return world.upstream.requests[-1]


async def call(world: World, name: str, arguments: dict[str, Any], meta: dict[str, Any] | None = None) -> Any:
    async with Client(world.url("mcp")) as client:
        return await client.call_tool(name, arguments, meta=meta)  # type: ignore[arg-type]


# -- metrics ----------------------------------------------------------------------------------------------


async def test_requests_are_counted_by_operation_and_outcome(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        for thing in ("1", "2", "missing"):
            await world.read(thing)
        await world.client.get(f"{world.url('rest')}/nowhere/at/all")
        await call(world, "get-thing", {"id": "1"})
        await call(world, "get-thing", {"id": "missing"})
        total = await world.figures("capspec_request_total")
        errors = await world.figures("capspec_request_errors_total")
        durations = await world.figures("capspec_request_duration_seconds_count")
        active = await world.figures("capspec_capability_active")

    def label(adapter: str, operation: str, **more: str) -> str:
        labels = {"adapter": adapter, "capability": "things", "operation": operation, **more}
        return "{" + ",".join(f'{name}="{labels[name]}"' for name in sorted(labels)) + "}"

    rest = {key: value for key, value in total.items() if 'adapter="rest"' in key}
    assert rest == {
        label("rest", "read-thing", status="200"): 2,
        label("rest", "read-thing", status="404"): 1,
        label("rest", "", status="404"): 1,
    }
    assert total[label("mcp", "get-thing", status="ok")] == 1
    assert total[label("mcp", "get-thing", status="error")] == 1
    assert errors == {
        label("rest", "read-thing", code="HTTP 404"): 1,
        label("rest", "", code="CAP611"): 1,
        label("mcp", "get-thing", code="tool"): 1,
    }
    assert durations[label("rest", "read-thing")] == 3
    assert active == {'{capability="things"}': 1}


async def test_upstreams_are_counted_and_lost_ones_have_no_status(tmp_path: Path) -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        return None if seen.path.endswith("/lost") else await echo(seen, writer)

    async with controlled(tmp_path, capability(), answer=answer) as world:
        for thing in ("1", "2", "missing", "lost"):
            await world.read(thing)
        total = await world.figures("capspec_http_client_total")
        counts = await world.figures("capspec_http_client_duration_seconds_count")
        host = world.upstream.url.removeprefix("http://")

    def label(status: str, error: str = "") -> str:
        return (
            f'{{capability="things",error_type="{error}",host="{host}",http_request_method="GET",'
            f'http_response_status_code="{status}"}}'
        )

    assert total == counts == {label("200"): 2, label("404"): 1, label("", "transport"): 1}


async def test_steps_are_measured_one_by_one(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(listeners=(STEPS,)), answer=echo) as world:
        for _ in range(2):
            assert (await world.client.get(f"{world.url('rest')}/two/1")).status_code == 200
        steps = await world.figures("capspec_step_duration_seconds_count")
        calls = await world.figures("capspec_http_client_total")
    words = 'capability="things",code="",flow="two",step='
    assert steps == {f'{{{words}"first",type="call"}}': 2, f'{{{words}"second",type="call"}}': 2}
    assert sum(calls.values()) == 4


async def test_the_text_is_what_prometheus_reads(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        await world.read()
        answer = await world.control("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert set(families) == {
        "capspec_capability_active", "capspec_request", "capspec_request_errors",
        "capspec_request_duration_seconds", "capspec_step_duration_seconds", "capspec_http_client",
        "capspec_http_client_duration_seconds",
    }  # fmt: skip
    buckets = [
        sample
        for sample in families["capspec_request_duration_seconds"].samples
        if sample.name.endswith("_bucket")
    ]
    assert [sample.value for sample in buckets] == sorted(sample.value for sample in buckets)
    assert buckets[-1].labels["le"] == "+Inf"
    assert not re.search(r"_created|python_|process_", answer.text)


def test_labels_are_escaped_and_do_not_grow_without_end() -> None:
    metrics = Metrics('a "quoted"\\name\n')
    for number in range(MOST_SERIES + 5):
        event = RequestFinished(
            capability=metrics.capability, adapter="rest", listener="r", operation=str(number), status="200", seconds=1
        )  # fmt: skip
        metrics.hear(event)
    families = {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}
    samples = [item for item in families["capspec_request"].samples if item.name.endswith("_total")]
    assert len(samples) == MOST_SERIES + 1
    assert {sample.labels["capability"] for sample in samples} == {metrics.capability, "other"}
    assert [sample.value for sample in samples if sample.labels["operation"] == "other"] == [5]


# -- traces -----------------------------------------------------------------------------------------------


async def test_a_trace_of_a_caller_goes_on_to_the_upstream_over_rest(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        await world.read("7", headers={"traceparent": TRACEPARENT, "tracestate": "vendor=1"})
        (summary,) = await world.traces()
        root, client = await world.trace()
    assert summary["traceId"] == TRACE
    assert (summary["operation"], summary["operationId"]) == ("rest.request", "read-thing")
    assert (summary["status"], summary["spanCount"]) == ("OK", 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", summary["timestamp"])
    assert (root["name"], root["kind"], root["parentSpanId"]) == ("rest.request", "INTERNAL", PARENT)
    assert (client["name"], client["kind"], client["parentSpanId"]) == (
        "http.client.GET", "CLIENT", root["spanId"],
    )  # fmt: skip
    assert sent(world).header("traceparent") == f"00-{TRACE}-{client['spanId']}-01"
    assert sent(world).header("tracestate") == "vendor=1"
    assert root["attributes"] == {
        "capspec.adapter.type": "rest",
        "capspec.capability": "things",
        "capspec.namespace": "things",
        "capspec.operation.id": "read-thing",
        "http.request.method": "GET",
        "http.response.status_code": 200,
    }
    assert client["attributes"] == {
        "capspec.operation.id": "up.get-thing",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.full": f"{world.upstream.url}/things/7",
    }


async def test_what_a_client_says_in_meta_counts_before_its_headers(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        await call(world, "get-thing", {"id": "7"}, meta={"traceparent": TRACEPARENT})
        from_meta = sent(world).header("traceparent")
        spans = (await world.control(f"/traces/{TRACE}")).json()["spans"]
        other = TRACE.replace("0af", "fff")
        headers = {"accept": "application/json, text/event-stream", "traceparent": f"00-{other}-{PARENT}-01"}
        params = {"name": "get-thing", "arguments": {"id": "7"}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        await world.client.post(world.url("mcp"), json=request, headers=headers)
        from_header = sent(world).header("traceparent")
    names = [(span["name"], span["kind"], span.get("parentSpanId")) for span in spans]
    assert names == [
        ("mcp.request", "INTERNAL", PARENT),
        ("mcp.tool", "INTERNAL", spans[0]["spanId"]),
        ("http.client.GET", "CLIENT", spans[1]["spanId"]),
    ]
    assert from_meta == f"00-{TRACE}-{spans[2]['spanId']}-01"
    assert str(from_header).startswith(f"00-{other}-")


async def test_steps_are_spans_of_their_flow(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(listeners=(STEPS,)), answer=echo) as world:
        await world.client.get(f"{world.url('rest')}/two/1")
        spans = await world.trace()
    root = spans[0]
    steps = [span for span in spans if span["name"] == "step.call"]
    assert [span["attributes"]["capspec.step.name"] for span in steps] == ["first", "second"]
    assert {span["parentSpanId"] for span in steps} == {root["spanId"]}
    clients = [span["parentSpanId"] for span in spans if span["kind"] == "CLIENT"]
    assert clients == [span["spanId"] for span in steps]


async def test_a_function_of_an_aggregate_is_a_span_with_its_steps_in_it(tmp_path: Path) -> None:
    whole = json.loads(capability(listeners=(OFFERING,)))
    whole["capability"]["aggregates"] = [yaml.safe_load(THINGS)]
    async with controlled(tmp_path, json.dumps(whole), answer=echo) as world:
        await world.client.get(f"{world.url('rest')}/thing/1")
        spans = await world.trace()
    (flow,) = [span for span in spans if span["name"] == "aggregate.flow"]
    assert flow["attributes"]["capspec.aggregate.ref"] == "things.read"
    assert flow["parentSpanId"] == spans[0]["spanId"]
    (step,) = [span for span in spans if span["name"] == "step.call"]
    assert step["parentSpanId"] == flow["spanId"]


async def test_a_step_whose_upstream_answers_an_error_is_told_of_as_failed(tmp_path: Path) -> None:
    async def missing(seen: Seen, writer: object) -> bytes:
        return reply(404)

    async with controlled(tmp_path, capability(listeners=(STEPS,)), answer=missing) as world:
        assert (await world.client.get(f"{world.url('rest')}/two/1")).status_code == 502
        spans = await world.trace()
        metrics = (await world.control("/metrics")).text
    (step,) = [span for span in spans if span["name"] == "step.call"]
    assert step["attributes"]["error.type"] == "CAP602"
    assert any("step_duration" in line and 'code="CAP602"' in line for line in metrics.splitlines())


async def test_without_a_caller_s_trace_there_is_a_new_one(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        await world.read()
        await world.read(headers={"traceparent": "00-00000000000000000000000000000000-b7ad6b7169203331-01"})
        await world.read(headers={"traceparent": "ff-rubbish"})
        traces = await world.traces()
        root, _ = await world.trace()
    assert len({trace["traceId"] for trace in traces}) == 3
    assert root["kind"] == "SERVER"
    assert "parentSpanId" not in root


@pytest.mark.parametrize(
    "headers",
    [
        {"b3": f"{TRACE}-{PARENT}-1"},
        {"X-B3-TraceId": TRACE, "X-B3-SpanId": PARENT, "X-B3-Sampled": "1"},
        {"X-B3-TraceId": TRACE, "X-B3-SpanId": PARENT, "X-B3-Flags": "1"},
    ],
)
async def test_b3_is_understood_and_spoken(tmp_path: Path, headers: dict[str, str]) -> None:
    text = capability("observability: {traces: {propagation: b3, sampling: 0}}")
    async with controlled(tmp_path, text, answer=echo) as world:
        await world.read(headers=headers)
        _, client = (await world.control(f"/traces/{TRACE}")).json()["spans"]
    assert sent(world).header("b3") == f"{TRACE}-{client['spanId']}-1"
    assert sent(world).header("traceparent") is None


async def test_a_share_is_traced_unless_the_caller_has_decided(tmp_path: Path) -> None:
    async with controlled(
        tmp_path, capability("observability: {traces: {sampling: 0}}"), answer=echo
    ) as world:
        await world.read()
        unsampled = sent(world).header("traceparent")
        await world.read(headers={"traceparent": TRACEPARENT})
        kept = [trace["traceId"] for trace in await world.traces()]
        total = await world.figures("capspec_request_total")
    assert str(unsampled).endswith("-00")
    assert kept == [TRACE]
    assert sum(total.values()) == 2


async def test_a_caller_s_decision_against_it_holds(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        await world.read(headers={"traceparent": TRACEPARENT[:-1] + "0"})
        kept = await world.traces()
    assert kept == []
    assert str(sent(world).header("traceparent")).startswith(f"00-{TRACE}-")
    assert str(sent(world).header("traceparent")).endswith("-00")


async def test_the_last_traces_are_kept_the_newest_first(tmp_path: Path) -> None:
    text = capability("observability: {traces: {local: {buffer-size: 10}}}")
    async with controlled(tmp_path, text, answer=echo) as world:
        for number in range(12):
            await world.read(headers={"traceparent": f"00-{number + 1:032x}-{PARENT}-01"})
        answer = (await world.control("/traces")).json()
        gone = await world.control(f"/traces/{1:032x}")
    assert (answer["bufferSize"], answer["bufferUsed"]) == (10, 10)
    assert [int(trace["traceId"], 16) for trace in answer["traces"]] == list(range(12, 2, -1))
    assert (gone.status_code, gone.json()["error"]) == (404, f"Trace not found: {1:032x}")


async def test_traces_are_found_by_operation_and_status(tmp_path: Path) -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(500 if seen.path.endswith("/broken") else 200)

    async with controlled(tmp_path, capability(), answer=answer) as world:
        await world.read("1")
        await world.read("broken")
        await call(world, "get-thing", {"id": "1"})

        async def found(**query: str) -> list[tuple[str, str]]:
            traces = await world.traces(**query)
            return [(trace["operation"], trace["status"]) for trace in traces]

        assert await found(operation="REST") == [("rest.request", "ERROR"), ("rest.request", "OK")]
        assert await found(operation="read-th", status="error") == [("rest.request", "ERROR")]
        assert ("mcp.request", "OK") in await found(status="ok", operation="get-thing")
        assert await found(operation="nothing") == []


async def test_there_are_no_secrets_in_traces(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        await world.read(SECRET)
        assert dict(sent(world).query) == {"key": SECRET}
        spans = await world.trace()
        everything = json.dumps(spans) + (await world.control("/metrics")).text
    assert SECRET not in everything
    assert spans[1]["attributes"]["url.full"].endswith("/things/****")


async def test_nothing_is_traced_where_nothing_asks_for_it() -> None:
    text = capability("observability: {enabled: false}")
    plain = json.dumps({**json.loads(text), "capability": {
        **json.loads(text)["capability"], "exposes": json.loads(text)["capability"]["exposes"][:2],
    }})  # fmt: skip
    for tried in (text, plain):
        async with running(tried, environ={"UP_KEY": SECRET}) as whole:
            await whole.get("/t/1", headers={"traceparent": TRACEPARENT})
            assert whole.sent.header("traceparent") is None


async def test_the_log_of_a_request_can_be_found_by_its_trace(tmp_path: Path) -> None:
    text = capability("management: {logs: {stream: true}}")
    async with controlled(tmp_path, text, answer=echo) as world:
        logging.getLogger("capspec.things").setLevel("INFO")
        async with world.client.stream("GET", world.url("control") + "/logs/stream") as response:
            lines = response.aiter_lines()
            await anext(lines)
            await world.read(headers={"traceparent": TRACEPARENT})
            data = [line async for line in _first(lines, 2)]
        logging.getLogger("capspec.things").setLevel("NOTSET")
    assert {json.loads(line.removeprefix("data: "))["trace_id"] for line in data} == {TRACE}


async def _first(lines: Any, count: int) -> Any:
    async for line in lines:
        if line.startswith("data: "):
            yield line
            count -= 1
            if not count:
                return


# -- what is kept of them ---------------------------------------------------------------------------------


def span(trace: int, number: int, *, root: bool = False, seconds: float = 1.0) -> Span:
    return Span(
        trace_id=f"{trace:032x}", span_id=f"{number:016x}", parent_id="", name="s", kind="INTERNAL",
        began=float(number), root=root, seconds=seconds,
    )  # fmt: skip


def test_two_requests_of_one_trace_are_one_entry() -> None:
    traces = Traces(10)
    traces.add(span(1, 1, root=True))
    traces.add(span(1, 5, root=True, seconds=2))
    (found,) = traces.list()["traces"]
    assert (found["spanCount"], found["durationMs"]) == (2, 6000)


def test_spans_that_come_late_or_without_end_cost_no_memory() -> None:
    traces = Traces(10)
    for number in range(3 * MOST_SPANS):
        traces.add(span(1, number))
        traces.add(span(number + 2, number))
    assert len(traces._open) <= MOST_SPANS
    trace = Trace("1")
    for number in range(MOST_SPANS + 7):
        trace.add(span(1, number, root=number == 0))
    assert (trace.count, len(trace.spans)) == (MOST_SPANS + 7, MOST_SPANS)


def test_a_span_is_over_when_its_block_is_and_says_what_broke_it() -> None:
    heard: list[Any] = []
    events = EventStream([heard.append], detailed=True, tracing=Tracing())
    with pytest.raises(RuntimeError), events.request_span("r", lambda name: None, {}), events.span("s", {}):
        raise RuntimeError("it broke")
    inner, outer = (event.span for event in heard if isinstance(event, SpanEnded))
    assert (inner.failed, inner.attributes) == (True, {"error.type": "unexpected"})
    assert (outer.failed, inner.parent_id) == (True, outer.span_id)
    assert CURRENT.get() is None


# -- export -----------------------------------------------------------------------------------------------


async def test_traces_are_exported_to_a_collector(tmp_path: Path) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    async def collect(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(200, b"", ("content-type", "application/x-protobuf"))

    async with serving(collect) as collector:
        text = capability("observability: {exporters: {otlp: {endpoint: '{{COLLECTOR}}'}}}")
        environ = {"UP_KEY": SECRET, "COLLECTOR": collector.url}
        async with controlled(tmp_path, text, answer=echo, environ=environ) as world:
            await world.read("7", headers={"traceparent": TRACEPARENT})
        (request,) = collector.requests
    assert (request.path, request.header("content-type")) == ("/v1/traces", "application/x-protobuf")
    exported = ExportTraceServiceRequest.FromString(request.body)
    (resource,) = exported.resource_spans
    named = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert named["service.name"] == "things"
    spans = {item.name: item for item in resource.scope_spans[0].spans}
    assert set(spans) == {"rest.request", "http.client.GET"}
    assert {item.trace_id.hex() for item in spans.values()} == {TRACE}
    assert spans["rest.request"].parent_span_id.hex() == PARENT
    assert spans["http.client.GET"].parent_span_id == spans["rest.request"].span_id
    assert SECRET not in request.body.decode("latin-1")


def test_without_the_exporter_a_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "NEEDED", "nothing.of.this.name")
    plan = plan_of(capability("observability: {exporters: {otlp: {endpoint: 'http://localhost:4318'}}}"))
    (warning,) = [item for item in plan.warnings if item.code == "CAP392"]
    assert warning.hint == "pip install 'capspec[otlp]'"
    unset = plan_of(capability("observability: {exporters: {otlp: {endpoint: '{{COLLECTOR}}'}}}"))
    assert "COLLECTOR has no value" in next(item.message for item in unset.warnings if item.code == "CAP392")
