"""The parser of one unit's lines.

Belongs here: which format is tried first, and which level a line without one of its own takes. The formats know
nothing of the lines before; what those have left open is `formats.continuation`'s to say.
"""

from __future__ import annotations

from ..clients import client_of
from . import compose, crash, generic, systemd
from .catalogue import FORMATS, OF_CLIENT, TEMPLATES, TO_TRY, Format
from .continuation import OPENING, Continuation, State, is_exception, is_frame
from .line import Line, level_of_priority
from .templates import Like, Templates

LONGEST = 48 * 1024
"""Characters of a line that are taken apart: as many as journald leaves in one piece. The whole line has what is beyond
as well, and it is no work for patterns."""

_CLOSED = State.CLOSED
_OPENING = OPENING.encode()
_DYING = "AKSTt"
"What the lines begin with that `LineParser._goes_on_dying` is about."


class LineParser:
    """The parser of one unit's lines, in their order.

    It remembers what the lines before have shown: the format, tried first for the next line, the level that
    continuation lines take, and what is open. A line that the format does not fit is tried with all the others: so a
    client that was switched on the node is understood from its first line on, and a wrapper's line in between disturbs
    nothing.
    """

    def __init__(self, description: str | None = None) -> None:
        """:param description: the unit's `Description=`, when it is known"""
        self.client: str | None = None
        "The client's name, when the unit's description begins with one that is known."
        self.unknown = 0
        "Lines that no format knew, and that belong to no line before."
        self._format: Format = FORMATS["geth"]
        self._templates = Templates()
        self._open = Continuation()
        self._containers: dict[str, LineParser] = {}
        "Of containers whose names compose puts before their lines."
        self._level: str | None = None
        self._logged: str | None = None
        "The level of the last line that a format knew."
        self.describe(description)

    def describe(self, description: str | None) -> None:
        """Take the unit's `Description=`, which tells the client; it may change over time."""
        client = client_of(description) if description else None
        if client and client != self.client:
            self.client = client
            self._use(FORMATS[OF_CLIENT[client]])

    def _use(self, chosen: Format) -> None:
        self._format = chosen
        self._templates.clear()

    def like(self, message: bytes) -> Like | None:
        """Take a line that is like some before; None if it is to be parsed.

        It is as if it had been parsed: all that `parse` would say of it is in the template and the values.

        :param message: a whole entry's, which the program printed
        """
        like = self._templates.find(message)
        if like is None or message[-1] in _OPENING:
            return None
        self._level = self._logged = like[0].line.level
        self._open.state = _CLOSED
        return like

    def parse(self, text: str, priority: int | None = None, *, manager: bool = False, further: bool = False) -> Line:
        """Take one line apart, without colours and control characters (see `journal.text`).

        :param priority: the entry's PRIORITY
        :param manager: whether systemd wrote it, about the unit
        :param further: whether it is a further line of the same journal entry
        """
        if manager:
            self._level = self._logged = None
            self._open.manager()
            return systemd.of_manager(text, priority)
        if len(text) > LONGEST:
            return self._long(text, priority, further)
        line = self._format(text) or self._other(text)
        if line is None:
            return self._unstamped(text, priority, further)
        if line.level is None and priority != 6:
            line = line._replace(level=level_of_priority(priority, manager=False))
        self._level = self._logged = line.level
        if line.message and text[-1] not in OPENING:  # as most are
            self._open.state = _CLOSED
            if line.level is not None and (maker := TEMPLATES.get(self._format)) is not None:
                self._templates.learn(text, line, maker)
        else:
            self._open.record(text, line)
        return line

    def _long(self, text: str, priority: int | None, further: bool) -> Line:
        line = self.parse(text[:LONGEST], priority, further=further)
        if line.continuation:
            return line._replace(message=text.rstrip())
        return line if line.fields else line._replace(message=(line.message + text[LONGEST:]).rstrip())

    def _other(self, text: str) -> Line | None:
        for each in TO_TRY.get(text[:1], ()):
            if each is not self._format and (line := each(text)):
                if each is not generic.parse:  # it would take other formats' lines, too
                    self._use(each)
                return line
        return systemd.parse(text)

    def _unstamped(self, text: str, priority: int | None, further: bool) -> Line:
        """Read a text that no format knows: last words, more of the line before, or a line of its own."""
        if " | " in text and (line := self._of_container(text, priority)):
            return line
        if text[:1] in _DYING and self._goes_on_dying(text):
            return self._more(text)
        if begun := crash.begins(text):
            report, self._level = begun
            self._open.crashed(report)
            return Line(self._level, None, text.rstrip(), {})
        if self._open.takes(text, self._level) or further:
            if self._level is None and is_frame(text):  # a text without a level stands between it and what it is of
                self._level = self._logged = self._logged if self._logged != "info" else None
            return self._more(text)
        self.unknown += 1
        line = generic.guess(text)
        self._open.plain()
        if line.level is None and is_exception(text):
            self._open.raised()
            line = line._replace(level="error")
        elif line.level is None:
            line = line._replace(level=level_of_priority(priority, manager=False))
        self._level = line.level
        return line

    def _of_container(self, text: str, priority: int | None) -> Line | None:
        """Read a line that begins with a container's name, from compose; each container's lines are a stream apart."""
        cut = compose.container(text)
        if cut is None or (cut[0] not in self._containers and len(self._containers) >= compose.MOST):
            return None
        name, rest, surely = cut
        parser = self._containers.get(name) or LineParser()
        line = parser.parse(rest, priority)
        if name not in self._containers and not (surely or line.timestamp_text):
            return None
        self._containers[name] = parser
        self._level = line.level
        if line.continuation:
            return line._replace(message=text.rstrip())
        return line._replace(fields={"container": name, **line.fields})

    def _goes_on_dying(self, text: str) -> bool:
        if crash.is_epilogue(text):
            return self._open.dying
        if crash.is_traceback(text) and (self._open.dying or self._level in ("error", "critical")):
            self._open.crashed(crash.Report.FRAMES)
            return True
        return False

    def _more(self, text: str) -> Line:
        return Line(self._level, None, text.rstrip(), {}, None, True)
