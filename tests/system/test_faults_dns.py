"""Names that hang, that lead where they must not, and that change. The server's DNS is a real server of the test's."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..listeners import silent
from ..programs import missing, need
from ..waiting import until
from .conftest import EXECUTION, World
from .parts import EthPillarServer, RedisServer
from .proxy import Proxy

METADATA = "169.254.169.254"


class Dns:
    """A DNS server that answers for A and AAAA from a table. A name that is not in it is never answered."""

    def __init__(self) -> None:
        self.address = f"127.53.{random.randrange(256)}.{random.randrange(1, 255)}"
        self.names: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                question, client = self._socket.recvfrom(512)
                answer = self._answer(question)
                if answer:
                    self._socket.sendto(answer, client)

    def _answer(self, question: bytes) -> bytes | None:
        end = question.index(0, 12) + 5
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        name, kind = ".".join(labels).lower(), question[end - 4 : end - 2]
        self.asked[name] += kind == b"\0\1"
        if name not in self.names:
            return None
        family = {b"\0\1": socket.AF_INET, b"\0\x1c": socket.AF_INET6}.get(kind)
        found = [each for each in self.names[name] if (socket.AF_INET6 if ":" in each else socket.AF_INET) == family]
        packed = [socket.inet_pton(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in found]
        records = [b"\xc0\x0c" + kind + b"\0\1\0\0\0\0" + struct.pack(">H", len(each)) + each for each in packed]
        head = question[:2] + b"\x81\x80" + struct.pack(">4H", 1, len(records), 0, 0)
        return head + question[12:end] + b"".join(records)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def dns() -> Iterator[Dns]:
    try:
        made = Dns()
    except OSError:
        missing("the right to listen on port 53 of a loopback address")
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(redis: RedisServer, dns: Dns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
    need("unshare")
    folder = tmp_path_factory.mktemp("server")
    (folder / "resolv.conf").write_text(f"nameserver {dns.address}\noptions timeout:5 attempts:2\n")

    class Server(EthPillarServer):
        prefix = (
            *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
            f'mount --bind {folder}/resolv.conf /etc/resolv.conf && exec "$@"',
            "sh",
        )

    started = Server(folder, redis.url, SSH_CONNECT_TIMEOUT="4", SSH_LOGINS="4")
    yield started
    started.stop()
    assert "Traceback" not in started.log, started.log


def refused(world: World, code: str, **session: object) -> None:
    assert world.open(world.session(**session)).wait("connect_error")["data"]["code"] == code


def test_names_that_hang_hold_nobody_up(world: World, dns: Dns) -> None:
    dns.names["node.example"] = ["127.0.0.1"]
    stuck = [world.open(world.session(host=f"hangs{number}.example")) for number in range(25)]
    until(lambda: all(dns.asked[f"hangs{number}.example"] for number in range(25)), "25 lookups under way")
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "hello")
    until(lambda: socket.lines("execution"), "a line")
    world.enter(world.session(host="node.example"))
    assert world.server.get("/readyz")[0] == 200
    assert not any(each.events("error") for each in stuck)  # all that while they were still being looked up
    for each in stuck:
        assert each.wait("error")["code"] == "ssh_unreachable"


def test_a_name_is_looked_up_once_at_a_time(world: World, dns: Dns) -> None:
    tokens = [world.session(host="slow.example") for _ in range(10)]
    stuck = [world.open(token) for token in tokens]
    for each in stuck:
        assert each.wait("error")["code"] == "ssh_unreachable"
    assert dns.asked["slow.example"] <= 2  # the system asks twice
    dns.names["slow.example"] = ["127.0.0.1"]
    until(lambda: stuck[0].call("authenticate", tokens[0]), "recovery")


def test_a_name_that_leads_where_it_must_not(world: World, dns: Dns) -> None:
    dns.names["metadata.example"] = [METADATA]
    dns.names["several.example"] = [METADATA, "127.0.0.1", "224.0.0.1"]
    dns.names["nowhere.example"] = []
    refused(world, "ssh_address_denied", host="metadata.example")
    assert world.open(world.session(host="nowhere.example")).wait("error")["code"] == "ssh_unreachable"
    for form in ("0xa9fea9fe", "2852039166", "169.254.43518", "::ffff:169.254.169.254", "[::ffff:a9fe:a9fe]"):
        refused(world, "ssh_address_denied", host=form)
    world.enter(world.session(host="several.example"))


def test_a_name_whose_ipv6_swallows_packets(world: World, dns: Dns) -> None:
    dns.names["dual.example"] = ["::1", "127.0.0.1"]
    with silent("::1", world.sshd.port):
        world.enter(world.session(host="dual.example"))


def test_a_name_that_changes_between_check_and_use(world: World, dns: Dns) -> None:
    """What is checked is what is connected to: there is one lookup, and the next one is checked again."""
    dns.names["rebind.example"] = ["127.0.0.1"]
    proxy = Proxy(world.sshd.port)
    try:
        token = world.session(host="rebind.example", port=proxy.port)
        socket = world.enter(token)
        assert dns.asked["rebind.example"] == 1
        dns.names["rebind.example"] = [METADATA]
        proxy.cut()
        assert socket.wait("error")["code"] == "ssh_address_denied"
        socket.wait("disconnect")
        assert dns.asked["rebind.example"] == 2
        assert proxy.accepted == 1
    finally:
        proxy.close()


def test_a_server_stops_in_time_while_names_hang(world: World, dns: Dns, tmp_path: Path) -> None:
    asked = dns.asked["last.example"]
    world.open(world.session(host="last.example"))
    until(lambda: dns.asked["last.example"] > asked, "a lookup under way")
    assert world.server.terminate() < 10
    world.server.start()
