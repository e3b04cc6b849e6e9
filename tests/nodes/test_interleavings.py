"""Any order of subscribing, entries, breaks and slowness: each subscriber sees a contiguous run."""

from __future__ import annotations

import gevent
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ethpillar.nodes.subscription import LogSubscription

from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, make_feed, numbers


class Interleavings(RuleBasedStateMachine):
    """Any order of subscribe, unsubscribe, entries, breaks and slowness."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal()
        self.journal.write(20)
        self.feed = make_feed(self.journal, entries=40)
        self.connected = True
        self.sinks: list[tuple[FakeSink, LogSubscription]] = []

    @rule(count=st.integers(1, 90))
    def write(self, count: int) -> None:
        self.journal.write(count)

    @rule(lines=st.integers(0, 100), resume=st.booleans())
    def subscribe(self, lines: int, resume: bool) -> None:
        sink = FakeSink()
        after = self.journal.entries[len(self.journal.entries) // 2].cursor if resume else None
        self.sinks.append((sink, self.feed.subscribe(sink, lines, after)))

    @precondition(lambda self: self.sinks)
    @rule(data=st.data())
    def unsubscribe(self, data: st.DataObject) -> None:
        sink, subscription = self.sinks.pop(data.draw(st.integers(0, len(self.sinks) - 1)))
        subscription.close()
        got = len(sink.got)
        gevent.sleep(0)
        assert len(sink.got) == got

    @precondition(lambda self: self.sinks)
    @rule(data=st.data(), frozen=st.booleans())
    def slow(self, data: st.DataObject, frozen: bool) -> None:
        self.sinks[data.draw(st.integers(0, len(self.sinks) - 1))][0].frozen = frozen

    @rule()
    def cut(self) -> None:
        self.journal.cut()
        self.connected = False

    @rule()
    def mend(self) -> None:
        self.journal.mend()
        self.connected = True

    @rule()
    def end_streams(self) -> None:
        self.journal.end_streams()

    @rule(turns=st.integers(1, 30))
    def go_on(self, turns: int) -> None:
        for _ in range(turns):
            gevent.sleep(0)

    @invariant()
    def runs_are_contiguous(self) -> None:
        for sink, _ in self.sinks:
            got = numbers(sink)
            assert got == list(range(got[0], got[0] + len(got))) if got else True
            assert not [state for state, _ in sink.states if state == "gap"]

    def teardown(self) -> None:
        self.journal.mend()
        for sink, _ in self.sinks:
            sink.frozen = False
        for sink, _ in self.sinks:  # one that asked for no backlog sees only what comes after that
            until(lambda sink=sink: sink.states and sink.states[-1][0] == "live", "live")  # type: ignore[misc]
        self.journal.write(1)
        last = len(self.journal.entries) - 1
        for sink, _ in self.sinks:
            until(lambda sink=sink: sink.got and numbers(sink)[-1] == last, f"line {last}", deadline=20)  # type: ignore[misc]
        self.runs_are_contiguous()
        self.feed.close()
        gevent.sleep(0)
        assert self.journal.open == 0


Interleavings.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking a test that waits takes minutes
TestInterleavings = Interleavings.TestCase
