"""Logging in, exactly once.

Belongs here: the order of things (address, key exchange, host key, and only then a secret) and what each refusal
means. One call makes one attempt with each credential that the session has, because nodes ban after three.
A host key is pinned last, when the node has let us in.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import gevent
import paramiko
from gevent.event import Event

from ..errors import (
    CredentialRefused,
    HostKeyChanged,
    HungUp,
    PasswordExpired,
    SecondFactorRequired,
    SessionStoreDown,
    SshError,
    SshOutdated,
    SshRestless,
    SshTimeout,
    SshUnreachable,
)
from ..turns import Slots
from . import hostkeys
from .address import AddressPolicy, LiveSocket, connect
from .connection import Connection
from .diagnosis import refused_after_login
from .doors import Door, Doors
from .keepalive import Keepalive
from .keys import KeyReader
from .login_slots import login_slot
from .resolve import Resolver
from .target import Target
from .transport import NodeTransport

FIRST_WORD = 5.0
"Seconds that a login waits for the node's first word before it takes one of the slots."


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """The options of every login: settings, each under its own name, and what all logins share."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    ssh_connect_timeout: float = 10.0
    "Seconds for lookup and TCP."
    ssh_login_timeout: float = 15.0
    "Seconds for each of banner, key exchange and login."
    ssh_keepalive: float = 15.0
    "Seconds of silence after which a node is asked for a sign of life."
    ssh_dead_after: float = 20.0
    "Seconds in which it must give one."
    ssh_max_sessions: int = 10
    logins: Slots = field(default_factory=lambda: Slots(16))
    "Key exchanges run in C without yielding: this many at once keep the rest of the server moving."
    resolver: Resolver = field(default_factory=Resolver)
    keys: KeyReader = field(default_factory=KeyReader)
    keepalive: Keepalive = field(default_factory=Keepalive)

    def connect(self, host: str, port: int) -> LiveSocket:
        """Return a TCP connection to a node; see `address.connect`."""
        return connect(host, port, self.policy, self.ssh_connect_timeout, self.resolver)


class Login:
    """Logging in to one target, each time it is called.

    What is found out the first time is kept for as long as this is: the key, whose decryption is made to be slow, and
    which kind of host key the session's own is.
    """

    def __init__(
        self, target: Target, pins: hostkeys.HostKeyPins, options: LoginOptions, doors: Doors | None = None
    ) -> None:
        """:param doors: remembers refused logins by address"""
        self._target = target
        self._pins = pins
        self._options = options
        self._doors = doors
        self._key: paramiko.PKey | None = None
        self._prefer: tuple[str, ...] = ()
        self._restless: Callable[[], bool] = lambda: False
        "True if the last connection ended because the node exchanged keys without end."

    def __call__(self) -> Connection:
        """Connect and log in.

        :raises SshRestless: the connection before ended because the node exchanged keys without end
        :raises AddressDenied: see `address.connect`
        :raises SshUnreachable: no TCP, no SSH there, or it went away (`SshTimeout`: it took too long)
        :raises SshOutdated: only SSH that is not safe any more
        :raises HostKeyChanged: another key than the pinned one; no secret was sent, unless the pin is newer
        :raises SshHeldBack: too many logins were refused at this address; nothing was sent
        :raises CredentialRefused: sshd said no; do not try again with the same
        :raises PasswordExpired, AccountExpired: it is right, and not valid any more
        :raises SecondFactorRequired: what we have is right but not enough
        :raises BadKey: the private key cannot be read
        :raises SessionStoreDown: the pins cannot be read, or the first one of a node cannot be written
        """
        target = self._target
        if self._restless():
            raise SshRestless
        if self._key is None and target.private_key is not None:
            # Before anything is sent: a key that is broken is no reason to connect.
            self._key = self._options.keys.read(target.private_key, target.passphrase)
        if target.host_key is None:
            pinned = self._pins.host_key(target.host, target.port)
            self._prefer = hostkeys.algorithms_for(pinned.partition(" ")[0]) if pinned else ()
        shown: list[str] = []
        while True:
            try:
                return self._attempt(shown)
            except HostKeyChanged:
                # Of a session's own host key only the fingerprint is known, not its kind: the node may have it as well
                # as those that it has shown. No secret has been sent to it yet.
                self._prefer = hostkeys.algorithms_besides(shown)
                if target.host_key is None or not self._prefer or shown[-1] in shown[:-1]:
                    self._prefer = ()
                    raise

    def _attempt(self, shown: list[str]) -> Connection:
        """:param shown: gets the type of the host key that the node shows"""
        target, options = self._target, self._options
        sock = options.connect(target.host, target.port)
        try:
            door = Door(self._doors, target.username, sock.peer)
            door.check()
            transport = NodeTransport(sock)
            # paramiko's own deadlines end in errors that look like refusals: ours come first.
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = (
                options.ssh_login_timeout * 4
            )
            transport.prefer_host_key(self._prefer)
            # sshd speaks first. One that says nothing costs others no slot, and for long no time either: a multiplexer
            # in front of it may wait for our first word.
            sock.wait_for_word(min(FIRST_WORD, options.ssh_login_timeout))
            place = login_slot(options.logins, (*sock.peer, target.username))
            with place, gevent.Timeout(options.ssh_login_timeout * 3, SshTimeout()):
                _exchange_keys(transport, options.ssh_login_timeout)
                host_key = transport.get_remote_server_key()
                shown.append(host_key.get_name())
                known = hostkeys.verify(host_key, target.host, target.port, target.host_key, self._pins)
                self._prefer = hostkeys.algorithms_for(shown[-1])
                self._knock(transport, door)
                if target.host_key is None:
                    self._keep(host_key, known)
        except BaseException:
            sock.close()
            raise
        self._restless = transport.was_restless
        transport.forget_login()
        options.keepalive.watch(transport, options.ssh_keepalive, options.ssh_dead_after)
        return Connection(transport, options.ssh_max_sessions)

    def _knock(self, transport: NodeTransport, door: Door) -> None:
        try:
            _authenticate(transport, self._target, self._key, self._options.ssh_login_timeout)
        except CredentialRefused:
            door.refused()
            raise
        door.let_in()

    def _keep(self, host_key: paramiko.PKey, known: bool) -> None:
        try:
            hostkeys.keep(host_key, self._target.host, self._target.port, self._pins)
        except SessionStoreDown:
            if not known:  # the next login would trust whatever it finds
                raise


def _exchange_keys(transport: NodeTransport, timeout: float) -> None:
    done = Event()
    try:
        transport.start_client(event=done)
        while transport.is_active() and not done.is_set():
            if not done.wait(timeout):
                raise SshTimeout
    except (EOFError, OSError, paramiko.SSHException):
        transport.close()
    if not transport.is_active():
        if isinstance(transport.get_exception(), paramiko.ssh_exception.IncompatiblePeer):
            outdated = SshOutdated()
            outdated.lists = transport.nothing_in_common()
            raise outdated
        # The text of what it was is the peer's, and is not repeated anywhere.
        raise SshUnreachable(hint=_NO_SSH.get(transport.said_first, _NOT_COME_ABOUT))


def _authenticate(transport: NodeTransport, target: Target, key: paramiko.PKey | None, timeout: float) -> None:
    """Try each credential once, in the order key, password. Return once one is accepted.

    :param timeout: seconds for each
    """

    def attempt(method: Callable[[], object]) -> list[str] | None:
        with gevent.Timeout(timeout, SshTimeout()):
            return _attempt(transport, method)

    tried = partial = False
    try:
        allowed = attempt(lambda: transport.auth_none(target.username))
        if allowed and key is not None and "publickey" in allowed:
            tried = True
            answer = attempt(lambda: transport.auth_publickey(target.username, key))
            partial = answer is not None
            allowed = [method for method in allowed if method != "publickey"] if answer is None else answer
        password = target.password
        if allowed and password is not None and _takes_password(allowed) and not transport.out_of_tries:
            tried = True
            answer = attempt(functools.partial(_send_password, transport, target.username, password, allowed))
            partial, allowed = partial or answer is not None, ["more"] if answer is None else answer
    except (EOFError, OSError, paramiko.SSHException):
        raise _hung_up(transport, tried) from None
    if transport.is_authenticated():
        return
    if partial:
        raise SecondFactorRequired
    if tried:
        raise CredentialRefused
    raise CredentialRefused(
        "The node does not accept this kind of login.",
        hint="Its SSH server allows: " + (", ".join(sorted(_METHODS.intersection(allowed or ()))) or "nothing") + ".",
    )


def _attempt(transport: NodeTransport, method: Callable[[], object]) -> list[str] | None:
    """Make one attempt. Return [] if it succeeded, None if it was refused, else the methods that sshd still wants."""
    try:
        return list(method() or [])  # type: ignore[call-overload, no-any-return]
    except paramiko.BadAuthenticationType as answer:  # a partial success is one of these as well
        return list(answer.allowed_types)
    except paramiko.AuthenticationException:
        if not transport.is_active() and not transport.out_of_tries:
            raise EOFError from None
        return None


def _hung_up(transport: NodeTransport, tried: bool) -> SshError:
    """Return why the node closed the connection during the login.

    :param tried: whether it was sent a password or key before
    """
    if transport.said:
        return refused_after_login(transport.said)
    return HungUp() if tried else SshUnreachable(hint="The node closed the connection during the login.")


def _takes_password(allowed: list[str]) -> bool:
    return "password" in allowed or "keyboard-interactive" in allowed


def _send_password(transport: NodeTransport, username: str, password: str, allowed: list[str] | None) -> object:
    # Never paramiko's own fallback: it gives the password to any single prompt, a one-time code's too.
    if allowed and "password" in allowed:
        return transport.auth_password(username, password, fallback=False)
    given = False
    problem: SshError | None = None

    def answer(_title: str, _text: str, prompts: list[tuple[str, bool]]) -> list[str]:
        nonlocal given, problem
        if not prompts:
            return []
        if _CHANGE_PROMPT.search(prompts[0][0]):
            problem = PasswordExpired()
        elif len(prompts) != 1 or not _PASSWORD_PROMPT.search(prompts[0][0]) or prompts[0][1]:
            problem = SecondFactorRequired()
        elif given:
            problem = CredentialRefused()  # asked for again: it was wrong, and is not given twice
        else:
            given = True
            return [password]
        raise paramiko.SSHException("no answer")  # ends the connection without a wrong one

    try:
        return transport.auth_interactive(username, answer)
    except (paramiko.SSHException, EOFError, OSError):
        if problem is not None:
            raise problem from None
        raise


_NOT_COME_ABOUT = "Something answered, but the SSH connection did not come about."
_NO_SSH = {
    "Not allowed at this time": "The node's SSH server lets nobody from this server's address in for a while, because "
    "logins from there failed (PerSourcePenalties in its sshd_config). That passes by itself.",
    "Exceeded MaxStartups": "The node's SSH server has too many logins under way (MaxStartups in its sshd_config).",
}
"What sshd says, from 9.8 on, in place of its version, and what that means."
_METHODS = {"publickey", "password", "keyboard-interactive", "hostbased"}
_CHANGE_PROMPT = re.compile(r"(?i)\b(current|new|old|retype)\b.{0,20}pass")
_PASSWORD_PROMPT = re.compile(r"(?is)^(?!.*(one.?time|verification|otp|token|code)).*pass(word|wort)")
