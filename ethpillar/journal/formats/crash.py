"""A program's last words: how runtimes begin what they print when a program dies, or is about to.

Belongs here: the line that gives the reason, its level, and what may follow it. Where the report goes on is
`formats.continuation`'s to say.
"""

from __future__ import annotations

import re
from enum import Enum


class Report(Enum):
    """The kinds of text that follow the line with the reason."""

    TEXT = "the reason's text may have more lines, then frames"
    FRAMES = "frames at most"
    JVM = "HotSpot's report, in which every line begins with a hash"
    THREADS = "HotSpot's list of threads"
    KERNEL = "what the kernel tells of memory, and of the process that it chose"


_HEADS = (
    (Report.JVM, "critical", r"# (?:A fatal error has been detected|There is insufficient memory for the Java)"),
    (Report.THREADS, "error", r"Full thread dump |Found (?:one|\d+) Java-level deadlocks?:"),
    (
        Report.FRAMES,
        "critical",
        r"(?:\[ *\d+\.\d{6}\] )?(?:Memory cgroup out|Out) of memory: Kill(?:ed)? process \d"  # the kernel
        r"|(?:Aborted|Illegal instruction|Bus error|Killed|Trace/breakpoint trap)(?: \(core dumped\))?\Z"  # a shell
        r"|Aborted \(core dumped\)|Segmentation fault|(?:Terminating|Aborting) due to java"  # Java
        r"|Exception: \S+ thrown from the UncaughtExceptionHandler|\*\*\* java\.lang\.instrument ASSERTION FAILED"
        r"|memory allocation of \d|thread panicked while processing panic|fatal runtime error: "  # Rust
        r"|thread '[^']*' (?:\(\d+\) )?has overflowed|error: \S{1,30} interrupted by SIG[A-Z]+"
        r"|Out of memory\.\Z|Stack overflow\.\Z|Traceback \(most recent|Error: unhandled exception"  # .NET, Python, Nim
        r"|FATAL ERROR: |fatal error: |SIG[A-Z]+: |unexpected fault address "  # Node.js, Go
        r"|runtime: (?:out of memory|goroutine stack exceeds|program exceeds|cannot allocate|VirtualAlloc)"
        r"|terminate called |libc\+\+abi: |pure virtual method called|LLVM ERROR: |Fatal glibc error: "  # C++
        r"|(?:\*\*\* (?:Error in [`']?\S{1,200} )?)?(?:double free or corruption|corrupted (?:size vs|double-linked)"
        r"|(?:free|malloc|realloc|calloc|munmap_chunk|malloc_consolidate|tcache_\w+|sysmalloc)\(\): )"
        r"|\*\*\* (?:Error in |stack smashing detected|buffer overflow detected|glibc detected)",
    ),
    (
        Report.TEXT,
        "critical",
        r"panic: |Fatal(?: error)?: |FATAL: |thread '[^']*' (?:\(\d+\) )?panicked|The application panicked"  # Go, Rust
        r"|Unhandled exception|Fatal error\. |Process terminated\. |Exception in thread "  # .NET, Java
        r"|(?:node:internal/|file:///)[^\s:]++:\d++\Z|/\S+\.[cm]?js:\d++\Z",  # Node.js
    ),
    (
        Report.TEXT,
        "error",
        r" ?\u2716 |\(node:\d+\) UnhandledPromiseRejectionWarning: |\[UnhandledPromiseRejection: ",
    ),
)
_WITHIN = (
    (Report.KERNEL, " invoked oom-killer: ", re.compile(r"(?:\[ *\d+\.\d{6}\] )?\S[^:=]{0,30} invoked oom-killer: ")),
    (Report.FRAMES, ": line ", re.compile(r"\S+: line \d+: +\d+ (?:Segm|Abor|Illeg|Bus err|Kill|Floating|Trace)")),
    (Report.FRAMES, ": Assertion ", re.compile(r"\S{1,200}: \S{1,200}:\d+: .{1,400}: Assertion [`'].*' failed\.")),
)
"What begins with a program's name, and the words in it that are looked for first."

# Of what most texts begin with, none of these is the first character: so they cost next to nothing.
_HEAD = re.compile(
    r"(?=[ #(*/\[\u2716ABEFIKLMOPSTUcdeflmnprtu])(?:"
    + "|".join(f"(?P<h{number}>{pattern})" for number, (_, _, pattern) in enumerate(_HEADS))
    + ")"
)
_TRACEBACK = "Traceback (most recent"
_EPILOGUES = ("Aborted", "Segmentation fault", "Killed", "thread panicked while")


def begins(text: str) -> tuple[Report, str] | None:
    """Return the kind of a program's last words, and their level, when they begin with this line."""
    found = _HEAD.match(text)
    if found is not None and found.lastgroup is not None:
        report, level, _ = _HEADS[int(found.lastgroup[1:])]
        return report, level
    for report, words, pattern in _WITHIN:
        if words in text and pattern.match(text):
            return report, "critical"
    return None


def is_traceback(text: str) -> bool:
    """Return True if Python's frames begin here. They also follow a line that tells of the error."""
    return text.startswith(_TRACEBACK)


def is_epilogue(text: str) -> bool:
    """Return True if the shell or the C library says this of a program whose last words were others."""
    return text.startswith(_EPILOGUES)
