"""Redis gone, slow, hanging, read-only, full, failing over, and with other things in it than sessions."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from ethpillar.errors import SessionStoreDown
from ethpillar.sessions import SessionStore, SessionWatch, watch
from ethpillar.sessions.keys import KEYSPACE

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import EthPillarServer, RedisServer
from .proxy import Proxy

SERVER_ERROR = "Authentication error: Server error during validation."
NO_SESSION = "Authentication error: Invalid or expired session."


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def proxy(redis: RedisServer) -> Iterator[Proxy]:
    made = Proxy(redis.port)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
    started = EthPillarServer(
        tmp_path_factory.mktemp("server"), f"redis://127.0.0.1:{proxy.port}/0", SESSION_CHECK_INTERVAL="0.2"
    )
    yield started
    started.stop()
    assert "Traceback" not in started.log, started.log


class Fault:
    """What goes wrong with Redis, and how it is put right."""

    def __init__(self, world: World, redis: RedisServer, proxy: Proxy) -> None:
        self.redis, self.proxy, self.store, self.folder = redis, proxy, world.store, world.folder

    def gone(self) -> Callable[[], None]:
        self.redis.stop()
        return self.redis.start

    def hangs(self) -> Callable[[], None]:
        self.proxy.freeze(True)
        return lambda: self.proxy.freeze(False)

    def refuses(self) -> Callable[[], None]:
        self.proxy.refuse(True)
        self.proxy.cut()
        return lambda: self.proxy.refuse(False)

    def read_only(self) -> Callable[[], None]:
        self.store.replicaof("127.0.0.1", 1)
        return lambda: self.store.replicaof("no", "one")

    def out_of_memory(self) -> Callable[[], None]:
        self.store.config_set("maxmemory", 1)
        return lambda: self.store.config_set("maxmemory", 0)

    def not_yet_synchronised(self) -> Callable[[], None]:
        """A replica that has just been started and has nothing yet: it answers, and no session is there."""
        replica = RedisServer(self.folder, "--replicaof", "127.0.0.1", "1")
        self.proxy.target = replica.port
        self.proxy.cut()

        def recover() -> None:
            self.proxy.target = self.redis.port
            self.proxy.cut()
            replica.stop()

        return recover


@pytest.mark.parametrize("name", ["gone", "hangs", "refuses", "read_only", "out_of_memory", "not_yet_synchronised"])
def test_an_outage(world: World, redis: RedisServer, proxy: Proxy, name: str) -> None:
    token, other = world.session(), world.session()
    socket, leaver = world.enter(token), world.enter(other)
    socket.call("subscribe_logs", {"service": "execution"})
    late = world.open()
    late.wait("connect")
    told = world.server.log.count("Redis does not answer")
    recover = getattr(Fault(world, redis, proxy), name)()
    try:
        assert world.open(token).wait("connect_error") == {"message": SERVER_ERROR}
        assert late.call("authenticate", token) is False
        error = late.wait("error")
        assert error["code"] == "server_error"
        assert "auth" not in error["message"].lower()
        for number in range(3):
            world.node.append(EXECUTION, f"meanwhile {number}")
            until(lambda number=number: f"meanwhile {number}" in socket.lines("execution"), "a line")  # type: ignore[misc]
    finally:
        recover()
    until(lambda: world.server.get("/readyz")[0] == 200, "ready again")
    looks = lambda: world.store.info("commandstats").get("cmdstat_exists", {}).get("calls", 0)  # noqa: E731
    before = looks()
    until(lambda: looks() > before + 2, "looks at the sessions")
    assert socket.events("disconnect") == leaver.events("disconnect") == []
    world.store.expire(f"ssh_session:{token}", 100)
    until(lambda: late.call("authenticate", token), "recovery")
    assert 10_000 < world.store.ttl(f"ssh_session:{token}") <= 10_200
    world.store.delete(f"ssh_session:{other}")
    assert leaver.wait("error")["code"] == "session_expired"
    leaver.wait("disconnect")
    assert not world.store.exists(f"ssh_session:{other}")
    assert world.server.log.count("Redis does not answer") <= told + 2
    assert world.sshd.logins() == 2


def test_a_session_that_is_deleted_in_an_outage_stays_deleted(world: World, proxy: Proxy) -> None:
    token = world.session()
    socket = world.enter(token)
    proxy.freeze(True)
    try:
        retry = world.open(token)  # a renewal under way
        world.store.delete(f"ssh_session:{token}")
    finally:
        proxy.freeze(False)
    assert socket.wait("error")["code"] == "session_expired"
    until(lambda: retry.events("connect_error") or retry.events("disconnect"), "the end of the other")
    assert not world.store.exists(f"ssh_session:{token}")


def test_a_redis_that_is_slow(world: World, proxy: Proxy) -> None:
    proxy.delay = 0.3
    try:
        token = world.session()
        socket = world.enter(token)
        socket.call("subscribe_logs", {"service": "execution"})
        world.node.append(EXECUTION, "hello")
        until(lambda: socket.lines("execution"), "a line")
        world.store.delete(f"ssh_session:{token}")
        assert socket.wait("error")["code"] == "session_expired"
    finally:
        proxy.delay = 0.0


def test_redis_comes_after_the_server(world: World, tmp_path: Any) -> None:
    late = RedisServer(tmp_path)
    late.stop()
    server = EthPillarServer(tmp_path, late.url)
    try:
        assert server.get("/healthz")[0] == 200
        assert server.get("/readyz")[0] == 503
        assert world.clients.open(str(uuid.uuid4()), url=server.url).wait("connect_error") == {"message": SERVER_ERROR}
        late.start()
        token = world.session()
        with redis_py.Redis.from_url(late.url) as store:
            store.set(f"ssh_session:{token}", world.store.get(f"ssh_session:{token}"))
        world.clients.open(token, url=server.url).wait("authenticated")
        assert "Traceback" not in server.log
        assert str(late.port) not in server.log
    finally:
        server.stop()
        late.stop()


def test_a_failover_behind_one_address(world: World, redis: RedisServer, proxy: Proxy, tmp_path: Any) -> None:
    token = world.session()
    socket = world.enter(token)
    new = RedisServer(tmp_path)
    with redis_py.Redis.from_url(new.url) as store:
        store.replicaof("127.0.0.1", redis.port)
        until(lambda: store.exists(f"ssh_session:{token}"), "the copy")
        store.replicaof("no", "one")
        try:
            proxy.target = new.port  # connections that stand go on leading to the old one, which now refuses to write
            world.store.replicaof("127.0.0.1", new.port)
            store.expire(f"ssh_session:{token}", 100)
            until(lambda: socket.call("authenticate", token), "recovery")
            assert store.ttl(f"ssh_session:{token}") > 10_000
            assert socket.events("disconnect") == []
        finally:
            world.store.replicaof("no", "one")
            proxy.target = redis.port
            proxy.cut()
            new.stop()


def test_what_is_no_record(world: World) -> None:
    told = world.server.log.count("Redis does not answer")
    token = world.session()
    good = world.enter()
    for write in (
        lambda key: world.store.lpush(key, "a"),
        lambda key: world.store.hset(key, "a", "b"),
        lambda key: world.store.set(key, "[" * 30_000),
        lambda key: world.store.set(key, b"\xff\xfe\x00"),
        lambda key: world.store.set(key, "x" * 10_000_000),
        lambda key: world.store.set(key, json.dumps({"host": "-oProxyCommand=x", "username": "a", "password": "b"})),
    ):
        world.store.delete(f"ssh_session:{token}")
        write(f"ssh_session:{token}")
        assert world.open(token).wait("connect_error") == {"message": NO_SESSION}
        assert good.call("authenticate", token) is False
    assert world.server.log.count("Redis does not answer") == told
    assert good.events("disconnect") == []


def test_one_record_that_is_none_does_not_keep_others_from_being_renewed(
    world: World, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "RENEW_EVERY", 0.0)
    tokens = [world.session() for _ in range(6)]
    for token in tokens[:3]:
        world.store.delete(f"ssh_session:{token}")
        world.store.lpush(f"ssh_session:{token}", "a")
    for token in tokens[3:]:
        world.store.expire(f"ssh_session:{token}", 100)
    store = SessionStore.from_url(redis.url, 10_200)
    ended: list[str] = []
    looking = SessionWatch(store, lambda: tokens, ended.append, 1.0)
    looking.look()
    assert all(world.store.ttl(f"ssh_session:{token}") > 10_000 for token in tokens[3:])
    assert not ended
    world.store.config_set("maxmemory", 1)
    with pytest.raises(SessionStoreDown):
        looking.look()
    world.store.config_set("maxmemory", 0)
    store.close()


TOKENS = [
    *("*", "?" * 36, "[a-z]*", "ssh_session:*", "a*", "\\*", "a\n", "a\r\nFLUSHALL\r\n", "a\x00b", "\ud800", "é" * 36),
    *("x" * 129, "../../etc/passwd", "a b", '"', "{}", "00000000-0000-4000-8000-00000000000*"),
]


def test_no_pattern_ever_reaches_redis(world: World, redis: RedisServer) -> None:
    seen: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        with redis_py.Redis.from_url(redis.url) as client, client.monitor() as monitor:
            listening.set()
            for command in monitor.listen():
                seen.append(command["command"])
                if "THE END" in command["command"]:
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    listening.wait(10)
    good = world.enter()
    for token in TOKENS:
        refused = world.clients.open(None, auth={"token": token})
        assert refused.wait("connect_error") == {"message": NO_SESSION}
        assert good.call("authenticate", token) is False
    for token in TOKENS[:6]:
        cookie = {"cookie": f"ssh_session={token}"}
        assert world.clients.open(None, extraHeaders=cookie).wait("connect_error") == {"message": NO_SESSION}
    world.store.echo("THE END")
    listener.join(10)
    verbs = {command.split(" ")[0].upper() for command in seen}
    assert "STRLEN" in verbs  # it did listen
    assert not verbs & {"KEYS", "SCAN", "EVALSHA_RO", "FLUSHALL"}
    ours = f"PSUBSCRIBE {KEYSPACE}"  # the server's own, which may come late
    for command in [each for each in seen if each != ours]:
        assert not [each for each in ("*", "?", "etc/passwd", "FLUSHALL", "xxxx", "\\x00") if each in command], command
