"""Which client a request is from, as far as limits are concerned.

Belongs here: the address behind trusted proxies, and which addresses count as one. It is for counting only: nothing
is allowed because of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

HOPS = 16
"Proxies in a row that are believed at most."


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxies are believed about the client's address, and how they tell it."""

    trusted: Networks = ()
    "Peers that are proxies. Not used where `hops` are counted."
    hops: int = 0
    "How many proxies stand in front, whatever their addresses; then the port must not be reachable past them."
    header: str = ""
    "A header in which the platform names the client, such as `Fly-Client-IP`; empty: `X-Forwarded-For`."

    @property
    def header_key(self) -> str:
        """The header's name in a WSGI environment."""
        return "HTTP_" + self.header.upper().replace("-", "_") if self.header else ""

    @property
    def names(self) -> str:
        """How clients are told apart, in a word for the log."""
        header = self.header or "X-Forwarded-For"
        if self.hops:
            return f"{header} with {self.hops} {'proxy' if self.hops == 1 else 'proxies'} in front"
        return f"{header} from {', '.join(map(str, self.trusted))}" if self.trusted else "their own addresses"

    def are_at(self, peer: str | None) -> bool:
        """Return True if a peer is a proxy, whose connections are everybody's. None stands for a Unix socket."""
        address = None if peer is None else _parse(peer)
        return self.hops > 0 or peer is None or (address is not None and _within(address, self.trusted))

    def client(self, peer: str | None, forwarded: str | None, named: str | None = None) -> str | None:
        """Return the key under which a client is counted; None if a proxy names nobody.

        :param forwarded: `X-Forwarded-For`
        :param named: the value of `header`
        """
        if self.header and self.are_at(peer) and (address := _parse(named or "")) is not None:
            return _key(address)
        if not self.hops:
            return client_key(peer, forwarded, self.trusted)
        entries = (forwarded or "").split(",")
        address = _parse(entries[-self.hops]) if len(entries) >= self.hops else None
        if address is not None:
            return _key(address)
        return client_key(peer, None, ())  # no proxy wrote it: the peer is the client


def client_key(peer: str | None, forwarded: str | None, trusted: Networks) -> str | None:
    """Return the key under which a client is counted where proxies are known by their addresses.

    `X-Forwarded-For` is believed only when the peer is a trusted proxy, and only as far as trusted proxies wrote it:
    its right-most address that is none of them is the client.

    :param peer: the address at the other end of the TCP connection; None for a Unix socket, which is a proxy's
    :return: None for a trusted proxy that names no client: what it brings is everybody, and must not be limited as one
    """
    address = None if peer is None else _parse(peer)
    if address is None and peer is not None:
        return peer[:64]
    if address is not None and not _within(address, trusted):
        return _key(address)
    hops = (forwarded or "").split(",")[-HOPS:]
    found: Address | None = None
    for hop in reversed(hops):
        address = _parse(hop)
        if address is None:
            break
        found = address
        if not _within(address, trusted):
            break
    return None if found is None else _key(found)


@lru_cache(maxsize=4096)
def site(key: str) -> str | None:
    """Return the /56 around a key's /64, which many providers give to one customer; None if the key is not IPv6."""
    return str(ipaddress.ip_network(key).supernet(new_prefix=56)) if key.endswith("/64") else None


def _within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _parse(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _key(address: Address) -> str:
    """Return what counts as one client: for IPv6 a /64, the least that a customer has."""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
