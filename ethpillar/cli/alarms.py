"""The events that are worth waking somebody for.

Belongs here: the troubles of a node's services, when each begins and when it is over, and what is held back in quiet
hours. Pure: it is told what was seen and what time it is, and returns what to tell.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

CALM = 300.0
"Seconds for which a trouble must stay away before it is told to be over: one that comes and goes is one trouble."
RESTARTS, RESTARTS_IN = 3, 600.0
"So many restarts in so many seconds are a loop."
SILENCE_LEAST, SILENCE_FACTOR = 600.0, 1.5
"A service is silent after so many times the longest silence it ever kept, and after so many seconds at least."
BLIND = 120.0
"Seconds for which a node may be out of sight before that is told."
ROW = 3
MISSED = re.compile(
    r"(?:miss(?:ed|ing)|fail(?:ed|ure)|unable|error|could not|not included)[^\n]{0,60}attestation"
    r"|attestation[^\n]{0,60}(?:miss(?:ed|ing)|fail(?:ed|ure)|not included)",
    re.IGNORECASE,
)
DONE = re.compile(r"(?:publish|sent|success|submitted|included)[^\n]{0,60}attestation", re.IGNORECASE)
"What ends a row of missed attestations."


class Kind(Enum):
    """The kinds of trouble."""

    FAILED = "has failed"
    LOOP = "restarts again and again"
    SILENT = "is silent"
    CRITICAL = "logs a critical error"
    ROW = "repeats a message"
    BLIND = "can't be looked at"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell."""

    service: str
    "Empty for the node itself."
    kind: Kind
    over: bool
    text: str
    "Details in one or a few lines."
    at: float
    "When it began or ended, in seconds since the epoch."

    @property
    def title(self) -> str:
        """The notice in one line."""
        what = self.service or "The node"
        return f"{what} is well again ({self.kind.name.lower()})" if self.over else f"{what} {self.kind.value}"


@dataclass(slots=True)
class _Trouble:
    begun: float
    text: str
    well_since: float | None = None
    told: bool = False


@dataclass(slots=True)
class _Service:
    restarts: deque[float] = field(default_factory=deque)
    counted: int | None = None
    spoke: float | None = None
    longest: float = 0.0
    row: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of the person who is woken."""

    pattern: re.Pattern[str] = MISSED
    reset: re.Pattern[str] | None = DONE
    "What ends a row; None: any other line."
    row: int = ROW
    quiet: tuple[int, int] | None = None
    "Minutes of the day, local time, from when to when nothing is told but at its end."


class Alarms:
    """Decides when the troubles of one node are told, and when they are over.

    Tell it what is seen by `status`, `line`, `seen` and `blind`, with the time in seconds; ask `due` now and then what
    to tell. The same trouble is told once until it ends.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._services: dict[str, _Service] = {}
        self._troubles: dict[tuple[str, Kind], _Trouble] = {}
        self._blind_since: float | None = None

    # -- what was seen

    def status(self, service: str, status: str, restarts: int | None, text: str, now: float) -> None:
        """Take note of a service's state, and of how often systemd has restarted it."""
        known = self._services.setdefault(service, _Service())
        self._set(service, Kind.FAILED, status == "failed", text, now)
        if restarts is not None and known.counted is not None and restarts > known.counted:
            known.restarts.extend([now] * min(restarts - known.counted, RESTARTS))
        known.counted = restarts
        while known.restarts and now - known.restarts[0] > RESTARTS_IN:
            known.restarts.popleft()
        self._set(service, Kind.LOOP, len(known.restarts) >= RESTARTS, text, now)

    def learn(self, service: str, times: Iterable[float]) -> None:
        """When a service spoke in the past, oldest first: how long its silences usually are."""
        known = self._services.setdefault(service, _Service())
        for at in times:
            if known.spoke is not None:
                known.longest = max(known.longest, at - known.spoke)
            known.spoke = at

    def line(self, service: str, level: str | None, text: str, now: float) -> None:
        """Take note of a line that a service printed."""
        known = self._services.setdefault(service, _Service())
        if known.spoke is not None:
            known.longest = max(known.longest, min(now - known.spoke, 86_400.0))
        known.spoke = now
        self._set(service, Kind.SILENT, False, "", now)
        if level == "critical":
            self._set(service, Kind.CRITICAL, True, text, now)
            self._set(service, Kind.CRITICAL, False, "", now)  # well from now on, unless there is another one
        if self._rules.pattern.search(text):
            known.row += 1
            self._set(service, Kind.ROW, known.row >= self._rules.row, f"{known.row} in a row: {text}", now)
        elif self._rules.reset is None or self._rules.reset.search(text):
            known.row = 0
            self._set(service, Kind.ROW, False, "", now)

    def seen(self, now: float) -> None:
        """Take note that the node answers."""
        self._blind_since = None
        self._set("", Kind.BLIND, False, "", now)

    def blind(self, reason: str, now: float) -> None:
        """Take note that the node, or what tells where it is, does not answer."""
        self._blind_since = self._blind_since or now
        if now - self._blind_since >= BLIND:
            self._set("", Kind.BLIND, True, reason, now)

    def _set(self, service: str, kind: Kind, on: bool, text: str, now: float) -> None:
        trouble = self._troubles.get((service, kind))
        if on:
            if trouble is None:
                self._troubles[service, kind] = _Trouble(now, text)
            else:
                trouble.well_since = None
        elif trouble is not None and trouble.well_since is None:
            trouble.well_since = now

    # -- what to tell

    def due(self, now: float, minute: int) -> list[Notice]:
        """Return what to tell.

        :param now: seconds since the epoch
        :param minute: of the day, local time
        """
        if self._blind_since is None:
            self._look_for_silence(now)
        quiet = self._is_quiet(minute)
        told: list[Notice] = []
        for (service, kind), trouble in list(self._troubles.items()):
            if not trouble.told and not quiet:
                trouble.told = True
                told.append(Notice(service, kind, False, trouble.text, trouble.begun))
            if trouble.well_since is None or now - trouble.well_since < CALM:
                continue
            if not trouble.told:
                continue  # in quiet hours: told as a whole when they are over
            if not quiet:
                del self._troubles[service, kind]
                told.append(
                    Notice(service, kind, True, f"It lasted {_duration(trouble.well_since - trouble.begun)}.", now)
                )
        return told

    def _look_for_silence(self, now: float) -> None:
        for service, known in self._services.items():
            if known.spoke is None:
                continue
            bound = max(SILENCE_LEAST, known.longest * SILENCE_FACTOR)
            if now - known.spoke > bound:
                self._set(service, Kind.SILENT, True, f"No line for {_duration(now - known.spoke)}.", now)

    def _is_quiet(self, minute: int) -> bool:
        if self._rules.quiet is None:
            return False
        begin, end = self._rules.quiet
        return begin <= minute < end if begin <= end else minute >= begin or minute < end


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(0, round(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
