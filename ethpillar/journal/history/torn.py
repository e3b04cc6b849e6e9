"""Blocks that the edge of a portion has torn: their entries wait for the rest, which the next portion has.

Belongs here: each entry's position among all that a page looks at, and which entries wait. It must not know what is
wanted of them, nor what the page has room for.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..entry import Entry
from .blocks import Shown, between_blocks, joined


class Torn:
    """Entries of blocks that may not be whole yet.

    Only what is near the end of a portion can go on in the next one: a stack trace is printed at once.
    """

    def __init__(self, window: int, back: bool) -> None:
        """
        :param window: entries at the end of a portion that may wait
        :param back: whether the portions are read backwards, newest entries first
        """
        self._window = window
        self._back = back
        self._waiting: list[tuple[int, Entry]] = []
        self._position = 0

    def run(self, entries: Sequence[Entry]) -> Sequence[tuple[int, Entry]]:
        """Return entries with those that waited, with their positions, in the order of the journal. None waits then.

        :param entries: in the direction of reading
        """
        end = self._position + (-len(entries) if self._back else len(entries))
        if self._back:
            run = [*zip(range(end, self._position), reversed(entries), strict=True), *self._waiting]
        else:
            run = [*self._waiting, *zip(range(self._position + 1, end + 1), entries, strict=True)]
        self._position, self._waiting = end, []
        return joined(run)

    def whole(self, shown: list[Shown], run: Sequence[tuple[int, Entry]]) -> list[Shown]:
        """Return the entries whose blocks are whole; the others wait, to be judged with those of the next portion.

        :param shown: what was taken apart of the run
        """
        if not shown:
            return shown
        return self._newer(shown, run) if self._back else self._older(shown, run)

    def _newer(self, shown: list[Shown], run: Sequence[tuple[int, Entry]]) -> list[Shown]:
        """Do the same when reading backwards: a block may have begun before the run."""
        near = run[0][0] + self._window
        torn = [number for number, each in enumerate(shown) if each.block == 0 and each.position < near]
        clean = [at for at in between_blocks(shown) if torn and at > torn[-1]]
        cut = 0 if not torn else clean[0] if clean[0] < len(shown) or not self._is_long(run) else torn[-1] + 1
        if cut:
            self._waiting = [each for each in run if each[0] <= shown[cut - 1].position]
        return shown[cut:]

    def _older(self, shown: list[Shown], run: Sequence[tuple[int, Entry]]) -> list[Shown]:
        """Do the same when reading forwards: each unit's last block may go on after the run."""
        near = run[-1][0] - self._window
        newest = {each.entry.unit: each.block for each in shown}
        torn = [
            number
            for number, each in enumerate(shown)
            if each.block == newest[each.entry.unit] and each.position > near
        ]
        clean = [at for at in between_blocks(shown) if torn and at <= torn[0]]
        cut = len(shown) if not torn else clean[-1] if clean[-1] or not self._is_long(run) else torn[0]
        if cut < len(shown):
            self._waiting = [each for each in run if each[0] >= shown[cut].position]
        return shown[:cut]

    def _is_long(self, run: Sequence[tuple[int, Entry]]) -> bool:
        """Return True if a run is too long to wait as a whole: then a block is cut."""
        return len(run) >= 2 * self._window
