"""Every odd way of writing that public files have: what reaches the upstream, in both shapes of a file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from capspec import app
from capspec.cli import group
from capspec.plan import Call
from tests.oddity_world import as_maps, capability, consumed, exposed, line_of, operation, passing, world
from tests.whole import plan_of

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("shaped", [dict, as_maps], ids=["lists", "maps"])


@dataclass
class Row:
    """One way of writing. `rest` and `tool` ask for the same, so that both send `sends` (and `body`)."""

    id: str
    sends: str
    rest: str = ""
    tool: dict[str, Any] | None = None
    body: Any = None
    given: Any = None
    path: str = "/x"
    method: str = "GET"
    op: dict[str, Any] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)
    flow: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    sent_headers: dict[str, str | None] = field(default_factory=dict)

    @property
    def file(self) -> dict[str, Any]:
        target = operation(**{"method": self.method, **self.op})
        return capability(
            [consumed(self.path, target, **self.api)], exposed(**{"method": self.method, **self.flow})
        )


def q(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", **more}


def in_body(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "body", **more}


def in_path(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "path", **more}


def in_header(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", **more}


def inputs(*items: dict[str, Any]) -> dict[str, Any]:
    return {"inputParameters": list(items)}


def json_body(data: Any) -> dict[str, Any]:
    return {"body": {"type": "json", "data": data}}


def key(name: str, placement: str, **more: Any) -> dict[str, Any]:
    return {
        "authentication": {"type": "apikey", "key": name, "value": "s3cret", "placement": placement, **more}
    }


BEARER = {"authentication": {"type": "bearer", "token": "t0ken"}}

PATHS = [
    Row("declared nowhere", "GET /a/7/b", "GET /r?id=7", {"id": "7"}, path="/a/{id}/b"),
    Row("declared nowhere, in the REST path", "GET /a/7/b", "GET /r/7", {"id": "7"}, path="/a/{id}/b", flow={"path": "/r/{id}"}),
    Row("spelt in lower case by REST", "GET /f/7", "GET /r/7", {"fieldIdOrKey": "7"}, path="/f/{fieldIdOrKey}",
        flow={"path": "/r/{fieldidorkey}", "with": {"fieldIdOrKey": "@.fieldIdOrKey"}}),
    Row("snake upstream, kebab in REST", "GET /a/7", "GET /r/7", {"account_id": "7"}, path="/a/{account_id}", flow={"path": "/r/{account-id}"}),
    Row("kebab upstream, camel in `with`", "GET /a/7", "GET /r/7", {"accountId": "7"}, path="/a/{account-id}",
        flow={"path": "/r/{accountId}", "with": {"accountId": "@.accountId"}}),
    Row("parameter spelt unlike its placeholder", "GET /a/7", "GET /r/7", {"user_id": "7"}, path="/a/{userId}", op=inputs(in_path("user_id", type="integer")),
        flow={"path": "/r/{user_id}"}),
    Row("input spelt unlike the placeholder", "GET /a/7", "GET /r/7", {"user_id": "7"}, path="/a/{userId}",
        flow={"path": "/r/{user_id}", **inputs({"name": "user_id", "in": "path", "type": "string"})}),
    Row("other names, by position", "GET /a/7/b/8", "GET /r/7/8", {"one": "7", "two": "8"}, path="/a/{one}/b/{two}", flow={"path": "/r/{x}/{y}"}),
    Row("mustache in both paths", "GET /p/7", "GET /r/7", {"patient_id": "7"}, path="/p/{{patient_id}}", flow={"path": "/r/{{patient_id}}"}),
    Row("mustache with blanks", "GET /p/7", "GET /r/7", {"id": "7"}, path="/p/{{ id }}", flow={"path": "/r/{{ id }}"}),
    Row("part of a segment", "GET /p/v7.json", "GET /r/7.json", {"id": "7"}, path="/p/v{id}.json", flow={"path": "/r/{id}.json"}),
    Row("OData key", "GET /c(7)/up", "GET /r/7", {"company_id": "7"}, path="/c({company_id})/up", flow={"path": "/r/{company_id}"}),
    Row("OData key in quotes", "GET /z(T='a%27b')", "GET /r/a%27b", {"T": "a'b"}, path="/z(T='{T}')", flow={"path": "/r/{T}"}),
    Row("OData function in the REST path", "GET /z(T='A')", "GET /r(T='A')", {"T": "A"}, path="/z(T='{T}')", flow={"path": "/r(T='{T}')"}),
    Row("$ and ( ) stay", "GET /$svn/act/", "GET /r", {}, path="/$svn/act/"),
    Row(":verb", "POST /w/7:ping", "POST /r/7:ping", {"id": "7"}, path="/w/{id}:ping", method="POST", flow={"path": "/r/{id}:ping"}),
    Row("/:connect is text", "GET /oauth/:connect", "GET /r", {}, path="/oauth/:connect"),
    Row("{Key+} keeps its slashes", "GET /B/a/b%20c", "GET /r?Bucket=B&Key=a/b%20c", {"Bucket": "B", "Key": "a/b c"}, path="/{Bucket}/{Key+}"),
    Row("{+key}", "GET /a/b/c", "GET /r?key=b/c", {"key": "b/c"}, path="/a/{+key}"),
    Row("{name=*}", "GET /v1/x%2Fy", "GET /r?name=x/y", {"name": "x/y"}, path="/v1/{name=*}"),
    Row("{name=things/**}", "GET /v1/x/y", "GET /r?name=x/y", {"name": "x/y"}, path="/v1/{name=things/**}"),
    Row("dotted placeholder", "GET /a/7", "GET /r/7", {"a.b": "7"}, path="/a/{a.b}", flow={"path": "/r/{a.b}"}),
    Row("placeholder with a blank", "GET /a/7", "GET /r?the%20id=7", {"the-id": "7"}, path="/a/{the id}"),
    Row("same placeholder twice", "GET /a/7/b/7", "GET /r/7", {"id": "7"}, path="/a/{id}/b/{id}", flow={"path": "/r/{id}"}),
    Row("query in the path", "GET /b?partNumber=1&uploadId=u%2F", "GET /r?partNumber=1&uploadId=u/", {"partNumber": "1", "uploadId": "u/"},
        path="/b?partNumber={partNumber}&uploadId={uploadId}"),
    Row("constant query in the path", "GET /b?acl=&v=2", "GET /r", {}, path="/b?acl&v=2"),
    Row("query in the path, one of it not given", "GET /b?acl=", "GET /r", {}, path="/b?acl&marker={marker}"),
    Row("placeholder wins over in: query", "GET /b?uploadId=u", "GET /r?uploadId=u", {"uploadId": "u"}, path="/b?uploadId={uploadId}", op=inputs(q("uploadId", required=True))),
    Row("placeholder wins over in: header", "GET /b/u", "GET /r?id=u", {"id": "u"}, path="/b/{id}", op=inputs(in_header("id"))),
    Row("#discriminator", "DELETE /t/arn", "DELETE /r/arn", {"arn": "arn"}, path="/t/{arn}#tagKeys", method="DELETE", flow={"path": "/r/{arn}#tagKeys"}),
    Row("# and ? in the REST path take no part", "GET /t/7", "GET /r/7", {"id": "7"}, path="/t/{id}", flow={"path": "/r/{id}?full=true#x"}),
    Row("blank in the path", "GET /v1/Invoice%20Items", "GET /r", {}, path="/v1/Invoice Items"),
    Row("slash at the end", "GET /a/", "GET /r", {}, path="/a/"),
    Row("only a slash", "GET ", "GET /r", {}, path="/"),
    Row("double slash", "GET /a//b", "GET /r", {}, path="/a//b"),
    Row("no slash at the start", "GET /api/users/7", "GET /r/7", {"id": "7"}, path="api/users/{id}", flow={"path": "r/{id}"}),
    Row("an author's own encoding stays", "GET /a%2Fb", "GET /r", {}, path="/a%2Fb"),
    Row("a value is encoded once", "GET /a/x%252Fy%20%C3%A9", "GET /r/x%252Fy%20%C3%A9", {"id": "x%2Fy é"}, path="/a/{id}", flow={"path": "/r/{id}"}),
    Row("path parameter that the path lacks", "GET /consents/7", "GET /r/7", {"consent_id": "7"}, path="/consents", op=inputs(in_path("consent_id", required=True)),
        flow={"path": "/r/{consent_id}", "with": {"consent_id": "@.consent_id"}}),
    Row("two that the path lacks, in order", "GET /packages/o/p", "GET /r?org=o&name=p", {"org": "o", "name": "p"}, path="/packages",
        op=inputs(in_path("org", required=True), in_path("name", required=True))),
    Row("path value written in the file", "GET /ships/7/42", "GET /r/7", {"id": "7"}, path="/ships/{id}/{tenant}", op=inputs(in_path("tenant", value="42")), flow={"path": "/r/{id}"}),
    Row("typed reference to the path", "GET /s/7", "GET /r/7", {"shipmentId": "7"}, path="/s/{id}", flow={"path": "/r/{shipmentId}", "with": {"id": "@.path.shipmentId"}}),
    Row("`with` without a value", "GET /o/a/7", "GET /r/a/7", {"owner": "a", "repo": "7"}, path="/o/{owner}/{repo}",
        flow={"path": "/r/{owner}/{repo}", "with": {"owner": "@.owner", "repo": None}}),
]  # fmt: skip

QUERIES = [
    Row("array repeats its name", "GET /x?id=a&id=b", "GET /r?id=a&id=b", {"id": ["a", "b"]}, op=inputs(q("id", type="array"))),
    Row("array by commas in REST", "GET /x?id=a&id=b", "GET /r?id=a,b", {"id": ["a", "b"]}, op=inputs(q("id", type="array"))),
    Row("array whose name has brackets", "GET /x?ids%5B%5D=a&ids%5B%5D=b", "GET /r?ids[]=a&ids[]=b", {"ids": ["a", "b"]}, op=inputs(q("ids[]", type="array"))),
    Row("object is deepObject", "GET /x?holder%5Bname%5D=n", 'GET /r?holder={"name":"n"}', {"holder": {"name": "n"}}, op=inputs(q("holder", type="object"))),
    Row("nested object", "GET /x?f%5Ba%5D%5Bb%5D=1", 'GET /r?f={"a":{"b":1}}', {"f": {"a": {"b": 1}}}, op=inputs(q("f", type="object"))),
    Row("OData name, under its alias", "GET /x?%24filter=a+eq+1", "GET /r?$filter=a%20eq%201", {"filter": "a eq 1"}, op=inputs(q("$filter"))),
    Row("OData name, as it is", "GET /x?%24select=a", "GET /r?$select=a", {"$select": "a"}, op=inputs(q("$select")), flow={"with": {"$select": "@.$select"}}),
    Row("dotted name is one name", "GET /x?account.name=a", "GET /r?account.name=a", {"account.name": "a"}, op=inputs(q("account.name")),
        flow={"with": {"account.name": "@.account.name"}}),
    Row("name with an index", "GET /x?ids%5B0%5D.p=a", "GET /r?ids[0].p=a", {"ids-0-.p": "a"}, op=inputs(q("ids[0].p")), flow={"with": {"ids[0].p": "@.ids[0].p"}}),
    Row("name with @", "GET /x?%40odata.type=a", "GET /r?@odata.type=a", {"odata.type": "a"}, op=inputs(q("@odata.type"))),
    Row("what is not given is not sent", "GET /x?a=1", "GET /r?a=1", {"a": "1"}, op=inputs(q("a"), q("b")), flow={"with": {"a": "@.a", "b": "@.b"}}),
    Row("nothing given at all", "GET /x", "GET /r", {}, op=inputs(q("a"), q("b")), flow={"with": {"a": "@.a", "b": "@.b"}}),
    Row("argument of another name", "GET /x?limit=5", "GET /r?max=5", {"max": "5"}, op=inputs(q("limit")), flow={"with": {"limit": "@.max"}}),
    Row("`with` spelt unlike the parameter", "GET /x?user_id=5", "GET /r?userId=5", {"userId": "5"}, op=inputs(q("user_id")), flow={"with": {"userId": "@.userId"}}),
    Row("`with` key of nobody's, on GET", "GET /x?extra=5", "GET /r?extra=5", {"extra": "5"}, flow={"with": {"extra": "@.extra"}}),
    Row("inputs and no `with`", "GET /x?a=1&b=2", "GET /r?a=1&b=2", {"a": "1", "b": "2"}, flow=inputs({"name": "a", "type": "string"}, {"name": "b", "type": "string"})),
    Row("mcp. for the caller's arguments", "GET /x?a=1", "", {"a": "1"}, op=inputs(q("a")), flow={"with": {"a": "mcp.a"}}),
    Row("$this and the adapter's namespace", "GET /x?a=1", "", {"a": "1"}, op=inputs(q("a")), flow={"with": {"a": "$this.n-mcp.a"}}),
    Row("the adapter's namespace", "GET /x?a=1", "", {"a": "1"}, op=inputs(q("a")), flow={"with": {"a": "n-mcp.a"}}),
    Row("typed reference to the query", "GET /x?cursor=c", "GET /r?cursor=c", None, op=inputs(q("cursor")), flow={"with": {"cursor": "@.query.cursor"}}),
    Row("reference with a line break in its name", "GET /x?item=5", "", {"inventory_item_id-required": "5"}, op=inputs(q("item")),
        flow={"with": {"item": "@.inventory_item_id\n    required"}}),
    Row("constant in `with`", "GET /x?v=json&n=5", "GET /r", {}, op=inputs(q("v"), q("n")), flow={"with": {"v": "json", "n": 5}}),
    Row("list in `with`", "GET /x?v=a&v=1", "GET /r?one=1", {"one": "1"}, op=inputs(q("v")), flow={"with": {"v": ["a", "@.one"]}}),
    Row("path first, of a name in two places", "GET /x/1", "GET /r/1", {"id": "1"}, path="/x/{id}", op=inputs(in_path("id"), q("id")), flow={"path": "/r/{id}"}),
    Row("base URI with a query", "GET /x?token=abc&a=1", "GET /r?a=1", {"a": "1"}, op=inputs(q("a")), api={"baseUri": "http://up.test/base?token=abc"}),
    Row("base URI that ends in a slash", "GET /x", "GET /r", {}, api={"baseUri": "http://up.test/base/"}),
    Row("open query of a target that says nothing", "GET /x?a=1&a=2&b=3", "GET /r?a=1&a=2&b=3", {"a": ["1", "2"], "b": "3"}),
]  # fmt: skip

BODIES = [
    Row("`body` is the body", "POST /x", "POST /r", {"body": {"a": 1}}, {"a": 1}, {"a": 1}, method="POST", op=inputs(in_body("body", type="object", required=True)),
        flow={"with": {"body": "@.body"}}),
    Row("`body` is a list", "POST /x", "POST /r", {"body": [1, 2]}, [1, 2], [1, 2], method="POST", op=inputs(in_body("body", type="array"))),
    Row("`body` typed string, given an object", "POST /x", "POST /r", {"body": {"a": 1}}, {"a": 1}, {"a": 1}, method="POST", op=inputs(in_body("body", type="string"))),
    Row("Swagger's body under its own name", "POST /x", "POST /r", {"BillPayRequest": {"a": 1}}, {"a": 1}, {"a": 1}, method="POST",
        op=inputs(in_body("BillPayRequest", type="string"))),
    Row("one field", "POST /x", "POST /r", {"email": "e"}, {"email": "e"}, {"email": "e"}, method="POST", op=inputs(in_body("email", type="string"))),
    Row("one field that is a list", "POST /x", "POST /r", {"Tags": ["a"]}, {"Tags": ["a"]}, {"Tags": ["a"]}, method="POST", op=inputs(in_body("Tags", type="array"))),
    Row("several fields", "PUT /x", "PUT /r", {"a": "1", "b": 2}, {"a": "1", "b": 2}, {"a": "1", "b": 2}, method="PUT", op=inputs(in_body("a"), in_body("b", type="integer"))),
    Row("no way to give a body", "POST /x", "POST /r", {"body": {"a": 1}}, {"a": 1}, {"a": 1}, method="POST"),
    Row("no way to give a body, field by field", "PATCH /x", "PATCH /r", {"a": 1, "b": [2]}, {"a": 1, "b": [2]}, {"a": 1, "b": [2]}, method="PATCH"),
    Row("type without data", "POST /x", "POST /r", {"a": 1}, {"a": 1}, {"a": 1}, method="POST", op={"body": {"type": "json"}}),
    Row("data is empty", "POST /x", "POST /r", {"a": 1}, {"a": 1}, {"a": 1}, method="POST", op=json_body({})),
    Row("template inserts typed values", "POST /x", "POST /r", {"n": 5, "o": {"k": [1]}}, {"n": 5, "o": {"k": [1]}}, {"n": 5, "o": {"k": [1]}}, method="POST",
        op=json_body({"n": "{{tools.n}}", "o": "{{tools.o}}"})),
    Row("what is absent leaves its key out", "POST /x", "POST /r", {"a": "1"}, {"a": "1"}, {"a": "1"}, method="POST", op=json_body({"a": "{{tools.a}}", "b": "{{tools.b}}"})),
    Row("text of JSON, values encoded", "POST /x", "POST /r", {"ids": ["a", 'b"'], "n": "x"}, {"ids": ["a", 'b"'], "name": "x!"}, {"ids": ["a", 'b"'], "n": "x"}, method="POST",
        op={"body": '{"ids": {{ids}}, "name": "{{n}}!"}'}),
    Row("values that look like templates stay", "POST /x", "POST /r", {"a": "{{b}} rest.x"}, {"a": "{{b}} rest.x"}, {"a": "{{b}} rest.x"}, method="POST", op=json_body({"a": "{{tools.a}}"})),
    Row("template beside parameters, sent once", "POST /x", "POST /r", {"a": "1"}, {"a": "1"}, {"a": "1"}, method="POST", op={**inputs(in_body("a", required=True)), **json_body({"a": "{{tools.a}}"})}),
    Row("parameter that the template leaves out", "POST /x", "POST /r", {"a": "1", "b": "2"}, {"a": "1", "b": "2"}, {"a": "1", "b": "2"}, method="POST",
        op={**inputs(in_body("a"), in_body("b")), **json_body({"a": "{{tools.a}}"})}),
    Row("`with` key that the template leaves out", "POST /x", "POST /r", {"a": "1", "b": "2"}, {"a": "1", "b": "2"}, {"a": "1", "b": "2"}, method="POST",
        op=json_body({"a": "{{tools.a}}"}), flow={"with": {"a": "@.a", "b": "@.b"}}),
    Row("`with` key that the template reads by another name", "POST /x", "POST /r/7", {"appId": "7"}, {"appId": "7"}, method="POST",
        op=json_body({"appId": "{{tools.app_id}}"}), flow={"path": "/r/{appId}", "with": {"appId": "@.appId"}}),
    Row("`with` key of nobody's, on POST", "POST /x", "POST /r", {"image_url": "u"}, {"image_url": "u"}, {"image_url": "u"}, method="POST", flow={"with": {"image_url": "@.image_url"}}),
    Row("`with` key of a placeholder", "POST /u/7/media", "POST /r?user_id=7", {"user_id": "7", "u": "x"}, {"u": "x"}, {"u": "x"}, path="/u/{user_id}/media", method="POST",
        flow={"with": {"user_id": "@.user_id", "u": "@.u"}}),
    Row("GET with fields of a body", "GET /x", "GET /r?a=1", {"a": "1"}, {"a": "1"}, method="GET", op=inputs(in_body("a"))),
    Row("DELETE with a body", "DELETE /x", "DELETE /r", {"body": {"ids": [1]}}, {"ids": [1]}, {"ids": [1]}, method="DELETE", op=inputs(in_body("body", type="object"))),
    Row("GET of a POST target sends fields", "POST /x", "GET /r?a=1", {"a": "1"}, {"a": "1"}, op={"method": "POST", **inputs(in_body("a"))}, flow={"method": "GET"}),
]  # fmt: skip

CREDENTIALS = [
    Row("Authorization parameter beside a bearer", "POST /x", "POST /r", {"body": {"a": 1}}, {"a": 1}, {"a": 1}, method="POST", api=BEARER,
        op=inputs(in_header("Authorization", required=True), in_body("body", type="object")),
        flow={"with": {"Authorization": "@.Authorization", "body": "@.body"}}, sent_headers={"authorization": "Bearer t0ken"}),
    Row("Authorization in `with` alone", "GET /x", "GET /r", {}, api=BEARER, flow={"with": {"Authorization": "@.Authorization"}}, sent_headers={"authorization": "Bearer t0ken"}),
    Row("Authorization without authentication", "GET /x", "GET /r", {"Authorization": "mine"}, op=inputs(in_header("Authorization")), headers={"authorization": "mine"},
        sent_headers={"authorization": "mine"}),
    Row("key in the query that is a parameter too", "GET /x?a=1&api_key=s3cret", "GET /r?a=1", {"a": "1"}, api=key("api_key", "query"),
        op=inputs(q("api_key", required=True), q("a")), flow={"with": {"api_key": "@.api_key", "a": "@.a"}}),
    Row("key in the path's query", "GET /x?key=s3cret", "GET /r", {}, path="/x?key={key}", api=key("key", "query")),
    Row("key in the body that is a parameter too", "POST /x", "POST /r", {"hash": "h"}, {"hash": "h", "apikey": "s3cret"}, {"hash": "h"}, method="POST", api=key("apikey", "body"),
        op=inputs(in_body("apikey", required=True), in_body("hash"))),
    Row("key in the body that is written out too", "POST /x", "POST /r", {"hash": "h"}, {"hash": "h", "apikey": "s3cret"}, {"hash": "h"}, method="POST", api=key("apikey", "body"),
        op=json_body({"apikey": "{{tools.apikey}}", "hash": "{{tools.hash}}"}), flow={"with": {"apikey": "@.apikey", "hash": "@.hash"}}),
    Row("key in a cookie", "GET /x", "GET /r", {}, api=key("sid", "cookie"), op=inputs({"name": "sid", "in": "cookie", "required": True}), sent_headers={"cookie": "sid=s3cret"}),
    Row("the words of OpenAPI", "GET /x", "GET /r", {}, api={"authentication": {"type": "apikey", "in": "header", "name": "X-Key", "value": "s3cret"}}, sent_headers={"x-key": "s3cret"}),
    Row("header and key", "GET /x", "GET /r", {}, api={"authentication": {"type": "apiKey", "header": "X-Key", "key": "s3cret"}}, sent_headers={"x-key": "s3cret"}),
    Row("placement left out", "GET /x", "GET /r", {}, api={"authentication": {"type": "apikey", "key": "X-Key", "value": "s3cret"}}, sent_headers={"x-key": "s3cret"}),
    Row("two headers at once", "GET /x", "GET /r", {}, api={"authentication": {"type": "apikey", "headers": {"A-KEY": "1", "B-KEY": "2"}}}, sent_headers={"a-key": "1", "b-key": "2"}),
    Row("type header", "GET /x", "GET /r", {}, api={"authentication": {"type": "header", "header": "X-K", "value": "Token s3cret"}}, sent_headers={"x-k": "Token s3cret"}),
    Row("type query", "GET /x?client_id=1&client_secret=2", "GET /r", {},
        api={"authentication": {"type": "query", "parameters": [{"name": "client_id", "value": "1"}, {"name": "client_secret", "value": "2"}]}}),
    Row("bearer with `value`", "GET /x", "GET /r", {}, api={"authentication": {"type": "bearer", "value": "t0ken"}}, sent_headers={"authorization": "Bearer t0ken"}),
    Row("auth for authentication", "GET /x", "GET /r", {}, api={"auth": {"type": "bearer", "token": "t0ken"}}, sent_headers={"authorization": "Bearer t0ken"}),
    Row("headers of the whole API", "GET /x", "GET /r", {}, api={"headers": {"anthropic-version": "2023-06-01"}}, sent_headers={"anthropic-version": "2023-06-01"}),
    Row("constant header parameter of the API", "GET /x", "GET /r", {}, api=inputs(in_header("X-V", value="2")), sent_headers={"x-v": "2"}),
    Row("Accept as a parameter", "GET /x", "GET /r", {"Accept": "text/x"}, op=inputs(in_header("Accept", required=True)), headers={"accept": "text/x"}, sent_headers={"accept": "text/x"}),
    Row("header parameter", "GET /x", "GET /r", {"If-Match": '"1"'}, op=inputs(in_header("If-Match")), headers={"if-match": '"1"'}, sent_headers={"if-match": '"1"'}),
    Row("typed reference to a header", "GET /x", "GET /r", None, op=inputs(in_header("X-V")), flow={"with": {"X-V": "@.header.x-rutter-version"}}, headers={"x-rutter-version": "3"},
        sent_headers={"x-v": "3"}),
]  # fmt: skip

ROWS = [*PATHS, *QUERIES, *BODIES, *CREDENTIALS]


@BOTH
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_what_is_asked_for_reaches_the_upstream_as_its_file_means_it(row: Row, shaped: Any) -> None:
    async with world(shaped(row.file)) as here:
        if row.tool is not None:
            judge(row, await here.tool(row.tool))
        if row.rest:
            reply = await here.rest(row.rest, row.given, row.headers)
            assert reply.status == 200, reply.body
            judge(row, here.sent)


def judge(row: Row, sent: Any) -> None:
    assert line_of(sent) == row.sends
    assert sent.json == row.body
    for name, wanted in row.sent_headers.items():
        assert [value for key, value in sent.headers if key.lower() == name] == (
            [] if wanted is None else [wanted]
        )


# -- calls that lead nowhere, or to more than one place ---------------------------------------------------


def two_tools(first: str, second: str = "up.op") -> list[dict[str, Any]]:
    routes = [
        {"name": name, "path": f"/{name}", "operations": [{"name": name, "method": "GET", "call": call}]}
        for name, call in (("broken", first), ("good", second))
    ]
    tools = [
        {"name": name, "description": "d", "call": call}
        for name, call in (("broken", first), ("good", second))
    ]
    return [
        {"type": "rest", "namespace": "n-rest", "port": 8080, "resources": routes},
        {"type": "mcp", "namespace": "n-mcp", "port": 9090, "tools": tools},
    ]


@BOTH
@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("up.opp", "there is no operation 'up.opp'"),
        ("down.op", "nothing is consumed under the namespace 'down'"),
        ("", "the call names no operation"),
    ],
)
async def test_what_calls_something_that_is_not_there_is_left_out_and_the_rest_works(call, said, shaped):
    async with world(shaped(capability([consumed()], two_tools(call)))) as here:
        assert list(here.tools) == ["good"]
        assert said in here.flow("mcp", "broken").unavailable
        assert said in here.warnings
        reply = await here.rest("GET /broken")
        assert (reply.status, reply.problem["code"]) == (503, "CAP609")
        assert here.nothing_sent
        assert (await here.rest("GET /good")).status == 200
        assert line_of(here.sent) == "GET /x"


def test_inspect_says_what_is_not_available_and_why(tmp_path: Path):
    file = tmp_path / "cap.yaml"
    file.write_text(yaml.safe_dump(capability([consumed()], two_tools("up.opp"))))
    result = CliRunner().invoke(group, ["inspect", str(file)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "not available: there is no operation 'up.opp'" in result.stdout


async def test_the_namespace_that_has_the_operation_is_named():
    api = consumed("/x", operation("list-videos"), operation("list-video"))
    async with world(capability([api], two_tools("youtube.list-videos", "up.list-videos"))) as here:
        assert "did you mean 'up.list-videos'?" in here.warnings


async def test_an_operation_may_be_called_with_its_resource_or_by_its_bare_name():
    async with world(capability([consumed()], two_tools("up.things.op", "op"))) as here:
        assert list(here.tools) == ["broken", "good"]


async def test_names_of_operations_and_namespaces_may_hold_anything():
    api = {**consumed("/x", operation("get v1.0_(x)")), "namespace": "My API 2.0"}
    async with world(capability([api], two_tools("My API 2.0.get v1.0_(x)", "My API 2.0.nothing"))) as here:
        assert list(here.tools) == ["broken"]


@BOTH
async def test_callers_of_one_ambiguous_name_mean_its_declarations_in_order(shaped):
    resources = [
        {"name": f"r{number}", "path": f"/{number}", "operations": [operation("post", "POST")]}
        for number in range(3)
    ]
    api = {**consumed(), "resources": resources}
    tools = [{"name": f"t{number}", "description": "d", "call": "up.post"} for number in range(3)]
    async with world(
        shaped(capability([api], [{"type": "mcp", "namespace": "m", "port": 1, "tools": tools}]))
    ) as here:
        assert [line_of(await here.tool({}, f"t{number}")) for number in range(3)] == [
            "POST /0",
            "POST /1",
            "POST /2",
        ]


async def test_one_caller_of_an_ambiguous_name_gets_the_first():
    api = {**consumed(), "resources": [*consumed("/1")["resources"], *consumed("/2")["resources"]]}
    async with world(capability([api], exposed())) as here:
        assert line_of(await here.tool({})) == "GET /1"


async def test_a_flow_without_a_call_answers_what_it_says_and_otherwise_is_not_available():
    tools = [
        {
            "name": "says",
            "description": "d",
            "outputParameters": [{"name": "x", "type": "string", "value": "hi"}],
        },
        {"name": "mute", "description": "d", "outputParameters": [{"type": "object", "mapping": "$."}]},
    ]
    async with world(
        capability([consumed()], [{"type": "mcp", "namespace": "m", "port": 1, "tools": tools}])
    ) as here:
        assert list(here.tools) == ["says"]


async def test_of_routes_that_are_the_same_the_first_answers():
    routes = [
        {"name": "a", "path": "/{ad_id}", "operations": [{"name": "a", "method": "GET", "call": "up.a"}]},
        {"name": "b", "path": "/{ad_set_id}", "operations": [{"name": "b", "method": "GET", "call": "up.b"}]},
        {"name": "a2", "path": "/{ad_id}", "operations": [{"name": "a", "method": "POST", "call": "up.b"}]},
    ]
    api = consumed("/x", operation("a"), operation("b", path="/y"))
    async with world(
        capability([api], [{"type": "rest", "namespace": "n", "port": 1, "resources": routes}])
    ) as here:
        await here.rest("GET /1")
        assert line_of(here.sent) == "GET /x"
        assert "exposed twice" in here.warnings


async def test_operations_with_one_route_upstream_are_told_apart_by_their_names():
    one = operation("describe", "POST", inputParameters=[in_header("X-Amz-Target", value="Describe")])
    two = operation("delete", "POST", inputParameters=[in_header("X-Amz-Target", value="Delete")])
    async with world(capability([consumed("/", one, two)], two_tools("up.describe", "up.delete"))) as here:
        assert dict((await here.tool({}, "good")).headers)["X-Amz-Target"] == "Delete"


# -- paths of operations ----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("resource", "own", "sends"),
    [
        ("/2", "/tweets", "GET /2/tweets"),
        ("/advisories", "/{advisory_id}", "GET /advisories/7"),
        ("/BusinessPartners", "/('{advisory_id}')", "GET /BusinessPartners/('7')"),
        ("/a", "/", "GET /a"),
        ("/", "/{advisory_id}", "GET /7"),
        ("", "/b", "GET /b"),
        ("/projects", "/projects/{advisory_id}", "GET /projects/7"),
        ("/app", "/app-manifests/x", "GET /app/app-manifests/x"),
        ("/a/", "b", "GET /a/b"),
    ],
)
async def test_the_path_of_an_operation_is_a_tail_unless_it_begins_with_the_resources(
    resource, own, sends, shaped
):
    async with world(shaped(capability([consumed(resource, operation(path=own))], exposed()))) as here:
        arguments = {"advisory_id": "7"} if "{" in own else {}
        assert line_of(await here.tool(arguments)) == sends


async def test_one_path_that_begins_with_its_resources_makes_all_of_the_namespace_absolute():
    api = consumed("/projects", operation(path="/projects"), operation("org", path="/orgs/{org}/projects"))
    async with world(capability([api], exposed(call="up.org"))) as here:
        assert line_of(await here.tool({"org": "o"})) == "GET /orgs/o/projects"


async def test_a_path_parameter_of_a_resource_is_not_added_to_paths_that_do_without():
    api = consumed("/x", operation())
    api["resources"][0]["inputParameters"] = [in_path("tenant", required=True)]
    async with world(capability([api], exposed())) as here:
        assert line_of(await here.tool({})) == "GET /x"


async def test_in_a_file_of_our_own_a_path_parameter_that_the_path_lacks_is_not_sent():
    data = capability([consumed("/x", operation(inputParameters=[in_path("id")]))], exposed())
    async with world(
        {"capspec": "1", **{key: value for key, value in data.items() if key != "naftiko"}}
    ) as here:
        assert here.tools["t"]["properties"] == {}
        assert "is not in the path '/x' and is not sent" in here.warnings


# -- base URIs --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("base", "environ", "why"),
    [
        ("", {}, "it has no base URI; give one with --base-uri up=URL"),
        (
            "https://api.test{basePath}",
            {},
            "its base URI has no value for basePath; give one with --base-uri up=URL",
        ),
        ("{{HOST_URL}}", {}, "HOST_URL"),
        ("api.test/v1", {}, "does not begin with http:// or https://"),
        ("${HOST}/v1", {}, "up"),
    ],
)
async def test_a_base_uri_that_cannot_be_used_fails_each_call_until_another_is_given(
    base, environ, why, shaped
):
    data = shaped(capability([consumed(baseUri=base)], exposed()))
    async with world(data, environ=environ) as here:
        assert list(here.tools) == ["t"]
        reply = await here.rest("GET /r")
        assert reply.status == 503
        assert why in str(reply.problem)
        assert here.nothing_sent
    async with world(data, environ=environ, base_uris={"up": "http://up.test/base"}) as here:
        assert line_of(await here.tool({})) == "GET /x"


@pytest.mark.parametrize(
    ("base", "environ"),
    [
        ("http://up.test{basePath}", {"basePath": "/base"}),
        ("http://{host}/base", {"host": "up.test"}),
        ("{{HOST_URL}}", {"HOST_URL": "http://up.test/base"}),
        ("{{env.HOST_URL}}/base", {"HOST_URL": "http://up.test"}),
    ],
)
async def test_a_base_uri_is_filled_from_the_environment(base, environ):
    async with world(capability([consumed(baseUri=base)], exposed()), environ=environ) as here:
        assert line_of(await here.tool({})) == "GET /x"


def test_the_environment_gives_a_base_uri_by_the_namespace(tmp_path: Path):
    file = tmp_path / "cap.yaml"
    file.write_text(
        yaml.safe_dump(
            capability([{**consumed(baseUri=""), "namespace": "my-api.v2"}], exposed(call="my-api.v2.op"))
        )
    )
    plan = app.load_plan(file, environ={"CAPSPEC_BASE_URI_MY_API_V2": "https://x.test"})
    assert plan.upstreams[0].base_url == "https://x.test"


# -- what tools ask for -----------------------------------------------------------------------------------


async def asked_for(
    op: dict[str, Any], path: str = "/x", api: dict[str, Any] | None = None, **flow: Any
) -> dict[str, Any]:
    async with world(capability([consumed(path, operation(**op), **(api or {}))], exposed(**flow))) as here:
        return here.tools["t"]


async def test_placeholders_and_required_parameters_are_required():
    found = await asked_for(inputs(q("a", required=True, description="An a."), q("b")), "/u/{user-id}/{Key+}")
    assert sorted(found["required"]) == ["Key", "a", "user-id"]
    assert found["properties"]["a"] == {"description": "An a."}


async def test_what_declared_inputs_leave_out_and_the_target_requires_is_asked_for():
    found = await asked_for(
        inputs(q("a", required=True), q("b")), "/u/{id}", **inputs({"name": "b", "type": "string"})
    )
    assert list(found["properties"]) == ["b", "id", "a"]


@pytest.mark.parametrize(
    "name", ["Accept-Encoding", "Content-Length", "Host", "Connection", "transfer-encoding"]
)
async def test_headers_of_the_connection_are_not_asked_for(name):
    found = await asked_for(inputs(in_header(name, required=True)), **passing(**{name: f"@.{name}"}))
    assert found["properties"] == {}


@pytest.mark.parametrize(
    ("api", "item"),
    [
        (BEARER, in_header("authorization", required=True)),
        (key("X-Key", "header"), in_header("x-key", required=True)),
        (key("api_key", "query"), q("api_key", required=True)),
        (key("sid", "cookie"), {"name": "sid", "in": "cookie", "required": True}),
        (key("apikey", "body"), in_body("apikey", required=True)),
        (key("apikey", "body"), {"name": "apikey", "in": "formData", "required": True}),
    ],
)
@pytest.mark.parametrize("declared", [False, True])
async def test_credentials_are_not_asked_for(api, item, declared):
    flow = passing(**{item["name"]: f"@.{item['name']}"})
    if declared:
        flow |= inputs({"name": item["name"], "type": "string", "required": True})
    found = await asked_for({"method": "POST", **inputs(item)}, api=api, **flow)
    assert found.get("properties") == {}
    assert "required" not in found


async def test_a_parameter_without_a_name_or_with_a_placeholder_for_one_is_left_out():
    found = await asked_for(inputs(q(""), q("params__{{KEY}}"), q("a")))
    assert list(found["properties"]) == ["a"]


async def test_of_a_parameter_that_is_listed_twice_the_last_counts():
    found = await asked_for(inputs(q("a", type="string"), q("a", type="integer")))
    assert found["properties"]["a"]["type"] == "integer"


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("$select", "select"),
        ("filter[]", "filter"),
        ("@odata.type", "odata.type"),
        ("a b", "a-b"),
        ("x" * 80, None),
    ],
)
async def test_names_are_published_in_letters_that_every_client_takes(written, published):
    found = list((await asked_for(inputs(q(written))))["properties"])
    assert len(found) == 1
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", found[0])
    assert published in (None, found[0])


@pytest.mark.parametrize("name", ["list-openapi.yml", "a_b:c", "get " + "x" * 90, "día"])
async def test_tools_are_published_under_names_that_every_client_takes(name):
    tools = [{"name": name, "call": "up.op"}, {"name": name, "description": "d", "call": "up.op"}]
    api = consumed("/x", operation(description="From the target."))
    async with world(
        capability([api], [{"type": "mcp", "namespace": "m", "port": 1, "tools": tools}])
    ) as here:
        names = list(here.tools)
        assert len(set(names)) == 2
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", item) for item in names)
        assert here.flow("mcp").description == "From the target."


async def test_form_fields_are_urlencoded_and_a_file_makes_them_parts():
    def field(name: str, kind: str) -> dict[str, Any]:
        return {"name": name, "in": "formData", "type": kind}

    async with world(
        capability([consumed("/x", operation(method="POST", **inputs(field("a", "string"))))], exposed())
    ) as here:
        sent = await here.tool({"a": "1 2"})
        assert (sent.content_type, sent.body) == ("application/x-www-form-urlencoded", b"a=1+2")
    target = operation(method="POST", **inputs(field("a", "string"), field("f", "file")))
    async with world(capability([consumed("/x", target)], exposed())) as here:
        sent = await here.tool({"a": "1", "f": "data:text/plain;base64,aGk="})
        assert sent.content_type.startswith("multipart/form-data; boundary=")
        assert b'name="a"\r\n\r\n1\r\n' in sent.body
        assert sent.body.rstrip().endswith(b"--")


async def test_a_key_in_the_body_becomes_a_part_of_a_form_with_files():
    target = operation(method="POST", **inputs({"name": "f", "in": "formData", "type": "file"}))
    async with world(capability([consumed("/x", target, **key("apikey", "body"))], exposed())) as here:
        sent = await here.tool({"f": "data:text/plain;base64,aGk="})
        assert b'form-data; name="apikey"\r\n\r\ns3cret\r\n' in sent.body


@pytest.mark.parametrize("word", ["form", "formUrlEncoded", "multipart", "yaml", "xml", "text", "morse"])
async def test_words_for_the_type_of_a_body_are_understood_or_said_to_be_unknown(word):
    target = operation(method="POST", body={"type": word, "data": {"a": "{{tools.a}}"}})
    async with world(capability([consumed("/x", target)], exposed())) as here:
        if word == "morse":
            assert here.tools == {}
            assert "morse" in here.warnings
        else:
            sent = await here.tool({"a": "1"})
            assert b"1" in sent.body
            assert b"{{" not in sent.body


# -- what is exposed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/r/{id}/{extra}", "GET /r/7/8"),
        ("/r/{extra}/{id}.json", "GET /r/8/7.json"),
        ("/r/{id:int}", "GET /r/7"),
    ],
)
async def test_a_rest_path_may_have_more_placeholders_than_its_target(path, asked):
    async with world(capability([consumed("/x/{id}")], exposed(path))) as here:
        reply = await here.rest(asked)
        assert reply.status == 200, reply.body
        assert line_of(here.sent) == "GET /x/7"


async def test_a_rest_path_may_have_fewer_placeholders_than_its_target():
    async with world(capability([consumed("/x/{a}/{b}")], exposed("/r/{b}"))) as here:
        await here.rest("GET /r/2?a=1")
        assert line_of(here.sent) == "GET /x/1/2"


@pytest.mark.parametrize(
    ("hint", "method"),
    [({"readOnly": True}, "POST"), ({"readOnly": False}, "GET"), ({"destructive": False}, "DELETE")],
)
async def test_hints_are_trusted_whatever_the_method(hint, method):
    async with world(capability([consumed("/x", operation(method=method))], exposed(hints=hint))) as here:
        hints = here.flow("mcp").hints
        assert {"readOnly": hints.read_only, "destructive": hints.destructive} | hint == {
            "readOnly": hints.read_only, "destructive": hints.destructive
        }  # fmt: skip


@pytest.mark.parametrize("mapping", ["$.", "$"])
async def test_the_whole_document_is_given_whatever_it_is(mapping):
    outputs: dict[str, Any] = {"outputParameters": [{"type": "object", "mapping": mapping}]}
    async with world(capability([consumed()], exposed(**outputs))) as here:
        here.upstream.answer = [1, {"a": None}]
        assert json.loads((await here.rest("GET /r")).body) == [1, {"a": None}]


async def test_an_mcp_resource_may_write_its_variable_in_single_braces():
    resource = {
        "name": "r",
        "uri": "things://{id}",
        "description": "d",
        "call": "up.op",
        "with": {"id": "{id}"},
    }
    listener = {"type": "mcp", "namespace": "m", "port": 1, "tools": [], "resources": [resource]}
    async with world(capability([consumed("/x/{id}")], [listener])) as here:
        (found,) = here.listener("mcp").resources
        await here.engine.run(Call(flow=found.flow, arguments={"id": "7"}))
        assert line_of(here.sent) == "GET /x/7"


# -- whole files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("info"),
        lambda data: data.update(naftiko={"schema": "https://x.test/schema.yml"}),
        lambda data: data.update(naftiko=""),
        lambda data: data["capability"].pop("consumes"),
        lambda data: data["capability"].pop("exposes"),
        lambda data: [item.pop("namespace") for item in data["capability"]["exposes"]],
        lambda data: [item.pop("port") for item in data["capability"]["exposes"]],
        lambda data: data["capability"]["exposes"][0].pop("resources"),
        lambda data: data["capability"]["exposes"][1].update(tools=None),
        lambda data: data["capability"]["exposes"][1]["tools"].append("trunc"),
        lambda data: data["capability"]["consumes"][0].pop("resources"),
        lambda data: data["capability"]["consumes"][0]["resources"][0]["operations"].append("- name"),
        lambda data: data["capability"]["consumes"].append(consumed()),
        lambda data: data["capability"]["exposes"].append({"type": "grpc", "namespace": "g"}),
        lambda data: data["capability"]["exposes"].append({"type": "skill", "namespace": "s", "port": 3011, "skills": [
            {"name": "k", "description": "d", "location": "file:///opt/nowhere/skills/k", "allowed-tools": "t",
             "tools": [{"name": "t", "from": {"sourceNamespace": "n-mcp", "action": "t"}}]}]}),
        lambda data: data.update(binds=[{"namespace": "env", "keys": {"UNUSED": "UNUSED"}}]),
        lambda data: data.update(binds=[{"namespace": "b", "location": "file:///nowhere.yaml", "keys": {"A": "a-b"}}]),
        lambda data: data["capability"]["consumes"].append({"import": "gone", "location": "./gone.yaml"}),
        lambda data: data.update(metrics={"x": 1}, personas=["a"]),
    ],
)  # fmt: skip
async def test_a_file_that_lacks_or_has_more_than_others_still_loads(change):
    data = capability([consumed()], exposed())
    change(data)
    async with world(data) as here:
        assert here.plan.name


@pytest.mark.parametrize("name", ["y", "n", "N", "on", "2015-02-01", "1", "1.0", "null", "0x1f", "12:30"])
async def test_names_that_yaml_could_take_for_something_else_are_texts(name):
    text = f"""
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - {{type: http, namespace: up, baseUri: "http://up.test", resources: [{{path: /x, name: {name}, operations: [{{name: {name}, method: GET,
      inputParameters: [{{name: {name}, in: query}}]}}]}}]}}
  exposes: [{{type: mcp, namespace: m, port: 1, tools: [{{name: t, description: d, call: up.{name}}}]}}]
"""
    (flow,) = plan_of(text).listeners[0].flows
    assert [item.name for item in flow.inputs] == ([] if name == "null" else [name])


@pytest.mark.parametrize(
    ("value", "environ"),
    [
        ("{{env.TOKEN}}", {"TOKEN": "t0ken"}),
        ("{{TOKEN}}", {"TOKEN": "t0ken"}),
        ("{{secrets.TOKEN}}", {"TOKEN": "t0ken"}),
        ("$secrets.TOKEN", {"TOKEN": "t0ken"}),
        ("{{ b.TOKEN }}", {"the-key": "t0ken"}),
    ],
)
@pytest.mark.parametrize("bound", [False, True])
async def test_a_variable_comes_from_its_bind_or_from_the_environment(value, environ, bound):
    renamed = "the-key" in environ
    data = capability([consumed(authentication={"type": "bearer", "token": value})], exposed())
    if bound or renamed:
        data["binds"] = [{"namespace": "b", "keys": {"TOKEN": "the-key" if renamed else "TOKEN"}}]
    async with world(data, environ=environ) as here:
        assert dict((await here.tool({})).headers)["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("root", [True, False])
async def test_an_import_finds_the_namespace_in_either_place_and_the_only_one_under_another_name(
    tmp_path: Path, root
):
    shared = {
        "naftiko": "1.0.0-alpha1",
        **({"consumes": [consumed()]} if root else {"capability": {"consumes": [consumed()]}}),
    }
    (tmp_path / "shared.yaml").write_text(yaml.safe_dump(shared))
    for name in ("up", "renamed"):
        data = capability([{"import": name, "location": "./shared.yaml"}], exposed(call=f"{name}.op"))
        file = tmp_path / "cap.yaml"
        file.write_text(yaml.safe_dump(data))
        plan = app.load_plan(file, environ={})
        assert [flow.unavailable for listener in plan.listeners for flow in listener.flows] == ["", ""]


async def test_a_thousand_tools_in_one_file_are_served():
    operations = [operation(f"op-{number}", path=f"/{{id}}/{number}") for number in range(1200)]
    routes = [
        {
            "name": f"r{number}",
            "path": f"/r/{{id}}/{number}",
            "operations": [{"name": f"r{number}", "method": "GET", "call": f"up.op-{number}"}],
        }
        for number in range(1200)
    ]
    tools = [{"name": f"t{number}", "description": "d", "call": f"up.op-{number}"} for number in range(1200)]
    listeners = [
        {"type": "rest", "namespace": "n", "port": 1, "resources": routes},
        {"type": "mcp", "namespace": "m", "port": 2, "tools": tools},
    ]
    async with world(capability([consumed("/x", *operations)], listeners)) as here:
        assert len(here.tools) == 1200
        assert line_of(await here.tool({"id": "7"}, "t1199")) == "GET /x/7/1199"
        assert (await here.rest("GET /r/7/1198")).status == 200
        assert line_of(here.sent) == "GET /x/7/1198"
