"""A client that owes something waits, and one that has left is not waited for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from ethpillar.limits.limits import Limits
from ethpillar.web import paying
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


def order(owing: Limits, *waiting: tuple[str, float, Any]) -> list[str]:
    """Let these wait, by name, cost and session, until what is owed before is paid off. Return who went when."""
    wait_until_paid(owing, "client", 20)
    done: list[str] = []

    def wait(name: str, cost: float, session: Any) -> None:
        wait_until_paid(owing, "client", cost, None, session)
        done.append(name)

    greenlets = [gevent.spawn(wait, *each) for each in waiting]
    gevent.joinall(greenlets, timeout=10, raise_error=True)
    return done


def fast() -> Limits:
    """A thousand packets a second."""
    return Limits(3, 10, 10, 10, 200, 1)


def test_a_session_beside_a_flood_is_next_after_one_of_it() -> None:
    flood = [(f"flood {number}", 1.0, ()) for number in range(20)]
    done = order(fast(), *flood, ("page", 1.0, ("page",)), ("page", 1.0, ("page",)))
    assert [at for at, name in enumerate(done) if name == "page"] == [1, 3]
    assert done[0] == "flood 0"


def test_one_that_wants_little_does_not_wait_for_one_that_wants_much() -> None:
    done = order(fast(), ("much", 50.0, ("a",)), *[("little", 1.0, ("b",))] * 10)
    assert done == ["little"] * 10 + ["much"]


def test_bad_tokens_hold_up_only_those_that_show_no_good_one() -> None:
    owing = limits()
    owing.suspects.charge("client", 1_000_000)
    stranger = gevent.spawn(wait_until_paid, owing, "client")
    gevent.sleep(0)
    wait_until_paid(owing, "client", 1, None, ("page",))
    wait_until_paid(owing, "other client")
    assert not stranger.dead
    assert len(owing.owing) == 1
    stranger.kill()
    until(lambda: not owing.owing, "the end of the line")


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


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paying, "MOST", 0.05)
    monkeypatch.setattr(paying, "LOOK_EVERY", 0.01)
    owing = limits()
    wait_until_paid(owing, "client", 100_000)
    with pytest.raises(BrokenPipeError):
        wait_until_paid(owing, "client")
