"""A Redis without a network: what `sessions.store` asks of redis-py, on a dict, with a clock that tests move.

Each command lets others run, as a round trip does, and may be made to fail. The two Lua scripts are written again in
Python here; the system tests run the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import redis

from ethpillar.sessions import keys


class FakeRedis:
    """A client, as far as the store uses one. Keys may be given as text; values are bytes."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.ends: dict[str, float] = {}
        self.now = 1000.0
        self.role = b"master"
        self.asked: list[str] = []
        "The commands, in order."
        self.before: Callable[[str], None] = lambda _: None
        "Is called with each command's name; may raise, or change something meanwhile."
        self.disconnects: list[bool] = []
        self.closed = False
        self.published: list[tuple[str, bytes]] = []
        self.round_trips = 0
        "Of several commands together."

    @property
    def connection_pool(self) -> FakeRedis:
        return self

    def disconnect(self, inuse_connections: bool) -> None:
        self.disconnects.append(inuse_connections)

    def _command(self, name: str) -> None:
        self.asked.append(name)
        gevent.sleep(0)
        self.before(name)
        for key in [key for key, end in self.ends.items() if end <= self.now]:
            del self.values[key], self.ends[key]

    def ping(self) -> bool:
        self._command("PING")
        return True

    def strlen(self, key: str) -> int:
        self._command("STRLEN")
        value = self.values.get(key, b"")
        if not isinstance(value, bytes):
            raise redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return len(value)

    def exists(self, key: str) -> int:
        self._command("EXISTS")
        return int(key in self.values)

    def get(self, key: str) -> Any:
        self._command("GET")
        return self.values.get(key)

    def set(self, key: str, value: bytes | str, ex: int | None = None) -> None:
        self._command("SET")
        self._set(key, value, ex)

    def _set(self, key: str, value: bytes | str, ex: int | None) -> None:
        self.values[key] = value.encode() if isinstance(value, str) else value
        self.ends.pop(key, None)
        if ex is not None:
            self.ends[key] = self.now + ex

    def delete(self, key: str) -> int:
        self._command("DEL")
        self.ends.pop(key, None)
        return int(self.values.pop(key, None) is not None)

    def ttl(self, key: str) -> int:
        self._command("TTL")
        if key not in self.values:
            return -2
        return int(self.ends[key] - self.now) if key in self.ends else -1

    def expire(self, key: str, seconds: int) -> None:
        self._command("EXPIRE")
        self.ends[key] = self.now + seconds

    def scan_iter(self, match: str, count: int) -> Iterator[bytes]:
        self._command("SCAN")
        return iter([key.encode() for key in self.values if key.startswith(match.rstrip("*"))])

    def execute_command(self, name: str) -> list[bytes]:
        self._command(name)
        return [self.role]

    def eval(self, script: str, number_of_keys: int | str, key: str, *arguments: Any) -> Any:
        assert int(number_of_keys) == 1  # an ACL, and a cluster, go by that
        self._command("EVAL")
        now = self.values.get(key)
        if script == keys.RENEW:
            if now is None:
                return -1
            if now != arguments[0]:
                return 0
            self._set(key, arguments[1], int(arguments[2]))
            return 1
        if script == keys.COUNT:
            self._set(key, str(int(now or 0) + 1), int(arguments[0]))
            return int(now or 0) + 1
        assert script == keys.PIN
        if now is not None and now != arguments[0].encode():
            return now
        self._set(key, arguments[0], int(arguments[1]))
        return arguments[0].encode()

    def publish(self, channel: str, message: bytes) -> None:
        self.published.append((channel, message))

    def pubsub(self, ignore_subscribe_messages: bool) -> Any:
        raise redis.ConnectionError  # of messages only the real one knows

    def pipeline(self, transaction: bool) -> FakePipeline:
        assert not transaction
        return FakePipeline(self)

    def close(self) -> None:
        self.closed = True


class FakePipeline:
    """Several commands in one round trip. A connection that breaks ends them all; what Redis refuses is an answer."""

    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._commands: list[tuple[str, Any]] = []

    def execute_command(self, name: str, *words: Any) -> None:
        self._commands.append((name, words))

    def execute(self, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error
        self._redis.round_trips += 1
        answers: list[Any] = []
        for name, words in self._commands:
            try:
                answers.append(getattr(self._redis, name.lower())(*words))
            except redis.ResponseError as problem:
                answers.append(problem)
        return answers
