"""Templates: what placeholders give in text, in JSON trees and in JSON text, and that values stay data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import ChainMap
from types import MappingProxyType
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from capspec.jsonpath import JsonPathBudgetError
from capspec.template import (
    TemplateError,
    TemplateRenderError,
    compile_json_text,
    compile_template,
    compile_tree,
)
from capspec.values import MISSING, Json, Secret

SCOPE: Json = {
    "imo": "IMO-1",
    "count": 42,
    "ratio": 12.5,
    "yes": True,
    "nothing": None,
    "ids": ["A", "B"],
    "voyage-id": "VOY-1",
    "name": 'say "hi"',
    "price": 2.5,
    "tools": {"a": 1, "filter[]": "f", "ids": [{"d": 5}, {"d": 6}], "account.name": "whole"},
    "ns.NAME": "exact",
    "ns": {"NAME": "nested", "other": 1},
    "step": {"field": {"sub": "deep"}, "field.sub": "longest", "items": [1, 2], "first name": "x"},
    "$filter": "x eq 1",
    "@odata.type": "#o",
    "a:b/c": "odd",
    "größe": "L",
}


def percent(text: str) -> str:
    return quote(text, safe="")


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{imo}}", "IMO-1"),
        ("{{ imo }}", "IMO-1"),
        ("{{\n imo\t}}", "IMO-1"),
        ("{{count}}", 42),
        ("{{yes}}", True),
        ("{{nothing}}", None),
        ("{{ids}}", ["A", "B"]),
        ("{{voyage-id}}", "VOY-1"),
        ("{{tools.a}}", 1),
        ("{{tools.filter[]}}", "f"),
        ("{{tools.ids[0].d}}", 5),
        ("{{tools.ids[-1].d}}", 6),
        ("{{tools.ids.1.d}}", 6),
        ("{{tools.ids[1]}}", {"d": 6}),
        ("{{tools.account.name}}", "whole"),
        ("{{ns.NAME}}", "exact"),
        ("{{ns.other}}", 1),
        ("{{step.field.sub}}", "longest"),
        ("{{step.items}}", [1, 2]),
        ("{{$filter}}", "x eq 1"),
        ("{{@odata.type}}", "#o"),
        ("{{a:b/c}}", "odd"),
        ("{{größe}}", "L"),
        ("{{$.step.field.sub}}", "deep"),
        ("{{$['ns.NAME']}}", "exact"),
        ("{{ $.tools.ids[*].d }}", [5, 6]),
        ("{{$.ids.length()}}", 2),
        ("{{$}}", SCOPE),
        ("{{missing}}", MISSING),
        ("{{tools.missing}}", MISSING),
        ("{{tools.ids[9].d}}", MISSING),
        ("{{tools.ids.x}}", MISSING),
        ("{{count.x}}", MISSING),
        ("{{$.missing}}", MISSING),
        ("{{$this.ns.other}}", MISSING),
    ],
)
def test_a_single_placeholder_gives_the_value_itself(text: str, value: object) -> None:
    template = compile_template(text)
    assert template.is_single
    assert template.names == (text.strip("{}\n\t "),)
    assert template.value(SCOPE) == value
    assert type(template.value(SCOPE)) is type(value)
    assert template.missing(SCOPE) == (template.names if value is MISSING else ())


def test_a_shorter_key_is_tried_when_the_longest_leads_nowhere() -> None:
    scope = {"a.b": {"x": 1}, "a": {"b": {"c": 2}}}
    assert compile_template("{{a.b.c}}").value(scope) == 2


@pytest.mark.parametrize("scope", [MappingProxyType({"a": {"b": 1}}), ChainMap({}, {"a": {"b": 1}})])
@pytest.mark.parametrize("text", ["{{a.b}}", "{{$.a.b}}", "{{ a.b + 0 }}"])
def test_any_mapping_is_a_scope(scope: Json, text: str) -> None:
    assert compile_template(text).value(scope) == 1


def test_the_caller_says_what_stands_for_a_missing_value() -> None:
    template = compile_template("{{missing}}")
    assert template.value(SCOPE, None) is None
    assert template.text(SCOPE) is MISSING
    assert compile_template("{{nothing}}").value(SCOPE, 5) is None


# -- text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a }} b } { c", "a }} b } { c"),
        ('{"a":{"b":1}}', '{"a":{"b":1}}'),
        ("{{imo}}/{{voyage-id}}", "IMO-1/VOY-1"),
        ("n={{count}} r={{ratio}}", "n=42 r=12.5"),
        ("{{yes}} {{nothing}}", "true null"),
        ("ids: {{ids}}", 'ids: ["A","B"]'),
        ("{{ns}}.", '{"NAME":"nested","other":1}.'),
        ("[{{missing}}]", "[]"),
        ("{{größe}}{{größe}}", "LL"),
        ("{{a}}} {", "} {"),
        ("it's {{imo}} isn't", "it's IMO-1 isn't"),
        ("{{ '{{' }}x{{ '}}' }}", "{{x}}"),
    ],
)
def test_a_text_has_its_values_put_in(text: str, made: str) -> None:
    assert compile_template(text).text(SCOPE) == made
    assert compile_template(text).value(SCOPE) == made


def test_a_template_says_what_it_is() -> None:
    template = compile_template("{{b}}-{{ a }}-{{b}}")
    assert (template.names, template.is_literal, template.is_single) == (("b", "a", "b"), False, False)
    assert template.missing({"a": 1}) == ("b",)
    assert compile_template("x").is_literal
    assert template is compile_template("{{b}}-{{ a }}-{{b}}")
    assert "{{b}}-{{ a }}-{{b}}" in repr(template)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("/x/{{id}}", "/x/a%2Fb%20c"),
        ("/x/{id}/{{ id }}/é?", "/x/a%2Fb%20c/a%2Fb%20c/é?"),
        ("/x/{ids[]}", "/x/%5B1%5D"),
        ("/x/{missing}/y", "/x//y"),
        ("/x/{voyage-id}/{$.id}", "/x/v/"),
    ],
)
def test_values_in_a_path_are_encoded_and_its_own_text_is_not(text: str, made: str) -> None:
    scope = {"id": "a/b c", "ids[]": [1], "voyage-id": "v"}
    assert compile_template(text, single_brace=True).text(scope, encode=percent) == made


def test_single_braces_are_text_elsewhere() -> None:
    assert compile_template("/x/{id}").is_literal
    assert compile_template("/x/{id}", single_brace=True).names == ("id",)


@pytest.mark.parametrize(
    ("text", "offset", "part"),
    [
        ("abc {{x", 4, "not closed"),
        ("{{a}} {{x}", 6, "not closed"),
        ("{{}}", 0, "empty"),
        ("{{ }}", 0, "empty"),
        ("{{#x}}", 0, "'#'"),
        ("{{^x}}", 0, "'^'"),
        ("a{{/x}}", 1, "'/'"),
        ("{{>x}}", 0, "'>'"),
        ("{{&x}}", 0, "'&'"),
        ("{{! x}}", 0, "'!'"),
        ("{{=<% %>=}}", 0, "'='"),
        ("{{{x}}}", 0, "'{'"),
        ("x {{ first name }}", 2, "neither a name nor an expression"),
        ("{{ don't }}", 0, "neither a name nor an expression"),
        ("{{-x-}}", 0, "neither a name nor an expression"),
        ("{{ x | nope }}", 0, "nope"),
        ("{{ a ** b }}", 0, "**"),
        ("{{" + "a" * 300 + "}}", 0, "at most 256"),
        ("a {% for x in y %}", 2, "no template of Jinja"),
        ("{% include 'x' %}", 0, "'include'"),
        ("{% macro m() %}{% endmacro %}", 0, "'macro'"),
        ("{% for x in y recursive %}{% endfor %}", 0, "'for'"),
        ("{% filter upper %}x{% endfilter %}", 0, "'filterblock'"),
        ("{% set x %}y{% endset %}", 0, "'assignblock'"),
        ("{% if 2 ** 9 %}{% endif %}", 0, "**"),
    ],
)
def test_what_is_no_template_is_refused_with_its_offset(text: str, offset: int, part: str) -> None:
    with pytest.raises(TemplateError) as refusal:
        compile_template(text)
    assert part in str(refusal.value)
    assert str(refusal.value).endswith(f"at offset {offset}")


def test_a_wrong_jsonpath_is_refused_with_both_offsets() -> None:
    with pytest.raises(TemplateError, match=r"'\$\.a\[' at offset 2 is wrong: .* at offset 4 of it"):
        compile_template("x {{ $.a[ }}")


@pytest.mark.parametrize("text", ["/x/{id", "/x/{}", "/{{id}"])
def test_a_path_with_an_open_or_empty_brace_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="at offset"):
        compile_template(text, single_brace=True)


def test_a_jsonpath_in_a_template_has_its_node_budget() -> None:
    template = compile_template("{{$..*..*}}")
    deep: Json = [1]
    for _ in range(12):
        deep = [deep] * 3
    with pytest.raises(JsonPathBudgetError):
        template.value({"deep": deep})


# -- values are data ---------------------------------------------------------------------------------------

HOSTILE = [
    "{{SECRET}}",
    "{SECRET}",
    "{{ ''.__class__ }}",
    "{% for x in y %}",
    "{{#x}}",
    "{{",
    "}}",
    "${HOME}",
    "$.SECRET",
    '","admin":true,"x":"',
    "\\u0022",
    "\x01\ue000\x02",
    "\ud800",
    "</a><b>",
    "a&b=1",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    scope = {"x": value, "SECRET": "leaked", "y": [1]}
    assert compile_template("{{x}}").value(scope) == value
    assert compile_template("<{{x}}>").text(scope) == f"<{value}>"
    assert compile_template("<{x}>", single_brace=True).text(scope) == f"<{value}>"
    assert compile_template("{{ x ~ '' }}").value(scope) == value
    assert compile_template("{% if y %}{{ x }}{% endif %}").text(scope) == value
    assert compile_tree({"a": ["{{x}}", "<{{x}}>"]}).render(scope) == {"a": [value, f"<{value}>"]}
    rendered = compile_json_text('{"a": {{x}}, "b": "<{{x}}>", "k{{x}}": [{{ x }}]}').render(scope)
    assert rendered == {"a": value, "b": f"<{value}>", f"k{value}": [value]}


def test_a_secret_does_not_show_in_a_text() -> None:
    scope = {"t": Secret("s3cret")}
    for text in ("Bearer {{t}}", "Bearer {{ t ~ '' }}", "Bearer {{ t['reveal'] or '' }}"):
        made = compile_template(text).text(scope)
        assert made is not MISSING
        assert "s3cret" not in made
    with pytest.raises(TemplateRenderError, match="unsafe"):
        compile_template("{{ t.reveal() }}").text(scope)


# -- trees -------------------------------------------------------------------------------------------------


def test_a_tree_keeps_types_and_leaves_out_what_is_missing() -> None:
    tree = compile_tree(
        {
            "whole": "{{tools}}",
            "list": [1, "{{missing}}", "{{ids}}", "{{yes}}"],
            "text": "id {{imo}} {{missing}}",
            "absent": "{{missing}}",
            "inner": {"absent": "{{missing}}", "nothing": "{{nothing}}"},
            "{{imo}}": "keys are text",
            "constant": {"x": [1, None]},
        }
    )
    assert tree.render(SCOPE) == {
        "whole": SCOPE["tools"],
        "list": [1, ["A", "B"], True],
        "text": "id IMO-1 ",
        "inner": {"nothing": None},
        "{{imo}}": "keys are text",
        "constant": {"x": [1, None]},
    }
    assert tree.names[:3] == ("tools", "missing", "ids")
    assert not tree.is_literal


@pytest.mark.parametrize("data", [None, 1, "x", [1, {"a": "b"}], {}, {1: "x"}])
def test_a_tree_without_placeholders_is_its_data(data: Json) -> None:
    tree = compile_tree(data)
    assert tree.is_literal
    assert tree.names == ()
    assert tree.render({}) == data


def test_a_tree_that_is_one_missing_placeholder_is_missing() -> None:
    assert compile_tree("{{missing}}").render({}) is MISSING
    assert compile_tree("{{imo}}").render(SCOPE) == "IMO-1"


def test_a_wrong_text_in_a_tree_is_refused_with_its_pointer() -> None:
    with pytest.raises(TemplateError, match="not closed at offset 1 of the text at '/a~1b/1'"):
        compile_tree({"a/b": ["", "x{{y"]})


# -- JSON text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scope", "made"),
    [
        ('{"ids": {{ids}}}', {"ids": ["a", "b"]}, {"ids": ["a", "b"]}),
        ('{"ids": {{ids}}}', {}, {"ids": None}),
        ('{"ids": {{ids}}}', {"o": 1}, {"ids": None}),
        ('{"n": "{{n}}"}', {"n": 'say "hi"'}, {"n": 'say "hi"'}),
        ('{"n": "{{n}}"}', {}, {"n": ""}),
        ('{"n": "a {{n}} b{{m}}"}', {"n": "x\ny\\", "m": [1, None]}, {"n": "a x\ny\\ b[1,null]"}),
        ('{"n": {{n}}, "m": "{{n}}"}', {"n": 12.5}, {"n": 12.5, "m": "12.5"}),
        ("{{n}}", {"n": {"a": 1}}, {"a": 1}),
        ("[{{n}},{{n}}]", {"n": True}, [True, True]),
        ('{"a":{"b":{{n}}}}', {"n": 1}, {"a": {"b": 1}}),
        ('{{{"n"}}: 1}'.replace("{{{", "{ {{").replace('"n"', "n"), {"n": "k"}, {"k": 1}),
        ('{"{{n}}-{{n}}": 1}', {"n": 2}, {"2-2": 1}),
        ('"a\nb\\n{{n}}"', {"n": "c"}, "a\nb\nc"),
        ('{"a": "\\"{{n}}\\\\"}', {"n": "c"}, {"a": '"c\\'}),
        ('{"a": {{ n | upper }}, "b": "{{ n | default("x") }}"}', {"n": "c"}, {"a": "C", "b": "c"}),
        ("[{{ n | tojson }}, \"{{ n | tojson }}\"]", {"n": [1]}, [[1], "[1]"]),
        ('[{{ n + 1 }}, {{ $.n }}]', {"n": 1}, [2, 1]),
        ("[{{ m + 1 }}]", {}, [None]),
        ('{"a": [1, {"b": null}]}', {}, {"a": [1, {"b": None}]}),
    ],
)  # fmt: skip
def test_json_text_gives_json_whatever_is_put_in(text: str, scope: Json, made: Json) -> None:
    assert compile_json_text(text).render(scope) == made


def test_json_text_lists_its_names_in_order() -> None:
    assert compile_json_text('{"{{c}}": {{b}}, "x": "{{a}}{{b}}"}').names == ("c", "b", "a", "b")


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ('{"a": 1', 7),
        ('{"a": {{x}} {{y}}}', 12),
        ('{"a": {{x}}, }', 13),
        ("{{x}}: 1", 5),
        ('{"a": {{x}}b}', 11),
        ('{"a": NaN}', 6),
        ('{"a": {{x}', 6),
        ("[{{#x}}]", 1),
        ("[{% if x %}1{% endif %}]", 1),
        ('"{{x}}\\q"', 6),
    ],
)
def test_text_that_is_no_json_is_refused_with_its_offset(text: str, offset: int) -> None:
    with pytest.raises(TemplateError, match=f"at offset {offset}$"):
        compile_json_text(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "[" + "{{x}}," * 6400 + "{{x}}]"])
def test_json_text_out_of_all_bounds_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        compile_json_text(text)


def test_json_text_that_uses_all_control_characters_is_refused() -> None:
    text = json.dumps("".join(map(chr, range(32))))[:-1] + '{{x}}"'
    with pytest.raises(TemplateError, match="control characters"):
        compile_json_text(text)


# -- expressions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "value"),
    [
        ("{{ imo | lower }}", ("imo",), "imo-1"),
        ("{{ ids | length }}", ("ids",), 2),
        ("{{ ids[1] }}", ("ids[1]",), "B"),
        ("{{ ids[0:1] }}", ("ids",), ["A"]),
        ("{{ count * 2 + 1 }}", ("count",), 85),
        ("{{ count > 3 }}", ("count",), True),
        ("{{ ratio | round }}", ("ratio",), 12),
        ("{{ missing | default('d') }}", ("missing",), "d"),
        ("{{ missing.a.b | default(count) }}", ("missing.a.b", "count"), 42),
        ("{{ missing + 1 }}", ("missing",), MISSING),
        ("{{ missing or nothing }}", ("missing", "nothing"), None),
        ("{{ 'a' if yes else imo }}", ("yes", "imo"), "a"),
        ("{{ voyage-id | lower }}", ("voyage-id",), "voy-1"),
        ("{{ count - price }}", ("count", "price"), 39.5),
        ("{{ ns.NAME | upper }}", ("ns.NAME",), "EXACT"),
        ("{{ tools.a + step.items[0] }}", ("tools.a", "step.items"), 2),
        ("{{ step.items | join('-') }}", ("step.items",), "1-2"),
        ("{{ step['first name'] }}", ("step",), "x"),
        ("{{ imo.lower() }}", ("imo",), "imo-1"),
        ("{{ tools.ids | map(attribute='d') }}", ("tools.ids",), [5, 6]),
        ("{{ ids | map('lower') | list }}", ("ids",), ["a", "b"]),
        ("{{ {'k': ids | map('lower'), 'm': missing} }}", ("ids", "missing"), {"k": ["a", "b"], "m": None}),
        ("{{ (imo, count) }}", ("imo", "count"), ["IMO-1", 42]),
        ("{{ ns | tojson }}", ("ns",), '{"NAME":"nested","other":1}'),
        ("{{ yes | string }}", ("yes",), "true"),
        ("{{ imo | replace('IMO', 'O') }}", ("imo",), "O-1"),
        ("{{ 'voyage-id' }}", (), "voyage-id"),
        ("{{ ''.__class__ }}", (), MISSING),
        ("{{ tools.items() | list | length }}", ("tools",), 4),
    ],
)
def test_an_expression_gives_a_value(text: str, names: tuple[str, ...], value: Json) -> None:
    template = compile_template(text)
    assert template.names == names
    assert template.is_single is (names == ("ids[1]",))
    assert template.value(SCOPE) == value
    assert template.text(SCOPE) == (
        value if isinstance(value, str) or value is MISSING else template.text(SCOPE)
    )


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{% for x in ids %}{{ x }},{% endfor %}", "A,B,"),
        ("{% for x in ids %}{{ loop.index }}{% if not loop.last %};{% endif %}{% endfor %}\n", "1;2\n"),
        ("{% if missing %}a{% else %}{{ voyage-id }}{% endif %}", "VOY-1"),
        ("{% if yes %}{{ yes }} {{ nothing }} {{ ids }} {{ missing }}{% endif %}", 'true null ["A","B"] '),
        ("{{ loop }}{% for x in ids %}{{ loop.index }}{% endfor %}", "12"),
        ("{% set n = count + 1 %}{{ n }} {{ ns.NAME }}", "43 exact"),
        ("{% for t in tools.ids %}{{ t.d }}{% endfor %}", "56"),
        ("{% for k, v in ns | dictsort %}{{ k }}={{ v }} {% endfor %}", "NAME=nested other=1 "),
        (
            "{% for g in tools.ids | groupby('d') %}{{ g.grouper }}:{{ g.list }}{% endfor %}",
            '5:[{"d":5}]6:[{"d":6}]',
        ),
        ("{% raw %}{{ a-b }}{% endraw %}{{ imo }}", "{{ a-b }}IMO-1"),
    ],
)
def test_a_block_gives_a_text(text: str, made: str) -> None:
    template = compile_template(text)
    assert (template.value(SCOPE), template.text(SCOPE)) == (made, made)
    assert not template.is_single
    assert not template.is_literal


def test_a_block_encodes_what_it_puts_in_and_nothing_else() -> None:
    template = compile_template("{% for x in xs %}&{{ x }}={{ n }}{% endfor %}/")
    assert template.names == ("xs", "n")
    assert template.text({"xs": ["a b", "c/"], "n": [1]}, encode=percent) == "&a%20b=%5B1%5D&c%2F=%5B1%5D/"
    assert template.missing({"xs": []}) == ("n",)


@pytest.mark.parametrize(
    "text",
    [
        "{{ x * n }}",
        "{{ [0] * n }}",
        "{{ x % n }}",
        "{{ 'x'.center(n) }}",
        "{{ x.format(n) }}",
        "{{ '{:>999}'.format(n) }}",
        "{{ x | join(long) }}",
        "{{ xs | join(long) }}",
        "{{ long | replace('a', long) }}",
        "{{ 5 | round(n) }}",
        "{{ 1 // 0 }}",
        "{{ x + n }}",
        "{{ x() }}",
        "{{ n() }}",
        "{{ long ~ long }}",
        "{{ x['upper'] }}",
        "{{ self }}{{ self() }}",
        "{{ xs.append(1) }}",
        "{% for a in xs %}{{ long }}{% endfor %}",
        "{% if 1 // 0 %}{% endif %}",
    ],
)
def test_an_expression_that_cannot_be_evaluated_says_so(text: str) -> None:
    scope = {"x": "abc", "n": 10**9, "long": "a" * 6_000_000, "xs": [1, 2, 3]}
    with pytest.raises(TemplateRenderError, match=r"cannot be|more than|no JSON value"):
        compile_template(text).text(scope)


@pytest.mark.parametrize(
    "name",
    ["range", "lipsum", "cycler", "joiner", "namespace", "dict", "config", "__class__"],
)
def test_jinja_has_no_globals_here(name: str) -> None:
    assert compile_template(f"{{{{ {name}(3) }}}}").value({}) is MISSING


def test_libraries_for_rare_templates_are_not_loaded_for_plain_ones() -> None:
    program = (
        "import sys; from capspec.template import *;"
        "compile_template('{{a.b}}').text({}); compile_template('{{$.a}}');"
        "compile_json_text('[{{a}}]'); print({'jinja2', 'jsonpath_ng'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# -- properties --------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(value=VALUES, text=st.text())
@example(value='"', text='","admin":true,"x":"')
def test_json_text_is_always_json_and_values_come_back_unharmed(value: Json, text: str) -> None:
    rendered = compile_json_text('{"v": {{v}}, "t": "<{{t}}>", "l": [{{v}}, "{{t}}"], "{{t}}": 0}').render(
        {"v": value, "t": text}
    )
    again = json.loads(json.dumps(rendered))
    assert again["l"] == [value, text]
    assert again[text] == 0
    assert text in ("v", "t", "l") or (again["v"], again["t"]) == (value, f"<{text}>")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_every_value_is_encoded_once_and_no_literal_is(values: list[str]) -> None:
    scope = {f"n{index}": value for index, value in enumerate(values)}
    template = compile_template("".join(f"&é {{{{{name}}}}}" for name in scope))
    made = template.text(scope, encode=lambda text: f"<{text.encode('utf-8', 'surrogatepass').hex()}>")
    assert made == "".join(f"&é <{value.encode('utf-8', 'surrogatepass').hex()}>" for value in values)


@settings(max_examples=300, deadline=None)
@given(st.text("{}%#$. ab'\"|[]0-", min_size=1, max_size=16), VALUES)
def test_any_text_is_a_template_or_a_template_error(text: str, value: Json) -> None:
    outcome = ""
    try:
        compiled = compile_template(text)
        outcome = compiled.source
        compiled.text({"a": value, "b": 1})
    except TemplateError as refusal:
        outcome = str(refusal)
    assert outcome


@settings(max_examples=300, deadline=None)
@given(st.text("{}[]:,%#$. ab'\"|0-\\n", max_size=16), VALUES)
def test_any_text_is_json_text_or_a_template_error(text: str, value: Json) -> None:
    outcome = ""
    try:
        outcome = json.dumps(compile_json_text(text).render({"a": value, "b": 1}))
    except TemplateError as refusal:
        outcome = str(refusal)
    assert outcome
