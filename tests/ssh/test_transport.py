"""paramiko's channels under greenlets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import gevent
import paramiko
import pytest

from ethpillar.ssh.address import LiveSocket
from ethpillar.ssh.transport import NodeTransport


@pytest.fixture
def channel() -> Iterator[paramiko.Channel]:
    theirs, ours = socket.socketpair()
    transport = NodeTransport(LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach()))
    made = paramiko.Channel(1)
    transport._channels.put(1, made)
    yield made
    transport.close()
    theirs.close()


def test_data_is_put_into_a_channel_without_letting_others_run(channel: paramiko.Channel) -> None:
    """Others would find its lock held; and one that was killed while it waited for that would release it."""
    reading = gevent.spawn(channel.recv, 10)
    gevent.sleep(0)
    ran: list[int] = []
    gevent.spawn(ran.append, 1)
    channel.in_buffer.feed(b"hello")
    channel.in_stderr_buffer.feed(b"hello")
    with channel.lock:
        channel.out_buffer_cv.notify_all()
    assert not ran
    assert reading.get(timeout=10) == b"hello"
