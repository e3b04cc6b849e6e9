"""From a host name to a connected TCP socket.

Belongs here: which addresses are allowed, in which order they are tried, and the socket's options. The address that was
checked is the one that is connected to, so a name that changes its address in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket as plain_socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import gevent
from gevent import socket
from gevent.queue import Empty, SimpleQueue

from ..errors import AddressDenied, SshTimeout, SshUnreachable
from ..turns import breathe
from .resolve import Resolver

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Never a staker's node: link-local (and with it the clouds' metadata service), "this host", multicast, the metadata
# addresses that are not link-local, and a network's own NAT64, where an IPv4 address may stand in any of five places.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("169.254.0.0/16", "0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32"),
        *("168.63.129.16/32", "192.0.0.192/32"),
        *("fe80::/10", "::/128", "ff00::/8", "fd00:ec2::/32", "fd20:ce::254/128", "64:ff9b:1::/48"),
    )
)


STAGGER = 0.25
"Seconds before the next address is tried as well (RFC 8305's Connection Attempt Delay)."
TRIED = 16
"How many addresses of a name are tried at most: the owner of a name must not make this server scan a network."

# NAT64; "translated" (RFC 2765) and "compatible" (RFC 4291) addresses, which nobody should use any more.
_IPV4_AT_THE_END = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96"))
_LOOPBACK = ipaddress.IPv6Address("::1")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be connected to."""

    allowed: Sequence[Network] = ()
    "When not empty: only these."
    denied: Sequence[Network] = ()
    "Never these, nor link-local, multicast and metadata addresses."

    def permits(self, address: str) -> bool:
        """Return True if this numeric address may be connected to."""
        ip = ipaddress.ip_address(address.split("%", 1)[0])
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip
        forms = (ip, *_inside(ip))
        if any(form in network for form in forms for network in (*_NEVER, *self.denied)):
            return False
        return not self.allowed or any(ip in network for network in self.allowed)


def _inside(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 address to which a gateway (6to4, Teredo, NAT64, ...) would forward packets for this one."""
    if isinstance(ip, ipaddress.IPv4Address) or ip == _LOOPBACK:
        return []
    at_the_end = ipaddress.IPv4Address(ip.packed[-4:]) if any(ip in network for network in _IPV4_AT_THE_END) else None
    return [found for found in (ip.sixtofour, (ip.teredo or (None, None))[1], at_the_end) if found is not None]


class LiveSocket(socket.socket):  # the gevent one, monkey-patched or not
    """A socket that remembers when it last received something, which tells whether the connection is alive."""

    heard: float = 0.0
    "`time.monotonic()` of the last bytes received."
    peer: tuple[str, int] = "", 0
    "The address that it is connected to, and the port."

    def wait_for_word(self, seconds: float) -> None:
        """Return once the peer has said something, or has gone, or after so many seconds."""
        with suppress(TimeoutError):
            gevent.socket.wait_read(self.fileno(), timeout=seconds, timeout_exc=TimeoutError())

    def recv(self, *args: int) -> bytes:
        breathe()  # a peer that always has something to say, so that nothing ever waits, would keep all others waiting
        data: bytes = super().recv(*args)
        self.heard = time.monotonic()
        breathe()  # and many that have something to say at once
        return data


def connect(host: str, port: int, policy: AddressPolicy, timeout: float, resolver: Resolver) -> LiveSocket:
    """Return a TCP connection to the permitted address of a host that answers first.

    :param timeout: seconds for the lookup and all addresses together
    :raises AddressDenied: the host has addresses, and none is permitted
    :raises SshTimeout: time ran out
    :raises SshUnreachable: there is no such name, or every address refused
    """
    with gevent.Timeout(timeout, SshTimeout()):
        try:
            found = resolver.lookup(host, port)
        except (OSError, UnicodeError):
            raise SshUnreachable(hint="The host name of the node is not known. Check its spelling.") from None
        permitted = [info for info in found if policy.permits(str(info[4][0]))]
        if not permitted:
            raise AddressDenied
        return _first_to_answer(in_turns(permitted)[:TRIED])


def in_turns(found: Sequence[Any]) -> list[Any]:
    """Return what `getaddrinfo` found with IPv6 and IPv4 in turns (RFC 8305, 4), each in the system's order.

    The family that the system prefers begins. One that does not work delays the other by `STAGGER` only.
    """
    preferred = [info for info in found if info[0] == found[0][0]]
    other = [info for info in found if info[0] != found[0][0]]
    return [info for info in chain.from_iterable(zip_longest(preferred, other)) if info is not None]


def _first_to_answer(addresses: Sequence[Any]) -> LiveSocket:
    """Connect to each address, `STAGGER` after the one before it or as soon as that has failed.

    Every socket belongs to this function until it returns one of them, so an interruption leaks none: closing a socket
    ends the greenlet that connects it.
    """
    sockets: list[LiveSocket] = []
    answers: SimpleQueue[LiveSocket | None] = SimpleQueue()
    winner: LiveSocket | None = None
    attempts, waiting = _attempts(addresses), 0
    try:
        while True:
            attempt = next(attempts, None)
            if attempt is not None:
                sockets.append(attempt[0])
                gevent.spawn(_try, *attempt, answers)
                waiting += 1
            elif not waiting:
                raise SshUnreachable
            try:
                winner = answers.get(timeout=None if attempt is None else STAGGER)
            except Empty:
                continue  # the address that is being tried has had its head start
            waiting -= 1
            if winner is not None:
                return winner
    finally:
        for each in sockets:
            if each is not winner:
                each.close()


def _attempts(addresses: Sequence[Any]) -> Iterator[tuple[LiveSocket, Any]]:
    """Yield a socket for each address, and the address in the form in which it is connected to."""
    for family, kind, protocol, _, address in addresses:
        try:
            yield LiveSocket(family, kind, protocol), address
        except OSError:
            continue  # this machine has no such addresses, or no descriptor left


def _try(connection: LiveSocket, address: Any, answers: SimpleQueue[LiveSocket | None]) -> None:
    """Put the socket into `answers` once it is connected, or None if that fails."""
    try:
        _tune(connection)
        connection.connect(address)
    except OSError:
        answers.put(None)
        return
    connection.heard = time.monotonic()
    connection.peer = str(address[0]), int(address[1])
    answers.put(connection)


def _tune(connection: LiveSocket) -> None:
    connection.setsockopt(plain_socket.IPPROTO_TCP, plain_socket.TCP_NODELAY, 1)
    connection.setsockopt(plain_socket.SOL_SOCKET, plain_socket.SO_KEEPALIVE, 1)
    # Bytes that are not acknowledged for this long mean that the peer is gone, whatever TCP's own patience is.
    if hasattr(plain_socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(plain_socket.IPPROTO_TCP, plain_socket.TCP_USER_TIMEOUT, 30_000)
