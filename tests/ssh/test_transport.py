"""paramiko's channels under greenlets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import gevent
import paramiko
import pytest

from ethpillar.ssh import transport as transport_module
from ethpillar.ssh.address import LiveSocket
from ethpillar.ssh.keepalive import Keepalive
from ethpillar.ssh.transport import EXCHANGES, NodeTransport
from ethpillar.ssh.window import FIRST

from ..waiting import until


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


def test_a_channel_that_was_put_is_found(channel: paramiko.Channel) -> None:
    theirs, ours = socket.socketpair()
    transport = NodeTransport(LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach()))
    transport._channels.put(7, channel)
    assert transport._channels.get(7) is channel
    transport.close()
    theirs.close()


def test_what_is_read_may_be_sent_again_until_the_channel_ends(channel: paramiko.Channel) -> None:
    channel.active = True
    quarter = FIRST // 4
    assert channel._check_add_window(quarter - 1) == 0
    assert channel._check_add_window(1) == quarter
    channel.eof_received = True
    assert channel._check_add_window(FIRST) == 0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, NodeTransport]]:
    """The peer's end of a connection, and our transport, which believes that it is logged in and has no thread."""
    theirs, ours = socket.socketpair()
    transport = NodeTransport(LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach()))
    transport.active = True
    transport.clear_to_send.set()
    yield theirs, transport
    transport.close()
    theirs.close()


def test_a_packet_is_written_whole_whoever_is_stopped(ends: tuple[socket.socket, NodeTransport]) -> None:
    """Half a packet would make every packet after it unreadable."""
    theirs, transport = ends
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


def test_a_small_packet_is_written_at_once_if_nothing_stands_before_it(
    ends: tuple[socket.socket, NodeTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, transport = ends
    shielded: list[int] = []
    monkeypatch.setattr(transport_module, "shielded", lambda act: shielded.append(1) or act())
    small, large = paramiko.Message(), paramiko.Message()
    small.add_string(b"x" * 100)
    large.add_string(b"x" * 5_000_000)
    transport._send_user_message(small)
    assert not shielded
    assert theirs.recv(1000)
    writing = gevent.spawn(transport._send_user_message, large)
    gevent.sleep(0)
    assert shielded == [1]
    after = gevent.spawn(transport._send_user_message, small)
    gevent.sleep(0)
    assert shielded == [1, 1]
    theirs.setblocking(False)
    while not (writing.dead and after.dead):
        with contextlib.suppress(BlockingIOError):
            theirs.recv(1 << 20)
        gevent.sleep(0)
    transport.clear_to_send.clear()  # keys are exchanged
    assert not transport._has_room(100)
    transport.live_socket.close()
    transport.clear_to_send.set()
    assert not transport._has_room(100)


def test_a_node_that_gives_no_sign_of_life_is_dead(ends: tuple[socket.socket, NodeTransport]) -> None:
    theirs, transport = ends
    transport.live_socket.heard = time.monotonic()
    Keepalive(0).watch(transport, 0.01, 0.02)
    assert transport.ended.wait(10)
    assert not transport.is_active()
    assert b"\x50\x00\x00\x00\x15keepalive@openssh.com\x01" in theirs.recv(1000)  # RFC 4254, 4: with a reply


def test_a_node_that_gives_one_is_not(ends: tuple[socket.socket, NodeTransport]) -> None:
    theirs, transport = ends
    keepalive = Keepalive(0)
    for _ in range(3):
        transport.live_socket.heard = time.monotonic()
        keepalive.watch(transport, 0.01, 60)
        assert theirs.recv(1000)  # it is asked
        theirs.sendall(b"x")
        asked = transport.heard
        transport.live_socket.recv(1)
        assert transport.heard > asked
        assert transport.is_active()


def test_a_node_that_reads_nothing_is_dead_too(ends: tuple[socket.socket, NodeTransport]) -> None:
    _, transport = ends
    message = paramiko.Message()
    message.add_string(b"x" * 5_000_000)
    writing = gevent.spawn(transport._send_user_message, message)
    Keepalive(0).watch(transport, 0.01, 0.02)
    assert transport.ended.wait(10)
    writing.join(10)
    assert writing.dead


def test_asking_on_a_connection_that_is_gone_ends_it(ends: tuple[socket.socket, NodeTransport]) -> None:
    theirs, transport = ends
    theirs.close()
    transport.sock.close()
    transport.ask()
    assert transport.ended.is_set()


def test_a_host_key_that_is_preferred_is_asked_for_first(ends: tuple[socket.socket, NodeTransport]) -> None:
    _, transport = ends
    before = transport._preferred_keys
    transport.prefer_host_key(("rsa-sha2-256", "no-such-algorithm"))
    assert transport._preferred_keys[0] == "rsa-sha2-256"
    assert sorted(transport._preferred_keys) == sorted(before)
    transport.prefer_host_key(())
    assert transport._preferred_keys[0] == "rsa-sha2-256"


def test_only_the_last_channels_are_remembered(ends: tuple[socket.socket, NodeTransport]) -> None:
    _, transport = ends
    for number in range(1000):
        transport.channels_seen[number] = True
    assert list(transport.channels_seen) == list(range(1000 - 256, 1000))


@pytest.mark.parametrize(
    ("reason", "text", "out_of_tries"),
    [(14, "bye", True), (2, "Too many authentication failures", True), (2, "bye", False), (11, "", False)],
)
def test_why_a_node_ends_a_connection(
    ends: tuple[socket.socket, NodeTransport], reason: int, text: str, out_of_tries: bool
) -> None:
    _, transport = ends
    message = paramiko.Message()
    message.add_int(reason)
    message.add_string(text)
    message.rewind()
    transport._parse_disconnect(message)
    assert transport.out_of_tries is out_of_tries


def test_a_node_that_exchanges_keys_without_end_is_let_go() -> None:
    theirs, ours = socket.socketpair()
    server = paramiko.Transport(theirs)
    server.add_server_key(paramiko.ECDSAKey.generate())
    server.start_server(event=threading.Event(), server=paramiko.ServerInterface())
    transport = NodeTransport(LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach()))
    try:
        transport.start_client(timeout=30)
        exchanges = 1
        until(lambda: server.initial_kex_done, "the first exchange")
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
            while exchanges < 100:
                until(lambda: server.local_kex_init is None and server.clear_to_send.is_set(), "the exchange's end", 2)
                server.renegotiate_keys()
                exchanges += 1
        assert transport.ended.wait(30)
        assert exchanges == EXCHANGES
        assert transport.was_restless()
    finally:
        transport.close()
        server.close()


def test_no_secret_outlives_the_login(ends: tuple[socket.socket, NodeTransport]) -> None:
    _, transport = ends
    transport.forget_login()  # before there was one
    handler = transport.auth_handler = paramiko.auth_handler.AuthHandler(transport)
    handler.password, handler.private_key, handler.interactive_handler = "secret", object(), lambda *_: []
    transport._offer = {"kex_algo_list": ["x"]}
    transport.forget_login()
    assert not [each for each in vars(handler).values() if each == "secret"]
    assert handler.private_key is handler.interactive_handler is None
    assert transport.nothing_in_common() == ()


def test_a_handshake_that_is_complete_leaves_no_timer_and_the_next_one_has_its_own(
    ends: tuple[socket.socket, NodeTransport],
) -> None:
    _, transport = ends
    packetizer = transport.packetizer
    timers = [threading.active_count()]
    for _ in range(2):
        packetizer.start_handshake(60)
        packetizer.complete_handshake()
        assert packetizer._Packetizer__timer is None
    until(lambda: threading.active_count() <= timers[0], "the end of the timers")
    assert not packetizer.handshake_timed_out()


def test_a_transport_was_not_restless_before_anything_was_said(ends: tuple[socket.socket, NodeTransport]) -> None:
    assert not ends[1].was_restless()


def test_what_a_node_has_that_this_server_has_not_is_named(ends: tuple[socket.socket, NodeTransport]) -> None:
    _, transport = ends
    assert transport.nothing_in_common() == ()  # before it offered anything
    transport._offer = {
        "kex_algo_list": list(transport._preferred_kex[-1:]),
        "server_key_algo_list": [],
        "server_encrypt_algo_list": ["arcfour", "3des-cbc\x1b[31m"],
    }
    assert transport.nothing_in_common() == (
        "host key of the node: none",
        f"host key here: {', '.join(transport._preferred_keys)}",
        "cipher of the node: arcfour",
        f"cipher here: {', '.join(transport._preferred_ciphers)}",
    )


def test_a_transport_has_heard_nothing_before_its_login(ends: tuple[socket.socket, NodeTransport]) -> None:
    _, transport = ends
    assert transport.said == b""
    assert transport.said_first == ""
