"""The values of reading a journal in steps."""

from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import HINT, Gap, after_entry


def test_a_gap_that_damage_made_says_what_to_do() -> None:
    assert Gap(1, 2, "damaged").details() == {"reason": "damaged", "from_us": 1, "to_us": 2, "hint": HINT}
    assert "journalctl --verify" in HINT


def entry(number: int, at: int) -> Entry:
    return Entry(f"s=a;i={number:x};b=b;m={at:x};t={at:x};x={number:x}", at, b"", 6)


def test_which_entries_come_after_a_known_one() -> None:
    first, twin, last = entry(1, 5), entry(2, 5), entry(3, 6)
    assert after_entry([first, twin, last], first.cursor) == ([twin, last], True)
    assert after_entry([twin, first, last], first.cursor) == ([last], True)  # of one moment: it may not come first
    assert after_entry([last, first, twin], first.cursor) == ([last, first, twin], False)
    assert after_entry([twin, last], first.cursor) == ([twin, last], False)
    assert after_entry([first, last], "t=5") == ([first, last], True)  # a time proves nothing
    assert after_entry([], first.cursor) == ([], False)
