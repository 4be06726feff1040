"""All rules, one line each: code, name, severity, and the function that finds what breaks the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from capspec.errors import Severity
from capspec.lint import addresses, secrets, sections, tools, unused, words
from capspec.lint.subject import Finding, Subject


@dataclass(frozen=True, slots=True)
class Rule:
    """`origins` are the linters that have a rule of the same name: it goes by `origin-name`, too."""

    code: str
    name: str
    severity: Severity
    check: Callable[[Subject], Iterable[Finding]]
    origins: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *(f"{origin}-{self.name}" for origin in self.origins))


_BOTH: Final = ("naftiko", "ikanos")
_LATER: Final = ("ikanos",)

RULES: Final = (
    # -- how the file is put together -----------------------------------------------------------------
    Rule("CAP701", "namespaces-unique", "warning", sections.shared_namespace, _BOTH),
    Rule("CAP702", "exposes-namespace-required", "info", sections.adapter_without_namespace, _LATER),
    Rule("CAP703", "standalone-no-imports", "info", sections.import_in_shared_file, _LATER),
    Rule("CAP704", "steps-name-pattern", "warning", words.step_names, ("naftiko",)),
    Rule("CAP707", "script-defaults-required", "info", sections.script_defaults, _BOTH),
    Rule("CAP708", "output-says-something", "warning", sections.outputs_that_say_nothing),
    # -- addresses ------------------------------------------------------------------------------------
    Rule("CAP710", "consumes-baseuri-no-trailing-slash", "info", addresses.trailing_slash, _BOTH),
    Rule("CAP711", "consumed-resource-no-query-in-path", "info", addresses.query_in_consumed_path, _BOTH),
    Rule("CAP712", "rest-resource-path-no-query", "warning", addresses.query_in_exposed_path, _BOTH),
    Rule("CAP713", "rest-resource-path-no-trailing-slash", "info", addresses.slash_after_exposed_path, _BOTH),
    Rule("CAP714", "address-not-example", "warning", addresses.example_address, _BOTH),
    Rule("CAP715", "baseuri-not-example", "warning", addresses.example_host, _BOTH),
    Rule("CAP716", "baseuri-https", "warning", addresses.plain_http),
    Rule("CAP717", "path-leading-slash", "info", addresses.no_leading_slash),
    Rule("CAP718", "control-port-singleton-and-unique", "warning", addresses.control_port_shared, _BOTH),
    Rule("CAP719", "control-address-localhost-warning", "warning", addresses.control_everywhere, _BOTH),
    # -- what people and models read ------------------------------------------------------------------
    Rule("CAP720", "description-steers", "warning", words.steering),
    Rule("CAP721", "hidden-characters", "warning", words.hidden_characters),
    Rule("CAP722", "no-script-tags-in-markdown", "warning", words.script_tags, _BOTH),
    Rule("CAP723", "no-eval-in-markdown", "warning", words.eval_calls, _BOTH),
    Rule("CAP724", "no-html-in-markdown", "warning", words.markup),
    Rule("CAP725", "tool-description", "warning", words.tool_undescribed),
    Rule("CAP726", "aggregate-function-description", "warning", words.function_undescribed, ("naftiko",)),
    Rule("CAP727", "consumes-description", "info", words.api_undescribed, _BOTH),
    Rule("CAP728", "rest-resource-description", "info", words.rest_resource_undescribed, _BOTH),
    Rule("CAP729", "rest-operation-description", "info", words.rest_operation_undescribed, _BOTH),
    Rule("CAP730", "info-tags", "info", words.no_tags, _BOTH),
    # -- secrets, and who is let in -------------------------------------------------------------------
    Rule("CAP740", "secret-in-file", "warning", secrets.secret_in_file),
    Rule("CAP741", "secret-in-address", "warning", secrets.secret_in_address),
    Rule("CAP742", "mcp-auth-stdio-conflict", "warning", sections.stdio_with_authentication, _BOTH),
    Rule("CAP743", "oauth2-https-authserver", "warning", sections.issuer_without_tls, _BOTH),
    Rule("CAP744", "oauth2-resource-https", "warning", sections.resource_without_tls, _BOTH),
    Rule("CAP745", "oauth2-scopes-defined", "warning", sections.no_scopes, _BOTH),
    Rule("CAP746", "authentication-complete", "warning", sections.type_only),
    Rule("CAP747", "tunnel-identity-must-bind", "warning", sections.tunnel_identity, _LATER),
    Rule("CAP748", "tunnel-fallback-direct-warns", "warning", sections.tunnel_fallback, _LATER),
    Rule("CAP749", "tunnel-with-public-baseuri-warns", "info", sections.tunnel_to_public, _LATER),
    # -- tools ----------------------------------------------------------------------------------------
    Rule("CAP750", "destructive-hint", "warning", tools.destructive_unhinted),
    Rule("CAP751", "hints-true", "warning", tools.contradicting_hint),
    Rule("CAP752", "aggregate-semantics-consistency", "warning", tools.inconsistent_semantics, _BOTH),
    Rule("CAP753", "tool-name-length", "warning", tools.long_name),
    Rule("CAP754", "tool-description-length", "warning", tools.long_description),
    Rule("CAP755", "tools-for-a-context", "warning", tools.many_tools),
    # -- what nothing uses ----------------------------------------------------------------------------
    Rule("CAP760", "variable-used", "info", unused.unused_variables),
    Rule("CAP761", "operation-used", "info", unused.unused_operations),
    Rule("CAP762", "input-used", "warning", unused.unused_inputs),
    Rule("CAP763", "numbers-without-quotes", "info", sections.numbers_in_quotes),
)

ELSEWHERE: Final = {
    "CAP121": ("naftiko-namespaces-unique", "ikanos-namespaces-unique"),
    "CAP127": ("ikanos-aggregates-namespace-required",),
    "CAP128": ("ikanos-aggregates-unique-function-name",),
    "CAP140": ("ikanos-import-from-required", "ikanos-import-import-required"),
    "CAP143": ("ikanos-import-from-not-self",),
    "CAP144": ("ikanos-import-unique-alias",),
    "CAP157": ("naftiko-namespaces-unique", "ikanos-namespaces-unique"),
    "CAP391": ("naftiko-control-port-singleton-and-unique", "ikanos-control-port-singleton-and-unique"),
    "CAP726": ("ikanos-aggregate-flow-description",),
}
"""Rules of other linters that are problems of their own here, found when a file is read and compiled, and names
that a rule has besides."""


@cache
def names_of() -> dict[str, tuple[str, ...]]:
    """What codes may be called besides, in comments that ask not to hear of them."""
    found = {rule.code: rule.names for rule in RULES}
    for code, names in ELSEWHERE.items():
        found[code] = (*found.get(code, ()), *names)
    return found
