"""The gateway's settings, each under its own name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """The options that all sockets share."""

    auth_timeout: float
    "Seconds a socket may be without a valid token."
    max_logs_per_socket: int
