"""JSONPath: what every spelling reads, what is refused, and that jsonpath-ng reads the same."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonpath_ng.ext.parser import parse as reference_parse

from capspec.jsonpath import JsonPath, JsonPathBudgetError, JsonPathError, compile_path
from capspec.values import Json

DOCUMENT: Json = {
    "name": "Northern Star",
    "nullField": None,
    "text": "plain",
    "a": {
        "b": [{"x": 1}, {"y": 2}, {"x": None}, {"x": 3}],
        "with space": {"k": 7},
        "hy-phen": 8,
        "größe": 9,
        "$ref": 10,
        "@type": 11,
        "where": 12,
    },
    "$name": "dollar",
    "l": [1, 2, 3],
    "e": [],
    "array": [{"x": 1}],
    "status": [{"id": 1, "st": "active"}, {"id": 2, "st": "idle", "x": 0}],
    "dot": {"other": 1},
    "dot.key": 5,
    "holder": {"length": "own"},
}
GONE = object()


def read(text: str, document: Json = DOCUMENT) -> Json:
    return compile_path(text).read(document, GONE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", GONE),
        ("  ", GONE),
        ("$", DOCUMENT),
        ("$.", DOCUMENT),
        (" $. ", DOCUMENT),
        ("@", DOCUMENT),
        ("$.name", "Northern Star"),
        ("name", "Northern Star"),
        ("@.name", "Northern Star"),
        ("$.name ", "Northern Star"),
        (" $ .name", "Northern Star"),
        ("a.b[0].x", 1),
        ("$name", "dollar"),
        ("$response.id", GONE),
        ("/name", GONE),
        ("$.{{x}}", GONE),
        ("$.missing", GONE),
        ("$.missing.deep", GONE),
        ("$.text.x", GONE),
        ("$.text[0]", GONE),
        ("$.array.x", GONE),
        ("$.a.b[9].x", GONE),
        ("$.a.b[-9]", GONE),
        ("$.nullField", None),
        ("$.nullField.z", GONE),
        ("$.a.b[-1].x", 3),
        ("$.l[1:]", [2, 3]),
        ("$.l[::-1]", [3, 2, 1]),
        ("$.l[::0]", []),
        ("$.l[0,2]", [1, 3]),
        ("$.l[*]", [1, 2, 3]),
        ("$.a.b[*].x", [1, None, 3]),
        ("$.e[*]", []),
        ("$.text[*]", []),
        ("$.text[1:]", []),
        ("$.l[*].x", []),
        ("$..nope", []),
        ("$.missing[*]", GONE),
        ("$.missing[*].x", GONE),
        ("$.missing..x", GONE),
        ("$..x", [1, None, 3, 1, 0]),
        ("$..[0].id", [1]),
        ("$.status[?(@.st=='active')]", [DOCUMENT["status"][0]]),
        ("$.status[?(@.st=='active')].id", [1]),
        ("$.status[?(@.id>1)].id", [2]),
        ("$.status[?(@.x)].id", [2]),
        ("$.status[?(@.st =~ /ACT.*/i)].id", [1]),
        ("$.status[?(@.st =~ /act/)].id", []),
        ("$.status[?(@.st =~ 'act')].id", [1]),
        ("$.status[?(@.id in [1, 'x', null])].id", [1]),
        ("$.status[?(@.id nin [1, 5])].id", [2]),
        ("$.l[?(@>1)]", [2, 3]),
        ("$.status[0]['st','id']", {"st": "active", "id": 1}),
        ("$.status[0]['st','nope']", {"st": "active"}),
        ("$.status[0]['no','nope']", GONE),
        ("$.status[*]['id','x']", [{"id": 1}, {"id": 2, "x": 0}]),
        ("$['dot','a'].other", [1]),
        ("$.dot.*", [1]),
        ("$.a.with space.k", 7),
        ("$.a['with space'].k", 7),
        ('$["a"]["with space"].k', 7),
        ("$.['name']", "Northern Star"),
        ("['a'].hy-phen", 8),
        ("$.a.hy-phen", 8),
        ("$.a.größe", 9),
        ("$.a.$ref", 10),
        ("$.a.@type", 11),
        ("$.a.where", 12),
        ("$.dot.key", GONE),
        ("$['dot.key']", 5),
        ("$.l.length()", 3),
        ("$.l.size()", 3),
        ("$.a.b.length ( )", 4),
        ("$.dot.length()", 1),
        ("$.missing.length()", GONE),
        ("$.text.length()", GONE),
        ("$.l.length", 3),
        ("$.l.length ", 3),
        ("$.holder.length", "own"),
        ("$.dot.length", GONE),
        ("$['length']", GONE),
        ("$.l['length']", GONE),
        ("$.l.sum()", 6.0),
        ("$.l.min()", 1.0),
        ("$.l.max()", 3.0),
        ("$.l.avg()", 2.0),
        ("$.l.stddev()", math.sqrt(2 / 3)),
        ("$.e.sum()", GONE),
        ("$.text.sum()", GONE),
        ("$.a.b[*].x.sum()", 4.0),
        ("$.missing[*].x.sum()", GONE),
        ("$.dot.keys()", ["other"]),
        ("$.l.keys()", GONE),
        ("$.l.first()", 1),
        ("$.l.last()", 3),
        ("$.e.first()", GONE),
        ("$.e.last()", GONE),
    ],
)
def test_a_path_reads(text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "document", "value"),
    [
        ("$[*].id", [{"id": 1}, {"id": 2}], [1, 2]),
        ("$[0].id", [{"id": 1}], 1),
        ("[0].id", [{"id": 1}], 1),
        ("$.length()", [1, 2], 2),
        ("$.length", [1, 2], 2),
        ("$.id", [{"id": 1}], GONE),
        ("$.x", "scalar", GONE),
        ("$[0]", "scalar", GONE),
        ("$", None, None),
        ("$.*", {"a": 1, "b": [2]}, [1, [2]]),
        ("$[*].length", [[1], {"length": 5}, {}, "ab"], [1, 5]),
        ("$['a\\'b\\u0041\\\\']", {"a'bA\\": 1}, 1),
        ("$['say \"hi\"']", {'say "hi"': 1}, 1),
        ('$["it\'s"]', {"it's": 1}, 1),
        ("$.sum()", [10**400, 1], GONE),
        ("$.sum()", [1e308, 1e308], GONE),
        ("$.sum()", [1, True, "2", None], 1.0),
    ],
)
def test_a_path_reads_other_documents(text: str, document: Json, value: Json) -> None:
    assert read(text, document) == value


ITEMS = [
    {"n": 1, "t": "one", "tags": ["x"], "flag": True, "none": None, "sub": {"k": [1, 2]}},
    {"n": 2, "t": "two", "tags": [], "flag": False, "sub": {"k": [1, 2.0]}},
    {"n": 3.5, "t": "", "tags": ["x", "y"], "flag": 1},
    {"n": "2", "t": None},
    {},
]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("@.n == 2", [1]),
        ("2 == @.n", [1]),
        ("@.n != 2", [0, 2, 3, 4]),
        ("@.n < 2", [0]),
        ("2 > @.n", [0]),
        ("@.n <= 2", [0, 1]),
        ("@.n >= 2.0", [1, 2]),
        ("1 <= @.n", [0, 1, 2]),
        ("@.n < 'a'", [3]),
        ("@.t >= 'p'", [1]),
        ("@.flag == true", [0]),
        ("@.flag == false", [1]),
        ("@.flag == 1", [2]),
        ("@.flag < true", []),
        ("@.flag >= true", [0]),
        ("@.none == null", [0]),
        ("@.none != null", [1, 2, 3, 4]),
        ("@.t == null", [3]),
        ("@.none", [0]),
        ("!@.none", [1, 2, 3, 4]),
        ("@.missing == @.gone", [0, 1, 2, 3, 4]),
        ("@.sub == $[0].sub", [0, 1]),
        ("@.sub <= $[0].sub", [0, 1]),
        ("@.flag == $[0].flag", [0]),
        ("@.n < $[1].n", [0]),
        ("@['n'] == $[1]['n']", [1]),
        ("@.tags[0]", [0, 2]),
        ("@.tags[*]", [0, 2]),
        ("$[9]", []),
        ("$[*].n", [0, 1, 2, 3, 4]),
        ("@.tags[?@ == 'y']", [2]),
        ("@..k", [0, 1]),
        ("@.n == 1 || @.n == 2 && @.flag == true", [0]),
        ("(@.n == 1 || @.n == 2) && @.flag == true", [0]),
        ("!(@.n == 1 || @.n == 2)", [2, 3, 4]),
        ("@.t in ['one', 'two']", [0, 1]),
        ("@.t NIN ['one', 'two']", [2, 3, 4]),
        ("@.n in [true, 1.0]", [0]),
        ("'x' in @.tags", [0, 2]),
        ("@.n in $[0].sub.k", [0, 1]),
        ("@.n in 3", []),
        ("@.tags size 2", [2]),
        ("@.t size 3", [0, 1]),
        ("@.tags empty true", [1]),
        ("@.t empty false", [0, 1]),
        ("@.n empty true", []),
        ("@.tags.length() > 1", [2]),
        ("@.tags.length == 1", [0]),
        ("length(@.t) == 3", [0, 1]),
        ("length(@.n) == 1", [3]),
        ("count(@.tags[*]) == 1", [0]),
        ("count(@.t) == 0", [4]),
        ("value(@.tags[*]) == 'x'", [0]),
        ("match(@.t, 't.o')", [1]),
        ("match(@.t, 't')", []),
        ("search(@.t, 'w|n')", [0, 1]),
        ("!search(@.t, 'w')", [0, 2, 3, 4]),
        (r"@.t =~ /o\w+/", [0]),
        (r"@.t =~ /O.E/ims", [0]),
        ("@.n =~ /2/", [3]),
    ],
)
def test_a_filter_keeps(condition: str, kept: list[int]) -> None:
    for text in (f"$[?{condition}]", f"$[?( {condition} )]"):
        assert read(text, ITEMS) == [ITEMS[index] for index in kept]


def test_a_filter_looks_at_the_members_of_an_object_and_not_at_scalars() -> None:
    assert read("$[?@.n == 1]", {"a": {"n": 1}, "b": {"n": 2}}) == [{"n": 1}]
    assert read("$[?@ == 1]", 1) == []


def test_a_filter_can_stand_beside_other_selectors() -> None:
    assert read("$[?@ > 2, 0, -1:, 'x']", [1, 2, 3]) == [3, 1, 3]


@pytest.mark.parametrize(
    ("text", "offset", "part"),
    [
        ("$[name]", 2, "quoted name"),
        ("$.l[", 4, "quoted name"),
        ("$[1", 3, "']'"),
        ("$[1:2:3:4]", 7, "']'"),
        ("$[12345678901234567890]", 2, "index"),
        ("$.a.", 4, "a name"),
        ("$.a..", 5, "a name"),
        ("$. .a", 3, "a name"),
        (".a", 0, "a name"),
        ("$.a|$.b", 3, "'|'"),
        ("$.a[0]x", 6, "'x'"),
        ("$.a b(", 5, "'('"),
        ("$['a", 2, "does not end"),
        ("$['\\q']", 2, "escape"),
        ("$.a.foo()", 4, "no function foo()"),
        ("$.sum($.a)", 6, "no arguments"),
        ("$.a.length().x", 12, "nothing can follow"),
        ("$[?1]", 3, "no condition"),
        ("$[?!1]", 4, "no condition"),
        ("$[?(@.a && )]", 11, "a path or a value"),
        ("$[?(@.x == foo)]", 11, "a path or a value"),
        ("$[?@.x = 1]", 7, "']'"),
        ("$[?@.* == 1]", 3, "several values"),
        ("$[?1 == @..a]", 8, "several values"),
        ("$[?!@.a == 1]", 8, "']'"),
        ("$[?@.a in [1 2]]", 13, "','"),
        ("$[?@.a in [x]]", 11, "a value"),
        ("$[?@.a =~ 3]", 10, "/pattern/"),
        ("$[?@.a =~ /(/]", 10, "not a regular expression"),
        ("$[?@.a =~ /a/z]", 10, "pattern flag 'z'"),
        ("$[?foo(@.a)]", 3, "no filter function foo()"),
        ("$[?count(1) == 1]", 3, "takes a path"),
        ("$[?length(@.*) == 1]", 3, "one value"),
        ("$[?match(@.*, 'a')]", 9, "several values"),
        ("$[?match(@.a, @.b)]", 14, "a quoted pattern"),
        ("$[?" + "(" * 40 + "@" + ")" * 40 + "]", 35, "nest"),
    ],
)
def test_what_is_no_path_is_refused_with_its_offset(text: str, offset: int, part: str) -> None:
    with pytest.raises(JsonPathError) as refusal:
        compile_path(text)
    assert part in str(refusal.value)
    assert str(refusal.value).endswith(f"at offset {offset}")


def test_an_endless_path_is_refused() -> None:
    with pytest.raises(JsonPathError, match="at most 4096 characters"):
        compile_path("$" + ".a" * 2048)


@pytest.mark.parametrize(
    "regex",
    [
        r"(a+)+",
        r"(a*)*b",
        r"(a|aa)+$",
        r"(a?){30}a{30}",
        r"((ab)*c)*",
        r"(?:a{1,9}){2,}",
        r"(a)\1",
        r"(?P=x)",
        r"(?x) a # b",
        r"a)",
        "a" * 501,
        "a\\",
    ],
)
def test_a_pattern_that_may_take_exponential_time_is_refused(regex: str) -> None:
    with pytest.raises(JsonPathError, match="pattern"):
        compile_path(f"$[?search(@, '{json.dumps(regex)[1:-1]}')]")


@pytest.mark.parametrize(
    "regex",
    [r"a.*b", r"^(GET|POST)$", r"[(+*]+\)?", r"(ab){2,}", r"(a+)?", r"\d{4}-\d{2}", r"a{2}", r"(?<!x)y"],
)
def test_an_ordinary_pattern_is_accepted(regex: str) -> None:
    assert read(f"$[?match(@, '{json.dumps(regex)[1:-1]}')]", ["none"]) == []


def test_a_polynomial_pattern_over_a_long_text_exceeds_the_budget_before_it_runs() -> None:
    path = compile_path("$[?@ =~ /.*a.*a.*b/]")
    assert path.read(["xaxab"]) == ["xaxab"]
    with pytest.raises(JsonPathBudgetError):
        path.read(["a" * 5000])


@pytest.mark.parametrize(
    "text",
    [
        "$..*..*..*",
        "$..a..a",
        "$[*][*][*]",
        "$[?@..a]",
        "$[0,1,1][0,1,1][0,1,1]",
        "$[0:][0:][0:]",
        "$[?@ == $[1]]",
    ],
)
def test_a_read_stops_at_its_node_budget(text: str) -> None:
    document: Json = 1
    for _ in range(6):
        document = [{"a": document}, [document] * 9]
    with pytest.raises(JsonPathBudgetError, match="too many nodes"):
        compile_path(text, node_budget=20).read(document)


def test_the_budget_is_new_for_every_read() -> None:
    path = compile_path("$[*].a", node_budget=3)
    assert [path.read([{"a": 1}, {"a": 2}]) for _ in range(5)] == [[1, 2]] * 5


def test_deep_documents_are_read_without_recursion() -> None:
    document: Json = {"x": 1}
    for _ in range(20_000):
        document = {"d": [document]}
    assert read("$..x", document) == [1]
    assert read("$[?@ == $.d]", document) == [document["d"]]


@pytest.mark.parametrize(
    "text",
    [
        "$", "$.", "$.a", "$.a.b", "$.a[0].b", "$.a[-1]", "$.a[*]", "$.a[*].b", "$.*", "$['a b'].c",
        "$..a", "$..*", "$.a[1:2]", "$.a[0,1]", "$['a','b']", "$.a[?(@.b == 1)].c", "$.a[?@.b && !@.c]",
        "$.a.length()", "a", "a.b",
    ],
)  # fmt: skip
def test_common_shapes_need_no_jsonpath_ng(text: str) -> None:
    assert compile_path(text).compiled


@pytest.mark.parametrize(
    ("text", "definite", "value"),
    [
        ("$.l.`sorted`", True, [1, 2, 3]),
        ("$.r[/n]", True, [{"n": 1}, {"n": 2}]),
        ("$.r[\\n]", True, [{"n": 2}, {"n": 1}]),
        ("$.r[*].`keys`", False, ["n", "n"]),
        ("$.missing.`len`", True, GONE),
        ("($.l[0] + $.l[1])", True, 4),
        ("($.l[0] * $.t)", True, GONE),
        ("$.t.`split(-, 1, -1)`", True, "b"),
        ("$.mixed.`sorted`", True, GONE),
    ],
)
def test_syntax_of_jsonpath_ng_itself_is_read_by_it(text: str, definite: bool, value: object) -> None:
    document = {"l": [3, 1, 2], "r": [{"n": 2}, {"n": 1}], "t": "a-b", "mixed": [1, "a"]}
    path = compile_path(text)
    assert (path.compiled, path.definite) == (False, definite)
    assert path.read(document, GONE) == value


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("$.a.`sub(/(a+)+/, b)`", "Sub"),
        ("($.a where $.b)", "Where"),
        ("$..a..`len`", "only one"),
        ("$.a.`nope`", "cannot read"),
        ("$.a[?(@.b == c)].`len`", "cannot read"),
    ],
)
def test_other_syntax_of_jsonpath_ng_is_refused(text: str, part: str) -> None:
    with pytest.raises(JsonPathError, match=part):
        compile_path(text)


def test_jsonpath_ng_is_kept_to_the_node_budget() -> None:
    with pytest.raises(JsonPathBudgetError):
        compile_path("$.a.`sorted`", node_budget=5).read({"a": list(range(9))})


def test_a_path_is_compiled_once_and_says_what_it_is() -> None:
    path = compile_path("$.once[*]")
    assert path is compile_path("$.once[*]")
    assert isinstance(path, JsonPath)
    assert (path.text, path.definite) == ("$.once[*]", False)
    assert compile_path("$.once").definite


def test_the_default_stands_for_what_is_missing_only() -> None:
    path = compile_path("$.a")
    assert path.read({}) is None
    assert path.read({}, 5) == 5
    assert path.read({"a": None}, 5) is None


# -- against jsonpath-ng -----------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "x-y"])
LEAVES = st.sampled_from([None, True, False, 0, 1, 2, -1, 1.0, 2.5, "", "a", "1"])
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)
INDEXES = st.integers(-3, 3)
BOUNDS = st.none() | INDEXES
LITERALS = st.sampled_from(
    ["1", "2.5", "-1", "'a'", "'1'", "''", "true", "false", "null", "@.b", "$.a", "$[0]"]
)
SINGULAR = st.sampled_from(["@", "@.a", "@.a.b", "@.x-y", "@[0]", "@.b[1]", "@['c']"])
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
COMPARISONS = st.builds("{} {} {}".format, SINGULAR, SIGNS, LITERALS)
EXISTENCE = st.sampled_from(["@.a", "@.b[*]", "@..c", "!@.a", "!@.b[*]", "@.a[?(@.b)]"])
CONDITIONS = st.recursive(
    COMPARISONS | EXISTENCE,
    lambda inner: st.builds("({} && {})".format, inner, inner) | st.builds("({} || {})".format, inner, inner),
    max_leaves=4,
)


def _slice(start: int | None, end: int | None, step: int | None) -> str:
    bounds = ("" if bound is None else str(bound) for bound in (start, end, step))
    return f"[{':'.join(bounds)}]"


SEGMENTS = st.one_of(
    NAMES.map(".{}".format),
    NAMES.map("['{}']".format),
    INDEXES.map("[{}]".format),
    st.sampled_from(["[*]", ".*", "..*", "..[*]", "..[0]"]),
    NAMES.map("..{}".format),
    st.builds("[{},{}]".format, INDEXES, INDEXES),
    st.builds("['{}','{}'][*]".format, NAMES, NAMES),
    st.builds(_slice, BOUNDS, BOUNDS, BOUNDS),
    CONDITIONS.map("[?({})]".format),
)
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda parts: "$" + "".join(parts))


@settings(max_examples=600, deadline=None)
@given(text=PATHS, document=DOCUMENTS)
@example(text="$.a[?(@.b == 1)]", document={"a": [{"b": 1}, {"b": True}, {"b": 1.0}]})
@example(text="$..*", document=[[1], {"a": [2]}])
def test_the_common_subset_reads_as_in_jsonpath_ng(text: str, document: Json) -> None:
    path = compile_path(text)
    found = path.read(document, GONE)
    found = ([] if found is GONE else [found]) if path.definite else ([] if found is GONE else found)
    expected = [match.value for match in reference_parse(text).find(document)]
    assert path.compiled
    assert json.dumps(found) == json.dumps(expected)


@settings(max_examples=300, deadline=None)
@given(
    text=PATHS,
    tail=st.sampled_from(["", ".length()", ".sum()", ".keys()", ".length", "['a','b']"]),
    document=DOCUMENTS,
)
def test_no_document_makes_a_read_fail(text: str, tail: str, document: Json) -> None:
    path = compile_path(text + tail)
    found = path.read(document, GONE)
    assert path.definite or found is GONE or isinstance(found, list)


@settings(max_examples=500, deadline=None)
@given(st.text("$@.[]()?*'\"ab0:,=!~/&|<> \\`", max_size=20))
def test_any_text_is_a_path_or_a_jsonpath_error(text: str) -> None:
    refusal = ""
    try:
        compile_path(text).read(DOCUMENT)
    except JsonPathError as error:
        refusal = str(error)
    assert not refusal or re.search("at offset|jsonpath-ng", refusal)
