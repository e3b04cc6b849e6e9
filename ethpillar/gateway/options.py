"""What the gateway takes of the settings, each under its own name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What is the same for all sockets."""

    auth_timeout: float
    "Seconds a socket may be without a valid token."
    max_logs_per_socket: int
