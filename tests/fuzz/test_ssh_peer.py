"""What answers on a node's SSH port: no sshd, a broken one, or one that means harm."""

from __future__ import annotations

import contextlib
import logging
import struct
from typing import Any

import gevent
import paramiko
import pytest
from gevent import socket
from hypothesis import example, given
from hypothesis import strategies as st

from ethpillar.errors import CredentialRefused, SecondFactorRequired, SshError, SshOutdated
from ethpillar.ssh.address import LiveSocket
from ethpillar.ssh.bounds import GREETING
from ethpillar.ssh.login import _authenticate, _exchange_keys
from ethpillar.ssh.target import Target
from ethpillar.ssh.transport import NodeTransport

from .kit import TEXT, fuzzed

VERSION = b"SSH-2.0-OpenSSH_9.6\r\n"
SECRET = "hunter2"


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def packet(payload: bytes) -> bytes:
    """A packet as it is before there are keys (RFC 4253, 6)."""
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def key_exchange(*lists: bytes) -> bytes:
    """KEXINIT with these lists of algorithms; those that are missing are like the last."""
    lists = (*lists, *(lists[-1:] * 10))[:10]
    return b"\x14" + bytes(16) + b"".join(map(string, lists)) + b"\0" + bytes(4)


GOOD = key_exchange(
    *(b"curve25519-sha256", b"ssh-ed25519", b"aes128-gcm@openssh.com", b"aes128-gcm@openssh.com"),
    *(b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""),
)
REPLY = b"\x1f" + string(string(b"ssh-ed25519") + string(b"k" * 32)) + string(b"p" * 32) + string(b"sig")
PAYLOADS = st.sampled_from(
    [
        *(GOOD, REPLY, b"\x15", b"\x01" + struct.pack(">I", 14) + string(b"bye\xff") + string(b""), b"\x02", b"\x03"),
        *(b"\x04\x01" + string(b"\x1b[31m\xff") + string(b""), b"\x34", b"\x5b", b"\x50", b"\x07", b"\xff" * 5, b""),
        *(key_exchange(b"none"), key_exchange(b"\xff"), key_exchange(b"diffie-hellman-group1-sha1"), b"\x14"),
        *(b"\x1f" + string(b""), b"\x1f" + struct.pack(">I", 1 << 31), b"\x06" + string(b"ssh-userauth")),
        *(b"\x07" + struct.pack(">I", count) + string(b"server-sig-algs") for count in (20, 1 << 31)),
    ]
)
PACKETS = st.lists(PAYLOADS | st.binary(max_size=40), max_size=6).map(lambda all: b"".join(map(packet, all)))
RAW = st.sampled_from(
    [
        *(b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.5-old\r\n", b"SSH-", b"SSH-2.0", b"\r\n" * 50, b"\xff" * 300),
        *(struct.pack(">I", 0xFFFFFFFF) + b"x" * 40, struct.pack(">I", 5) + b"\xff" * 40, bytes(40), b"x" * 5000),
        VERSION + VERSION,
    ]
)


def pair() -> tuple[Any, LiveSocket]:
    """The peer's end and ours."""
    theirs, ours = socket.socketpair()
    return theirs, LiveSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=ours.detach())


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Any:
    logger = logging.getLogger("paramiko")
    before, logger.disabled = logger.disabled, True
    logging.getLogger("paramiko.transport").disabled = True
    yield
    logger.disabled = before
    logging.getLogger("paramiko.transport").disabled = False


@fuzzed
@given(st.sampled_from([b"", VERSION, b"Welcome\r\n" + VERSION]), PACKETS | RAW | st.binary(max_size=200))
@example(b"", b"x" * GREETING + b"\n" + VERSION)
@example(VERSION, packet(GOOD) + packet(REPLY))
def test_whatever_answers_the_key_exchange_ends_in_one_of_our_errors(greeting: bytes, data: bytes) -> None:
    theirs, ours = pair()
    transport = NodeTransport(ours)

    def answer() -> None:
        with contextlib.suppress(ConnectionError):  # they may hang up first
            theirs.sendall(greeting + data)
            theirs.shutdown(socket.SHUT_WR)
            while theirs.recv(65536):
                pass

    peer = gevent.spawn(answer)
    try:
        with pytest.raises(SshError) as problem:
            _exchange_keys(transport, 20)
        assert "\x1b" not in str(problem.value)
        assert problem.value.payload()["message"].isprintable()
    finally:
        transport.close()
        ours.close()
        peer.kill()
        theirs.close()
    assert transport.ended.wait(20)


def test_a_peer_chooses_no_prime() -> None:
    offered = NodeTransport._preferred_kex
    assert "curve25519-sha256@libssh.org" in offered
    assert "diffie-hellman-group14-sha256" in offered
    theirs, ours = pair()
    lists = (b"diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512",)
    theirs.sendall(VERSION + packet(key_exchange(*lists, b"ssh-ed25519", *(b"aes128-gcm@openssh.com",) * 2)))
    transport = NodeTransport(ours)
    with pytest.raises(SshOutdated):
        _exchange_keys(transport, 20)
    transport.close()
    theirs.close()


class Asking:
    """A transport that is asked for a login, whose sshd has questions."""

    out_of_tries = False

    def __init__(self, allowed: list[str], rounds: list[list[tuple[str, bool]]]) -> None:
        self.allowed = allowed
        self.rounds = rounds
        self.told: list[str] = []

    def auth_none(self, _user: str) -> None:
        raise paramiko.BadAuthenticationType("no", self.allowed)

    def auth_password(self, _user: str, password: str, fallback: bool) -> list[str]:
        assert not fallback
        self.told.append(password)
        raise paramiko.AuthenticationException("\x1b[31mno")

    def auth_interactive(self, _user: str, handler: Any) -> list[str]:
        for prompts in self.rounds:
            answers = handler("title", "text", prompts)
            assert len(answers) == len(prompts)
            self.told += answers
        raise paramiko.AuthenticationException("no")

    def is_active(self) -> bool:
        return True

    def is_authenticated(self) -> bool:
        return False


PROMPTS = st.sampled_from(
    [
        "Password: ",
        "password for staker:",
        "Passwort: ",
        "One-time password: ",
        "Verification code: ",
        "OTP",
        "PIN:",
        "",
    ]
)
METHODS = st.sampled_from(["password", "keyboard-interactive", "publickey", "gssapi-with-mic", "\x1b[31m", "oauth", ""])


@fuzzed
@given(
    st.lists(METHODS | TEXT, max_size=4),
    st.lists(st.lists(st.tuples(PROMPTS | TEXT, st.booleans()), max_size=3), max_size=4),
)
@example(["keyboard-interactive"], [[("Password: ", False)], [("Password: ", False)]])
@example(["keyboard-interactive"], [[("Password: ", True)]])
@example(["keyboard-interactive"], [[("Your one-time\npassword: ", False)]])
@example(["keyboard-interactive"], [[("Password and\none-time code: ", False)]])
@example(["keyboard-interactive"], [[("Password for token: ", False)]])
@example(["keyboard-interactive"], [[("Password:\nVerification code:", False)]])
@example(["keyboard-interactive"], [[("x\nPassword:", False)]])
@example(["keyboard-interactive"], [[("Enter your OTP\nPassword:", False)]])
def test_a_password_is_told_once_and_only_when_asked_for(allowed: list[str], rounds: Any) -> None:
    asking = Asking(allowed, rounds)
    target = Target("node.example", 22, "staker", SECRET)
    with pytest.raises((CredentialRefused, SecondFactorRequired)) as problem:
        _authenticate(asking, target, None, 20)  # type: ignore[arg-type]
    assert asking.told.count(SECRET) <= 1
    if "password" not in allowed and SECRET in asking.told:
        first = next(prompts for prompts in rounds if prompts)
        assert len(first) == 1
        assert not first[0][1]
        assert "pass" in first[0][0].lower()
        assert not any(word in first[0][0].lower() for word in ("one-time", "verification", "code", "otp", "token"))
    hint = problem.value.payload().get("hint") or ""
    assert hint.isprintable()
    assert "\x1b" not in hint
    assert "auth" not in problem.value.payload()["message"].lower()
