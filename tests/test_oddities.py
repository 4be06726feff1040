"""Every odd way of writing that public files have: what reaches the upstream, in both shapes of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.oddity_world import as_maps, capability, consumed, exposed, line_of, operation, world

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
        return capability([consumed(self.path, target, **self.api)], exposed(**{"method": self.method, **self.flow}))


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
    return {"authentication": {"type": "apikey", "key": name, "value": "s3cret", "placement": placement, **more}}


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
    Row("`with` key of a placeholder", "POST /u/7/media", "POST /r", {"user_id": "7", "u": "x"}, {"u": "x"}, None, path="/u/{user_id}/media", method="POST",
        flow={"with": {"user_id": "@.user_id", "u": "@.u"}}),
    Row("GET with fields of a body", "GET /x", "GET /r?a=1", {"a": "1"}, {"a": "1"}, method="GET", op=inputs(in_body("a"))),
    Row("DELETE with a body", "DELETE /x", "DELETE /r", {"body": {"ids": [1]}}, {"ids": [1]}, None, method="DELETE", op=inputs(in_body("body", type="object"))),
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
        assert [value for key, value in sent.headers if key.lower() == name] == ([] if wanted is None else [wanted])
