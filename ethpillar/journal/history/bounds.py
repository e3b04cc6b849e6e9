"""What one page of the past may cost.

Belongs here: the sizes and times at which reading is cut, as values. It must not know who counts them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds on what one page may cost."""

    first_slice: int = 2_000
    "Entries that a search reads with its first journalctl."
    slice: int = 50_000
    "And with each further one: starting a journalctl costs as much as printing 1,400 entries."
    forwards_slice: int = 20_000
    "The same for reading forwards: there journalctl leaves out without a word what is vacuumed meanwhile."
    portion: int = 4_000
    "Entries that are judged at once, while the node sends the next ones."
    slice_bytes: int = 24 << 20
    "Bytes of messages that are read of a slice; one with longer lines is cut into several."
    portion_bytes: int = 4 << 20
    "Bytes of messages in a portion."
    page_bytes: int = 1 << 20
    "Bytes of messages in a page; one with longer lines has fewer entries than asked for, but one at least."
    context: int = 50
    "Entries that a plain page reads beyond its limit, so that it can begin at a line and not within a stack trace."
    out_of_range: int = 1_000
    "Entries in a row outside of the times asked for after which no more are expected: a clock may have been set back."
    held: int = 1_000
    "Entries at the end of a slice that may wait for the rest of their block, which the next slice has."
    entries: int = 200_000
    "Entries that a page looks at."
    seconds: float = 10.0
    "Seconds that it may take."


DEFAULT = Bounds()
