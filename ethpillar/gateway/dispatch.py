"""Which requests are Engine.IO's.

Belongs here: the paths, and what is refused by a request's headers alone. The frontend connects with `path: "/"`, so
`/` is Engine.IO's when its query says so and a page else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from .websocket import OVERSIZED_PACKET

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

ENGINE_PATH = "/socket.io/"


def is_engine_io(environ: dict[str, Any]) -> bool:
    """Whether a request is Engine.IO's."""
    path = environ.get("PATH_INFO", "")
    if path.strip("/"):
        return bool(path.startswith(ENGINE_PATH))
    return "EIO" in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)


class EngineIoDispatch:
    """WSGI middleware around Flask-SocketIO's own."""

    def __init__(self, app: Wsgi, max_body: int) -> None:
        """:param max_body: bytes a polling client may send in one request"""
        self._app = app
        self._max_body = max_body

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if is_engine_io(environ):
            environ["PATH_INFO"] = ENGINE_PATH
            if environ.get("REQUEST_METHOD") == "POST":
                self._bound(environ)
        return self._app(environ, start_response)

    def _bound(self, environ: dict[str, Any]) -> None:
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if not 0 <= length <= self._max_body:
            # As for a frame: the socket hears that this was too large, and lives on.
            packet = OVERSIZED_PACKET.encode()
            environ["wsgi.input"] = io.BytesIO(packet)
            environ["CONTENT_LENGTH"] = str(len(packet))
