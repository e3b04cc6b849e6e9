"""Lines that belong to the line before them: stack traces, lists, banners.

Belongs here: telling such a line by its shape, since journald makes an entry of each line that a program prints.
"""

from __future__ import annotations

import re

_FRAME = re.compile(
    r"at (?:async |new )?[^\s(]++ ?(?:\[as [^\]]++\] )?\("  # Java, JavaScript, .NET
    r"|at (?:async )?[\w$-]*+[.:/<][^\s(]*+\Z"
    r"|\.\.\. \d+ (?:more\Z|common frames)|Caused by:|Suppressed: "  # Java
    r"|---> |--- End of (?:inner |stack)"  # .NET
    r"|goroutine \d+ \[|\[signal |created by (?=\S*\.)\S++(?: in goroutine \d+)?\Z|exit status \d"
    r"|r(?:[a-ds]?[a-z0-9]|ip|flags) +0x|[cfg]s +0x"  # Go and its registers
    r"|note: (?:run|some|the|using)|stack backtrace:|Location:\Z|Backtrace omitted|Run with [A-Z_]+="  # Rust
    r"|\[\[reraised from:|\]\]\Z"  # Nim
    r"|Emitted 'error' event|Node\.js v\d"  # Node.js
    r"|(?=\S*\.)[\w.~-]*+/[^\s(]++(?:\(\*?[\w\[\]…]++\)[\w.\[\]…]*+)?(?:\(.*\))?\Z"
    r"|[a-z]\w*+\.(?:\(\*?[\w\[\]…]++\)\.)?[\w.\[\]…]++\((?:0x|\{|\.\.\.|\)).*\)?\Z|(?:main|runtime)\.[\w.]++\Z"
    r"|\S+\.(?:go|nim|rs|py|ts|js)(?::\d+|\(\d+\))"
)
_CRASH = re.compile(
    r"panic: |fatal error: |Fatal(?: error)?: |FATAL(?: ERROR)?: |SIG[A-Z]+: |Segmentation fault"
    r"|unexpected fault address "
    r"|thread '[^']*' (?:\(\d+\) )?(?:has overflowed|panicked)|fatal runtime error: |memory allocation of \d"
    r"|The application panicked|terminate called |Aborted \(core dumped\)|double free or corruption|corrupted size vs"
    r"|Fatal error\. |Process terminated\. "
    r"|Traceback \(most recent|Unhandled exception|Exception in thread |Error: unhandled exception"
    r"|Terminating due to java|# A fatal error has been detected|(?:node:internal/|file:///)[^\s:]++:\d++\Z"
)
_EXCEPTION = re.compile(r"(?:[\w$]+\.)*[\w$]*(?:Exception|Error|Throwable)(?: \[\w+\])?(?:\.\w+)?(?:$|: |:$)")


_RULE = re.compile(r"-{5,}\Z|={3,}\[")  # of Nethermind's table of peers
_LAST = re.compile(r"note: |Node\.js v|exit status ")


def is_indented(text: str) -> bool:
    """Whether a text continues what came before it by where it stands: it is indented, empty, or a table's rule."""
    return text[:1] in ("", " ", "\t") or _RULE.match(text) is not None


def is_last(text: str) -> bool:
    """Whether a trace ends with this line."""
    return _LAST.match(text) is not None


def is_frame(text: str) -> bool:
    """Whether a text is a frame of a stack trace, or one of the lines between them."""
    return _FRAME.match(text.lstrip()) is not None


def is_crash(text: str) -> bool:
    """Whether a program's last words begin with this line."""
    return _CRASH.match(text) is not None


def is_exception(text: str) -> bool:
    """Whether it is the first line of an exception as runtimes print them; it follows the line that tells of it."""
    return _EXCEPTION.match(text) is not None
