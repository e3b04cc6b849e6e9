"""A running command, as its reader sees it."""

from __future__ import annotations

import threading
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.ssh.connection import Command
from ethpillar.ssh.shell import CommandLine
from ethpillar.timing import within


class Interrupted:
    """A channel that, when a wait for output is broken off, releases a lock it has not got, as paramiko's may."""

    def recv(self, _: int) -> bytes:
        lock = threading.Lock()
        try:
            Event().wait()
        finally:
            lock.release()
        return b""

    sendall = recv


@pytest.mark.parametrize("act", [lambda command: command.read(), lambda command: command.send(b"x")])
def test_a_kill_and_a_timeout_stay_what_they_are(act: Any) -> None:
    command = Command(Interrupted(), CommandLine(["true"]))  # type: ignore[arg-type]
    reading = gevent.spawn(act, command)
    gevent.sleep(0)
    reading.kill()
    assert isinstance(reading.value, gevent.GreenletExit)
    ended = False
    with within(0.01):
        act(command)
        ended = True
    assert not ended
