"""Sessions, host keys and refusals in Redis, which is a stand-in here."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import redis
from cryptography.fernet import Fernet
from gevent.queue import LifoQueue

from ethpillar.errors import SessionStoreDown
from ethpillar.sessions import SessionStore, redis_link
from ethpillar.sessions import store as store_module
from ethpillar.sessions.endings import digest
from ethpillar.sessions.keys import ENDED, HOST_KEY_TTL
from ethpillar.sessions.record import MAX_RECORD_BYTES

from ..interruption import Operation, sweep
from .fake_redis import FakeRedis

TOKEN = "token-0123456789"
KEY = f"ssh_session:{TOKEN}"
TTL = 10_200
DOCUMENT = {"host": "node.example", "username": "staker", "password": "secret", "extra": {"kept": [1]}}


@pytest.fixture
def fake() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def store(fake: FakeRedis) -> SessionStore:
    return SessionStore(fake, TTL)  # type: ignore[arg-type]


def write(fake: FakeRedis, token: str = TOKEN, **changes: Any) -> None:
    """Writes a session as the dashboard does."""
    fake._set(f"ssh_session:{token}", json.dumps({**DOCUMENT, **changes}), TTL)


def failing(problem: Exception, *commands: str) -> Any:
    """Makes these commands fail, or all."""

    def before(name: str) -> None:
        if not commands or name in commands:
            raise problem

    return before


# -- reading


def test_a_session_is_read(fake: FakeRedis, store: SessionStore) -> None:
    write(fake, lastAccessed=5)
    record = store.read(TOKEN)
    assert record is not None
    assert (record.token, record.target.host, record.last_accessed) == (TOKEN, "node.example", 5)
    assert store.fault(TOKEN) is None


def test_what_can_be_no_token_never_reaches_redis(fake: FakeRedis, store: SessionStore) -> None:
    for token in ("*", "", "a b c d e f g", "x" * 200):
        assert store.read(token) is store.renew(token) is store.fault(token) is None
        assert store.revoke(token) is False
        assert store.ttl(token) == -2
    assert fake.asked == []


def test_there_is_none(fake: FakeRedis, store: SessionStore) -> None:
    assert store.read(TOKEN) is None
    assert store.fault(TOKEN) is None
    assert store.renew(TOKEN) is None
    assert store.ttl(TOKEN) == -2


def test_a_record_that_is_too_long_is_not_fetched(fake: FakeRedis, store: SessionStore) -> None:
    write(fake, pad="x" * MAX_RECORD_BYTES)
    assert store.read(TOKEN) is None
    assert "GET" not in fake.asked
    assert store.fault(TOKEN) == "its type or length"
    fake.values[KEY] = b" " * MAX_RECORD_BYTES
    assert store.read(TOKEN) is None
    assert "GET" in fake.asked  # the longest one that is


def test_a_record_of_another_type_is_no_session(fake: FakeRedis, store: SessionStore) -> None:
    fake.values[KEY] = ["a"]
    assert store.read(TOKEN) is store.renew(TOKEN) is None
    assert store.fault(TOKEN) == "its type or length"


def test_what_is_wrong_with_a_record_is_named(fake: FakeRedis, store: SessionStore) -> None:
    for changes, fault in (({"port": 0}, "`port`"), ({"host": "-o"}, "`host`"), ({"password": 5}, "`password`")):
        write(fake, **changes)
        assert store.read(TOKEN) is None
        assert fault in (store.fault(TOKEN) or "")
    fake._set(KEY, "{", TTL)
    assert "JSON" in (store.fault(TOKEN) or "")
    assert store.renew(TOKEN) is None


def test_only_a_master_is_believed_that_there_is_none(fake: FakeRedis, store: SessionStore) -> None:
    fake.role = b"slave"
    asking: list[Any] = [store.read, store.renew, store.fault, lambda token: store.gone([token])]
    for ask in [*asking, lambda _: store.host_key("node.example", 22)]:
        with pytest.raises(SessionStoreDown):
            ask(TOKEN)
    write(fake)
    assert store.read(TOKEN) is not None
    assert store.gone([TOKEN]) == set()


def test_a_redis_that_may_not_be_asked_for_its_role_is_believed(fake: FakeRedis, store: SessionStore) -> None:
    fake.before = failing(redis.ResponseError("NOPERM this user has no permissions to run the 'role' command"), "ROLE")
    assert store.read(TOKEN) is None
    assert store.gone([TOKEN]) == {TOKEN}
    assert store.host_key("node.example", 22) is None


# -- renewing


def test_renewing_changes_the_time_and_the_life_and_nothing_else(fake: FakeRedis, store: SessionStore) -> None:
    write(fake, lastAccessed=5)
    fake.now += TTL - 10
    record = store.renew(TOKEN)
    assert record is not None
    assert store.ttl(TOKEN) == TTL
    document = json.loads(fake.values[KEY])
    assert abs(document.pop("lastAccessed") / 1000 - time.time()) < 3600  # milliseconds
    assert document == DOCUMENT


def test_a_session_that_is_deleted_between_read_and_renewal_stays_deleted(fake: FakeRedis, store: SessionStore) -> None:
    write(fake)
    fake.before = lambda name: fake.values.pop(KEY, None) if name == "EVAL" else None
    assert store.renew(TOKEN) is None
    assert KEY not in fake.values


def test_what_somebody_else_writes_meanwhile_is_kept(fake: FakeRedis, store: SessionStore) -> None:
    write(fake)
    changes = iter([{"port": 2222}])

    def before(name: str) -> None:
        if name == "EVAL" and (change := next(changes, None)):
            write(fake, **change)

    fake.before = before
    record = store.renew(TOKEN)
    assert record is not None
    assert record.target.port == json.loads(fake.values[KEY])["port"] == 2222
    assert fake.asked.count("EVAL") == 2


def test_a_session_that_others_write_without_end_is_renewed_by_them(fake: FakeRedis, store: SessionStore) -> None:
    write(fake)
    ports = iter(range(1000, 2000))
    fake.before = lambda name: write(fake, port=next(ports)) if name == "EVAL" else None
    record = store.renew(TOKEN)
    assert record is not None
    assert fake.asked.count("EVAL") == store_module.RENEW_TRIES


def test_many_are_renewed_in_three_round_trips(fake: FakeRedis, store: SessionStore) -> None:
    there = [f"token-{number:010}" for number in range(50)]
    for number, token in enumerate(there):
        write(fake, token, port=number + 1, lastAccessed=5)
    write(fake, "token-not-valid", port=0)
    fake.values["ssh_session:token-of-a-list"] = ["a"]
    write(fake, "token-too-long", pad="x" * MAX_RECORD_BYTES)
    fake.now += 100
    found = store.renew_all([*there[:25], "token-not-valid", "token-of-a-list", "token-too-long", "*", *there[25:]])
    assert [*found] == there
    assert [record.target.port for record in found.values()] == [*range(1, 51)]
    assert fake.round_trips == 3
    assert all(fake.ends[f"ssh_session:{token}"] == fake.now + TTL for token in there)
    assert fake.ends["ssh_session:token-not-valid"] == fake.now - 100 + TTL


def test_of_many_only_those_that_somebody_wrote_meanwhile_are_tried_again(fake: FakeRedis, store: SessionStore) -> None:
    tokens = [f"token-{number:010}" for number in range(5)]
    for token in tokens:
        write(fake, token)
    meanwhile = iter([lambda: write(fake, tokens[1], port=2222), lambda: fake.delete(f"ssh_session:{tokens[2]}")])

    def before(name: str) -> None:
        if name == "EVAL" and (change := next(meanwhile, None)):
            change()

    fake.before = before
    found = store.renew_all(tokens)
    assert {token: record.target.port for token, record in found.items()} == {
        tokens[0]: 22,
        tokens[1]: 2222,
        tokens[3]: 22,
        tokens[4]: 22,
    }
    assert fake.asked.count("EVAL") == 6


@pytest.mark.parametrize("command", ["STRLEN", "GET", "EVAL"])
def test_a_refused_command_renews_nothing_and_is_named(
    command: str, fake: FakeRedis, store: SessionStore, caplog: pytest.LogCaptureFixture
) -> None:
    write(fake)
    fake.before = failing(redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'"), command)
    with pytest.raises(SessionStoreDown):
        store.renew_all([TOKEN, "token-of-no-session"])
    assert f"refuses {command}, as its memory is full" in caplog.text
    assert TOKEN not in caplog.text


def test_a_sealed_session_stays_sealed(fake: FakeRedis) -> None:
    store = SessionStore(fake, TTL, [Fernet.generate_key().decode()])  # type: ignore[arg-type]
    store.create(TOKEN, dict(DOCUMENT))
    assert b"secret" not in fake.values[KEY]
    assert store.renew(TOKEN) is not None
    assert b"secret" not in fake.values[KEY]
    record = store.read(TOKEN)
    assert record is not None
    assert record.target.password == "secret"
    assert store.ttl(TOKEN) == TTL
    stranger = SessionStore(fake, TTL)  # type: ignore[arg-type]
    assert stranger.read(TOKEN) is None
    assert "SESSION_KEY" in (stranger.fault(TOKEN) or "")


# -- all of them


def test_those_that_are_gone_are_found_in_one_round_trip(fake: FakeRedis, store: SessionStore) -> None:
    tokens = [f"token-{number:010}" for number in range(5)]
    for token in tokens[:3]:
        write(fake, token)
    assert store.gone(tokens) == set(tokens[3:])
    assert fake.asked == [*["EXISTS"] * 5, "ROLE"]
    assert fake.round_trips == 1
    assert store.gone(tokens[:3]) == set()
    assert store.gone([]) == set()
    assert fake.asked == [*["EXISTS"] * 5, "ROLE", *["EXISTS"] * 3]
    assert fake.round_trips == 2


def test_sessions_are_listed_with_the_time_they_have_left(fake: FakeRedis, store: SessionStore) -> None:
    write(fake)
    fake._set("ssh_session:token-without-end", json.dumps(DOCUMENT), None)
    fake._set("ssh_session:*", json.dumps(DOCUMENT), TTL)
    fake._set("ssh_session:token-of-no-session", "{", TTL)
    assert {record.token: ttl for record, ttl in store.sessions()} == {TOKEN: TTL, "token-without-end": -1}


def test_a_session_is_created_and_revoked(fake: FakeRedis, store: SessionStore) -> None:
    store.create(TOKEN, dict(DOCUMENT))
    record = store.read(TOKEN)
    assert record is not None
    assert record.last_accessed is not None
    assert store.ttl(TOKEN) == TTL
    assert store.revoke(TOKEN) is True
    assert fake.published == [(ENDED, digest(TOKEN))]  # to the other instances
    assert store.revoke(TOKEN) is False


def test_bad_tokens_are_counted_by_client_and_minute(
    fake: FakeRedis, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_764_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    assert [store.count_bad_token(client) for client in ("a", "a", "b", "a")] == [1, 2, 1, 3]
    now[0] += 59
    assert store.count_bad_token("a") == 4
    now[0] += 1
    assert store.count_bad_token("a") == 1
    assert set(fake.ends.values()) == {fake.now + 120}


# -- host keys and refusals


PIN, OTHER = "ssh-ed25519 SHA256:AAAA", "ssh-ed25519 SHA256:BBBB"


def test_the_first_pin_stays_for_so_long_after_the_last_login(fake: FakeRedis, store: SessionStore) -> None:
    assert store.host_key("node.example", 22) is None
    assert store.pin_host_key("node.example", 22, PIN) == PIN
    assert store.pin_host_key("node.example", 22, OTHER) == PIN
    assert store.host_key("NODE.example.", 22) == PIN
    assert store.host_key("node.example", 2222) is None
    fake.now += HOST_KEY_TTL - 1
    assert store.pin_host_key("node.example", 22, PIN) == PIN
    fake.now += HOST_KEY_TTL - 1
    assert store.pin_host_key("node.example", 22, OTHER) == PIN  # which does not renew it
    assert store.host_key("node.example", 22) == PIN
    fake.now += 1
    assert store.host_key("node.example", 22) is None
    assert store.pin_host_key("node.example", 22, OTHER) == OTHER
    assert store.forget_host_key("node.example", 22) is True
    assert store.forget_host_key("node.example", 22) is False
    assert store.pin_host_key("node.example", 22, PIN) == PIN


@pytest.mark.parametrize(
    ("one", "other"),
    [("Node.Example.", "node.example"), ("2001:DB8:0:0::1", "2001:db8::1"), ("FE80::1%eth0", "fe80:0::1%eth0")],
)
def test_a_host_that_is_spelled_otherwise_has_the_same_pin(store: SessionStore, one: str, other: str) -> None:
    assert store.pin_host_key(one, 22, PIN) == PIN
    assert store.pin_host_key(other, 22, OTHER) == PIN
    assert store.host_key(other, 22) == PIN
    assert store.forget_host_key(other, 22)
    assert store.host_key(one, 22) is None


def test_a_pin_of_an_earlier_version_gets_an_end(fake: FakeRedis, store: SessionStore) -> None:
    name = "ethpillar:hostkey:[node.example]:22"
    fake._set(name, PIN, None)
    assert store.host_key("node.example", 22) == PIN
    assert fake.ttl(name) == HOST_KEY_TTL
    fake._set(name, PIN, None)
    fake.before = failing(redis.ResponseError("READONLY You can't write against a read only replica."), "EXPIRE")
    assert store.host_key("node.example", 22) == PIN


def test_a_refusal_is_remembered_for_these_credentials_only(fake: FakeRedis, store: SessionStore) -> None:
    write(fake)
    record = store.read(TOKEN)
    write(fake, password="another")
    other = store.read(TOKEN)
    assert record is not None
    assert other is not None
    assert store.refused(record) is None
    store.refuse(record, "ssh_auth_failed")
    assert store.refused(record) == "ssh_auth_failed"
    assert store.refused(other) is None
    fake.now += TTL
    assert store.refused(record) is None


def test_credentials_may_be_refused_for_a_while_only(fake: FakeRedis, store: SessionStore) -> None:
    write(fake)
    record = store.read(TOKEN)
    assert record is not None
    store.refuse(record, "ssh_auth_failed", 29.6)
    assert store.refused(record) == "ssh_auth_failed"
    fake.now += 30
    assert store.refused(record) is None


def test_refused_logins_are_counted_by_address_and_forgotten_so_long_after_the_last(
    fake: FakeRedis, store: SessionStore
) -> None:
    assert store.refusals_at("192.0.2.1", 22) == (0, 0)
    store.refused_at("192.0.2.1", 22, 600)
    fake.now += 100
    assert store.refusals_at("192.0.2.1", 22) == (1, 500)
    store.refused_at("192.0.2.1", 22, 600)
    assert store.refusals_at("192.0.2.1", 22) == (2, 600)
    assert store.refusals_at("192.0.2.1", 2222) == store.refusals_at("192.0.2.2", 22) == (0, 0)
    fake.now += 600
    assert store.refusals_at("192.0.2.1", 22) == (0, 0)


def test_what_somebody_else_wrote_in_place_of_a_count_is_none(fake: FakeRedis, store: SessionStore) -> None:
    store.refused_at("192.0.2.1", 22, 600)
    [key] = fake.values
    fake.values[key] = b"many"
    assert store.refusals_at("192.0.2.1", 22) == (0, 600)


def test_a_user_that_was_let_in_at_an_address_is_known_there_for_a_while(fake: FakeRedis, store: SessionStore) -> None:
    store.let_in_at("staker", "192.0.2.1", 22, 600)
    assert store.was_in("staker", "192.0.2.1", 22) is True
    for other in (("root", "192.0.2.1", 22), ("staker", "192.0.2.2", 22), ("staker", "192.0.2.1", 2222)):
        assert store.was_in(*other) is False
    assert not any("staker" in key for key in fake.values)
    fake.now += 600
    assert store.was_in("staker", "192.0.2.1", 22) is False


# -- outages


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (redis.ConnectionError("redis.internal:6379"), "Redis does not answer (ConnectionError)"),
        (
            redis.ResponseError("OOM"),
            "Redis refuses a command, as its memory is full. Raise maxmemory in Redis, or remove there what fills it.",
        ),
        (OSError(5, "x"), "Redis does not answer (OSError)"),
        (UnicodeError("x"), "Redis does not answer (UnicodeError)"),
    ],
)
def test_whatever_is_asked_in_an_outage_has_one_answer(
    fake: FakeRedis, store: SessionStore, problem: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(fake)
    record = store.read(TOKEN)
    assert record is not None
    fake.before = failing(problem)
    asking: list[Any] = [
        *(store.ping, store.sessions, lambda: store.read(TOKEN), lambda: store.renew(TOKEN)),
        *(lambda: store.fault(TOKEN), lambda: store.gone([TOKEN]), lambda: store.create(TOKEN, dict(DOCUMENT))),
        *(lambda: store.revoke(TOKEN), lambda: store.ttl(TOKEN), lambda: store.pin_host_key("h", 22, PIN)),
        *(lambda: store.host_key("h", 22), lambda: store.forget_host_key("h", 22)),
        *(lambda: store.refuse(record, "x"), lambda: store.refused(record)),
    ]
    with caplog.at_level(logging.INFO):
        for ask in asking:
            with pytest.raises(SessionStoreDown) as told:
                ask()
            assert "redis" not in str(told.value).lower()
            assert told.value.__cause__ is None
        assert fake.disconnects == [False] * len(asking)  # those in use end by themselves
        fake.before = lambda _: None
        store.ping()
        store.ping()
    assert [each.message for each in caplog.records] == [
        said,
        "Redis answers again",
    ]


def test_a_refusal_of_what_is_asked_for_many_at_once_names_the_command(
    fake: FakeRedis, store: SessionStore, caplog: pytest.LogCaptureFixture
) -> None:
    fake.before = failing(redis.ResponseError("NOPERM this user has no permissions"), "EXISTS")
    with pytest.raises(SessionStoreDown):
        store.gone([TOKEN])
    assert "Redis refuses EXISTS" in caplog.text


def test_connections_are_few_and_waited_for(store: SessionStore, fake: FakeRedis) -> None:
    made = SessionStore.from_url("redis://127.0.0.1:1/0", TTL)
    pool: Any = made._redis.connection_pool
    assert isinstance(pool, redis.BlockingConnectionPool)
    assert pool.max_connections == redis_link.CONNECTIONS
    assert pool.timeout == redis_link.QUEUE
    assert isinstance(pool.pool, LifoQueue)
    kept = pool.connection_kwargs
    assert (kept["socket_timeout"], kept["socket_connect_timeout"], kept["health_check_interval"]) == (3, 3, 30)
    assert kept["retry"].get_retries() == 1  # for a connection that Redis closed while it was idle
    assert kept["protocol"] == 2  # there are proxies that know no HELLO
    made.close()
    store.close()
    assert fake.closed


@pytest.mark.parametrize("words", [("GET", "a key"), ("SCRIPT LOAD", "a script")])
def test_an_error_names_its_command_and_nothing_that_was_sent(words: tuple[str, str]) -> None:
    client = redis_link.connect("unix:///nowhere")
    with pytest.raises(redis.ConnectionError) as caught:
        client.execute_command(*words)  # type: ignore[no-untyped-call]
    assert caught.value.__notes__ == [words[0].split()[0]]
    client.close()


@pytest.mark.parametrize("what", ["read", "renew", "gone", "pin"])
def test_a_store_that_is_stopped_anywhere_changes_nothing_by_halves(what: str) -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        fake = FakeRedis()
        store = SessionStore(fake, TTL)  # type: ignore[arg-type]
        write(fake, lastAccessed=5)
        fake.now += 100
        yield {
            "read": lambda: store.read(TOKEN),
            "renew": lambda: store.renew(TOKEN),
            "gone": lambda: store.gone([TOKEN, "token-of-no-session"]),
            "pin": lambda: store.pin_host_key("node.example", 22, PIN),
        }[what]
        gevent.sleep(0)
        renewed = json.loads(fake.values[KEY])["lastAccessed"] > 5
        assert (fake.ends[KEY] == fake.now + TTL) is renewed
        assert not store._down
        assert store.read(TOKEN) is not None

    assert sweep(scenario) >= 1


def test_a_record_that_is_not_valid_is_told_once_in_a_while(
    fake: FakeRedis, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    now = [1000.0]
    monkeypatch.setattr(store_module, "log", SimpleNamespace(warning=lambda *words, extra: told.append(str(words))))
    monkeypatch.setattr(store_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    write(fake, port=0)
    for later, times in ((0.0, 1), (1.0, 1), (store_module.TOLD_EVERY - 1.5, 1), (0.5, 2), (1.0, 2)):
        now[0] += later
        assert store.renew(TOKEN) is None
        assert len(told) == times
    assert "`port`" in told[0]
    assert TOKEN not in str(told)


def test_a_session_that_is_created_was_used_just_now(
    fake: FakeRedis, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "time", SimpleNamespace(time=lambda: 1234.5678))
    store.create(TOKEN, dict(DOCUMENT))
    assert json.loads(fake.values[KEY])["lastAccessed"] == 1_234_567
