"""Operation and arguments to a request: where every value goes, and that none leaves its place."""

from __future__ import annotations

import http.cookies
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import __version__, registry
from capspec.errors import InputError
from capspec.plan import Body, Extra, Operation, Parameter, PathVariable, Upstream
from capspec.request import build
from capspec.template import compile_json_text, compile_template, compile_tree
from capspec.wire import Request, header
from tests.multipart_reader import PartSeen, parts_of

BASE = "https://api.example.com/v1"
ID = PathVariable(name="id")
KEY = PathVariable(name="key", greedy=True)

ANY_TEXT = st.text(max_size=30)
NASTY_TEXT = st.text(
    st.sampled_from(
        "../\\%2eE5cCfF;?#&=@:[]{}\r\n\0 \tab\N{FULLWIDTH SOLIDUS}\N{FULLWIDTH FULL STOP}é\ud800"
    ),
    max_size=16,
)
TEXTS = ANY_TEXT | NASTY_TEXT
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def operation(*path: str | PathVariable, **fields: Any) -> Operation:
    """An operation with everything that a test does not say filled in."""
    upstream = fields.pop("upstream", None) or Upstream(
        namespace="api",
        base_url=fields.pop("base_url", BASE),
        auth=None,
        auth_names=frozenset(fields.pop("auth_names", ())),
    )
    codec = registry.find("codec", fields.pop("codec", "json"))
    made: dict[str, Any] = {"id": "api.op", "method": "GET", "upstream": upstream, "codec": codec, **fields}
    made["query"] = tuple((name, compile_template(text)) for name, text in made.get("query", ()))
    made["parameters"] = tuple(made.get("parameters", ()))
    return Operation(path=path or ("/things",), **made)


def parameter(location: Any, name: str, value: Any = None, *, type: str = "") -> Parameter:  # noqa: A002
    """A parameter; a text value is a template, any other value a tree."""
    content = (
        compile_template(value) if isinstance(value, str) else None if value is None else compile_tree(value)
    )
    # Files that lost the types of their bodies say "string".
    whole = location == "body" and type == "string"
    return Parameter(name=name, location=location, type=type, value=content, whole=whole)


def query_of(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(
        urlsplit(request.url).query, keep_blank_values=True, strict_parsing=bool(urlsplit(request.url).query)
    )


def refusal(op: Operation, arguments: dict[str, Any], extra: Extra | None = None) -> str:
    with pytest.raises(InputError) as caught:
        build(op, arguments, extra or Extra())
    return str(caught.value)


# -- path --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://h", ("/items",), "https://h/items"),
        ("https://h/v1", ("/items",), "https://h/v1/items"),
        ("https://h/v1", ("items",), "https://h/v1/items"),
        ("https://h/v1", ("/",), "https://h/v1"),
        ("https://h/v1", ("",), "https://h/v1"),
        ("https://h", ("/",), "https://h"),
        ("https://h/v1", ("//a//b/",), "https://h/v1//a//b/"),
        ("https://h/v1", ("/a(x='", ID, "')/b:cancel"), "https://h/v1/a(x='7')/b:cancel"),
        ("https://h:8443/v1", ("/", ID), "https://h:8443/v1/7"),
        ("https://h", (ID,), "https://h/7"),
        ("https://h", ("/", ID, "/x/", ID), "https://h/7/x/7"),
    ],
)
def test_base_and_path_are_joined(base: str, path: tuple[str | PathVariable, ...], url: str) -> None:
    assert build(operation(*path, base_url=base), {"id": 7}).url == url


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("a/b c", "a%2Fb%20c"),
        ("x?admin=true", "x%3Fadmin%3Dtrue"),
        ("x#frag", "x%23frag"),
        ("a&b=c", "a%26b%3Dc"),
        ("%26", "%2526"),
        ("a;b", "a%3Bb"),
        ("@evil", "%40evil"),
        (":80@", "%3A80%40"),
        ("http://evil", "http%3A%2F%2Fevil"),
        ("//evil", "%2F%2Fevil"),
        ("evil.com:80#", "evil.com%3A80%23"),
        ("\\\\evil", "%5C%5Cevil"),
        ("día", "d%C3%ADa"),
        ("AZaz09-._~", "AZaz09-._~"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("{{SECRET}} ${HOME}", "%7B%7BSECRET%7D%7D%20%24%7BHOME%7D"),
        (42, "42"),
        (1.5, "1.5"),
        (True, "true"),
        (10**30, str(10**30)),
        (["a", 2, "c/d"], "a,2,c%2Fd"),
    ],
)
def test_a_path_value_stays_in_its_segment(value: Any, segment: str) -> None:
    assert build(operation("/things/", ID, "/parts"), {"id": value}).url == f"{BASE}/things/{segment}/parts"


@pytest.mark.parametrize(
    "value",
    [
        ".",
        "..",
        "../../admin",
        "..%2f..%2fadmin",
        "..%252f",
        "%2e%2e",
        "%2E",
        "%252e%252e",
        "%" + "25" * 10_000,
        "..\\..\\admin",
        "\\..\\",
        "a/../b",
        "a/./b",
        "..;/admin",
        "..;x=1",
        "\N{FULLWIDTH SOLIDUS}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}",
        "\N{TWO DOT LEADER}",
        "%EF%BC%8E%EF%BC%8E",
        "",
        [],
        {"a": 1},
        "a\0b",
        "a\nb",
        "a\r\nX-Admin: 1",
        "a\x7f",
        "\x85",
        "\ud800",
        float("nan"),
        float("inf"),
        None,
    ],
)
def test_a_path_value_that_could_leave_its_segment_is_refused(value: Any) -> None:
    assert "'id'" in refusal(operation("/things/", ID, "/parts"), {"id": value})


def test_a_literal_around_a_value_can_make_it_harmless_or_not() -> None:
    assert build(operation("/t(x='", ID, "')"), {"id": ".."}).url == f"{BASE}/t(x='..')"
    assert build(operation("/t(x='", ID, "')"), {"id": ""}).url == f"{BASE}/t(x='')"
    assert "'id'" in refusal(operation("/.", ID), {"id": "."})
    assert "'id'" in refusal(operation("/t(x='", ID, "')"), {"id": "a/../../b"})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a/b c/d.txt", "/k/a/b%20c/d.txt"),
        ("folder/", "/k/folder/"),
        ("a?b#c", "/k/a%3Fb%23c"),
        ("x", "/k/x"),
    ],
)
def test_a_greedy_value_keeps_its_slashes(value: str, path: str) -> None:
    assert build(operation("/k/", KEY), {"key": value}).url == BASE + path


@pytest.mark.parametrize(
    "value", ["", "/", "/a", "a//b", "../x", "a/..", "a/%2e%2e/b", "a/..%2f/b", "a\\..\\b", "a/\n"]
)
def test_a_greedy_value_cannot_leave_either(value: str) -> None:
    assert "'key'" in refusal(operation("/k/", KEY), {"key": value})


def test_a_folder_is_no_name_in_the_middle_of_a_path() -> None:
    assert "'key'" in refusal(operation("/k/", KEY, "/acl"), {"key": "a/b/../"})
    assert build(operation("/k/", KEY, "/acl"), {"key": "a/b"}).url == f"{BASE}/k/a/b/acl"


def test_every_missing_path_variable_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        build(operation("/", ID, "/", KEY), {})
    assert [problem.message for problem in caught.value.problems] == [
        "'id' is missing, and the path needs it",
        "'key' is missing, and the path needs it",
    ]


def test_a_path_variable_can_have_a_value_in_the_file() -> None:
    op = operation("/", ID, "/x", parameters=[parameter("path", "id", "{{tools.user}}-{{n}}")])
    assert build(op, {"user": "a/b", "n": 3, "id": "other"}).url == f"{BASE}/a%2Fb-3/x"


@pytest.mark.parametrize("literal", ["/../other", "/a/%2e%2e/b", "/a?x=1", "/a#b"])
def test_a_literal_that_leaves_the_base_is_refused(literal: str) -> None:
    assert "the path" in refusal(operation(literal), {})


def test_a_base_that_no_parser_understands_is_refused() -> None:
    assert "the path leads away" in refusal(operation("/a", base_url="https://[::1"), {})


@given(st.lists(VALUES, min_size=2, max_size=2))
def test_whatever_the_argument_origin_prefix_and_segments_stay(values: list[Any]) -> None:
    op = operation("/a/", ID, "/b(", PathVariable(name="other"), ")/c")
    try:
        url = build(op, {"id": values[0], "other": values[1]}).url
    except InputError:
        return
    for path, origin in (
        (urlsplit(url).path, urlsplit(url)[:2]),
        (httpx.URL(url).raw_path.decode(), (httpx.URL(url).scheme, httpx.URL(url).netloc.decode())),
    ):
        assert origin == ("https", "api.example.com")
        segments = path.split("/")
        assert (segments[:3], segments[5:], len(segments)) == (["", "v1", "a"], ["c"], 6)
        assert segments[3]
        assert unquote(segments[3]) not in (".", "..")
    assert "?" not in url
    assert "#" not in url


@given(NASTY_TEXT)
def test_whatever_the_greedy_argument_origin_and_prefix_stay(value: str) -> None:
    try:
        url = httpx.URL(build(operation("/k/", KEY), {"key": value}).url)
    except InputError:
        return
    assert (url.scheme, url.host) == ("https", "api.example.com")
    assert url.raw_path.decode().startswith("/v1/k/")
    assert not {".", ".."} & set(unquote(url.raw_path.decode()).replace("\\", "/").split("/"))


# -- query -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "query"),
    [
        ("ice class", "q=ice+class"),
        ("a&b=c#d?e", "q=a%26b%3Dc%23d%3Fe"),
        ("%26", "q=%2526"),
        ("", "q="),
        (["a", "b"], "q=a&q=b"),
        (["a", None, 2], "q=a&q=2"),
        ({"type": "x", "of": {"a": [1, 2]}}, "q%5Btype%5D=x&q%5Bof%5D%5Ba%5D=1&q%5Bof%5D%5Ba%5D=2"),
        (True, "q=true"),
        (False, "q=false"),
        (3, "q=3"),
        (1e22, "q=1e%2B22"),
        (None, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_query_values_are_form_encoded(value: Any, query: str) -> None:
    request = build(operation(parameters=[parameter("query", "q")]), {"q": value})
    assert urlsplit(request.url).query == query
    assert request.url.endswith(f"?{query}" if query else "/things")


def test_query_names_are_encoded_and_brackets_survive() -> None:
    op = operation(
        parameters=[parameter("query", "ids[]"), parameter("query", "$select"), parameter("query", "a&b")]
    )
    request = build(op, {"ids[]": [1, 2], "$select": "name", "a&b": "c"})
    assert query_of(request) == [("ids[]", "1"), ("ids[]", "2"), ("$select", "name"), ("a&b", "c")]


@pytest.mark.parametrize(
    "value", ["a\nb", "\0", "a\r\nb: c", ["ok", "\x1b[31m"], {"a\n": 1}, "\ud800", float("inf")]
)
def test_a_query_value_that_cannot_be_sent_is_refused(value: Any) -> None:
    assert "'q'" in refusal(operation(parameters=[parameter("query", "q")]), {"q": value})


def test_an_argument_that_was_not_given_is_not_sent() -> None:
    op = operation(
        parameters=[
            parameter("query", "status"),
            parameter("query", "kind", "{{kind}}"),
            parameter("query", "page", {"size": "{{size}}"}),
            parameter("header", "X-Kind", "{{kind}}"),
            parameter("cookie", "kind", "{{kind}}"),
        ]
    )
    request = build(op, {"x": 1})
    assert request.url == f"{BASE}/things"
    assert [name for name, _ in request.headers] == ["User-Agent", "Accept"]


def test_the_path_s_own_query_comes_first_and_counts() -> None:
    op = operation(
        query=[("partNumber", "{{partNumber}}"), ("acl", ""), ("v", "2"), ("absent", "{{absent}}")],
        parameters=[parameter("query", "partNumber"), parameter("query", "absent"), parameter("query", "z")],
    )
    extra = Extra(query=(("v", "3"), ("z", "9"), ("free", "a b"), ("free", "c")))
    request = build(op, {"partNumber": 7, "z": 1}, extra)
    assert query_of(request) == [
        ("partNumber", "7"),
        ("acl", ""),
        ("v", "2"),
        ("z", "1"),
        ("free", "a b"),
        ("free", "c"),
    ]


def test_a_caller_cannot_add_a_value_that_the_file_left_out() -> None:
    op = operation(parameters=[parameter("query", "admin", "{{flag}}")])
    assert build(op, {}, Extra(query=(("admin", "true"),))).url == f"{BASE}/things"


@given(st.dictionaries(TEXTS, TEXTS, max_size=4), TEXTS)
def test_a_real_parser_reads_the_query_back(extra: dict[str, str], value: str) -> None:
    op = operation(parameters=[parameter("query", "q")])
    try:
        request = build(op, {"q": value}, Extra(query=tuple(extra.items())))
    except InputError:
        return
    expected = [("q", value), *((key, text) for key, text in extra.items() if key != "q")]
    assert query_of(request) == expected
    assert list(httpx.URL(request.url).params.multi_items()) == expected


# -- headers and cookies -------------------------------------------------------------------------------------


def test_a_request_says_who_sends_it_and_what_it_reads() -> None:
    headers = dict(build(operation(), {}).headers)
    assert headers == {"User-Agent": f"capspec/{__version__}", "Accept": "application/json, */*;q=0.5"}
    assert header(build(operation(codec="binary"), {}).headers, "accept") == "*/*"
    assert header(build(operation(codec="text"), {}).headers, "accept") == "text/plain, */*;q=0.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("caf\xe9", "caf\xe9"),
        ("  padded\N{NO-BREAK SPACE}", "padded"),
        (7, "7"),
        (True, "true"),
        (["a", 1], "a, 1"),
        ({"path": "/é"}, '{"path":"/\\u00e9"}'),
        ("", ""),
    ],
)
def test_header_values(value: Any, text: str) -> None:
    request = build(operation(parameters=[parameter("header", "X-Value")]), {"X-Value": value})
    assert ("X-Value", text) in request.headers


@pytest.mark.parametrize(
    "value", ["a\r\nX-Admin: 1", "a\nb", "a\0b", "a\tb", "\x7f", "✓", "\ud800", float("nan")]
)
def test_a_header_value_that_could_leave_its_place_is_refused(value: Any) -> None:
    assert "'X-Value'" in refusal(operation(parameters=[parameter("header", "X-Value")]), {"X-Value": value})


@pytest.mark.parametrize("name", ["X Value", "X:Value", "X\r\nY", "", "Ünï"])
def test_a_header_name_that_is_no_token_is_refused(name: str) -> None:
    assert "is not a name that a header can have" in refusal(
        operation(parameters=[parameter("header", name)]), {name: "x"}
    )


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Upgrade",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Trailer",
        "Accept-Encoding",
        "Expect",
    ],
)
def test_what_belongs_to_the_connection_is_never_set(name: str) -> None:
    request = build(operation(parameters=[parameter("header", name)]), {name: "evil"})
    assert "evil" not in dict(request.headers).values()


def test_a_header_of_the_auth_is_left_to_it() -> None:
    op = operation(parameters=[parameter("header", "Authorization")], auth_names=["authorization"])
    assert header(build(op, {"Authorization": "Bearer theirs"}).headers, "authorization") is None


def test_later_parameters_replace_earlier_ones_of_the_same_name_and_place() -> None:
    op = operation(
        parameters=[
            parameter("header", "X-Version", "1"),
            parameter("query", "limit", "10"),
            parameter("header", "x-version", "{{version}}"),
            parameter("query", "limit"),
            parameter("query", "X-Version"),
            parameter("header", "Accept", "text/csv"),
            parameter("header", "User-Agent", "mine"),
        ]
    )
    request = build(op, {"version": 2, "limit": 5, "X-Version": "q"})
    assert query_of(request) == [("limit", "5"), ("X-Version", "q")]
    assert request.headers == (("User-Agent", "mine"), ("Accept", "text/csv"), ("x-version", "2"))


def test_a_later_parameter_without_a_value_leaves_the_earlier_one() -> None:
    op = operation(parameters=[parameter("header", "X-Version", "1"), parameter("header", "X-Version")])
    assert header(build(op, {}).headers, "x-version") == "1"


def test_cookies_share_one_header() -> None:
    op = operation(
        parameters=[
            parameter("cookie", "sid"),
            parameter("header", "Cookie", "theme=dark"),
            parameter("cookie", "b"),
        ]
    )
    request = build(op, {"sid": 'a;b, c"\\%é', "b": [1]})
    assert header(request.headers, "cookie") == "theme=dark; sid=a%3Bb%2C%20c%22%5C%25%C3%A9; b=[1]"


@pytest.mark.parametrize(
    ("name", "value"), [("sid", "a\r\nb"), ("sid", "\0"), ("a;b", "c"), ("", "c"), ("a=b", "c")]
)
def test_a_cookie_that_could_leave_its_place_is_refused(name: str, value: str) -> None:
    assert f"'{name}'" in refusal(operation(parameters=[parameter("cookie", name)]), {name: value})


@given(st.lists(TEXTS, min_size=2, max_size=2))
def test_a_real_parser_reads_headers_and_cookies_back(values: list[str]) -> None:
    op = operation(
        parameters=[
            parameter("header", "X-Value"),
            parameter("cookie", "sid"),
            parameter("cookie", "last", "1"),
        ]
    )
    try:
        request = build(op, {"X-Value": values[0], "sid": values[1]})
    except InputError:
        return
    sent = [(name.encode(), value.encode("latin-1")) for name, value in request.headers]
    event = h11.Request(method="GET", target="/", headers=[(b"Host", b"h"), *sent])
    wire = h11.Connection(h11.CLIENT).send(event)
    server = h11.Connection(h11.SERVER)
    server.receive_data(wire or b"")
    received = server.next_event()
    assert isinstance(received, h11.Request)
    assert len(received.headers) == len(sent) + 1
    fields = {name.decode(): value.decode("latin-1") for name, value in received.headers}
    assert fields["x-value"] == values[0].strip()
    cookies = http.cookies.SimpleCookie(fields["cookie"])
    assert {name: unquote(morsel.value) for name, morsel in cookies.items()} == {
        "sid": values[1],
        "last": "1",
    }


# -- body --------------------------------------------------------------------------------------------------


def sent(op: Operation, arguments: dict[str, Any], extra: Extra | None = None) -> tuple[Any, str | None]:
    """The body that goes out, JSON read back, and its content type."""
    request = build(op, arguments, extra or Extra())
    content_type = header(request.headers, "content-type")
    if isinstance(request.body, bytes) and content_type == "application/json":
        return json.loads(request.body), content_type
    return request.body, content_type


def body_of(type: str, content: Any) -> Body:  # noqa: A002
    return Body(codec=registry.find("codec", type), content=content)


JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({"ids": ["a", "b"], "n": 'say "hi"'}, {"ids": ["a", "b"], "n": 'say "hi"'}),
        ({}, {"ids": None, "n": ""}),
        ({"o": 1}, {"ids": None, "n": ""}),
        (
            {"ids": {"a": 10**30}, "n": '","admin":true,"x":"'},
            {"ids": {"a": 10**30}, "n": '","admin":true,"x":"'},
        ),
        ({"ids": "{{SECRET}}", "n": "{{ids}}"}, {"ids": "{{SECRET}}", "n": "{{ids}}"}),
    ],
)
def test_a_json_text_of_the_file_is_filled_in_by_structure(arguments: dict[str, Any], body: Any) -> None:
    op = operation(method="POST", body=body_of("json", compile_json_text('{"ids": {{ids}}, "n": "{{n}}"}')))
    assert sent(op, arguments) == (body, JSON_TYPE)


def test_a_json_tree_of_the_file_keeps_types_and_leaves_out_what_is_missing() -> None:
    content = compile_tree({"a": "{{a}}", "b": ["{{b}}", "{{tools.a}}"], "c": "x-{{a}}", "d": 1})
    assert sent(operation(method="POST", body=body_of("json", content)), {"a": 5}) == (
        {"a": 5, "b": [5], "c": "x-5", "d": 1},
        JSON_TYPE,
    )


def test_a_body_that_is_one_missing_placeholder_is_not_sent() -> None:
    op = operation(method="POST", body=body_of("json", compile_tree("{{data}}")))
    assert sent(op, {}) == (None, None)
    assert sent(op, {"data": {"a": 1}}) == ({"a": 1}, JSON_TYPE)


def test_a_text_body_is_sent_as_text() -> None:
    op = operation(method="POST", body=body_of("text", compile_template("Hello {{name}}\n")))
    assert sent(op, {"name": "Zoë\n"}) == ("Hello Zoë\n\n".encode(), "text/plain; charset=utf-8")


def test_a_form_in_the_file_is_encoded_from_its_tree_or_its_text() -> None:
    tree = operation(method="POST", body=body_of("form", compile_tree({"a": "{{a}}", "b": "{{b}}"})))
    text = operation(method="POST", body=body_of("form", compile_template("a={{a}}&c=d")))
    assert sent(tree, {"a": "x&admin=1"}) == (b"a=x%26admin%3D1", FORM_TYPE)
    assert sent(text, {"a": "x&admin=1"}) == (b"a=x%26admin%3D1&c=d", FORM_TYPE)


def test_a_body_in_the_file_wins_over_body_parameters() -> None:
    op = operation(
        method="POST",
        body=body_of("json", compile_tree({"who": "{{name}}"})),
        parameters=[parameter("body", "name")],
    )
    assert sent(op, {"name": "ada"}, Extra(json={"x": 1})) == ({"who": "ada"}, JSON_TYPE)


@pytest.mark.parametrize(
    ("name", "type_", "value", "body"),
    [
        ("body", "object", {"a": 1}, {"a": 1}),
        ("body", "", [1, 2], [1, 2]),
        ("body", "object", '{"a": 1}', {"a": 1}),
        ("body", "string", " [1]", [1]),
        ("body", "string", "plain text", "plain text"),
        ("body", "integer", 7, 7),
        ("parameters", "string", {"a": 1}, {"a": 1}),
        ("parameters", "string", '{"a": 1}', {"a": 1}),
        ("entities", "string", [1], [1]),
        ("email", "string", "a@b.example", {"email": "a@b.example"}),
        ("note", "string", "{not json", {"note": "{not json"}),
        ("count", "string", "7", {"count": "7"}),
        ("entities", "array", [1], {"entities": [1]}),
        ("options", "object", {"a": 1}, {"options": {"a": 1}}),
        ("options", "object", None, {"options": None}),
    ],
)
def test_one_body_parameter_is_the_body_or_a_field_of_it(
    name: str, type_: str, value: Any, body: Any
) -> None:
    op = operation(method="POST", parameters=[parameter("body", name, type=type_)])
    assert sent(op, {name: value}) == (body, JSON_TYPE)


def test_several_body_parameters_are_fields_and_absent_ones_are_left_out() -> None:
    op = operation(
        method="PATCH",
        parameters=[
            parameter("body", "body", type="string"),
            parameter("body", "b"),
            parameter("body", "c", "{{x}}-{{y}}"),
        ],
    )
    assert sent(op, {"body": '{"a": 1}', "x": 1}) == ({"body": '{"a": 1}', "c": "1-"}, JSON_TYPE)


def test_no_field_given_means_no_body() -> None:
    op = operation(method="POST", parameters=[parameter("body", "a"), parameter("body", "b", "{{b}}")])
    assert sent(op, {"z": 1}) == (None, None)
    single = operation(method="POST", parameters=[parameter("body", "body")])
    assert sent(single, {}) == sent(single, {"body": None}) == (None, None)


def test_a_get_with_body_parameters_sends_them() -> None:
    assert sent(operation(parameters=[parameter("body", "a")]), {"a": 1}) == ({"a": 1}, JSON_TYPE)


def test_form_parameters_are_url_encoded() -> None:
    op = operation(
        method="POST", parameters=[parameter("form", "a"), parameter("form", "b"), parameter("form", "c")]
    )
    assert sent(op, {"a": "x y", "b": [1, 2], "c": None}) == (b"a=x+y&b=1&b=2", FORM_TYPE)


@pytest.mark.parametrize(
    ("content_type", "value", "expected"),
    [
        ("application/vnd.api+json", {"a": 1}, b'{"a":1}'),
        ("application/x-www-form-urlencoded", {"a": "b c"}, b"a=b+c"),
        ("text/plain", "hi", b"hi"),
        ("application/xml", "<a/>", b"<a/>"),
        ("application/xml", [1], b"[1]"),
    ],
)
def test_a_content_type_of_the_file_says_how_the_body_is_written(
    content_type: str, value: Any, expected: bytes
) -> None:
    op = operation(
        method="POST",
        parameters=[parameter("header", "Content-Type", content_type), parameter("body", "body")],
    )
    assert sent(op, {"body": value}) == (expected, content_type)


def test_a_form_in_parts_has_the_boundary_of_its_encoder() -> None:
    op = operation(
        method="POST",
        parameters=[
            parameter("header", "Content-Type", "multipart/form-data; boundary=file"),
            parameter("body", "body"),
        ],
    )
    request = build(op, {"body": {"a": "x"}})
    content_type = header(request.headers, "content-type") or ""
    assert isinstance(request.body, bytes)
    assert parts_of(request.body, content_type) == [PartSeen("a", b"x")]
    form = operation(method="POST", parameters=[parameter("form", "f", type="file"), parameter("form", "a")])
    request = build(form, {"f": "data:text/x;base64,AA==", "a": "x"})
    assert isinstance(request.body, bytes)
    assert parts_of(request.body, header(request.headers, "content-type") or "") == [
        PartSeen("f", b"\0", "f", "text/x"),
        PartSeen("a", b"x"),
    ]


@given(TEXTS)
def test_whatever_the_argument_a_sparql_text_holds_just_that(value: str) -> None:
    op = operation(method="POST", body=body_of("sparql", compile_template('ASK { <x:{{v}}> ?p "{{v}}" }')))
    try:
        request = build(op, {"v": value})
    except InputError:
        return
    assert isinstance(request.body, bytes)
    form = r'ASK \{ <x:[^<>"{}|^`\\\x00-\x20]*> \?p "((?:[^"\\\r\n]|\\[tbnrf"\'\\])*)" \}'
    found = re.fullmatch(form, request.body.decode())
    assert found is not None
    letters = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
    assert re.sub(r"\\(.)", lambda escape: letters.get(escape[1], escape[1]), found[1]) == value


def test_a_mark_in_the_file_s_own_sparql_is_refused() -> None:
    op = operation(method="POST", body=body_of("sparql", compile_template('ASK { ?s ?p "\0000\0{{v}}" }')))
    assert "NUL" in refusal(op, {"v": "x"})


def test_what_the_file_says_nothing_of_is_passed_on() -> None:
    op = operation(method="POST")
    assert sent(op, {}, Extra(json={"a": [1]})) == ({"a": [1]}, JSON_TYPE)
    assert sent(op, {}, Extra(json=None)) == (None, JSON_TYPE)
    assert sent(op, {}, Extra(body=b"\x00", content_type="image/png")) == (b"\x00", "image/png")
    fields = operation(method="POST", parameters=[parameter("body", "a"), parameter("body", "b")])
    assert sent(fields, {"a": 1}, Extra(json={"a": 9, "z": 2})) == ({"a": 1, "z": 2}, JSON_TYPE)


def test_a_stream_is_passed_on_unread() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b""

    stream = parts()
    request = build(operation(method="PUT"), {}, Extra(body=stream, content_type="video/mp4"))
    assert request.body is stream
    assert header(request.headers, "content-type") == "video/mp4"


@pytest.mark.parametrize("value", [float("nan"), "\ud800", {"a": float("inf")}])
def test_a_body_that_cannot_be_written_is_refused(value: Any) -> None:
    assert "the body" in refusal(
        operation(method="POST", parameters=[parameter("body", "body")]), {"body": value}
    )


@given(VALUES)
def test_whatever_the_argument_a_json_body_holds_just_that(value: Any) -> None:
    op = operation(method="POST", parameters=[parameter("body", "a"), parameter("body", "b", "c")])
    try:
        request = build(op, {"a": value})
    except InputError:
        return
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {"a": value, "b": "c"}


# -- templates ---------------------------------------------------------------------------------------------


def test_a_value_is_never_read_as_a_template() -> None:
    op = operation(parameters=[parameter("query", "q", "{{a}}"), parameter("header", "X", "v={{a}}")])
    request = build(op, {"a": "{{b}} {{env.HOME}} {% if 1 %}", "b": "secret"})
    assert query_of(request) == [("q", "{{b}} {{env.HOME}} {% if 1 %}")]
    assert header(request.headers, "X") == "v={{b}} {{env.HOME}} {% if 1 %}"


@pytest.mark.parametrize("prefix", ["", "tools.", "rest.", "mcp.", "inputs."])
def test_arguments_have_all_their_prefixes(prefix: str) -> None:
    op = operation(parameters=[parameter("query", "q", f"{{{{{prefix}a}}}}")])
    assert query_of(build(op, {"a": 5})) == [("q", "5")]


def test_an_expression_that_fails_is_refused_without_quoting_its_values() -> None:
    op = operation(parameters=[parameter("query", "q", "{{ a + 1 }}")])
    assert refusal(op, {"a": "s3cret"}) == "'q' has a template that cannot be evaluated with these arguments"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    op = operation(
        "/",
        ID,
        parameters=[parameter("query", "q"), parameter("header", "X"), parameter("cookie", "c")],
        method="POST",
    )
    with pytest.raises(InputError) as caught:
        build(op, {"q": "\0", "X": "\n", "c": "\r"}, Extra(json=float("nan")))
    assert len(caught.value.problems) == 5
