"""Fields of what flows do, on every adapter: calls, steps, mappings, outputs, and the functions of aggregates."""

from __future__ import annotations

import json
from typing import Any

from tests.dialects.loaded import THING, Upstream
from tests.dialects.rows import (
    AGGREGATE,
    FUNCTION,
    GET,
    OPERATION,
    READ,
    TOOL,
    WARNED,
    Row,
    given,
    image,
    ran,
    sent,
    shown,
    tool,
)

PLACES = [("exposed operation", "rest", OPERATION), ("tool", "mcp", TOOL)]


def step(which: str = "7", **more: Any) -> dict[str, Any]:
    return {"type": "call", "call": "up.get", "with": {"id": which}, **more}


def stepped(flow: str, steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A flow with steps instead of a call."""
    found = {f"{flow}/call": None, f"{flow}/with": None, f"{flow}/steps": steps}
    return {**found, **{f"{flow}/{key}": value for key, value in more.items()}}


def uncalled(flow: str) -> dict[str, Any]:
    return {f"{flow}/call": None, f"{flow}/with": None, f"{flow}/inputParameters": None}


FLOWS = [
    row
    for name, kind, at in PLACES
    for row in [
        Row(object=name, name="call", at=at, value="up.get", other="up.put", view=sent("method", kind), gives="GET"),
        Row(object=name, name="with", at=at, value={"id": "9"}, other={"id": "8"}, view=sent("url", kind), gives="http://up.test/things/9"),
        Row(object=name, name="steps", at=at, value={"one": step(), "two": step("8")}, other={"two": step("8"), "one": step()},
            around=stepped(at, {}), view=sent("url", kind), gives="http://up.test/things/8"),
        Row(object=name, name="mappings", at=at, value=[{"target": "called", "value": "$.one.name"}], around=stepped(at, {"one": step()}),
            view=given(kind), gives={"called": "Sloop"}),
        Row(object=name, name="outputParameters", at=at, value=[{"type": "string", "mapping": "$.name"}], view=given(kind), gives="Sloop"),
        Row(object=name, name="ref", at=at, since="alpha2", value="fleet.find", other="fleet.lose",
            around={**uncalled(at), AGGREGATE: {"display": "Fleet", "flows": {
                "find": {"description": "Finds one.", "call": "up.get", "with": {"id": "7"}},
                "lose": {"description": "Loses one.", "call": "up.put", "with": {"id": "7"}}}}},
            view=sent("method", kind), gives="GET"),
    ]
]  # fmt: skip

ONE = f"{TOOL}/steps/one"
TWO = f"{TOOL}/steps/two"


def looked_up(**fields: Any) -> dict[str, Any]:
    """A lookup in the list that an earlier step gave."""
    lookup = {
        "type": "lookup",
        "index": "all",
        "match": "code",
        "lookupValue": "y",
        "outputParameters": ["n", "flag"],
        **fields,
    }
    steps = {
        "all": {"type": "call", "call": "up.list"},
        "found": {key: value for key, value in lookup.items() if value is not None},
    }
    lists = {
        "capability/consumes/up/resources/all": {"path": "/all", "operations": {"list": {"method": "GET"}}}
    }
    return {**lists, **stepped(TOOL, steps, mappings=[{"target": "it", "value": "$.found"}])}


def listing() -> Upstream:
    return Upstream(content=json.dumps(THING["list"]).encode())


FOUND = f"{TOOL}/steps/found"
found_by = ran("mcp", listing, lambda found: found.value)


def scripted(**fields: Any) -> dict[str, Any]:
    script = {
        "type": "script",
        "file": "main.py",
        "language": "python",
        "location": "file:///./scripts",
        "with": {"given": 4},
        **fields,
    }
    steps = {"run": {key: value for key, value in script.items() if value is not None}}
    return {
        "around": stepped(TOOL, steps, mappings=[{"target": "it", "value": "$.run"}]),
        "files": {
            "scripts": {
                "main.py": "result = context['given'] + 1\n",
                "other.py": "result = context['given'] + 2\n",
                "lib.py": "result = 0\nmore = 10\n",
                "with_lib.py": "result = more\n",
                "main.js": "result = context.given + 3;\n",
            },
            "others": {"main.py": "result = context['given'] + 5\n"},
        },
    }


RUN = f"{TOOL}/steps/run"
MAPPING = {"target": "called", "value": "$.one.name"}

STEPS = [
    Row(object="call step", name="type", at=ONE, value="call", around=stepped(TOOL, {"one": step()}), view=lambda loaded: len(loaded.ran().requests), other="block", gives=1),
    Row(object="call step", name="name", at=TOOL, key="steps", value={"one": step()}, other={"two": step()}, around=stepped(TOOL, {}, mappings=[MAPPING]), view=given(), gives={"called": "Sloop"}),
    Row(object="call step", name="call", at=ONE, value="up.get", other="up.put", around=stepped(TOOL, {"one": step()}), view=sent("method"), gives="GET"),
    Row(object="call step", name="with", at=ONE, value={"id": "9"}, other={"id": "8"}, around=stepped(TOOL, {"one": step()}), view=sent("url"), gives="http://up.test/things/9"),
    Row(object="lookup step", name="index", at=FOUND, value="all", other="none", around=looked_up(), view=found_by, gives={"it": {"n": 2, "flag": "FR"}}),
    Row(object="lookup step", name="match", at=FOUND, value="code", other="n", around=looked_up(), view=found_by, gives={"it": {"n": 2, "flag": "FR"}}),
    Row(object="lookup step", name="lookupValue", at=FOUND, value="y", other="x", around=looked_up(), view=found_by, gives={"it": {"n": 2, "flag": "FR"}}),
    Row(object="lookup step", name="outputParameters", at=FOUND, value=["n"], other=["flag"], around=looked_up(), view=found_by, gives={"it": {"n": 2}}),
    Row(object="script step", name="file", at=RUN, value="other.py", other="main.py", since="alpha2", view=given(), gives={"it": 6}, **scripted()),
    Row(object="script step", name="language", at=RUN, value="javascript", other="python", since="alpha2", view=given(), gives={"it": 7}, **scripted(file="main.js")),
    Row(object="script step", name="location", at=RUN, value="file:///./others", other="file:///./scripts", since="alpha2", view=given(), gives={"it": 9}, **scripted()),
    Row(object="script step", name="dependencies", at=RUN, value=["lib.py"], since="alpha2", view=given(), gives={"it": 10}, **scripted(file="with_lib.py")),
    Row(object="script step", name="with", at=RUN, value={"given": 7}, other={"given": 1}, since="alpha2", view=given(), gives={"it": 8}, **scripted()),
    Row(object="mapping", name="target", at=TOOL, key="mappings", value=[MAPPING], other=[{**MAPPING, "target": "x"}], around=stepped(TOOL, {"one": step()}), view=given(), gives={"called": "Sloop"}),
    Row(object="mapping", name="value", at=TOOL, key="mappings", value=[MAPPING], other=[{**MAPPING, "value": "$.one.id"}], around=stepped(TOOL, {"one": step()}), view=given(), gives={"called": "Sloop"}),
]  # fmt: skip


def mapped(since: str, value: Any, other: Any, gives: Any, what: str) -> Row:
    return Row(
        object="mapped output",
        name=what,
        key="outputParameters",
        at=TOOL,
        value=[value],
        other=[other],
        since=since,
        view=given(),
        gives=gives,
    )


OBJECT = {"type": "object", "properties": {"x": {"type": "string", "mapping": "$.name"}}}
OUTPUTS = [
    mapped("0.4", {"type": "string", "mapping": "$.name"}, {"type": "string", "mapping": "$.deep.flag"}, "Sloop", "mapping"),
    mapped("0.4", {"type": "string", "mapping": "$.id"}, {"type": "number", "mapping": "$.id"}, "7", "type"),
    mapped("0.4", {"type": "number", "mapping": "$.id"}, {"type": "string", "mapping": "$.id"}, 7, "type"),
    mapped("0.4", {"type": "boolean", "value": True}, {"type": "boolean", "value": False}, True, "value"),
    mapped("0.4", {"type": "string", "value": "fixed"}, {"type": "string", "mapping": "$.name"}, "fixed", "value"),
    mapped("0.4", OBJECT, {"type": "object", "mapping": "$.deep"}, {"x": "Sloop"}, "properties"),
    mapped("0.4", {"type": "array", "mapping": "$.list", "items": {"type": "string", "mapping": "$.code"}}, {"type": "array", "mapping": "$.list"}, ["x", "y"], "items"),
    mapped("alpha2", {"type": "object", "mapping": "$.deep.more", "values": {"type": "string"}}, {"type": "object", "mapping": "$.deep.more"}, {"x": "1"}, "values"),
    mapped("alpha2", {"type": "string", "mapping": "$.name", "maxLength": 3}, {"type": "string", "mapping": "$.name"}, "Slo", "maxLength"),
    *(
        Row(object="output", name=name, at=f"{TOOL}/outputParameters/0", value=value, claim=WARNED, code="CAP151",
            around={f"{TOOL}/outputParameters": [{"type": "number", "mapping": "$.id"}]})
        for name, value in [("precision", 5), ("scale", 2), ("selector", "x"), ("tuple", [{"type": "string"}]), ("contentCompression", "gzip")]
    ),
    *(
        Row(object="output", name=name, at=f"{TOOL}/outputParameters/0", value=value, view=tool("outputSchema", "properties", "result", name), gives=value,
            around={f"{TOOL}/outputParameters": [{"type": "string", "mapping": "$.name"}]})
        for name, value in [("contentEncoding", "base64"), ("contentMediaType", "application/json")]
    ),
    *(
        Row(object="output", name=name, at=f"{TOOL}/outputParameters/0", value=value, view=lambda loaded: loaded.mocked(), gives="Brig",
            around={f"{TOOL}/outputParameters": [{"type": "string", "mapping": "$.name"}]})
        for name, value in [("examples", ["Brig"]), ("enum", ["Brig", "Bark"])]
    ),
    Row(object="orchestrated output", name="type", key="outputParameters", at=TOOL, value={"id": {"type": "string"}}, other={"id": {"type": "number"}},
        around=stepped(TOOL, {"one": step()}, mappings=[{"target": "id", "value": "$.one.id"}]), view=given(), gives={"id": "7"}),
    Row(object="orchestrated output", name="properties", key="outputParameters", at=TOOL, value={"deep": {"type": "object", "properties": {"flag": {"type": "string"}}}},
        other={"deep": {"type": "object", "properties": {"x": {"type": "string"}}}},
        around=stepped(TOOL, {"one": step()}, mappings=[{"target": "deep", "value": "$.one.deep"}]), view=given(), gives={"deep": {"flag": "NL"}}),
    Row(object="orchestrated output", name="items", key="outputParameters", at=TOOL, value={"list": {"type": "array", "items": {"code": {"type": "string"}}}},
        other={"list": {"type": "array", "items": {"n": {"type": "number"}}}},
        around=stepped(TOOL, {"one": step()}, mappings=[{"target": "list", "value": "$.one.list"}]), view=given(), gives={"list": [{"code": "x"}, {"code": "y"}]}),
    Row(object="mock output", name="value", key="outputParameters", at=TOOL, value={"it": {"type": "string", "value": "still"}}, other={"it": {"type": "string", "value": "x"}},
        since="alpha2", around=uncalled(TOOL), view=given(), gives={"it": "still"}),
    Row(object="mock output", name="type", key="outputParameters", at=TOOL, value={"it": {"type": "number", "value": "4"}}, other={"it": {"type": "string", "value": "4"}},
        since="alpha2", around=uncalled(TOOL), view=given(), gives={"it": 4}),
]  # fmt: skip

INPUT = f"{TOOL}/inputParameters/size"
INPUTS = [
    *(
        Row(object="input", name=name, at=INPUT, value=value, view=tool("inputSchema", "properties", "size", name), gives=value,
            around={INPUT: {"type": "string", "description": "How many."}})
        for name, value in [("maxLength", 3), ("enum", ["a", "b"]), ("examples", ["a"]), ("contentEncoding", "base64"), ("contentMediaType", "text/csv")]
    ),
    *(
        Row(object="input", name=name, at=INPUT, value=value, claim=WARNED, code="CAP151", around={INPUT: {"type": "string", "description": "How many."}})
        for name, value in [("precision", 5), ("scale", 2), ("selector", "x"), ("tuple", [{"type": "string"}]), ("contentCompression", "gzip")]
    ),
    Row(object="input", name="values", at=INPUT, value={"type": "integer"}, view=tool("inputSchema", "properties", "size", "additionalProperties"), gives={"type": "integer"},
        around={INPUT: {"type": "object", "description": "How many."}}),
    Row(object="input", name="required", at=INPUT, value=["x"], view=tool("inputSchema", "properties", "size", "required"), gives=["x"],
        around={INPUT: {"type": "object", "description": "How many.", "properties": {"x": {"type": "string"}}}}),
    Row(object="input", name="template", at="capability/consumes/up/resources/things/operations/get/inputParameters/lang", value="en",
        around={"capability/consumes/up/resources/things/operations/get/inputParameters/lang": {"in": "query"}}, view=sent("url"), gives="http://up.test/things/7?lang=en"),
]  # fmt: skip

FIND = {"description": "Finds one.", "call": "up.get", "with": {"id": "7"}}


def fleet(find: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A tool that only refers to a function."""
    aggregate = {"display": "Fleet", "flows": {"find": {**(FIND if find is None else find), **more}}}
    return {
        "around": {
            **uncalled(TOOL),
            f"{TOOL}/description": None,
            f"{TOOL}/ref": "fleet.find",
            AGGREGATE: aggregate,
        }
    }


def steps_of(**more: Any) -> dict[str, Any]:
    return fleet({"description": "Finds one.", "steps": {"one": step()}, **more})


def hints(loaded: Any) -> Any:
    return tool("annotations")(loaded)


AGGREGATES = [
    Row(object="aggregate", name="display", at=AGGREGATE, value="The fleet", other="x", since="alpha2", view=shown("functions", "0", "aggregate", "title"), claim=READ, gives="The fleet", **fleet()),
    Row(object="aggregate", name="namespace", at="capability", key="aggregates", value={"fleet": {"display": "F", "flows": {"find": FIND}}},
        other={"navy": {"display": "F", "flows": {"find": FIND}}}, since="alpha2", view=lambda loaded: loaded.flow("mcp").unavailable, gives="", **fleet()),
    Row(object="aggregate", name="flows", at=AGGREGATE, value={"find": FIND}, other={"find": {**FIND, "call": "up.put"}}, since="alpha2", view=sent("method"), gives="GET", **fleet()),
    Row(object="function", name="name", at=AGGREGATE, key="flows", value={"find": FIND}, other={"found": FIND}, since="alpha2", view=lambda loaded: loaded.flow("mcp").unavailable, gives="", **fleet()),
    Row(object="function", name="description", at=FUNCTION, value="Finds it.", other="x", since="alpha2", view=tool("description"), gives="Finds it.", **fleet()),
    Row(object="function", name="tags", at=FUNCTION, value=["sea"], since="ikanos", view=shown("functions", "0", "tags"), claim=READ, gives=["sea"], **fleet()),
    Row(object="semantics", name="safe", at=f"{FUNCTION}/semantics", value=True, since="alpha2", view=hints, gives={"readOnlyHint": True, "destructiveHint": False}, **fleet(semantics={})),
    Row(object="semantics", name="idempotent", at=f"{FUNCTION}/semantics", value=True, since="alpha2", view=hints, gives={"idempotentHint": True}, **fleet(semantics={})),
    Row(object="semantics", name="cacheable", at=f"{FUNCTION}/semantics", value=True, since="alpha2", view=shown("functions", "0", "cacheable"), claim=READ, gives=True, **fleet(semantics={})),
    Row(object="function", name="semantics", at=FUNCTION, value={"safe": True}, since="alpha2", view=hints, gives={"readOnlyHint": True, "destructiveHint": False}, **fleet()),
    Row(object="function", name="inputParameters", at=FUNCTION, value={"id": {"type": "integer", "description": "Which."}}, since="alpha2",
        view=tool("inputSchema", "properties", "id", "type"), gives="integer", **fleet({"description": "Finds one.", "call": "up.get"})),
    Row(object="function", name="call", at=FUNCTION, value="up.get", other="up.put", since="alpha2", view=sent("method"), gives="GET", **fleet()),
    Row(object="function", name="with", at=FUNCTION, value={"id": "9"}, other={"id": "8"}, since="alpha2", view=sent("url"), gives="http://up.test/things/9", **fleet()),
    Row(object="function", name="steps", at=FUNCTION, value={"one": step("9")}, other={"one": step("8")}, since="alpha2", view=sent("url"), gives="http://up.test/things/9", **steps_of()),
    Row(object="function", name="mappings", at=FUNCTION, value=[MAPPING], since="alpha2", view=given(), gives={"called": "Sloop"}, **steps_of()),
    Row(object="function", name="outputParameters", at=FUNCTION, value=[{"type": "string", "mapping": "$.name"}], since="alpha2", view=given(), gives="Sloop", **fleet()),
    Row(object="function", name="outputMediaType", at=FUNCTION, value="image/png", since="beta1", view=ran("mcp", image, lambda found: found.media_type), gives="image/png",
        around={**fleet()["around"], f"{GET}/outputRawFormat": "binary"}),
]  # fmt: skip

FIELDS = [*FLOWS, *STEPS, *OUTPUTS, *INPUTS, *AGGREGATES]
