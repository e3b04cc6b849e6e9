"""A journal of several files, parts of which are damaged, that answers as journalctl 252 and 257 do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ethpillar.journal.cursor import Cursor
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Answer, Plan, Step

START = 1_795_000_000_000_000
END = START + 86_400_000_000


def entry(number: int, file: int = 0, own_sequence: bool = False) -> Entry:
    """Number `number` of all entries: a millisecond after the one before."""
    at = START + number * 1_000
    sequence = file if own_sequence else 0
    cursor = f"s={sequence + 10:x};i={number + 1:x};b=b1;m={number * 1_000:x};t={at:x};x={number * 7 + 1:x}"
    return Entry(cursor, at, b"line %d" % number, 6)


@dataclass
class Files:
    """Entries of several files, one after the other."""

    files: list[list[Entry]]
    torn: set[str] = field(default_factory=set)
    "Cursors of entries that can't be passed: journalctl goes on without the file."
    unreadable: set[str] = field(default_factory=set)
    "Cursors of entries that can't be printed: journalctl ends."
    ignored: set[int] = field(default_factory=set)
    "Indexes of files that journalctl does without."
    unseekable: set[int] = field(default_factory=set)
    "Indexes of files in which it can't seek: it goes on without those in which it would have to."
    unseekable_says: str = "Can't iterate through /j/x.journal, ignoring: Bad message"
    blind: set[str] = field(default_factory=set)
    "Cursors of entries beside torn ones: seeking them it finds itself beyond these. It reads them from elsewhere."
    anxious: set[str] = field(default_factory=set)
    "Cursors of entries of which it says the same, and finds them."
    startled: set[str] = field(default_factory=set)
    "Cursors of entries with which it comes upon the damage of another file, which has nothing that was asked for."
    quiet: bool = False
    "journalctl does not say that it goes on without a file, as with another SYSTEMD_LOG_LEVEL."
    asked: int = 0
    steps: list[Step] = field(default_factory=list)
    "What it was asked."

    @property
    def readable(self) -> list[Entry]:
        """Every entry that can be read somehow, in order."""
        return [
            each
            for number, file in enumerate(self.files)
            for each in file
            if number not in self.ignored and each.cursor not in self.torn | self.unreadable
        ]

    def answer(self, step: Step) -> Answer:
        """Run one journalctl."""
        self.asked += 1
        self.steps.append(step)
        said = [self._name(number) + " corrupted, ignoring file." for number in sorted(self.ignored)]
        if step.cursor in self.startled:
            said.append("Can't iterate through /j/x.journal, ignoring: Bad message")
        found: list[Entry] = []
        for number, file in self._order(step.reverse):
            start = self._from(file, step)
            if 0 < len(start) < len(file) and number in self.unseekable:
                said.append(self.unseekable_says)
                continue
            if self._seeks_in(file, step) and start[0].cursor in self.blind | self.anxious:
                said.append("/j/x.journal: invalid entry while bisecting, cutting algorithm short.")
            if self._seeks_in(file, step) and start[0].cursor in self.blind:
                torn = [place for place, each in enumerate(start) if each.cursor in self.torn]
                start = start[max(torn) + 1 :] if torn else start
            for each in start:
                if len(found) == step.count:
                    return self._answered(found, 0, said)
                if each.cursor in self.torn:
                    said.append("Can't iterate through /j/x.journal, ignoring: Bad message")
                    break
                if each.cursor in self.unreadable:
                    said.append("Failed to get journal fields: Bad message")
                    return self._answered(found, 1, said)
                found.append(each)
        return self._answered(found, 0, said)

    def _answered(self, found: list[Entry], status: int, said: list[str]) -> Answer:
        kept = [] if self.quiet else said
        return Answer(found, status, "\n".join(kept).encode())

    def _order(self, reverse: bool) -> Sequence[tuple[int, list[Entry]]]:
        files = [(number, file) for number, file in enumerate(self.files) if number not in self.ignored]
        return [(number, file[::-1]) for number, file in reversed(files)] if reverse else files

    def _from(self, file: list[Entry], step: Step) -> list[Entry]:
        if step.cursor is None:
            return file
        at = Cursor.parse(step.cursor).realtime_us or 0
        return [each for each in file if (each.realtime_us <= at if step.reverse else each.realtime_us >= at)]

    def _seeks_in(self, file: list[Entry], step: Step) -> bool:
        at = Cursor.parse(step.cursor or "").realtime_us or 0
        return bool(file) and file[0].realtime_us <= at <= file[-1].realtime_us

    def _name(self, number: int) -> str:
        first = self.files[number][0]
        return f"Journal file /j/system@{0:032x}-{1:016x}-{first.realtime_us:016x}.journal"

    def carry_out(self, plan: Plan) -> object:
        """Run all that a plan asks for; what it returns."""
        try:
            step = next(plan)
            while True:
                step = plan.send(self.answer(step))
        except StopIteration as end:
            return end.value
