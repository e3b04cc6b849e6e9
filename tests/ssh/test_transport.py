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


def test_a_packet_is_written_whole_whoever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a packet would make every packet after it unreadable."""
    theirs, ours = socket.socketpair()
    transport = NodeTransport(LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach()))
    transport.active = True
    transport.clear_to_send.set()
    message = paramiko.Message()
    message.add_byte(b"\x5e")
    message.add_string(b"x" * 5_000_000)  # more than a socket takes at once
    writing = gevent.spawn(transport._send_user_message, message)
    gevent.sleep(0)
    assert not writing.dead
    writing.kill()
    received = 0
    while received < 5_000_000:
        received += len(theirs.recv(1 << 20))
    transport.close()
    theirs.close()
