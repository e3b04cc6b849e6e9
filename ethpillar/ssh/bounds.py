"""Bounds on what a peer may send.

Belongs here: the bounds that paramiko leaves out. Anybody may point a session at a machine of their own, so what
answers there may be no sshd at all: it must cost this server neither its memory nor its time.
"""

from __future__ import annotations

from typing import Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_OPEN,
    MSG_DEBUG,
    MSG_EXT_INFO,
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
    MSG_REQUEST_FAILURE,
    MSG_REQUEST_SUCCESS,
    MSG_UNIMPLEMENTED,
)
from paramiko.packet import Packetizer

from ..limits.buckets import Bucket
from .window import MOST

IDLE_KINDS = frozenset(
    {
        *(MSG_IGNORE, MSG_UNIMPLEMENTED, MSG_DEBUG, MSG_EXT_INFO),
        *(MSG_GLOBAL_REQUEST, MSG_REQUEST_SUCCESS, MSG_REQUEST_FAILURE, MSG_CHANNEL_OPEN),
    }
)

GREETING = 64 * 1024
"Bytes before the key exchange: the version, and what an administrator put in front of it."
PACKET = 300 * 1024
"Bytes of one packet; OpenSSH sends and takes 256 KiB at most."
IDLE_RATE, IDLE_BURST = 20, 1000
"""Packets a second and at once that carry nothing for anybody: to be ignored, to be logged, requests that are refused.
A good server sends one in a while, as a sign of life; one that sends no end of them is let go."""
BEYOND = 16
"Reads beyond the end of a message: some servers leave out the last fields, which are empty then."


class BoundedMessage(paramiko.Message):
    """A message that ends. paramiko reads zeros beyond the end, as often as a count in the message says.

    Four bytes that claim 2**32 prompts, or extensions, would take everybody's turn for an hour.
    """

    _beyond = 0

    def get_bytes(self, n: int) -> bytes:
        before = self.packet.tell()
        data: bytes = super().get_bytes(n)
        if self.packet.tell() - before < n:
            self._beyond += 1
            if self._beyond > BEYOND:
                raise paramiko.SSHException("a message that ends too early")
        return data


class BoundedPacketizer(Packetizer):
    """Reads no endless greeting, no packet that is too large, and no count beyond what there is.

    paramiko's own packetizer believes a peer about each of these. What breaks a bound raises an `SSHException`, which
    ends the transport and nothing else.
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._greeted = 0
        self.first_line = ""
        "Of the greeting."
        self._idle = Bucket(IDLE_RATE, IDLE_BURST)
        self.babbled = False
        "True if it was ended because the peer sent packets without end that carry nothing."

    def readline(self, timeout: float) -> str:
        line: str = super().readline(timeout)
        self.first_line = self.first_line or line
        return line

    def start_handshake(self, timeout: float) -> None:
        if not self.closed:
            super().start_handshake(timeout)

    def complete_handshake(self) -> None:
        super().complete_handshake()
        self._Packetizer__timer = None  # it is a thread, and paramiko keeps it for as long as the connection lives

    def close(self) -> None:
        super().close()
        self.complete_handshake()  # else its timer lives on for a minute, and keeps all that belongs to the connection

    def _read_timeout(self, timeout: float) -> bytes:
        data: bytes = super()._read_timeout(timeout)
        self._greeted += len(data)
        if self._greeted > GREETING:
            raise paramiko.SSHException("an endless greeting")
        return data

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if not 0 <= n <= PACKET:
            raise paramiko.SSHException("no such packet")
        data: bytes = super().read_all(n, check_rekey)
        return data

    def read_message(self) -> tuple[int, paramiko.Message]:
        kind, message = super().read_message()
        if kind in IDLE_KINDS and not self._idle.take():
            self.babbled = True
            raise paramiko.SSHException("packets without end that carry nothing")
        if kind >= MSG_CHANNEL_OPEN:  # those count nothing, and are most
            return kind, message
        bounded = BoundedMessage(message.asbytes())
        bounded.seqno = message.seqno
        return kind, bounded


def _feed(channel: paramiko.Channel, message: paramiko.Message) -> None:
    if _takes(channel):
        channel._feed(message)


def _feed_extended(channel: paramiko.Channel, message: paramiko.Message) -> None:
    if _takes(channel):
        channel._feed_extended(message)


def _takes(channel: paramiko.Channel) -> bool:
    """Return True if anybody may still read what a peer sends."""
    if len(channel.in_buffer) + len(channel.in_stderr_buffer) > 2 * MOST:
        raise paramiko.SSHException("more than the window")
    return not channel.closed


CHANNEL_HANDLERS = {
    **paramiko.Transport._channel_handler_table,
    MSG_CHANNEL_DATA: _feed,
    MSG_CHANNEL_EXTENDED_DATA: _feed_extended,
}
"For `Transport._channel_handler_table`: ends the connection of a peer that sends more than it was granted."
