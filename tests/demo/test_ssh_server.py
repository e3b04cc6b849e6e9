"""The demo's SSH server, with paramiko's client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import paramiko
import pytest

from demo.parts import ROOT
from demo.simnode import SimNode

from ..waiting import until

UNIT = "execution.service"


class Server:
    """The server in a process of its own."""

    def __init__(self, node: SimNode) -> None:
        secret = node.state / "password"
        secret.write_text("geheim\n")
        words = [sys.executable, "-m", "demo.ssh_server", "--state", str(node.state), "--port", "0"]
        self.process = subprocess.Popen(
            [*words, "--password-file", str(secret)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.port, self.host_key = told["port"], told["host_key"]

    def login(self, user: str = "staker", password: str = "geheim") -> paramiko.Transport:
        transport = paramiko.Transport(("127.0.0.1", self.port))
        transport.start_client(timeout=20)
        transport.auth_password(user, password)
        return transport

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(node: SimNode) -> Iterator[Server]:
    started = Server(node)
    yield started
    started.close()


@pytest.fixture
def client(server: Server) -> Iterator[paramiko.Transport]:
    transport = server.login()
    yield transport
    transport.close()


def execute(client: paramiko.Transport, command: str, stdin: bytes | None = None) -> paramiko.Channel:
    channel = client.open_session(timeout=20)
    channel.settimeout(20)
    channel.exec_command(command)
    if stdin is not None:
        channel.sendall(stdin)
        channel.shutdown_write()
    return channel


def output(channel: paramiko.Channel) -> bytes:
    data = b""
    while some := channel.recv(65536):
        data += some
    return data


def test_the_host_key_is_told(server: Server, client: paramiko.Transport) -> None:
    assert client.get_remote_server_key().fingerprint == server.host_key


def test_a_command_s_output_errors_input_and_status(client: paramiko.Transport) -> None:
    channel = execute(client, "echo out; echo err >&2; cat; exit 3", b"in")
    assert output(channel) == b"out\nin"
    assert channel.recv_stderr(100) == b"err\n"
    assert channel.recv_exit_status() == 3


def test_the_node_s_commands_come_first(node: SimNode, client: paramiko.Transport) -> None:
    node.set_unit(UNIT, ActiveState="active")
    assert output(execute(client, "systemctl show execution -p Id,ActiveState")) == (
        b"Id=execution.service\nActiveState=active\n"
    )


@pytest.mark.parametrize(("user", "password"), [("staker", "wrong"), ("root", "geheim")])
def test_a_wrong_login(server: Server, user: str, password: str) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        server.login(user, password)


def test_closing_a_channel_ends_its_command(node: SimNode, client: paramiko.Transport) -> None:
    node.append(UNIT, "hello")
    follower = execute(client, "journalctl -u execution -o cat -f", b"")
    stubborn = execute(client, "trap '' HUP TERM; systemctl show a; echo ready; while :; do sleep 0.1; done")
    assert follower.recv(100) == b"hello\n"
    until(lambda: stubborn.recv(1000).endswith(b"ready\n"))
    assert [each["argv"][0] for each in node.running()] == ["journalctl"]
    follower.close()
    stubborn.close()
    until(lambda: not node.running(), "the end of journalctl")


def test_losing_the_connection_ends_its_commands(node: SimNode, client: paramiko.Transport) -> None:
    channels = [execute(client, "journalctl -u execution -f") for _ in range(3)]
    until(lambda: len(node.running()) == len(channels))
    client.close()
    until(lambda: not node.running(), "the end of every journalctl")


def test_ten_channels_and_no_more(client: paramiko.Transport) -> None:
    channels = [execute(client, "cat") for _ in range(10)]
    with pytest.raises(paramiko.ChannelException):
        client.open_session(timeout=20)
    channels[0].close()

    def opens() -> Any:
        try:
            return client.open_session(timeout=20)
        except paramiko.ChannelException:
            return None

    until(opens, "room for another channel")


def test_much_output_to_a_slow_reader(node: SimNode, client: paramiko.Transport) -> None:
    expected = [f"{number} " + "x" * 1000 for number in range(8000)]
    node.append_many(UNIT, expected)
    channel = execute(client, "journalctl -u execution -o cat")
    # More than the window and the pipe hold: it waits, and is still there.
    until(lambda: len(channel.in_buffer) >= 2**20, "a full window")  # type: ignore[arg-type]
    assert len(node.running()) == 1
    assert output(channel).decode().splitlines() == expected
    assert channel.recv_exit_status() == 0


def test_it_ends_with_whoever_started_it(node: SimNode, server: Server, client: paramiko.Transport) -> None:
    channel = execute(client, "journalctl -u execution -f")
    until(node.running)
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(20) == 0
    assert output(channel) == b""
    until(lambda: not node.running(), "the end of journalctl")
