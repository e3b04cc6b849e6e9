"""Which pages may connect.

Belongs here: the comparison of a request's `Origin` with what is allowed, and the line in the log about one that is
not. A page that is refused can't tell its visitor why; the operator has to find a wrong FRONTEND_URL in the log.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from ..limits.rarely import Rarely

log = logging.getLogger(__name__)

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 100
"Characters of a refused origin that the log shows."
_ODD = re.compile(r"[^\x21-\x7e]")


class Origins:
    """The origins whose pages may talk to this server."""

    def __init__(self, allowed: Collection[str], own: bool = False, refused: Callable[[], None] = lambda: None) -> None:
        """
        :param allowed: origins in lower case, such as `https://dash.example`
        :param own: whether a page of this server itself may, too
        :param refused: called for each request of another page
        """
        self._allowed = frozenset(map(normal, allowed))
        self._own = own
        self._count = refused
        self._refused = Rarely()

    def allows(self, origin: str | None, environ: dict[str, Any]) -> bool:
        """Return True if a page of this origin may make the request with this environment; log one that may not."""
        if not origin:
            return False
        if normal(origin) in self._allowed or (self._own and _is_own(origin, environ.get("HTTP_HOST", ""))):
            return True
        self._count()
        shown = _ODD.sub("?", origin[:LONGEST])
        if self._refused.may(shown):
            log.warning("Refused origin %s: if the dashboard is there, FRONTEND_URL has to name it", shown)
        return False


def normal(origin: str) -> str:
    """Return an origin as browsers write it (RFC 6454): lower case, letters of a domain encoded, no default port."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
        if not host or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            return origin.lower()
        host = f"[{ipaddress.ip_address(host)}]" if ":" in host else ".".join(map(_encoded, host.split(".")))
    except (ValueError, UnicodeError):
        return origin.lower()
    return f"{parts.scheme}://{host}" + ("" if port is None or port == DEFAULT_PORTS.get(parts.scheme) else f":{port}")


def _encoded(label: str) -> str:
    """Return a domain's label as browsers send it. Python's own codec makes "ss" of a sharp s, as they once did."""
    if label.isascii():
        return label
    return "xn--" + unicodedata.normalize("NFKC", label).lower().encode("punycode").decode()


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
