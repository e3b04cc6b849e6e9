"""Which pages may connect.

Belongs here: the comparison of a request's `Origin` with what is allowed. Pure but for the request's head.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origins:
    """The origins whose pages may talk to this server."""

    def __init__(self, allowed: Collection[str], own: bool = False) -> None:
        """
        :param allowed: origins in lower case, such as `https://dash.example`
        :param own: whether a page of this server itself may, too
        """
        self._allowed = frozenset(allowed)
        self._own = own

    def allows(self, origin: str | None, environ: dict[str, Any]) -> bool:
        """Return True if a page of this origin may make the request with this environment."""
        if not origin:
            return False
        return origin.lower() in self._allowed or (self._own and _is_own(origin, environ.get("HTTP_HOST", "")))


def _is_own(origin: str, host: str) -> bool:
    """Return True if `Host` names the origin. A TLS proxy hides the scheme, so hosts and ports are compared."""
    try:
        page, named = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS[page.scheme]
        same_port = (page.port or default) == (named.port or default)
    except (ValueError, KeyError):
        return False
    plain = f"{page.scheme}://{page.netloc}" == origin and "@" not in page.netloc + named.netloc
    return plain and bool(page.hostname) and page.hostname == named.hostname and same_port
