"""Slots of the beacon chain, and what all clients say about one: its number, block and hashes."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = 1_742_213_400
"Of the Hoodi network, seconds since the epoch."
SECONDS_PER_SLOT = 12
SLOTS_PER_EPOCH = 32
_BLOCKS_BEHIND = 41_377  # slots without a block so far

Line = tuple[float, str]
"Seconds into the slot, and what is printed then."


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of the beacon chain, and what the clients say about it."""

    number: int

    @property
    def start(self) -> float:
        """Seconds since the epoch."""
        return float(GENESIS + self.number * SECONDS_PER_SLOT)

    @property
    def epoch(self) -> int:
        """Its epoch."""
        return self.number // SLOTS_PER_EPOCH

    @property
    def block(self) -> int:
        """The number of its execution block."""
        return self.number - _BLOCKS_BEHIND

    @property
    def empty(self) -> bool:
        """No block was proposed."""
        return int(self.hash("empty")[:2], 16) < 6

    def hash(self, kind: str) -> str:
        """64 hexadecimal digits, always the same for the slot and the kind of thing."""
        return hashlib.sha256(f"{kind} {self.number}".encode()).hexdigest()

    def random(self, client: str) -> random.Random:
        """A client's dice for the slot."""
        return random.Random(f"{client} {self.number}")

    def at(self, offset: float) -> datetime:
        """A moment in the slot."""
        return datetime.fromtimestamp(self.start + offset, UTC)


def slot_at(seconds: float) -> Slot:
    """The slot of a moment, in seconds since the epoch."""
    return Slot(int(seconds - GENESIS) // SECONDS_PER_SLOT)


def millis(moment: datetime) -> str:
    """Return the milliseconds of a moment, three digits."""
    return f"{moment.microsecond // 1000:03d}"
