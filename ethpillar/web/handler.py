"""The gunicorn worker: WebSockets with bounds, quiet logs, an orderly end.

Belongs here: what has to be changed of gunicorn's gevent worker and of gevent's handler, so that a client may send
what it likes, as slowly as it likes, and read nothing of what it gets, and still harms only itself.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import logging
import socket
from functools import partial
from typing import Any

import gevent
from gevent.pywsgi import WSGIHandler

from ..errors import whereabouts
from ..limits.address import Proxies
from ..limits.refusals import Refusal
from ..turns import belong, breathe
from .bodies import Body, ChunkedBody, TooSlow
from .dispatch import CLIENT, PEER, is_engine_io, is_for_websocket, is_handshake, refusal
from .headers import harden, last_answer, status_line
from .heads import (
    BadLength,
    HeadTooLarge,
    LengthMissing,
    check_host,
    check_length,
    check_request_line,
    origin_form,
    read_head,
)
from .options import Host
from .paying import wait_until_paid
from .websocket import WebSocket

log = logging.getLogger(__name__)

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"What RFC 6455 has a server add to a client's key, to show that it understood."
WRITE_TIMEOUT = 60.0
"Seconds in which a client must take what is written to it at once; one that reads nothing would be kept for ever."

CONNECTION = 18_000
"Bytes of a connection in memory: a greenlet, its buffers, a request's head; `make sizes` measures it."
BUFFER = 2048
"Bytes that are read ahead of a client: most requests' heads. Whatever is larger is read in one piece all the same."
UNSENT = 128 * 1024
"Bytes that the system takes of us for a client before it has sent what it has; it would take megabytes."
NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
"Linux's number; Python has a name for it from 3.12 on."

PROBES = ("/healthz", "/readyz")


def _peer(address: Any) -> str | None:
    return str(address[0]) if isinstance(address, tuple) else None


def direct(address: Any, proxies: Proxies) -> str | None:
    """Return the key under which a TCP connection is counted at accept; None for a proxy's, which is everybody's."""
    peer = _peer(address)
    return None if proxies.are_at(peer) else proxies.client(peer, None)


def _words(value: str) -> list[str]:
    """Return the members of a header's list."""
    return [word.strip().lower() for word in value.split(",")]


def hang_up(connection: Any) -> None:
    """End a connection: others need its slot, and it has been without a request for longest."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


_WSGIHandler: Any = WSGIHandler
"As it is: its stubs say less of it, and some of it wrong."


class Handler(_WSGIHandler):
    """One HTTP connection."""

    response_headers: list[tuple[bytes, bytes]]
    wsgi_input: Any = None
    _named: str | None = None

    def __init__(self, sock: Any, address: Any, server: Any) -> None:
        super().__init__(sock, address, server, sock.makefile("rb", BUFFER))
        self._server: Host = server.application.extensions["ethpillar"]
        self.limits = self._server.limits
        self.options = self._server.web
        self._deadline: Any = None
        self._account = self.limits.ledger.account("connections", (self._address_key(),), CONNECTION)
        sock.settimeout(WRITE_TIMEOUT)
        with contextlib.suppress(OSError):  # what a client that does not read makes the system hold
            sock.setsockopt(socket.IPPROTO_TCP, NOTSENT_LOWAT, UNSENT)

    def handle(self) -> None:
        """Serve one request after the other, until either side ends the connection."""
        try:
            super().handle()
        except OSError:
            pass  # it went away, or reads nothing
        except Exception as problem:  # noqa: BLE001 (gevent would print all of it)
            log.error("A connection failed (%s)", whereabouts(problem))
        finally:
            self._account.close()

    # -- a request's head

    def handle_one_request(self) -> Any:
        """Serve one request. The whole of its head has to be there in time, even if its bytes keep dripping in."""
        self._deadline = gevent.Timeout.start_new(self.options.request_timeout, TooSlow)
        breathe()  # requests that are there already are served without waiting, and others wait meanwhile
        try:
            with self.limits.heads.wait(self.socket, partial(hang_up, self.socket), self._address_key()):
                result = super().handle_one_request()
        finally:
            self._deadline.close()
        return (result[0], last_answer(int(result[0]))) if isinstance(result, tuple) else result

    def _address_key(self) -> str | None:
        return direct(self.client_address, self.options.proxies)

    def read_request(self, raw_requestline: str) -> bool:
        """Read the rest of a head, if its first line is valid. Raises ValueError."""
        check_request_line(raw_requestline)
        method, target, version = raw_requestline.split()
        target, self._named = origin_form(target)
        return bool(super().read_request(f"{method} {target} {version}\r\n"))

    def MessageClass(self, stream: Any, *rest: Any) -> Any:
        """Read the header lines, which have a bound and must not be ambiguous. Raises ValueError."""
        headers = super().MessageClass(read_head(stream), *rest)
        check_length(headers)
        if headers.get("transfer-encoding") and self.request_version != "HTTP/1.1":
            raise BadLength
        check_host(headers, self.request_version)
        return headers

    def get_environ(self) -> dict[str, Any]:
        """Make the environment of a complete head: with the client's key, and a body with bounds."""
        self._deadline.close()
        self.limits.heads.done(self.socket)
        environ: dict[str, Any] = super().get_environ()
        if self._named is not None:
            environ["HTTP_HOST"] = self._named
        body = self.wsgi_input
        if body.chunked_input:
            self.wsgi_input = ChunkedBody(self.rfile, body.socket, self.options.request_timeout)
        else:
            self.wsgi_input = Body(self.rfile, self.content_length, body.socket, self.options.request_timeout)
        if environ["wsgi.input"] is body or environ["REQUEST_METHOD"] != "GET":
            environ["wsgi.input"] = self.wsgi_input
        proxies = self.options.proxies
        named = environ.get(proxies.header_key) if proxies.header else None
        peer, forwarded = _peer(self.client_address), environ.get("HTTP_X_FORWARDED_FOR")
        if forwarded and not proxies.are_at(peer):
            self.limits.refusals.note(Refusal.FORWARDED)
        environ[CLIENT] = proxies.client(peer, forwarded, named)
        environ[PEER] = self.socket
        belong(environ[CLIENT])
        self._account.move((environ[CLIENT],))
        self._account.hold(min(int(self.content_length or 0), self.options.max_message_bytes))
        return environ

    def _handle_client_error(self, problem: Exception) -> tuple[str, bytes]:
        """Answer what is no request with a status alone."""
        self.limits.refusals.note(Refusal.REQUEST)
        codes = {TooSlow: 408, TimeoutError: 408, HeadTooLarge: 431, LengthMissing: 411}
        return str(codes.get(type(problem), 400)), b""

    # -- the answer

    def handle_one_response(self) -> None:
        """Serve a request, and do not use the connection again if the end of its body was not read."""
        super().handle_one_response()
        self._account.hold(0)
        if self.wsgi_input.cut_off:
            self.close_connection = True

    def run_application(self) -> None:
        """Call the application, unless the client has too many requests under way or the server is stopping."""
        client = self.environ[CLIENT]
        if not (self._is_probe() and self.limits.probe(_peer(self.client_address))):
            wait_until_paid(self.limits, client, connection=self.socket)
        behind_proxy = self.options.proxies.are_at(_peer(self.client_address))
        with self.limits.connections.hold(client if behind_proxy else None) as room:  # others were counted at accept
            new, refused = is_handshake(self.environ), refusal(self.environ, self.options.origins)
            if new and self._server.closing:
                self._answer(503)
            elif refused is not None:
                self._answer(refused)
            elif not room or (new and self.limits.engines.full(client)):
                self.limits.refusals.note(Refusal.CONNECTIONS)
                self._answer(429)
            elif self.environ.get("HTTP_UPGRADE", "").lower() == "websocket":
                self._upgrade()
            else:
                super().run_application()

    def _is_probe(self) -> bool:
        return self.environ["PATH_INFO"] in PROBES and not is_engine_io(self.environ)

    def _answer(self, code: int) -> None:
        status = status_line(code)
        text = status.encode() + b"\n"
        self.start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
        self.result = [text]
        self.process_result()

    def _upgrade(self) -> None:
        """Accept an upgrade and serve the WebSocket, unless Engine.IO would refuse it.

        The client can only be told before the upgrade; a browser takes the close that would follow it for a broken
        network, and tries again for ever.
        """
        origin = self.environ.get("HTTP_ORIGIN")
        if not is_engine_io(self.environ):
            self._answer(404)
        elif origin and not self.options.origins.allows(origin, self.environ):
            self._answer(403)
        elif not self._is_handshake():
            self._answer(400)
        else:
            self._switch_protocols()
            self._serve_websocket()

    def _is_handshake(self) -> bool:
        """Return True if this is RFC 6455's opening handshake."""
        try:
            key = base64.b64decode(self.environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
        except (binascii.Error, ValueError):
            return False
        return (
            len(key) == 16
            and self.environ["REQUEST_METHOD"] == "GET"
            and self.request_version == "HTTP/1.1"
            and "upgrade" in _words(self.environ.get("HTTP_CONNECTION", ""))
            and is_for_websocket(self.environ)
            and self.environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13"
        )

    def _switch_protocols(self) -> None:
        key = self.environ["HTTP_SEC_WEBSOCKET_KEY"].strip() + GUID
        accept = base64.b64encode(hashlib.sha1(key.encode("latin-1")).digest()).decode()
        headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]
        self.start_response(status_line(101), headers)
        self.provided_content_length = False  # what follows is no body
        self.provided_date = True
        self.close_connection = True
        self.write(b"")

    def _serve_websocket(self) -> None:
        pace = partial(wait_until_paid, self.limits, self.environ[CLIENT], 1, self.socket)
        websocket = WebSocket(self.socket, self.rfile.read, self.options, pace, self._account.hold)
        self.environ["wsgi.websocket"] = websocket
        try:
            for _ in self.application(self.environ, lambda *_: None):
                pass  # an answer: the connection is no HTTP connection any more
        except Exception as problem:  # noqa: BLE001 (gevent would write an answer into the WebSocket)
            log.error("A WebSocket failed (%s)", whereabouts(problem))
        finally:
            websocket.close()
            del self.environ["wsgi.websocket"]

    def finalize_headers(self) -> None:
        """Leave out the `Server` header: clients need not know what this is."""
        super().finalize_headers()
        if self.code != 101:
            self.response_headers = harden(self.response_headers)

    # -- logs

    def log_request(self) -> None:
        """Log nothing: URLs and headers are the clients'."""

    def log_error(self, *_: Any) -> None:
        """Log nothing of what was wrong with a request, either."""

    def _log_error(self, kind: type[BaseException], *_: Any) -> None:
        """Log an error of ours by its name: a stack trace would hold what the client sent."""
        if not issubclass(kind, (OSError, gevent.GreenletExit)):
            log.error("A request failed (%s)", kind.__name__)
