"""Boots are read as boots, whatever their clocks said and wherever journalctl puts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from ethpillar.errors import NOWHERE, SshUnreachable
from ethpillar.journal.boots import Boot, boot_of, in_order
from ethpillar.journal.cursor import Cursor, time_of
from ethpillar.journal.entry import Entry
from ethpillar.journal.reading import Last
from ethpillar.journal.steps import Answer, Step
from ethpillar.nodes.journald import THIS_BOOT
from ethpillar.nodes.log_feed import LogFeed
from ethpillar.nodes.node_source import NodeJournal
from ethpillar.nodes.reader import JournalReader
from ethpillar.nodes.tries import NEW
from ethpillar.ssh.command import Result

from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, make_feed
from .test_damage import Stream, numbers

NOW = 1_795_000_000_000_000
BEHIND = 1_000_000


class Boots(FakeJournal):
    """A journal of several boots with files of their own, which journalctl puts in order by their clocks."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Entry] = []
        self.one_sequence = False
        self.asked: list[Step] = []
        self._boots = 0
        self._clock = 0

    def reboot(self, clock: int) -> None:
        """Begin a boot at a time in microseconds since the epoch."""
        self._boots += 1
        self._clock = clock

    def set_clock(self, clock: int) -> None:
        self._clock = clock

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            number = len(self.written)
            self._clock += 1_000
            boot = f"b{self._boots}"
            sequence = "a" if self.one_sequence else boot
            cursor = f"s={sequence};i={number + 1:x};b={boot};m={number:x};t={self._clock:x};x={number + 1:x}"
            self.written.append(Entry(cursor, self._clock, b"line %d" % number, 6, boot_id=boot))
        self._wake()

    def boot(self, fresh: bool = False) -> str | None:
        return f"b{self._boots}"

    def boots(self) -> list[Boot]:
        newest = {boot_of(each.cursor): each.cursor for each in self.kept}
        return in_order(newest.values(), self.boot())

    @property
    def kept(self) -> list[Entry]:
        return self.written[self.vacuumed :]

    @property
    def total(self) -> int:
        return len(self.written)

    def all_after(self, count: int) -> list[Entry]:
        return self.written[count:]

    def wait(self) -> None:
        self._news.wait()

    def ask(self, unit: str, step: Step) -> Answer:
        self.asked.append(step)
        found = self.kept if self.one_sequence else sorted(self.kept, key=lambda each: each.realtime_us)
        if step.boot is not None:
            found = [each for each in self.kept if boot_of(each.cursor) == step.boot]
        if step.cursor is not None:
            known = next((at for at, each in enumerate(found) if each.cursor == step.cursor), None)
            at = time_of(step.cursor) or 0
            if known is not None:
                found = found[: known + 1] if step.reverse else found[known:]
            else:
                found = [each for each in found if (each.realtime_us <= at if step.reverse else each.realtime_us >= at)]
            assert Cursor.parse(step.cursor).realtime_us is not None
        return Answer(found[::-1][: step.count] if step.reverse else found[: step.count])

    @contextmanager
    def journal(  # type: ignore[override]
        self, unit: str, step: Step
    ) -> Iterator[Stream]:
        if step.count is not None:
            answer = Answer(list(self.ask(unit, Step(None, True, step.count, step.boot)).entries)[::-1])
        else:
            answer = self.ask(unit, Step(step.cursor or "t=1", False, 10**6, step.boot))
        yield Stream(self, answer, step.follow)  # type: ignore[arg-type]


@pytest.fixture
def boots() -> Iterator[tuple[Boots, LogFeed]]:
    journal = Boots()
    feed = make_feed(journal)
    yield journal, feed
    feed.close()


def live(feed: LogFeed, lines: int = 50, after: str | None = None) -> FakeSink:
    sink = FakeSink()
    feed.subscribe(sink, lines, after)
    until(lambda: sink.states and sink.states[-1][0] == "live", "live")
    return sink


def came(sink: FakeSink, last: int) -> None:
    until(lambda: numbers(sink) and numbers(sink)[-1] == last, f"line {last}")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("clock", [BEHIND, NOW + 3_600_000_000, NOW])
def test_a_reboot_while_following(boots: tuple[Boots, LogFeed], clock: int) -> None:
    journal, feed = boots
    journal.reboot(NOW)
    journal.write(60)
    sink = live(feed)
    journal.end_streams()
    journal.write(5)
    journal.reboot(clock)
    journal.write(30)
    came(sink, 94)
    journal.write(5)
    came(sink, 99)
    assert numbers(sink) == list(range(10, 100))
    assert "gap" not in dict(sink.states)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("clock", [BEHIND, NOW + 3_600_000_000])
def test_a_backlog_and_a_resume_across_a_reboot(boots: tuple[Boots, LogFeed], clock: int) -> None:
    journal, feed = boots
    journal.reboot(NOW)
    journal.write(200)
    journal.reboot(clock)
    journal.write(20)
    journal.set_clock(NOW + 7_200_000_000)  # it is set at last
    journal.write(10)
    assert numbers(live(feed)) == list(range(180, 230))
    resumed = live(feed, after=journal.written[150].cursor)
    assert numbers(resumed) == list(range(151, 230))
    assert "gap" not in dict(resumed.states)


@pytest.mark.usefixtures("impatient")
def test_a_unit_that_is_silent_since_the_boot(boots: tuple[Boots, LogFeed]) -> None:
    journal, feed = boots
    journal.reboot(NOW)
    journal.write(20)
    sink = live(feed)
    assert numbers(sink) == list(range(20))
    journal.reboot(BEHIND)
    journal.end_streams()
    journal.write(3)
    came(sink, 22)
    assert numbers(sink) == list(range(23))


@pytest.mark.usefixtures("impatient")
def test_two_boots_with_the_same_times(boots: tuple[Boots, LogFeed]) -> None:
    journal, feed = boots
    for _ in range(2):
        journal.reboot(BEHIND)
        journal.write(30)
    sink = live(feed)
    assert numbers(sink)[-30:] == list(range(30, 60))
    assert len(set(numbers(sink))) == 50
    resumed = live(feed, after=journal.written[10].cursor)
    assert numbers(resumed) == list(range(11, 60))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lines", [50, 200, 5000])
def test_a_backlog_of_any_length_where_the_last_boot_stands_first(boots: tuple[Boots, LogFeed], lines: int) -> None:
    journal, feed = boots
    journal.reboot(NOW)
    journal.write(100)
    journal.reboot(BEHIND)
    journal.write(30)
    sink = live(feed, lines)
    assert numbers(sink) == list(range(max(0, 130 - lines), 130))
    journal.write(3)
    came(sink, 132)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("gone", [70, 100, 110, 130])
def test_what_was_vacuumed_of_an_earlier_boot_is_a_gap(boots: tuple[Boots, LogFeed], gone: int) -> None:
    journal, feed = boots
    journal.reboot(NOW)
    journal.write(100)
    cursor = journal.written[60].cursor
    journal.reboot(BEHIND)
    journal.write(100)
    journal.vacuumed = gone
    sink = live(feed, after=cursor)
    assert numbers(sink) == list(range(gone, 200))
    gaps = [details for state, details in sink.states if state == "gap"]
    expected = {"reason": "vacuumed", "from_us": time_of(cursor), "to_us": journal.written[gone].realtime_us}
    assert gaps == [expected]


@pytest.mark.usefixtures("impatient")
def test_three_boots_of_which_the_second_begins_with_a_wrong_clock(boots: tuple[Boots, LogFeed]) -> None:
    journal, feed = boots
    journal.reboot(NOW)
    journal.write(60)
    journal.reboot(BEHIND)
    journal.write(60)
    journal.set_clock(NOW + 1_000_000_000)
    journal.write(60)
    journal.reboot(BEHIND)
    journal.write(60)
    for first in (3, 90, 150, 200):
        sink = live(feed, after=journal.written[first].cursor)
        assert numbers(sink) == list(range(first + 1, 240))
        assert "gap" not in dict(sink.states)
    assert numbers(live(feed, 5000)) == list(range(240))


@pytest.mark.usefixtures("impatient")
def test_a_clock_that_is_set_back_while_following(boots: tuple[Boots, LogFeed]) -> None:
    journal, feed = boots
    journal.one_sequence = True
    journal.reboot(NOW)
    journal.write(60)
    sink = live(feed)
    journal.set_clock(BEHIND)
    journal.write(20)
    came(sink, 79)
    journal.end_streams()
    journal.write(20)
    came(sink, 99)
    assert numbers(sink) == list(range(10, 100))
    assert numbers(live(feed, after=journal.written[5].cursor)) == list(range(6, 100))
    assert "gap" not in dict(sink.states)


@pytest.mark.usefixtures("impatient")
def test_boots_of_one_sequence_cost_nothing(boots: tuple[Boots, LogFeed]) -> None:
    journal, feed = boots
    journal.one_sequence = True
    for _ in range(3):
        journal.reboot(BEHIND)
        journal.write(20)
    asked: list[Step] = []
    journal.asked = asked
    assert numbers(live(feed)) == list(range(10, 60))
    assert [step.count for step in asked] == [50, 10**6]  # the backlog, and what is followed


@pytest.mark.usefixtures("impatient")
def test_boots_that_are_not_known_are_read_as_journalctl_puts_them(
    boots: tuple[Boots, LogFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, feed = boots
    monkeypatch.setattr(Boots, "boot", lambda self, fresh=False: None)
    monkeypatch.setattr(Boots, "boots", lambda self: [])
    journal.reboot(NOW)
    journal.write(40)
    journal.reboot(NOW + 1_000_000)
    journal.write(40)
    sink = live(feed)
    assert numbers(sink) == list(range(30, 80))
    assert "gap" not in dict(sink.states)


@pytest.mark.parametrize("fails", [False, True])
def test_a_node_whose_journalctl_knows_no_boots_is_read_all_the_same(fails: bool) -> None:
    class Plain(Boots):
        def boot(self, fresh: bool = False) -> str | None:
            return "c0ffee" if fails or not fresh else None

        def ask(self, unit: str, step: Step) -> Answer:
            if step.boot is not None:
                raise SshUnreachable
            return super().ask(unit, step)

    journal = Plain()
    journal.reboot(NOW)
    journal.write(5)
    assert not JournalReader("execution.service", journal, Last(10), NEW).misses_boot(journal.written[-1].cursor)
    if not fails:
        feed = make_feed(journal)
        sink = live(feed)
        journal.write()
        came(sink, 5)
        assert numbers(sink) == list(range(6))
        feed.close()


class Commands:
    """Answers the commands of a node whose journalctl takes no notice of the boot that is asked for."""

    def __init__(self, entries: bytes, storage: bytes = b"") -> None:
        self._entries = entries
        self._storage = storage

    def run(self, words: tuple[str, ...], *_: object, **__: object) -> Result:
        said = b"c0ffee0c0ffee0c0ffee0c0ffee0c0ff\n" + self._storage
        return Result(0, said if words == THIS_BOOT else b"a\nb\n", b"")

    @contextmanager
    def stream(self, *_: object, **__: object) -> Iterator[Any]:
        left = [self._entries]
        yield SimpleNamespace(read=lambda: left.pop() if left else b"", status=lambda: 0, stderr=b"")


@pytest.mark.parametrize(
    ("storage", "drops"), [(b"", None), (b"Storage=none\n", NOWHERE), (b"Storage=volatile\n", None)]
)
def test_a_journal_that_is_set_up_to_keep_nothing(storage: bytes, drops: str | None) -> None:
    source = NodeJournal(Commands(b"", storage), None, 1.0)  # type: ignore[arg-type]
    assert source.boot() == "c0ffee0c0ffee0c0ffee0c0ffee0c0ff"
    assert source.drops == drops


@pytest.mark.parametrize("entries", [b"", b"__CURSOR=s=a;i=1;b=b0;m=1;t=1;x=1\nMESSAGE=x\n\n"])
def test_a_boot_that_journalctl_does_not_find_is_none(entries: bytes) -> None:
    rights = SimpleNamespace(get=lambda _: SimpleNamespace(prefix=(), wrap=lambda words: (words, b"")))
    source = NodeJournal(Commands(entries), rights, 1.0)  # type: ignore[arg-type]
    assert source.boot() == "c0ffee0c0ffee0c0ffee0c0ffee0c0ff"
    assert source.boot(fresh=True) is None
    assert not source.boots()


class Machine:
    """Answers the commands of a node whose journal has several boots, each with two entries."""

    def __init__(self, boots: str) -> None:
        self.boots = boots
        self.asked: list[str] = []

    @property
    def _ids(self) -> list[str]:
        return [each * 32 for each in self.boots]

    def run(self, words: tuple[str, ...], *_: object, **__: object) -> Result:
        return Result(0, "\n".join(self._ids[-1:] if words == THIS_BOOT else sorted(self._ids)).encode(), b"")

    @contextmanager
    def stream(self, *words: object, **_: object) -> Iterator[Any]:
        (boot,) = re.findall(r"[0-9a-f]{32}", str(words))
        self.asked.append(boot[0])
        number = self.boots.index(boot[0])
        entries = [  # the older one as if it had been written by a clock that was ahead
            f"__CURSOR=s={at};i=1;b={boot};m=1;t={at};x=1\n__REALTIME_TIMESTAMP={at}\nMESSAGE=x\n\n".encode()
            for at in (9 - number, number)
        ]
        left = [entries[-1 if "-r" in str(words).split("'") else 0]]
        yield SimpleNamespace(read=lambda: left.pop() if left else b"", status=lambda: 0, stderr=b"")


def test_boots_are_known_in_their_order_and_those_that_are_over_are_asked_for_once() -> None:
    machine = Machine("cab")
    rights = SimpleNamespace(get=lambda _: SimpleNamespace(prefix=(), wrap=lambda words: (words, b"")))
    source = NodeJournal(machine, rights, 1.0)  # type: ignore[arg-type]
    assert [boot.id[0] for boot in source.boots()] == ["c", "a", "b"]
    assert sorted(machine.asked) == ["a", "b", "c"]
    assert [boot.id[0] for boot in source.boots()] == ["c", "a", "b"]
    assert len(machine.asked) == 3  # no reboot without a new connection
    machine.boots = "cabd"
    source.connected()
    machine.asked.clear()
    assert [boot.id[0] for boot in source.boots()] == ["c", "a", "b", "d"]
    assert sorted(machine.asked) == ["b", "d"]  # b may have written more since
