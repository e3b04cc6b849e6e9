"""From a name to a connection, whatever its addresses do. The name is a stand-in; the sockets are real."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import AddressDenied, SshTimeout, SshUnreachable
from ethpillar.ssh import address
from ethpillar.ssh.address import AddressPolicy, LiveSocket
from ethpillar.ssh.resolve import Resolver

from ..interruption import Operation, sweep
from ..listeners import answering, silent

V4, V6 = socket.AF_INET, socket.AF_INET6


class Names(Resolver):
    """Knows one name, which has these addresses."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.addresses = addresses
        self.problem: Exception | None = None

    def lookup(self, host: str, port: int) -> list[Any]:
        gevent.sleep(0)
        if self.problem is not None:
            raise self.problem
        return [info(each, port) for each in self.addresses]


def info(text: str, port: int) -> Any:
    """An address as getaddrinfo tells it."""
    at = (text, port, 0, 0) if ":" in text else (text, port)
    return (V6 if ":" in text else V4, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", at)


def connect(names: Resolver, port: int, timeout: float = 10, policy: AddressPolicy | None = None) -> LiveSocket:
    return address.connect("node.example", port, policy or AddressPolicy(), timeout, names)


class Recorded(LiveSocket):
    """A socket that is counted while it is open."""

    made: list[LiveSocket]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    Recorded.made = []
    monkeypatch.setattr(address, "LiveSocket", Recorded)


def sockets() -> int:
    """How many of our sockets are open."""
    return sum(1 for each in Recorded.made if each.fileno() != -1)


def test_an_address_that_swallows_packets_does_not_hide_one_that_answers() -> None:
    with silent("::1") as port, answering("127.0.0.1", port):
        connection = connect(Names("::1", "127.0.0.1"), port)
        assert connection.getpeername()[0] == "127.0.0.1"
        assert sockets() == 1
        connection.close()


def test_many_addresses_that_swallow_packets_do_not_either() -> None:
    dead = [f"127.9.9.{number}" for number in range(1, 5)]
    with ExitStack() as stack:
        port = stack.enter_context(silent(dead[0]))
        for each in dead[1:]:
            stack.enter_context(silent(each, port))
        stack.enter_context(answering("127.0.0.1", port))
        connect(Names(*dead, "127.0.0.1"), port).close()


def test_an_address_that_refuses_is_passed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "STAGGER", 3600.0)
    with answering("127.0.0.1") as port:
        connect(Names("::1", "127.0.0.2", "127.0.0.1"), port).close()


def test_the_first_address_wins_when_both_answer() -> None:
    with answering("::1") as port, answering("127.0.0.1", port):
        connection = connect(Names("::1", "127.0.0.1"), port)
        assert connection.getpeername()[0] == "::1"
        connection.close()


def test_only_permitted_addresses_are_tried() -> None:
    policy = AddressPolicy(denied=[address.ipaddress.ip_network("127.0.0.2/32")])
    with answering("127.0.0.2") as port:
        with pytest.raises(SshUnreachable) as problem:
            connect(Names("127.0.0.2", "127.0.0.3"), port, policy=policy)
        assert not isinstance(problem.value, SshTimeout)
        with pytest.raises(AddressDenied):
            connect(Names("127.0.0.2"), port, policy=policy)


def test_a_name_with_a_network_of_addresses_is_no_way_to_scan_it() -> None:
    refusing = [f"127.8.8.{number}" for number in range(1, address.TRIED + 1)]
    with answering("127.0.0.1") as port:
        with pytest.raises(SshUnreachable):
            connect(Names(*refusing, "127.0.0.1"), port)
        connect(Names(*refusing[:-1], "127.0.0.1"), port).close()


def test_a_name_that_is_not_known() -> None:
    names = Names()
    for names.problem in (OSError("no such name"), UnicodeError("no name")):
        with pytest.raises(SshUnreachable) as problem:
            connect(names, 22)
        assert "host name" in str(problem.value.hint)


def test_when_no_address_answers_in_time_nothing_is_left() -> None:
    with silent("::1") as port, silent("127.0.0.1", port), pytest.raises(SshTimeout):
        connect(Names("::1", "127.0.0.1"), port, timeout=0.5)
    assert not sockets()


def test_addresses_of_a_kind_that_this_machine_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoIpv6(LiveSocket):
        def __init__(self, family: int, *rest: int) -> None:
            if family == V6:
                raise OSError(errno.EAFNOSUPPORT, "no IPv6 here")
            super().__init__(family, *rest)

    monkeypatch.setattr(address, "LiveSocket", NoIpv6)
    with answering("127.0.0.1") as port:
        connect(Names("::1", "127.0.0.1"), port).close()
        with pytest.raises(SshUnreachable):
            connect(Names("::1"), port)


def test_a_connect_that_is_interrupted_anywhere_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "STAGGER", 0.01)

    @contextmanager
    def scenario() -> Iterator[Operation]:
        with silent("::1") as port, answering("127.0.0.1", port):
            yield lambda: connect(Names("::1", "127.0.0.2", "127.0.0.1"), port).close()
        assert not sockets()

    assert sweep(scenario) >= 4


@given(st.lists(st.sampled_from(["::1", "::2", "::3", "127.0.0.1", "127.0.0.2"]), max_size=8))
def test_families_take_turns(texts: list[str]) -> None:
    found = [info(each, 22) for each in texts]
    ordered = address.in_turns(found)
    assert sorted(map(str, ordered)) == sorted(map(str, found))
    for family in (V4, V6):
        assert [each for each in ordered if each[0] == family] == [each for each in found if each[0] == family]
    rarer = min(sum(each[0] == family for each in found) for family in (V4, V6))
    assert all(first[0] != second[0] for first, second in pairwise(ordered[: 2 * rarer]))
    assert ordered[:1] == found[:1]


def test_a_connection_has_the_options_that_find_a_dead_peer() -> None:
    with answering("127.0.0.1") as port:
        connection = connect(Names("127.0.0.1"), port)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert time.monotonic() - connection.heard < 60
        connection.close()


def test_a_peer_that_always_has_something_to_say_lets_others_have_their_turn() -> None:
    theirs, ours = socket.socketpair()
    reading = LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach())
    others = 0

    def other() -> None:
        nonlocal others
        while True:
            others += 1
            gevent.sleep(0)

    turns = gevent.spawn(other)
    theirs.sendall(b"x" * 100_000)
    theirs.setblocking(False)
    read, began = 0, time.monotonic()
    while not others and time.monotonic() - began < 20:
        with contextlib.suppress(BlockingIOError):  # the kernel counts many small pieces as more than they are
            theirs.send(b"x" * read)
        read = len(reading.recv(64))  # there always is something, so this never waits
    turns.kill()
    assert others
    assert reading.heard >= began
    theirs.close()
    assert reading.heard <= time.monotonic()
    reading.close()


def test_addresses_that_say_nothing_are_waited_for_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One may still answer: that all of them have been tried is no reason to give up."""
    monkeypatch.setattr(address, "STAGGER", 0.01)
    with silent("::1") as port, silent("127.0.0.1", port), pytest.raises(SshTimeout):
        connect(Names("::1", "127.0.0.1"), port, timeout=0.3)
    assert not sockets()
