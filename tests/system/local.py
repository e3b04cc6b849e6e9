"""The server in the process of the tests, so that everything it holds can be counted."""

from __future__ import annotations

import gc
import socket
import subprocess

import gevent
import paramiko
from gevent.pywsgi import WSGIServer

import config
from ethpillar import create_app
from ethpillar.gateway.browser import BrowserSocket
from ethpillar.log_setup import set_up
from ethpillar.nodes.log_feed import LogFeed
from ethpillar.nodes.node import Node
from ethpillar.nodes.status_feed import StatusSubscription
from ethpillar.nodes.subscription import LogSubscription
from ethpillar.ssh.connection import Connection
from ethpillar.ssh.transport import NodeTransport
from ethpillar.web.handler import Handler

from ..waiting import until
from .parts import RedisServer, free_port

HELD = (BrowserSocket, Node, LogFeed, LogSubscription, StatusSubscription, Connection, NodeTransport)


class LocalServer:
    """The application in this process, with the production worker's request handler."""

    def __init__(self, redis: RedisServer, **settings: str) -> None:
        self.port = free_port()
        environment = {"REDIS_URL": redis.url, "NODE_LINGER": "0", "LOG_LEVEL": "warning", **settings}
        self.settings = config.load(environment, env_file=None)
        set_up(self.settings.log_level)
        self.app = create_app(self.settings)
        self.rooms = self.app.extensions["ethpillar"]
        self.rooms.start()
        self._listener = WSGIServer(("127.0.0.1", self.port), self.app, handler_class=Handler, log=None)
        self._listener.start()

    def keep_few_answers(self) -> None:
        """Have the kernel keep few bytes for clients that come now: on the loopback it keeps megabytes."""
        self._listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.rooms.shutdown()
        self._listener.stop(timeout=1)


def count() -> dict[str, int]:
    """What is held at the moment."""
    gc.collect()
    things = gc.get_objects()
    found = {kind.__name__: sum(1 for each in things if isinstance(each, kind)) for kind in HELD}
    channels = [each for each in things if isinstance(each, paramiko.Channel)]
    found["channels"] = sum(1 for each in channels if not each.transport.server_mode)  # not a test's own server's
    found["greenlets"] = sum(1 for each in things if isinstance(each, gevent.Greenlet) and not each.dead)
    return found


def settle(before: dict[str, int]) -> None:
    """Waits until no more is held than before."""

    def settled() -> bool:
        # gevent holds the threads there were at the last fork, and so paramiko's. The server never forks.
        subprocess.run(["true"], check=True)
        now = count()
        return all(now[name] <= before[name] for name in before)

    try:
        until(settled, "everything to be let go of", 30)
    except AssertionError:
        alive = [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet) and not each.dead]
        raise AssertionError(f"held: {count()}; before: {before}; greenlets: {alive}") from None
