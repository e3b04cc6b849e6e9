"""Why a login works and commands don't, from what shells and sshds say; the real ones are in tests/system."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import (
    AccountExpired,
    CommandForced,
    FilesOnly,
    LoginDenied,
    NodeIll,
    NoShell,
    PasswordExpired,
    SessionFailed,
    SessionRefused,
    ShellEnds,
    ShellRestricted,
    SshError,
)
from ethpillar.ssh.diagnosis import ARGUMENT_LIMIT, FORCED_PREFIX, LONG, End, diagnose, refused_after_login
from ethpillar.ssh.shell import CommandLine, long_command

TOO_LONG = b"/bin/bash: Argument list too long\n"
CASES = [
    (1, b"", b"WARNING: Your password has expired.\nPassword change required but no TTY available.\n", PasswordExpired),
    (1, b"welcome\n", b"You are required to change your password immediately (root enforced)\n", PasswordExpired),
    (254, b"", b"closed for maintenance\n", SessionRefused),
    (254, b"There were too many logins for 'staker'.\n", b"", SessionRefused),
    (1, b"This service allows sftp connections only.\n", b"", FilesOnly),
    (1, b"This account is currently not available.\n", b"", NoShell),
    (1, b"", b"", NoShell),  # /bin/false
    (1, b"", b"/bin/bash: No such file or directory\n", NoShell),
    (127, b"", b"bash: /bin/sh: Datei oder Verzeichnis nicht gefunden\n", NoShell),
    (255, b"", b"", SessionFailed),
    (1, b"", b"rbash: line 1: exec: restricted\n", ShellRestricted),
    (1, b"", b"rbash: Zeile 1: exec: gesperrt\n", ShellRestricted),
    (128, b"", b"fatal: unrecognized command 'exec /bin/sh -c ...'\n", ShellRestricted),
    (1, b"", b"'exec' is not recognized as an internal or external command,\r\n", ShellRestricted),
    (1, b"\nAllowed commands: scp\nThis account is restricted by rssh.\n", b"", ShellRestricted),
    (117, b"*** forbidden command: exec\n", b"", ShellRestricted),
    (0, b"", b"", ShellEnds),
    (0, b"Welcome, staker!\n", b"", ShellEnds),
    (1, b"", b"open terminal failed: not a terminal\n", ShellEnds),
    (3, b"", b"++ exec zsh\n", ShellEnds),  # what `set -x` prints
    (127, b"", b"/home/staker/.bashrc: line 1: exec: whiptail: not found\n", ShellEnds),
    (0, b"Restricted! Use without permission is forbidden.\n", b"", ShellEnds),
    (
        1,
        b"",
        b"/home/staker/.bashrc: line 1: foo: command not found\nrbash: line 1: exec: restricted\n",
        ShellRestricted,
    ),
    (1, b"", b"-bash: cannot create temp file for here-document: No space left on device\n", NodeIll),
    (1, b"", b"/bin/bash: Input/output error\n", NodeIll),
    (254, b"", "bash: fork: retry: Die Ressource ist zur Zeit nicht verfügbar\n".encode(), NodeIll),
    (1, b"", b"/bin/bash: Cannot allocate memory\n", NodeIll),
]


@pytest.mark.parametrize(("status", "output", "errors", "kind"), CASES)
def test_what_came_instead_of_a_command(status: int, output: bytes, errors: bytes, kind: type[SshError]) -> None:
    end = End(status, output, errors)
    for long in (end, None):  # which says nothing new
        assert type(diagnose(end, long)) is kind


@pytest.mark.parametrize(
    ("status", "output"), [(0, b""), (0, b"hello\n"), (1, b"restricted to backups: exec /bin/sh\n")]
)
def test_a_command_of_the_node_s_own_cannot_be_given_a_long_one(status: int, output: bytes) -> None:
    assert type(diagnose(End(status, output), End(1, b"", TOO_LONG))) is CommandForced
    # A shell that says so of everything says nothing.
    assert type(diagnose(End(status, output, TOO_LONG), End(1, b"", TOO_LONG))) is not CommandForced


def test_a_long_command_fits_an_argument_and_not_the_environment() -> None:
    text = CommandLine(long_command()).text
    assert len(text) == LONG
    assert len(text) + 1 <= ARGUMENT_LIMIT < len(FORCED_PREFIX) + len(text) + 1


@given(st.integers(0, 255), st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_a_node_prints_none_of_it_is_repeated(status: int, output: bytes, errors: bytes) -> None:
    marked = End(status, b"CANARY" + output, errors + b"CANARY")
    assert "CANARY" not in str(diagnose(marked, None).payload())


@pytest.mark.parametrize(
    ("banner", "kind"),
    [
        (b"Your account has expired; please contact your system administrator.\n", AccountExpired),
        (b"System is booting up. Unprivileged users are not permitted to log in yet.\n", LoginDenied),
        (b"\xff\xfe", LoginDenied),
    ],
)
def test_what_sshd_says_when_it_hangs_up_on_a_login_that_was_right(banner: bytes, kind: type[SshError]) -> None:
    assert type(refused_after_login(banner)) is kind
