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


@pytest.mark.parametrize("turns", range(5))
def test_a_reader_that_is_killed_harms_nobody(channel: paramiko.Channel, turns: int) -> None:
    readers = [gevent.spawn(channel.recv, 100) for _ in range(3)]
    gevent.sleep(0)
    feeding = gevent.spawn(channel.in_buffer.feed, b"hello")
    for _ in range(turns):
        gevent.sleep(0)
    gevent.killall(readers[:2])
    feeding.get(timeout=10)
    channel.in_buffer.feed(b" again")
    readers[2].get(timeout=10)
    channel.in_buffer.close()
    read = [each.value for each in readers if isinstance(each.value, bytes)]
    assert b"".join(sorted([*read, channel.recv(100)], reverse=True)) == b"hello again"
    assert all(isinstance(each.value, gevent.GreenletExit | bytes) for each in readers)
