"""The recent items of one followed unit, bounded in number and bytes.

Belongs here: sequence numbers, eviction, finding a cursor again, and deciding whether the ring may forget something. It
must not know how anybody waits. The journal on the node is the durable buffer; this is what is shared between
subscribers that keep up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from itertools import islice

from ..journal.cursor import anywhere
from ..limits.ledger import Account, Ledger
from .items import OVERHEAD, Item, size_of
from .runs import BATCH, RecentRuns, Run, cut

GIVEN_BACK = 256
"Items given back at once when memory is short."
LEAST = 32
"Fewer that everybody has had are not worth it: others that some still need go with them."
SEVERAL = -1
"In place of a sequence number: more than one item is meant."


def _same_sequence(one: str, other: str) -> bool:
    return one.partition(";")[0] == other.partition(";")[0]


class Ring:
    """A contiguous run of items, each with a sequence number that is never used again.

    Bounded in number and bytes, but for one item that is always kept. The caller of `extend` asks `would_forget` and
    `may_forget` first: the ring forgets its oldest items without asking anybody.
    """

    def __init__(self, entries: int, size: int) -> None:
        """:param entries: items kept at most; :param size: bytes of them kept at most (one item is always kept)"""
        self._entries = entries
        self._size = size
        self._items: deque[Item] = deque()
        self._index: dict[str, int] = {}
        "Sequence numbers by cursor, of the items before `_indexed`. Few logs are ever asked for one."
        self._copies: dict[str, int] = {}
        "The same by what a cursor has in common with those of copies in other files; `SEVERAL` entries may share it."
        self._indexed = 0
        self._bytes = 0
        self._runs = RecentRuns()
        self.complete = False
        "True if nothing older than the oldest item is in the journal."
        self.start = 0
        "Sequence number of the oldest item kept."
        self._lines_forgotten = 0
        self.account: Account = Ledger().account("rings")
        "Where it is counted; its owner has it in the server's ledger."

    @property
    def end(self) -> int:
        """Sequence number that the next item will have."""
        return self.start + len(self._items)

    @property
    def size(self) -> int:
        """Bytes of the items, roughly."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._items)

    @property
    def printed_us(self) -> int | None:
        """The time of the newest line that is here of the unit's own program; None if there is none."""
        own = (item.realtime_us for item in reversed(self._items) if item.gap is None and not item.manager)
        return next(own, None)

    def append(self, item: Item) -> None:
        """Add an item; see `extend`."""
        self.extend((item,))

    def extend(self, items: Sequence[Item]) -> None:
        """Add items and forget the oldest ones as the bounds ask for."""
        self._items.extend(items)
        self._bytes += size_of(items)
        self._forget(min(self.would_forget(), self.end - 1))

    def weigh(self) -> int:
        """Say how much it holds now, once for a run of items. Return how many bytes less that is than before."""
        before = self.account.held
        self.account.hold(self._bytes)
        return before - self.account.held

    def forget_until(self, position: int) -> None:
        """Forget the items before a sequence number, but for the last one."""
        self._forget(min(position, self.end - 1))
        self._runs.clear()

    def _forget(self, position: int) -> None:
        if self.start >= position:
            return
        end = self.end
        items = [self._items.popleft() for _ in range(position - self.start)]
        self._bytes -= size_of(items)
        self._lines_forgotten += sum([item.lines for item in items])
        for number, item in enumerate(items[: max(0, self._indexed - self.start)], self.start):
            if self._index.get(item.cursor) == number:
                del self._index[item.cursor]
            copy = anywhere(item.cursor)
            if item.gap is None and self._copies.get(copy, end) <= number:
                del self._copies[copy]
        self.start = position
        self.complete = False

    def _enter(self) -> None:
        """Enter the items that are new since the last time into the index."""
        first = max(self._indexed, self.start)
        for number, item in enumerate(self.slice(first, len(self._items)), first):
            if item.gap is None:  # a reader that resumes after the entry before a gap has to be told of the gap
                self._index[item.cursor] = number
                if copy := anywhere(item.cursor):
                    self._copies[copy] = SEVERAL if copy in self._copies else number
        self._indexed = self.end

    def would_forget(self, *new: Item) -> int:
        """Return the sequence number up to which items would be forgotten for new ones (`start`: none).

        If they don't fit even then, it is `end`.
        """
        over = len(self._items) + len(new) - self._entries
        extra = self._bytes + size_of(new) - self._size
        if over <= 0 and extra <= 0:
            return self.start
        freed = 0
        for number, oldest in enumerate(self._items):
            if number >= over and freed >= extra:
                return self.start + number
            freed += len(oldest.data) + OVERHEAD
        return self.end

    def lines_before(self, position: int) -> int:
        """Return how many lines there were, since the ring began, before an item that is in it, or its end."""
        return self._lines_forgotten + sum(item.lines for item in islice(self._items, position - self.start))

    def after(self, cursor: str) -> int | None:
        """Return the sequence number that follows the item with this cursor, or None if it is not here."""
        self._enter()
        found = self._index.get(cursor)
        if found is None and self._items and not _same_sequence(cursor, self._items[-1].cursor):
            found = self._copies.get(anywhere(cursor))
        return None if found is None or found == SEVERAL else found + 1

    def slice(self, start: int, count: int) -> list[Item]:
        """Return up to `count` items from sequence number `start`, which must not be before `self.start`."""
        skip = start - self.start
        if skip > len(self._items) // 2:  # a deque is walked from its nearer end
            wanted = min(count, len(self._items) - skip)
            tail = list(islice(reversed(self._items), len(self._items) - skip))
            tail.reverse()
            return tail[:wanted]
        return list(islice(self._items, skip, skip + count))

    def run(self, start: int) -> Run:
        """Return what comes next for a subscriber at a sequence number, which must not be before `self.start`.

        Runs end at the same places for everybody, so that what is made of one can be shared.
        """
        known = self._runs.get(start, self.end)
        if known is not None:
            return known
        most = BATCH - start % BATCH
        return self._runs.keep(start, cut(self.slice(start, most), most))

    def forget_runs(self) -> None:
        """Keep no runs: somebody has reached the end, and so have, or soon will, all who keep up."""
        self._runs.clear()


class Room(Enum):
    """The answers to the question whether a ring may forget items to take another one."""

    GO = "nobody needs them"
    GRACE = "the fastest subscriber has everything, and others are about to fall out: wait a moment for them, then go"
    WAIT = "nobody has taken them yet"
    GIVE_BACK = "nobody has taken them yet, and a subscriber waits for a channel: let it have the follower's"


def may_forget(ring: Ring, forgotten: int, reached: Collection[int], wanted: Iterable[bool]) -> Room:
    """Decide whether a ring may forget its oldest items.

    For the fastest subscriber the follower waits as long as it takes: when nobody keeps up, the SSH window fills, and
    the journalctl on the node waits, too. For the others it waits while that costs the fastest nothing, because it has
    not taken yet what the ring has; then for a moment: in a burst all are about equally fast, and a subscriber that
    falls out of the ring has to be served from the journal, which costs much more.

    :param forgotten: the sequence number up to which items would be forgotten
    :param reached: the sequence number up to which each subscriber needs the ring no more; below the ring's start for
        one that is served from the journal
    :param wanted: for each subscriber, whether it can't read the journal because no channel is free
    """
    if forgotten <= ring.start or not reached:
        return Room.GO
    fastest = max(reached)
    if fastest >= forgotten:
        if not any(ring.start <= each < forgotten for each in reached):
            return Room.GO
        if fastest >= ring.end:
            return Room.GRACE
    return Room.GIVE_BACK if any(wanted) else Room.WAIT


def may_give_back(ring: Ring, reached: Collection[int]) -> int:
    """Return the sequence number up to which a ring gives its oldest items back when memory is short.

    What everybody has had goes first. Then what some need goes as well: those fall out of the ring, and are served from
    the journal.

    :param reached: as for `may_forget`
    """
    inside = [each for each in reached if each >= ring.start]
    free = min([ring.end, *inside]) - ring.start
    return ring.start + (min(free, GIVEN_BACK) if free >= LEAST else GIVEN_BACK)
