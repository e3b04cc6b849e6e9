"""`python -m demo`: the real server between a simulated node and your terminal. Ctrl-C ends it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType

from . import parts
from .embedded import Redis, RedisUnavailable, embedded_redis
from .parts import DemoError, Ssh
from .simnode import SimNode, install
from .text import SHELL
from .world import World

DRAWS_PER_SECOND = 10


class _Ended(Exception):
    """The user, or the clock, has ended the demo."""


class _End:
    """The wish to end. Signals only set it: what is being started is always noted before the wish is looked at."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._set)

    def _set(self, number: int, frame: FrameType | None) -> None:
        self._event.set()

    def check(self) -> None:
        """Raises when it is."""
        if self._event.is_set():
            raise _Ended

    def wait(self, seconds: float) -> bool:
        """Waits for it, not longer than this."""
        return self._event.wait(seconds)


def heading(url: str, token: str, ssh: Ssh, redis: Redis) -> list[str]:
    """How to look at the same in a browser, and with other programs."""
    return [
        f"ethpillar demo: {url}/console#token={token}",
        f"A simulated node, {parts.USER}@127.0.0.1:{ssh.port}. Ctrl-C ends it.",
        f'browser: io("{url}", {{path: "/", auth: {{token: "{token}"}}}})  then emit subscribe_logs, subscribe_status',
        f"{SHELL}   REDIS_URL={redis.url} {_shown(sys.executable)} -m flask --app wsgi node logs {token} execution -f",
    ]


def _shown(path: str) -> str:
    with contextlib.suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def run(options: argparse.Namespace, end: _End, stack: contextlib.ExitStack) -> int:
    """Starts everything, shows it until it is time to end; the number of lines shown. The stack stops everything."""
    parts.check_packages()
    port = parts.wanted_port(options.port)
    from .view import Plain, Screen, View  # after the check, which says what is missing
    from .watcher import Watcher

    folder = Path(
        stack.enter_context(tempfile.TemporaryDirectory(prefix="ethpillar-demo-", ignore_cleanup_errors=True))
    )
    redis = stack.enter_context(embedded_redis(folder, end.check))
    state = folder / "node"
    install(state)
    world = World(SimNode(state))
    stack.callback(world.stop)
    world.start()
    ssh = stack.enter_context(parts.ssh_server(folder, state, end.check))
    token = parts.write_session(redis, ssh)
    port = port or parts.free_port()
    server = stack.enter_context(parts.server(folder, redis, port, end.check))
    running = [parts.Part(redis.name, redis.process, folder / "redis.log"), ssh, server]

    url = f"http://127.0.0.1:{port}"
    watcher = Watcher(url, token)
    stack.callback(watcher.close)
    watcher.connect()
    text = heading(url, token, ssh, redis)
    view: View = Plain(sys.stdout, text) if options.plain else Screen(sys.stdout, text)
    stack.callback(view.close)
    watcher.on_line, watcher.on_status, watcher.on_notice = view.line, view.status, view.notice
    until = time.monotonic() + options.seconds if options.seconds is not None else None
    while not end.wait(1 / DRAWS_PER_SECOND):
        watcher.drain()
        view.draw()
        for part in running:
            part.check()
        if until is not None and time.monotonic() >= until:
            break
    return watcher.lines


def main() -> int:
    """The command line. 0 when it was ended, 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--seconds", type=float, help="end after so many")
    parser.add_argument("--plain", action="store_true", help="append lines instead of redrawing a screen")
    parser.add_argument("--port", type=int, help="of the server (else WS_PORT, else a free one)")
    options = parser.parse_args()
    options.plain = options.plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb"
    end = _End()
    problem, lines, started = "", None, time.monotonic()
    try:
        with contextlib.ExitStack() as stack:
            lines = run(options, end, stack)
    except _Ended:
        pass
    except (DemoError, RedisUnavailable) as raised:
        problem = str(raised)
    except BrokenPipeError:  # `| head` has had enough, and Python would complain about the rest when it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as raised:  # the terminal is gone, or the disk is full
        problem = f"{raised.strerror or raised}"
    with contextlib.suppress(OSError, ValueError):
        if problem:
            print(f"demo: {problem}", file=sys.stderr)
        elif lines is not None:
            print(f"demo: {lines} lines in {time.monotonic() - started:.0f} s; everything is stopped")
        sys.stdout.flush()
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
