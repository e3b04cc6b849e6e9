"""Secrets: to whom they are shown, what is left of them, and that none are taken from this server's own user."""

from __future__ import annotations

import fcntl
import gc
import io
import os
import socket as plain_socket
import struct
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import greenlet
import paramiko
import pytest

from demo.simnode import SimNode

from ..waiting import until
from .clients import JsClients
from .conftest import EXECUTION, World
from .faulty import LOGIN, DeafServer
from .local import LocalServer
from .parts import PASSWORD, EthPillarServer, RedisServer, Sshd
from .proxy import Proxy


@pytest.fixture
def deaf(node: SimNode) -> Iterator[DeafServer]:
    made = DeafServer(node)
    yield made
    made.close()


def refusal(socket: Any) -> dict[str, str]:
    """What a socket that showed its token at connect hears of a node that can't be logged in to."""
    told = until(lambda: socket.events("connect_error") or socket.events("error"), "a refusal")[0]
    return {"message": told["message"], **told.get("data", told)}


def refused(world: World, code: str, **session: Any) -> None:
    error = refusal(world.open(world.session(**session)))
    assert error["code"] == code, error
    assert "auth" not in error["message"].lower()


# -- what is left of a password


def holders(backwards: str) -> list[str]:
    """Everything in this process that holds a text, which is given backwards so that this does not find itself."""
    needle, raw = backwards[::-1], backwards[::-1].encode()
    gc.collect()
    seen: set[int] = set()
    found: list[str] = []
    todo: list[tuple[Any, str]] = [(each, "") for each in gc.get_objects()]
    for each in [each for each, _ in todo if isinstance(each, greenlet.greenlet)]:
        frame = each.gr_frame
        while frame is not None:
            todo.append((dict(frame.f_locals), f"{frame.f_code.co_filename}:{frame.f_lineno}"))
            frame = frame.f_back
    mine = {id(todo), id(seen), id(found)}
    while todo:
        each, holder = todo.pop()
        if id(each) in seen or id(each) in mine:
            continue
        seen.add(id(each))
        if isinstance(each, str):
            if needle in each and each is not needle:
                found.append(f"{each[:80]!r} in {holder}")
        elif isinstance(each, (bytes, bytearray)):
            if raw in each and each is not raw:
                found.append(f"{bytes(each[:80])!r} in {holder}")
        elif gc.is_tracked(each) or isinstance(each, (dict, tuple)):
            name = f"{type(each).__module__}.{type(each).__qualname__}"
            todo += [(referent, f"{name} < {holder}"[:400]) for referent in gc.get_referents(each)]
    return found


@pytest.fixture
def local(redis: RedisServer) -> Iterator[LocalServer]:
    made = LocalServer(redis, SESSION_CHECK_INTERVAL="0.2", SSH_LOGIN_TIMEOUT="2")
    yield made
    made.close()


def write_elsewhere(redis: RedisServer, token: str, port: int, file: Path) -> None:
    """Writes a session whose password is a file's text, in another process: this one must not have known it."""
    code = (
        "import json, sys, redis; url, token, port, path = sys.argv[1:];"
        "record = dict(host='127.0.0.1', username='staker', password=open(path).read(), port=int(port));"
        "redis.Redis.from_url(url).set('ssh_session:' + token, json.dumps(record), ex=10200)"
    )
    subprocess.run([sys.executable, "-c", code, redis.url, token, str(port), str(file)], check=True)


def test_nothing_holds_a_password_after_its_session(
    tmp_path: Path,
    redis: RedisServer,
    local: LocalServer,
    sshd: Sshd,
    node: SimNode,
    deaf: DeafServer,
    clients: JsClients,
) -> None:
    world: Any = World(tmp_path, redis, local, sshd, node, clients)  # type: ignore[arg-type]
    backwards = uuid.uuid4().hex
    file = tmp_path / "secret"
    file.write_text(backwards[::-1])
    node.append(EXECUTION, "hello")

    def leave(good: bool, hang: bool) -> None:
        """One session's life: in and out, refused, or never answered."""
        deaf.password = file.read_text() if good else "another"
        deaf.deaf = {LOGIN: 2} if hang else {}
        token = str(uuid.uuid4())
        write_elsewhere(redis, token, deaf.port, file)
        socket = world.open(token)
        if good and not hang:
            socket.wait("authenticated")
            assert holders(backwards)  # while it lives, it is found
            socket.call("subscribe_logs", {"service": "execution"})
            until(lambda: socket.lines("execution"), "the log")
            world.store.delete(f"ssh_session:{token}")
            socket.wait("disconnect")
        else:
            until(lambda: socket.events("connect_error") or socket.events("error"), "a refusal", 60)
            world.store.delete(f"ssh_session:{token}")
            socket.close()
        deaf.password = ""
        deaf.passwords.clear()

    for good, hang in ((True, False), (False, False), (True, True)):
        leave(good, hang)
        until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "an idle server")
        deaf.disconnect()

        def nothing() -> bool:
            subprocess.run(["true"], check=True)  # see `local.settle`
            return not holders(backwards)

        try:
            until(nothing, "the last of the password", 15)
        except AssertionError:
            assert holders(backwards) == []
    world.close()


# -- this server's own user


def test_nothing_is_taken_from_this_server_s_own_user(world: World, redis: RedisServer, tmp_path: Path) -> None:
    """Its stdin, its ~/.ssh and its agent would let it in, if it ever looked there."""
    home = tmp_path / "server-home"
    (home / ".ssh").mkdir(parents=True)
    for name in ("id_ed25519", "id_rsa", "identity"):
        (home / ".ssh" / name).write_text(world.sshd.private_key)
        (home / ".ssh" / name).chmod(0o600)
    (home / ".ssh" / "config").write_text("Host *\n  ProxyCommand touch /tmp/never\n  User root\n")
    (home / ".ssh" / "known_hosts").write_text("nonsense\n")
    with plain_socket.socket(plain_socket.AF_UNIX) as listening:
        listening.bind(str(home / "agent"))
        listening.listen()
        listening.setblocking(False)
        reader, writer = os.pipe()
        os.write(writer, b"correct horse\nyes\n" * 50)
        kept = os.dup(0)
        os.dup2(reader, 0)  # the server inherits it
        try:
            server = EthPillarServer(tmp_path, redis.url, HOME=str(home), SSH_AUTH_SOCK=str(home / "agent"))
        finally:
            os.dup2(kept, 0)
        try:
            for session in ({"password": "wrong"}, {"privateKey": "-----BEGIN NONSENSE-----", "password": ...}):
                socket = world.clients.open(world.session(**session), url=server.url)
                assert refusal(socket)["code"] in ("ssh_auth_failed", "ssh_bad_key")
            world.clients.open(world.session(), url=server.url).wait("authenticated")
            log = (world.sshd.folder / "log").read_text()
            assert "publickey" not in log
            with pytest.raises(BlockingIOError):
                listening.accept()
            waiting = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4))[0]
            assert waiting == len(b"correct horse\nyes\n") * 50
            assert not Path("/tmp/never").exists()
        finally:
            server.stop()
            for each in (reader, writer, kept):
                os.close(each)


# -- whom they are shown to


def test_a_host_key_that_is_swapped_in_mid_life(world: World, deaf: DeafServer) -> None:
    proxy = Proxy(world.sshd.port)
    try:
        socket = world.enter(world.session(port=proxy.port))
        proxy.target = deaf.port
        proxy.cut()
        assert socket.wait("error")["code"] == "host_key_changed"
        socket.wait("disconnect")
        refused(world, "host_key_changed", port=proxy.port)
        assert deaf.passwords == []
        assert deaf.accepted >= 1
    finally:
        proxy.close()


CODE = "Verification code: "
_text = io.StringIO()
paramiko.ECDSAKey.generate().write_private_key(_text)
OTHER_KEY = _text.getvalue()


@pytest.mark.parametrize(
    ("methods", "questions", "code", "shown"),
    [
        ("password", (CODE,), "ssh_second_factor", [PASSWORD]),
        ("publickey", (CODE,), "ssh_second_factor", []),
        ("keyboard-interactive", (CODE,), "ssh_second_factor", []),
        ("keyboard-interactive", ("One-time password (OATH): ",), "ssh_second_factor", []),
        ("keyboard-interactive", ("Password: ", CODE), "ssh_second_factor", [PASSWORD]),
        ("keyboard-interactive", ("Password: ",), "ssh_auth_failed", [PASSWORD]),
        ("keyboard-interactive", ("Password: ", "Password: "), "ssh_auth_failed", [PASSWORD]),
        ("hostbased", (), "ssh_auth_failed", []),
        ("none", (), "ssh_auth_failed", []),
        ("", (), "ssh_auth_failed", []),
    ],
)
def test_questions_that_only_a_person_can_answer(
    world: World, deaf: DeafServer, methods: str, questions: tuple[str, ...], code: str, shown: list[str]
) -> None:
    deaf.methods, deaf.second_factor = methods, questions
    session: dict[str, Any] = {"port": deaf.port}
    if methods == "publickey":
        session["privateKey"] = world.sshd.private_key
    refused(world, code, **session)
    assert deaf.passwords == shown
    refused(world, code, **session)  # another session with the same words; each shows them once
    assert deaf.passwords == shown * 2


class TestOneTry:
    @pytest.fixture
    def sshd_options(self) -> dict[str, str]:
        return {"MaxAuthTries": "1"}

    def test_an_sshd_that_hangs_up_on_the_first_refusal_has_refused(self, world: World) -> None:
        world.enter()
        for session in ({"password": "wrong"}, {"privateKey": OTHER_KEY}):
            token = world.session(**session)
            for _ in range(3):
                error = refusal(world.open(token))
                assert error["code"] == "ssh_auth_failed"
        assert world.sshd.failures() == 1
        assert (world.sshd.folder / "log").read_text().count("Failed publickey") == 1
        world.enter()


def test_no_stranger_gets_this_server_banned_at_somebody_else_s_machine(world: World) -> None:
    world.enter()
    for number in range(2):
        refused(world, "ssh_auth_failed", username=f"guess{number}", password="wrong")
    for number in range(2):
        refused(world, "ssh_held_back", username=f"more{number}", password="wrong")
    assert world.sshd.failures() == 2
    world.enter()  # the owner was in there before
    assert world.sshd.logins() == 2


class TestTwoFactorsOfSshd:
    @pytest.fixture(params=["publickey,keyboard-interactive", "password,keyboard-interactive:pam"])
    def sshd_options(self, request: pytest.FixtureRequest) -> dict[str, str]:
        return {"UsePAM": "yes", "KbdInteractiveAuthentication": "yes", "AuthenticationMethods": request.param}

    def test_it_is_told_clearly(self, world: World, sshd_options: dict[str, str]) -> None:
        if sshd_options["AuthenticationMethods"].startswith("publickey"):
            refused(world, "ssh_second_factor", privateKey=world.sshd.private_key, password=...)
            refused(world, "ssh_auth_failed")  # a password alone: the node does not even ask for one first
        else:
            refused(world, "ssh_second_factor")
        assert world.sshd.failures() == 0


@pytest.mark.parametrize(
    "sshd_options",
    [
        {"KexAlgorithms": "diffie-hellman-group1-sha1"},
        {"Ciphers": "3des-cbc"},
        {"HostKeyAlgorithms": "ssh-rsa"},
        {"Ciphers": "aes128-ctr", "MACs": "hmac-md5"},
    ],
)
def test_an_sshd_that_knows_only_what_is_no_longer_safe(world: World, sshd_options: dict[str, str]) -> None:
    refused(world, "ssh_outdated")
    assert world.sshd.logins() == world.sshd.failures() == 0
