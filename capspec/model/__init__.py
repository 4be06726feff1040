"""The model: a capability as its author wrote it (`…Spec`), read from a Document."""

from capspec.model.binds import BindSpec
from capspec.model.capability import Capability, parse
from capspec.model.consumes import BodySpec, ExtensionSpec, OperationSpec, UpstreamSpec
from capspec.model.exposes import ListenerSpec
from capspec.model.flows import CallSpec, FlowSpec, HintsSpec
from capspec.model.parameters import OutputSpec, ParameterSpec

__all__ = [
    "BindSpec", "BodySpec", "CallSpec", "Capability", "ExtensionSpec", "FlowSpec", "HintsSpec",
    "ListenerSpec", "OperationSpec", "OutputSpec", "ParameterSpec", "UpstreamSpec", "parse",
]  # fmt: skip
