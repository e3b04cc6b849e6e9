"""The gunicorn worker: WebSockets with bounds, quiet logs, an orderly end.

Belongs here: what has to be changed of gunicorn's gevent worker and of gevent-websocket's handler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gevent
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import Stream
from gunicorn.workers.ggevent import GeventPyWSGIWorker

from .dispatch import is_engine_io
from .log_setup import SILENT
from .websocket import BoundedWebSocket


class Handler(WebSocketHandler):
    """One HTTP connection."""

    response_headers: list[tuple[bytes, bytes]]
    max_message_bytes = 64 * 1024
    allowed_origins: Sequence[str] = ()

    def upgrade_websocket(self) -> Any:
        """Refuses an upgrade that Engine.IO would refuse, while the client can still be told.

        gevent-websocket answers 101 before the application is asked; a browser would take the close that follows
        for a broken network, and try again for ever.
        """
        if self.environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            origin = self.environ.get("HTTP_ORIGIN")
            if not is_engine_io(self.environ):
                return self._refuse("404 Not Found")
            if origin and origin.lower() not in self.allowed_origins:
                return self._refuse("403 Forbidden")
        return super().upgrade_websocket()

    def _refuse(self, status: str) -> list[bytes]:
        text = status.encode() + b"\n"
        self.start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
        return [text]

    def upgrade_connection(self) -> Any:
        """Upgrades as gevent-websocket does, and puts the bounded WebSocket in the place of its own."""
        result = super().upgrade_connection()
        websocket = getattr(self, "websocket", None)
        if websocket is not None:
            websocket.closed = True  # it writes a close frame when it is collected, unless it is closed
            self.websocket = BoundedWebSocket(self.environ, Stream(self), self, self.max_message_bytes)
            self.environ["wsgi.websocket"] = self.websocket
        return result

    @property
    def logger(self) -> Any:
        """gevent-websocket tells each request; what it tells may hold a client's text."""
        return SILENT

    def log_request(self) -> None:
        """Requests are not logged: URLs and headers are the clients'."""

    def finalize_headers(self) -> None:
        """No `Server` header: nobody needs to know what this is."""
        super().finalize_headers()
        self.response_headers = [pair for pair in self.response_headers if pair[0].lower() != b"server"]


class Worker(GeventPyWSGIWorker):
    """gunicorn's gevent worker with our handler, which ends its application before it ends its requests."""

    wsgi_handler = Handler

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: clients are told and SSH is closed first; an open WebSocket would else be waited for."""
        gevent.spawn(self._end_application, sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGINT and SIGQUIT end as SIGTERM does."""
        gevent.spawn(self._end_application, sig, frame)

    def _end_application(self, sig: int, frame: Any) -> None:
        try:
            server = self.wsgi.extensions.get("ethpillar")
            if server is not None:
                server.shutdown()
        finally:
            super().handle_exit(sig, frame)
