"""How much of a command's output may be under way to us.

Belongs here: the decision. Whatever a node was granted may come at once, and is held until it is read: with one fixed
size, a hundred logs that flood hold a hundred times what one distant node needs to be fast.
"""

from __future__ import annotations

FIRST = 256 * 1024
"Bytes that a channel may send before it is told that they were read."
MOST = 2 * 1024 * 1024
"Bytes of a channel whose reader is faster than the network, so that hardly anything is held."
SOON = 1.0
"Seconds in which a quarter is read where more would help: 256 KiB for a round trip of 100 ms are 2.5 MB a second."


class Window:
    """A channel's window: it grows while its reader takes little pieces quickly, and shrinks when it takes large ones.

    Little pieces say that the reader waits for the network, large ones that the network waits for the reader.
    """

    __slots__ = ("_large", "_read", "_since", "size")

    def __init__(self) -> None:
        self.size = FIRST
        "Bytes that the node may have sent at most, and nobody has read."
        self._read = 0
        self._large = False
        self._since = float("-inf")

    def read(self, count: int, now: float) -> int:
        """Take note that so many bytes were read at once. Return how many the node may send in addition."""
        quarter = self.size // 4
        self._read += count
        self._large = self._large or count > quarter
        if self._read < quarter:
            return 0
        granted, quick = self._read, now - self._since < SOON
        before = self.size
        if self._large:
            self.size = max(FIRST, self.size - granted // 2)
        elif quick:
            self.size = min(MOST, 2 * self.size)
        self._read, self._large, self._since = 0, False, now
        return granted + self.size - before
