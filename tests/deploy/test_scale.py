"""Two instances behind nginx, by the file in `deploy/scale`: one is killed, and its clients lose no line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..system.conftest import EXECUTION, World, clients, node, redis, server, settings, sshd, sshd_options, world  # noqa: F401
from ..system.parts import EthPillarServer, RedisServer
from ..waiting import until
from . import proxies
from .proxies import Ports, PublicProxy

CLIENTS = 5


@pytest.fixture
def second(redis: RedisServer, tmp_path: Path) -> Iterator[EthPillarServer]:  # noqa: F811
    made = EthPillarServer(tmp_path, redis.url)
    yield made
    made.stop()


@pytest.fixture
def proxy(
    server: EthPillarServer,  # noqa: F811
    second: EthPillarServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PublicProxy]:
    def two(folder: Path, ports: Ports) -> list[str]:
        command = proxies.nginx(folder, ports, "scale/nginx.conf")
        config = folder / "nginx.conf"
        config.write_text(config.read_text().replace("127.0.0.1:3002", f"127.0.0.1:{second.port}"))
        return command

    monkeypatch.setitem(proxies.KINDS, "two", two)
    folder = tmp_path / "nginx"
    folder.mkdir()
    made = PublicProxy("two", folder, server.port)
    yield made
    made.stop()


def test_clients_of_one_that_is_killed_go_on_at_the_other(
    world: World,  # noqa: F811
    proxy: PublicProxy,
    second: EthPillarServer,
) -> None:
    token = world.session()
    pages = [world.enter(token, url=proxy.url, rejectUnauthorized=False) for _ in range(CLIENTS)]
    for page in pages:
        page.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "line 0")
    until(lambda: all("line 0" in page.lines("execution") for page in pages), "the first line")
    # One address is at one instance: a login for all.
    assert world.sshd.logins() == 1
    first = second if "Connected" in second.log else world.server
    other = world.server if first is second else second
    assert first.process is not None

    for number in range(1, 200):
        world.node.append(EXECUTION, f"line {number}")
        if number == 100:
            for pid in [first.worker_pid(), first.process.pid]:
                kill(pid)
            first.process.wait(20)

    for page in pages:
        until(lambda page=page: len(page.events("authenticated")) >= 2, "the other instance", 60)  # type: ignore[misc]
        cursor = [event["cursor"] for event in page.events("log_data") if event.get("cursor")][-1]
        page.call("subscribe_logs", {"service": "execution", "after": cursor})
    wanted = [f"line {number}" for number in range(200)]
    for page in pages:
        until(lambda page=page: page.lines("execution")[-1:] == wanted[-1:], "the last line", 60)  # type: ignore[misc]
        assert [line for line in page.lines("execution") if line.startswith("line ")] == wanted
    assert "Connected" in other.log
    first.start()


def kill(pid: int) -> None:
    import os
    import signal

    os.kill(pid, signal.SIGKILL)
