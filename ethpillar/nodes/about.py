"""What a node says of itself: its name, its time zone, its clock.

Belongs here: the one short command that asks, and reading its answer, which is believed in nothing but shape. It must
not know who is told.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gevent

from ..errors import EthPillarError

AFTER = 1.0
"Seconds after the connection: by then the logs that a page opens have their channels."
SURE = 1.0
"Seconds that the answer may take: half of it is the error of the clock's offset."
COMMAND = ("sh", "-c", "date +%s%N; uname -n; readlink /etc/localtime || cat /etc/timezone")

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,3}")
_NANOSECONDS = re.compile(r"[0-9]{19}")


@dataclass(frozen=True, slots=True)
class About:
    """A node as it describes itself; None is what it does not tell."""

    name: str | None
    zone: str | None
    "A time zone of the IANA's."
    clock_offset_ms: int | None
    "By how much its clock is ahead of ours."


def read_about(output: bytes, asked: float, answered: float) -> About:
    """Return what the command's output says.

    :param asked: when the node was asked, by our clock, in seconds since the epoch; `answered` likewise
    """
    lines = [*output[:4096].decode("utf-8", "replace").split("\n"), "", "", ""]
    clock, name, zone = lines[0], lines[1], lines[2].rpartition("zoneinfo/")[2]
    offset = None
    if _NANOSECONDS.fullmatch(clock) and 0 <= answered - asked <= SURE:
        offset = round(int(clock) / 1e6 - (asked + answered) * 500)
    return About(name if _NAME.fullmatch(name) else None, zone if _zone(zone) else None, offset)


def _zone(text: str) -> bool:
    return len(text) <= 64 and _ZONE.fullmatch(text) is not None


class AboutWatch:
    """Asks the node anew each time it is connected."""

    def __init__(self, run: Callable[[Sequence[str]], bytes], tell: Callable[[], None]) -> None:
        """
        :param run: runs words on the node and returns their output; may raise an `EthPillarError`
        :param tell: called when there is an answer
        """
        self.about: About | None = None
        "What the node said last."
        self._run = run
        self._tell = tell
        self._asking: gevent.Greenlet[[], None] | None = None

    def connected(self) -> None:
        """Ask soon; does not wait."""
        if self._asking is not None:
            self._asking.kill(block=False)
        self._asking = gevent.spawn_later(AFTER, self._ask)

    def _ask(self) -> None:
        asked = time.time()
        try:
            output = self._run(COMMAND)
        except EthPillarError:
            return  # nothing depends on it
        self.about = read_about(output, asked, time.time())
        self._tell()

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.kill()
