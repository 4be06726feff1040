"""Capability and Bindings to Plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from capspec import registry
from capspec.bindings import Bindings
from capspec.compiler.agents import compile_prompts, compile_resources
from capspec.compiler.assets import AssetCompiler
from capspec.compiler.control import check_controls, compile_control
from capspec.compiler.doubts import doubt_locations
from capspec.compiler.flows import FlowCompiler, route_of
from capspec.compiler.forwards import ForwardCompiler
from capspec.compiler.functions import Functions
from capspec.compiler.inference import legal_name
from capspec.compiler.jobs import JobCompiler
from capspec.compiler.operations import CompiledOperation, CompiledUpstream, OperationCompiler
from capspec.compiler.skills import with_skills
from capspec.compiler.targets import Targets
from capspec.compiler.terms import limit_of
from capspec.compiler.texts import Texts
from capspec.compiler.tunnels import without_tunnel
from capspec.compiler.unusable import unusable
from capspec.errors import CompileError, Place, Related
from capspec.guards import Contacting
from capspec.model import Capability, FlowSpec, ListenerSpec, UpstreamSpec
from capspec.model.info import InfoSpec
from capspec.model.renaming import written_namespace
from capspec.plan import Flow, Guard, Listener, Plan, Resource, Upstream
from capspec.plan.offers import FileResource
from capspec.references import PREFIXES
from capspec.settings import Settings

LOOPBACK = "127.0.0.1"


def compile_capability(
    capability: Capability,
    bindings: Bindings,
    *,
    base_uris: Mapping[str, str] | None = None,
    rewrite: Callable[[str], str] = str,
    mock: bool = False,
) -> Plan:
    """Compile everything, and report everything.

    `base_uris` replaces base URIs by namespace; `rewrite` leads from any other address that the file names to
    the one that is called; with `mock`, nobody is called, and every flow answers from its declared outputs.

    Raises CompileError with every error; warnings are in the plan: what cannot work is left out of service,
    the rest of the file works.
    """
    return _CapabilityCompiler(capability, bindings, base_uris or {}, rewrite, mock=mock).plan()


class _CapabilityCompiler:
    def __init__(
        self,
        capability: Capability,
        bindings: Bindings,
        base_uris: Mapping[str, str],
        rewrite: Callable[[str], str],
        *,
        mock: bool,
    ) -> None:
        self.capability = capability
        self.mock = mock
        self.bindings = bindings
        self.report = capability.report
        self.operations = OperationCompiler(
            bindings,
            base_uris,
            self.report,
            dialects=capability.dialects,
            rewrite=rewrite,
        )
        self.functions = Functions.of(capability.functions)
        self.upstreams: dict[str, tuple[UpstreamSpec, CompiledUpstream]] = {}
        self.urls: list[str] = []

    def plan(self) -> Plan:
        compiled = self._consumed()
        targets = Targets.of(
            compiled, lost=self.capability.lost, shared="capability" not in self.capability.document.data
        )
        specs = self.capability.listeners
        found = filter(None, [self._listener(spec, targets) for spec in specs])
        listeners = with_skills(found, specs, self.report)
        check_controls(listeners, self.report)
        for place, name in self.bindings.taken_for_variables.items():
            self.report.add(
                "CAP335",
                f"'{name}' is taken for the variable of that name",
                place=place,
                hint=f'write "{{{{{name}}}}}", or bind no such variable',
                severity="warning",
            )
        self._tell_of_doubles(targets)
        doubt_locations(self.capability.binds, self.report)
        self._doubt_variables()
        plan = Plan(
            name=self.capability.name,
            title=self.capability.info.title,
            description=self.capability.info.description,
            version=self.capability.info.version,
            upstreams=self._called(compiled, listeners),
            operations={item.operation.id: item.operation for item in compiled},
            listeners=tuple(listeners),
            contacts=tuple(self.urls),
            missing=() if self.mock else self.bindings.missing,
            warnings=self.report.warnings,
            remarks=self.report.remarks,
            document=self.capability.document,
            imported=self.capability.imported,
            contact=_contact(self.capability.info),
            secrets=self.bindings.secrets,
        )
        if self.report.errors:
            raise CompileError(self.report.problems)
        return plan

    def _consumed(self) -> list[CompiledOperation]:
        found: list[tuple[CompiledOperation, CompiledUpstream]] = []
        for spec in self.capability.upstreams:
            upstream = self._upstream(spec)
            self.upstreams[spec.namespace] = spec, upstream
            self.urls += [url for url in (upstream.upstream.base_url, *upstream.urls) if url]
            found += [(self.operations.operation(item, upstream), upstream) for item in spec.operations]
        # What is asked about a job may be any operation of the file, so they must all be there first.
        targets = Targets.of(operation for operation, _ in found)
        jobs = JobCompiler(bindings=self.bindings, report=self.report, targets=targets)
        assets = AssetCompiler(report=self.report)
        compiled = [assets.operation(jobs.operation(operation, upstream)) for operation, upstream in found]
        self.urls += [*jobs.contacts, *assets.contacts, *self.operations.contacts]
        return compiled

    def _upstream(self, spec: UpstreamSpec) -> CompiledUpstream:
        compiled = self.operations.upstream(spec)
        direct = without_tunnel(spec, compiled.upstream, self.operations.base_uris, self.report)
        return replace(compiled, upstream=direct)

    def _called(
        self, compiled: Iterable[CompiledOperation], listeners: Iterable[Listener]
    ) -> tuple[Upstream, ...]:
        """The upstreams that something of the file can call."""
        forwards = (forward.operation for listener in listeners for forward in listener.forwards)
        operations = (*(item.operation for item in compiled), *filter(None, forwards))
        return tuple(dict.fromkeys(operation.upstream for operation in operations))

    def _tell_of_doubles(self, targets: Targets) -> None:
        for name, first, second in targets.doubles():
            self.report.add(
                "CAP348",
                f"two operations are called '{name}'; calls get the first one",
                place=self.report.spot(second.spec.place, second.spec.name, key="name"),
                hint="give each operation of a namespace a name of its own",
                severity="warning",
                related=(Related(first.spec.place, f"the first operation '{name}'"),),
            )

    def _doubt_variables(self) -> None:
        """Tell of variables that no bind declares: they come from the environment, or are misspelt."""
        if self.report.means("binds", "keys"):
            return
        for name, near, place in self.bindings.undeclared:
            at = self.report.spot(place, name)
            if near:
                message, hint = f"nothing binds '{name}', and it has no value", f"did you mean '{near}'?"
                self.report.add("CAP210", message, place=at, hint=hint, severity="warning")
            else:
                message = f"nothing binds '{name}', so it is looked up in the environment"
                self.report.add("CAP211", message, place=at, hint="bind it in 'binds'", severity="info")

    # -- listeners ----------------------------------------------------------------------------------

    def _listener(self, spec: ListenerSpec, targets: Targets) -> Listener | None:
        try:
            registry.find("adapter", spec.type)
        except registry.UnknownExtension as error:
            message, place = f"exposes: {error.message}", spec.node.at("type")
            self.report.add("CAP311", message, place=place, hint=error.hint, severity="warning")
            return None
        guard, refused = self._guard(spec)
        if refused:
            return None
        flows = self._flows(spec, targets)
        forwards = ForwardCompiler(
            self.upstreams, self.bindings, self.report, lost=self.capability.lost, mock=self.mock
        )
        return Listener(
            type=registry.canonical("adapter", spec.type),
            namespace=spec.namespace,
            address=spec.address or LOOPBACK,
            port=spec.port,
            transport=spec.transport,
            description=spec.description or self.capability.info.description,
            flows=flows,
            forwards=forwards.forwards(spec.forwards, flows, guard),
            resources=self._resources(spec, targets),
            prompts=compile_prompts(spec, spec.node.document, self._texts(spec.place), self.report),
            control=compile_control(spec, self.bindings),
            ttl_ms=spec.ttl_ms,
            cache_scope=spec.cache_scope,
            guard=guard,
            spec=spec,
            place=spec.place,
        )

    def _guard(self, spec: ListenerSpec) -> tuple[Guard | None, bool]:
        """The listener's guard, and whether it must not be served because it has none that works."""
        if spec.auth is None:
            return None, False
        settings = Settings(spec.auth.node, self.bindings.resolve)
        try:
            guard: Guard = registry.find("guard", spec.auth.type)(settings)
        except registry.UnknownExtension as error:
            found = unusable(spec.auth, "guard", error)
            message = f"'{spec.namespace}' is not served, because it cannot be protected: {found.message}"
            self.report.add("CAP312", message, place=found.place, hint=found.hint, severity="warning")
            return None, True
        except CompileError as error:
            for problem in error.problems:
                self.report.add(problem.code, problem.message, place=problem.place, hint=problem.hint)
            return None, True
        settings.node.finish(f"'{spec.auth.type}' authentication")
        self.urls += guard.contacts if isinstance(guard, Contacting) else ()
        return guard, False

    def _flows(self, spec: ListenerSpec, targets: Targets) -> tuple[Flow, ...]:
        targets.begin(flow.call.target for flow in spec.flows if flow.call is not None)
        compiler = self._flow_compiler(spec, targets)
        taken: set[str] = set()
        flows: list[Flow] = []
        routes: dict[str, FlowSpec] = {}
        for flow in map(self.functions.named, spec.flows):
            if not flow.path and not flow.name:
                hint = "add 'name'"
                message = "a tool has no name and is left out"
                self.report.add("CAP313", message, place=flow.place, hint=hint, severity="warning")
                continue
            published = legal_name(flow.name, taken)
            if published != legal_name(flow.name) and not flow.path:
                self._tell_of_double(flow, published, flows)
            taken.add(published)
            compiled = compiler.flow(flow, published)
            if self._is_new_route(compiled, routes, flow):
                flows.append(compiled)
        return tuple(flows)

    def _tell_of_double(self, spec: FlowSpec, published: str, flows: Iterable[Flow]) -> None:
        first = legal_name(spec.name)
        place = next((flow.place for flow in flows if flow.published == first and flow.place), spec.place)
        self.report.add(
            "CAP319",
            f"two tools are called '{first}'; this one is offered as '{published}'",
            place=self.report.spot(spec.place, spec.name, key="name"),
            hint="give each tool a name of its own",
            severity="warning",
            related=(Related(place, f"the first tool '{first}'"),),
        )

    def _resources(self, spec: ListenerSpec, targets: Targets) -> tuple[Resource | FileResource, ...]:
        targets.begin(item.flow.call.target for item in spec.resources if item.flow.call is not None)
        return compile_resources(spec, spec.node.document, self._flow_compiler(spec, targets, "resource"))

    def _flow_compiler(self, spec: ListenerSpec, targets: Targets, kind: str = "tool") -> FlowCompiler:
        # What was imported under another name still calls itself what its own file does.
        own = written_namespace(spec.node) or spec.namespace
        prefixes = tuple(dict.fromkeys((spec.namespace, own, *PREFIXES)))
        return FlowCompiler(
            targets,
            self.functions,
            self._texts,
            prefixes,
            self.report,
            kind,
            limit=limit_of(spec, self.report),
            mock=self.mock,
        )

    def _texts(self, place: Place, prefixes: tuple[str, ...] = PREFIXES) -> Texts:
        return Texts(self.bindings.seen_in(place.source), prefixes=prefixes)

    def _is_new_route(self, flow: Flow, routes: dict[str, FlowSpec], spec: FlowSpec) -> bool:
        if not spec.path:
            return True
        route = f"{flow.method} {route_of(flow.path)}"
        shape = "".join(part if isinstance(part, str) else "{}" for part in flow.path)
        first = routes.setdefault(f"{flow.method} {shape}", spec)
        if first is spec:
            return True
        message = f"'{route}' is exposed twice; the first one answers"
        self.report.add(
            "CAP314",
            message,
            place=spec.place,
            hint="take one of them out, or give it another path or method",
            severity="warning",
            related=(Related(first.place, f"the first '{route}'"),),
        )
        return False


def _contact(info: InfoSpec) -> tuple[str, str]:
    """Name and e-mail address of the first stakeholder who has one."""
    return next(((item.name, item.email) for item in info.stakeholders if item.email), ("", ""))
