"""Every client's lines, taken apart. Pure: a text in, a `Line` out.

Belongs here: which formats there are, and the parser of one unit's lines, which keeps the format while it fits. A
module for each client (or family of clients that share a logger) has its grammar. A format is a function from a text to
a `Line`, or to None when the text is not of its kind; none of them raises, and each takes time linear in the length.
"""

from __future__ import annotations

from collections.abc import Callable

from ..clients import client_of
from . import (
    console,
    continuation,
    generic,
    geth,
    grandine,
    jsonlines,
    lighthouse,
    lodestar,
    log4j,
    logfmt,
    logrus,
    nethermind,
    nimbus,
    prysm,
    systemd,
    tracing,
)
from .line import LEVELS, Line, level_of_priority

__all__ = ["FORMATS", "LEVELS", "Line", "LineParser"]

Format = Callable[[str], Line | None]

FORMATS: dict[str, Format] = {
    "geth": geth.parse,
    "lighthouse": lighthouse.parse,
    "nethermind": nethermind.parse,
    "logfmt": logfmt.parse,
    "json": jsonlines.parse,
    "zap": console.zap,
    "tracing": tracing.parse,
    "log4j": log4j.columns,
    "teku": log4j.teku,
    "lodestar": lodestar.parse,
    "nimbus": nimbus.parse,
    "prysm": prysm.parse,
    "grandine": grandine.parse,
    "charon": console.charon,
    "logrus": logrus.parse,
    "logback": log4j.logback,
    "log4j-status": log4j.status,
    "generic": generic.parse,
}
"In the order in which they are tried: the ones that can't be taken for another first."

_BY_CLIENT = {
    "Geth": "geth", "Erigon": "geth", "Nethermind": "nethermind", "Besu": "log4j", "Reth": "tracing",
    "Ethrex": "tracing", "Lighthouse": "lighthouse", "Lodestar": "lodestar", "Nimbus": "nimbus", "Prysm": "logfmt",
    "Teku": "teku", "Grandine": "grandine", "MEV-Boost": "logfmt", "Commit-Boost": "tracing", "Vouch": "json",
    "Charon": "charon", "SSV": "zap", "Web3signer": "log4j", "Contributoor": "logfmt", "Dora": "logfmt",
}  # fmt: skip
"The format to try first when the client is known."


class LineParser:
    """The parser of one unit's lines, in their order.

    It remembers what the lines before have shown: the format, tried first for the next line, and the level that
    continuation lines take. A line that the format does not fit is tried with all the others: so a client that was
    switched on the node is understood from its first line on, and a wrapper's line in between disturbs nothing.
    """

    def __init__(self, description: str | None = None) -> None:
        self.client: str | None = None
        "The client's name, when the unit's description begins with one that is known."
        self._format: Format = FORMATS["geth"]
        self._level: str | None = None
        self._logged: str | None = None  # the level of the last line that a format knew
        self._after_manager = False
        self._room = 0  # how many lines that no format knows, and look like nothing, belong to the one before
        self.describe(description)

    def describe(self, description: str | None) -> None:
        """The unit's `Description=`, which tells the client; it may change over time."""
        client = client_of(description) if description else None
        if client and client != self.client:
            self.client = client
            self._format = FORMATS[_BY_CLIENT[client]]

    def parse(self, text: str, priority: int | None = None, *, manager: bool = False, further: bool = False) -> Line:
        """One line without colours and control characters (see `journal.text`).

        :param priority: the entry's PRIORITY
        :param manager: whether systemd wrote it, about the unit
        :param further: whether it is a further line of the same journal entry
        """
        if manager:
            self._level, self._logged, self._room, self._after_manager = None, None, 0, True
            return systemd.of_manager(text, priority)
        if len(text) > LONGEST:
            return self._long(text, priority, further)
        line = self._format(text) or self._other(text)
        if line is None:
            line = self._unstamped(text, priority, further)
            self._after_manager = False
            return line
        if line.level is None and priority != 6:
            line = line._replace(level=level_of_priority(priority, manager=False))
        self._level = self._logged = line.level
        self._room = 0 if line.message and text[-1] not in _OPENING else _room_after(text, line)
        self._after_manager = False
        return line

    def _long(self, text: str, priority: int | None, further: bool) -> Line:
        line = self.parse(text[:LONGEST], priority, further=further)
        if line.continuation:
            return line._replace(message=text.rstrip())
        return line if line.fields else line._replace(message=(line.message + text[LONGEST:]).rstrip())

    def _other(self, text: str) -> Line | None:
        for each in FORMATS.values():
            if each is not self._format and (line := each(text)):
                if each is not generic.parse:  # it would take other formats' lines, too
                    self._format = each
                return line
        return systemd.parse(text)

    def _unstamped(self, text: str, priority: int | None, further: bool) -> Line:
        if continuation.is_crash(text):
            line = Line("critical", None, text.rstrip(), {})
            self._level, self._room = line.level, AFTER_CRASH
            return line
        if further or self._continues(text):
            return Line(self._level, None, text.rstrip(), {}, None, True)
        line = generic.guess(text)
        if line.level is None:
            line = line._replace(level=self._level_of(text, priority))
        self._level = line.level
        return line

    def _continues(self, text: str) -> bool:
        """Whether it belongs to the line before it, and if so, what may come next."""
        if continuation.is_frame(text):
            if self._level is None:  # of what was told in between, without a level, by a line of its own
                self._level = self._logged if self._logged != "info" else None
            if self._room != ANY:
                self._room = 0 if continuation.is_last(text) else AFTER_FRAME
            return True
        if continuation.is_indented(text):
            if self._after_manager:
                return False  # systemd's lines have no more lines
            self._room = min(self._room, AFTER_FRAME) if text and self._room != ANY else self._room
            return True
        if self._room:
            if self._room != ANY:  # an exception's text is what a trace ends with, if it does not begin with it
                self._room = 0 if continuation.is_exception(text) and self._room <= AFTER_FRAME else self._room - 1
            return True
        # An exception's first line follows the line that told of it, which is hardly one of level info.
        if self._level in (None, "info") or not continuation.is_exception(text):
            return False
        self._room = AFTER_EXCEPTION
        return True

    def _level_of(self, text: str, priority: int | None) -> str | None:
        if continuation.is_exception(text):
            self._room = AFTER_EXCEPTION
            return "error"
        return level_of_priority(priority, manager=False)


LONGEST = 48 * 1024
"""Characters of a line that are taken apart: as many as journald leaves in one piece. The whole line has what is beyond
as well, and it is no work for patterns."""
ANY = 1 << 30
AFTER_CRASH, AFTER_EXCEPTION, AFTER_FRAME = 3, 2, 1
"Lines of a message that has line breaks in it, which look like any other line; a trace has more only between frames."


_OPENING = ",:{[( "


def _room_after(text: str, line: Line) -> int:
    """`ANY` when a list, an object or a text begins where a line ends."""
    if not line.message:
        return ANY if not line.fields or text.rstrip().endswith("|") else 0  # Besu's columns come before the message
    return ANY if text.endswith((":", ",", "{", "[", "(")) or (text.endswith(", ") and not line.fields) else 0
