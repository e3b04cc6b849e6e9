"""Lines that belong to the line before them: stack traces, lists, banners.

Belongs here: telling such a line by its shape, since journald makes an entry of each line that a program prints.
"""

from __future__ import annotations

import re

_FRAME = re.compile(
    r"at [\w$./<\[]|\.\.\. \d+ (?:more|common frames)|Caused by:|Suppressed: "  # Java
    r"|---> |--- End of (?:inner |stack)"  # .NET
    r"|goroutine \d+ \[|\[signal |created by |exit status \d|r(?:[a-ds]?[a-z0-9]|ip|flags) +0x|[cfg]s +0x"  # Go
    r"|note: (?:run|some|the|using)|stack backtrace:|Location:\Z|Backtrace omitted|Run with [A-Z_]+="  # Rust
    r"|\[\[reraised from:|\]\]\Z"  # Nim
    r"|Emitted 'error' event|Node\.js v\d"  # Node.js
    r"|(?=\S*\.)[\w.~-]*+/[^\s(]++(?:\(\*?[\w\[\]…]++\)[\w.\[\]…]*+)?(?:\(.*\))?\Z|(?:runtime|main|sync|os|net)\.[^\s(]++\(.*\)\Z"
    r"|\S+\.(?:go|nim|rs|py|ts|js)(?::\d+|\(\d+\))"
)
_CRASH = re.compile(
    r"panic: |fatal error: |Fatal(?: error)?: |FATAL(?: ERROR)?: |SIG[A-Z]+: |Segmentation fault"
    r"|unexpected fault address "
    r"|thread '[^']*' (?:\(\d+\) )?(?:has overflowed|panicked)|fatal runtime error: |memory allocation of \d"
    r"|The application panicked"
    r"|Traceback \(most recent|Unhandled exception|Exception in thread |Error: unhandled exception"
    r"|Terminating due to java|# A fatal error has been detected|(?:node:internal/|file:///)[^\s:]++:\d++\Z"
)
_EXCEPTION = re.compile(r"(?:[\w$]+\.)*[\w$]*(?:Exception|Error|Throwable)(?:$|: |:$)")


def is_more(text: str) -> bool:
    """Whether a text continues whatever came before it: it is indented, empty, or a stack's frame."""
    return text[:1] in ("", " ", "\t") or is_frame(text)


def is_frame(text: str) -> bool:
    """Whether a text is a frame of a stack trace, or one of the lines between them."""
    return _FRAME.match(text.lstrip()) is not None


def is_crash(text: str) -> bool:
    """Whether a program's last words begin with this line."""
    return _CRASH.match(text) is not None


def is_exception(text: str) -> bool:
    """Whether it is the first line of an exception as runtimes print them; it follows the line that tells of it."""
    return _EXCEPTION.match(text) is not None
