"""What is remembered of nodes, for every server on one Redis: host keys, refused credentials, refused logins."""

from __future__ import annotations

import hashlib
import ipaddress
from contextlib import suppress
from typing import Any

import redis

from .keys import COUNT, ENTERED_PREFIX, HOST_KEY_PREFIX, HOST_KEY_TTL, PIN, REFUSALS_PREFIX, REFUSED_PREFIX
from .record import SessionRecord
from .redis_link import RedisLink, believe_absence


class NodeMemory(RedisLink):
    """What logins have taught about nodes: host keys, refused credentials, refused logins, users that were let in.

    Shared by every server on one Redis. Every method asks Redis, waits for that, and may raise `SessionStoreDown`.
    Times are seconds.
    """

    def __init__(self, client: redis.Redis, ttl: int) -> None:
        """:param ttl: seconds a session lives after its last use"""
        super().__init__(client)
        self._ttl = ttl

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        """Pin a host key where there is no pin, or renew the life of the same pin. Return the pin in force."""
        with self.asking() as client:
            found: Any = client.eval(PIN, 1, _host_key_name(host, port), pin, str(HOST_KEY_TTL))
        return str(found.decode("utf-8", "replace"))

    def host_key(self, host: str, port: int) -> str | None:
        """Return the pinned host key of a host and port, or None."""
        name = _host_key_name(host, port)
        with self.asking() as client:
            found: Any = client.get(name)
            if found is None:
                believe_absence(client)
            elif client.ttl(name) == -1:  # pinned by an earlier version, for ever
                with suppress(redis.ResponseError):  # such as on a replica
                    client.expire(name, HOST_KEY_TTL)
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else None

    def forget_host_key(self, host: str, port: int) -> bool:
        """Remove a pin. Return True if there was one."""
        with self.asking() as client:
            return bool(client.delete(_host_key_name(host, port)))

    def refuse(self, record: SessionRecord, code: str, seconds: float | None = None) -> None:
        """Remember that this session's credentials were refused.

        :param seconds: for so long; None: for as long as a session lives
        """
        with self.asking() as client:
            client.set(f"{REFUSED_PREFIX}{record.digest}", code, ex=self._ttl if seconds is None else round(seconds))

    def refused(self, record: SessionRecord) -> str | None:
        """Return the code with which these credentials were refused before, or None. A new password is a new digest."""
        with self.asking() as client:
            found: Any = client.get(f"{REFUSED_PREFIX}{record.digest}")
        return found.decode("ascii", "replace") if isinstance(found, bytes) else None

    # -- refused logins by address, see `ssh.doors`

    def refusals_at(self, address: str, port: int) -> tuple[int, int]:
        """Return how many logins were refused at an address of late, and in how many seconds that is forgotten."""
        key = f"{REFUSALS_PREFIX}[{address}]:{port}"
        with self.asking() as client:
            found: Any = client.get(key)
            left: Any = client.ttl(key) if found is not None else 0
        return (int(found) if isinstance(found, bytes) and found.isdigit() else 0), int(left)

    def refused_at(self, address: str, port: int, seconds: int) -> None:
        """Count one more, and remember all for so many seconds."""
        with self.asking() as client:
            client.eval(COUNT, 1, f"{REFUSALS_PREFIX}[{address}]:{port}", str(seconds))

    def was_in(self, username: str, address: str, port: int) -> bool:
        """Return True if a user was let in at an address."""
        with self.asking() as client:
            return bool(client.exists(_entered_name(username, address, port)))

    def let_in_at(self, username: str, address: str, port: int, seconds: int) -> None:
        """Remember that a user was let in at an address."""
        with self.asking() as client:
            client.set(_entered_name(username, address, port), "1", ex=seconds)


def _entered_name(username: str, address: str, port: int) -> str:
    digest = hashlib.sha256(f"{username}@[{address}]:{port}".encode()).hexdigest()
    return f"{ENTERED_PREFIX}{digest[:32]}"


def _host_key_name(host: str, port: int) -> str:
    name = host.lower().rstrip(".")
    with suppress(ValueError):
        name = str(ipaddress.ip_address(name))  # an IPv6 address is spelled in many ways
    return f"{HOST_KEY_PREFIX}[{name}]:{port}"
