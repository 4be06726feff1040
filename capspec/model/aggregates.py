"""The `aggregates` section: functions that several tools and operations offer by `ref`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from capspec.errors import Place, Related
from capspec.model.flows import FlowSpec, HintsSpec, parse_flow
from capspec.model.groups import GroupSpec, parse_group
from capspec.model.renaming import written_namespace
from capspec.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One function of an aggregate: `namespace.name`. Its flow's hints come from its `semantics`.

    `words` are the namespaces that its own texts call it by. `group` is what is said of the aggregate.
    `cacheable` tells people that callers may keep an answer; every call is made anew.
    """

    namespace: str
    words: tuple[str, ...]
    flow: FlowSpec
    cacheable: bool | None
    group: GroupSpec

    @property
    def id(self) -> str:
        return f"{self.namespace}.{self.flow.name}"

    @property
    def place(self) -> Place:
        return self.flow.place


def parse_aggregates(nodes: Iterable[Node]) -> tuple[FunctionSpec, ...]:
    """All functions of all aggregates in order. A second one of the same name is reported and left out."""
    found: dict[str, FunctionSpec] = {}
    for node in nodes:
        namespace = node.text("namespace", "name")
        if not namespace:
            node.error(
                "CAP127", "an aggregate has no 'namespace'", hint="add one: its functions are called by it"
            )
        # What was imported under another name still calls itself what its own file does.
        words = tuple(dict.fromkeys(filter(None, (namespace, written_namespace(node)))))
        group = parse_group(namespace, node)
        for name, item in node.named("functions", "flows"):
            function = FunctionSpec(
                namespace=namespace,
                words=words,
                flow=_flow(name, item),
                cacheable=_cacheable(item),
                group=group,
            )
            if function.id in found:
                first = Related(found[function.id].place, f"the first function '{function.id}'")
                message = f"the function '{function.id}' is declared twice"
                hint = "give one of them another name"
                item.report.add("CAP128", message, place=item.place, hint=hint, related=(first,))
                continue
            found[function.id] = function
        node.has("type")
        node.finish("an aggregate")
    return tuple(found.values())


def _flow(name: str, node: Node) -> FlowSpec:
    if not name:
        node.error("CAP131", "a function of an aggregate has no 'name'", hint="add one: it is called by it")
    semantics, media_type = _semantics(node), node.text("outputMediaType")
    flow = parse_flow(name, node, path="", inputs=(), kind="an aggregate's function")
    return replace(flow, hints=flow.hints.over(semantics), media_type=media_type)


def _cacheable(node: Node) -> bool | None:
    child = node.get("semantics")
    return None if child is None else child.flag("cacheable")


def _semantics(node: Node) -> HintsSpec:
    """What `semantics` say, as MCP's tool annotations say it: what is safe destroys nothing."""
    child = node.get("semantics")
    if child is None:
        return HintsSpec()
    safe, idempotent = child.flag("safe"), child.flag("idempotent")
    child.has("cacheable")
    child.finish("semantics")
    return HintsSpec(read_only=safe, destructive=False if safe else None, idempotent=idempotent)
