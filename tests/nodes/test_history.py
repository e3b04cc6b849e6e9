"""Questions about the past of a node, asked by many."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import BadRequest, InternalError, LimitReached, LogUnavailable, PermissionDenied, SshUnreachable
from ethpillar.journal.boots import Boot
from ethpillar.journal.entry import Entry
from ethpillar.journal.history.paging import Paging
from ethpillar.journal.history.query import Direction, Query
from ethpillar.journal.history.wanted import Wanted
from ethpillar.journal.steps import Step
from ethpillar.limits.ledger import Ledger
from ethpillar.nodes import history as history_module
from ethpillar.nodes.history import GRACE, SEARCHES, History

from ..journal.history.model import SMALL, Journal, entry
from ..waiting import until

ERRORS = Wanted(level="error")


class Slice:
    def __init__(self, entries: list[Entry], status: int, complaint: bytes, go: Event) -> None:
        self._entries, self._status, self._complaint, self._go = entries, status, complaint, go

    def read(self) -> list[Entry]:
        self._go.wait()
        some, self._entries = self._entries[:3], self._entries[3:]
        return some

    def status(self) -> int:
        return self._status

    def complaint(self) -> bytes:
        return self._complaint


class Source:
    """A node whose journal is in memory; it counts what runs."""

    def __init__(self) -> None:
        self.journal = Journal(
            [entry(number, f"INFO [09-12|08:15:01.004] Text number={number}") for number in range(40)]
        )
        self.go = Event()
        self.go.set()
        self.running = self.most = self.started = 0
        self.statuses: list[tuple[int, bytes]] = []
        self.blind = False
        "The user may not read the journal any more: journalctl shows nothing, and exits with 0."
        self.found_out = 0
        "How often the right was looked for again."

    @contextmanager
    def slice(self, units: Sequence[str], step: Step, timeout: float) -> Iterator[Slice]:
        if self.blind and self.found_out:
            raise PermissionDenied("execution")
        self.started += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            status, complaint = self.statuses.pop(0) if self.statuses else (0, b"")
            shown = [] if complaint or self.blind else self.journal.answer(step, units)
            yield Slice(shown, status, complaint, self.go)
        finally:
            self.running -= 1

    def description(self, unit: str) -> str | None:
        return None

    def boots(self) -> list[Boot]:
        return []

    def rights_in_doubt(self) -> bool:
        self.found_out += 1
        return self.found_out == 1  # the second time it was looked for a moment ago


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def history(source: Source) -> History:
    return History(source, SMALL, lambda: 0.0)


def query(**changes: object) -> Query:
    return replace(Query(("execution.service",), limit=5), **changes)  # type: ignore[arg-type]


def test_a_page(source: Source, history: History) -> None:
    answer = history.read(query())
    assert [each.entry for each in answer.page.shown] == source.journal.entries[-5:]
    assert (source.running, len(history)) == (0, 0)


def test_a_histogram(source: Source, history: History) -> None:
    entries = source.journal.entries
    answer = history.read(query(since_us=entries[0].realtime_us, until_us=entries[-1].realtime_us), 2)
    assert answer.counts is not None
    assert [each[1:] for each in answer.counts] == [(20, 0, 0), (20, 0, 0)]


@pytest.mark.parametrize(
    ("enough", "trusted", "ends", "fed"),
    [
        (9, True, (-1, b"said"), [3, 3, 2]),  # all of it is wanted: it ended as it says
        (2, True, (0, b""), [3, 3]),  # what we have ended ourselves has not failed
        (9, False, (0, b"said"), []),  # nothing is taken that was said to be damaged
    ],
)
def test_how_a_slice_ends(enough: int, trusted: bool, ends: tuple[int, bytes], fed: list[int]) -> None:
    class Page:
        def trusts(self, complaint: bytes) -> bool:
            return trusted or not complaint

        def feed(self, entries: Sequence[Entry]) -> bool:
            took.append(len(entries))
            return len(took) < enough

    took: list[int] = []
    go = Event()
    go.set()
    stream = Slice([entry(number, "text") for number in range(8)], -1, b"said", go)
    assert history_module._feed(Page(), stream) == ends  # type: ignore[arg-type]
    assert took == fed


def test_those_that_ask_the_same_share_one_search(source: Source, history: History) -> None:
    source.go.clear()
    asking = [gevent.spawn(history.read, query(wanted=ERRORS)) for _ in range(20)]
    gevent.sleep(0)
    source.go.set()
    answers = [each.get() for each in asking]
    assert all(each is answers[0] for each in answers)
    assert source.most == 1


def test_those_that_share_a_search_get_an_error_each(source: Source, history: History) -> None:
    source.statuses = [(1, b"Failed to seek to cursor: Invalid argument")]
    source.go.clear()
    asking = [gevent.spawn(history.read, query(cursor="s=zz")) for _ in range(3)]
    gevent.sleep(0)
    source.go.set()
    gevent.joinall(asking)
    assert len({id(each.exception) for each in asking}) == 3
    assert all(isinstance(each.exception, BadRequest) for each in asking)


def test_two_searches_run_at_once_and_plain_pages_beside_them(
    source: Source, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "TURN", 0.02)
    source.go.clear()
    asking = [gevent.spawn(history.read, query(wanted=Wanted(words=(word,)))) for word in ("a", "b", "c", "d")]
    gevent.joinall(asking[2:])
    assert all(isinstance(each.exception, LimitReached) for each in asking[2:])
    page = gevent.spawn(history.read, query())
    while source.started < SEARCHES + 1:
        gevent.sleep(0)
    assert source.running == SEARCHES + 1
    source.go.set()
    gevent.joinall([*asking[:2], page], raise_error=True)
    assert (source.running, len(history)) == (0, 0)


def test_a_caller_that_goes_ends_its_search_unless_others_wait(source: Source, history: History) -> None:
    source.go.clear()
    one, other = (gevent.spawn(history.read, query(wanted=ERRORS)) for _ in range(2))
    gevent.sleep(0)
    one.kill()
    assert source.running == 1
    other.kill()
    assert (source.running, len(history)) == (0, 0)


def test_searches_that_are_given_up_by_the_hundred_leave_nothing(source: Source, history: History) -> None:
    source.go.clear()
    for number in range(300):
        asking = gevent.spawn(history.read, query(wanted=Wanted(words=(str(number),))))
        for _ in range(number % 4):
            gevent.sleep(0)
        asking.kill()
    source.go.set()
    assert (source.running, len(history)) == (0, 0)
    assert history.read(query(wanted=ERRORS)).page.shown == []


def test_a_slice_that_breaks_is_read_again_once(source: Source, history: History) -> None:
    source.statuses = [(-1, b"")]
    assert len(history.read(query()).page.shown) == 5
    assert source.started == 2
    source.statuses = [(-1, b""), (-1, b"")]
    with pytest.raises(SshUnreachable):
        history.read(query())


def test_a_journal_that_does_not_answer_in_time_is_too_large(source: Source) -> None:
    now = iter(range(0, 1000, 5))
    source.statuses = [(-1, b"nothing came")] * 9
    with pytest.raises(LogUnavailable) as raised:
        History(source, SMALL, lambda: float(next(now))).read(query())
    assert "vacuum-size" in str(raised.value.hint)


def test_a_cursor_that_is_none_is_said(source: Source, history: History) -> None:
    source.statuses = [(1, b"Failed to seek to cursor: Invalid argument")]
    with pytest.raises(BadRequest):
        history.read(query(cursor="s=zz", direction=Direction.FORWARDS))


@pytest.mark.parametrize("cursor", [None, entry(20, "").cursor, entry(99, "").cursor])
def test_a_journal_that_shows_nothing_any_more_is_no_page_before_the_right_was_checked(
    source: Source, history: History, cursor: str | None
) -> None:
    source.blind = True
    with pytest.raises(PermissionDenied):
        history.read(query(cursor=cursor))
    assert source.found_out == 1


def test_a_journal_that_shows_nothing_once_is_read_again(source: Source, history: History) -> None:
    source.statuses = [(1, b"something that nobody knows")]
    page = history.read(query()).page
    assert [each.entry for each in page.shown] == source.journal.entries[-5:]
    assert page.gaps == []


def test_a_journalctl_that_fails_each_time_is_an_error_and_no_gap(source: Source, history: History) -> None:
    source.statuses = [(1, b"something that nobody knows")] * 2
    with pytest.raises(LogUnavailable):
        history.read(query())


def test_a_page_that_is_rightly_empty_is_one(source: Source, history: History) -> None:
    source.journal.entries.clear()
    page = history.read(query()).page
    assert (page.shown, page.gaps, page.more) == ([], [], False)
    assert source.found_out == 1
    history.read(query(since_us=1, until_us=2))
    assert source.found_out == 1  # of such a time there may well be nothing


def test_closing_ends_every_search(source: Source, history: History) -> None:
    source.go.clear()
    asking = [gevent.spawn(history.read, query(wanted=Wanted(words=(word,)))) for word in "abc"]
    gevent.sleep(0)
    history.close()
    gevent.joinall(asking)
    assert all(isinstance(each.exception, SshUnreachable) for each in asking)
    assert (source.running, len(history)) == (0, 0)


def test_a_page_that_is_being_read_is_weighed(source: Source) -> None:
    ledger = Ledger()
    history = History(source, SMALL, lambda: 0.0, ledger=ledger)
    source.go.clear()
    asking = gevent.spawn(history.read, query(wanted=ERRORS))
    until(lambda: ledger.kinds["pages"] > 0, "a page that is being read")
    source.go.set()
    asking.get()
    assert ledger.total == 0


def test_a_page_weighs_more_with_each_entry(source: Source) -> None:
    paging = Paging(query(), lambda: 0.0)
    paging.next_step()
    empty = paging.weight()
    paging.feed(source.journal.entries[:3])
    waiting = paging.weight()
    assert waiting >= empty + sum(len(each.message) for each in source.journal.entries[:3])
    paging.ended(0)
    assert paging.weight() > empty


def test_a_slice_may_take_as_long_as_is_left_of_its_page(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    now, timeouts = [100.0], []
    read = source.slice

    def slower(units: Sequence[str], step: Step, timeout: float) -> AbstractContextManager[Slice]:
        timeouts.append(timeout)
        now[0] += 2.0
        return read(units, step, timeout)

    monkeypatch.setattr(source, "slice", slower)
    source.statuses = [(-1, b"")]
    bounds = replace(SMALL, seconds=10.0)
    History(source, bounds, lambda: now[0]).read(query())
    assert timeouts[:2] == [10.0 + GRACE, 8.0 + GRACE]


@pytest.mark.parametrize(("late", "error"), [(-0.5, SshUnreachable), (0.5, LogUnavailable)])
def test_a_slice_that_breaks_again_is_the_connection_unless_the_time_is_over(
    source: Source, monkeypatch: pytest.MonkeyPatch, late: float, error: type[Exception]
) -> None:
    now = [100.0]
    read = source.slice

    def second_takes_long(units: Sequence[str], step: Step, timeout: float) -> AbstractContextManager[Slice]:
        if source.started % 2:
            now[0] += 10.0 + late
        return read(units, step, timeout)

    monkeypatch.setattr(source, "slice", second_takes_long)
    source.statuses = [(-1, b"nothing came")] * 9
    with pytest.raises(error):
        History(source, replace(SMALL, seconds=10.0), lambda: now[0]).read(query())


def test_a_mistake_in_a_search_is_noted_with_its_session_and_without_its_text(
    source: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)

    def mistaken(*_: object) -> list[Boot]:
        raise RuntimeError("CANARY")

    monkeypatch.setattr(source, "slice", mistaken)
    with pytest.raises(InternalError):
        History(source, SMALL, lambda: 0.0, "a session").read(query())
    assert {getattr(each, "session", None) for each in caplog.records} == {"a session"}
    assert "CANARY" not in caplog.text
