"""Serving `/metrics`: with a token on the server's own port, or on a listener that only Prometheus can reach.

Belongs here: who may see the figures. Without one of the two settings nobody may: behind a proxy every path is public.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from gevent.pywsgi import WSGIServer

from .headers import HEADERS

CONNECTIONS = 16
"Connections that the listener serves at once."

Render = Callable[[], bytes]


def add_metrics(app: Flask, render: Render, content_type: str, token: str) -> None:
    """Add `/metrics` to the server's own port, for requests that have the bearer token."""
    expected = f"Bearer {token}".encode()

    @app.get("/metrics")
    def metrics() -> Response:
        """The server's figures."""
        shown = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, expected):
            wanted = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return Response("Unauthorized\n", 401, wanted, content_type="text/plain; charset=utf-8")
        return Response(render(), 200, content_type=content_type)


class MetricsListener:
    """Serves `/metrics`, and nothing else, at an address of its own. Who can reach it may see them."""

    def __init__(self, address: tuple[str, int], render: Render, content_type: str) -> None:
        self._render = render
        self._headers = [("Content-Type", content_type), *HEADERS.items()]
        self._server = WSGIServer(address, self._answer, log=None, error_log=None, spawn=CONNECTIONS)

    def start(self) -> None:
        """Begin to listen. Raises OSError if the address can't be had."""
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop(timeout=0)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/metrics" or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Not Found\n"]
        start_response("200 OK", self._headers)
        return [self._render()]
