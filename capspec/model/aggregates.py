"""The `aggregates` section: functions that several tools and operations offer by `ref`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from capspec.errors import Place
from capspec.model.flows import FlowSpec, HintsSpec, parse_flow
from capspec.model.renaming import written_namespace
from capspec.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One function of an aggregate: `namespace.name`. Its flow's hints come from its `semantics`.

    `words` are the namespaces that its own texts call it by.
    """

    namespace: str
    words: tuple[str, ...]
    flow: FlowSpec

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
        for name, item in node.named("functions", "flows"):
            function = _function(namespace, words, name, item)
            if function.id in found:
                item.error(
                    "CAP128",
                    f"the function '{function.id}' is declared twice, first at {found[function.id].place}",
                    hint="give one of them another name",
                )
                continue
            found[function.id] = function
        node.has("label", "display", "description", "type", "tags")
        node.finish("an aggregate")
    return tuple(found.values())


def _function(namespace: str, words: tuple[str, ...], name: str, node: Node) -> FunctionSpec:
    if not name:
        node.error("CAP127", "a function of an aggregate has no 'name'", hint="add one: it is called by it")
    hints = _hints(node)
    node.has("outputMediaType", "hints", "method", "binary")
    flow = parse_flow(name, node, path="", inputs=(), kind="an aggregate's function")
    return FunctionSpec(namespace=namespace, words=words, flow=replace(flow, hints=hints))


def _hints(node: Node) -> HintsSpec:
    """What `semantics` say, as MCP's tool annotations say it: what is safe destroys nothing."""
    child = node.get("semantics")
    if child is None:
        return HintsSpec()
    safe, idempotent = child.flag("safe"), child.flag("idempotent")
    child.has("cacheable")
    child.finish("semantics")
    return HintsSpec(read_only=safe, destructive=False if safe else None, idempotent=idempotent)
