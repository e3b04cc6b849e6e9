"""Nethermind.

Grammar (Nethermind.Runner/NLog.config): the console has `dd MMM hh:mm:ss | message`, older ones
`yyyy-MM-dd hh:mm:ss.ffff|message|`, the log file (and some images' consoles)
`yyyy-MM-dd hh:mm:ss.ffff|LEVEL|thread|message`, with the logger before or after the thread in some versions.
The console shows the level as a colour, and that on terminals only: what is left are words, taken as a hint. Messages
may hold ` | ` as a column's border.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line

_HEAD = re.compile(
    r"(\d\d [A-Z][a-z]{2} \d\d:\d\d:\d\d) \| ?"
    r"|(\d{4}-\d\d-\d\d \d\d[:-]\d\d[:-]\d\d\.\d{4})\|"
    r"(?:(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\|(?:([A-Z][\w.`]*+)\|)?(\d*)\|(?:([A-Z]\w*+(?:\.\w++)++)\|)?)?"
)
_BLOCK = re.compile(
    r"(?:Processed(?: block)?|Received (?:a )?[Nn]ew (?:[Pp]ayload|[Bb]lock):|Synced [Cc]hain Head to"
    r"|Received ForkChoice:(?: Head:)?|Produced block|Suggesting block|Discovered (?:a )?new block"
    r"|Syncing\.\.\. Inserting block"
    r"|Invalid(?: -)? block|FCU - block|Valid\. Result of a new payload:|Rerunning block after reorg or pruning:) +"
    r"([\d,]+)(?:\.{3} *([\d,]+))?"
    r"(?: *(?:\d\d:\d\d:\d\d )?\((0x[0-9a-f]+(?:\.{2,3}[0-9a-f]+)?)\))?"
)
_PEERS = re.compile(
    r"Peers:? +(\d+)|Peers \| with (?:known )?best block: +\d+ \| all: +(\d+)"
    r"|(?:Allocated s|S)ync peers (?:- Initialized: \d+ \| All: (\d+)|(?:\d+\()?(\d+)\)?/\d)"
)
"In the first sum all are counted; of `72(73)/100` 72 have told of their best block, 73 are connected."
_HINTS = {"Error": "error", "Exception": "error", "Unhandled": "error", "Invalid": "warn", "Warning": "warn"}
_FIRST_WORD = re.compile(r"[A-Z][a-z]+")


def parse(text: str) -> Line | None:
    """Read a line of Nethermind's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    time = head[1]
    component = None
    if time is not None:
        message, level, fields = text[head.end() :].strip(), None, {}
    else:
        time = head[2]
        message = text[head.end() :].strip().removesuffix("|").rstrip()
        level = LEVEL_OF[head[3]] if head[3] else None
        fields = {"thread": head[5]} if head[5] else {}
        component = head[4] or head[6]
        if head[4] and head[6]:
            fields["logger"] = head[6]
    if level is None and (first := _FIRST_WORD.match(message)):
        level = _HINTS.get(first[0])
    return Line(level, component, message, fields, time, False, _eth(message))


def _eth(message: str) -> dict[str, str] | None:
    if block := _BLOCK.match(message):
        return eth.with_more(None, block=block[2] or block[1], hash=block[3])
    if peers := _PEERS.match(message):
        return {"peers": peers[peers.lastindex or 1]}
    return eth.in_text(message) if "(0x" in message else None
