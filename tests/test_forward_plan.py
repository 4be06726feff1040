"""Forwards as an author writes them: every dialect's shape, what is wrong with one, and where they are shown."""

from __future__ import annotations

import json
import posixpath
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from capspec import bindings, document, model
from capspec.adapters.rest.openapi import describe
from capspec.cli import group
from capspec.compiler import compile_capability
from capspec.errors import CapspecError, InputError
from capspec.forwarding import below
from capspec.plan import Plan
from capspec.plan.forwards import Forward
from tests.cli.cli_processes import served
from tests.forward_world import capability
from tests.test_forward_whole import echo, values
from tests.whole import plan_of, running

OLD = """\
naftiko: "0.5"
info: {label: Encapsulating}
capability:
  exposes:
    - type: "api"
      address: "localhost"
      port: 9090
      namespace: "sample"
      resources:
        - path: "/notion/{{path}}"
          description: "Any endpoint of the API."
          forward:
            targetNamespace: notion
            trustedHeaders: [Notion-Version]
  consumes:
    - type: "http"
      namespace: "notion"
      baseUri: "https://api.example.com/v1/"
      authentication: {type: basic, username: scott, password: tiger}
      inputParameters:
        - {name: X-API-Version, in: header, value: "2026-03-03"}
"""

NEW = """\
ikanos: "1.0.0-beta5"
info: {display: register}
capability:
  exposes:
  - type: rest
    namespace: documentation
    port: 8081
    resources:
      notion:
        path: "/notion/{{path}}"
        display: "Pass-through"
        forward:
          targetNamespace: notion
          trustedHeaders:
          - Notion-Version
  consumes:
  - type: http
    namespace: notion
    baseUri: "http://host.example.com:8080/rest/Notion+API/1.0.0"
    authentication: {type: basic, username: scott, password: tiger}
    inputParameters:
      X-API-Version: {in: header, value: "2026-03-03"}
    resources:
      users:
        path: users/me
        operations:
          get-my-user: {method: GET}
"""


@given(st.text(alphabet="./\\%25eEfF;:a\u2025\uff0e\uff0f", max_size=24))
def test_a_path_that_is_passed_on_stays_below_however_often_it_is_decoded(rest: str) -> None:
    try:
        text = below(rest)
    except InputError:
        return
    before = ""
    while text != before:
        assert text.isascii() or before
        plain = re.sub(r";[^/]*", "", unicodedata.normalize("NFKC", text)).replace("\\", "/")
        assert f"{posixpath.normpath('/base/' + plain)}/".startswith("/base/"), text
        text, before = unquote(text), text


def only(plan: Plan) -> Forward:
    (listener,) = plan.listeners
    (forward,) = listener.forwards
    return forward


@pytest.mark.anyio
@pytest.mark.parametrize("text", [OLD, NEW])
async def test_both_shapes_of_the_language_pass_requests_on(text: str) -> None:
    headers = {"notion-version": "abc-123", "authorization": "Bearer mine"}
    async with running(text, echo, base_path="/rest/Notion+API/1.0.0") as whole:
        assert whole.plan.warnings == ()
        seen = (await whole.get("/notion/users/me?a=1&a=2", headers=headers)).json()
    assert seen["target"] == "/rest/Notion+API/1.0.0/users/me?a=1&a=2"
    assert values(seen, "notion-version") == ["abc-123"]
    assert values(seen, "x-api-version") == ["2026-03-03"]
    assert values(seen, "authorization") == ["Basic c2NvdHQ6dGlnZXI="]


@pytest.mark.anyio
async def test_a_base_uri_with_a_query_keeps_it() -> None:
    async with running(capability(), echo, base_path="/v1?version=7&a=") as whole:
        seen = (await whole.get("/api/x?version=8&b=1")).json()
    assert seen["target"] == "/v1/x?version=7&a=&b=1"


def test_an_api_that_is_only_passed_on_to_is_in_the_plan() -> None:
    plan = plan_of(capability())
    assert [upstream.namespace for upstream in plan.upstreams] == ["api"]
    assert "https://api.example.com" in plan.contacts
    assert plan.operations == {}


def test_nothing_is_passed_on_when_nobody_is_to_be_called() -> None:
    parsed = model.parse(document.parse(capability(), "cap.yaml"))
    plan = compile_capability(parsed, bindings.resolve(parsed, {}), mock=True)
    assert "nobody is called" in only(plan).unavailable
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("forward", "path", "why"),
    [
        ("{}", "/api/{path}", "it does not name a 'targetNamespace'"),
        ("{targetNamespace: apis}", "/api/{path}", "namespace 'apis'; did you mean 'api'?"),
        ("{targetNamespace: other}", "/api/{path}", "nothing is consumed under the namespace 'other'"),
        ("{targetNamespace: api}", "/api-{path}", "shares a segment with something else"),
        ("{targetNamespace: api}", "/{path}.json", "shares a segment with something else"),
        ("{targetNamespace: api}", "/{path}/{more+}", "more than one placeholder for the rest"),
    ],
)
def test_what_cannot_be_passed_on_is_said_and_kept_out_of_service(forward: str, path: str, why: str) -> None:
    plan = plan_of(capability(forward, path=path))
    (warning,) = plan.warnings
    assert (warning.code, why in warning.message) == ("CAP370", True), warning.message
    assert warning.place is not None
    assert why in only(plan).unavailable


@pytest.mark.parametrize(
    ("forward", "code", "message"),
    [
        ("api", "CAP107", "'forward' should be a mapping, and is text"),
        ("{targetNamespace: api, methods: [GTE]}", "CAP371", "'GTE' is not a method to forward"),
        ("{targetNamespace: api, methods: CONNECT}", "CAP371", "'CONNECT' is not a method to forward"),
        ("{targetNamespace: api, maxRequestSize: much}", "CAP374", "maxRequestSize: 'much' is not a size"),
    ],
)
def test_what_makes_no_sense_is_refused(forward: str, code: str, message: str) -> None:
    with pytest.raises(CapspecError) as caught:
        plan_of(capability(forward))
    (problem,) = caught.value.problems
    assert (problem.code, problem.message.startswith(message)) == (code, True)


@pytest.mark.parametrize(
    ("word", "more", "why"),
    [
        ("Connection", "", "it belongs to the connection"),
        ("Proxy-Authorization", "", "it belongs to the connection"),
        ("'X Y'", "", "it is not a name that a header can have"),
        (
            "Authorization",
            "      authentication: {type: bearer, token: a}",
            "authentication of 'api' sets it",
        ),
    ],
)
def test_a_trusted_header_that_cannot_be_passed_on_is_said(word: str, more: str, why: str) -> None:
    plan = plan_of(capability(f"{{targetNamespace: api, trustedHeaders: [X-Ok, {word}]}}", more=more))
    (warning,) = plan.warnings
    assert (warning.code, why in warning.message) == ("CAP373", True)
    assert only(plan).trusted_headers == ("x-ok",)


def test_a_guards_own_header_cannot_be_trusted() -> None:
    text = capability("{targetNamespace: api, trustedHeaders: [X-KEY]}").replace(
        "      namespace: r\n",
        "      namespace: r\n      authentication: {type: apikey, key: X-Key, value: abc}\n",
    )
    (warning,) = plan_of(text).warnings
    assert warning.code == "CAP373"
    assert "prove themselves" in warning.message


MIXED = """\
        - path: /api/{rest+}
          operations: [{method: GET, name: got, outputParameters: [{type: string, value: a}]}]
          forward: {targetNamespace: api, methods: [GET, POST, PUT]}
        - path: /api/{path}
          name: second
          forward: {targetNamespace: api}
"""


def test_each_method_of_a_path_is_taken_once() -> None:
    plan = plan_of(capability(path="/other") + MIXED)
    forwards = plan.listeners[0].forwards
    assert [forward.methods for forward in forwards[1:]] == [("POST", "PUT"), ("PATCH", "DELETE", "OPTIONS")]
    (warning,) = plan.warnings
    assert warning.code == "CAP372"
    assert "GET /api/{rest+}" in warning.message


def test_the_description_has_what_is_passed_on() -> None:
    text = capability(
        "{targetNamespace: api, trustedHeaders: [X-Tenant, Authorization]}", path="/t/{id}/{path}"
    )
    plan = plan_of(text + MIXED)
    described = describe(plan.listeners[0], plan)
    validate(described)
    assert set(described["paths"]) == {"/t/{id}/{path}", "/api/{rest}"}
    first = described["paths"]["/t/{id}/{path}"]
    assert set(first) == {"get", "post", "put", "patch", "delete"}
    parameters = [(item["name"], item["in"]) for item in first["get"]["parameters"]]
    assert parameters == [("id", "path"), ("path", "path"), ("x-tenant", "header"), ("query", "query")]
    assert "requestBody" in first["post"]
    assert set(described["paths"]["/api/{rest}"]) == {"get", "post", "put", "patch", "delete"}


def test_what_is_not_available_is_not_in_the_description() -> None:
    plan = plan_of(capability("{targetNamespace: other}"))
    assert describe(plan.listeners[0], plan)["paths"] == {}


def test_inspect_shows_what_is_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "cap.yaml"
    file.write_text(capability())
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(group, ["inspect", str(file)]).output
    assert "GET POST PUT PATCH DELETE HEAD OPTIONS" in " ".join(shown.split())
    assert "/api/{path+}" in shown
    (facts,) = json.loads(
        CliRunner(env={"COLUMNS": "200"}).invoke(group, ["inspect", "--json", str(file)]).output
    )
    (forward,) = facts["listeners"][0]["forwards"]
    assert (forward["path"], forward["target"], forward["unavailable"]) == ("/api/{path+}", "api", "")


@pytest.mark.anyio
async def test_the_banner_counts_what_is_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "cap.yaml"
    text = capability("{targetNamespace: other}", path="/other") + MIXED
    file.write_text(text.replace("      namespace: r\n", "      namespace: r\n      port: 0\n"))
    async with served(str(file)) as serving:
        (described,) = serving.banner["capabilities"]
    (endpoint,) = described["endpoints"]
    assert (endpoint["count"], described["unavailable"]) == (3, 1)
