"""The parts of a cursor, and which cursors name the same entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.cursor import (
    Cursor,
    anywhere,
    is_beyond,
    is_comparable,
    is_earlier_copy,
    is_moment_of,
    same_entry,
    time_of,
)

ONE = "s=0a1b;i=1f;b=beef;m=3e8;t=5f5e100;x=4d"


def test_the_parts_of_a_cursor() -> None:
    assert Cursor.parse(ONE) == Cursor("0a1b", 0x1F, "beef", 1000, 100_000_000, 0x4D)
    assert Cursor.parse("t=5f5e100") == Cursor(None, None, None, None, 100_000_000, None)


@pytest.mark.parametrize(
    "text", ["", ";;=;", "whatever", "t=", "t=xyz", "t=-1", "t=" + "f" * 17, "s=É;i=1_0;b= ;m=0x1"]
)
def test_what_is_no_cursor_has_no_parts(text: str) -> None:
    assert Cursor.parse(text) == Cursor(None, None, None, None, None, None)
    assert time_of(text) is None


def test_the_time_in_a_cursor() -> None:
    assert time_of(ONE) == 100_000_000


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ONE, True),
        ("s=ffff;i=7;b=beef;m=3e8;t=5f5e100;x=4d", True),  # copied from /run to /var
        ("s=ffff;i=7;b=beef;m=3e8;t=5f5e101;x=4d", True),  # b, m and x say it
        ("s=0a1b;i=20;b=beef;m=3e8;t=5f5e100;x=4d", False),  # the same line, printed twice at once
        ("s=0a1b;b=beef;m=3e8;t=5f5e100;x=4d", False),
        ("s=ffff;i=1f;b=beef;m=3e8;t=5f5e100;x=4e", False),
        ("s=ffff;i=1f;b=beef;m=3e9;t=5f5e100;x=4d", False),
        ("s=ffff;i=1f;b=dead;m=3e8;t=5f5e100;x=4d", False),
        ("s=ffff;i=1f", False),
        ("b=beef;m=3e8;x=4d", True),
        ("", False),
    ],
)
def test_which_cursors_name_the_same_entry(other: str, same: bool) -> None:
    assert same_entry(ONE, other) is same
    assert same_entry(other, ONE) is same


def test_cursors_without_a_boot_are_compared_as_they_are() -> None:
    assert not same_entry("i=1;t=1", "i=1;t=2")
    assert not same_entry("m=1;x=1", "m=1;x=1;t=5")


@given(st.text(max_size=600), st.text(max_size=600))
def test_no_text_raises(one: str, other: str) -> None:
    Cursor.parse(one)
    assert same_entry(one, other) is same_entry(other, one)
    assert same_entry(one, one)


def test_what_a_cursor_keeps_in_every_file() -> None:
    assert anywhere(ONE) == "beef;m=3e8;t=5f5e100;x=4d"
    assert anywhere("t=5f5e100") == ""


@pytest.mark.parametrize(
    ("one", "other", "beyond", "before"),
    [
        ("s=a;i=2;b=b;m=1;t=1;x=1", "s=a;i=1;b=b;m=9;t=9;x=2", True, False),  # in one sequence by number
        ("s=a;i=2;b=b;m=5;t=1;x=1", "s=c;i=9;b=b;m=4;t=9;x=2", True, False),  # in one boot by its clock
        ("s=a;i=2;b=b;m=4;t=1;x=1", "s=c;i=9;b=b;m=4;t=9;x=2", True, True),  # at the same moment: either
        ("s=a;i=2;b=b;m=1;t=6;x=1", "s=c;i=9;b=d;m=9;t=5;x=2", True, False),  # else by the time of day
        (ONE, ONE, False, False),
        ("t=6", "t=5", True, False),
        ("t=6", "", False, False),
        ("", "whatever", False, False),
    ],
)
def test_which_entry_comes_after_another(one: str, other: str, beyond: bool, before: bool) -> None:
    assert is_beyond(one, other) is beyond
    assert is_beyond(one, other, back=True) is before
    assert is_beyond(other, one, back=True) is beyond


@pytest.mark.parametrize(
    ("one", "other", "comparable"),
    [
        ("s=a;i=1", "s=a;i=2", True),
        ("s=a;i=1", "s=c;i=2", False),
        ("s=a;b=b;m=1", "s=c;b=b;m=2", True),
        ("b=b;t=1", "b=d;t=2", False),
        ("t=1", "t=2", False),
        ("", "", False),
    ],
)
def test_whether_more_than_the_clock_tells_which_came_first(one: str, other: str, comparable: bool) -> None:
    assert is_comparable(one, other) is comparable


@pytest.mark.parametrize(
    ("text", "is_time"),
    [("t=5", True), ("t=5;x=1", False), ("s=a;t=5", False), ("i=1;t=5", False), ("b=b;t=5", False), ("m=1;t=5", False),
     ("s=a;i=1", False), ("", False)],
)  # fmt: skip
def test_a_time_alone_names_no_entry(text: str, is_time: bool) -> None:
    assert Cursor.parse(text).is_time is is_time


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("s=ff;i=9;b=beef;m=3e8;t=1;x=1", True),
        ("b=beef;m=3e8", True),
        ("b=beef;m=3e9", False),
        ("b=dead;m=3e8", False),
        ("m=3e8", False),
        ("b=beef", False),
        ("", False),
    ],
)
def test_which_entries_are_of_one_moment(other: str, same: bool) -> None:
    assert is_moment_of(ONE, other) is same
    assert is_moment_of(other, ONE) is same
    assert not is_moment_of(other, "")
    assert not is_moment_of("m=1", "m=1")


@pytest.mark.parametrize(
    ("one", "copy"),
    [
        ("s=0a1b;i=20;b=beef;m=3e7;t=1;x=1", True),  # a higher number at an earlier time
        ("s=0a1b;i=20;b=beef;m=3e8;t=1;x=1", False),
        ("s=0a1b;i=1f;b=beef;m=3e7;t=1;x=1", False),
        ("s=0a1b;i=1e;b=beef;m=3e7;t=1;x=1", False),
        ("s=ffff;i=20;b=beef;m=3e7;t=1;x=1", False),
        ("s=0a1b;i=20;b=dead;m=3e7;t=1;x=1", False),
        ("s=0a1b;b=beef;m=3e7", False),
        ("s=0a1b;i=20;b=beef", False),
    ],
)
def test_which_entry_is_a_copy_of_an_earlier_one_in_the_same_sequence(one: str, copy: bool) -> None:
    assert is_earlier_copy(one, ONE) is copy
    assert not is_earlier_copy(ONE, one) or not copy


@pytest.mark.parametrize(
    ("number", "monotonic", "number_2", "monotonic_2", "earlier"),
    [
        (2, 0, 1, 1, True),
        (2, 0, 1, 0, False),
        (2, 1, 1, 1, False),
        (1, 0, 0, 1, True),
        (0, 0, 0, 1, False),
        (1, 0, 1, 1, False),
    ],
)
def test_a_copy_has_a_higher_number_than_what_was_written_after_it(
    number: int, monotonic: int, number_2: int, monotonic_2: int, earlier: bool
) -> None:
    one, other = f"s=a;i={number:x};b=b;m={monotonic:x};x=1", f"s=a;i={number_2:x};b=b;m={monotonic_2:x};x=2"
    assert is_earlier_copy(one, other) is earlier
    assert is_earlier_copy(one.replace("s=a", "s=c"), other) is False
    assert is_earlier_copy(one.replace("b=b", "b=c"), other) is False
    for part in ("s=a;", f"i={number:x};", "b=b;", f"m={monotonic:x};"):
        assert is_earlier_copy(one.replace(part, ""), other) is False
