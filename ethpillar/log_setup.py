"""Logging: one line an event, and no library that would print what a client sent.

Belongs here: which loggers speak. Engine.IO logs packets (tokens among them), paramiko logs what a peer said, and
both print stack traces for bad input: they are silenced, and our own code logs what matters of it. gevent prints the
arguments of a greenlet that fails.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from types import TracebackType

from gevent.hub import Hub

from .errors import whereabouts

SILENT = logging.getLogger("ethpillar.silent")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False
SILENT.setLevel(logging.CRITICAL + 1)

_TALKATIVE = ("engineio", "socketio", "geventwebsocket", "paramiko", "werkzeug")


log = logging.getLogger(__name__)

FULL = (errno.EMFILE, errno.ENFILE)
FULL_AGAIN = 60.0
"Seconds between lines that say that there are no descriptors left; each connection that comes would be one."


PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"Journald's priorities, see sd-daemon(3)."


class Line(logging.Formatter):
    """A line of the log; with its priority in front when it goes to journald, which takes that off again."""

    def __init__(self, with_priority: bool) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._with_priority = with_priority

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        text = super().format(record)
        if not self._with_priority:
            return text
        priority = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in text.splitlines())


def goes_to_journald(stream: str, handle: int) -> bool:
    """Return True if a file is the one that journald listens to.

    :param stream: the value of JOURNAL_STREAM, which systemd sets: device and inode, `8:12345`
    """
    device, _, inode = stream.partition(":")
    try:
        found = os.fstat(handle)
    except OSError:
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))


class FailureLog:
    """Logs what failed in a greenlet or in the event loop: its type and place.

    gevent itself would print the stack and the greenlet with its arguments: a token may be one.
    """

    def __init__(self) -> None:
        self._said_full = -FULL_AGAIN

    def print_exception(
        self,
        _context: object,
        kind: type[BaseException] | None,
        problem: BaseException | str | None,
        trace: TracebackType | None,
    ) -> None:
        """See `gevent.hub.Hub.print_exception`."""
        if isinstance(problem, OSError) and problem.errno in FULL:
            if time.monotonic() - self._said_full >= FULL_AGAIN:
                self._said_full = time.monotonic()
                log.error("No more files can be opened: the limit of descriptors is reached (see `ulimit -n`)")
            return
        if not isinstance(problem, BaseException):
            log.error("A greenlet failed (%s)", getattr(kind, "__name__", "unknown"))
            return
        if problem.__traceback__ is None and isinstance(trace, TracebackType):
            problem = problem.with_traceback(trace)
        log.error("A greenlet failed (%s)", whereabouts(problem))


def set_up(level: str) -> None:
    """Log to stderr, as a service does whose journal has its own times. For the process, so once for each.

    :param level: `debug`, `info`, `warning` or `error`
    """
    root = logging.getLogger("ethpillar")
    root.setLevel(level.upper())
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Line(goes_to_journald(os.environ.get("JOURNAL_STREAM", ""), 2)))
        root.addHandler(handler)
        root.propagate = False
    failures = FailureLog()
    Hub.print_exception = lambda _hub, *failed: failures.print_exception(*failed)  # type: ignore[method-assign]
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
