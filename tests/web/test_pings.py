"""One greenlet pings all sessions, each when it is due."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import gevent
import pytest
from engineio.packet import PING

from ethpillar.web.pings import Pings

from ..waiting import until


class Session:
    """An Engine.IO session, as far as pings go; it has just begun."""

    def __init__(self) -> None:
        self.last_ping: float | None = time.time()
        self.closing = self.closed = False
        self.sent: list[int] = []
        self.checked = 0

    def check_ping_timeout(self) -> None:
        self.checked += 1

    def send(self, packet: Any) -> None:
        self.sent.append(packet.packet_type)


def test_each_session_is_pinged_once_for_each_time_that_it_asks() -> None:
    pings, sessions = Pings(0.01, 60, 0), [Session() for _ in range(3)]
    for session in sessions:
        pings.schedule(session)
    until(lambda: all(session.sent == [PING] for session in sessions))
    assert all(session.last_ping for session in sessions)
    pings.schedule(sessions[1])
    until(lambda: sessions[1].sent == [PING] * 2)
    assert [len(session.sent) for session in sessions] == [1, 2, 1]


def test_one_that_asks_again_before_its_ping_is_pinged_once() -> None:
    pings, session = Pings(0.01, 60, 0), Session()
    for _ in range(3):
        pings.schedule(session)  # a client may send as many pongs as it likes
    assert session.last_ping is None
    until(lambda: session.sent)
    assert not pings
    assert session.sent == [PING]


def test_pings_come_in_the_order_in_which_they_are_due_and_not_before() -> None:
    pings, sessions = Pings(0.05, 60, 0), [Session() for _ in range(3)]
    began = time.monotonic()
    order: list[int] = []
    for number, session in enumerate(sessions):
        session.send = lambda _packet, number=number: order.append(number)  # type: ignore[method-assign, misc]
        pings.schedule(session)
        gevent.sleep(0.01)
    assert not order or time.monotonic() - began >= 0.05
    until(lambda: order == [0, 1, 2])
    assert time.monotonic() - began >= 0.07


@pytest.mark.parametrize("how", ["closing", "closed"])
def test_a_session_that_ends_meanwhile_is_not_pinged(how: str) -> None:
    pings, session, other = Pings(0.01, 60, 0), Session(), Session()
    pings.schedule(session)
    pings.schedule(other)
    setattr(session, how, True)
    until(lambda: other.sent)
    assert not session.sent
    assert session.last_ping is None


def test_one_that_does_not_answer_is_looked_at_when_its_time_is_up_and_no_other_is_ended() -> None:
    pings, sessions = Pings(0.01, 0.02, 0), [Session() for _ in range(3)]
    for session in sessions:
        pings.schedule(session)
    until(lambda: all(session.checked == 1 for session in sessions))
    assert all(session.sent == [PING] for session in sessions)
    until(lambda: not pings._greenlet)


def test_those_that_are_due_soon_after_one_another_are_pinged_together() -> None:
    pings, sessions = Pings(0.02, 60, 0.1), [Session() for _ in range(3)]
    for session in sessions:
        pings.schedule(session)
        gevent.sleep(0.01)
    until(lambda: sessions[0].sent)
    assert all(session.sent for session in sessions)


def test_a_session_that_is_gone_is_not_kept_until_its_ping() -> None:
    pings, session = Pings(60, 60, 0), Session()
    pings.schedule(session)
    gone = weakref.ref(session)
    gevent.sleep(0)
    del session
    gc.collect()
    assert gone() is None
    assert len(pings) <= 1


def test_what_one_session_raises_keeps_no_other_from_its_ping(caplog: pytest.LogCaptureFixture) -> None:
    pings, bad, good = Pings(0.01, 60, 0), Session(), Session()

    def fail(_packet: Any) -> None:
        raise RuntimeError("what a client sent")

    bad.send = fail  # type: ignore[method-assign]
    for session in (bad, good):
        pings.schedule(session)
    until(lambda: good.sent)
    assert "A ping failed" in caplog.text
    assert "what a client sent" not in caplog.text


def test_its_greenlet_ends_with_its_work_and_begins_anew() -> None:
    pings, session = Pings(0.0, 0.0, 0), Session()
    for count in (1, 2):
        pings.schedule(session)
        until(lambda count=count: len(session.sent) == count)  # type: ignore[misc]
        until(lambda: not pings._greenlet)
