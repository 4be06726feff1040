"""The blocks of a file: what is wrong in them is said with its place, before anything is served."""

from __future__ import annotations

import pytest

from capspec import document, model
from capspec.errors import CapspecError, LoadError
from capspec.plan import Operation, Plan
from tests.jobs.job_world import BASE, OPERATION, capability, compiled

GOOD = """
poll:
  id: $.id
  request: {uri: "/jobs/{{id}}"}
  status: {path: $.status, success: [done]}
"""


def operation(blocks: str, *, lines: str = OPERATION, base: str = BASE) -> Operation:
    return compiled(capability(blocks, operation=lines, base=base)).operations["maker.make"]


def problems(blocks: str, *, more: str = "", lines: str = OPERATION) -> list[str]:
    with pytest.raises(CapspecError) as caught:
        compiled(capability(blocks, more=more, operation=lines))
    return [
        f"{problem.code} {problem.message}"
        for problem in caught.value.problems
        if problem.severity == "error"
    ]


def warnings(blocks: str) -> list[str]:
    plan: Plan = compiled(capability(blocks))
    return [
        f"{problem.code} {problem.message}" for problem in plan.warnings if "listen" not in problem.message
    ]


def poll(line: str) -> str:
    return f"{GOOD}  {line}\n"


# -- defaults ----------------------------------------------------------------------------------------------


def test_an_operation_without_blocks_starts_no_jobs() -> None:
    made = operation("")
    assert (made.poll, made.idempotency, made.follow_ups) == (None, None, None)


def test_six_lines_are_enough() -> None:
    found = operation(GOOD).poll
    assert found is not None
    assert (found.timeout, found.max_errors, found.max_attempts) == (600, 5, None)
    assert (found.rhythm.interval, found.rhythm.backoff, found.rhythm.jitter) == (2, 1, 0)
    assert found.rhythm.retry_after is not None
    assert (found.rhythm.retry_after.header, found.rhythm.retry_after.minimum) == ("Retry-After", 0.5)
    assert (found.on_timeout, found.on_disconnect) == ("leave", "leave")
    assert found.request.allowed == ("https://api.maker.test",)


@pytest.mark.parametrize(
    ("written", "seconds"), [("500ms", 0.5), ("5s", 5), ("2m", 120), ("1h", 3600), ("7", 7), ("0.25", 0.25)]
)
def test_durations_are_written_as_people_do(written: str, seconds: float) -> None:
    found = operation(poll(f"interval: {written}")).poll
    assert found is not None
    assert found.rhythm.interval == seconds


def test_retry_after_can_be_left_alone() -> None:
    off, on = (operation(poll(f"retryAfter: {word}")).poll for word in ("false", "true"))
    assert off is not None
    assert on is not None
    assert off.rhythm.retry_after is None
    assert on.rhythm.retry_after is not None


def test_hosts_are_allowed_at_the_scheme_and_port_of_the_base_uri() -> None:
    block = GOOD.replace('"/jobs/{{id}}"', '"/jobs/{{id}}", allowHosts: ["*.maker.test", b.test, "c.test:9"]')
    found = operation(block, base="https://api.maker.test:8443/v1").poll
    assert found is not None
    assert found.request.allowed == (
        "https://api.maker.test:8443", "https://*.maker.test:8443", "https://b.test:8443", "https://c.test:9",
    )  # fmt: skip


def test_what_is_allowed_reaches_the_one_place_that_decides() -> None:
    block = GOOD.replace('"/jobs/{{id}}"', '"/jobs/{{id}}", allowHosts: ["*.maker.test"]')
    assert "https://*.maker.test" in compiled(capability(block)).contacts


def test_loopback_has_three_names() -> None:
    found = operation(GOOD, base="http://127.0.0.1:4010/v1").poll
    assert found is not None
    assert set(found.request.allowed) == {
        "http://127.0.0.1:4010", "http://localhost:4010", "http://[::1]:4010",
    }  # fmt: skip


def test_a_file_whose_address_has_no_value_yet_is_read_all_the_same() -> None:
    block = GOOD.replace('"/jobs/{{id}}"', '"https://else.test/{{id}}", allowHosts: ["*.maker.test"]')
    found = operation(block, base='"{{MAKER_BASE}}"').poll
    assert found is not None
    assert found.request.allowed == ()


def test_extensions_of_the_author_s_own_are_let_be() -> None:
    assert warnings(poll("x-note: mine")) == []


def test_inputs_of_a_tool_are_those_of_the_submission_alone() -> None:
    lines = OPERATION + "inputParameters: [{name: prompt, in: body}]\n"
    block = GOOD + "idempotency: {in: header, name: Idempotency-Key}\n"
    text = capability(block, operation=lines) + (
        "  exposes:\n"
        "  - {type: mcp, namespace: ns, port: 1, tools: [{name: t, description: d, call: maker.make}]}\n"
    )
    (flow,) = compiled(text).listeners[0].flows
    assert [item.name for item in flow.inputs] == ["prompt"]
    assert flow.calls[0].poll is not None


# -- problems ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("position: queue", "CAP350 'queue' is not a JSONPath"),
        ('message: ["$.a", "$.b["]', "CAP350 '$.b[' is not a JSONPath"),
        ("interval: soon", "CAP351 interval: 'soon' is not a duration"),
        ("interval: -5", "CAP351 interval: '-5' is not a duration"),
        ("timeout: 0", "CAP351 timeout: a job needs some time"),
        ("initialDelay: {max: 3s}", "CAP356 'initialDelay' has no 'path'"),
        ("initialDelay: {path: $.eta, unit: min}", "CAP357 unit cannot be 'min'"),
        ("initialDelay: later", "CAP351 initialDelay: 'later' is not a duration"),
        ("retryAfter: {unit: h}", "CAP357 unit cannot be 'h'"),
        ("retryAfter: {max: never}", "CAP351 max: 'never' is not a duration"),
        ("backoff: 0.5", "CAP357 backoff should be a number from 1 to 10"),
        ("backoff: big", "CAP357 backoff should be a number from 1 to 10"),
        ("jitter: 2", "CAP357 jitter should be a number from 0 to 1"),
        ("maxAttempts: 0", "CAP357 maxAttempts should be 1 or more"),
        ("maxErrors: -1", "CAP357 maxErrors should be 0 or more"),
        ("progress: {max: 100}", "CAP356 'progress' has no 'path'"),
        ("progress: {path: $.p, min: 5, max: 5}", "CAP357 'min' of 'progress' should be less than its 'max'"),
        ("onTimeout: stop", "CAP357 onTimeout cannot be 'stop'"),
        ("onTimeout: cancel", "CAP356 onTimeout: nothing says how a job is canceled"),
        ("onDisconnect: cancel", "CAP356 onDisconnect: nothing says how a job is canceled"),
        ("result: {format: xml}", "CAP357 format cannot be 'xml'"),
        ("result: {format: binary}", "CAP356 a binary result needs a request of its own"),
        ("result: {uriFrom: {body: $.a, header: b}}", "CAP356 'uriFrom' should say either 'body'"),
        ("result: {uriFrom: {}}", "CAP356 'uriFrom' should say either 'body'"),
        ("result: {uriFrom: {body: $.a, of: cancel}}", "CAP357 of cannot be 'cancel'"),
        ("result: {call: maker.nope}", "CAP353 there is no operation 'maker.nope'"),
        ("result: {call: maker.make, uri: /x}", "CAP356 this names both 'call' and 'uri'"),
        ("result: {call: maker.make, method: PUT}", "CAP356 'method', 'headers' and 'body' are"),
        ("result: {call: maker.make, with: {a: '{{nope}}'}}", "CAP358 nothing gives 'nope' a value here"),
        ("result: {call: maker.make, with: {a: '{{ '}}", "CAP352 a text is not a template"),
        ("cancel: {}", "CAP356 this names no address"),
        ("cancel: {method: DELETE}", "CAP356 this names no address"),
        ("cancel: {uri: /x, method: TRACE}", "CAP357 method cannot be 'TRACE'"),
        ("cancel: {uri: '/x/{{status.id}}'}", "CAP358 nothing gives 'status.id' a value here"),
        ("cancel: {uri: '/x?a={{nope}}'}", "CAP358 nothing gives 'nope' a value here"),
        ("cancel: {uri: /x, headers: {A: '{{nope}}'}}", "CAP358 nothing gives 'nope' a value here"),
        ("cancel: {uri: /x, body: {a: '{{nope}}'}}", "CAP358 nothing gives 'nope' a value here"),
        ("cancel: {uri: /x, body: {a: '{{#if}}'}}", "CAP352 the body is not a template"),
        ("cancel: {uri: 'https://evil.test/{{id}}'}", "CAP359 'https://evil.test' is not allowed"),
        ("cancel: {uri: 'https://{{id}}.maker.test/'}", "CAP359 'https://{{id}}.maker.test' is not allowed"),
        ("cancel: {uri: /x, allowHosts: ['*']}", "CAP354 '*' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['*.com']}", "CAP354 '*.com' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['*.0.0.1']}", "CAP354 '*.0.0.1' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['a.*.test']}", "CAP354 'a.*.test' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['https://b.test']}", "CAP354 'https://b.test' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['b.test/x']}", "CAP354 'b.test/x' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['a@b.test']}", "CAP354 'a@b.test' cannot be allowed"),
        ("cancel: {uri: /x, allowHosts: ['b.test:99999']}", "CAP354 'b.test:99999' cannot be allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said(line: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(poll(line))), problems(poll(line))


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ("{success: [done]}", "CAP355 'status' should say one of 'path'"),
        ("{path: $.s, http: true, success: [done]}", "CAP355 'status' should say one of 'path'"),
        ("{path: $.s}", "CAP355 'status' has no 'success'"),
        ("{http: true}", "CAP355 'status' has no 'success'"),
        ("{path: s, success: [a]}", "CAP350 's' is not a JSONPath"),
        ("{path: $.s, success: [Done], failure: [done]}", "CAP355 the status 'done' has two meanings"),
        ("{path: $.s, success: [1], pending: ['1']}", "CAP355 the status '1' has two meanings"),
        ("{path: $.s, success: [a], unknown: ignore}", "CAP357 unknown cannot be 'ignore'"),
        ("{path: $.s, success: [a], notFound: {codes: [none]}}", "CAP355 each of 'codes' should be"),
        ("{path: $.s, success: [a], notFound: {codes: [99]}}", "CAP355 each of 'codes' should be"),
        ("{path: $.s, success: [a], notFound: {grace: x}}", "CAP351 grace: 'x' is not a duration"),
    ],
)  # fmt: skip
def test_a_status_says_one_thing(status: str, problem: str) -> None:
    block = f"poll:\n  request: {{uri: /x}}\n  status: {status}\n"
    assert any(found.startswith(problem) for found in problems(block)), problems(block)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("poll: {}", "CAP356 'poll' does not say where to ask"),
        ("poll: {}", "CAP355 'poll' does not say what the answers mean"),
        ("poll: {request: {}, status: {done: $.d}}", "CAP356 this names no address"),
        ("idempotency: {in: header}", "CAP356 'idempotency' has no 'name'"),
        ("idempotency: {in: path, name: k}", "CAP357 in cannot be 'path'"),
        ("idempotency: {in: header, name: k, window: long}", "CAP351 window: 'long' is not a duration"),
        ("idempotency: {in: header, name: k, key: '{{nope}}'}", "CAP358 nothing gives 'nope' a value here"),
        ("idempotency: {in: header, name: k, key: '{{'}", "CAP352 '{{' is not a template"),
        (
            "idempotency: {in: header, name: k, duplicate: {code: 409, path: $.a}}",
            "CAP356 'path' and 'equals' of 'duplicate' go together",
        ),
        (
            "idempotency: {in: header, name: k, duplicate: {code: 409, recover: {call: maker.nope}}}",
            "CAP353 there is no operation 'maker.nope'",
        ),
    ],
)
def test_a_block_says_what_it_needs(block: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(block)), problems(block)


@pytest.mark.parametrize(
    "lines",
    [
        OPERATION + "inputParameters: [{name: body, in: body}]",
        OPERATION + 'body: {type: json, data: "[1]"}',
        OPERATION + "body: {type: json, data: [1]}",
    ],
)
def test_a_body_that_is_one_value_has_no_room_for_a_key(lines: str) -> None:
    (problem,) = problems("idempotency: {in: body, name: k}", lines=lines)
    assert problem.startswith("CAP356 'k' cannot be put into this operation's body")


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("poll: soon", "CAP107 'poll' should be a mapping, and is text"),
        ("poll: [1]", "CAP107 'poll' should be a mapping, and is a list"),
        (
            poll("request: 5").replace('  request: {uri: "/jobs/{{id}}"}\n', ""),
            "CAP107 'request' should be a mapping",
        ),
        (poll("result: done"), "CAP107 'result' should be a mapping, and is text"),
        (poll("maxErrors: many"), "CAP107 'maxErrors' should be a whole number, and is text"),
        (poll("retryAfter: 5s"), "CAP107 'retryAfter' should be true or false, and is text"),
        (poll("interval: [1]"), "CAP107 'interval' should be text, and is a list"),
        (GOOD.replace("[done]", "[[done]]"), "CAP107 each of 'success' should be a single value"),
        (GOOD.replace("[done]", "[null]"), "CAP107 each of 'success' should be a single value"),
        ("idempotency: yes-please", "CAP107 'idempotency' should be a mapping, and is text"),
        ("webhook: https://me.test", "CAP107 'webhook' should be a mapping, and is text"),
    ],
)
def test_a_shape_that_cannot_be_read_is_said(block: str, problem: str) -> None:
    with pytest.raises(LoadError) as caught:
        model.parse(document.parse(capability(block), "cap.yaml"))
    assert any(str(item).partition(": ")[2].startswith(problem[7:]) for item in caught.value.problems)


def test_a_problem_is_said_where_it_stands() -> None:
    text = capability(poll("jitter: 9"))
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "jitter" in line)
    with pytest.raises(CapspecError) as caught:
        compiled(text)
    (problem,) = [item for item in caught.value.problems if item.severity == "error"]
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (line, 17)


def test_all_problems_are_said_at_once() -> None:
    assert len(problems(poll("jitter: 9\n  backoff: 0\n  interval: x\n  id2: 3\n  cancel: {}"))) == 4


# -- warnings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("intervall: 5s", "CAP110 'intervall' is not known in 'poll' and has no effect"),
        ("retryAfter: {head: X}", "CAP110 'head' is not known in 'retryAfter' and has no effect"),
        ("progress: {path: $.p, of: 9}", "CAP110 'of' is not known in 'progress' and has no effect"),
        ("error: {reason: $.r}", "CAP110 'reason' is not known in 'error' and has no effect"),
        ("cancel: {uri: /x, verb: PUT}", "CAP110 'verb' is not known in 'cancel' and has no effect"),
        (
            "result: {uriFrom: {body: $.u, from: a}}",
            "CAP110 'from' is not known in 'uriFrom' and has no effect",
        ),
    ],
)
def test_a_word_that_is_not_known_is_said_to_have_no_effect(line: str, warning: str) -> None:
    assert warnings(poll(line)) == [warning]


def test_a_webhook_is_kept_and_said_not_to_work_yet() -> None:
    block = (
        GOOD + "webhook: {url: {in: query, name: hook}, signature: {header: X-Sig}, carriesResult: false}\n"
    )
    assert warnings(block) == ["CAP125 webhooks are not received yet"]
    spec = model.parse(document.parse(capability(block))).upstreams[0].operations[0].webhook
    assert spec is not None
    assert spec.url is not None
    assert (spec.url.location, spec.url.name, spec.carries_result) == ("query", "hook", False)
    assert spec.signature == {"header": "X-Sig"}
