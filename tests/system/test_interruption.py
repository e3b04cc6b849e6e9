"""Whatever is stopped anywhere, once and twice, by a kill or a timeout: nothing is left, here or on the node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from gevent.event import Event

from ethpillar.nodes import feeds
from ethpillar.sessions import SessionStore
from ethpillar.sessions.redis_link import CONNECTIONS
from ethpillar.ssh.login import Login, LoginOptions
from ethpillar.ssh.pool import ConnectionPool
from ethpillar.ssh.target import Target
from ethpillar.turns import Slots

from ..interruption import Operation, kill, sweep, timeout
from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import PASSWORD, USER, RedisServer

FOLLOW = ("journalctl", "-u", EXECUTION, "-n", "5", "-f", "-o", "export", "--no-pager")


@pytest.fixture
def server(local: LocalServer) -> LocalServer:
    return local


class Pins:
    """Where any key is the pinned one."""

    def host_key(self, host: str, port: int) -> str | None:
        return None

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        return pin


def log_in_to(world: World, options: LoginOptions) -> Login:
    return Login(Target("127.0.0.1", world.sshd.port, USER, PASSWORD), Pins(), options)


def test_a_login(world: World) -> None:
    options = LoginOptions(logins=Slots(1))
    log_in = log_in_to(world, options)

    @contextmanager
    def scenario() -> Iterator[Operation]:
        yield lambda: log_in().close()
        until(lambda: not world.sshd.connections(), "the end of the connection")
        assert options.logins.free == 1

    assert sweep(scenario, again=(1,)) >= 5
    assert world.sshd.failures() == 0


@pytest.mark.parametrize("what", ["run", "stream"])
def test_a_command(world: World, what: str) -> None:
    world.node.append(EXECUTION, "hello")
    pool = ConnectionPool(log_in_to(world, LoginOptions()), 2)
    connection = pool.connect()

    def stream() -> None:
        with pool.stream(FOLLOW) as command:
            assert b"hello" in command.read()

    @contextmanager
    def scenario() -> Iterator[Operation]:
        yield stream if what == "stream" else lambda: pool.run(("systemctl", "show", EXECUTION))
        until(lambda: not connection.channels.in_use, "every count to be given back")
        until(lambda: not connection._transport._channels.values(), "the end of all channels")
        until(lambda: not world.node.running(), "the end of all commands")

    assert sweep(scenario) >= 3
    assert connection.alive
    assert pool.alive == [connection]
    pool.close()


class Sink:
    """Takes lines, and says when there was one."""

    window = 0.0

    def __init__(self) -> None:
        self.came = Event()

    def wait_ready(self, timeout: float | None = None) -> bool:
        return True

    def ready(self) -> bool:
        return True

    def lines(self, items: Sequence[Any]) -> None:
        self.came.set()

    def state(self, state: str, details: dict[str, Any]) -> None:
        """Nobody looks."""

    def elsewhere(self, where: str) -> None:
        """Nobody looks."""

    def failed(self, error: Exception) -> None:
        self.came.set()


class Holder:
    """Holds a node and is not interested in it."""

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        """Nobody looks."""

    def node_away(self) -> None:
        """Nobody looks."""

    def node_back(self) -> None:
        """Nobody looks."""

    def node_lost(self, error: Exception) -> None:
        """Nobody looks."""


@pytest.mark.parametrize("interruption", [kill, timeout])
def test_a_page_that_goes_at_any_moment(
    world: World, local: LocalServer, interruption: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "FEED_LINGER", 0.1)  # a hundred such pages are looked at one after the other
    world.node.append(EXECUTION, "hello")
    registry = local.rooms.registry
    token = world.session()

    @contextmanager
    def scenario() -> Iterator[Operation]:
        record = local.rooms.store.read(token)
        assert record is not None
        holder, sink, subscriptions = Holder(), Sink(), []
        node = registry.acquire(record, holder)

        def watch() -> None:
            node.connect()
            node.check_unit(EXECUTION)
            subscriptions.append(node.log_feed(EXECUTION).subscribe(sink, 5))
            sink.came.wait()
            subscriptions.pop().close()

        yield watch
        for each in subscriptions:
            each.close()
        registry.release(node, holder)
        registry.end_session(token)
        assert not len(registry)
        until(lambda: not world.sshd.connections() and not world.node.running(), "the end of everything on the node")

    assert sweep(scenario, (interruption,), again=(), all_of_it=True, step=4) >= 5
    assert world.sshd.failures() == 0


def test_the_store(world: World, redis: RedisServer) -> None:
    store = SessionStore.from_url(redis.url, 10_200)
    token, gone = world.session(), "token-of-no-session"
    store.ping()
    pool: Any = store._redis.connection_pool

    def use() -> None:
        assert store.renew(token) is not None
        assert store.gone([token, gone]) == {gone}
        assert store.pin_host_key("node.example", 22, "a b") == "a b"

    @contextmanager
    def scenario() -> Iterator[Operation]:
        pool.disconnect()
        yield use
        assert pool.pool.qsize() == CONNECTIONS
        use()  # and each answer belongs to its question

    assert sweep(scenario) >= 3
    store.close()
