"""Entries that journald copies to another file while they are read: each comes once, and none that is new is taken for
a copy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.copies import MOST_OF_MOMENT, Copies
from ethpillar.journal.entry import Entry
from ethpillar.journal.reading import After, Last, Reading

Written = tuple[str, int, str]
"The file's sequence, the moment and the text, which tells the checksum."


def entry(written: Written, number: int = 0) -> Entry:
    sequence, moment, text = written
    cursor = f"s={sequence};i={number:x};b=b0;m={moment:x};t={moment + 7:x};x={ord(text):x}"
    return Entry(cursor, moment + 7, text.encode())


def texts(entries: object) -> str:
    return "".join(each.message.decode() for each in entries)  # type: ignore[attr-defined]


def some(sequence: str, moment: int, lines: str, first: int = 1) -> list[Entry]:
    return [entry((sequence, moment, each), first + number) for number, each in enumerate(lines)]


RUN, VAR = "aa", "bb"


@pytest.mark.parametrize(
    ("come", "new"),
    [
        ([some(RUN, 1, "abc"), some(VAR, 1, "bc")], "abc"),
        ([some(RUN, 1, "abc"), some(VAR, 1, "ab"), some(VAR, 2, "ab", 3)], "abcab"),
        ([some(RUN, 1, "abc") + some(VAR, 1, "abc") + some(VAR, 2, "d", 4)], "abcd"),
        ([some(RUN, 1, "aabb"), some(VAR, 1, "aabb")], "aabb"),  # printed twice at once
        ([some(RUN, 1, "ab"), some(VAR, 1, "aab")], "aba"),  # ... of which one had not come yet
        ([some(RUN, 1, "a"), some(VAR, 1, "b")], "ab"),  # another user's file: the same microsecond by chance
        ([some(RUN, 1, "a"), some(VAR, 2, "a")], "aa"),  # the same line, later
        ([some(RUN, 1, "aaa")], "aaa"),
        ([some(RUN, 1, "a"), some(RUN, 1, "a", 2), some(RUN, 1, "a", 3)], "aaa"),
        # flushed twice, and to and fro
        ([some(RUN, 1, "ab"), some(VAR, 1, "ab"), some("cc", 1, "ab")], "ab"),
        ([some(RUN, 1, "ab"), some(VAR, 1, "b"), some(RUN, 2, "c", 3), some(VAR, 2, "c", 2)], "abc"),
        # both files at once: the order of a moment's entries is by checksum then
        ([some(RUN, 1, "a") + some(VAR, 1, "b", 2) + some(RUN, 1, "bc", 2) + some(VAR, 1, "c", 3)], "abc"),
        ([[Entry("", 1, b"a"), Entry("", 1, b"a")], [Entry("", 1, b"b")]], "aab"),
    ],
)
def test_which_entries_are_new(come: list[list[Entry]], new: str) -> None:
    for pieces in (come, [[each] for entries in come for each in entries], [[each for part in come for each in part]]):
        copies = Copies()
        copies.left_out(some(RUN, 0, "x", 0))
        assert texts(each for piece in pieces for each in copies.left_out(piece)) == new


def test_of_a_moment_that_was_there_before_the_reader_only_its_own_file_has_new_entries() -> None:
    reading = Reading(Last(2))
    assert texts(reading.take(some(RUN, 1, "de", 4)).new) == "de"
    assert texts(reading.take(some(VAR, 1, "abcde")).new) == ""
    assert texts(reading.take([*some(RUN, 1, "f", 6), *some(VAR, 2, "g", 7), *some(RUN, 2, "h", 8)]).new) == "fgh"


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("piece", [1, 2, 8])
def test_a_moment_that_is_found_again_in_another_file(piece: int, inclusive: bool) -> None:
    start = some(RUN, 1, "abc")[2]
    reading = Reading(After(start.cursor, inclusive=inclusive))
    come = [*some(VAR, 1, "abcaad"), *some(VAR, 2, "e", 7)]
    got = [each for first in range(0, len(come), piece) for each in reading.take(come[first : first + piece]).new]
    assert texts(got) == ("c" if inclusive else "") + "aade"


def test_the_copy_of_an_entry_that_an_earlier_reading_had() -> None:
    before = Reading(Last(50))
    before.take(some(RUN, 0, "x", 0))
    before.take(some(RUN, 1, "abcde"))
    reading = Reading(before.next, before.copies)
    assert texts(reading.take(some(RUN, 1, "e", 5)).new) == ""
    assert texts(reading.take([*some(VAR, 1, "abde"), *some(VAR, 2, "f", 6)]).new) == "f"


def test_what_an_earlier_reading_had_in_vain_is_new() -> None:
    before = Reading(Last(50))
    before.take(some(RUN, 0, "x", 0))
    before.take(some(RUN, 1, "abcde"))
    second = some(RUN, 1, "abcde")[1]
    reading = Reading(After(second.cursor), before.copies)  # the reader could use no more
    assert texts(reading.take(some(VAR, 1, "abcde")).new) == "cde"


def test_of_one_moment_a_bounded_number_is_known() -> None:
    copies = Copies()
    for number in range(40):
        copies.left_out([entry((RUN, 1, "a"), each) for each in range(1000 * number, 1000 * number + 1000)])
    assert len(copies._cursors) == MOST_OF_MOMENT


# -- copies with new numbers in the same sequence


def numbered(lines: str, first: int = 1, since: int = 1) -> list[Entry]:
    """Lines of one sequence; a space begins another moment."""
    number, found = first, []
    for moment, together in enumerate(lines.split(), since):
        found += some(VAR, moment, together, number)
        number += len(together)
    return found


@pytest.mark.parametrize(
    ("come", "new"),
    [
        ([numbered("ab cd e"), numbered("ab cd e", 11), numbered("f", 16, 4)], "abcdef"),
        ([numbered("ab cd ef"), numbered("cd ef", 11, 2), numbered("ab", 15, 4)], "abcdefab"),
        ([numbered("ab cc"), numbered("ab cc", 11), numbered("c", 15, 3)], "abccc"),  # printed twice at once
        ([numbered("a b"), numbered("a b", 11), numbered("c d", 13, 3), numbered("c d", 21, 3)], "abcd"),
        ([numbered("a b c", 11, 11), numbered("x y", 14, 1)], "abc"),  # of earlier moments that it does not have, too
        ([numbered("a b c", 11, 11), numbered("x y z", 5, 1)], "abcxyz"),  # a machine whose snapshot was restored
    ],
)
def test_which_entries_of_one_sequence_are_new(come: list[list[Entry]], new: str) -> None:
    whole = [each for part in come for each in part]
    for pieces in (come, [[each] for each in whole], [whole]):
        reading = Reading(Last(None))
        reading.take(some(VAR, 0, "_", 0))
        assert texts(each for piece in pieces for each in reading.take(piece).new) == new


def test_a_clock_that_is_set_back_makes_no_copies() -> None:
    first, second = numbered("a b")
    reading = Reading(Last(None))
    earlier = second._replace(cursor=second.cursor.replace("t=9", "t=1"), realtime_us=1)
    assert texts(reading.take([first, earlier, *numbered("c", 3, 3)]).new) == "abc"


@pytest.mark.parametrize("piece", [1, 2, 9])
def test_an_entry_that_is_found_again_behind_copies_of_earlier_ones(piece: int) -> None:
    start = numbered("ab cd e")[2]
    reading = Reading(After(start.cursor))
    come = [*numbered("ab cd e", 11), *numbered("f", 16, 4)]
    found = [reading.take(come[first : first + piece]) for first in range(0, len(come), piece)]
    assert not any(each.gap for each in found)
    assert texts(each for taken in found for each in taken.new) == "def"


def test_an_entry_that_has_no_copy_is_a_gap() -> None:
    reading = Reading(After(numbered("ab cd e")[2].cursor))
    assert reading.take(numbered("ab", 11)).gap is None
    assert reading.take(numbered("e f", 13, 3)).gap is not None


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6), st.data())
def test_whatever_is_copied_in_one_sequence_comes_once(lines: list[str], data: st.DataObject) -> None:
    """Up to some entry all from some moment on are copied; then the rest comes."""
    shown = numbered(" ".join(lines))
    cut = data.draw(st.integers(1, len(shown)))
    begin = data.draw(st.integers(0, cut - 1))
    while begin and shown[begin - 1].realtime_us == shown[begin].realtime_us:
        begin -= 1
    copied = shown[begin:cut]
    if copied[0].realtime_us == copied[-1].realtime_us:
        return  # it can't be told from lines that were printed twice at once
    come = list(shown[:cut])
    number = 100
    for each in copied:
        number += 1
        come.append(each._replace(cursor=each.cursor.replace(f";i={_number(each)};", f";i={number:x};")))
    come += [
        each._replace(cursor=each.cursor.replace(f";i={_number(each)};", f";i={1000 + at:x};"))
        for at, each in enumerate(shown[cut:])
    ]
    reading = Reading(Last(None))
    reading.take(some(VAR, 0, "_", 0))
    got: list[Entry] = []
    while come:
        size = data.draw(st.integers(1, 9))
        got += reading.take(come[:size]).new
        come = come[size:]
    assert texts(got) == texts(shown)


def _number(entry: Entry) -> str:
    return entry.cursor.split(";")[1][2:]


# -- copies in another sequence


@st.composite
def moments(draw: st.DrawFn) -> tuple[list[Written], list[Written]]:
    """What a program wrote, and what a journalctl shows that follows while journald copies it."""
    written: list[Written] = []
    shown: list[Written] = []
    for moment in range(draw(st.integers(1, 4))):
        lines = draw(st.text("abc", min_size=1, max_size=6))
        rest = [(RUN, moment, each) for each in lines]
        written += rest
        # Copies of what has been shown come at any later place of the same moment, in order.
        at = sorted(draw(st.lists(st.integers(1, len(rest)), max_size=len(rest))))
        copied = 0
        for number, each in enumerate(rest, 1):
            shown.append(each)
            for _ in range(at.count(number)):
                if copied < number:
                    shown.append((VAR, *rest[copied][1:]))
                    copied += 1
    return written, shown


@given(moments(), st.lists(st.integers(1, 5), max_size=30), st.integers(0, 5), st.booleans())
def test_each_entry_comes_once_and_in_order(
    case: tuple[list[Written], list[Written]], sizes: list[int], had: int, resumed: bool
) -> None:
    written, shown = case
    come = [entry(each, number) for number, each in enumerate(shown)]
    originals = [number for number, each in enumerate(shown) if each[0] == RUN]
    had = min(had, len(written) - 1)  # before the reader came, and so it does not know them
    begins = originals[had]
    reading = Reading(After(come[begins].cursor) if resumed else Last(None))
    come = come[begins:]
    got: list[Entry] = []
    for size in [*sizes, len(come)]:
        new, gap = reading.take(come[:size])
        assert gap is None
        got += new
        come = come[size:]
    assert [(each.realtime_us - 7, each.message.decode()) for each in got] == [
        each[1:] for each in written[had + resumed :]
    ]


def test_what_a_reader_is_told_that_it_has_is_not_new_as_a_copy() -> None:
    copies = Copies()
    copies.left_out(some(RUN, 0, "x", 0))
    copies.left_out(some(RUN, 1, "a"))
    copies.known(some(RUN, 1, "abc"))
    assert texts(copies.left_out(some(VAR, 1, "abc"))) == ""
    assert texts(copies.left_out(some(VAR, 2, "d", 4))) == "d"
