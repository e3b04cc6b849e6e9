"""Waiting until a client may send more."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Hashable
from typing import Any

import gevent
from gevent.event import Event

from ..limits.buckets import ByClient
from ..limits.limits import Limits
from ..limits.line import Line
from ..limits.refusals import Refusal
from ..turns import belong

LEAST = 0.001
"Seconds of the shortest wait."
LOOK_EVERY = 1.0
"Seconds after which it is seen whether a client that waits is still there."
MOST = 30.0
"""Seconds of the longest wait. Whether a client has left is not seen while it has more to send than there is room for;
one that waits for so long has sent for minutes, or shares an address with sixty sessions that have."""
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_ESTABLISHED = 1


def wait_until_paid(
    limits: Limits, client: str | None, cost: float = 1, connection: Any = None, session: Hashable = ()
) -> None:
    """Charge a client for what it sends, once what it owes for something else is paid off.

    Nothing is refused: a client that shares an address with a flood is served a moment later, and a flood over many
    connections comes no faster than over one. Those of an address that wait have its rate in equal parts by session
    (see `limits.line`), and what is owed for bad tokens holds up only those that have shown no good one.

    :param client: None for a proxy's, which is everybody
    :param connection: the client's, if it is known: a client that has left is not waited for, else many that send a lot
        and leave would keep their connections, and what they sent, for minutes
    :param session: whose it is; `()` if it has shown none
    :raises BrokenPipeError: it has left, or waits for too long
    """
    if client is not None:
        if not session:
            _pay(limits, limits.suspects, client, 0, connection, session)
        _pay(limits, limits.packets, client, cost, connection, session)


def _pay(limits: Limits, debts: ByClient, client: str, cost: float, connection: Any, session: Hashable) -> None:
    key = id(debts), client
    line = limits.owing.get(key)
    if line is None:
        if not debts.pay(client, cost):
            return
        line = limits.owing[key] = Line()
        gevent.spawn(_give_turns, limits, debts, client, line)
    limits.refusals.note(Refusal.FLOOD)
    turn, end = Event(), time.monotonic() + MOST
    number = line.put(session, cost, (turn, cost))
    try:
        while not turn.wait(LOOK_EVERY):
            if has_left(connection) or time.monotonic() > end:
                raise BrokenPipeError(errno.EPIPE, "the client has left")
    finally:
        if not turn.is_set():
            line.discard(number)


def _give_turns(limits: Limits, debts: ByClient, client: str, line: Line[tuple[Event, float]]) -> None:
    """Charge one after the other, each once what came before is paid off."""
    belong(client)
    try:
        while line:
            debt = debts.debt(client)
            if debt:
                gevent.sleep(max(LEAST, debt))
            else:
                turn, cost = line.take()
                debts.pay(client, cost)
                turn.set()
    finally:
        del limits.owing[id(debts), client]


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
