"""Output that is compressed on its way.

Belongs here: the words that have a node compress what a command prints, where it has gzip, and what takes that apart.
Journals shrink to a sixth and less, which is what a home's uplink has to carry; and sshd, which passes on what it
finds, sends a few full packets instead of many small ones. It does no I/O.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

# The exit status of a pipeline is that of its last command, so the first one's is printed behind its output. Closing
# the pipe ends both: gzip can't write to it any more, and the command not to gzip.
_SCRIPT = 'command -v gzip >/dev/null || exec "$@"; { "$@"; printf %03d $?; } | exec gzip -1'
_STATUS = 3
"Digits of it."
_MAGIC = b"\x1f\x8b"
PIECE = 256 << 10
"Bytes unpacked at once: of a few kilobytes, a node that means no good makes megabytes."


def packed(words: Sequence[str]) -> list[str]:
    """Return the words of a command that prints what this one prints, compressed if the node has gzip."""
    return ["sh", "-c", _SCRIPT, "sh", *words]


class Unpacker:
    """Takes what such a command printed. What is not compressed is passed on as it is."""

    def __init__(self, breathe: Callable[[], None] = lambda: None) -> None:
        """:param breathe: called before each piece, so that others may have their turn"""
        self._breathe = breathe
        self._first = b""
        self._known = False
        self._stream: zlib._Decompress | None = None
        self._tail = b""
        self.broken = False
        "True once something was no part of a compressed stream."

    @property
    def status(self) -> int | None:
        """Return the command's exit status: None if it does not stand here, and is that of the whole.

        -1 if what was compressed has no end.
        """
        if self._stream is None:
            return None
        return int(self._tail) if self._stream.eof and self._tail.isdigit() and not self.broken else -1

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the bytes that these unpack to, in pieces."""
        if not self._known:
            data = self._first = self._first + data
            if len(data) < len(_MAGIC) and _MAGIC.startswith(data):
                return
            self._known, self._first = True, b""
            if data.startswith(_MAGIC):
                self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        if self._stream is None:
            yield data
            return
        while data and not self._stream.eof and not self.broken:
            self._breathe()
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error:
                self.broken = True
                return
            data = self._stream.unconsumed_tail
            piece = self._tail + piece
            piece, self._tail = piece[:-_STATUS], piece[-_STATUS:]
            if piece:
                yield piece
