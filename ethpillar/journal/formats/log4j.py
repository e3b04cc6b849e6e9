"""The formats of log4j and logback: Besu, Web3signer, Teku's files, and Java programs in general.

Grammar of Besu (XmlExtensionConfiguration.java), Web3signer and Teku's file: `time | thread | LEVEL | Class | message`.
Teku's console (LoggingConfigurator.java): `[date ]hh:mm:ss.SSS LEVEL - message`. logback's default:
`hh:mm:ss.SSS [thread] LEVEL logger - message` (`--` in newer ones), Spring's `time LEVEL pid --- [thread] logger :
message`. log4j about itself: `date hh:mm:ss,SSS thread LEVEL message`.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import COLON_TITLE, open_pairs

_LEVELS = "(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)"
_COLUMNS = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3}(?:[+-]\d\d:?\d\d|Z)?) \| ([^|]*?) \| "
    + _LEVELS
    + r" *+\| ([^|]*?) \|(?: |$)"
)
_TEKU = re.compile(r"((?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3}) " + _LEVELS + " +- ")
_LOGBACK = re.compile(
    r"((?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d[.,]\d{3}(?:[+-]\d\d:?\d\d|Z)?) +(?:\[([^\]]*)\] +)?"
    + _LEVELS
    + r" +(?:(\d+) --- +)?(?:\[ *([^\]]*)\] +)?(?:\[ *([^\]]*)\] +)?([\w.$]+(?::\d+)?) +(?:--?|:) "
)
_STATUS = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3,9}Z?) ([\w.$/-]+(?: \([^)]*\))?) " + _LEVELS + r" +(?![-:|\[])"
)
_IMPORTED = re.compile(r"(?:Imported|Importing|Produced|Proposed)[^#]{0,24}#([\d,]+)")
_SEGMENT = re.compile(r"Completed importing chain segment \d+ to (\d+)")
_NUMBER = re.compile(r"(?:New payload|Invalid new payload): number: (\d+), hash: (0x[0-9a-f]+)")
_PROGRESS = re.compile(r"Block import progress: (\d+)")
_CHOICE = re.compile(r"(?:FCU\(\w+\) \| head|\w+ for fork-choice-update: head): (\w+(?:\.{5}\w+)?)")
_HASH = re.compile(r"\((0x[0-9a-f]{64}|[0-9a-f]{5}\.{5}[0-9a-f]{5})\)")
_PEERS = re.compile(r"(?:[Pp]eers|Peer count): +(\d+)\s*$|\| +(\d+) peers")


def columns(text: str) -> Line | None:
    """Read a line of Besu's, Web3signer's or one from Teku's file; None when it is not one."""
    head = _COLUMNS.match(text)
    if head is None:
        return None
    message = text[head.end() :].strip()
    fields = {"thread": head[2]}
    package, _, logger = head[4].rpartition(".")
    if package:
        fields["logger"] = head[4]
    if logger.startswith("teku-"):
        return _event(LEVEL_OF[head[3]], logger, message, fields, head[1])
    return Line(LEVEL_OF[head[3]], logger, message, fields, head[1], False, besu_eth(message))


def teku(text: str) -> Line | None:
    """Read a line of Teku's console; None when it is not one."""
    head = _TEKU.match(text)
    return None if head is None else _event(LEVEL_OF[head[2]], None, text[head.end() :].strip(), {}, head[1])


def status(text: str) -> Line | None:
    """Read a line of log4j's about itself, and of Teku's before its logging is set up; None when it is not one."""
    head = _STATUS.match(text)
    if head is None:
        return None
    return Line(LEVEL_OF[head[3]], None, text[head.end() :].strip(), {"thread": head[2]}, head[1])


def logback(text: str) -> Line | None:
    """Read a line of some other Java program's; None when it is not one."""
    head = _LOGBACK.match(text)
    if head is None:
        return None
    thread = head[2] or head[6] or head[5]
    package, _, logger = head[7].rpartition(".")
    found = {
        "thread": thread,
        "pid": head[4],
        "application": head[5] if head[6] else None,
        "logger": head[7] if package else None,
    }
    fields = {key: value.strip() for key, value in found.items() if value}
    return Line(LEVEL_OF[head[3]], logger, text[head.end() :].strip(), fields, head[1])


def _event(level: str, component: str | None, message: str, fields: dict[str, str], time: str) -> Line:
    # `Slot Event  *** Slot: 1, Block: .., Peers: 10`, `Validator   *** Published attestation    Count: 1, Slot: ..`
    heading, stars, told = message.partition("***")
    if not stars:
        return Line(level, component, message, fields, time)
    said, pairs = open_pairs(told.strip(), COLON_TITLE)
    if pairs:
        message = f"{heading.rstrip()} *** {said.rstrip()}" if said.strip() else heading.rstrip()
    return Line(level, component, message, fields | pairs, time, False, eth.from_fields(pairs, eth.CONSENSUS))


def eth_of(message: str) -> dict[str, str] | None:
    """Return what a message of Besu's or Teku's says of the chain, in any layout."""
    if "***" in message:
        return eth.from_fields(open_pairs(message.partition("***")[2].strip(), COLON_TITLE)[1], eth.CONSENSUS)
    return besu_eth(message)


def besu_eth(message: str) -> dict[str, str] | None:
    """Return what a message of Besu's says of the chain."""
    peers = _PEERS.search(message) if "peers" in message or "Peer" in message else None
    count = (peers[1] or peers[2]) if peers else None
    if "mported" in message or "roduced" in message:
        if imported := _IMPORTED.match(message):
            block_hash = _HASH.search(message)
            return eth.with_more(None, block=imported[1], hash=block_hash[1] if block_hash else None, peers=count)
    elif "payload: " in message:
        if payload := _NUMBER.match(message):
            return {"block": payload[1], "hash": payload[2]}
    elif "head: " in message:
        if choice := _CHOICE.match(message):
            return {"hash": choice[1]}
    elif "progress: " in message and (progress := _PROGRESS.match(message)):
        return eth.with_more(None, block=progress[1], peers=count)
    elif segment := _SEGMENT.match(message):
        return eth.with_more(None, block=segment[1], peers=count)
    found = eth.in_text(message) if "(0x" in message else None
    return {**(found or {}), "peers": count} if count else found
