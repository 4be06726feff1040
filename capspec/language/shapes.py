"""The objects of the language: the usual order of each one's keys, and what kind of object stands below which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of object. `order` has all keys that it may have, of every dialect.

    `one` says by key which kind of object stands there; `named` of which kind the entries are of a list of
    objects with a `name`, or of a map by name; `listed` the same for what is a list in all dialects.
    """

    order: tuple[str, ...]
    one: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, str] = field(default_factory=dict)


def _keys(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NAMES: Final = "name id operationId label display title summary"
_FLOW: Final = f"""{_NAMES} method path uri mimeType description tags binary semantics hints inputParameters call
    with ref steps parallel mappings outputParameters outputMediaType responses responseBinary location timeout"""
_FLOW_NAMED: Final = {"inputParameters": "input", "steps": "step", "outputParameters": "output"}
_FLOW_ONE: Final = {"hints": "hints", "semantics": "semantics", "call": "call", "responses": "responses",
                    "responseBinary": "responseBinary"}  # fmt: skip
_ADAPTER: Final = (
    "type address port transport namespace name label display description tags authentication auth"
)
_GUARD: Final = {"authentication": "authentication", "auth": "authentication"}
_SKILL: Final = """name id description license compatibility metadata allowed-tools allowedTools argument-hint
    argumentHint user-invocable userInvocable disable-model-invocation disableModelInvocation location call tools"""
_SECTIONS: Final = {
    "binds": "bind", "externalRefs": "bind", "consumes": "api", "imports": "import", "aggregates": "aggregate",
    "exposes": "adapter",
}  # fmt: skip
_REQUEST: Final = "call with method uri uriFrom headers body allowHosts"


def _flow(*, listed: Mapping[str, str] | None = None) -> Shape:
    return Shape(
        order=_keys(_FLOW), one=_FLOW_ONE, named=_FLOW_NAMED, listed={"mappings": "mapping", **(listed or {})}
    )


SHAPES: Final[Mapping[str, Shape]] = {
    "file": Shape(
        order=_keys(
            "capspec naftiko ikanos apiVersion kind metadata info stakeholders binds externalRefs imports"
            " capability consumes aggregates exposes"
        ),
        one={"info": "info", "capability": "capability"},
        listed={**_SECTIONS, "stakeholders": "stakeholder"},
    ),
    "info": Shape(
        order=_keys("label display title name description tags version created modified stakeholders labels"),
        listed={"stakeholders": "stakeholder"},
    ),
    "stakeholder": Shape(order=_keys("role fullName name email")),
    "capability": Shape(
        order=_keys("binds externalRefs imports consumes aggregates exposes"), listed=_SECTIONS
    ),
    "bind": Shape(order=_keys("namespace name type resolution description location uri keys")),
    "import": Shape(order=_keys("import namespace from location url as description")),
    # -- consumed -------------------------------------------------------------------------------------
    "api": Shape(
        order=_keys(
            "type namespace name id baseUri baseUrl description headers authentication auth tunnel timeout"
            " inputParameters resources operations ref"
        ),
        one={**_GUARD, "tunnel": "tunnel"},
        named={"inputParameters": "input", "resources": "apiResource", "operations": "apiOperation"},
    ),
    "tunnel": Shape(order=_keys("type service identity fallback")),
    "apiResource": Shape(
        order=_keys(
            "name id path label display method description tags inputParameters outputParameters operations"
        ),
        named={"inputParameters": "input", "operations": "apiOperation"},
    ),
    "apiOperation": Shape(
        order=_keys(
            f"name id operationId method path label display title summary description tags inputParameters body idempotency poll webhook assets"
            " outputRawFormat outputSchema outputMediaType maxBinarySize outputParameters timeout"
        ),
        one={"poll": "poll", "idempotency": "idempotency", "webhook": "webhook", "assets": "assets"},
        named={"inputParameters": "input", "outputParameters": "output"},
    ),
    "input": Shape(
        order=_keys(
            "name id label display title in location type format contentEncoding contentMediaType contentCompression"
            " required description value const template mapping selector enum values pattern minimum"
            " maximum exclusiveMinimum exclusiveMaximum multipleOf precision scale minLength maxLength minItems"
            " maxItems uniqueItems tuple default properties additionalProperties items example examples"
        ),
        one={"items": "input"},
        named={"properties": "input"},
    ),
    "output": Shape(
        order=_keys(
            "name id label display type format contentEncoding contentMediaType contentCompression in path required"
            " description mapping value const selector enum default maxLength precision scale tuple properties items"
            " values example examples"
        ),
        one={"items": "output", "values": "output"},
        named={"properties": "output"},
    ),
    "authentication": Shape(
        order=_keys(
            "type grantType authorizationServerUri tokenEndpoint in name key header headers query value placement token"
            " tokenPrefix username password clientId clientSecret clientAuthentication scopes audience resource"
        )
    ),
    "poll": Shape(
        order=_keys(
            "id request status interval maxInterval backoff jitter initialDelay retryAfter timeout maxAttempts"
            " maxErrors progress position message result error cancel onTimeout onDisconnect"
        ),
        one={
            "status": "jobStatus",
            "request": "jobRequest",
            "result": "jobResult",
            "cancel": "jobRequest",
            "error": "jobError",
        },
    ),  # fmt: skip
    "jobStatus": Shape(
        order=_keys("path http done failedIf success failure canceled pending unknown notFound")
    ),
    "jobRequest": Shape(order=_keys(_REQUEST)),
    "jobResult": Shape(order=_keys(f"path format expires {_REQUEST}")),
    "jobError": Shape(order=_keys("code message details retryable")),
    "idempotency": Shape(order=_keys("in name key window duplicate")),
    "webhook": Shape(order=_keys("url secret signature carriesResult")),
    "assets": Shape(order=_keys("mode url allowHosts maxSize keep types")),
    # -- what flows do --------------------------------------------------------------------------------
    "call": Shape(order=_keys("operation call target with")),
    "hints": Shape(
        order=_keys(
            "readOnly readOnlyHint destructive destructiveHint idempotent idempotentHint openWorld openWorldHint"
        )
    ),
    "semantics": Shape(order=_keys("safe idempotent cacheable")),
    "responses": Shape(order=()),
    "responseBinary": Shape(order=_keys("mediaType status description")),
    "step": Shape(
        order=_keys(
            "name id step label display type description when condition if for-each forEach dependsOn depends-on"
            " parallel call operation with index match lookupValue language location file source code dependencies"
            " statementLimit job value steps try do mappings outputParameters timeout on-error onError catch"
        ),
        named={"steps": "step", "try": "step", "do": "step"},
        listed={"mappings": "mapping"},
    ),
    "mapping": Shape(order=_keys("target targetName value")),
    # -- exposed --------------------------------------------------------------------------------------
    "rest": Shape(
        order=_keys(f"{_ADAPTER} maxBinarySize inputParameters resources"),
        one=_GUARD,
        named={"inputParameters": "input", "resources": "restResource"},
    ),
    "restResource": Shape(
        order=_keys("path name id label display method description tags inputParameters operations forward"),
        one={"forward": "forward"},
        named={"inputParameters": "input", "operations": "restOperation"},
    ),
    "forward": Shape(order=_keys("targetNamespace trustedHeaders methods maxRequestSize")),
    "restOperation": _flow(),
    "mcp": Shape(
        order=_keys(f"{_ADAPTER} maxBinarySize ttlMs cacheScope tools resources prompts"),
        one=_GUARD,
        named={"tools": "tool", "resources": "mcpResource", "prompts": "prompt"},
    ),
    "tool": _flow(),
    "mcpResource": _flow(),
    "prompt": Shape(
        order=_keys("name id label display title description tags arguments template location"),
        named={"arguments": "argument"},
        listed={"template": "message"},
    ),
    "argument": Shape(order=_keys("name id label display title type required description enum")),
    "message": Shape(order=_keys("role content text")),
    "skillAdapter": Shape(
        order=_keys(f"{_ADAPTER} skill skills groups"),
        one={**_GUARD, "skill": "skill"},
        named={"skills": "skill", "groups": "skillGroup"},
    ),
    "skill": Shape(order=_keys(_SKILL), named={"tools": "skillTool"}),
    "skillGroup": Shape(order=_keys(f"{_SKILL} skills"), named={"tools": "skillTool", "skills": "skill"}),
    "skillTool": Shape(
        order=_keys("name id description from call instruction"), one={"from": "skillToolSource"}
    ),
    "skillToolSource": Shape(order=_keys("sourceNamespace namespace action")),
    "control": Shape(
        order=_keys(f"{_ADAPTER} management observability"), one={**_GUARD, "management": "management"}
    ),
    "management": Shape(order=_keys("health info reload validate logs scripting")),
    "aggregate": Shape(
        order=_keys("label display namespace name description type tags functions flows"),
        named={"functions": "function", "flows": "function"},
    ),
    "function": _flow(),
    "other": Shape(order=()),
}
"""By kind; `other` is an adapter of a type that is not known."""

ADAPTERS: Final = {
    "rest": "rest", "api": "rest", "mcp": "mcp", "skill": "skillAdapter", "agent-skill": "skillAdapter",
    "control": "control",
}  # fmt: skip
"""The `type` of an adapter, in lower case, to its kind."""
