"""Mistakes in a file whose collections are maps."""

from __future__ import annotations

from tests.mistakes.mistake import Mistake

# fmt: off

SHAPES: dict[str, Mistake] = {
    "a list of texts": ("          names: {type: array, mapping: \"$[*].name\"}\n", "          §- names\n", "should be a mapping", "write `key: value` lines"),
    "an operation that is text": ("          get-port:\n            method: GET\n", "          get-port: §GET\n", "should be a mapping", "write `key: value` lines"),
    "an input that is text": ("country: {type: string, minLength: 2}", "country: §string", "should be a mapping", "write `key: value` lines"),
    "a step that is text": ("found: {type: call, call: ports.get-port, with: {code: harbour.code}}", "found: §ports.get-port", "should be a mapping", "write `key: value` lines"),
    "a name twice": ("      describe-port:\n", "      §list-ports:\n", "`list-ports` is written on line", "keep one of them", "error"),
    "keys as text": ("keys:\n    PORT_KEY: PORT_KEY", "keys: §PORT_KEY", "'keys' should be a list or a mapping", "as a list: [TOKEN, KEY]", "error"),
    "a key misspelt": ("            inputParameters:\n              land", "            §inputParamters:\n              land", "'inputParamters' is not known", "did you mean 'inputParameters'?"),
    "a call misspelt": ("call: ports.list-ports", "call: §ports.list-prots", "there is no operation 'ports.list-prots'", "did you mean 'ports.list-ports'?"),
    "an argument misspelt": ("land: harbour.country", "land: §harbour.contry", "'harbour.contry' is none of the inputs", "did you mean 'harbour.country'?"),
    "a parameter misspelt": ("with: {land", "with: {§lannd", "'lannd' is no parameter of 'ports.list-ports'", "did you mean 'land'?"),
    "a step misspelt": ("$.found.name", "§$.fuond.name", "'$.fuond.name'", "did you mean"),
    "a brace open": ('path: "/ports/{code}"', 'path: §"/ports/{code"', "of the path '/ports/{code' is not closed", "write a placeholder as {name}"),
    "a column too few": ("      describe-port:", "     §describe-port:", "does not line up with the mapping", "start it in column", "error"),
    "a constraint as text": ("minLength: 2", "minLength: §two", "'minLength' should be a whole number", "write it in digits"),
    "a type misspelt": ("- type: mcp", "- type: §mpc", "'mpc' is not a known type of adapter", "did you mean 'mcp'?"),
}
"""Mistakes that depend on the shape."""
