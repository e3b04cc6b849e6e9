"""Lines that belong to the line before them: stack traces, reports, lists, JSON, banners.

Belongs here: telling such a line by its shape and by what the lines before have left open, since journald makes an
entry of each line that a program prints. It must not know the formats: only texts that none of them knows come here.
"""

from __future__ import annotations

import re
from enum import Enum

from .crash import Report
from .line import Line


class State(Enum):
    """The states in which the lines before may leave a unit: each says which texts without a format belong to them."""

    CLOSED = "a record that is whole: what stands indented, frames, banners, the JSON or the exception it tells of"
    MANAGER = "a line of systemd's: nothing but frames"
    OPEN = "a record that ends where a list, an object or a text begins: everything"
    BLOCK = "JSON over several lines: everything up to its closing bracket"
    TEXT = "an exception or last words: some lines of its text, then frames"
    TRACE = "frames: more of them, and what stands between frames"
    WRAPPED = "a frame of Go's pkg/errors: the text of the error around it, then frames"
    JVM = "HotSpot's report"
    THREADS = "HotSpot's list of threads"
    KERNEL = "the kernel's report of memory"


_STATES = {
    Report.TEXT: State.TEXT, Report.FRAMES: State.TRACE, Report.JVM: State.JVM, Report.THREADS: State.THREADS,
    Report.KERNEL: State.KERNEL,
}  # fmt: skip

OPENING = ",:{[( "
"What a record that is not whole ends with."
AFTER_CRASH, AFTER_EXCEPTION = 3, 2
"Lines of a text that has line breaks in it, at most: they look like any other line."

_FRAME = re.compile(
    r"at (?:async |new )?[^\s(]++ ?(?:\[as [^\]]++\] )?\("  # Java, JavaScript, .NET
    r"|at (?:async )?[\w$-]*+[.:/<][^\s(]*+\Z"
    r"|\.\.\. \d+ (?:more\Z|common frames)|Caused by:|Suppressed: |Repeat \d+ times:"  # Java, .NET
    r"|---> |--- End of (?:inner |stack)"  # .NET
    r"|goroutine \d+ (?:gp=\S+ )?(?:m=\S+ )?(?:mp=\S+ )?\[|\[signal |created by (?=\S*\.)\S++(?: in goroutine \d+)?\Z"
    r"|exit status \d|\[(?:originating from goroutine|recovered\])|\.\.\.additional frames elided|runtime stack:\Z"
    r"|r(?:[a-ds]?[a-z0-9]|1[0-5]|2\d|ip|flags) +0x|[cfg]s +0x|(?:lr|sp|pc|fault) +0x|PC=0x|runtime: sp=0x"
    r"|panic\(\{?0x|signal arrived during"  # Go
    r"|note: (?:run|[Ss]ome|the|using|we|back|max|reth)|stack backtrace|Location:\Z|Backtrace omitted|Run with [A-Z_]+="
    r"|\[\[reraised from:|\]\]\Z"  # Nim
    r"|Emitted 'error' event|Node\.js v\d|\(Use `node --trace|----- \w[\w ]{0,40} -----\Z|<--- JS stack"  # Node.js
    r"|\d+: 0x[0-9a-f]+\b|\[\d+:0x[0-9a-f]+\] +\d+ ms: "
    r"|### (?:cycle|recursed) |[^\s(\[]{1,200}+(?:\([^()]{0,400}+\))? ?\[0x[0-9a-f]+\]\Z|={7} \w[\w ]+: =+\Z"  # glibc
    r"|[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] "
    r"|During handling of the above|The above exception was the direct"  # Python
    r"|(?=\S*\.)[\w.~-]*+/[^\s(]++(?:\(\*?[\w\[\]…]++\)[\w.\[\]…]*+)?(?:\(.*\))?\Z"
    r"|[a-z]\w*+\.(?:\(\*?[\w\[\]…]++\)\.)?[\w.\[\]…]++\((?:0x|\{|\.\.\.|\?|\)).*\)?\Z|(?:main|runtime)\.[\w.]++\Z"
    r"|\S+\.(?:go|nim|rs|py|ts|js)(?::\d+|\(\d+\))"
)
_SHAPES = {
    State.JVM: re.compile(r"#|\[thread \S+ also had|\[error occurred during|\[Too many errors"),
    State.THREADS: re.compile(
        r'"|=+\Z|Found |Java stack information|JNI global|Heap\Z|Threads class SMR|_java_thread_list|length=|0x|\}|_to_'
    ),
    State.KERNEL: re.compile(
        r"(?:\[ *\d+\.\d{6}\] )? *(?:CPU: |Hardware name: |Call Trace:|</?TASK>|R[A-Z0-9]{2}: |ORIG_RAX|Code: |Mem-Info"
        r"|active_|Node \d|lowmem_reserve|\d+ (?:total )?pages?|\d+ pages |Swap cache|Free swap|Total swap|Tasks state"
        r"|\[ *\w+ *\]|oom-kill:|oom_reaper: |(?:memory|swap|kmem): usage|Memory cgroup (?:stats|min|low)"
        r"|\? \S+\+0x|\S+\+0x|[a-z_]+ \d+\Z|Unreclaimable slab)"
    ),
}
_EXCEPTION = re.compile(r"(?:[\w$]+\.)*[\w$]*(?:Exception|Error|Throwable)(?: \[\w+\])?(?:\.\w+)?(?:$|: |:$)")
_RULE = re.compile(r"-{5,}\Z|={3,}\[|={5,}\Z")  # of tables
_WRAPPED = re.compile(r"\s*\S+\.go:\d+\Z")
_AFTER_OOM = re.compile(r"Dumping heap to |Heap dump file created|Unable to create .*hprof")
_RECORD = re.compile(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|\[?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\[Nest\] \d"
    r"|\[?\d\d[ /](?:[A-Z][a-z]{2}|\d\d)[ /]|\[(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRIT|FATAL)\] |\[\d+\.\d+s\]\["
)
_WORD = re.compile(r"[^\W_]")
_ART_LEAST, _ART_MOST = 6, 400
_PATTERN_LEAST, _PATTERN_SIGNS = 16, 4


def is_frame(text: str) -> bool:
    """Return True if a text is a frame of a stack trace, or one of the lines between them."""
    return _FRAME.match(text.lstrip()) is not None


def is_exception(text: str) -> bool:
    """Return True if it is the first line of an exception as runtimes print them."""
    return _EXCEPTION.match(text) is not None


def is_art(text: str) -> bool:
    """Return True if a text is a part of a picture or a table's rule: signs, with hardly a letter or digit."""
    if text[:3].isalpha() or text[:5].isalnum() or not _ART_LEAST <= len(text) <= _ART_MOST:
        return False
    if len(text) >= _PATTERN_LEAST and len(set(text)) <= _PATTERN_SIGNS:  # such as Nethermind's map of its progress
        return True
    signs = len(text) - text.count(" ")
    return signs >= _ART_LEAST and len(_WORD.findall(text)) * 4 < signs


class Continuation:
    """Tracks what a unit's lines have left open, and says of each line without a format whether it continues them.

    Tell it of each line that has one (`record`, `manager`, `crashed`, `raised`, `plain`), in their order; `takes`
    answers, and takes note of the line itself.
    """

    def __init__(self) -> None:
        self.state = State.CLOSED
        "What the lines before have left open."
        self._left = 0
        "Lines of text that an exception or last words may still have."

    def record(self, text: str, line: Line) -> None:
        """Take note of a record: what follows may belong to it."""
        self.state = State.OPEN if _leaves_open(text, line) else State.CLOSED

    def manager(self) -> None:
        """systemd has said something about the unit."""
        self.state = State.MANAGER

    def crashed(self, report: Report) -> None:
        """Last words have begun."""
        self.state = _STATES[report]
        self._left = AFTER_CRASH

    def raised(self) -> None:
        """Take note that an exception has begun that no line told of."""
        self.state = State.TEXT
        self._left = AFTER_EXCEPTION

    def plain(self) -> None:
        """Take note of a line of its own, without a format."""
        self.state = State.CLOSED

    @property
    def dying(self) -> bool:
        """Return True if what came last is a crash, or frames."""
        return self.state in (State.TEXT, State.TRACE, State.WRAPPED, State.JVM, State.KERNEL)

    def takes(self, text: str, level: str | None) -> bool:
        """Return True if a text that no format knows belongs to what came before.

        :param level: of the line before, which can tell of an exception only if it is worse than info
        """
        if is_frame(text):
            if self.state not in (State.OPEN, State.BLOCK, *_SHAPES):
                self.state = State.WRAPPED if _WRAPPED.match(text) else State.TRACE
            return True
        if text[:1] in ("", " ", "\t") or _RULE.match(text):
            return self.state is not State.MANAGER  # systemd's lines have no more lines
        shape = _SHAPES.get(self.state)
        if shape and shape.match(text):
            return True
        return self._takes_text(text, level) or (self.state is not State.MANAGER and is_art(text))

    def _takes_text(self, text: str, level: str | None) -> bool:
        if self.state in (State.OPEN, State.BLOCK, State.TEXT, State.WRAPPED) and _RECORD.match(text):
            return False
        if self.state is State.OPEN:
            return True
        if self.state is State.BLOCK:
            if text[0] in "}]":
                self.state = State.CLOSED
            return True
        if self.state is State.CLOSED and level is not None and text in ("{", "["):
            self.state = State.BLOCK
            return True
        return self._takes_reason(text, level)

    def _takes_reason(self, text: str, level: str | None) -> bool:
        """Return True if a text is an exception, or more of its text."""
        if is_exception(text):
            if self.state in (State.TRACE, State.WRAPPED):  # which a trace ends with, if it does not begin with it
                self.state = State.CLOSED
                return True
            if self.state is not State.TEXT and level not in (None, "info") and self.state is not State.MANAGER:
                self.raised()
                return True
        if self.state is State.TEXT and self._left:
            self._left -= 1
            return True
        if self.state is State.WRAPPED:
            self.state = State.TRACE
            return True
        return self.state is State.TRACE and (text[0] in "}]" or _AFTER_OOM.match(text) is not None)


def _leaves_open(text: str, line: Line) -> bool:
    """Return True if a list, an object or a text begins where a record ends."""
    if not line.message:
        return not line.fields or text.rstrip().endswith("|")  # Besu's columns come before the message
    return text[-1] in OPENING and (
        text.endswith((":", ",", "{", "[", "(")) or (text.endswith(", ") and not line.fields)
    )
