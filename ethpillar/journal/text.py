"""A message's bytes to lines of valid text.

Belongs here: decoding, colours and control characters. It must not know what a line means.
"""

from __future__ import annotations

import re

# ECMA-48, in the order of how common they are: CSI (colours, cursor moves), OSC with either end (links, titles), the
# string-like others (DCS, SOS, PM, APC), charset selections, two-character escapes. Each alternative is linear: its
# classes do not overlap with what ends it. An escape that never ends is cut at the line's end.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\\\|\x9c)?"
    "|\x1b[ -/]+[0-~]?"
    "|\x1b[0-~]?"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


_INVISIBLE = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"Unicode's controls of direction, with which a line may read as another one, and its two line separators."

MOST_LINES = 1000
"Lines of one message. A program that sends more of them at once has the rest in the last one: a line is work."


def clean(message: bytes) -> list[str]:
    """Return the lines of a message: valid text, no colours, no control characters but tab, no line breaks.

    What would change a line's direction is shown as `<U+202E>`: a line must not read as another one.

    An empty message is one empty line. Line breaks at the end are not a line. Of a progress bar (text, carriage
    return, text) the last state counts.
    """
    try:
        text = message.decode()
    except UnicodeDecodeError:
        text = message.decode("utf-8", "replace")
    if text.isprintable():
        return [text]
    if "\x1b" in text or "\x9b" in text or "\x9d" in text or _has_c1_strings(text):
        text = _ESCAPES.sub("", text)
    if "\n" in text:
        lines = text.rstrip("\r\n").replace("\r\n", "\n").split("\n", MOST_LINES - 1)
        return [_line(line) for line in lines[:-1]] + [_line(lines[-1].replace("\n", " "))]
    return [_line(text)]


def _has_c1_strings(text: str) -> bool:
    return any(character in text for character in "\x90\x98\x9e\x9f")


def _line(text: str) -> str:
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part), "")
    text = _CONTROLS.sub("", text)
    return text if text.isprintable() else _INVISIBLE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    return f"<U+{ord(found[0]):04X}>"
