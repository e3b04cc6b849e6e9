"""The errors a person may see.

Each has a stable `code` for machines and a sentence for people, both safe to show: no token, password, key, host
name or library's own text gets into them. The base cannot be raised by itself. Two laws of the existing frontend
hold for every sentence here, and a test holds us to them:

- It logs in again on any `error` whose message contains "auth", so only `NotAuthenticated` says it.
- It takes an `error` that contains the name of a service for one about that service's log, so only an error about a
  service names one. That is why no sentence here says "execution" or "validator" in passing.
"""

from __future__ import annotations

import traceback
from typing import Any, Self


class EthPillarError(Exception):
    """Base of all errors that reach a client. `code` and `message` are the class's unless given."""

    code = "internal"
    message = "Something went wrong on the server."
    hint: str | None = None

    def __init__(self, message: str | None = None, *, service: str | None = None, hint: str | None = None) -> None:
        if type(self) is EthPillarError:
            raise TypeError("raise one of the subclasses")
        self.message = message or self.message
        self.service = service
        self.hint = hint or self.hint
        super().__init__(self.message)

    def copy(self) -> Self:
        """Return an equal error that nobody has raised yet.

        An error remembers the stack of each place where it is raised, and the error that it replaced. So one that is
        kept, or raised in several greenlets, would keep alive all that these hold.
        """
        made = type(self).__new__(type(self), *self.args)
        made.__dict__.update(self.__dict__)
        return made

    def payload(self) -> dict[str, Any]:
        """Return the payload of the `error` event: `message`, `code`, and `service` and `hint` where there are any."""
        found: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.service is not None:
            found["service"] = self.service
        if self.hint is not None:
            found["hint"] = self.hint
        return found


class InternalError(EthPillarError):
    """Raised for what should not happen; the cause is in the server's log only."""


class BadRequest(EthPillarError):
    """A client sent something that is not in the contract. Nothing was changed."""

    code = "bad_request"
    message = "That request is not valid."


class TooLarge(BadRequest):
    """A client sent more in one message than is allowed. It was not read."""

    message = "That message is too large."


class NotAuthenticated(EthPillarError):
    """A subscription was asked for before a valid token was shown."""

    code = "not_authenticated"
    message = "Not authenticated."


class LimitReached(EthPillarError):
    """A count (subscriptions, connections, sockets) is at its bound."""

    code = "limit_reached"
    message = "Too many of these are open already."
    hint = "Close what is no longer needed, then try again."


class TooManySockets(LimitReached):
    """A session has as many sockets as it may."""

    message = "Too many connections of this session are open already."


class TooManyNodes(LimitReached):
    """The server watches as many nodes as it may."""

    message = "This server watches as many nodes as it can."
    hint = "Try again later."


class MemoryShort(LimitReached):
    """A client's address holds as much memory as it may."""

    message = "This server has no memory left for more of that."
    hint = "Close pages that are no longer needed, or try again later."


class RateLimited(EthPillarError):
    """A client asks more often than it may. What it asked for was not done."""

    code = "rate_limited"
    message = "Too many requests in a short time."
    hint = "Wait a moment, then try again."


class Superseded(EthPillarError):
    """A newer request of the same socket took this one's place."""

    code = "superseded"
    message = "A newer request took the place of this one."


class SessionExpired(EthPillarError):
    """The token is unknown, or its session ended (logout, expiry)."""

    code = "session_expired"
    message = "Invalid or expired session."


class SessionRequired(EthPillarError):
    """A socket did not show a valid token in time."""

    code = "session_required"
    message = "No valid session was shown in time."


class ShuttingDown(EthPillarError):
    """The server is being stopped; another one, or the same one, will be there in a moment."""

    code = "server_restarting"
    message = "The server is restarting. Connect again in a moment."


class SessionStoreDown(EthPillarError):
    """Redis cannot be asked at the moment. Says nothing about Redis."""

    code = "server_error"
    message = "Server error during validation."


class SshError(EthPillarError):
    """Base of what can be wrong on the way to a node. `terminal`: trying again without a change is of no use."""

    code = "ssh_error"
    message = "The SSH connection to the node failed."
    terminal = False
    counted = False
    "True if the node logs it as a failed login: fail2ban and sshd's penalties ban an address after a few of these."


class SshUnreachable(SshError):
    """No TCP connection, no SSH banner, no key exchange, or the connection died."""

    code = "ssh_unreachable"
    message = "The node can't be reached over SSH."
    hint = "Check that the node is up and that its SSH port is open to this server."


class SshTimeout(SshUnreachable):
    """The node took too long to answer."""

    code = "ssh_timeout"
    message = "The node did not answer in time."


class HungUp(SshUnreachable):
    """sshd ended the connection when it had been sent a password or key, and said nothing."""

    hint = (
        "The node closed the connection during the login. Its rules (PAM, access.conf) may be against this user or "
        "this server's address. Its SSH server says why: sudo journalctl -u ssh -n 20. It is tried rarely, so that "
        "the node does not ban this server."
    )
    counted = True


class SshOutdated(SshError):
    """sshd and this server have no algorithm in common, or it speaks SSH 1."""

    code = "ssh_outdated"
    message = "The node's SSH server and this server have no algorithm in common. Nothing secret was sent to it."
    hint = (
        "Allow one of each in the node's sshd_config: KexAlgorithms curve25519-sha256 or ecdh-sha2-nistp256, Ciphers "
        "aes128-gcm@openssh.com or aes128-ctr, MACs hmac-sha2-256; or update an OpenSSH that has none of these."
    )
    terminal = True
    lists: tuple[str, ...] = ()
    "What each side has of what they have nothing in common. For an operator: half of it is the node's own text."


class SshRestless(SshError):
    """The node ends each connection soon after it has let us in, or sends keys, or nothing of use, without end."""

    code = "ssh_restless"
    message = "The node lets this server in, but no connection to it lasts."
    hint = (
        "Look at its SSH server: RekeyLimit in sshd_config should be the default, and a firewall or a limit of memory "
        "may end connections. Then connect again."
    )
    terminal = True


class AddressDenied(SshError):
    """The node's address is in a network that this server must not connect to."""

    code = "ssh_address_denied"
    message = "This server may not connect to that address."
    terminal = True


class CredentialRefused(SshError):
    """sshd refused the password or key. Not tried again for this session: three of these get a server banned."""

    code = "ssh_auth_failed"
    message = "The node refused the user name, password or key."
    hint = "Sign in again with the right ones. These are not tried twice, so that the node does not ban this server."
    terminal = True
    counted = True


class SecondFactorRequired(SshError):
    """sshd wants more than this session can give (a second factor)."""

    code = "ssh_second_factor"
    message = "The node asks for a second factor at login, which this server can't give."
    hint = "Allow this user to log in with a key alone, or from this server's address without the second factor."
    terminal = True


class BadKey(SshError):
    """The session's private key cannot be read."""

    code = "ssh_bad_key"
    message = "The private key of this session can't be read, or its passphrase is wrong."
    hint = (
        "Paste all of the file without .pub, from -----BEGIN to -----END, and give the passphrase that belongs to it."
    )
    terminal = True


class SshHeldBack(SshError):
    """Logins were refused at this address of late, and this user name has not been in there. Nothing was sent."""

    code = "ssh_held_back"
    message = "Several logins were refused at the node's address just now. No other password is sent there for a while."
    terminal = True


class HostKeyChanged(SshError):
    """The node's host key is not the pinned one. Nothing secret was sent."""

    code = "host_key_changed"
    message = "The node's SSH host key has changed. Nothing was sent to it."
    hint = (
        "If you reinstalled the node or renewed its host key, remove the old pin (flask sessions forget-host HOST "
        "--port PORT) and connect again. If you did not, somebody may be between this server and your node."
    )
    terminal = True


class PasswordExpired(SshError):
    """sshd runs nothing for this user until there is a new password, and asks for that on a terminal only."""

    code = "ssh_password_expired"
    message = "The password of this SSH user has expired: the node runs nothing until it is changed."
    hint = (
        "Log in to the node in a terminal (ssh USER@NODE), set a new password when you are asked for one, and sign in "
        "again. For a user who logs in by key, on the node: sudo chage -d -1 -M -1 USER"
    )
    terminal = True


class AccountExpired(SshError):
    """The password or key is right, and the account is not valid any more."""

    code = "ssh_account_expired"
    message = "The account of this SSH user has expired on the node."
    hint = "On the node, as another user: sudo chage -E -1 USER. It is tried every five minutes at most."
    terminal = True
    counted = True


class NoShell(SshError):
    """The user's login shell is nologin, false, or a program that is not there."""

    code = "ssh_no_shell"
    message = "This SSH user has no login shell on the node, so nothing can be run there."
    hint = "Sign in as another user; or on the node: sudo chsh -s /bin/bash USER"
    terminal = True


class ShellRestricted(SshError):
    """The login shell runs a few commands only (rbash, git-shell, scponly), or is not one of Unix."""

    code = "ssh_shell_restricted"
    message = "The login shell of this SSH user is a restricted one, and refuses what has to be run."
    hint = "Sign in as another user; or on the node: sudo chsh -s /bin/bash USER"
    terminal = True


class FilesOnly(SshError):
    """sshd serves SFTP to this user, and nothing else."""

    code = "ssh_sftp_only"
    message = "The node lets this SSH user transfer files only."
    hint = "Sign in as another user; or take this one out of the Match block with internal-sftp in sshd_config."
    terminal = True


class CommandForced(SshError):
    """sshd runs another command than it was asked for."""

    code = "ssh_forced_command"
    message = "The node runs a command of its own for this SSH user, whatever it is asked to run."
    hint = (
        'Sign in as another user or with another key; or remove ForceCommand from sshd_config, or command="..." before '
        "this key in ~/.ssh/authorized_keys."
    )
    terminal = True


class ShellEnds(SshError):
    """The login shell ends, or becomes another program, before it runs a command."""

    code = "ssh_shell_ends"
    message = "The login shell of this SSH user ends before it runs a command."
    hint = (
        "One of its start-up files (~/.bashrc, ~/.profile, ~/.zshenv, ~/.cshrc, config.fish) has exit, exec or a menu. "
        "Put that behind a test for a terminal: if [ -t 0 ]; then ...; fi. To see it: ssh USER@NODE true; echo $?"
    )
    terminal = True


class OutputRedirected(SshError):
    """The login shell runs commands, and nothing of what they print comes."""

    code = "ssh_output_redirected"
    message = "The login shell of this SSH user runs commands, and sends elsewhere what they print."
    hint = (
        "One of its start-up files (~/.bashrc, ~/.profile, ~/.zshenv, config.fish) redirects its output: exec >FILE, "
        "exec >&2, exec >&-. Put that behind a test for a terminal: if [ -t 1 ]; then ...; fi. To see it: ssh "
        "USER@NODE echo hello"
    )
    terminal = True


class SessionFailed(SshError):
    """sshd let the user in and could not set up what a command needs, such as its ChrootDirectory."""

    code = "ssh_session_failed"
    message = "The node let this SSH user in, and then could not start anything."
    hint = (
        "Its SSH server says why: sudo journalctl -u ssh -n 20. A ChrootDirectory must belong to root, and have a "
        "shell and what that needs."
    )
    terminal = True


class NoSessions(SshError):
    """sshd opens no channel for commands at all (`MaxSessions 0`)."""

    code = "ssh_no_sessions"
    message = "The node lets this SSH user in, and allows no commands."
    hint = "Its sshd_config has MaxSessions 0, perhaps in a Match block: allow at least 1, better the default, 10."
    terminal = True


class SessionRefused(SshUnreachable):
    """Nobody, or nobody more, is served at the moment: /etc/nologin, a limit on logins. That passes."""

    code = "ssh_no_session"
    message = "The node lets nobody run anything at the moment."
    hint = (
        "It is starting, stopping or under maintenance (/etc/nologin), or this user has as many sessions as "
        "/etc/security/limits.conf allows (maxlogins)."
    )


class LoginDenied(SessionRefused):
    """The same, told by sshd at the login already: it took the password or key, said something, and hung up."""

    hint = (
        "The node took the password or key and closed the connection. It may be starting, stopping or under "
        "maintenance (/run/nologin, /etc/nologin), or its rules (PAM) let this user in from elsewhere, or at other "
        "times, only. It is tried rarely, so that the node does not ban this server."
    )
    counted = True


class NodeIll(SshUnreachable):
    """The login shell could not start what it was told to, for want of disk, memory or processes."""

    code = "ssh_node_ill"
    message = "The node can't run commands: its disk is full or fails, or it has no memory or processes left."
    hint = "On the node: df -h / /tmp; df -i /; free -m; dmesg | tail. A limit may be set in /etc/security/limits.conf."


class ShellHangs(SshTimeout):
    """A command was started, and the login shell has not come to run it."""

    code = "ssh_shell_hangs"
    message = "The login shell of this SSH user does not get as far as running a command."
    hint = (
        "One of its start-up files (~/.bashrc, ~/.profile, ~/.zshenv, ~/.ssh/rc) waits or never ends, or the disk of "
        "the node hangs. To see it: time ssh USER@NODE true"
    )


class UnitNotFound(EthPillarError):
    """The node has no such unit."""

    code = "unit_not_found"

    def __init__(self, service: str, hint: str | None = None) -> None:
        super().__init__(_named(service, "There is no unit {} on this node."), service=service, hint=hint)


class PermissionDenied(EthPillarError):
    """The session's user may not read the journal."""

    code = "permission_denied"

    def __init__(self, service: str) -> None:
        super().__init__(
            _named(service, "The log of {} can't be read by this SSH user."),
            service=service,
            hint="On the node, run: sudo usermod -aG systemd-journal $USER and then sign in again.",
        )


class LogUnavailable(EthPillarError):
    """The journal of a unit cannot be followed at the moment."""

    code = "log_unavailable"

    def __init__(self, service: str, hint: str | None = None) -> None:
        super().__init__(_named(service, "The log of {} can't be read at the moment."), service=service, hint=hint)


NOWHERE = "nowhere"
"In place of systemd's word for where a unit's output goes: to a journal that keeps nothing."


_DROPS = {
    "LogLevelMax": "Its unit has {}, and what a program prints is of level info to systemd: it is dropped. Remove that "
    "line, then restart it.",
    "MaxLevelStore": "journald.conf on the node has {}, and what a program prints is of level info to systemd: it is "
    "dropped. Set MaxLevelStore=debug, then: sudo systemctl restart systemd-journald",
}


class LogElsewhere(EthPillarError):
    """What a unit prints does not get into the journal that is read. The log is followed all the same."""

    code = "log_elsewhere"

    def __init__(self, service: str, where: str = "file") -> None:
        """:param where: systemd's word for where it goes, or `namespace`, `NOWHERE`, or the setting that drops it"""
        name = where.partition("=")[0]
        if name in _DROPS:
            hint = _DROPS[name].format(where)
        elif where == NOWHERE:
            hint = (
                "journald.conf on the node has Storage=none: nothing that is printed now is kept, and lines that are "
                "shown are old. Set Storage=persistent, then: sudo systemctl restart systemd-journald"
            )
        elif where == "namespace":
            hint = "Its unit has LogNamespace=, which gives it a journal of its own. Remove that line, then restart it."
        else:
            hint = f"Its unit has StandardOutput={where}. Set StandardOutput=journal there, then restart it."
        super().__init__(
            _named(service, "What {} prints does not go to the journal of this node."), service=service, hint=hint
        )


class TooManyLogs(LimitReached):
    """One log more than a socket may follow, or than there are channels for on a node."""

    def __init__(self, service: str) -> None:
        super().__init__(
            _named(service, "The log of {} can't be opened: too many logs are open already."), service=service
        )


class StatusUnavailable(EthPillarError):
    """A status poll failed or hung. Told once; the next poll that works is an update like any other."""

    code = "status_unavailable"
    message = "The states of the services can't be read at the moment."


def _named(service: str, sentence: str) -> str:
    # A unit may be called oauth2-proxy. Naming it would make the frontend log in again, for ever; see above.
    return sentence.format("this service" if "auth" in service.lower() else service)


def whereabouts(problem: BaseException) -> str:
    """Return a log line's words for an unexpected error: its type, and where in our code it came from.

    Nothing of its text, nor the stack with the lines of code: a password may be in either.
    """
    places = [
        f"{frame.f_globals['__name__']}:{line}"
        for frame, line in traceback.walk_tb(problem.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith("ethpillar.")
    ]
    return " at ".join([type(problem).__name__, *places[-1:]])
