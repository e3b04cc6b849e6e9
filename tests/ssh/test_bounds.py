"""What a peer may send at most. Endless greetings and packets are tested with real sockets in tests/system."""

from __future__ import annotations

from typing import Any

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA

from ethpillar.ssh.bounds import CHANNEL_HANDLERS, PACKET, WINDOW, BoundedPacketizer


def data(size: int, *head: int) -> paramiko.Message:
    message = paramiko.Message()
    for number in head:
        message.add_int(number)
    message.add_string(b"x" * size)
    message.rewind()
    return message


@pytest.mark.parametrize(("number", "head"), [(MSG_CHANNEL_DATA, ()), (MSG_CHANNEL_EXTENDED_DATA, (1,))])
def test_a_peer_that_ignores_the_window(number: int, head: tuple[int, ...]) -> None:
    channel: Any = paramiko.Channel(1)

    def pour() -> None:
        for _ in range(3 * WINDOW // 32768):
            CHANNEL_HANDLERS[number](channel, data(32768, *head))

    with pytest.raises(paramiko.SSHException):
        pour()
    assert len(channel.in_buffer) + len(channel.in_stderr_buffer) <= 2 * WINDOW + 32768


@pytest.mark.parametrize("size", [PACKET + 1, 2**31, -1])
def test_a_packet_that_is_none(size: int) -> None:
    with pytest.raises(paramiko.SSHException):
        BoundedPacketizer(None).read_all(size)
