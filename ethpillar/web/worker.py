"""gunicorn's gevent worker with our handler: how many connections there may be, and an orderly end.

Belongs here: what has to be changed of gunicorn's worker and of gevent's listener.
"""

from __future__ import annotations

import contextlib
import resource
from functools import partial
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer

from ..limits.refusals import Refusal
from .handler import Handler, direct, hang_up
from .options import Host

SPARE = 10
"The last tenth of `worker_connections` is for connections that send a request."
BROWSERS = 0.75
"The part of all descriptors that browsers may have."


class Listener(PyWSGIServer):
    """Count connections where they cost least: before there is a greenlet or a buffer for one."""

    @property
    def _server(self) -> Host:
        host: Host = self.application.extensions["ethpillar"]
        return host

    def _key(self, address: Any) -> str | None:
        return direct(address, self._server.web.proxies)

    def do_handle(self, sock: Any, address: Any) -> None:
        """Spawn a handler, or close the connection of an address that has too many, if none of those is silent.

        A silent one, whose request head has been awaited longest, gives its place away: behind a proxy that is not
        known all clients are one address, and one that says nothing must not keep the others out. Likewise while hardly
        any slots are left, of all connections: silent ones keep no client out, no matter from how many addresses.
        """
        limits, key = self._server.limits, self._key(address)
        if not limits.connections.take(key):
            limits.refusals.note(Refusal.CONNECTIONS)
            if not limits.heads.end_oldest_of(key):
                sock.close()
                return
            limits.connections.add(key)
        if self.pool.free_count() < self.pool.size / SPARE:
            limits.refusals.note(Refusal.SLOTS)
            limits.heads.end_oldest()
        limits.heads.begin(sock, partial(hang_up, sock), key)  # its handler may get its turn after those that come now
        super().do_handle(sock, address)

    def do_close(self, sock: Any, address: Any) -> None:
        """Count the end of a connection that was handled."""
        super().do_close(sock, address)
        self._server.limits.heads.done(sock)
        self._server.limits.connections.release(self._key(address))


class Worker(GeventPyWSGIWorker):
    """gunicorn's gevent worker with our handler, which ends its application before it ends its requests."""

    worker_connections: int
    wsgi_handler = Handler

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._listeners: list[Listener] = []

    def server_class(self, *args: Any, **options: Any) -> Listener:
        """Make what accepts the connections of one address."""
        options["environ"]["SERVER_NAME"] = "ethpillar"  # else gevent asks the DNS for it before it accepts any
        self._listeners.append(Listener(*args, **options))
        return self._listeners[-1]

    def init_process(self) -> None:
        """Raise the limit of descriptors before anything is opened: the usual soft one is 1024, one for a connection.

        If that is still too few, a part of them is kept for the nodes and for Redis.
        """
        soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            soft = most
        if soft != resource.RLIM_INFINITY:
            self.worker_connections = min(self.worker_connections, int(soft * BROWSERS))
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Handle SIGTERM: tell clients and close SSH first, as gunicorn would wait for open WebSockets."""
        gevent.spawn(self._end_application, sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Handle SIGINT and SIGQUIT as SIGTERM."""
        gevent.spawn(self._end_application, sig, frame)

    def _stop_accepting(self) -> None:
        """Leave new connections to the worker that replaces this one, if one does: it has the same sockets."""
        for listener in self._listeners:
            listener.close()

    def _end_application(self, sig: int, frame: Any) -> None:
        try:
            server: Host | None = self.wsgi.extensions.get("ethpillar")
            if server is not None:
                server.shutdown(self._stop_accepting)
        finally:
            super().handle_exit(sig, frame)
