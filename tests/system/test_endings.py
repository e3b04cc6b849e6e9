"""A session that ends in one place ends in all at once, by a real Redis's messages: no look at all sessions is due."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator

import gevent
import pytest
import redis as redis_py

from ethpillar.sessions import SessionStore, SessionWatch, endings, keys

from ..waiting import until
from .parts import RedisServer
from .test_redis_kinds import RECORD, acl_url, some_redis  # noqa: F401

NEVER = 3600.0
"An interval after which no test looks: whatever is noticed was heard of."


class Instance:
    """One server's watch over some sessions."""

    def __init__(self, url: str, interval: float = NEVER) -> None:
        self.store = SessionStore.from_url(url, 60)
        self.in_use: list[str] = []
        self.ended: list[str] = []
        self.watch = SessionWatch(self.store, lambda: self.in_use, self._end, interval)
        self.watch.start()

    def _end(self, token: str) -> None:
        self.ended.append(token)
        self.in_use.remove(token)

    def hold(self) -> str:
        """Make a session, and have it in use here. Return its token."""
        token = str(uuid.uuid4())
        self.store.create(token, dict(RECORD))
        self.in_use.append(token)
        return token

    def close(self) -> None:
        self.watch.stop()
        self.store.close()


Start = Callable[..., Instance]


@pytest.fixture
def start(some_redis: RedisServer) -> Iterator[Start]:  # noqa: F811
    made: list[Instance] = []

    def instance(url: str | None = None, interval: float = NEVER) -> Instance:
        made.append(Instance(url or some_redis.url, interval))
        return made[-1]

    yield instance
    for each in made:
        each.close()


@pytest.fixture
def admin(some_redis: RedisServer) -> Iterator[redis_py.Redis]:  # noqa: F811
    with redis_py.Redis.from_url(some_redis.url) as made:
        yield made
        made.config_set("notify-keyspace-events", "")


def all_listen(admin: redis_py.Redis, count: int) -> None:
    """Wait until so many listen to both."""
    until(lambda: admin.pubsub_numsub(keys.ENDED)[0][1] == count, "listeners")
    until(lambda: admin.pubsub_numpat() >= 1, "listeners to Redis itself")


def test_what_one_revokes_ends_in_all(start: Start, admin: redis_py.Redis) -> None:
    instances = [start() for _ in range(3)]
    all_listen(admin, 3)
    token = instances[0].hold()
    others = [each.hold() for each in instances]
    for each in instances[1:]:
        each.in_use.append(token)
    assert instances[1].store.revoke(token)
    for each in instances:
        until(lambda each=each: each.ended == [token], "the end")  # type: ignore[misc]
    assert not {*others} & {ended for each in instances for ended in each.ended}


def test_what_one_notices_is_noticed_by_all(start: Start, admin: redis_py.Redis) -> None:
    """As when the dashboard deletes a session, and Redis says nothing of it."""
    looking, listening = start(interval=0.01), start()
    all_listen(admin, 2)
    token = listening.hold()
    looking.in_use.append(token)
    admin.delete(f"{keys.PREFIX}{token}")
    until(lambda: listening.ended == [token], "the end")


@pytest.mark.parametrize("how", ["deleted", "unlinked", "expired", "renamed"])
def test_what_redis_itself_tells_is_heard(start: Start, admin: redis_py.Redis, how: str) -> None:
    admin.config_set("notify-keyspace-events", "Kgx")
    instance = start()
    all_listen(admin, 1)
    token, other = instance.hold(), instance.hold()
    key = f"{keys.PREFIX}{token}"
    if how == "deleted":
        admin.delete(key)
    elif how == "unlinked":
        admin.unlink(key)
    elif how == "expired":
        admin.pexpire(key, 1)
    else:
        admin.rename(key, f"{keys.PREFIX}{uuid.uuid4()}")
    until(lambda: instance.ended == [token], "the end")
    assert instance.store.renew(other) is not None


def test_a_message_alone_ends_nothing(start: Start, admin: redis_py.Redis) -> None:
    instance = start()
    all_listen(admin, 1)
    alive, dead = instance.hold(), instance.hold()
    for message in (endings.digest(alive), alive.encode(), b"", b"\xff" * 1000, b"*"):
        admin.publish(keys.ENDED, message)
        admin.publish(f"__keyspace@0__:{keys.PREFIX}{alive}", b"del")
        admin.publish(f"__keyspace@0__:{keys.PREFIX}", b"expired")
    instance.store.revoke(dead)
    until(lambda: instance.ended == [dead], "the end of the other")


def test_a_token_is_in_no_message(start: Start, admin: redis_py.Redis) -> None:
    instance = start()
    all_listen(admin, 1)
    token = instance.hold()
    with admin.pubsub(ignore_subscribe_messages=True) as listening:
        listening.psubscribe("ethpillar:*")
        listening.get_message(timeout=5)
        instance.store.revoke(token)
        heard = until(lambda: listening.get_message(timeout=1), "the message")
    assert token not in str(heard)


def test_a_connection_that_is_cut_is_made_again(
    start: Start, admin: redis_py.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "AGAIN", 0.01)
    instance = start()
    all_listen(admin, 1)
    admin.client_kill_filter(_type="pubsub")
    all_listen(admin, 1)
    token = instance.hold()
    instance.store.revoke(token)
    until(lambda: instance.ended == [token], "the end")


@pytest.mark.parametrize("denied", [["-subscribe"], ["-psubscribe"], ["-publish"], ["resetchannels"], ["-@pubsub"]])
def test_a_user_who_may_not_is_looked_after_all_the_same(
    start: Start,
    some_redis: RedisServer,  # noqa: F811
    admin: redis_py.Redis,
    caplog: pytest.LogCaptureFixture,
    denied: list[str],
) -> None:
    instance = start(acl_url(some_redis, *denied), 0.01)
    token = instance.hold()
    admin.delete(f"{keys.PREFIX}{token}")
    until(lambda: instance.ended == [token], "the end")
    second = instance.hold()
    assert instance.store.revoke(second)
    until(lambda: instance.ended == [token, second], "the end of the second")
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    instance.store.ping()


def test_stopping_does_not_wait_for_a_message(start: Start, admin: redis_py.Redis) -> None:
    instance = start()
    all_listen(admin, 1)
    began = time.monotonic()
    with gevent.Timeout(endings.LOOK_AGAIN / 2):
        instance.watch.stop()
    assert time.monotonic() - began < endings.LOOK_AGAIN
    until(lambda: admin.pubsub_numsub(keys.ENDED)[0][1] == 0, "the end of the connection")
