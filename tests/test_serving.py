"""Adapters to sites and servers, with adapters made by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from capspec import registry
from capspec.edge import ASGIScope, Edge, EdgeOptions, Receive, SendMessage
from capspec.events import Event, EventStream, ServerStarted, ServerStopped
from capspec.plan import Engine, Listener, Plan
from capspec.serving.listening import (
    Exposed,
    Mount,
    Mounts,
    clashes,
    one_port,
    own_ports,
    shared_port,
    unique_names,
)
from capspec.serving.serving import ServeOptions, Serving, serve
from capspec.serving.sockets import ListenError
from tests.whole import plan_of

pytestmark = pytest.mark.anyio


class StillEngine:
    """An engine that is never called."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.events = EventStream()
        self.seen: list[Event] = []
        self.events.observers.append(self.seen.append)


@dataclass
class Told:
    """What the hand-made adapters did, in order."""

    order: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    broken_drain: bool = False


def edge_of(name: str, told: Told, endpoint: str = "") -> Edge:
    async def app(scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        path = str(scope["path"]).removeprefix(scope["root_path"])
        if path.endswith("/slow"):
            told.arrived.set()
            await told.hold.wait()
        body = json.dumps({"edge": name, "root": scope["root_path"], "path": path}).encode()
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        told.order.append(f"{name} begins")
        yield
        told.order.append(f"{name} ends")

    async def drain() -> None:
        told.order.append(f"{name} drains")
        if told.broken_drain:
            raise RuntimeError("the drain is broken")

    return Edge(app=app, running=running, drain=drain, endpoint=endpoint)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Adapters made by hand stand for REST and MCP."""
    told = Told()
    monkeypatch.setattr(registry, "find", lambda kind, name: BUILDERS[name])
    monkeypatch.setattr(
        "capspec.adapters.mcp.adapter.build_merged", lambda targets, options: edge_of("merged", told, "/mcp")
    )
    BUILDERS["rest"] = lambda listener, engine, options: edge_of(
        f"{engine.plan.name} {listener.namespace}", told
    )
    BUILDERS["mcp"] = lambda listener, engine, options: edge_of(
        f"{engine.plan.name} {listener.namespace}", told, "/mcp"
    )
    return told


BUILDERS: dict[str, Any] = {}


def engine(name: str, *listeners: str) -> Any:
    """An engine of a capability with listeners written as "type namespace port"."""
    exposes = [dict(zip(("type", "namespace", "port"), words.split(), strict=True)) for words in listeners]
    plan = plan_of(json.dumps({"capspec": "1", "exposes": exposes}))
    return StillEngine(replace(plan, name=name))


@asynccontextmanager
async def running(engines: list[Any], options: ServeOptions | None = None) -> AsyncIterator[Serving]:
    stop, ready = asyncio.Event(), asyncio.Future[Serving]()
    task = asyncio.create_task(serve(engines, options or ServeOptions(), stop, ready.set_result))
    either: list[asyncio.Future[Any]] = [task, ready]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        task.result()
    try:
        yield await ready
    finally:
        stop.set()
        await task


async def get(url: str) -> Any:
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).json()


# -- where things go ------------------------------------------------------------------------------------


async def test_each_listener_is_at_the_root_of_its_port(told: Told) -> None:
    async with running([engine("things", "rest r 0", "mcp m 0")]) as what:
        (rest, _), (mcp, _) = what.mounts
        assert await get(f"{rest}/a/b") == {"edge": "things r", "root": "", "path": "/a/b"}
        assert await get(mcp) == {"edge": "things m", "root": "", "path": "/mcp"}


async def test_on_one_port_each_adapter_is_below_its_capability(told: Told) -> None:
    engines = [engine("one", "rest r 0", "mcp m 0"), engine("two", "rest r 0", "mcp m 0")]
    async with running(engines, ServeOptions(port=0)) as what:
        base = what.mounts[0][0].removesuffix("/one")
        assert [url.removeprefix(base) for url, _ in what.mounts] == [
            "/one", "/one/mcp", "/two", "/two/mcp", "/mcp",
        ]  # fmt: skip
        assert await get(f"{base}/one/x") == {"edge": "one r", "root": "/one", "path": "/x"}
        assert await get(f"{base}/two/mcp") == {"edge": "two m", "root": "/two", "path": "/mcp"}
        assert await get(f"{base}/mcp") == {"edge": "merged", "root": "", "path": "/mcp"}
        assert (await get(f"{base}/three"))["status"] == 404
        assert (await get(f"{base}/"))["status"] == 404


async def test_several_listeners_of_a_kind_are_told_apart_by_their_namespaces(told: Told) -> None:
    listeners = ["rest first 0", "rest second/part 0", "rest first 0", "rest mcp 0", "mcp a 0", "mcp b 0"]
    async with running([engine("things", *listeners)], ServeOptions(port=0)) as what:
        paths = [httpx.URL(url).path for url, _ in what.mounts]
    assert paths == [
        "/things/first", "/things/second-part", "/things/first-2", "/things/mcp-2",
        "/things/a/mcp", "/things/b/mcp", "/mcp",
    ]  # fmt: skip


async def test_a_port_that_two_listeners_want_moves_everything_to_one(told: Told) -> None:
    async with running([engine("probe", "rest r 0")]) as probe:
        port = httpx.URL(probe.mounts[0][0]).port
    engines = [engine("one", f"rest r {port}", "mcp m 0"), engine("two", f"rest r {port}")]
    async with running(engines) as what:
        assert what.clashes == (port,)
        assert what.mounts[0][0] == f"http://127.0.0.1:{port}/one"


async def test_capabilities_of_the_same_name_get_numbers(told: Told) -> None:
    engines = [engine("things", "rest r 0"), engine("things", "rest r 0"), engine("mcp", "rest r 0")]
    async with running(engines, ServeOptions(port=0)) as what:
        assert [httpx.URL(url).path for url, _ in what.mounts] == ["/things", "/things-2", "/mcp-2"]


async def test_without_tools_there_is_no_merged_endpoint(told: Told) -> None:
    async with running([engine("things", "rest r 0")], ServeOptions(port=0)) as what:
        assert not any(mount.merged for _, mount in what.mounts)


def exposed(*ports: int | None) -> list[Exposed]:
    base = engine("things", "rest r 0")
    listener: Listener = base.plan.listeners[0]
    return [
        Exposed(
            capability="things", engine=base, listener=replace(listener, port=port), edge=edge_of("x", Told())
        )
        for port in ports
    ]


def test_free_ports_never_clash() -> None:
    assert clashes(exposed(None, None, 0, 0)) == ()
    assert clashes(exposed(9000, 8000, 9000, 8000, 7000)) == (8000, 9000)


def test_the_shared_port_is_the_first_that_a_file_names() -> None:
    assert shared_port(exposed(None, 9000, 8000)) == 9000
    assert shared_port(exposed(None)) == 0


def test_own_ports_keep_the_order_of_the_file() -> None:
    assert [site.port for site in own_ports(exposed(9000, None, 8000))] == [9000, 0, 8000]


def test_names_are_unique_and_never_that_of_the_merged_endpoint() -> None:
    assert unique_names(["a", "a", "a-2", "mcp"]) == ("a", "a-2", "a-2-2", "mcp-2")


async def test_the_longest_path_takes_a_request() -> None:
    told, (item,) = Told(), exposed(0)
    mounts = [
        Mount(kind="rest", path=path, root=path, edge=edge_of(path, told), members=(item,))
        for path in ("/a", "/a/b/c")
    ]
    transport = httpx.ASGITransport(Mounts(mounts))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        taken = {
            path: (await client.get(path)).json().get("edge")
            for path in ("/a/b/c/d", "/a/b", "/a", "/ab", "/b")
        }
    assert taken == {"/a/b/c/d": "/a/b/c", "/a/b": "/a", "/a": "/a", "/ab": None, "/b": None}


def test_an_adapter_without_a_path_of_its_own_is_told_the_whole_path() -> None:
    (item,) = exposed(0)
    item = replace(item, listener=replace(item.listener, type="mcp"))
    site = one_port([item], None, 0)
    assert (site.mounts[0].path, site.mounts[0].root, site.mounts[0].endpoint) == ("/things/mcp",) * 3


# -- the order of a life --------------------------------------------------------------------------------


async def test_adapters_run_before_the_first_request_and_drain_before_they_end(told: Told) -> None:
    one = engine("one", "rest r 0", "mcp m 0")
    async with running([one]):
        assert told.order == ["one r begins", "one m begins"]
        assert [type(event) for event in one.seen] == [ServerStarted, ServerStarted]
    assert told.order[2:4] == ["one r drains", "one m drains"]
    assert told.order[4:] == ["one m ends", "one r ends"]
    assert [type(event) for event in one.seen][2:] == [ServerStopped, ServerStopped]


async def test_events_say_where_a_server_is(told: Told) -> None:
    one = engine("one", "rest r 0")
    async with running([one]) as what:
        started = one.seen[0]
        assert started == ServerStarted(kind="rest", namespace="r", url=what.mounts[0][0])


async def test_a_request_in_flight_is_answered_and_no_new_one_is_taken(told: Told) -> None:
    async with httpx.AsyncClient() as client:
        async with running([engine("one", "rest r 0")]) as what:
            url = what.mounts[0][0]
            waiting = asyncio.create_task(client.get(f"{url}/slow"))
            await told.arrived.wait()
            asyncio.get_running_loop().call_later(0.2, told.hold.set)
        assert (await waiting).status_code == 200
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_a_drain_that_breaks_is_logged_and_stops_nothing(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    told.broken_drain = True
    async with running([engine("one", "rest r 0")]):
        pass
    assert "the drain is broken" in caplog.text
    assert told.order[-1] == "one r ends"


async def test_all_sockets_are_closed_when_an_adapter_does_not_start(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise RuntimeError("it does not start")
        yield

    def build(listener: Listener, engine: Engine, options: EdgeOptions) -> Edge:
        return replace(edge_of("x", told), running=broken)

    monkeypatch.setitem(BUILDERS, "rest", build)
    with pytest.raises(RuntimeError, match="it does not start"):
        async with running([engine("one", "rest r 0")]):
            pass


# -- what is refused ------------------------------------------------------------------------------------


async def test_a_public_address_needs_authentication_everywhere(told: Told) -> None:
    with pytest.raises(ListenError, match=r"'r' of one, 'm' of one without authentication"):
        async with running([engine("one", "rest r 0", "mcp m 0")], ServeOptions(host="0.0.0.0")):
            pass


async def test_many_open_adapters_are_counted(told: Told) -> None:
    listeners = [f"rest r{number} 0" for number in range(8)]
    with pytest.raises(ListenError, match="and 3 more"):
        async with running([engine("one", *listeners)], ServeOptions(host="0.0.0.0")):
            pass


async def test_listeners_for_standard_input_are_left_out_on_their_own_ports_only(told: Told) -> None:
    one = engine("one", "rest r 0", "mcp m 0")
    rest, mcp = one.plan.listeners
    one.plan = replace(one.plan, listeners=(rest, replace(mcp, transport="stdio")))
    async with running([one]) as what:
        assert [left.listener.namespace for left in what.left] == ["m"]
        assert "--stdio" in what.left[0].reason
    async with running([one], ServeOptions(port=0)) as what:
        assert what.left == ()


async def test_nothing_at_all_is_refused(told: Told) -> None:
    with pytest.raises(ListenError, match="nothing to serve"):
        async with running([]):
            pass
