"""A journalctl that follows and sees nothing any more, as one that began without a /var/log/journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest

from ethpillar.errors import SshUnreachable
from ethpillar.journal.detour import Answer, Step
from ethpillar.journal.entry import Entry
from ethpillar.nodes.follower import LONG_SILENT, SILENT

from ..waiting import until
from .journal_fake import FakeSink, make_feed
from .test_boots import NOW, Boots, came, live
from .test_damage import Stream, numbers


class BlindStream(Stream):
    """Prints what there is, and then nothing until it is closed."""

    def read(self) -> list[Entry]:
        self._seen = 10**9
        return super().read()


class Moving(Boots):
    """A journal of which those that follow see nothing after a number of them."""

    def __init__(self, blind: int) -> None:
        super().__init__()
        self.blind = blind
        self.followed = 0
        self.reboot(NOW)
        self.write(5)

    @contextmanager
    def journal(self, unit: str, step: Step) -> Iterator[Stream]:  # type: ignore[override]
        with super().journal(unit, step) as stream:
            self.followed += step.follow
            if step.follow and self.followed <= self.blind:
                yield BlindStream(self, stream._answer, step.follow)  # type: ignore[arg-type]
            else:
                yield stream


@pytest.fixture
def watchful(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.follower.SILENT", 0.002)
    monkeypatch.setattr("ethpillar.nodes.follower.LONG_SILENT", 0.01)
    monkeypatch.setattr("ethpillar.nodes.follower.ON_ITS_WAY", 0.03)


@pytest.mark.usefixtures("watchful")
@pytest.mark.parametrize("blind", [1, 3])
def test_what_a_blind_journalctl_misses_comes_all_the_same(blind: int) -> None:
    journal = Moving(blind)
    feed = make_feed(journal)
    sink = live(feed)
    for count in range(blind):
        until(lambda count=count: journal.followed > count, "a journalctl that follows")  # type: ignore[misc]
        journal.write(3)
        came(sink, len(journal.written) - 1)
    assert numbers(sink) == list(range(len(journal.written)))
    assert "gap" not in dict(sink.states)
    feed.close()


@pytest.mark.usefixtures("watchful")
def test_a_log_that_is_silent_is_followed_on() -> None:
    journal = Moving(0)
    feed = make_feed(journal)
    sink = live(feed)
    asked = len(journal.asked)
    until(lambda: len(journal.asked) > asked + 5, "some looks")
    assert journal.followed == 1
    assert [state for state, _ in sink.states].count("live") == 1
    feed.close()


@pytest.mark.usefixtures("watchful")
def test_a_node_that_can_t_be_asked_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Moving(1)
    ask, refusals = journal.ask, iter(range(3))

    def refuse(unit: str, step: Step) -> Answer:
        if journal.followed == 1 and step.cursor is not None and next(refusals, None) is not None:
            raise SshUnreachable
        return ask(unit, step)

    feed = make_feed(journal)
    sink = live(feed)
    monkeypatch.setattr(journal, "ask", refuse)
    journal.write(2)
    came(sink, 6)
    assert next(refusals, None) is None
    feed.close()


@pytest.mark.usefixtures("watchful")
def test_a_follower_that_waits_for_its_subscribers_is_not_blind() -> None:
    journal = Moving(0)
    feed = make_feed(journal, entries=20)
    sink = live(feed)
    until(lambda: journal.followed == 1, "a journalctl that follows")
    sink.frozen = True
    journal.write(100)
    until(lambda: feed.ring.end >= 20, "a full ring")
    gevent.sleep(0.05)
    sink.frozen = False
    came(sink, 104)
    assert journal.followed == 1
    assert numbers(sink) == list(range(105))
    feed.close()


@pytest.mark.usefixtures("watchful")
def test_a_log_whose_unit_prints_elsewhere_by_now_is_told_so() -> None:
    journal = Moving(0)
    feed = make_feed(journal)
    sink = live(feed)
    until(lambda: journal.printed_us is not None, "a look")
    assert journal.printed_us == journal.written[-1].realtime_us
    assert not sink.told_where
    journal.where = "file"
    until(lambda: sink.told_where, "word of it")
    assert set(sink.told_where) == {"file"}
    journal.where = None
    journal.write(1)
    came(sink, 5)
    assert sink.error is None
    assert journal.followed == 1
    feed.close()


@pytest.mark.usefixtures("watchful")
def test_a_subscriber_that_has_not_caught_up_is_not_told_that_nothing_comes() -> None:
    journal = Moving(0)
    journal.where = "null"
    feed = make_feed(journal)
    sink = FakeSink()
    sink.frozen = True
    feed.subscribe(sink)
    asked = len(journal.asked)
    until(lambda: len(journal.asked) > asked + 5, "some looks")
    assert not sink.told_where
    sink.frozen = False
    until(lambda: sink.told_where, "word of it")
    assert sink.got
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_a_log_that_stays_silent_is_looked_after_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        """gevent, in which each look comes at once."""

        def __getattr__(self, name: str) -> Any:
            return getattr(gevent, name)

        def sleep(self, seconds: float) -> None:
            looks.append(seconds)
            gevent.sleep(0.001)

    looks: list[float] = []
    monkeypatch.setattr("ethpillar.nodes.follower.gevent", Clock())
    journal = Moving(0)
    feed = make_feed(journal)
    sink = live(feed)
    until(lambda: len(looks) > 9, "some looks")
    assert looks[:9] == [SILENT, 30, 60, 120, 240, 480, LONG_SILENT, LONG_SILENT, LONG_SILENT]
    looks.clear()
    journal.write()
    came(sink, 5)
    until(lambda: SILENT in looks, "a look that is soon")
    feed.close()
