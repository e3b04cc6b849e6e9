"""Serving figures: with a token on the server's own port, or on a listener of their own.

Belongs here: who may see the figures. Without one of the two settings nobody may: behind a proxy every path is public.
"""

from __future__ import annotations

import contextlib
import hmac
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from gevent import socket
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
        """Answer with the server's figures."""
        shown = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, expected):
            wanted = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return Response("Unauthorized\n", 401, wanted, content_type="text/plain; charset=utf-8")
        return Response(render(), 200, content_type=content_type)


class Listener:
    """Serves one page, and nothing else, at an address of its own. Anybody who can reach it may see it."""

    def __init__(self, address: tuple[str, int] | str, path: str, render: Render, content_type: str) -> None:
        """:param address: host and port, or the path of a Unix socket that only this process's user may open"""
        self._address = address
        self._path = path
        self._render = render
        self._headers = [("Content-Type", content_type), *HEADERS.items()]
        self._server: WSGIServer | None = None

    def start(self) -> None:
        """Begin to listen. Raises OSError if the address can't be had."""
        where = _unix_socket(self._address) if isinstance(self._address, str) else self._address
        self._server = WSGIServer(where, self._answer, log=None, error_log=None, spawn=CONNECTIONS)
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop(timeout=0)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != self._path or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Not Found\n"]
        start_response("200 OK", self._headers)
        return [self._render()]


def _unix_socket(path: str) -> Any:
    """Listen at a path, in the place of a server that has ended."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    before = os.umask(0o177)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        made.bind(path)
    except BaseException:
        made.close()
        raise
    finally:
        os.umask(before)
    made.listen(CONNECTIONS)
    return made
