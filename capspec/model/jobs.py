"""The `poll`, `idempotency` and `webhook` blocks of a consumed operation, as the author wrote them."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.node import Node, kind_of
from capspec.values import Json, Missing


@dataclass(frozen=True, slots=True)
class Written:
    """A text of the file, and where it stands."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSpec:
    """An entry of `uriFrom`: a JSONPath into a body, or a header's name. `of` is "" where nothing is said."""

    body: Written | None
    header: str
    of: Written | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """Where a request about a job goes, and with what. `arguments` is the `with` of `call`."""

    call: Written | None
    arguments: dict[str, Json]
    uri: Written | None
    sources: tuple[AddressSpec, ...]
    method: Written | None
    body: Json | Missing
    headers: dict[str, Json]
    allow_hosts: tuple[Written, ...]
    place: Place

    @property
    def empty(self) -> bool:
        """Whether it names no address at all."""
        return not (self.call or self.uri or self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSpec:
    """A number that an answer holds, its unit, and its bounds."""

    path: Written | None
    unit: Written | None
    minimum: Written | None
    maximum: Written | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAfterSpec:
    """`retryAfter`: on or off, or a header with its unit and bounds."""

    enabled: bool
    header: str = ""
    unit: Written | None = None
    minimum: Written | None = None
    maximum: Written | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceSpec:
    """`notFound`: how an answer says that there is no such job."""

    values: tuple[Json, ...]
    codes: tuple[Json, ...]
    grace: Written | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSpec:
    """`status`: by `path`, by `http` or by `done`, and what the values mean."""

    path: Written | None
    http: bool
    done: Written | None
    failed_if: Written | None
    success: tuple[Json, ...]
    failure: tuple[Json, ...]
    canceled: tuple[Json, ...]
    pending: tuple[Json, ...]
    unknown: Written | None
    absence: AbsenceSpec | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSpec:
    """`result`: a path, and a target when it takes a request of its own."""

    path: Written | None
    format: Written | None
    expires: Written | None
    target: TargetSpec | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpec:
    """`error`: paths as alternatives, and the codes after which another try may help."""

    code: tuple[Written, ...]
    message: tuple[Written, ...]
    details: tuple[Written, ...]
    retryable: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSpec:
    """A whole `poll` block."""

    id: Written | None
    request: TargetSpec | None
    status: StatusSpec | None
    interval: Written | None
    max_interval: Written | None
    backoff: Written | None
    jitter: Written | None
    initial_delay: Written | FigureSpec | None
    retry_after: RetryAfterSpec
    timeout: Written | None
    max_attempts: int | None
    max_errors: int | None
    progress: FigureSpec | None
    position: Written | None
    message: tuple[Written, ...]
    result: ResultSpec | None
    error: ErrorSpec | None
    cancel: TargetSpec | None
    on_timeout: Written | None
    on_disconnect: Written | None
    place: Place


def parse_poll(operation: Node) -> PollSpec | None:
    """The `poll` block of an operation, None without one."""
    node = mapping_below(operation, "poll")
    if node is None:
        return None
    spec = PollSpec(
        id=written(node, "id"),
        request=_target(node, "request"),
        status=_status(node),
        interval=written(node, "interval"),
        max_interval=written(node, "maxInterval"),
        backoff=written(node, "backoff"),
        jitter=written(node, "jitter"),
        initial_delay=_initial_delay(node),
        retry_after=_retry_after(node),
        timeout=written(node, "timeout"),
        max_attempts=node.integer("maxAttempts"),
        max_errors=node.integer("maxErrors"),
        progress=_figure(node, "progress"),
        position=written(node, "position"),
        message=_alternatives(node, "message"),
        result=_result(node),
        error=_error(node),
        cancel=_target(node, "cancel"),
        on_timeout=written(node, "onTimeout"),
        on_disconnect=written(node, "onDisconnect"),
        place=node.place,
    )
    node.finish("'poll'")
    return spec


# -- shapes that the blocks share -------------------------------------------------------------------------


def mapping_below(node: Node, name: str) -> Node | None:
    """The mapping under a name, None without one; anything else there is reported."""
    child = node.get(name)
    if child is None or isinstance(child.value, dict):
        return child
    child.error("CAP107", f"'{name}' should be a mapping, and is {kind_of(child.value)}")
    return None


def written(node: Node, name: str) -> Written | None:
    """The scalar under a name; an empty text counts as none."""
    child = node.get(name)
    text = "" if child is None else child.as_text()
    return None if child is None or not text else Written(text, child.place)


def scalars(node: Node, name: str) -> tuple[Json, ...]:
    """The scalars of a list under a name; a single one counts as a list of one."""
    child = node.get(name)
    if child is None:
        return ()
    items = list(child.items()) if isinstance(child.value, list) else [child]
    for item in items:
        if isinstance(item.value, (dict, list)) or item.value is None:
            item.error(
                "CAP107",
                f"each of '{name}' should be a single value, and one is {kind_of(item.value)}",
                hint="write the values in brackets: [a, b]",
            )
    return tuple(item.value for item in items if not isinstance(item.value, (dict, list)))


def _alternatives(node: Node, name: str) -> tuple[Written, ...]:
    child = node.get(name)
    if child is None:
        return ()
    items = list(child.items()) if isinstance(child.value, list) else [child]
    return tuple(Written(item.as_text(), item.place) for item in items)


# -- the parts of `poll` ----------------------------------------------------------------------------------


def _target(node: Node, name: str) -> TargetSpec | None:
    child = mapping_below(node, name)
    if child is None:
        return None
    spec = _target_of(child)
    child.finish(f"'{name}'")
    return spec


def _target_of(node: Node) -> TargetSpec:
    return TargetSpec(
        call=written(node, "call"),
        arguments=node.mapping("with"),
        uri=written(node, "uri"),
        sources=_sources(node),
        method=written(node, "method"),
        body=node.raw("body"),
        headers=node.mapping("headers"),
        allow_hosts=_alternatives(node, "allowHosts"),
        place=node.place,
    )


def _sources(node: Node) -> tuple[AddressSpec, ...]:
    child = node.get("uriFrom")
    if child is None:
        return ()
    items = node.members("uriFrom") if isinstance(child.value, list) else [mapping_below(node, "uriFrom")]
    return tuple(_source(item) for item in items if item is not None)


def _source(node: Node) -> AddressSpec:
    spec = AddressSpec(
        body=written(node, "body"), header=node.text("header"), of=written(node, "of"), place=node.place
    )
    node.finish("'uriFrom'")
    return spec


def _figure(node: Node, name: str) -> FigureSpec | None:
    child = mapping_below(node, name)
    if child is None:
        return None
    spec = FigureSpec(
        path=written(child, "path"),
        unit=written(child, "unit"),
        minimum=written(child, "min"),
        maximum=written(child, "max"),
        place=child.place,
    )
    child.finish(f"'{name}'")
    return spec


def _initial_delay(node: Node) -> Written | FigureSpec | None:
    child = node.get("initialDelay")
    is_figure = child is not None and isinstance(child.value, dict)
    return _figure(node, "initialDelay") if is_figure else written(node, "initialDelay")


def _retry_after(node: Node) -> RetryAfterSpec:
    child = node.get("retryAfter")
    if child is None or not isinstance(child.value, dict):
        return RetryAfterSpec(enabled=node.flag("retryAfter") is not False)
    spec = RetryAfterSpec(
        enabled=True,
        header=child.text("header"),
        unit=written(child, "unit"),
        minimum=written(child, "min"),
        maximum=written(child, "max"),
    )
    child.finish("'retryAfter'")
    return spec


def _status(node: Node) -> StatusSpec | None:
    child = mapping_below(node, "status")
    if child is None:
        return None
    spec = StatusSpec(
        path=written(child, "path"),
        http=child.flag("http") is True,
        done=written(child, "done"),
        failed_if=written(child, "failedIf"),
        success=scalars(child, "success"),
        failure=scalars(child, "failure"),
        canceled=scalars(child, "canceled"),
        pending=scalars(child, "pending"),
        unknown=written(child, "unknown"),
        absence=_absence(child),
        place=child.place,
    )
    child.finish("'status'")
    return spec


def _absence(node: Node) -> AbsenceSpec | None:
    child = mapping_below(node, "notFound")
    if child is None:
        return None
    spec = AbsenceSpec(
        values=scalars(child, "values"),
        codes=scalars(child, "codes"),
        grace=written(child, "grace"),
        place=child.place,
    )
    child.finish("'notFound'")
    return spec


def _result(node: Node) -> ResultSpec | None:
    child = mapping_below(node, "result")
    if child is None:
        return None
    target = _target_of(child)
    spec = ResultSpec(
        path=written(child, "path"),
        format=written(child, "format"),
        expires=written(child, "expires"),
        target=None if target.empty else target,
        place=child.place,
    )
    child.finish("'result'")
    return spec


def _error(node: Node) -> ErrorSpec | None:
    child = mapping_below(node, "error")
    if child is None:
        return None
    spec = ErrorSpec(
        code=_alternatives(child, "code"),
        message=_alternatives(child, "message"),
        details=_alternatives(child, "details"),
        retryable=scalars(child, "retryable"),
    )
    child.finish("'error'")
    return spec
