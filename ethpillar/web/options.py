"""The web room's settings, each under its own name, and what it needs of the server around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..limits.address import Proxies
from ..limits.limits import Limits
from .origins import Origins


@dataclass(frozen=True, slots=True)
class WebOptions:
    """The options that all connections share."""

    origins: Origins
    "Where a browser's page may come from."
    max_message_bytes: int
    "Bytes of a WebSocket message or of a polling request's body."
    request_timeout: float
    "Seconds in which a request's head must have come; and then again its body."
    proxies: Proxies
    "Which proxies are believed about a client's address."
    oversized: str
    "The Engine.IO packet that is handed on in the place of a message that was too large."


class Host(Protocol):
    """What a connection needs of the running server around it.

    It is `app.extensions["ethpillar"]`, so that two applications in one process share nothing. `closing` becomes True
    once, when `shutdown` begins; new sessions are refused from then on.
    """

    web: WebOptions
    limits: Limits
    closing: bool
    "True while the server is being stopped."

    def shutdown(self, told: Callable[[], None]) -> None:
        """Tell clients and close SSH; in between, when they have been told, call `told`."""
