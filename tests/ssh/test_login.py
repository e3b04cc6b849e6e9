"""Logging in, on a transport that is a stand-in: the order of things, and what each end of it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import gevent
import paramiko
import pytest
from gevent.event import Event

from ethpillar.errors import (
    AccountExpired,
    BadKey,
    CredentialRefused,
    EthPillarError,
    HostKeyChanged,
    HungUp,
    PasswordExpired,
    SecondFactorRequired,
    SessionStoreDown,
    SshOutdated,
    SshRestless,
    SshTimeout,
    SshUnreachable,
)
from ethpillar.ssh import hostkeys, login
from ethpillar.ssh.login import Login, LoginOptions
from ethpillar.ssh.target import Target
from ethpillar.turns import Slots

from ..interruption import Operation, sweep

ED25519 = paramiko.Ed25519Key.generate() if hasattr(paramiko.Ed25519Key, "generate") else paramiko.ECDSAKey.generate()
FIRST, SECOND = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate(bits=384)
FIRST_PIN = f"{FIRST.get_name()} {hostkeys.fingerprint(FIRST)}"


class Node:
    """What the node does, and what was done to it, in order."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.forgotten = False
        self.keys: list[paramiko.PKey] = [FIRST]
        self.methods: list[str] | Exception = ["publickey", "password"]
        self.password: Any = []
        "What the password gets: a list (of what else is wanted, empty: let in) or an error."
        self.publickey: Any = []
        self.dialogue: list[Any] = []
        "What keyboard-interactive asks: lists of prompts, each with whether its answer is shown; or an error."
        self.answers: list[list[str]] = []
        self.incompatible = self.hangs = self.hangs_up = False
        self.open = 0
        self.banner = b""
        self.greeting = ""
        self.pinned: str | None = None
        self.down = False
        "Whether pins can be written."

    # The pins.

    def host_key(self, host: str, port: int) -> str | None:
        self.did.append("look")
        gevent.sleep(0)
        return self.pinned

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        self.did.append("pin")
        gevent.sleep(0)
        if self.down:
            raise SessionStoreDown
        self.pinned = self.pinned or pin
        return self.pinned

    # The network.

    def connect(self, host: str, port: int, *_: Any) -> Socket:
        self.did.append("connect")
        gevent.sleep(0)
        return Socket(self)


class Socket:
    peer = "203.0.113.5", 22

    def __init__(self, node: Node) -> None:
        self.node = node
        self.closed = False
        node.open += 1

    def wait_for_word(self, _: float) -> None:
        gevent.sleep(0)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.node.open -= 1


class Transport:
    """As much of `NodeTransport` as a login uses."""

    def __init__(self, sock: Socket) -> None:
        self.node = sock.node
        self.sock = sock
        self.ended = Event()
        self.heard = 0.0
        self.out_of_tries = False
        self.key = self.node.keys[0]
        self.authenticated = False

    def was_restless(self) -> bool:
        return False

    def forget_login(self) -> None:
        self.node.forgotten = True

    @property
    def said_first(self) -> str:
        return self.node.greeting

    def nothing_in_common(self) -> tuple[str, ...]:
        return ("cipher of the node: none", "cipher here: some")

    @property
    def said(self) -> bytes:
        return self.node.banner

    def prefer_host_key(self, algorithms: tuple[str, ...]) -> None:
        for key in self.node.keys:
            if key.get_name() in algorithms:
                self.key = key

    def start_client(self, event: Event) -> None:
        self.node.did.append("kex")
        if self.node.incompatible or self.node.hangs_up:
            self.ended.set()
        elif not self.node.hangs:
            gevent.spawn_later(0, event.set)

    def get_exception(self) -> Exception | None:
        return paramiko.ssh_exception.IncompatiblePeer("none in common") if self.node.incompatible else None

    def is_active(self) -> bool:
        return not self.sock.closed and not self.ended.is_set()

    def is_authenticated(self) -> bool:
        return self.authenticated

    def get_remote_server_key(self) -> paramiko.PKey:
        return self.key

    def _answer(self, answer: Any) -> Any:
        gevent.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        self.authenticated = answer == []
        return answer

    def auth_none(self, _: str) -> None:
        self.node.did.append("none")
        gevent.sleep(0)
        if isinstance(self.node.methods, Exception):
            raise self.node.methods
        raise paramiko.BadAuthenticationType("no", self.node.methods)

    def auth_publickey(self, *_: Any) -> Any:
        self.node.did.append("publickey")
        return self._answer(self.node.publickey)

    def auth_password(self, *_: Any, fallback: bool) -> Any:
        self.node.did.append("password")
        assert not fallback
        return self._answer(self.node.password)

    def auth_interactive(self, _: str, answer: Any) -> list[str]:
        self.node.did.append("keyboard-interactive")
        for prompts in self.node.dialogue:
            if isinstance(prompts, Exception):
                raise prompts
            self.node.answers.append(answer("title", "text", prompts))
        return list(self._answer([]))

    def watch(self, *_: float) -> None:
        self.ended.wait()

    def close(self) -> None:
        self.ended.set()
        self.sock.close()


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    made = Node()
    monkeypatch.setattr(login, "NodeTransport", Transport)
    monkeypatch.setattr(login, "connect", made.connect)
    return made


def log_in_to(node: Node, options: LoginOptions | None = None, **target: Any) -> Login:
    return Login(
        Target("node.example", 22, "staker", **{"password": "secret", **target}), node, options or LoginOptions()
    )


def refused(node: Node, error: type[EthPillarError], **target: Any) -> EthPillarError:
    """Logs in, which must fail with exactly this; nothing is left."""
    options = LoginOptions(ssh_login_timeout=0.05)
    with pytest.raises(error) as caught:
        log_in_to(node, options, **target)()
    assert type(caught.value) is error
    assert node.open == 0
    assert options.logins.free == 16
    return caught.value


def test_the_order_of_things(node: Node) -> None:
    connection = log_in_to(node)()
    assert node.did == ["look", "connect", "kex", "look", "none", "password", "pin"]
    assert node.forgotten
    assert node.pinned == FIRST_PIN
    assert connection.alive
    connection.close()
    assert node.open == 0


def test_a_login_that_fails_pins_nothing(node: Node) -> None:
    node.password = paramiko.AuthenticationException("no")
    refused(node, CredentialRefused)
    assert node.pinned is None


def test_a_changed_key_is_sent_nothing(node: Node) -> None:
    node.pinned = "ssh-ed25519 SHA256:" + "A" * 43
    refused(node, HostKeyChanged)
    assert node.did == ["look", "connect", "kex", "look"]


def test_a_key_that_is_pinned_by_another_login_meanwhile_ends_this_one(node: Node) -> None:
    looks = iter([None, None])
    node.host_key = lambda *_: next(looks)  # type: ignore[method-assign]
    node.pinned = "ssh-ed25519 SHA256:" + "A" * 43
    refused(node, HostKeyChanged)


def test_a_first_pin_that_cannot_be_written_ends_the_login(node: Node) -> None:
    node.down = True
    refused(node, SessionStoreDown)
    node.pinned = FIRST_PIN  # but a key that is known needs only to be renewed
    log_in_to(node)().close()


def test_a_session_s_own_host_key_is_neither_looked_up_nor_pinned(node: Node) -> None:
    log_in_to(node, host_key=hostkeys.fingerprint(FIRST))().close()
    assert node.did == ["connect", "kex", "none", "password"]


def test_a_session_s_own_host_key_may_be_of_another_kind(node: Node) -> None:
    node.keys = [FIRST, SECOND]
    log_in = log_in_to(node, host_key=hostkeys.fingerprint(SECOND))
    log_in().close()
    assert node.did.count("connect") == 2
    assert node.did.count("password") == 1
    log_in().close()
    assert node.did.count("connect") == 3  # what kind it is was kept


def test_a_session_s_own_host_key_that_the_node_has_not(node: Node) -> None:
    refused(node, HostKeyChanged, host_key="SHA256:" + "A" * 43)
    assert 2 <= node.did.count("connect") <= 3
    assert "none" not in node.did


def test_a_private_key_that_cannot_be_read_is_no_reason_to_connect(node: Node) -> None:
    refused(node, BadKey, private_key="nonsense")
    assert node.did == []


def key_text(tmp: paramiko.PKey = FIRST) -> str:
    import io

    text = io.StringIO()
    tmp.write_private_key(text)
    return text.getvalue()


def test_the_key_comes_before_the_password(node: Node) -> None:
    node.publickey = paramiko.AuthenticationException("no")
    log_in_to(node, private_key=key_text())().close()
    assert [each for each in node.did if each in ("publickey", "password")] == ["publickey", "password"]
    node.publickey = []
    node.did.clear()
    log_in_to(node, private_key=key_text())().close()
    assert "password" not in node.did


def test_what_is_right_but_not_enough(node: Node) -> None:
    node.publickey = ["password"]
    log_in_to(node, private_key=key_text())().close()
    refused(node, SecondFactorRequired, private_key=key_text(), password=None)
    node.publickey = paramiko.AuthenticationException("no")
    node.password = ["keyboard-interactive"]
    refused(node, SecondFactorRequired)


def test_a_kind_of_login_that_the_node_does_not_take(node: Node) -> None:
    node.methods = ["publickey", "\x1b[31m"]
    problem = refused(node, CredentialRefused)
    assert "publickey" in str(problem.hint)
    assert "\x1b" not in str(problem.hint)
    node.methods = []
    assert "nothing" in str(refused(node, CredentialRefused).hint)


PASSWORD = [("Password: ", False)]


@pytest.mark.parametrize(
    "dialogue",
    [
        [PASSWORD],
        [PASSWORD, []],  # PAM ends with a round of no prompts
        [[], PASSWORD],
        [[("(staker@node) Password:", False)]],
        [[("Passwort: ", False)]],
        [[("Enter the passphrase or password of staker: ", False)]],
    ],
)
def test_a_dialogue_that_asks_for_the_password_gets_it(node: Node, dialogue: list[Any]) -> None:
    node.methods, node.dialogue = ["keyboard-interactive"], dialogue
    log_in_to(node)().close()
    assert "password" not in node.did
    assert node.answers == [["secret"] if prompts else [] for prompts in dialogue]


@pytest.mark.parametrize(
    ("dialogue", "error"),
    [
        ([[("Verification code: ", False)]], SecondFactorRequired),
        ([[("One-time password: ", False)]], SecondFactorRequired),
        ([[("Password: ", True)]], SecondFactorRequired),  # what is typed would be shown: it is no password
        ([[("Password: ", False), ("Code: ", False)]], SecondFactorRequired),
        ([[("Login: ", True), ("Password: ", False)]], SecondFactorRequired),
        ([[("Current password: ", False)]], PasswordExpired),
        ([[("New password: ", False), ("Retype new password: ", False)]], PasswordExpired),
    ],
)
def test_a_dialogue_that_asks_for_something_else_is_not_given_the_password(
    node: Node, dialogue: list[Any], error: type[EthPillarError]
) -> None:
    node.methods, node.dialogue = ["keyboard-interactive"], dialogue
    refused(node, error)
    assert node.answers == []


def test_what_a_dialogue_asks_after_the_password(node: Node) -> None:
    node.methods = ["keyboard-interactive"]
    for after, error in [
        (PASSWORD, CredentialRefused),  # it was wrong, and is not given twice
        ([("Verification code: ", False)], SecondFactorRequired),
        ([("New password: ", False)], PasswordExpired),
        (EOFError(), HungUp),
    ]:
        node.dialogue, node.answers = [PASSWORD, after], []
        refused(node, error)
        assert node.answers == [["secret"]]


def test_the_plain_method_is_preferred_to_a_dialogue(node: Node) -> None:
    node.methods = ["keyboard-interactive", "password"]
    log_in_to(node)().close()
    assert "keyboard-interactive" not in node.did


@pytest.mark.parametrize(
    ("greeting", "told"),
    [
        ("Not allowed at this time", "PerSourcePenalties"),
        ("Exceeded MaxStartups", "MaxStartups"),
        ("HTTP/1.1 400 Bad Request", "Something answered"),
        ("", "Something answered"),
    ],
)
def test_what_sshd_says_in_place_of_its_version(node: Node, greeting: str, told: str) -> None:
    node.hangs_up, node.greeting = True, greeting
    assert told in str(refused(node, SshUnreachable).hint)


def test_a_node_that_hangs_or_hangs_up(node: Node) -> None:
    node.hangs = True
    refused(node, SshTimeout)
    node.hangs, node.hangs_up = False, True
    refused(node, SshUnreachable)
    node.incompatible = True
    refused(node, SshOutdated)


@pytest.mark.parametrize("problem", [EOFError(), OSError(5, "x"), paramiko.SSHException("x")])
def test_a_node_that_goes_away_during_the_login(node: Node, problem: Exception) -> None:
    node.password = problem
    assert refused(node, HungUp).hint
    node.methods = problem
    assert "closed the connection" in str(refused(node, SshUnreachable).hint)


def test_a_connection_that_ends_is_no_refusal_unless_the_tries_are_used_up(node: Node) -> None:
    class Leaving(Transport):
        def auth_password(self, *_: Any, fallback: bool) -> Any:
            self.ended.set()
            self.out_of_tries = tried
            raise paramiko.AuthenticationException("gone")

    login.NodeTransport = Leaving  # type: ignore[assignment,misc]
    tried = False
    refused(node, HungUp)
    node.banner = b"Your account has expired; please contact your system administrator.\n"
    refused(node, AccountExpired)
    tried = True
    refused(node, CredentialRefused)


def test_a_login_that_is_stopped_anywhere_leaves_nothing(node: Node) -> None:
    options = LoginOptions(logins=Slots(1))

    @contextmanager
    def scenario() -> Iterator[Operation]:
        yield lambda: log_in_to(node, options)().close()
        assert node.open == 0
        assert options.logins.free == 1

    assert sweep(scenario) >= 6


def test_after_a_connection_that_exchanged_keys_without_end_there_is_no_other() -> None:
    again = Login(Target("203.0.113.1", 22, "staker", "password"), Mock(), LoginOptions())
    again._restless = lambda: True
    with pytest.raises(SshRestless):
        again()


def test_a_door_is_told_how_a_login_ended(node: Node) -> None:
    """Others are held back from a node that refuses, and a user who was in is not."""
    doors = Mock()
    doors.refusals_at.return_value = (0, 0)
    log_in = Login(Target("node.example", 22, "staker", "secret"), node, LoginOptions(), doors)
    log_in().close()
    doors.let_in_at.assert_called_once()
    assert doors.let_in_at.call_args.args[:3] == ("staker", *Socket.peer)
    doors.refused_at.assert_not_called()
    doors.let_in_at.reset_mock()
    node.password = paramiko.AuthenticationException("no")
    with pytest.raises(CredentialRefused):
        log_in()
    doors.refused_at.assert_called_once()
    assert doors.refused_at.call_args.args[:2] == Socket.peer
    doors.let_in_at.assert_not_called()


def test_a_wrong_password_is_not_told_as_a_method_that_the_node_lacks(node: Node) -> None:
    node.password = paramiko.AuthenticationException("no")
    wrong = refused(node, CredentialRefused)
    node.methods = ["publickey"]
    lacking = refused(node, CredentialRefused)
    assert str(wrong) != str(lacking)
    assert "publickey" not in str(wrong.hint)
