"""Staying connected to a node: the states of a link, and when to try again or give up.

Belongs here: the decisions of `link`, pure: times are handed in, in seconds. It must not know how a login works, nor
how anybody waits.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from math import inf

from ..timing import Backoff

HURRY_EVERY = 2.0
"Seconds between the tries that people bring forward, by a new socket or by `authenticate`."
SOON, PART = 2.0, 0.25
"""Seconds between two tries, at most, of a node that went away a moment ago; and that part of the time for which it has
been away, later: so a page that is open shows a node that is back after little more than that."""
NEVER_REACHED = 600.0
"Seconds after which a node that has never been reached is given up, if that is sooner than `SSH_GIVE_UP`."
AWAY_TRIES = 3
AWAY_AFTER = 10.0
"A node counts as away after so many failed tries, or so many seconds without a sign of life, whichever is first."


REFUSED_TRIES, REFUSED_WITHIN = 4, 600.0
"""Tries at most in so many seconds of a node that logs each as a failed login, even if people bring some forward:
fail2ban, as it comes, bans an address after five in ten minutes."""
REFUSED_UNSURE = 2
"Logins in a row that may have been cut off by chance, of a node that has let us in before."
REFUSED_WAIT = 30.0
"Seconds between the other ones, if nobody asks: a node that starts or stops lets nobody in for about as long."


class LinkState(Enum):
    """Where the connection to a node is."""

    IDLE = "nobody has asked for a connection yet"
    CONNECTING = "a login that people wait for is under way: the first one, or one after the node was given up"
    CONNECTED = "there is a connection, as far as is known"
    RECONNECTING = "the node can't be reached; waiting for the next try, or trying"
    GIVEN_UP = "it was away for too long, and is tried only when somebody asks"
    LOST = "the node refuses: this session's node won't be tried again"
    CLOSED = "nobody needs the node any more"


TRANSITIONS: dict[LinkState, frozenset[LinkState]] = {
    LinkState.IDLE: frozenset({LinkState.CONNECTING, LinkState.CLOSED}),
    LinkState.CONNECTING: frozenset(
        {
            LinkState.IDLE,
            LinkState.CONNECTED,
            LinkState.RECONNECTING,
            LinkState.GIVEN_UP,
            LinkState.LOST,
            LinkState.CLOSED,
        }
    ),
    LinkState.CONNECTED: frozenset({LinkState.RECONNECTING, LinkState.GIVEN_UP, LinkState.CLOSED}),
    LinkState.RECONNECTING: frozenset({LinkState.CONNECTED, LinkState.GIVEN_UP, LinkState.LOST, LinkState.CLOSED}),
    LinkState.GIVEN_UP: frozenset({LinkState.CONNECTING, LinkState.CLOSED}),
    LinkState.LOST: frozenset({LinkState.CLOSED}),
    LinkState.CLOSED: frozenset(),
}


def after_failure(terminal: bool, exhausted: bool) -> LinkState:
    """Return the state that follows a try that failed.

    :param terminal: trying again is of no use
    :param exhausted: it has been tried for long enough
    """
    if terminal:
        return LinkState.LOST
    return LinkState.GIVEN_UP if exhausted else LinkState.RECONNECTING


SHORT = 10.0
"Seconds within which a connection that is lost was a short one."
PATIENT, RESTLESS = 3, 12
"Short connections in a row after which tries become rarer, and after which the node is let go."


class Absence:
    """Decides when a node counts as away, so that people are told: not at each short break, and never late.

    Tell it by `missing` and `failed` what goes wrong; `begins` is True once for each absence, after 10 s or three
    failed tries. `ends` begins anew.
    """

    def __init__(self) -> None:
        self.away = False
        "True if it counts as away."
        self._since: float | None = None
        self._failures = 0  # tries that failed since then

    @property
    def due(self) -> float | None:
        """When it will count as away, or since when it does; None if nothing is amiss."""
        return None if self._since is None else self._since + AWAY_AFTER

    def missing(self, now: float) -> None:
        """Take note that there is no sign of life since then; only the first time counts."""
        if self._since is None:
            self._since = now

    def failed(self) -> None:
        """Take note of a try that failed."""
        self._failures += 1

    def begins(self, now: float) -> bool:
        """Return True, once, if it counts as away from now on."""
        late = self.due is not None and now >= self.due
        if self.away or not (late or self._failures >= AWAY_TRIES):
            return False
        self.away = True
        return True

    def ends(self) -> None:
        """Take note of a sign of life."""
        self.away, self._since, self._failures = False, None, 0


class Retries:
    """When a lost connection is tried again, and for how long.

    Pure: times are seconds of one clock that only grows, and are handed in. Tell it of each try and of how that went;
    `delay` counts an attempt, `exhausted` and `allowed` only answer.
    """

    def __init__(self, give_up: float, backoff: Backoff) -> None:
        """:param give_up: seconds after which trying ends"""
        self._give_up = give_up
        self._backoff = backoff
        self._reached = False
        self._short = 0  # connections in a row that were lost soon after they were made
        self._since = 0.0
        self._tried = float("-inf")
        self._refused: deque[float] = deque(maxlen=REFUSED_TRIES)  # when the node logged a failed login
        self._cut_off: deque[float] = deque(maxlen=REFUSED_TRIES)  # when it may have, since the last connection

    @property
    def attempt(self) -> int:
        """Tries since the last connection, the coming one included."""
        return self._backoff.attempt

    def begin(self, now: float) -> None:
        """Start to count: the first login begins."""
        self._since = now

    def connected(self, now: float) -> None:
        """Begin anew: a connection stands, or did until now."""
        self._reached = True
        self._since = now
        self._cut_off.clear()
        self._backoff.reset()

    def refused(self, now: float, sure: bool = True) -> None:
        """Take note that the node has logged a failed login.

        :param sure: False: it hung up, as it does where its rules are against us, and when it is cut off by chance
        """
        (self._refused if sure or not self._reached else self._cut_off).append(now)

    def lost(self, now: float) -> None:
        """Begin anew: a connection stood until now. After several that were short the waits go on growing."""
        self._short = self._short + 1 if now - self._tried < SHORT else 0
        self._reached = True
        self._since = now
        if self._short < PATIENT:
            self._backoff.reset()

    @property
    def restless(self) -> bool:
        """Return True if each of many connections was lost at once: a node that only costs logins."""
        return self._short >= RESTLESS

    def exhausted(self, now: float) -> bool:
        """Return True if the connection has been away for long enough to give it up."""
        give_up = self._give_up if self._reached else min(self._give_up, NEVER_REACHED)
        return now - self._since > give_up

    def delay(self, now: float) -> float:
        """Return the seconds to wait before the next try, which counts as one more attempt."""
        most = inf if self._short >= PATIENT else max(SOON, PART * (now - self._since))
        spaced = [*self._refused, *list(self._cut_off)[REFUSED_UNSURE:]]
        return max(self._backoff.next(most), self._allowed() - now, *(each + REFUSED_WAIT - now for each in spaced))

    def hurried(self, due: float, now: float) -> float:
        """Return when a try that is due is made, if somebody asks for the node now."""
        return min(due, max(now, self._tried + HURRY_EVERY, self._allowed()))

    def allowed(self, now: float) -> bool:
        """Return True if another try can't get this server banned by the node."""
        return now >= self._allowed()

    def _allowed(self) -> float:
        every = sorted([*self._refused, *self._cut_off])[-REFUSED_TRIES:]
        return every[0] + REFUSED_WITHIN if len(every) == REFUSED_TRIES else -inf

    def tried(self, now: float) -> None:
        """Take note that a try begins."""
        self._tried = now
