"""What the reference engine reads, by dialect: the keys of each kind of object, and how it spells things.

A key that is not here is not read there, and so has no effect. The tables follow the engine's reader, which
knows more than its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WORDS: Final = frozenset(
    "description label display title summary tags labels created modified stakeholders version example examples"
    " metadata apiVersion kind format role fullName email".split()
)
"""Keys that only say something to people: what ignores them does the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One version of the language as its reference engine reads it.

    `spellings` are by kind and key what it writes instead. With `maps`, named things are maps by name, and
    otherwise lists of objects with a `name`. `sections` may be imported, and may stand at the root.
    """

    name: str
    root: str
    version: str
    maps: bool
    keys: Mapping[str, frozenset[str]]
    spellings: Mapping[tuple[str, str], str]
    sections: frozenset[str]
    formats: frozenset[str]


def _table(text: str) -> dict[str, frozenset[str]]:
    found = {}
    for line in text.strip().splitlines():
        kind, _, keys = line.partition(":")
        found[kind.strip()] = frozenset(keys.split())
    return found


_PARAMETER: Final = (
    "name type description value template const pattern selector maxLength precision scale enum values examples tuple"
    " contentEncoding contentCompression contentMediaType items properties"
)

_COMMON: Final = _table(f"""
    stakeholder: role fullName email
    capability: exposes consumes binds aggregates
    bind: namespace keys description location
    input: {_PARAMETER} in required
    output: {_PARAMETER} mapping
    authentication: type username password key value placement token authorizationServerUri resource scopes audience
""")

_ALPHA: Final = {**_COMMON, **_table("""
    file: naftiko info capability consumes binds
    info: label description tags created modified stakeholders
    import: location import as description
    api: namespace type baseUri description inputParameters authentication resources
    apiResource: name path operations label description inputParameters
    apiOperation: name method label description inputParameters outputRawFormat outputSchema outputParameters body
    rest: type port namespace address authentication resources inputParameters
    restResource: name path label description inputParameters operations forward
    forward: targetNamespace trustedHeaders
    restOperation: name method label description inputParameters call with steps mappings ref outputParameters
    mcp: type namespace transport port address description authentication tools resources prompts
    tool: name label description inputParameters call with steps mappings ref hints outputParameters
    mcpResource: name label uri description mimeType call with steps mappings outputParameters location
    prompt: name label description arguments template location
    argument: name label description required
    message: role content
    skillAdapter: type port namespace skills address description authentication
    skillTool: name description from instruction
    skillToolSource: sourceNamespace action
    control: type port address authentication management observability
    management: health info reload validate logs scripting
    aggregate: label namespace functions
    function: name description semantics inputParameters call with steps mappings outputParameters
    semantics: safe idempotent cacheable
    hints: readOnly destructive idempotent openWorld
    call: operation with
    step: type name call with index match lookupValue outputParameters file language location dependencies
    mapping: targetName value
""")}  # fmt: skip

_SKILL: Final = frozenset(
    "name description license compatibility metadata allowed-tools argument-hint user-invocable"
    " disable-model-invocation location tools".split()
)
_AUTHENTICATION: Final = frozenset({"tokenEndpoint", "tokenValidation"})


def _changed(table: Mapping[str, frozenset[str]], **more: str) -> dict[str, frozenset[str]]:
    """A table with keys renamed (`old>new`), added (`+key`) and taken out (`-key`)."""
    found = dict(table)
    for kind, changes in more.items():
        keys = set(found.get(kind, ()))
        for change in changes.split():
            old, _, new = change.partition(">")
            keys.discard(old.lstrip("-"))
            if not change.startswith("-"):
                keys.add(new or old.lstrip("+"))
        found[kind] = frozenset(keys)
    return found


_ALPHA_KEYS: Final = {
    **_ALPHA, "skill": _SKILL, "authentication": _ALPHA["authentication"] | _AUTHENTICATION,
}  # fmt: skip
_BETA_KEYS: Final = _changed(
    _ALPHA_KEYS,
    file="naftiko>ikanos +exposes +aggregates",
    info="label>display +version",
    **{"import": "location>from"},
    api="+tunnel",
    tunnel="+type +service +identity +fallback",
    apiResource="label>display +tags",
    apiOperation="label>display +tags +outputMediaType +maxBinarySize",
    rest="+maxBinarySize",
    restResource="label>display +tags",
    restOperation="label>display +tags +responses +responseBinary",
    responseBinary="+mediaType +status +description",
    mcp="+maxBinarySize +ttlMs +cacheScope",
    tool="label>display +tags",
    mcpResource="label>display +binary",
    prompt="label>display",
    argument="label>display",
    aggregate="label>display functions>flows",
    function="+tags +outputMediaType",
    mapping="targetName>target",
)

_NAMED: Final = (
    "info", "apiResource", "apiOperation", "restResource", "restOperation", "tool", "mcpResource", "prompt",
    "argument", "aggregate",
)  # fmt: skip
_ANY: Final = {
    ("api", "baseUrl"): "baseUri", ("api", "auth"): "authentication", ("rest", "auth"): "authentication",
    ("mcp", "auth"): "authentication", ("skillAdapter", "auth"): "authentication",
    ("control", "auth"): "authentication", ("bind", "uri"): "location", ("import", "url"): "location",
    ("file", "externalRefs"): "binds", ("capability", "externalRefs"): "binds", ("bind", "name"): "namespace",
    ("hints", "readOnlyHint"): "readOnly", ("hints", "destructiveHint"): "destructive",
    ("hints", "idempotentHint"): "idempotent", ("hints", "openWorldHint"): "openWorld",
    ("message", "text"): "content", ("stakeholder", "name"): "fullName",
}  # fmt: skip

_FORMATS: Final = frozenset("json xml avro protobuf csv yaml tsv psv html markdown".split())

ALPHA2: Final = Dialect(
    name="naftiko-1.0.0-alpha2",
    root="naftiko",
    version="1.0.0-alpha2",
    maps=False,
    keys=_ALPHA_KEYS,
    spellings={
        **_ANY, **{(kind, "display"): "label" for kind in _NAMED}, ("aggregate", "flows"): "functions",
        ("info", "title"): "label", ("mapping", "target"): "targetName", ("import", "from"): "location",
    },
    sections=frozenset({"consumes"}),
    formats=_FORMATS,
)  # fmt: skip

BETA5: Final = Dialect(
    name="ikanos-1.0.0-beta5",
    root="ikanos",
    version="1.0.0-beta5",
    maps=True,
    keys=_BETA_KEYS,
    spellings={
        **_ANY, **{(kind, "label"): "display" for kind in _NAMED}, ("aggregate", "functions"): "flows",
        ("info", "title"): "display", ("mapping", "targetName"): "target", ("import", "location"): "from",
        ("import", "url"): "from",
    },
    sections=frozenset({"consumes", "exposes", "aggregates", "binds"}),
    formats=_FORMATS | {"binary"},
)  # fmt: skip

DIALECTS: Final = {dialect.name: dialect for dialect in (ALPHA2, BETA5)}
"""Those of the reference engine, by the names that commands take."""
