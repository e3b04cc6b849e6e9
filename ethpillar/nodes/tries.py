"""When something is given up: how often it is tried again, by the kind of failure.

Belongs here: the kinds of failure, which error is of which kind, and how many failures of a kind in a row each reader
of a journal puts up with. It is pure: it waits for nothing and knows no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum

from ..errors import LimitReached, PermissionDenied, SshError, UnitNotFound


class Trouble(Enum):
    """A kind of failure."""

    LINK = "the connection broke, or something between here and the journal is away"
    ROOM = "no channel is free"
    RIGHT = "the right to read the journal is missing"
    UNIT = "the node has no such unit"
    REFUSED = "the node can't be logged in to any more"
    JOURNAL = "journalctl failed"
    DAMAGE = "journalctl can't read the journal's files here"
    SLOW = "journalctl has printed nothing for minutes"
    NOTHING = "the journal shows nothing where entries should be"
    PLACE = "a followed journal did not begin at the cursor"


class ReadFailed(Exception):
    """One journalctl did not do what it was started for; nobody but its reader hears of it."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def trouble_of(problem: Exception) -> Trouble:
    """Return the kind of failure that an error is."""
    if isinstance(problem, ReadFailed):
        return problem.trouble
    if isinstance(problem, LimitReached):
        return Trouble.ROOM
    if isinstance(problem, PermissionDenied):
        return Trouble.RIGHT
    if isinstance(problem, UnitNotFound):
        return Trouble.UNIT
    if isinstance(problem, SshError) and problem.terminal:
        return Trouble.REFUSED
    return Trouble.LINK


Tolerance = Mapping[Trouble, int]
"""How many failures of a kind in a row are followed by another try. A kind that is not named has no limit: it may be
over soon, and never ends a log."""

NEW: Tolerance = {
    Trouble.ROOM: 5,
    Trouble.RIGHT: 0,
    Trouble.UNIT: 0,
    Trouble.REFUSED: 0,
    Trouble.DAMAGE: 2,
    Trouble.SLOW: 0,
}
"For a log of which nothing has been read."
BEGUN: Tolerance = {Trouble.ROOM: 5, Trouble.RIGHT: 0, Trouble.REFUSED: 0}
"For a log whose backlog has been read: its unit may be away for a moment, while its file is being replaced."
FOLLOWED: Tolerance = {Trouble.RIGHT: 4, Trouble.REFUSED: 0}
"For a log that was live: a journalctl that is broken for a moment may look like a missing right."
SUBSCRIBER: Tolerance = {Trouble.ROOM: 7, Trouble.RIGHT: 4, Trouble.REFUSED: 0, Trouble.DAMAGE: 2, Trouble.SLOW: 0}
"For a subscriber that needs a journalctl of its own."


class Tries:
    """The failures in a row of one reader, by their kinds."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        "Failures of a kind that are followed by another try; may change as the reader gets on."
        self.last: Trouble | None = None
        "The kind of the last failure since the last success."
        self._counts: Counter[Trouble] = Counter()

    def failed(self, trouble: Trouble) -> bool:
        """Count a failure. Return True if it is one too many of its kind."""
        self.last = trouble
        self._counts[trouble] += 1
        most = self.tolerance.get(trouble)
        return most is not None and self._counts[trouble] > most

    def count(self, trouble: Trouble) -> int:
        """Return how many failures of a kind there were since the last success."""
        return self._counts[trouble]

    def succeeded(self) -> None:
        """Forget all failures."""
        self.last = None
        self._counts.clear()
