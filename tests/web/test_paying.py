"""A client that owes something waits, and one that has left is not waited for."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import gevent
import pytest

from ethpillar.limits.limits import Limits
from ethpillar.web.paying import has_left, wait_until_paid

from ..waiting import until


def limits() -> Limits:
    """One packet a second."""
    return Limits(3, 10, 10, 10, 1, 1)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's end of a TCP connection, and ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    yield theirs, ours
    theirs.close()
    ours.close()


def test_who_owes_nothing_does_not_wait() -> None:
    wait_until_paid(limits(), "client", 1000)
    wait_until_paid(limits(), None, 1000)


@pytest.mark.parametrize("unread", [0, 100_000])
@pytest.mark.parametrize("how", [socket.SHUT_WR, None])
def test_a_client_that_leaves_is_noticed_whatever_is_unread(
    ends: tuple[socket.socket, socket.socket], unread: int, how: int | None
) -> None:
    theirs, ours = ends
    theirs.sendall(b"x" * unread)
    assert not has_left(ours)
    if how is None:
        theirs.close()
    else:
        theirs.shutdown(how)
    until(lambda: has_left(ours))


def test_a_connection_that_was_closed_here_is_gone_and_of_others_it_is_not_known(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ends[1].close()
    assert has_left(ends[1])
    assert not has_left(None)
    first, second = socket.socketpair()
    with first, second:
        assert not has_left(first)


def test_a_debt_of_a_client_that_has_left_is_not_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = ends
    owing = limits()
    wait_until_paid(owing, "client", 100_000)
    waiting = gevent.spawn(wait_until_paid, owing, "client", 1, ours)
    staying = gevent.spawn(wait_until_paid, owing, "client", 1)
    gevent.sleep(0)
    assert not waiting.dead
    theirs.close()
    with pytest.raises(BrokenPipeError):
        waiting.get(timeout=10)
    assert not staying.dead
    staying.kill()
