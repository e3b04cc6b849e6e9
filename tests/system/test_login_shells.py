"""Login shells as people set them up: what their start-up files do to the streams is nothing of a command's.

Each kind of command runs over a real sshd, by a real shell: a short one, one that reads, one that may be silent, and
one that is followed. What comes has to be what the command printed, byte by byte.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from ethpillar.errors import SshError
from ethpillar.ssh.command import Command, NotRun, Result
from ethpillar.ssh.connection import Connection
from ethpillar.ssh.diagnosis import diagnose
from ethpillar.ssh.login import Login, LoginOptions
from ethpillar.ssh.shell import Ends, long_command
from ethpillar.ssh.target import Target

from ..programs import need
from ..waiting import until
from . import broken
from .parts import PASSWORD, USER, Sshd

# With nothing in them that needs a backslash or single quotes, as the commands that are run on nodes: elvish and xonsh
# have their own rules for those.
SCRIPT = "echo out; head -c 3 /dev/zero; printf %s __CURSOR=half; printf %s err >&2; exit 7"
OUTPUT = b"out\n\0\0\0__CURSOR=half"
FOLLOWED = "echo first; printf %s err >&2; sleep 0.05; echo second; printf %s third; exec sleep 1001"
SILENT = ("sleep", "1002")

NOISE = r"\033[?25l\033[H\033[2J\033]0;staker@node: ~\007\r\377\376\0MainPID=1\n\n__CURSOR=s=1;i=2\nhalf"
LOUD = f"/usr/bin/printf '{NOISE}'; /usr/bin/printf '{NOISE}' >&2"
ART = r"printf '\033[38;5;%dm\342\226\210\342\226\210' 1 2 3; printf '\033[0m\nOS: Debian\nUp: 3 days\n\033[9D\033[3A'"
MEGABYTE = "head -c 1000000 /dev/urandom"


@dataclass(frozen=True)
class Shell:
    """A login shell with its start-up files."""

    title: str
    program: str
    files: dict[str, str] = field(default_factory=dict)
    "By their names in the home folder."
    errors: bytes | None = b"err"
    "What comes on standard error; None: whatever."
    reads: bool = True
    "Whether commands get their standard input."
    wraps: str = ""
    "A script that is the login shell, which runs the program in its turn."


def bash(title: str, text: str, **more: Any) -> Shell:
    return Shell(f"bash: {title}", "bash", {".bashrc": text + "\n"}, **more)


def zsh(title: str, text: str, **more: Any) -> Shell:
    return Shell(f"zsh: {title}", "zsh", {".zshenv": text + "\n"}, **more)


def fish(title: str, text: str, **more: Any) -> Shell:
    return Shell(f"fish: {title}", "fish", {".config/fish/config.fish": text + "\n"}, **more)


def tcsh(title: str, text: str, **more: Any) -> Shell:
    return Shell(f"tcsh: {title}", "tcsh", {".cshrc": text + "\n"}, **more)


TCSH_LOUD = f'sh -c "/usr/bin/printf \\"{NOISE}\\"; /usr/bin/printf \\"{NOISE}\\" >&2"'
SHELLS = [
    bash("a title, clear, and half a line", LOUD),
    bash("only standard output", r"printf 'loading...\r'"),
    bash("only standard error", r"printf 'bash: warning: ' >&2"),
    bash("a picture in colours", ART),
    bash("no terminal", "stty sane; stty erase ^H; tput bold; tput cols; mesg n; clear; reset; resize"),
    bash("no such locale", "export LC_ALL=xx_XX LANG=yy_YY"),
    bash("what it was told to run", 'echo -n "$BASH_EXECUTION_STRING"; echo -n "${BASH_EXECUTION_STRING// }" >&2'),
    bash(
        "what runs is traced",
        "PS4='+ $(date) $LINENO '; set -xvT; trap 'printf \"%s\" \"$BASH_COMMAND\"' DEBUG RETURN ERR",
    ),
    bash("traces on standard output", "BASH_XTRACEFD=1; PS4='half '; set -x"),
    bash("strict", "set -euo pipefail; shopt -s failglob nocasematch extglob; set -f; umask 777; IFS=0123456789abcdef"),
    bash("both streams are one", f"{LOUD}; exec 2>&1", errors=b""),
    bash("both streams go to a log", 'exec > >(tee -a "$HOME/session.log") 2>&1', errors=b""),
    bash("a log of each", 'exec > >(tee -a "$HOME/out.log") 2> >(tee -a "$HOME/err.log" >&2)', errors=None),
    bash("errors in red", r"exec 2> >(while read -r l; do printf '\033[31m%s\033[0m\n' \"$l\" >&2; done)", errors=None),
    bash("no standard error", "exec 2>/dev/null", errors=b""),
    bash("standard error is closed", "exec 2>&-", errors=b""),
    bash("no standard input", "exec </dev/null", reads=False),
    bash("standard input is closed", "exec <&-", reads=False),
    bash("it reads", 'read -t 0.05 -r answer; echo "$answer"'),
    bash("signals are ignored", "trap '' HUP INT QUIT TERM PIPE USR1"),
    bash("children are ignored", "trap '' CHLD"),
    bash("a folder that is gone", "mkdir -p ~/gone; cd ~/gone; rmdir ~/gone", errors=None),
    bash("a library that is not there", "export LD_PRELOAD=/nowhere/lib.so", errors=None),
    bash("files for other shells", f"export ENV=~/.other BASH_ENV=~/.other; echo '{LOUD}' > ~/.other"),
    bash(
        "functions for others",
        'printf() { echo mine; }; export -f printf; alias exec=echo; exec() { builtin exec "$@"; }',
    ),
    bash("slow", "sleep 1; printf half"),
    bash(
        "tmux where there is a terminal",
        "[[ $- == *i* ]] && exec tmux; tmux attach; [ -t 0 ] && exec fish; [[ -n $PS1 ]] || printf x",
    ),
    bash(
        "prompts",
        "PROMPT_COMMAND='printf prompt'; PS1='$(printf half)'; PS0=half; trap 'printf bye; printf bye >&2' EXIT",
    ),
    bash("a megabyte each", f"{MEGABYTE}; {MEGABYTE} >&2"),
    bash("five megabytes of errors", "head -c 5000000 /dev/zero >&2"),
    bash("what it leaves behind", "sleep 4 & disown; (sleep 4 >/dev/null 2>&1 &); setsid sleep 4 &"),
    bash("what it left behind prints on after the end", "(trap '' PIPE; sleep 0.5; timeout 3 yes) &", errors=None),
    Shell(
        "bash: ~/.ssh/rc",
        "bash",
        {".ssh/rc": LOUD + "\n", ".bash_logout": LOUD, ".bash_profile": LOUD, ".profile": LOUD},
    ),
    zsh("a title, clear, and half a line", LOUD),
    zsh("a title", r"print -n '\e]0;node\a'; print -nP '%F{green}%n@%m%f %# '; print -nu2 half"),
    zsh("what runs is traced", "PS4='half '; setopt xtrace verbose"),
    zsh(
        "its ends", "TRAPEXIT() { print -n bye; print -nu2 bye }; zshexit() { print -n bye }; trap 'print bye' EXIT HUP"
    ),
    zsh(
        "options",
        "setopt rcquotes extendedglob nullglob shwordsplit ksharrays nomatch magicequalsubst cshjunkiequotes globsubst "
        "interactivecomments promptsubst autocd correctall",
    ),
    zsh(
        "aliases",
        "alias exec='print exec; exec'; alias -g G='| grep' L='| less' sh='| wc' -- -c='| cat'; alias -s sh=less",
    ),
    zsh(
        "functions",
        "function printf { print mine }; function command { print mine }; function precmd { print -n half }",
    ),
    zsh("both streams are one", f"{LOUD}; exec 2>&1", errors=b""),
    zsh("both streams go to a log", 'setopt multios; exec > >(tee -a "$HOME/session.log") 2>&1', errors=b""),
    zsh("each stream goes twice", "exec 1>&1 2>&2", errors=None),
    zsh(
        "a prompt that is at once",
        r"print -n '\e[?2004h\e[1m\e[7m%\e[27m\e[1m\e[0m    \r \r'; typeset -g POWERLEVEL9K=1; zmodload zsh/zprof; "
        "zprof",
    ),
    Shell(
        "zsh: .zlogout and others",
        "zsh",
        dict.fromkeys((".zlogout", ".zprofile", ".zlogin", ".zshrc", ".zshenv"), LOUD),
    ),
    fish("a title, clear, and half a line", LOUD),
    fish("what runs is traced", "set -g fish_trace 1; echo -n half"),
    fish(
        "its events",
        "function a --on-event fish_exit; echo -n bye; echo -n bye >&2; end\n"
        "function b --on-event fish_preexec; echo -n half; end\nfunction fish_greeting; echo -n hello; end\n"
        "function fish_title; echo -n title; end; echo -ne '\\e]0;node\\a'; echo -n half >&2",
    ),
    fish(
        "functions and abbreviations",
        "function sh; echo mine; end; function printf; echo mine; end; abbr -a sh fish; alias env 'echo mine'",
    ),
    fish("no terminal", "stty sane; tput bold; status is-interactive; and exec tmux; set -x TERM nonsense; clear"),
    fish("a megabyte each", f"{MEGABYTE}; {MEGABYTE} >&2"),
    tcsh("a title, clear, and half a line", TCSH_LOUD),
    tcsh("what runs is traced", "set echo; set verbose; set printexitvalue"),
    tcsh("options", "set noglob; set backslash_quote; set nonomatch; set noclobber; set correct=all"),
    tcsh(
        "aliases",
        "alias precmd 'echo -n half'; alias postcmd 'echo -n half'; alias cwdcmd 'echo -n half'; alias sh 'echo mine'; "
        "cd /tmp",
    ),
    tcsh(
        "no terminal",
        "stty erase '^H'; tset -s -Q; biff y; mesg n; set prompt='%n@%m '; limit coredumpsize 0; tput clear",
    ),
    tcsh("a megabyte each", f"sh -c '{MEGABYTE}; {MEGABYTE} >&2'"),
    Shell("tcsh: .tcshrc and .logout", "tcsh", {".tcshrc": TCSH_LOUD + "\n", ".logout": TCSH_LOUD + "\n"}),
    Shell("dash: around each command", "dash", wraps=f'{LOUD}; SHELL "$@"; {LOUD}'),
    Shell("bash: a wrapper that goes on", "bash", wraps=f'{LOUD}; SHELL "$@"; sleep 3; echo done'),
    Shell("bash: a wrapper that prints on", "bash", wraps='SHELL "$@"; timeout 3 yes'),
    Shell(
        "bash: a wrapper that prints a megabyte", "bash", wraps=f'{MEGABYTE}; SHELL "$@"; {MEGABYTE}; {MEGABYTE} >&2'
    ),
    Shell("bash: a wrapper that joins the streams", "bash", wraps='exec 2>&1; SHELL "$@"', errors=b""),
    Shell("bash: at the lowest priority", "bash", wraps='exec nice -n 19 SHELL "$@"'),
    Shell("mksh", "mksh", {".mkshrc": LOUD}),
    Shell("yash", "yash", {".yashrc": LOUD}),
    Shell("elvish", "elvish", {".config/elvish/rc.elv": "print half; print half >&2"}),
    Shell("xonsh", "xonsh", {".xonshrc": "print('half', end='')\n", ".config/xonsh/rc.xsh": "print('half', end='')\n"}),
]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    daemon = Sshd(tmp_path_factory.mktemp("shells") / "sshd", "/usr/bin:/bin")
    yield daemon
    daemon.stop()


class NoPins:
    """Where no host key is ever pinned."""

    def host_key(self, host: str, port: int) -> str | None:
        return None

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        return pin


@contextmanager
def connected(sshd: Sshd) -> Iterator[Connection]:
    made = Login(Target("127.0.0.1", sshd.port, USER, PASSWORD), NoPins(), LoginOptions())()
    try:
        yield made
    finally:
        made.close()


def set_up(sshd: Sshd, shell: Shell) -> None:
    home = sshd.folder / "home"
    for each in home.iterdir():
        if each.name != ".ssh":
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    (home / ".ssh" / "rc").unlink(missing_ok=True)
    for name, text in shell.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    program = need(shell.program)
    world = SimpleNamespace(sshd=sshd)
    if shell.wraps:
        broken.shell_script(world, shell.wraps.replace("SHELL", program))  # type: ignore[arg-type]
    broken.shell(world, sshd.folder / "shell" if shell.wraps else program)  # type: ignore[arg-type]


@contextmanager
def running(connection: Connection, words: Any, ends: Ends, stdin: bytes = b"") -> Iterator[Command]:
    connection.channels.take()
    command = connection.start(words, stdin, 10, ends)
    try:
        yield command
    finally:
        command.close()


def run(connection: Connection, words: Any, ends: Ends = Ends.SOON, stdin: bytes = b"") -> Result:
    with running(connection, words, ends, stdin) as command:
        return command.result(4_000_000)


def remote(sshd: Sshd, word: bytes) -> list[int]:
    """The processes that have this word on their command line, and are no shell."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            home = f"HOME={sshd.folder / 'home'}".encode()
            if words[:2] == [b"sleep", word] and home in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell.title)
def test_what_a_command_prints_comes_and_nothing_else(sshd: Sshd, shell: Shell) -> None:
    set_up(sshd, shell)
    with connected(sshd) as connection:
        for ends in (Ends.SOON, Ends.SILENT):
            result = run(connection, ("sh", "-c", SCRIPT), ends)
            assert (result.status, result.stdout) == (7, OUTPUT), ends
            assert shell.errors in (None, result.stderr), ends
        if shell.reads:
            assert run(connection, ("cat",), stdin=b"a word\n").stdout == b"a word\n"
        with running(connection, ("sh", "-c", FOLLOWED), Ends.CLOSED) as command:
            came = b""
            while not came.endswith(b"third"):
                came += command.read()
            assert came == b"first\nsecond\nthird"
            assert shell.errors in (None, command.stderr)
        with running(connection, SILENT, Ends.SILENT) as command:
            reading = gevent.spawn(command.read)
            until(lambda: remote(sshd, b"1002"), "the silent command")
            reading.kill()
    if shell.reads:
        until(lambda: not remote(sshd, b"1002"), "the end of the silent command")
    for pid in (*remote(sshd, b"1001"), *remote(sshd, b"1002")):  # those write nothing that would end them
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "shell",
    [
        bash("to a file", 'exec >"$HOME/log" 2>&1'),
        bash("to standard error", "exec >&2"),
        bash("to nowhere", "exec >/dev/null"),
        bash("closed", "exec >&- 2>&-"),
        zsh("to a file", 'exec >"$HOME/log"'),
    ],
    ids=lambda shell: shell.title,
)
def test_output_that_goes_elsewhere_is_told_as_that(sshd: Sshd, shell: Shell) -> None:
    set_up(sshd, shell)
    with connected(sshd) as connection:
        ends = []
        for words in (("true",), long_command()):
            with pytest.raises(NotRun) as caught:
                run(connection, words)
            ends.append(caught.value.end)
    problem: SshError = diagnose(*ends)
    assert problem.code == "ssh_output_redirected"
