"""The OpenAPI document of a listener: what it says, and that others can read it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from capspec.adapters.rest.openapi import describe, security_scheme
from capspec.plan import Flow, Inbound, Principal
from capspec.values import Json
from tests.adapters.rest_world import make_flow, make_input, make_listener, make_plan

SHIP = {"type": "object", "properties": {"imo": {"type": "string"}}, "required": ["imo"]}


class DescribedGuard:
    def __init__(self, **scheme: Json) -> None:
        self.security_scheme = scheme

    async def admit(self, request: Inbound) -> Principal:
        raise NotImplementedError


def described(*flows: Flow, guard: Any = None, mount: str = "/") -> dict[str, Any]:
    listener = make_listener(*flows, guard=guard, description="Ships and ports.")
    document = describe(listener, make_plan(listener), mount=mount)
    OpenAPIV31SpecValidator(document).validate()
    return document


def test_the_document_says_who_serves_what_where() -> None:
    document = described(make_flow("GET /a", tags=("ships", "ports")), mount="/world/")
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "The World", "version": "3.1.4", "description": "Ships and ports."}
    assert document["servers"] == [{"url": "/world"}]
    assert document["tags"] == [{"name": "ships"}, {"name": "ports"}]
    assert described()["servers"] == [{"url": "/"}]
    assert described()["paths"] == {}


def test_an_operation_has_its_words_and_its_arguments() -> None:
    flow = make_flow(
        "POST /ships/{imo}",
        make_input("imo", "path", pattern="^[0-9]+$", description="The number."),
        make_input("limit", "query", "integer", required=True, description="How many."),
        make_input("tags", "query", "array", items={"type": "string"}),
        make_input("filter", "query", "object"),
        make_input("tenant", "header", wire="X-Tenant"),
        make_input("auth", "header", wire="Authorization"),
        make_input("session", "cookie"),
        make_input("fixed", "query", constant=1),
        make_input("name", "body", required=True),
        make_input("size", "body", "number"),
        published="get-ship",
        title="A ship",
        description="One ship.",
        tags=("ships",),
        output_schema=SHIP,
    )
    operation = described(flow)["paths"]["/ships/{imo}"]["post"]
    assert operation["operationId"] == "get-ship"
    assert (operation["summary"], operation["description"], operation["tags"]) == (
        "A ship",
        "One ship.",
        ["ships"],
    )
    assert operation["parameters"] == [
        {"name": "imo", "in": "path", "required": True, "description": "The number.",
         "schema": {"type": "string", "pattern": "^[0-9]+$"}},
        {"name": "limit", "in": "query", "required": True, "description": "How many.",
         "schema": {"type": "integer"}},
        {"name": "tags", "in": "query", "required": False,
         "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "filter", "in": "query", "required": False,
         "content": {"application/json": {"schema": {"type": "object"}}}},
        {"name": "X-Tenant", "in": "header", "required": False, "schema": {"type": "string"}},
        {"name": "session", "in": "cookie", "required": False, "schema": {"type": "string"}},
    ]  # fmt: skip
    body = operation["requestBody"]
    assert body["required"] is True
    assert list(body["content"]) == ["application/json", "application/x-www-form-urlencoded"]
    assert body["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "number"}},
        "required": ["name"],
    }
    assert operation["responses"]["2XX"]["content"] == {"application/json": {"schema": SHIP}}
    assert set(operation["responses"]) == {"2XX", "400", "default"}


def test_a_whole_body_is_described_by_its_own_schema() -> None:
    flow = make_flow("PUT /a", make_input("it", "body", "array", whole=True, required=True))
    body = described(flow)["paths"]["/a"]["put"]["requestBody"]
    assert body == {"required": True, "content": {"application/json": {"schema": {"type": "array"}}}}


def test_what_is_passed_on_is_described_as_free() -> None:
    document = described(
        make_flow("POST /a", open_query=True, open_body=True, identity=True, calls=(object(),)),
        make_flow("POST /b", make_input("x", "body"), open_body=True),
        make_flow("GET /c", open_body=True),
    )
    free = document["paths"]["/a"]["post"]
    assert free["parameters"][0]["schema"]["additionalProperties"] == {"type": "string"}
    assert set(free["requestBody"]["content"]) == {"application/json", "*/*"}
    assert list(free["responses"]["2XX"]["content"]) == ["*/*"]
    fields = document["paths"]["/b"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert fields["additionalProperties"]["description"]
    assert "requestBody" not in document["paths"]["/c"]["get"]


def test_placeholders_keep_their_names_and_a_greedy_one_is_noted() -> None:
    document = described(
        make_flow("GET /o/{@odata.type}/{user-id}"),
        make_flow("GET /files/{path+}"),
        make_flow("GET /me/tz(Zone='{Zone}')"),
        make_flow("GET /{id}/x/{id}"),
    )
    assert list(document["paths"]) == [
        "/o/{@odata.type}/{user-id}", "/files/{path}", "/me/tz(Zone='{Zone}')", "/{id}/x/{id-2}",
    ]  # fmt: skip
    greedy = document["paths"]["/files/{path}"]["get"]["parameters"][0]
    assert (greedy["name"], greedy["description"]) == ("path", "It may hold slashes, sent as they are.")


def test_routes_that_differ_in_placeholder_names_only_are_one_path() -> None:
    document = described(
        make_flow("GET /ads/{ad_id}", make_input("ad", "path", "integer", wire="ad_id"), name="get"),
        make_flow("PUT /ads/{ad_set_id}", make_input("set", "path", "number", wire="ad_set_id"), name="put"),
        make_flow("GET /ads/{other}", name="never"),
    )
    assert list(document["paths"]) == ["/ads/{ad_id}"]
    item = document["paths"]["/ads/{ad_id}"]
    assert [item[method]["parameters"][0]["name"] for method in ("get", "put")] == ["ad_id", "ad_id"]
    assert item["put"]["parameters"][0]["schema"] == {"type": "number"}
    assert item["get"]["operationId"] == "get"


def test_operation_ids_are_unique_and_flows_that_cannot_work_are_left_out() -> None:
    document = described(
        make_flow("GET /a", published="list"),
        make_flow("GET /b", published="list"),
        make_flow("GET /c", published="list-2"),
        make_flow("GET /d", published="never", unavailable="it calls nothing"),
    )
    ids = [item["get"]["operationId"] for item in document["paths"].values()]
    assert ids == ["list", "list-2", "list-2-2"]


@pytest.mark.parametrize(
    "scheme",
    [
        {"type": "http", "scheme": "bearer"},
        {"type": "http", "scheme": "basic"},
        {"type": "apiKey", "in": "header", "name": "X-Key"},
    ],
)
def test_a_guard_is_described(scheme: dict[str, Json]) -> None:
    document = described(make_flow("GET /a"), guard=DescribedGuard(**scheme))
    assert document["components"]["securitySchemes"] == {"caller": scheme}
    assert document["security"] == [{"caller": []}]
    assert document["paths"]["/a"]["get"]["responses"]["401"]["$ref"].endswith("/Unauthorized")


def test_a_guard_that_says_nothing_is_no_scheme() -> None:
    class Silent:
        async def admit(self, request: Inbound) -> Principal:
            raise NotImplementedError

    assert security_scheme(make_listener(guard=Silent())) is None
    assert "security" not in described(make_flow("GET /a"), guard=Silent())


_SEGMENT = st.sampled_from(["a", "b c", "ü", "{x}", "{user-id}", "{x}.{y}", "q{x}", "{path+}", "50%"])
_INPUTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b-c", "@d", "x"]),
        st.sampled_from(["query", "header", "cookie", "body", "form"]),
        st.sampled_from(["string", "integer", "object", "array", ""]),
        st.booleans(),
    ),
    max_size=4,
)


@st.composite
def _flows(draw: st.DrawFn) -> Flow:
    path = "/" + "/".join(draw(st.lists(_SEGMENT, max_size=3)))
    method = draw(st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]))
    inputs: list[Any] = [
        make_input(name, location, kind, required=required)  # type: ignore[arg-type]
        for name, location, kind, required in draw(_INPUTS)
    ]
    return make_flow(
        f"{method} {path}", *inputs, open_query=draw(st.booleans()), open_body=draw(st.booleans())
    )


@given(st.lists(_flows(), max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_listener_has_a_valid_document(flows: list[Flow]) -> None:
    assert described(*flows)["openapi"] == "3.1.0"
