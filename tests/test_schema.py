"""The published JSON Schema: current, sound, tolerant of real files, and intolerant of typing errors."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from capspec import document, model, registry, schema
from capspec.cli import group
from capspec.errors import CapspecError
from capspec.node import Node

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "schemas" / "capability.schema.json"
CORPUS = ROOT.parent / "shared" / "corpus"

WHOLE = """\
capspec: "1"
info:
  {label: Things, tags: [a], version: 1.0, stakeholders: [{role: owner, fullName: Ada, email: ada@example.com}]}
binds: [{namespace: env, keys: {TOKEN: TOKEN}}]
x-own: anything
capability:
  consumes:
    - namespace: up
      type: http
      baseUri: https://api.example.com
      authentication: {type: bearer, token: '{{TOKEN}}'}
      inputParameters: [{name: X-Version, in: header, value: 2}]
      timeout: 30s
      tunnel: {type: ziti, service: things, identity: '{{TOKEN}}', fallback: direct}
      resources:
        things:
          path: /things/{id}
          operations:
            get-thing:
              method: GET
              inputParameters: {n: {in: query, type: integer, minimum: 1}}
              outputParameters: [{name: first, type: string, value: '$.items[0]'}]
              body: {type: json, data: {a: '{{a}}'}}
              poll:
                id: $.id
                request:
                  uriFrom: [{body: $.url, of: submit}, {header: Location}]
                  allowHosts: ['*.example.com']
                initialDelay: {path: $.eta, unit: s}
                retryAfter: {header: X-Wait, unit: s, min: 1s, max: 1m}
                interval: 2s
                backoff: 1.5
                timeout: 10m
                status:
                  {path: $.status, success: [done], failure: failed, notFound: {codes: [404], grace: 5s}}
                progress: {path: $.progress, max: 100}
                result: {path: $.result}
                error: {message: [$.error.message, $.error]}
                cancel: {call: up.get-thing, with: {id: '{{id}}'}}
                onTimeout: leave
              idempotency:
                in: header
                name: Idempotency-Key
                duplicate: {code: 409, recover: {call: up.get-thing, with: {id: 1}}}
              assets: {mode: save, url: $.result, keep: 1h}
              webhook: {url: {in: body, name: hook}, secret: {name: key}, carriesResult: true}
    - {import: more, from: ./more.yaml, as: also, description: Shared}
  exposes:
    - type: rest
      port: 8080
      namespace: r
      resources:
        - path: /t/{id}
          operations:
            - method: GET
              name: get-thing
              call: up.get-thing
              with: {id: rest.id}
              responses: {'200': {description: One, content: {image/png: {binary: true}}}}
            - {method: PUT, name: put-thing, call: up.get-thing, responseBinary: {mediaType: image/png}}
    - type: mcp
      port: 9090
      namespace: m
      tools:
        - name: get-thing
          description: Get a thing
          hints: {readOnly: true}
          inputParameters: [{name: id, type: string, description: which, required: true}]
          call: {operation: up.get-thing, with: {id: m.id}}
          outputParameters:
            - type: object
              properties: {names: {type: array, mapping: $.items, items: {type: string, mapping: $.name}}}
        - name: several
          description: Get several
          steps: [{name: one, type: call, call: up.get-thing, with: {id: m.id}}]
          mappings: [{target: one.id, value: $.one.id}]
      resources:
        - {name: doc, uri: 'doc://{id}', description: A text, mimeType: application/json, call: up.get-thing}
      prompts:
        - {name: ask, description: Ask, arguments: [{name: q}], template: [{role: user, content: '{{q}}'}]}
    - type: skill
      port: 9091
      namespace: s
      skills:
        - name: things
          description: How to find things
          allowed-tools: [get-thing]
          metadata: {author: somebody}
          location: file:///./skills/things
          tools:
            - {name: get, description: Get a thing, from: {sourceNamespace: m, action: get-thing}}
            - {name: guide, description: What things are, instruction: guide.md}
            - {name: thing, description: Get a thing, call: up.get-thing}
      groups: [{name: grouped, description: The same, skills: [{name: get-thing, call: up.get-thing}]}]
      skill: {name: single, description: The same}
    - type: control
      port: 9092
      management: {health: true, logs: {stream: true, max-subscribers: 3}, scripting: {timeout: 1000}}
      observability:
        metrics: {local: {enabled: true}}
        traces: {sampling: 0.5, propagation: b3, local: {buffer-size: 50}}
        exporters: {otlp: {endpoint: 'http://localhost:4318'}}
"""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema.bundle())


def data_of(text: str) -> Any:
    return document.parse(text).data


def test_the_published_file_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(group, ["schema"]).stdout
    assert printed == schema.published()
    assert PUBLISHED.read_text("utf-8") == printed, "run: capspec schema > schemas/capability.schema.json"


def test_it_is_a_sound_schema() -> None:
    Draft202012Validator.check_schema(schema.bundle())


def test_every_property_is_described() -> None:
    bundle = schema.bundle()
    bare = [
        f"{name}.{key}"
        for name, definition in {"the file": bundle, **bundle["$defs"]}.items()
        for key, part in definition.get("properties", {}).items()
        if not {"description", "$ref"} & set(part)
    ]
    assert bare == []


SCALARS = ("string", "number", "integer", "boolean")


def scalar(part: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Whether one value can be written there; what has other objects below it is shown by them."""
    meant = {**definitions.get(part.get("$ref", "").rpartition("/")[2], {}), **part}
    kinds = meant.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return any(kind in SCALARS for kind in kinds) and "object" not in kinds


def shown(part: dict[str, Any], definitions: dict[str, Any]) -> bool:
    meant = {**definitions.get(part.get("$ref", "").rpartition("/")[2], {}), **part}
    return bool({"enum", "default", "examples", "const"} & set(meant)) or "no effect" in meant["description"]


def test_every_scalar_has_an_example_or_says_what_it_may_be() -> None:
    bundle = schema.bundle()
    bare = [
        f"{name}.{key}"
        for name, definition in {"the file": bundle, **bundle["$defs"]}.items()
        for key, part in definition.get("properties", {}).items()
        if scalar(part, bundle["$defs"]) and not shown(part, bundle["$defs"])
    ]
    assert bare == [], "add 'examples': editors offer them"


def test_every_setting_of_an_extension_has_an_example_or_says_what_it_may_be() -> None:
    bundle = schema.bundle()
    bare = [
        f"{name}.{key}"
        for name, definition in bundle["$defs"].items()
        if name.startswith(("auth.", "guard."))
        for key, part in definition["properties"].items()
        if not shown(part, bundle["$defs"])
    ]
    assert bare == []


def test_a_file_with_everything_in_it_is_valid(validator: Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(data_of(WHOLE))] == []


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "capabilities").glob("*.yaml")))
def test_the_shipped_capabilities_are_valid(validator: Draft202012Validator, name: str) -> None:
    data = document.read(ROOT / "capabilities" / name).data
    assert [error.message for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("capspec:", "capsec:"),
        ("capability:", "capabilty:"),
        ("consumes:", "consume:"),
        ("baseUri:", "baseURL:"),
        ("method: GET\n", "methd: GET\n"),
        ("method: GET\n", "method: FETCH\n"),
        ("inputParameters: {n:", "inputParameter: {n:"),
        ("minimum: 1", "minimun: 1"),
        ("outputParameters:\n", "outputParametrs:\n"),
        ("items: {type: string, mapping", "items: {type: string, maping"),
        ("readOnly:", "readonly:"),
        ("hints: {readOnly: true}", "hints: {readOnly: sure}"),
        ("port: 8080", "port: 80800"),
        ("timeout: 30s", "timeout: soon"),
        ("type: rest\n", "typ: rest\n"),
        ("target: one.id", "targt: one.id"),
        ("{operation: up.get-thing,", "{operatoin: up.get-thing,"),
        ("role: user", "role: robot"),
        ("sourceNamespace: m", "sourceNamspace: m"),
        ("instruction: guide.md", "instructions: guide.md"),
        ("uri: 'doc", "url: 'doc"),
        ("{type: bearer, token", "{kind: bearer, token"),
        ("success: [done]", "succes: [done]"),
        ("onTimeout: leave", "onTimeout: wait"),
        ("interval: 2s", "interval: often"),
    ],
)
def test_typing_errors_are_caught(validator: Draft202012Validator, right: str, wrong: str) -> None:
    assert right in WHOLE
    assert not validator.is_valid(data_of(WHOLE.replace(right, wrong, 1)))


def test_editors_are_offered_the_registered_words() -> None:
    definitions = schema.bundle()["$defs"]
    assert definitions["authentication"]["properties"]["type"]["examples"] == list(registry.names("auth"))
    assert definitions["listener"]["properties"]["type"]["examples"] == list(registry.names("adapter"))


def test_an_extensions_own_part_holds_for_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    part = {"required": ["secret"]}
    monkeypatch.setitem(registry.EXTENSIONS["auth"], "odd", f"{__name__}:nothing")
    monkeypatch.setitem(registry.SYNONYMS, ("auth", "very-odd"), "odd")
    monkeypatch.setitem(globals(), "SCHEMA", part)
    validator = Draft202012Validator(schema.bundle())
    for kind, expected in (("odd", False), ("very-odd", False), ("bearer", True)):
        text = WHOLE.replace("type: bearer, token: '{{TOKEN}}'", f"type: {kind}")
        assert validator.is_valid(data_of(text)) is expected


# -- in step with the reader ----------------------------------------------------------------------------

PLACES = {
    "a capability file": ("",),
    "a capability": ("capability",),
    "a bind": ("bind",),
    "an import": ("import",),
    "a consumed API": ("consumedApi",),
    "a consumed resource": ("consumedResource",),
    "a consumed operation": ("consumedOperation",),
    "an exposed rest adapter": ("restListener",),
    "an exposed mcp adapter": ("mcpListener",),
    "an exposed resource": ("exposedResource",),
    "an exposed operation": ("exposedOperation",),
    "a tool": ("tool",),
    "a resource": ("mcpResource",),
    "a mapping": ("stepMapping",),
    "hints": ("hints",),
    "an input parameter": ("input",),
    "an output parameter": ("output",),
    "an exposed skill adapter": ("skillListener",),
    "a skill": ("skill",),
    "a group of skills": ("skillGroup",),
    "a tool of a skill": ("skillTool",),
    "'from' of a tool of a skill": ("skillToolSource",),
    "an exposed control adapter": ("controlListener",),
    "'management' of a control adapter": ("management",),
    "'logs' of a control adapter": ("controlLogs",),
    "'observability' of a control adapter": ("observability",),
    "'metrics' of a control adapter": ("observability", "metrics"),
    "'traces' of a control adapter": ("observability", "traces"),
    "'local' of a control adapter": ("observability", "traces", "local"),
    "'exporters' of a control adapter": ("observability", "exporters"),
    "'otlp' of a control adapter": ("observability", "exporters", "otlp"),
    "'info'": ("info",),
    "a stakeholder": ("stakeholder",),
    "a tunnel": ("consumedApi", "tunnel"),
    "a response": ("response",),
    "a response's content": ("responseContent",),
    "'responseBinary'": ("exposedOperation", "responseBinary"),
    "a prompt": ("prompt",),
    "a prompt argument": ("promptArgument",),
    "a prompt message": ("promptMessage",),
    "'poll'": ("poll",),
    "'request'": ("jobRequest",),
    "'cancel'": ("jobRequest",),
    "'uriFrom'": ("jobAddress",),
    "'progress'": ("jobFigure",),
    "'initialDelay'": ("jobFigure",),
    "'retryAfter'": ("jobRetryAfter",),
    "'status'": ("jobStatus",),
    "'notFound'": ("jobStatus", "notFound"),
    "'result'": ("jobResult",),
    "'error'": ("jobError",),
    "'idempotency'": ("idempotency",),
    "'duplicate'": ("idempotency", "duplicate"),
    "'recover'": ("idempotency", "duplicate", "recover"),
    "'assets'": ("assets",),
    "'webhook'": ("webhook",),
    "'url' of a webhook": ("webhook", "url"),
    "'secret' of a webhook": ("webhook", "secret"),
}
"""What the reader calls an object, to the definition that describes it, and the way down in it."""


def asked_for(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Every key that the reader asks of each kind of object."""
    found: dict[str, set[str]] = defaultdict(set)

    def finish(self: Node, kind: str) -> None:
        found[kind] |= self.asked

    monkeypatch.setattr(Node, "finish", finish)
    model.parse(document.parse(WHOLE))
    return found


def test_every_key_that_is_read_is_in_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_for(monkeypatch)
    bundle = schema.bundle()
    assert set(asked) <= set(PLACES), "a new kind of object: describe it in schema.base.json"
    for kind, keys in asked.items():
        name, *way = PLACES[kind]
        definition = bundle["$defs"][name] if name else bundle
        for step in way:
            definition = definition["properties"][step]
        assert keys - set(definition["properties"]) == set(), (
            f"{kind} is read with keys that schema.base.json does not describe"
        )


# -- real files -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_real_files_are_valid(validator: Draft202012Validator) -> None:
    with (CORPUS / "manifest.tsv").open(encoding="utf-8", newline="") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))
    valid: list[str] = []
    invalid: list[str] = []
    for row in rows:
        data = (
            _well_formed(CORPUS / "files" / row["file"])
            if row["group"] not in ("malformed", "truncated")
            else None
        )
        if data is not None and any(key in data for key in ("capspec", "naftiko", "ikanos")):
            (valid if validator.is_valid(data) else invalid).append(row["file"])
    assert len(valid) >= 0.97 * (len(valid) + len(invalid)), invalid


def _well_formed(path: Path) -> Any:
    try:
        return document.read(path).data
    except CapspecError:
        return None
