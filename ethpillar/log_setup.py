"""Logging: one line an event, and no library that would print what a client sent.

Belongs here: which loggers speak. Engine.IO logs packets (tokens among them), paramiko logs what a peer said, and
both print stack traces for bad input: they are silenced, and our own code logs what matters of it. gevent prints the
arguments of a greenlet that fails.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import time
from datetime import UTC, datetime
from types import TracebackType

from gevent.hub import Hub

from .errors import whereabouts
from .limits.refusals import Refusal

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


ABOUT = ("session", "socket")
"What a line is about, by its short hash: what a logger's `extra` may name. In JSON each is a key of its own."


class Line(logging.Formatter):
    """A line of the log, for people or as JSON; with its priority in front when it goes to journald, which takes that
    off again.
    """

    def __init__(self, with_priority: bool, as_json: bool = False) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._with_priority = with_priority
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        about = {name: found for name in ABOUT if (found := getattr(record, name, ""))}
        if self._as_json:
            text = self._json(record, about)
        else:
            start = ", ".join(f"{name} {found}" for name, found in about.items())
            message = f"{start}: {record.getMessage()}" if start else record.getMessage()
            text = f"{record.levelname} {record.name}: {message}"
        if not self._with_priority:
            return text
        priority = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in text.splitlines())

    def _json(self, record: logging.LogRecord, about: dict[str, str]) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        said = {"time": when, "level": record.levelname.lower(), "logger": record.name, **about}
        said["message"] = record.getMessage()
        reason = getattr(record, "reason", None)
        return json.dumps(said if reason is None else said | {"reason": reason})


def say_refusal(refusal: Refusal, more: int) -> None:
    """Log why something was refused, and the settings that decide; see `Refusals`."""
    others = f" ({more} more since this was last told)" if more else ""
    level = logging.getLevelNamesMapping()[refusal.level.upper()]
    log.log(level, "%s%s. See %s", refusal.why, others, refusal.cure, extra={"reason": refusal.value})


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


def handler(as_json: bool) -> logging.Handler:
    """Make a handler that logs to stderr, as a service does whose journal has its own times."""
    made = logging.StreamHandler(sys.stderr)
    made.setFormatter(Line(goes_to_journald(os.environ.get("JOURNAL_STREAM", ""), 2), as_json))
    return made


def set_up(level: str, log_format: str = "text") -> None:
    """Log to stderr. For the process, so once for each.

    :param level: `debug`, `info`, `warning` or `error`
    :param log_format: `text` or `json`
    """
    root = logging.getLogger("ethpillar")
    root.setLevel(level.upper())
    if not root.handlers:
        root.addHandler(handler(log_format == "json"))
        root.propagate = False
    failures = FailureLog()
    Hub.print_exception = lambda _hub, *failed: failures.print_exception(*failed)  # type: ignore[method-assign]
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
