"""Logging in, host keys, rights, channels."""

from __future__ import annotations

import gc
from typing import Any

import paramiko
import pytest

from ethpillar.errors import HostKeyChanged
from ethpillar.sessions import watch
from ethpillar.sessions.keys import HOST_KEY_TTL
from ethpillar.ssh.keys import KeyReader
from ethpillar.ssh.login import Login, LoginOptions
from ethpillar.ssh.target import Target
from ethpillar.ssh.transport import NodeTransport

from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import PASSWORD, USER
from .raw import Raw


class AnyPins:
    """Where every key is the pinned one."""

    def host_key(self, host: str, port: int) -> str | None:
        return None

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        return pin


class NoPins:
    """Where no key was ever pinned."""

    def host_key(self, host: str, port: int) -> str | None:
        return None

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        raise AssertionError("a session's own key is not pinned")


def refused(world: World, token: str, code: str) -> dict[str, str]:
    """A socket that shows its token at connect hears why its node refuses; so does one that shows it later."""
    socket = world.open(token)
    error = socket.wait("connect_error")
    assert error["data"]["code"] == code, error
    assert set(error["data"]) <= {"code", "hint"}
    assert "auth" not in error["message"].lower()
    late = world.open()
    late.wait("connect")
    assert late.call("authenticate", token) is False
    assert late.wait("error") == {"message": error["message"], **error["data"]}
    return {"message": error["message"], **error["data"]}


def away(world: World, token: str) -> Any:
    """A socket is let in though its node can't be reached, and hears so."""
    socket = world.open(token)
    socket.wait("authenticated")
    assert socket.wait("connection_state") == {"state": "reconnecting"}
    error = socket.wait("error")
    assert error["code"] == "ssh_unreachable"
    assert error["message"] == "The node can't be reached over SSH at the moment. Trying again."
    return socket


def test_a_refused_password_is_not_tried_again(world: World) -> None:
    token = world.session(password="wrong")
    refused(world, token, "ssh_auth_failed")
    for _ in range(3):
        refused(world, token, "ssh_auth_failed")
    assert world.sshd.failures() == 1
    world.write_session(token)
    world.enter(token)
    assert world.sshd.failures() == 1


def test_a_refused_password_is_remembered_by_a_server_that_starts_again(world: World) -> None:
    token = world.session(password="wrong")
    refused(world, token, "ssh_auth_failed")
    world.server.terminate()
    world.server.start()
    refused(world, token, "ssh_auth_failed")
    assert world.sshd.failures() == 1


def test_the_cipher_that_is_agreed_on_is_aes_gcm(world: World, local: LocalServer) -> None:
    connection = Raw(local.port)
    connection.connect(world.session())
    ours = [each for each in gc.get_objects() if isinstance(each, NodeTransport) and each.is_active()]
    assert {(each.local_cipher, each.remote_cipher) for each in ours} == {("aes128-gcm@openssh.com",) * 2}
    connection.close()


def test_sockets_leave_the_node_of_a_record_that_was_replaced(
    world: World, local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.session()
    connection = Raw(local.port)
    connection.connect(token)
    (before,) = local.rooms.registry.nodes()
    world.write_session(token, password="wrong", privateKey=world.sshd.private_key)  # the dashboard; another way in
    monkeypatch.setattr(watch, "RENEW_EVERY", 0.0)
    connection.hear_event("authenticated")
    until(lambda: before not in local.rooms.registry.nodes(), "the end of the first node")
    assert len(local.rooms.registry.nodes()) == 1
    world.write_session(token, password="wrong")
    assert connection.hear_event("error")["code"] == "ssh_auth_failed"
    connection.rest()
    until(lambda: not local.rooms.registry.nodes(), "the end of all nodes")
    connection.close()


def test_a_log_begins_again_on_the_node_of_a_record_that_was_replaced(world: World) -> None:
    """For a page, which does not know that logs end."""
    token = world.session()
    page = world.enter(token)
    page.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "one")
    page.wait("log_data", lambda told: told["line"] == "one")
    world.write_session(token, password="wrong", privateKey=world.sshd.private_key)
    assert page.call("authenticate", token) is True
    world.node.append(EXECUTION, "two")
    page.wait("log_data", lambda told: told["line"] == "two")


def test_a_node_that_is_not_there(world: World) -> None:
    world.sshd.stop()
    token = world.session()
    socket = away(world, token)
    world.node.append(EXECUTION, "hello")
    socket.emit("subscribe_logs", {"service": "execution"})
    socket.emit("subscribe_status", {"interval": 1000})
    unknown = socket.wait("status_update")
    assert [(each["service"], each["status"]) for each in unknown] == [
        ("execution", "unknown"),
        ("consensus", "unknown"),
        ("validator", "unknown"),
    ]
    assert socket.call("authenticate", token) is True

    def told() -> list[str]:
        """`authenticated` clears what the page shows, and an error about the node is shown again."""
        heard = list(socket.received)
        about = [(event, args) for event, args in heard if event == "authenticated" or event == "error"]
        return [event for event, args in about if event != "error" or args[0]["code"] == "ssh_unreachable"]

    until(lambda: told() == ["authenticated", "error"] * 2, "another word, as the ack cleared the first")
    world.sshd.start()
    until(lambda: socket.lines("execution") == ["hello"], "the log")  # nothing was subscribed again
    socket.wait("status_update", lambda update: {"active"} == {each["status"] for each in update})
    until(lambda: told() == [*["authenticated", "error"] * 2, "authenticated"], "the end of the alarm")
    assert socket.changes()[-1] == {"state": "connected"}


def test_an_address_that_is_never_connected_to(world: World) -> None:
    refused(world, world.session(host="169.254.169.254"), "ssh_address_denied")
    away(world, world.session(host="no-such-host.invalid"))


def test_a_record_that_is_none(world: World) -> None:
    for changes in (
        {"host": "-oProxyCommand=id"},
        {"port": 0},
        {"username": 5},
        {"password": ...},
        {"pad": "x" * 10**7},
    ):
        socket = world.open(world.session(**changes))
        assert socket.wait("connect_error")["message"] == "Authentication error: Invalid or expired session."


def test_a_key_that_is_none(world: World) -> None:
    refused(world, world.session(privateKey="-----BEGIN NONSENSE-----"), "ssh_bad_key")
    assert world.sshd.failures() == 0


def test_a_changed_host_key_is_refused_before_a_secret_is_sent(world: World) -> None:
    token = world.session()
    socket = world.enter(token)
    socket.close()
    until(lambda: not world.sshd.connections(), "the end of the connection")
    assert world.sshd.logins() == 1
    world.sshd.stop()
    world.sshd.new_host_key("ed25519")
    world.sshd.start()
    error = refused(world, world.session(), "host_key_changed")
    assert "forget-host HOST --port PORT" in error["hint"]
    assert world.sshd.logins() == 1
    assert world.sshd.failures() == 0
    world.store.delete(f"ethpillar:hostkey:[127.0.0.1]:{world.sshd.port}")
    world.enter()


def pin(world: World) -> str:
    return f"ethpillar:hostkey:[127.0.0.1]:{world.sshd.port}"


def test_a_host_key_is_pinned_by_a_login_that_succeeds_and_each_one_renews_it(world: World) -> None:
    refused(world, world.session(password="wrong"), "ssh_auth_failed")
    assert world.store.get(pin(world)) is None
    socket = world.enter()
    fingerprint = world.sshd.fingerprint()
    assert world.store.get(pin(world)) == f"ssh-ed25519 {fingerprint}".encode()
    assert HOST_KEY_TTL - 100 < world.store.ttl(pin(world)) <= HOST_KEY_TTL
    world.store.expire(pin(world), 50)
    socket.close()
    until(lambda: not world.sshd.connections(), "the end of the connection")
    refused(world, world.session(password="wrong too"), "ssh_auth_failed")
    assert world.store.ttl(pin(world)) <= 50
    world.enter()
    assert world.store.ttl(pin(world)) > 50


def test_a_pin_without_an_end_gets_one(world: World) -> None:
    """As earlier versions made them: whoever has the address next must not be locked out for ever."""
    world.store.set(pin(world), "ssh-ed25519 SHA256:" + "A" * 43)
    refused(world, world.session(), "host_key_changed")
    assert 0 < world.store.ttl(pin(world)) <= HOST_KEY_TTL
    assert world.sshd.logins() == 0


def test_the_session_s_host_key_wins(world: World) -> None:
    wrong = "SHA256:" + "A" * 43
    error = refused(world, world.session(hostKey=wrong), "host_key_changed")
    assert "forget-host" not in error["hint"]  # there is no pin
    assert "hostKey" in error["hint"]
    assert world.sshd.logins() == 0
    assert world.sshd.failures() == 0
    world.enter(world.session(hostKey=world.sshd.fingerprint()))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_session_s_host_key_may_be_of_any_kind_that_sshd_has(world: World, kind: str) -> None:
    """Only its fingerprint is known; a second login asks for the right kind at once."""
    target = Target("127.0.0.1", world.sshd.port, USER, PASSWORD, host_key=world.sshd.fingerprint(kind))
    log_in = Login(target, NoPins(), LoginOptions())
    for _ in range(2):
        connected = (world.sshd.folder / "log").read_text().count("Connection from")
        log_in().close()
    assert (world.sshd.folder / "log").read_text().count("Connection from") == connected + 1
    assert world.sshd.failures() == 0
    world.enter(world.session(hostKey=target.host_key))


def test_a_key_is_decrypted_once_for_all_logins(world: World) -> None:
    read: list[str] = []

    class Counting(KeyReader):
        def read(self, text: str, passphrase: str | None) -> paramiko.PKey:
            read.append(text)
            return super().read(text, passphrase)

    target = Target("127.0.0.1", world.sshd.port, USER, private_key=world.sshd.private_key)
    log_in = Login(target, AnyPins(), LoginOptions(keys=Counting()))
    for _ in range(2):
        log_in().close()
    assert len(read) == 1


def test_kinds_of_host_keys_are_tried_once_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, ...]] = []
    prefer = NodeTransport.prefer_host_key
    monkeypatch.setattr(
        NodeTransport, "prefer_host_key", lambda self, names: (tried.append(names), prefer(self, names))
    )
    target = Target("127.0.0.1", world.sshd.port, USER, PASSWORD, host_key="SHA256:" + "A" * 43)
    with pytest.raises(HostKeyChanged):
        Login(target, NoPins(), LoginOptions())()
    assert 2 <= len(tried) <= 4
    assert len(set(tried)) == len(tried)
    assert world.sshd.failures() == 0


@pytest.mark.parametrize("access", ["plain", "sudo", "sudo-password"])
def test_ways_to_the_journal(world: World, access: str) -> None:
    world.node.set_access(access, password=PASSWORD)
    world.node.append_many(EXECUTION, ["one", "two"])
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: socket.lines("execution") == ["one", "two"], "the lines")
    socket.call("subscribe_logs", {"service": "validator"})
    probes = [call for call in world.node.calls() if call["argv"][:2] == ["journalctl", "--system"]]
    assert len(probes) == (1 if access == "plain" else 2)  # plain, and the one that works; once for the node


@pytest.mark.parametrize("access", ["none", "own-user-only"])
def test_no_way_to_the_journal(world: World, access: str) -> None:
    world.node.set_access(access)
    socket = world.enter()
    answer = socket.call("subscribe_logs", {"service": "execution"})
    assert answer["error"]["code"] == "permission_denied"
    error = socket.wait("error")
    assert error["service"] == "execution"
    assert "execution" in error["message"]
    assert "usermod -aG systemd-journal" in error["hint"]
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait("status_update")


def test_more_logs_than_one_connection_has_channels(world: World) -> None:
    services = [f"unit{number}" for number in range(20)]
    for service in services:
        world.node.set_unit(f"{service}.service", LoadState="loaded", ActiveState="active", SubState="running")
        world.node.append(f"{service}.service", f"hello from {service}")
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    for service in services:
        assert socket.call("subscribe_logs", {"service": service}) == {"ok": True}
    for service in services:
        until(lambda service=service: socket.lines(service) == [f"hello from {service}"], service)  # type: ignore[misc]
    until(lambda: world.remote() == 20, "the followers")
    assert world.sshd.connections() == 3
    assert socket.events("error") == []


class TestFewChannels:
    @pytest.fixture
    def sshd_options(self) -> dict[str, str]:
        return {"MaxSessions": "2"}

    def test_the_number_of_channels_is_learnt(self, world: World) -> None:
        for number in range(3):
            world.node.set_unit(f"unit{number}.service", LoadState="loaded", ActiveState="active", SubState="running")
            world.node.append(f"unit{number}.service", "hello")
        socket = world.enter()
        for number in range(3):
            socket.call("subscribe_logs", {"service": f"unit{number}"})
        for number in range(3):
            until(lambda number=number: socket.lines(f"unit{number}") == ["hello"], f"unit{number}")  # type: ignore[misc]
        assert socket.events("error") == []


class TestKeyAndSecondFactor:
    @pytest.fixture
    def sshd_options(self) -> dict[str, str]:
        return {"AuthenticationMethods": "publickey,password"}

    def test_a_password_alone_hears_why(self, world: World) -> None:
        error = refused(world, world.session(), "ssh_auth_failed")
        assert "publickey" in error["hint"]
        assert world.sshd.failures() == 0

    def test_a_key_alone_hears_why(self, world: World) -> None:
        refused(world, world.session(password=..., privateKey=world.sshd.private_key), "ssh_second_factor")

    def test_both_together_are_let_in(self, world: World) -> None:
        world.enter(world.session(privateKey=world.sshd.private_key))


@pytest.mark.parametrize("name", ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"])
class TestOneKeyExchange:
    @pytest.fixture
    def sshd_options(self, name: str) -> dict[str, str]:
        return {"KexAlgorithms": name}

    def test_each_name_of_a_key_exchange_is_enough(self, world: World) -> None:
        world.enter()


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("KexAlgorithms", "sntrup761x25519-sha512@openssh.com,diffie-hellman-group18-sha512"),
        ("Ciphers", "chacha20-poly1305@openssh.com"),
    ],
)
class TestNothingInCommon:
    @pytest.fixture
    def sshd_options(self, option: str, names: str) -> dict[str, str]:
        return {option: names}

    def test_no_algorithm_in_common_is_told_as_that(self, world: World) -> None:
        error = refused(world, world.session(), "ssh_outdated")
        assert "no algorithm in common" in error["message"]
        assert "curve25519-sha256" in error["hint"]
