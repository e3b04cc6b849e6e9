"""Waiting until a client may send more."""

from __future__ import annotations

import errno
import random
import socket
from typing import Any

import gevent

from ..limits.limits import Limits
from ..limits.refusals import Refusal

LEAST = 0.001
"Seconds of the shortest wait."
LOOK_EVERY = 1.0
"Seconds after which it is seen whether a client that waits is still there."
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_ESTABLISHED = 1


def wait_until_paid(limits: Limits, client: str | None, cost: float = 1, connection: Any = None) -> None:
    """Charge a client, see `Limits.charge`, once what others of its address sent is paid off.

    Of several that wait, each looks again when it is waked, and those that want little look first: a page that shares
    an address with a flood gets through in between.

    :param connection: the client's, if it is known: a client that has left is not waited for, else many that send a lot
        and leave would keep their connections, and what they sent, for minutes
    :raises BrokenPipeError: it has left
    """
    while wait := limits.charge(client, cost):
        limits.refused.note(Refusal.FLOOD)
        more = random.random() * (cost - 1) / limits.packets.rate
        gevent.sleep(min(LOOK_EVERY, max(LEAST, wait) + more))
        if has_left(connection):
            raise BrokenPipeError(errno.EPIPE, "the client has left")


def has_left(connection: Any) -> bool:
    """Return True if a peer has ended its side of a TCP connection, however much of what it sent is still unread.

    Only the system knows that: reading would first return the rest. False where it does not tell (Linux does).
    """
    if _TCP_INFO is None or getattr(connection, "family", None) not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        return bool(connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] != _ESTABLISHED)
    except OSError:
        return True  # it was closed here
