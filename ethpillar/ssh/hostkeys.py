"""Host keys: trust on first use, pinned for all of a host's sessions.

Belongs here: what a pin looks like and when a key matches. A pin is `TYPE SHA256:...`; its type is asked for first in
the next key exchange, so that a node that gets a second kind of key is not mistaken for another node.

A key is checked before anything secret is sent, and pinned once the node has let us in: a machine that nobody can log
in to pins nothing. A pin ends some weeks after the last login, so that an address may get another owner.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from typing import Protocol

import paramiko

from ..errors import HostKeyChanged

_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
# No pin can be removed here.
_NOT_THE_SESSION_S = (
    "The session names the only host key to accept (hostKey), and the node has none that matches. Compare it with what "
    "ssh-keygen -lf prints for /etc/ssh/ssh_host_*_key.pub on the node, and sign in again with the right one. If it is "
    "right, somebody may be between this server and your node."
)


class HostKeyPins(Protocol):
    """Where pins of host keys are kept, shared by every server on one Redis.

    A pin is `TYPE SHA256:...`. The first one wins: `pin_host_key` returns the pin in force, which is another one if
    somebody else was faster. Both methods may raise `SessionStoreDown`.
    """

    def host_key(self, host: str, port: int) -> str | None:
        """Return the pin of a host and port, or None."""

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        """Pin a key where there is no pin, renew the life of the same pin, and return the pin in force."""


def fingerprint(key: paramiko.PKey) -> str:
    """Return `SHA256:` and the Base64 of the key's SHA-256 without padding, as ssh-keygen -l prints it."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest())
    return "SHA256:" + digest.decode("ascii").rstrip("=")


def algorithms_for(key_type: str) -> tuple[str, ...]:
    """Return the signature algorithms under which a key of this type is offered (RFC 8332 for RSA)."""
    return ("rsa-sha2-512", "rsa-sha2-256") if key_type == "ssh-rsa" else (key_type,)


def algorithms_besides(key_types: Collection[str]) -> tuple[str, ...]:
    """Return the algorithms of all other types of keys."""
    return tuple(name for kind in _TYPES if kind not in key_types for name in algorithms_for(kind))


def verify(key: paramiko.PKey, host: str, port: int, expected: str | None, pins: HostKeyPins) -> bool:
    """Return True if this is known to be the node's key, and False if no key is known yet. Pins nothing.

    :param expected: the session's own fingerprint; it wins over a pin
    :raises HostKeyChanged: it is another key
    """
    if expected is not None:
        if not hmac.compare_digest(fingerprint(key), expected):
            raise HostKeyChanged(hint=_NOT_THE_SESSION_S)
        return True
    pinned = pins.host_key(host, port)
    if pinned is not None:
        _compare(key, pinned)
    return pinned is not None


def keep(key: paramiko.PKey, host: str, port: int, pins: HostKeyPins) -> None:
    """Pin the key of a node that has let us in, or renew its pin.

    :raises HostKeyChanged: meanwhile another login has pinned another key
    """
    _compare(key, pins.pin_host_key(host, port, f"{key.get_name()} {fingerprint(key)}"))


def _compare(key: paramiko.PKey, pinned: str) -> None:
    if not hmac.compare_digest(pinned.rpartition(" ")[2].encode(), fingerprint(key).encode()):
        raise HostKeyChanged
