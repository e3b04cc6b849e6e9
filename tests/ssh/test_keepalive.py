"""When a connection is asked for a sign of life, and when it counts as dead."""

from __future__ import annotations

import gc
import time
import weakref

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.ssh import keepalive as keepalive_module
from ethpillar.ssh.keepalive import Keepalive, Silence

from ..waiting import until

BEFORE, WITHIN = 15.0, 20.0


@pytest.mark.parametrize(
    ("heard", "now", "ask", "due"),
    [
        (100.0, 100.0, False, 115.0),
        (100.0, 114.9, False, 115.0),
        (100.0, 115.0, True, 130.0),
        (100.0, 500.0, True, 515.0),
    ],
)
def test_it_is_asked_after_a_silence(heard: float, now: float, ask: bool, due: float) -> None:
    assert Silence(BEFORE, WITHIN).look(heard, now) == (ask, due)


@pytest.mark.parametrize(
    ("heard", "now", "ask", "due"),
    [
        (114.9, 134.9, False, 135.0),  # nothing yet, and there is time
        (114.9, 135.0, False, None),  # dead
        (115.0, 134.0, True, 149.0),  # it answered at once, and has been silent since
        (120.0, 134.0, False, 135.0),  # it answered, so it is next asked 15 s after that
        (134.0, 135.0, False, 149.0),
    ],
)
def test_then_it_has_some_time(heard: float, now: float, ask: bool, due: float | None) -> None:
    silence = Silence(BEFORE, WITHIN)
    assert silence.look(100.0, 115.0) == (True, 130.0)
    assert silence.look(heard, now) == (ask, due)


@given(st.lists(st.floats(0, 40), min_size=1, max_size=50), st.booleans())
def test_one_that_answers_in_time_never_dies_and_another_one_always_does(waits: list[float], answers: bool) -> None:
    silence, now, heard = Silence(BEFORE, WITHIN), 0.0, 0.0
    for wait in waits:
        ask, due = silence.look(heard, now)
        if due is None:
            assert not answers
            assert now - heard >= BEFORE + WITHIN
            return
        assert due > now
        if ask and answers:
            heard = now + min(wait, WITHIN) / 2
        now = max(due, now + wait)
    if not answers:
        looks = [silence.look(heard, now + count * (BEFORE + WITHIN)) for count in (1, 2, 3)]
        assert looks[-1][1] is None


class Peer:
    """A connection whose node answers, or does not."""

    def __init__(self, answers: bool = True) -> None:
        self.heard = time.monotonic()
        self.ended = Event()
        self.asked = 0
        self._answers = answers

    def ask(self) -> None:
        self.asked += 1
        if self._answers:
            self.heard = time.monotonic()

    def close(self) -> None:
        self.ended.set()


def test_of_many_connections_only_those_that_do_not_answer_are_closed() -> None:
    keepalive, good, bad = Keepalive(0), [Peer() for _ in range(3)], [Peer(answers=False) for _ in range(3)]
    for peer in (*good, *bad):
        keepalive.watch(peer, 0.01, 0.05)
    until(lambda: all(peer.ended.is_set() for peer in bad))
    until(lambda: all(peer.asked > 2 for peer in good))
    assert not any(peer.ended.is_set() for peer in good)
    assert all(peer.asked == 1 for peer in bad)


def test_one_that_is_due_sooner_than_all_others_is_looked_at_in_time() -> None:
    keepalive, late, soon = Keepalive(0), Peer(), Peer(answers=False)
    keepalive.watch(late, 600, 600)
    gevent.sleep(0)
    keepalive.watch(soon, 0.01, 0.01)
    assert soon.ended.wait(10)
    assert not late.asked


def test_one_whose_node_reads_nothing_keeps_no_other_waiting() -> None:
    keepalive, stuck, other = Keepalive(0), Peer(), Peer(answers=False)
    stuck.ask = Event().wait  # type: ignore[method-assign, assignment]
    keepalive.watch(stuck, 0.01, 0.05)
    keepalive.watch(other, 0.01, 0.05)
    assert other.ended.wait(10)
    assert stuck.ended.wait(10)


def test_one_that_has_ended_or_is_gone_is_forgotten() -> None:
    keepalive, ended, gone = Keepalive(0), Peer(), Peer()
    for peer in (ended, gone):
        keepalive.watch(peer, 0.01, 60)
    ended.ended.set()
    found = weakref.ref(gone)
    del gone, peer
    gc.collect()
    assert found() is None
    until(lambda: not keepalive._greenlet)
    assert not ended.asked


def test_nothing_waits_once_the_last_connection_has_ended() -> None:
    keepalive, peers = Keepalive(0), [Peer() for _ in range(3)]
    for peer in peers:
        keepalive.watch(peer, 600, 600)
    gevent.sleep(0)
    for peer in peers[:2]:
        peer.ended.set()
    gevent.sleep(0.001)
    assert keepalive._greenlet
    peers[2].ended.set()
    until(lambda: not keepalive._greenlet)
    again = Peer(answers=False)
    keepalive.watch(again, 0.01, 0.01)
    assert again.ended.wait(10)


@pytest.mark.parametrize("also_another", [False, True])
def test_the_last_ones_may_end_while_others_have_their_turn(
    also_another: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keepalive, peers, another = Keepalive(0), [Peer() for _ in range(3)], Peer(answers=False)

    def breathe() -> None:
        monkeypatch.setattr(keepalive_module, "breathe", lambda: None)
        for peer in peers:
            peer.ended.set()
        gevent.sleep(0.001)  # they are told in the loop
        if also_another:
            keepalive.watch(another, 0.01, 0.01)

    monkeypatch.setattr(keepalive_module, "breathe", breathe)
    for peer in peers:
        keepalive.watch(peer, 0.01, 60)
    assert not also_another or another.ended.wait(10)
    until(lambda: not keepalive._greenlet, "the end")
    assert not [peer for peer in peers if peer.asked]
    assert "failed" not in caplog.text


def test_what_one_connection_raises_is_not_the_others_end(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Peer):
        @property
        def heard(self) -> float:
            raise RuntimeError("a host")

        @heard.setter
        def heard(self, _: float) -> None: ...

    keepalive, broken, other = Keepalive(0), Broken(), Peer(answers=False)
    keepalive.watch(broken, 0.01, 0.02)
    keepalive.watch(other, 0.02, 0.02)
    assert other.ended.wait(10)
    assert "Looking after a connection failed" in caplog.text
    assert "a host" not in caplog.text


def test_a_connection_is_not_looked_at_before_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    monkeypatch.setattr(keepalive_module, "_look", lambda peer, _: looks.append(peer))
    keepalive, peers = Keepalive(0), [Peer(), Peer()]
    keepalive.watch(peers[0], 600, 600)
    gevent.idle()
    keepalive.watch(peers[1], 0.99, 600)
    gevent.idle()
    assert not looks
    for peer in peers:
        peer.ended.set()
    until(lambda: not keepalive._greenlet)
