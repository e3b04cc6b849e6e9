"""What a reader of the journal knows and decides, without anything that waits."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ethpillar.journal.cursor import Cursor
from ethpillar.journal.entry import Entry
from ethpillar.journal.reading import MOST_FAILURES, After, Gap, Last, Reading, Start, Taken, Verdict, verdict


def entry(number: int, sequence: str = "aa") -> Entry:
    """An entry as journald numbers them. `sequence` changes when it is copied to another file."""
    offset = 0 if sequence == "aa" else 1000
    cursor = f"s={sequence};i={number + offset:x};b=b0;m={number:x};t={number + 1:x};x={number * 7:x}"
    return Entry(cursor, number + 1, b"line %d" % number)


def entries(*numbers: int) -> list[Entry]:
    return [entry(number) for number in numbers]


def cursor(number: int) -> str:
    return entry(number).cursor


# -- what is new, what is missing, where to go on


@pytest.mark.parametrize(
    ("start", "come", "taken", "then"),
    [
        (Last(3), (5, 6, 7), Taken(entries(5, 6, 7), None), After(cursor(7))),
        (Last(None), (0,), Taken(entries(0), None), After(cursor(0))),
        (After(cursor(5)), (5, 6, 7), Taken(entries(6, 7), None), After(cursor(7))),
        (After(cursor(5)), (5,), Taken([], None), After(cursor(5))),
        (After(cursor(5), ours=False), (5,), Taken([], None), After(cursor(5))),  # it is proved to be one
        (After(cursor(5), inclusive=True), (5, 6), Taken(entries(5, 6), None), After(cursor(6))),
        (After(cursor(5)), (8, 9), Taken(entries(8, 9), Gap(6, 9)), After(cursor(9))),
        (After(cursor(5), inclusive=True), (8,), Taken(entries(8), Gap(6, 9)), After(cursor(8))),
        (After("whatever", ours=False), (8,), Taken(entries(8), Gap(None, 9)), After(cursor(8))),
        (After(cursor(5), gone=True), (8,), Taken(entries(8), None), After(cursor(8))),  # it was told already
        (After(cursor(5), gone=True), (5, 6), Taken(entries(6), None), After(cursor(6))),
        (After(cursor(5)), (), Taken(entries(), None), After(cursor(5))),
    ],
)
def test_the_first_entries_of_a_stream(start: Start, come: tuple[int, ...], taken: Taken, then: Start) -> None:
    reading = Reading(start)
    found = reading.take(entries(*come))
    assert (list(found.new), found.gap) == (taken.new, taken.gap)
    assert reading.next == then
    assert reading.begun is bool(come)
    assert reading.advanced is bool(taken.new)


def test_only_the_first_entry_is_compared_with_the_cursor() -> None:
    reading = Reading(After(cursor(1)))
    reading.take(entries(1))
    assert reading.take(entries(3)) == (entries(3), None)
    assert reading.next == After(cursor(3))


def test_an_entry_that_was_copied_to_another_file_is_the_same() -> None:
    reading = Reading(After(cursor(5)))
    assert reading.take([entry(5, "bb"), entry(6, "bb")]) == ([entry(6, "bb")], None)


@pytest.mark.parametrize(
    ("start", "owed"),
    [
        (Last(3), False),
        (After(cursor(1)), True),
        (After(cursor(1), inclusive=True), True),
        (After("", gone=True), False),
    ],
)
def test_what_is_owed_before_anything_new(start: Start, owed: bool) -> None:
    reading = Reading(start)
    assert reading.owed is owed
    reading.take(entries(1))
    assert not reading.owed


def test_where_to_start_after_nothing() -> None:
    assert Reading(Last(50)).emptied() == Last(None)
    assert Reading(After("c", ours=False)).emptied() == After("c", ours=False, gone=True)


def test_what_is_told_of_a_gap() -> None:
    assert Gap(1, None).details() == {"reason": "vacuumed", "from_us": 1, "to_us": None}


# -- what an end means


OURS, THEIRS = After(cursor(5)), After(cursor(5), ours=False)
IGNORED = b"Journal file /a/system@%032x-0000000000000001-%%016x.journal is truncated, ignoring file." % 1
COMPLAINT = b"Failed to seek to cursor: Invalid argument"


@pytest.mark.parametrize(
    ("start", "come", "status", "complaint", "known", "expected"),
    [
        # journalctl says that all has come
        (Last(50), (1, 2), 0, b"", {}, Verdict.COMPLETE),
        (Last(50), (), 0, b"", {}, Verdict.COMPLETE),
        (OURS, (5, 6), 0, b"", {}, Verdict.COMPLETE),
        (OURS, (5,), 0, b"", {}, Verdict.COMPLETE),
        (OURS, (8,), 0, b"", {}, Verdict.COMPLETE),
        (After("c", gone=True), (), 0, b"", {}, Verdict.COMPLETE),
        # ... and shows nothing, as it does for a user who lost the right
        (Last(50), (), 0, b"", {"expected": True}, Verdict.DOUBT),
        (OURS, (), 0, b"", {}, Verdict.DOUBT),
        (THEIRS, (), 0, b"", {}, Verdict.DOUBT),
        # ... which was looked into
        (Last(50), (), 0, b"", {"expected": True, "checked": True}, Verdict.COMPLETE),
        (OURS, (), 0, b"", {"checked": True}, Verdict.NO_CURSOR),
        (THEIRS, (), 0, b"", {"checked": True}, Verdict.NO_CURSOR),
        # the connection broke, or journalctl hung
        (Last(50), (), -1, b"", {}, Verdict.AGAIN),
        (OURS, (5, 6), -1, b"", {}, Verdict.AGAIN),
        (THEIRS, (), -1, COMPLAINT, {"failures": 9}, Verdict.AGAIN),
        # journalctl failed, and had brought something new before
        (OURS, (5, 6), 1, b"", {}, Verdict.AGAIN),
        (THEIRS, (5, 6), 1, COMPLAINT, {"failures": 9}, Verdict.AGAIN),
        # ... or nothing new
        (Last(50), (), 1, b"", {}, Verdict.DOUBT),
        (OURS, (5,), 1, b"", {}, Verdict.DOUBT),
        (OURS, (), 137, b"", {"failures": 9}, Verdict.DOUBT),
        (Last(50), (), 1, b"Failed to iterate through journal: Bad message", {}, Verdict.DAMAGED),
        (OURS, (5,), 1, b"Input/output error", {}, Verdict.DAMAGED),
        (OURS, (5, 6), 1, b"Bad message", {}, Verdict.DAMAGED),
        # ... or left out what it could not read, and says so in passing
        (OURS, (5, 6), 0, b"Can't iterate through /a/b.journal, ignoring: Bad message", {}, Verdict.DAMAGED),
        (Last(2), (5, 6), 0, IGNORED % 6, {}, Verdict.COMPLETE),  # a file that is older than what matters
        (Last(2), (5, 6), 0, IGNORED % 7, {}, Verdict.DAMAGED),
        (OURS, (5, 6), 0, IGNORED % 6, {}, Verdict.COMPLETE),
        (OURS, (5, 6), 0, IGNORED % 7, {}, Verdict.DAMAGED),
        # a cursor is blamed when a client supplied it, and journalctl does, or fails again and again without a reason
        (THEIRS, (), 1, COMPLAINT, {}, Verdict.NO_CURSOR),
        (OURS, (), 1, COMPLAINT, {}, Verdict.DOUBT),
        (THEIRS, (), 1, b"", {"failures": MOST_FAILURES - 1}, Verdict.DOUBT),
        (THEIRS, (), 1, b"", {"failures": MOST_FAILURES}, Verdict.NO_CURSOR),
        (THEIRS, (5,), 1, COMPLAINT, {"failures": 9}, Verdict.DOUBT),  # the entry came, so there is one
    ],
)
def test_what_an_end_means(
    start: Start, come: tuple[int, ...], status: int, complaint: bytes, known: dict[str, int], expected: Verdict
) -> None:
    reading = Reading(start)
    reading.take(entries(*come))
    assert verdict(reading, status, complaint, **known) is expected  # type: ignore[arg-type]


# -- all of it together, against a journal


@dataclass
class Journal:
    """A journal as far as it matters: entries come, the oldest ones go, and files are copied."""

    written: int = 0
    vacuumed: int = 0
    sequence: str = "aa"
    readable: bool = True

    def read(self, start: Start) -> list[Entry]:
        """What a journalctl that was started so prints: from a cursor that is gone, it begins with the oldest entry."""
        if not self.readable:
            return []
        if isinstance(start, Last):
            first = 0 if start.lines is None else self.written - start.lines
        else:
            first = Cursor.parse(start.cursor).monotonic_us or 0
        return [entry(number, self.sequence) for number in range(max(first, self.vacuumed), self.written)]


@dataclass
class Reader:
    """Does what the follower and the subscribers do, without waiting."""

    journal: Journal
    start: Start
    got: list[int | Gap] = field(default_factory=list)
    checked: bool = False
    failures: int = 0

    def read(self, until: int, step: int, status: int, complaint: bytes) -> Verdict:
        """Read one stream, which ends with `status` after `until` entries at most. Each piece has `step` entries."""
        reading = Reading(self.start)
        come = self.journal.read(self.start)
        whole = len(come) <= until and status == 0
        for begin in range(0, min(len(come), until), step):
            new, gap = reading.take(come[begin : min(begin + step, until)])
            self.got += [gap] if gap else []
            self.got += [each.realtime_us - 1 for each in new]
        self.start = reading.next
        ended = 0 if whole else status or -1
        found = verdict(reading, ended, complaint, checked=self.checked, failures=self.failures)
        if found is Verdict.NO_CURSOR:
            self.got.append(Gap(None, None))
            self.start = reading.emptied()
        elif found is Verdict.COMPLETE and not reading.begun:
            self.start = reading.emptied()
        self.checked = found is Verdict.DOUBT and self.journal.readable
        self.failures = 0 if reading.advanced else self.failures + (ended > 0)
        return found


STEPS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 20)),
    st.tuples(st.just("vacuum"), st.integers(0, 12)),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(st.just("readable"), st.booleans()),
    st.tuples(
        st.just("read"),
        st.tuples(
            st.integers(0, 30),
            st.integers(1, 7),
            st.sampled_from([0, 0, -1, 1]),
            st.sampled_from([b"", b"Bad message", COMPLAINT]),
        ),
    ),
)


@given(st.integers(0, 30), st.integers(0, 40), st.booleans(), st.lists(STEPS, max_size=40))
@example(2, 0, True, [("read", (0, 1, 1, COMPLAINT))])
def test_each_entry_once_in_order_and_a_gap_where_one_is_gone(
    written: int, lines: int, resume: bool, steps: list[tuple[str, object]]
) -> None:
    journal = Journal(written)
    first = 0
    start: Start = Last(None if lines > 30 else lines)
    if resume and written:
        first = lines % written
        start = After(entry(first).cursor, ours=False)
        first += 1
    reader = Reader(journal, start)
    lost: set[int] = set()
    for name, value in [*steps, ("readable", True), *[("read", (10**6, 5, 0, b""))] * 4]:
        if name == "write":
            journal.written += value  # type: ignore[operator]
        elif name == "vacuum":
            keep = max(journal.vacuumed, journal.written - value)  # type: ignore[operator]
            lost |= set(range(journal.vacuumed, keep)) - set(reader.got)  # type: ignore[arg-type]
            journal.vacuumed = keep
        elif name == "flush":
            journal.sequence = "bb"
        elif name == "readable":
            journal.readable = bool(value)
            # A right that is lost between a check and the read right after it can't be told from an empty journal.
            reader.checked = reader.checked and journal.readable
        else:
            reader.read(*value)  # type: ignore[misc]
    numbers = [each for each in reader.got if not isinstance(each, Gap)]
    assert numbers == sorted(set(numbers))
    if numbers and journal.written - 1 not in lost:
        assert numbers[-1] == journal.written - 1
    before: int | None = first - 1 if resume and written else None
    complained = any(name == "read" and COMPLAINT in value for name, value in steps)  # type: ignore[operator]
    told = False
    for each in reader.got:
        if isinstance(each, Gap):
            told = True
            continue
        missing = set(range(before + 1, each)) if before is not None else set()
        assert missing <= lost
        assert told or not missing  # nothing is missing without a word
        # And a word means that the cursor's entry is gone, or that journalctl said so of a client's cursor.
        assert not told or before is None or before < journal.vacuumed or complained
        before, told = each, False


def test_the_model_tells_no_gap_where_nothing_is_gone() -> None:
    journal = Journal(20)
    reader = Reader(journal, After(cursor(3), ours=False))
    journal.readable = False
    assert reader.read(100, 5, 0, b"") is Verdict.DOUBT
    assert reader.read(100, 5, 1, b"") is Verdict.DOUBT
    journal.readable = True
    assert reader.read(2, 5, -1, b"") is Verdict.AGAIN
    journal.sequence = "bb"
    assert reader.read(100, 5, 0, b"") is Verdict.COMPLETE
    assert reader.got == list(range(4, 20))


# -- entries of one moment


def together(number: int, sequence: str = "aa") -> Entry:
    """One of several entries that journald received at once: up to number 9, from number 10 on, and so forth."""
    moment = number // 10
    first = 0 if sequence == "aa" else 1000
    cursor = f"s={sequence};i={number + first:x};b=b0;m={moment:x};t={moment + 1:x};x={number * 7:x}"
    return Entry(cursor, moment + 1, b"line %d" % number)


@given(st.integers(10, 39), st.integers(1, 9), st.booleans(), st.booleans())
def test_entries_of_one_moment_are_neither_lost_nor_repeated(
    known: int, step: int, inclusive: bool, copied: bool
) -> None:
    # Where journald has copied the entries, journalctl knows the moment only and starts at the first of them.
    sequence = "bb" if copied else "aa"
    first = known // 10 * 10 if copied else known
    come = [together(number, sequence) for number in range(first, 60)]
    reading = Reading(After(together(known).cursor, inclusive=inclusive))
    got: list[int] = []
    for begin in range(0, len(come), step):
        new, gap = reading.take(come[begin : begin + step])
        assert gap is None
        got += [int(each.message.split()[1]) for each in new]
    assert got == list(range(known + (not inclusive), 60))


def test_a_moment_whose_entry_is_gone_is_a_gap() -> None:
    reading = Reading(After(together(15).cursor))
    come = [together(number, "bb") for number in range(10, 30) if number != 15]
    found = [reading.take(come[begin : begin + 4]) for begin in range(0, len(come), 4)]
    assert [each.gap is not None for each in found] == [False, False, True, False, False]


def test_entries_of_a_moment_that_come_apart_are_kept_until_it_is_over() -> None:
    def of_moment(number: int, at: int = 5) -> Entry:
        return Entry(f"s=a;i={number:x};b=b;m={at:x};t={at:x};x={number:x}", at, b"", 6)

    one, other, later = of_moment(2), of_moment(3), of_moment(4, at=6)
    reading = Reading(After(of_moment(1).cursor))
    assert reading.take([one]) == ([], None)
    assert reading.take([other]) == ([], None)
    assert reading.take([later]) == ([one, other, later], Gap(5, 5))
