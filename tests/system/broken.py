"""Nodes on which something is wrong, as people have them: what each looks like is in docs/troubleshooting.md.

Belongs here: how each is broken, with real parts, and the code that tells it. What is looked at is in the tests.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..programs import need
from ..waiting import until
from .conftest import World
from .parts import USER

UNPRIVILEGED = 54321
"The uid of a user whom sshd's rules apply to: most spare root."


@dataclass(frozen=True)
class Broken:
    """A session that leads nowhere, or to a node that shows less than it should."""

    title: str
    "What is wrong, as a person says it."
    code: str | None
    "Of the error that says so; None if it is not the node's."
    options: dict[str, str] = field(default_factory=dict)
    "Lines of sshd_config."
    breaks: Callable[[World], object] = lambda world: None
    key: bool = False
    "Whether the session has a key and no password."
    away: bool = False
    "Whether it is tried again, as what is wrong may pass."
    session: dict[str, Any] = field(default_factory=dict)
    "What is different in the session."
    environment: dict[str, str] = field(default_factory=dict)
    "Settings of the server."
    of_log: bool = False
    "Whether a service's log tells it: the login is all right."


def shell(world: World, path: str | Path, uid: int = 0) -> None:
    """Give the user another login shell."""
    lines = (world.sshd.folder / "passwd").read_text().splitlines()
    user = f"{USER}:x:{uid}:{uid}::{world.sshd.folder / 'home'}:{path}"
    # In place: sshd sees this very file.
    (world.sshd.folder / "passwd").write_text("\n".join([*lines[:-1], user, ""]))


def shell_script(world: World, text: str) -> None:
    """Give the user a login shell that is a script."""
    (world.sshd.folder / "shell").write_text(f"#!/bin/sh\n{text}\n")


def start_up(world: World, program: str, name: str, text: str) -> None:
    """Give the user a real shell with a start-up file."""
    path = world.sshd.folder / "home" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    shell(world, need(program))


def shadow(world: World, changed: int = 19000, expires: str = "") -> None:
    """Set when the user's password was changed (0: it has expired), and when the account expires (in days)."""
    lines = (world.sshd.folder / "shadow").read_text().splitlines()
    parts = lines[-1].split(":")
    parts[2], parts[7] = str(changed), expires
    (world.sshd.folder / "shadow").write_text("\n".join([*lines[:-1], ":".join(parts), ""]))


def expire(world: World, uid: int = 0) -> None:
    """Let the password expire, as `chage -d 0` does."""
    shadow(world, changed=0)
    shell(world, world.sshd.folder / "shell", uid)


def close_account(world: World) -> None:
    """Let the account expire, as `chage -E 1` does."""
    shadow(world, expires="1")
    shell(world, world.sshd.folder / "shell", UNPRIVILEGED)


def pam(world: World, rule: str) -> None:
    """Put a rule before the others of PAM's for sshd."""
    path = world.sshd.folder / "pam"
    path.write_text(f"{rule}\n{path.read_text()}")
    shell(world, world.sshd.folder / "shell", UNPRIVILEGED)


def no_login(world: World) -> None:
    """Let nobody in, as /etc/nologin does; that of this machine is everybody's."""
    path = world.sshd.folder / "nologin"
    path.write_text("Back at noon: a disk is changed.\n")
    world.sshd.folder.chmod(0o755)
    pam(world, f"account required pam_nologin.so file={path}")


def knock(world: World) -> None:
    """Take the only place among those who log in."""

    def greeted() -> bool:  # the place may still be that of somebody who only looked whether sshd answers
        held = socket.create_connection(("127.0.0.1", world.sshd.port))
        world.held.append(held)
        return held.recv(4) == b"SSH-"

    until(greeted, "the place")


def force_by_key(world: World, command: str) -> None:
    """Let sshd run this whatever the key's owner asks for."""
    path = world.sshd.folder / "home" / ".ssh" / "authorized_keys"
    path.write_text(f'command="{command}" {path.read_text()}')


def link(world: World, program: str, name: str) -> Path:
    """Return a program under another name."""
    made = world.sshd.folder / name
    shutil.copy(need(program), made)
    made.chmod(0o755)
    return made


PAM = {"UsePAM": "yes"}
BY_PROMPT = {**PAM, "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "yes"}
IMPATIENT = {"SSH_COMMAND_TIMEOUT": "1"}
HERE_DOCUMENT = "cannot create temp file for here-document: No space left on device"

RUNS_NOTHING = [
    Broken("The password has expired", "ssh_password_expired", breaks=expire),
    Broken("The password has expired, and PAM says so", "ssh_password_expired", PAM, lambda w: expire(w, UNPRIVILEGED)),
    Broken("The password has expired, for a login by key", "ssh_password_expired", PAM, expire, key=True),
    Broken(
        "The password has expired, and sshd asks for a new one",
        "ssh_password_expired",
        BY_PROMPT,
        lambda w: expire(w, UNPRIVILEGED),
    ),
    Broken("The account has expired", "ssh_account_expired", PAM, close_account),
    Broken("The shell is nologin", "ssh_no_shell", breaks=lambda w: shell(w, need("nologin"))),
    Broken("The shell is /bin/false", "ssh_no_shell", breaks=lambda w: shell(w, need("false"))),
    Broken("The shell is rbash", "ssh_shell_restricted", breaks=lambda w: shell(w, need("rbash"))),
    Broken("The shell is git-shell", "ssh_shell_restricted", breaks=lambda w: shell(w, need("git-shell"))),
    Broken("A forced command that prints", "ssh_forced_command", {"ForceCommand": "echo hello"}),
    Broken("A forced command that is silent", "ssh_forced_command", {"ForceCommand": "true"}),
    Broken("A forced command that fails", "ssh_forced_command", {"ForceCommand": "echo no >&2; exit 3"}),
    Broken(
        "A forced command that asks for another",
        "ssh_forced_command",
        {"ForceCommand": 'echo "not allowed: $SSH_ORIGINAL_COMMAND"; false'},
    ),
    Broken("A forced command of a key", "ssh_forced_command", breaks=lambda w: force_by_key(w, "uptime"), key=True),
    Broken("Files only", "ssh_sftp_only", {"ForceCommand": "internal-sftp"}),
    Broken("A chroot without a shell", "ssh_no_shell", {"ChrootDirectory": "/usr/share"}),
    Broken("A chroot that sshd refuses", "ssh_session_failed", {"ChrootDirectory": "/tmp"}),
    Broken("No sessions", "ssh_no_sessions", {"MaxSessions": "0"}),
    Broken(".bashrc exits", "ssh_shell_ends", breaks=lambda w: start_up(w, "bash", ".bashrc", "echo Welcome; exit 0")),
    Broken(".bashrc exits in silence", "ssh_shell_ends", breaks=lambda w: start_up(w, "bash", ".bashrc", "exit")),
    Broken(".bashrc becomes zsh", "ssh_shell_ends", breaks=lambda w: start_up(w, "bash", ".bashrc", "exec zsh")),
    Broken(
        ".bashrc begins a menu",
        "ssh_shell_ends",
        breaks=lambda w: start_up(w, "bash", ".bashrc", "exec whiptail --msgbox hello 8 20 || exit"),
    ),
    Broken(".zshenv exits", "ssh_shell_ends", breaks=lambda w: start_up(w, "zsh", ".zshenv", "print hello; exit 4")),
    Broken(
        "config.fish becomes another program",
        "ssh_shell_ends",
        breaks=lambda w: start_up(w, "fish", ".config/fish/config.fish", "echo hello; exec false"),
    ),
    Broken(".cshrc becomes sh", "ssh_shell_ends", breaks=lambda w: start_up(w, "tcsh", ".cshrc", "exec sh")),
    Broken(
        ".bashrc sends all output to a file",
        "ssh_output_redirected",
        breaks=lambda w: start_up(w, "bash", ".bashrc", "exec >>~/session.log 2>&1"),
    ),
    Broken(
        ".zshenv sends all output to standard error",
        "ssh_output_redirected",
        breaks=lambda w: start_up(w, "zsh", ".zshenv", "exec >&2"),
    ),
    Broken(
        "~/.ssh/rc never ends",
        "ssh_shell_hangs",
        environment=IMPATIENT,
        breaks=lambda w: start_up(w, "bash", ".ssh/rc", "exec sleep 600"),
        away=True,
    ),
    Broken(
        ".bashrc never ends",
        "ssh_shell_hangs",
        environment=IMPATIENT,
        breaks=lambda w: start_up(w, "bash", ".bashrc", "while :; do sleep 1; done"),
        away=True,
    ),
    Broken(
        ".bashrc waits for input",
        "ssh_shell_hangs",
        environment=IMPATIENT,
        breaks=lambda w: start_up(w, "bash", ".bashrc", "test -p ~/in || mkfifo ~/in; read -r x <> ~/in"),
        away=True,
    ),
    Broken(
        "A full disk",
        "ssh_node_ill",
        breaks=lambda w: shell_script(w, f"echo '-bash: {HERE_DOCUMENT}' >&2; exit 1"),
        away=True,
    ),
    Broken(
        "No processes left",
        "ssh_node_ill",
        breaks=lambda w: shell_script(
            w, "echo 'bash: fork: retry: Die Ressource ist zur Zeit nicht verfügbar' >&2; exit 254"
        ),
        away=True,
    ),
]

KEYS_ONLY = {"PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no"}
LETS_NOBODY_IN = [
    Broken("Redis does not answer", None, environment={"REDIS_URL": "redis://127.0.0.1:1/0"}),
    Broken("The node is off, or its port is closed", "ssh_unreachable", session={"port": 1}, away=True),
    Broken("The password is wrong", "ssh_auth_failed", session={"password": "wrong"}),
    Broken("sshd takes keys only", "ssh_auth_failed", KEYS_ONLY),
    Broken("The private key can't be read", "ssh_bad_key", session={"privateKey": "none", "password": ...}),
    Broken(
        "sshd wants a second factor", "ssh_second_factor", {"AuthenticationMethods": "publickey,password"}, key=True
    ),
    Broken("sshd has other key exchanges only", "ssh_outdated", {"KexAlgorithms": "diffie-hellman-group18-sha512"}),
    Broken("sshd has other ciphers only", "ssh_outdated", {"Ciphers": "chacha20-poly1305@openssh.com"}),
    Broken("sshd has other MACs only", "ssh_outdated", {"Ciphers": "aes128-ctr", "MACs": "umac-128-etm@openssh.com"}),
    Broken("The host key is not the session's", "host_key_changed", session={"hostKey": "SHA256:" + "A" * 43}),
    Broken("The node is under maintenance (/etc/nologin)", "ssh_no_session", PAM, no_login, away=True),
    Broken(
        "A rule of PAM is against the account",
        "ssh_unreachable",
        PAM,
        lambda w: pam(w, "account required pam_deny.so"),
        away=True,
    ),
    Broken("Too many logins are under way", "ssh_unreachable", {"MaxStartups": "1"}, knock, away=True),
]


def unit(world: World, **properties: str) -> None:
    """Give the node the core services, all active, of which one has these properties."""
    for name in ("consensus", "validator"):
        world.node.set_unit(name, ActiveState="active", SubState="running")
    world.node.set_unit("execution", ActiveState="active", SubState="running", **properties)


def set_up_journald(world: World, setting: str) -> None:
    """Set something for journald."""
    command = world.folder / "node" / "bin" / "systemd-analyze"
    command.write_text(f"#!/bin/sh\necho '[Journal]'\necho '#Storage=auto'\necho {setting}\n")
    command.chmod(0o755)


def switch_off(world: World) -> None:
    """Set up journald to keep nothing from now on; a line from before is there."""
    set_up_journald(world, "Storage=none")
    world.node.append("execution", "a line from before")


def without_journalctl(world: World) -> None:
    """Leave the node no journalctl, as on a machine without systemd, or where PATH was set to something short."""
    few = world.sshd.folder / "few"
    few.mkdir()
    for name in ("cat", "date", "env", "grep", "readlink", "sh", "uname"):
        (few / name).symlink_to(need(name))
    folder = world.folder / "node" / "bin"
    (folder / "journalctl").unlink()
    shell_script(world, f'PATH="{folder}:{few}"; export PATH\nexec /bin/sh "$@"')


SHOWS_NO_LOG = [
    Broken(
        "The user may not read the journal",
        "permission_denied",
        breaks=lambda w: (unit(w), w.node.set_access("none")),
        of_log=True,
    ),
    Broken(
        "The user sees their own journal only",
        "permission_denied",
        breaks=lambda w: (unit(w), w.node.set_access("own-user-only")),
        of_log=True,
    ),
    Broken(
        "The journal was switched off, and has old lines",
        "log_elsewhere",
        breaks=lambda w: (unit(w), switch_off(w)),
        of_log=True,
    ),
    Broken("The journal is off", "log_unavailable", breaks=lambda w: (unit(w), w.node.set_access("off")), of_log=True),
    Broken(
        "There is no journalctl",
        "log_unavailable",
        breaks=lambda w: (unit(w), without_journalctl(w)),
        of_log=True,
    ),
    Broken(
        "The unit has a journal of its own",
        "log_elsewhere",
        breaks=lambda w: unit(w, LogNamespace="eth"),
        of_log=True,
    ),
    Broken(
        "The unit prints to a file",
        "log_elsewhere",
        breaks=lambda w: unit(w, StandardOutput="append:/var/log/geth.log"),
        of_log=True,
    ),
    Broken(
        "The unit has a LogLevelMax",
        "log_elsewhere",
        breaks=lambda w: unit(w, LogLevelMax="4"),
        of_log=True,
    ),
    Broken(
        "journald keeps warnings and worse only",
        "log_elsewhere",
        breaks=lambda w: (unit(w), set_up_journald(w, "MaxLevelStore=warning")),
        of_log=True,
    ),
    Broken("The unit prints to nowhere", "log_elsewhere", breaks=lambda w: unit(w, StandardOutput="null"), of_log=True),
]

GROUPS = {
    "Nobody gets in": LETS_NOBODY_IN,
    "The login works, and nothing runs": RUNS_NOTHING,
    "A log stays empty": SHOWS_NO_LOG,
}
