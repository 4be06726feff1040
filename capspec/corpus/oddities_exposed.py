"""The oddities of what files expose, and of whole files: calls, arguments, names, binds, templates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from capspec.corpus.view import PLACEHOLDER, Called, View, placeholders, plain, texts
from capspec.model import OperationSpec
from capspec.values import MISSING, Json

_REFERENCE = re.compile(r"(?:\$this\.)?(?:rest|tools|mcp)\.(.+)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9-]+")
_TEMPLATE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_UPPER = re.compile(r"[A-Z][A-Z0-9_]*")
_LONGEST = 64

_Find = Callable[[View], Iterable[object]]


def _flows(test: Callable[[Called], object]) -> _Find:
    return lambda view: [item for item in view.calls if test(item)]


def _called(test: Callable[[Called, OperationSpec], object]) -> _Find:
    return lambda view: [item for item, target in view.called if test(item, target)]


def _exposes(test: Callable[[Mapping[str, Json]], object]) -> _Find:
    return lambda view: [entry for entry in view.entries("exposes") if test(entry)]


def _in_texts(test: Callable[[str], object]) -> _Find:
    return lambda view: [text for text in texts(view.raw) if test(text)]


def _arguments(item: Called) -> Mapping[str, Json]:
    return item.flow.call.arguments if item.flow.call is not None else {}


def _referred(item: Called) -> Iterator[str]:
    for value in _arguments(item).values():
        found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is not None:
            yield found[1]


# -- calls ------------------------------------------------------------------------------------------------


def _does_nothing(item: Called) -> bool:
    flow = item.flow
    return flow.call is None and not flow.block.steps and not flow.ref


def _missing(item: Called, view: View, *, namespace: bool) -> bool:
    if item.flow.call is None or item.targets:
        return False
    known = {upstream.namespace for upstream in view.capability.upstreams}
    return (item.flow.call.target.partition(".")[0] not in known) is namespace


def _unresolved(*, namespace: bool) -> _Find:
    return lambda view: [item for item in view.calls if _missing(item, view, namespace=namespace)]


def _needs(target: OperationSpec) -> list[str]:
    return [*placeholders(target.path), *(item.name for item in target.inputs if item.value is MISSING)]


def _unknown_keys(item: Called, target: OperationSpec) -> bool:
    return bool(set(_arguments(item)) - set(_needs(target)))


def _unfed(item: Called, target: OperationSpec) -> bool:
    required = {entry.name for entry in target.inputs if entry.required and entry.value is MISSING}
    given = {*_arguments(item), *(entry.name for entry in item.flow.inputs)}
    return bool({*required, *placeholders(target.path)} - given)


def _renamed_keys(item: Called, _: OperationSpec) -> bool:
    pairs = ((key, value) for key, value in _arguments(item).items() if isinstance(value, str))
    found = ((key, _REFERENCE.fullmatch(value.strip())) for key, value in pairs)
    return any(match is not None and match[1] != key for key, match in found)


def _undeclared_references(item: Called) -> bool:
    return bool(set(_referred(item)) - {entry.name for entry in item.flow.inputs})


def _odd_references(item: Called) -> bool:
    return any(re.search(r"[^A-Za-z0-9_-]", name) for name in _referred(item))


def _inferred(item: Called, target: OperationSpec) -> bool:
    return not item.flow.declares_inputs and not _arguments(item) and bool(_needs(target))


def _by_name(item: Called, _: OperationSpec) -> bool:
    return bool(item.flow.inputs) and not _arguments(item)


def _no_body(item: Called, target: OperationSpec) -> bool:
    places = {entry.location.lower() for entry in target.inputs}
    writes = target.method in ("POST", "PUT", "PATCH")
    return writes and target.body is None and not places & {"body", "formdata", "form"}


# -- REST -------------------------------------------------------------------------------------------------


def _names(path: str) -> list[str]:
    return list(dict.fromkeys(placeholders(path.partition("?")[0])))


def _spelt_otherwise(item: Called, target: OperationSpec) -> bool:
    mine, theirs = _names(item.flow.path), _names(target.path)
    alike = {plain(name) for name in mine} & {plain(name) for name in theirs}
    return item.is_rest and any(plain(name) in alike and name not in theirs for name in mine)


def _other_names(item: Called, target: OperationSpec) -> bool:
    mine = {plain(name) for name in _names(item.flow.path)}
    theirs = {plain(name) for name in _names(target.path)}
    return item.is_rest and len(mine) == len(theirs) and mine != theirs


def _fewer(item: Called, target: OperationSpec) -> bool:
    return item.is_rest and len(_names(item.flow.path)) < len(_names(target.path))


def _more(item: Called, target: OperationSpec) -> bool:
    return item.is_rest and len(_names(item.flow.path)) > len(_names(target.path))


def _routes(shape: Callable[[str], str]) -> _Find:
    def find(view: View) -> list[object]:
        keys = [
            (id(item.listener), item.flow.method, shape(item.flow.path))
            for item in view.calls
            if item.is_rest
        ]
        return [key for key, count in Counter(keys).items() if count > 1]

    return find


def _partial(item: Called) -> bool:
    segments = PLACEHOLDER.sub("\0", item.flow.path).split("/")
    return any("\0" in segment and segment != "\0" for segment in segments)


# -- names and the whole file -----------------------------------------------------------------------------


def _tools_twice(view: View) -> list[object]:
    names = Counter((id(item.listener), item.flow.name) for item in view.calls if not item.is_rest)
    return [name for name, count in names.items() if count > 1]


def _tool(test: Callable[[str], object]) -> _Find:
    return _flows(lambda item: not item.is_rest and item.flow.name and test(item.flow.name))


def _trusts(method: bool, hint: bool) -> Callable[[Called, OperationSpec], bool]:
    """Tools whose hint says other than the method of their target would."""

    def test(item: Called, target: OperationSpec) -> bool:
        return not item.is_rest and (target.method == "GET") is method and item.flow.hints.read_only is hint

    return test


def _unused_binds(view: View) -> list[object]:
    written = " ".join(texts(view.body))
    return [name for bind in view.capability.binds for name in bind.keys if name not in written]


def _renamed_binds(view: View) -> list[object]:
    return [name for bind in view.capability.binds for name, key in bind.keys.items() if name != key]


def _unbound(view: View) -> set[str]:
    bound = {name for bind in view.capability.binds for name in bind.keys}
    found = {name.rpartition(".")[2] for text in texts(view.body) for name in _TEMPLATE.findall(text)}
    return {name for name in found if _UPPER.fullmatch(name) and name not in bound}


def _template(pattern: str) -> _Find:
    expression = re.compile(pattern)
    return _in_texts(lambda text: any(expression.fullmatch(name) for name in _TEMPLATE.findall(text)))


def _has_no(section: str) -> _Find:
    return lambda view: [] if view.body.get(section) else [section]


def _has(section: str) -> _Find:
    return lambda view: view.entries(section)


def _empty(kind: str, section: str) -> _Find:
    return _exposes(lambda entry: entry.get("type") == kind and not entry.get(section))


def _version_maps(view: View) -> list[object]:
    return [key for key in ("naftiko", "ikanos", "capspec") if isinstance(view.raw.get(key), dict)]


def _skill_folders(view: View) -> list[object]:
    return [skill for listener in view.capability.listeners for skill in listener.skills if skill.location]


ROWS: Mapping[str, tuple[str, _Find]] = {
    "call-missing-operation": ("call of an operation that is not there", _unresolved(namespace=False)),
    "call-missing-namespace": ("call of a namespace that is not consumed", _unresolved(namespace=True)),
    "call-ambiguous": (
        "call of a name that several operations have",
        _flows(lambda item: len(item.targets) > 1),
    ),
    "call-none": ("flow without call, steps or ref", _flows(_does_nothing)),
    "steps": ("flow with steps", _flows(lambda item: item.flow.block.steps)),
    "with-unknown-key": ("`with` names what the target does not", _called(_unknown_keys)),
    "with-other-name": ("`with` gives a parameter another argument", _called(_renamed_keys)),
    "with-undeclared": ("`with` reads what is no declared input", _flows(_undeclared_references)),
    "with-odd-name": ("`with` reads a name with odd characters", _flows(_odd_references)),
    "inputs-unfed": ("the target needs what nothing feeds", _called(_unfed)),
    "inputs-by-name": ("inputs declared and no `with`", _called(_by_name)),
    "inputs-inferred": ("neither inputs nor `with`, and the target needs some", _called(_inferred)),
    "body-impossible": ("flow writes, and no body can be given", _called(_no_body)),
    "rest-spelt-otherwise": ("REST placeholder spelt unlike the target's", _called(_spelt_otherwise)),
    "rest-other-names": ("REST placeholders of other names", _called(_other_names)),
    "rest-fewer": ("REST path with fewer placeholders than the target", _called(_fewer)),
    "rest-more": ("REST path with more placeholders than the target", _called(_more)),
    "rest-mustache": ("REST path with {{name}}", _flows(lambda item: "{{" in item.flow.path)),
    "rest-no-slash": (
        "REST path without a slash at its start",
        _flows(lambda item: item.flow.path[:1] not in ("", "/")),
    ),
    "rest-query": ("REST path with ? or #", _flows(lambda item: re.search(r"[?#]", item.flow.path))),
    "rest-partial": ("REST placeholder is a part of a segment", _flows(_partial)),
    "rest-twice": ("same REST route twice", _routes(str)),
    "rest-alike": ("same REST route but for names", _routes(lambda path: PLACEHOLDER.sub("\0", path))),
    "rest-method": (
        "REST method unlike the target's",
        _called(lambda item, target: item.is_rest and item.flow.method != target.method),
    ),
    "tool-twice": ("tool name used twice", _tools_twice),
    "tool-long": ("tool name over 64 characters", _tool(lambda name: len(name) > _LONGEST)),
    "tool-name": ("tool name outside A-Za-z0-9-", _tool(lambda name: not _NAME.fullmatch(name))),
    "tool-nameless": ("tool without a name", _flows(lambda item: not item.flow.name)),
    "tool-undescribed": (
        "tool without a description",
        _flows(lambda item: not item.is_rest and not item.flow.description),
    ),
    "hint-read-on-write": (
        "readOnly hint on a method that writes",
        _called(_trusts(method=False, hint=True)),
    ),
    "hint-write-on-read": ("readOnly: false on GET", _called(_trusts(method=True, hint=False))),
    "output-unnamed": (
        "exposed output without a name",
        _flows(lambda item: any(not output.name for output in item.flow.outputs)),
    ),
    "exposes-nameless": ("exposes without a namespace", _exposes(lambda entry: not entry.get("namespace"))),
    "rest-empty": ("REST without resources", _empty("rest", "resources")),
    "mcp-empty": ("MCP without tools", _empty("mcp", "tools")),
    "skill-folder": ("skill with a folder", _skill_folders),
    "exposes-none": ("nothing exposed", _has_no("exposes")),
    "consumes-none": ("nothing consumed", _has_no("consumes")),
    "aggregates": ("aggregates", _has("aggregates")),
    "bind-unused": ("variable bound and not used", _unused_binds),
    "bind-renamed": ("variable with another key at its source", _renamed_binds),
    "bind-unbound": ("variable used and not bound", _unbound),
    "template-tools": ("{{tools.x}}", _template(r"tools\..+")),
    "template-env": ("{{env.NAME}}", _template(r"env\.[A-Z][A-Z0-9_]*")),
    "template-upper": ("{{NAME}}", _template(r"[A-Z][A-Z0-9_]*")),
    "template-path": ("{{$.path}}", _template(r"\$.*")),
    "template-shell": (
        "${NAME} or $secrets.NAME",
        _in_texts(lambda text: re.search(r"\$\{\w+\}|^\$secrets\.", text)),
    ),
    "version-map": ("version is a map", _version_maps),
    "info-none": ("no info", lambda view: [] if view.raw.get("info") else ["info"]),
}
