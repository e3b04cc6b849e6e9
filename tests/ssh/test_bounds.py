"""What a peer may send at most. Endless greetings and packets are tested with real sockets in tests/system."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import paramiko
import pytest
from paramiko.auth_handler import AuthHandler
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_DISCONNECT,
    MSG_EXT_INFO,
    MSG_USERAUTH_INFO_REQUEST,
)
from paramiko.packet import Packetizer

from ethpillar.ssh.bounds import (
    BEYOND,
    CHANNEL_HANDLERS,
    GREETING,
    IDLE_BURST,
    IDLE_KINDS,
    PACKET,
    BoundedMessage,
    BoundedPacketizer,
)
from ethpillar.ssh.window import MOST

from ..waiting import until


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
        for _ in range(3 * MOST // 32768):
            CHANNEL_HANDLERS[number](channel, data(32768, *head))

    with pytest.raises(paramiko.SSHException):
        pour()
    assert len(channel.in_buffer) + len(channel.in_stderr_buffer) <= 2 * MOST + 32768


def test_what_comes_after_a_channel_was_closed_is_not_kept() -> None:
    channel: Any = paramiko.Channel(1)
    CHANNEL_HANDLERS[MSG_CHANNEL_DATA](channel, data(1000))
    assert len(channel.in_buffer) == 1000
    channel.closed = True
    CHANNEL_HANDLERS[MSG_CHANNEL_DATA](channel, data(1000))
    CHANNEL_HANDLERS[MSG_CHANNEL_EXTENDED_DATA](channel, data(1000, 1))
    assert len(channel.in_buffer) + len(channel.in_stderr_buffer) == 1000


@pytest.mark.parametrize("size", [PACKET + 1, 2**31, -1])
def test_a_packet_that_is_none(size: int) -> None:
    with pytest.raises(paramiko.SSHException):
        BoundedPacketizer(None).read_all(size)


def through(kind: int, *rest: int | str) -> paramiko.Message:
    """A packet as it is read from a peer."""
    message = paramiko.Message()
    message.add_byte(bytes([kind]))
    for each in rest:
        message.add_int(each) if isinstance(each, int) else message.add_string(each)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Packetizer(theirs).send_message(message)
        read, packet = BoundedPacketizer(ours).read_message()
    assert read == kind
    return packet


@pytest.mark.parametrize("claimed", [50, 2**31, 2**32 - 1])
def test_a_peer_that_claims_more_than_it_sends(claimed: int) -> None:
    transport: Any = paramiko.Transport(socket.socketpair()[0])
    with pytest.raises(paramiko.SSHException):
        transport._parse_ext_info(through(MSG_EXT_INFO, claimed, "server-sig-algs", "rsa-sha2-256"))
    handler: Any = AuthHandler(transport)
    handler.auth_method, handler.interactive_handler = "keyboard-interactive", lambda *_: []
    with pytest.raises(paramiko.SSHException):
        handler._parse_userauth_info_request(through(MSG_USERAUTH_INFO_REQUEST, "", "", "", claimed, "Password: "))


def test_a_message_whose_last_fields_are_left_out() -> None:
    message = through(MSG_DISCONNECT, 2)
    assert (message.get_int(), message.get_text(), message.get_text()) == (2, "", "")


@pytest.mark.parametrize("kind", sorted(IDLE_KINDS))
def test_a_peer_that_sends_nothing_without_end_is_let_go(kind: int) -> None:
    ours, theirs = socket.socketpair()
    sender, reader = Packetizer(theirs), BoundedPacketizer(ours)
    message = paramiko.Message()
    message.add_byte(bytes([kind]))
    message.add_string("x" * 10)
    with ours, theirs:
        for _ in range(IDLE_BURST):
            sender.send_message(message)
            assert reader.read_message()[0] == kind
        assert not reader.babbled
        for _ in range(100):  # meanwhile it may have been granted some more
            sender.send_message(message)
        with pytest.raises(paramiko.SSHException):
            [reader.read_message() for _ in range(100)]
    assert reader.babbled


def test_data_is_not_counted_as_nothing() -> None:
    ours, theirs = socket.socketpair()
    sender, reader = Packetizer(theirs), BoundedPacketizer(ours)
    message = paramiko.Message()
    message.add_byte(bytes([MSG_CHANNEL_DATA]))
    with ours, theirs:
        for _ in range(2 * IDLE_BURST):
            sender.send_message(message)
            reader.read_message()
    assert not reader.babbled


def timers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)}


def test_a_connection_that_ends_in_the_key_exchange_leaves_no_timer() -> None:
    before = timers()
    ours, theirs = socket.socketpair()
    theirs.close()
    packetizer = BoundedPacketizer(ours)
    packetizer.start_handshake(60)
    assert timers() - before
    packetizer.close()
    packetizer.start_handshake(60)
    until(lambda: not timers() - before, "the end of the timer")


def test_a_message_may_lack_its_last_fields_but_not_without_end() -> None:
    message = BoundedMessage(b"four")
    assert message.get_bytes(4) == b"four"
    for _ in range(BEYOND):
        assert message.get_bytes(4) == b"\0" * 4
    with pytest.raises(paramiko.SSHException):
        message.get_bytes(4)


def test_a_greeting_without_end_is_not_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        packetizer = BoundedPacketizer(ours)
        line = b"x" * 200 + b"\r\n"
        theirs.sendall(line)
        assert packetizer.readline(20) == "x" * 200
        threading.Thread(target=pour, args=(theirs, line), daemon=True).start()
        with pytest.raises(paramiko.SSHException):
            sum(1 for _ in iter(lambda: packetizer.readline(20), ""))
        assert packetizer.first_line == "x" * 200


def pour(sock: socket.socket, line: bytes) -> None:
    with contextlib.suppress(OSError):
        sock.sendall(line * (2 * GREETING // len(line)))
