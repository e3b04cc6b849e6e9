"""Two instances behind nginx or HAProxy, by the files in `deploy/scale`: one is killed under load, and no client loses
a line or gets one twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..system.conftest import EXECUTION, World, clients, node, redis, server, settings, sshd, sshd_options, world  # noqa: F401
from ..system.parts import EthPillarServer, RedisServer
from ..waiting import until
from . import proxies
from .proxies import Ports, PublicProxy

EACH = 6
"Clients of each transport."
BURST, LINES = 10, 10_000
"Lines that the node prints at once, and before it stops printing at the latest."


@pytest.fixture
def second(redis: RedisServer, tmp_path: Path) -> Iterator[EthPillarServer]:  # noqa: F811
    made = EthPillarServer(tmp_path, redis.url)
    yield made
    made.stop()


@pytest.fixture(params=["nginx", "haproxy"])
def proxy(
    server: EthPillarServer,  # noqa: F811
    second: EthPillarServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[PublicProxy]:
    def two(folder: Path, ports: Ports) -> list[str]:
        if request.param == "nginx":
            command, config = proxies.nginx(folder, ports, "scale/nginx.conf"), folder / "nginx.conf"
        else:
            command, config = proxies.haproxy(folder, ports, "scale/haproxy.cfg"), folder / "haproxy.cfg"
        config.write_text(config.read_text().replace("127.0.0.1:3002", f"127.0.0.1:{second.port}"))
        return command

    monkeypatch.setitem(proxies.KINDS, "two", two)
    folder = tmp_path / "proxy"
    folder.mkdir()
    made = PublicProxy("two", folder, server.port)
    yield made
    made.stop()


class Load:
    """A node that prints numbered lines until it is told to stop, as fast as it is let."""

    def __init__(self, world: World) -> None:  # noqa: F811
        self._world = world
        self._over = threading.Event()
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._print)
        self._thread.start()

    def _print(self) -> None:
        while not self._over.wait(0.01) and len(self.lines) < LINES:
            burst = [f"line {len(self.lines) + number}" for number in range(BURST)]
            self._world.node.append_many(EXECUTION, burst)
            self.lines += burst

    def stop(self) -> None:
        """End it, with one last line."""
        self._over.set()
        self._thread.join()


def lines(page: Any) -> list[str]:
    """Return the numbered lines that a client has got."""
    return [line for line in page.lines("execution") if line.startswith("line ")]


def resume(page: Any) -> None:
    """Do as a page does once it is in again: go on after the last cursor."""
    until(lambda: len(page.events("authenticated")) >= 2, "the other instance", 60)
    cursors = [event["cursor"] for event in page.events("log_data") if event.get("cursor")]
    assert page.call("subscribe_logs", {"service": "execution", "after": cursors[-1]}, deadline=60) == {"ok": True}


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_clients_of_one_that_ends_under_load_go_on_at_the_other(
    world: World,  # noqa: F811
    proxy: PublicProxy,
    second: EthPillarServer,
    how: str,
) -> None:
    token = world.session()
    transports = ["websocket"] * EACH + ["polling"] * EACH
    pages = [
        world.enter(token, url=proxy.url, rejectUnauthorized=False, transports=[transport]) for transport in transports
    ]
    assert world.sshd.logins() == 1  # one address is at one instance: a login for all
    for page in pages:
        page.call("subscribe_logs", {"service": "execution"})
    first = second if "Connected" in second.log else world.server
    other = world.server if first is second else second
    load = Load(world)
    try:
        for page in pages:
            until(lambda page=page: len(lines(page)) > 200, "lines", 60)  # type: ignore[misc]
        if how == "killed":
            first.kill()
        else:
            first.terminate()
        for page in pages:
            resume(page)
        before = len(load.lines)
        for page in pages:  # still under load
            until(lambda page=page: f"line {before}" in lines(page), "new lines", 60)  # type: ignore[misc]
    finally:
        load.stop()
    wanted = load.lines
    for page in pages:
        until(lambda page=page: lines(page)[-1:] == wanted[-1:], "the last line", 60)  # type: ignore[misc]
        got = lines(page)
        assert got == wanted[-len(got) :]
    assert "Connected" in other.log
    world.clients.close_sockets()  # while there is still a proxy that can tell the server of those that poll
    until(lambda: not world.sshd.connections(), "the end of all connections")
    first.start()
