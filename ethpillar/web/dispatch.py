"""Which requests are Engine.IO's.

Belongs here: the paths, and what is refused by a request's head and body before Engine.IO sees it. The frontend
connects with `path: "/"`, so `/` is Engine.IO's when its query says so and a page else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from .bodies import Body, TooSlow
from .headers import status_line
from .options import WebOptions
from .origins import Origins

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

ENGINE_PATH = "/socket.io/"
CLIENT = "ethpillar.client"
"Where a request's environment holds the key under which its client is counted."
PEER = "ethpillar.peer"
"Where a request's environment holds its TCP connection, to see whether the client is still there."
PACKETS = "ethpillar.packets"
"Where a POST's environment holds how many packets are in its body."
SEPARATOR = b"\x1e"
MAX_PACKETS = 1000
"Packets in such a body: as many as a socket may send at once. Two bytes are enough for one, and it is slow to decode."
JSONP = b"d="
"What a body begins with whose packets are escaped, as a form that is posted has them. No browser needs that any more."


def is_engine_io(environ: dict[str, Any]) -> bool:
    """Return True if a request is Engine.IO's."""
    path = environ.get("PATH_INFO", "")
    if path.strip("/"):
        return f"{path}/".startswith(ENGINE_PATH)  # without the last slash, too: `addTrailingSlash: false` says so
    return "EIO" in _query(environ)


def is_handshake(environ: dict[str, Any]) -> bool:
    """Return True if a request wants a new Engine.IO session."""
    return is_engine_io(environ) and environ.get("REQUEST_METHOD") == "GET" and "sid" not in _query(environ)


def is_for_websocket(environ: dict[str, Any]) -> bool:
    """Return True if Engine.IO will take a request for a WebSocket's, and not for one that polls."""
    return _query(environ).get("transport", ["polling"])[0] == "websocket"


def refusal(environ: dict[str, Any], origins: Origins) -> int | None:
    """Return the status with which a request is refused by its head; None if it may be served.

    Two ways of asking need no Origin, so that the check of origins does not see them. JSONP gives its answer, a
    session opened with the visitor's cookie, to any page that has a `<script>`. And any page may have an `<img>` or a
    `no-cors` fetch that opens sessions, until the visitor has as many as an address may.
    """
    if not is_engine_io(environ):
        return None
    if "j" in _query(environ):
        return 400
    foreign = environ.get("HTTP_SEC_FETCH_SITE", "").lower() in ("cross-site", "same-site")
    if foreign and is_handshake(environ) and not origins.allows(environ.get("HTTP_ORIGIN"), environ):
        return 403
    return None


def _query(environ: dict[str, Any]) -> dict[str, list[str]]:
    return parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)


class EngineIoDispatch:
    """WSGI middleware around Flask-SocketIO's own."""

    def __init__(self, app: Wsgi, options: WebOptions) -> None:
        self._app = app
        self._options = options

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if is_engine_io(environ):
            environ["PATH_INFO"] = ENGINE_PATH
            body = environ["wsgi.input"]
            if environ.get("REQUEST_METHOD") == "POST" and isinstance(body, Body):
                try:
                    self._read(environ, body)
                except OSError as problem:
                    return _refuse(start_response, 408 if isinstance(problem, TooSlow) else 400)
        return self._app(environ, start_response)

    def _read(self, environ: dict[str, Any], body: Body) -> None:
        data = body.take(self._options.max_message_bytes)
        packets = 1 if data is None else data.count(SEPARATOR) + 1
        if data is None or packets > MAX_PACKETS:
            # As for a frame: the socket hears that this was too large, and lives on.
            data = self._options.oversized.encode()
        elif data.startswith(JSONP):
            raise OSError("escaped packets, which were not counted")
        environ[PACKETS] = min(packets, MAX_PACKETS)
        environ["wsgi.input"] = io.BytesIO(data)
        environ["CONTENT_LENGTH"] = str(len(data))
        environ.pop("HTTP_TRANSFER_ENCODING", None)


def _refuse(start_response: Any, code: int) -> list[bytes]:
    status = status_line(code)
    start_response(status, [("Content-Type", "text/plain"), ("Connection", "close")])
    return [status.encode() + b"\n"]
