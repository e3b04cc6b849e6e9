"""Carrying decisions to a journal and back: one reader, without a follower or a subscriber."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from ethpillar.errors import CredentialRefused, LimitReached, PermissionDenied, SshUnreachable
from ethpillar.journal.entry import Entry
from ethpillar.journal.reading import After, Last, Reading, Start, Verdict
from ethpillar.journal.steps import Answer, Gap, Step
from ethpillar.nodes import reader as reader_module
from ethpillar.nodes.reader import EVERY, JournalReader
from ethpillar.nodes.tries import FOLLOWED, SUBSCRIBER, ReadFailed, Trouble

from ..journal.damaged import Files, entry
from .journal_fake import Bad


class Source:
    """A `JournalSource` that notes what it is asked for."""

    def __init__(self, young: bool = False) -> None:
        self.asked: list[Step] = []
        self.doubts = 0
        self.young = young
        "The right was found a moment ago, and can't be doubted."

    @contextmanager
    def journal(self, unit: str, step: Step) -> Any:
        self.asked.append(step)
        yield Bad(0)

    def rights_in_doubt(self) -> bool:
        self.doubts += 1
        return not self.young


LAST = Last(50)


def make(start: Start = LAST, young: bool = False) -> tuple[JournalReader, Source]:
    source: Any = Source(young)
    return JournalReader("execution.service", source, start, SUBSCRIBER), source


@pytest.mark.parametrize(
    ("start", "follow", "asked"),
    [
        (Last(50), False, Step(count=50)),
        (Last(None), True, Step(follow=True)),
        (After("c"), True, Step("c", follow=True)),
    ],
)
def test_what_a_start_asks_for(start: Start, follow: bool, asked: Step) -> None:
    reader, source = make(start)
    with reader.open(follow) as (reading, _):
        assert reading.next == start
    assert source.asked == [asked]


def trouble(reader: JournalReader, bad: Bad) -> Trouble:
    """The kind of failure that the end of a stream is; it counts."""
    with pytest.raises(ReadFailed) as caught:
        reader.judge(Reading(reader.start), bad)  # type: ignore[arg-type]
    reader.failed(caught.value)
    return caught.value.trouble


def test_ends_that_are_failures() -> None:
    reader, source = make(After("c"))
    assert trouble(reader, Bad(-1)) is Trouble.LINK
    bad = Bad(1, b"Bad message")
    assert reader.judge(Reading(reader.start), bad) is Verdict.DAMAGED  # type: ignore[arg-type]
    assert source.doubts == 0
    assert trouble(reader, Bad(1)) is Trouble.JOURNAL
    assert trouble(reader, Bad(0)) is Trouble.NOTHING
    assert source.doubts == 2
    assert reader.attempt == 3


def test_a_cursor_is_gone_once_the_right_was_checked() -> None:
    reader, _ = make(After("c"))
    assert trouble(reader, Bad(0)) is Trouble.NOTHING
    assert reader.judge(Reading(reader.start), Bad(0)) is Verdict.NO_CURSOR  # type: ignore[arg-type]


def test_a_doubt_that_nobody_looks_into_proves_nothing() -> None:
    reader, source = make(After("c"), young=True)
    for _ in range(5):
        assert trouble(reader, Bad(0)) is Trouble.LINK
    source.young = False
    assert trouble(reader, Bad(0)) is Trouble.NOTHING


def test_a_client_s_cursor_is_blamed_for_journalctl_s_own_failures_only() -> None:
    reader, _ = make(After("c", ours=False))
    for _ in range(9):
        reader.failed(SshUnreachable())
        reader.failed(LimitReached())
    assert [trouble(reader, Bad(1)) for _ in range(3)] == [Trouble.JOURNAL] * 3
    assert reader.judge(Reading(reader.start), Bad(1)) is Verdict.NO_CURSOR  # type: ignore[arg-type]


def test_pauses_grow_until_there_is_progress() -> None:
    reader, _ = make()
    pauses = [reader.failed(SshUnreachable()) or 0 for _ in range(5)]
    assert reader.attempt == 5
    assert pauses[4] > pauses[0]
    reader.succeeded()
    assert reader.attempt == 0
    assert (reader.failed(SshUnreachable()) or 0) < 1


def test_a_missing_right_is_looked_for_at_each_try_and_given_up_at_last() -> None:
    reader, source = make()
    reader.tries.tolerance = FOLLOWED
    for _ in range(9):
        reader.failed(SshUnreachable())
    pauses = [reader.failed(PermissionDenied("execution")) for _ in range(5)]
    assert pauses == [EVERY[Trouble.RIGHT]] * 4 + [None]
    assert source.doubts == 4


def test_a_node_that_refuses_the_login_is_given_up_at_once() -> None:
    assert make()[0].failed(CredentialRefused()) is None


class Rebooted(Source):
    """A node that may have booted since its boot was last asked for; each boot's newest entry is known."""

    def __init__(self, believed: str | None, fresh: str | None, newest: dict[str, str]) -> None:
        super().__init__()
        self.believed, self.fresh, self.newest = believed, fresh, newest
        self.steps: list[Step] = []

    def boot(self, fresh: bool = False) -> str | None:
        self.believed = self.fresh if fresh else self.believed
        return self.believed

    def ask(self, unit: str, step: Step) -> Answer:
        self.steps.append(step)
        found = self.newest.get(step.boot or "")
        return Answer([Entry(found, 1, b"x", 6)] if found else [])


def at(boot: str, number: int, sequence: str = "a") -> str:
    return f"s={sequence};i={number:x};b={boot};m=1;t=1;x=1"


def in_boot(start: Start, believed: str | None, fresh: str | None, **newest: str) -> tuple[JournalReader, Rebooted]:
    source: Any = Rebooted(believed, fresh, newest)
    return JournalReader("execution.service", source, start, SUBSCRIBER), source


@pytest.mark.parametrize(
    ("start", "believed", "fresh", "only"),
    [
        (After(at("b1", 1)), "b1", None, None),  # the boot that goes on: nothing else has to be kept apart
        (After(at("b1", 1)), "b2", "b2", "b2"),
        (After(at("b2", 1)), "b1", "b2", None),  # what was believed is from before the reboot
        (After("i=1;t=1"), "b1", "b1", None),  # a cursor that tells no boot
        (Last(50), "b1", "b1", None),
    ],
)
def test_a_log_is_followed_by_boot_if_its_last_entry_is_of_an_earlier_one(
    start: Start, believed: str | None, fresh: str | None, only: str | None
) -> None:
    reader, _ = in_boot(start, believed, fresh)
    assert reader.only_boot() == only


def test_a_log_whose_follow_began_elsewhere_is_followed_by_boot() -> None:
    reader, _ = in_boot(After(at("b1", 1)), "b1", "b1")
    reader.tries.failed(Trouble.PLACE)
    assert reader.only_boot() == "b1"


@pytest.mark.parametrize(("boot", "asked"), [("b2", Step(boot="b2", follow=True)), (None, Step("c", follow=True))])
def test_of_a_boot_without_the_start_all_is_wanted(boot: str | None, asked: Step) -> None:
    start = After(at("b1", 1)) if boot else After("c")
    reader, source = make(start)
    with reader.open(follow=True, boot=boot) as (reading, _):
        assert reading.next == (Last(None) if boot else start)
    assert source.asked == [asked]
    with reader.open(follow=True, boot="b1") as (reading, _):
        assert reading.next == (start if boot else Last(None))


@pytest.mark.parametrize(
    ("cursor", "believed", "fresh", "newest", "misses"),
    [
        (None, "b2", "b2", at("b2", 1), False),
        ("i=1;t=1", "b2", "b2", at("b2", 1), False),
        (at("b1", 5), "b1", "b2", at("b2", 1, "z"), False),  # that boot goes on, as far as is known
        (at("b2", 5), "b1", "b2", at("b2", 1, "z"), False),  # it is that boot, now that it is asked anew
        (at("b1", 5), "b2", None, at("b2", 1, "z"), False),  # journalctl knows no boots
        (at("b1", 5), "b2", "b2", None, False),  # nothing was printed since the boot
        (at("b1", 5), "b2", "b2", at("b2", 6), False),  # numbers tell that it follows
        (at("b1", 5), "b2", "b2", at("b2", 6, "z"), True),
        (at("b1", 5), "b2", "b2", at("b2", 4), True),
    ],
)
def test_when_entries_of_the_present_boot_may_stand_before_those_of_an_earlier_one(
    cursor: str | None, believed: str, fresh: str | None, newest: str | None, misses: bool
) -> None:
    known = {"b2": newest} if newest else {}
    reader, source = in_boot(LAST, believed, fresh, **known)
    assert reader.misses_boot(cursor) is misses
    assert all(step.reverse and step.boot == "b2" for step in source.steps)  # the newest of that boot


def test_a_present_boot_that_can_t_be_asked_for_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(unit: str, step: Step) -> Answer:
        raise SshUnreachable

    reader, source = in_boot(LAST, "b2", "b2")
    monkeypatch.setattr(source, "ask", ask)
    assert reader.misses_boot(at("b1", 5)) is False


@pytest.mark.parametrize("ahead", [0, 3_600])
def test_the_last_lines_that_can_be_read_are_found_though_a_node_s_clock_is_ahead_of_ours(
    monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    files = Files([[entry(number) for number in range(20)]])
    files.unreadable = {entry(19).cursor}
    source: Any = SimpleNamespace(ask=lambda _, step: files.answer(step), boot=lambda *_, **__: None, boots=list)
    monkeypatch.setattr(
        reader_module, "time", SimpleNamespace(time=lambda: files.files[0][19].realtime_us / 1e6 - ahead)
    )
    reader = JournalReader("execution.service", source, Last(3), SUBSCRIBER)
    found = list(reader.go_round())
    assert [each for entries, _ in found for each in entries] == files.files[0][16:19]
    assert [gap for _, gap in found if gap is not None] == [Gap(files.files[0][18].realtime_us, None, "damaged")]
    assert reader.dead_end == entry(18).cursor


def test_a_follow_without_an_entry_to_compare_with_is_not_behind() -> None:
    for start in (LAST, After("i=1;t=1")):
        reader, source = in_boot(start, "b1", "b1", b1=at("b1", 9))
        assert not reader.is_behind()
        assert not source.steps
    assert in_boot(After(at("b1", 8)), "b1", "b1", b1=at("b1", 9))[0].is_behind()
    assert not in_boot(After(at("b1", 9)), "b1", "b1", b1=at("b1", 9))[0].is_behind()


def test_progress_forgets_failures_of_each_kind() -> None:
    reader, _ = make()
    for _ in range(3):
        for _ in range(SUBSCRIBER[Trouble.ROOM]):
            assert reader.failed(LimitReached()) is not None
        reader.succeeded()
        assert reader.tries.last is None
