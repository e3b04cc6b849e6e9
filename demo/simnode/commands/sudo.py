"""sudo: asks for a password on standard input or not at all, and becomes the command, which then has rights."""

from __future__ import annotations

import os
import sys

from .store import BIN, UNDER_SUDO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # not at run time: it takes longer to import than all the rest

TRIES = 3


def run(folder: str, state: dict[str, Any], arguments: list[str]) -> int:
    """Returns only when sudo refuses, or has nothing to run."""
    ask, from_stdin, prompt, words = True, False, "[sudo] password for staker: ", []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words = rest
            break
        if word in ("-n", "--non-interactive"):
            ask = False
        elif word in ("-S", "--stdin"):
            from_stdin = True
        elif word in ("-p", "--prompt") and rest:
            prompt = rest.pop(0)
        elif word in ("-k", "-E", "-H"):
            continue
        elif word.startswith("-"):
            return _say(f"sudo: invalid option -- '{word.lstrip('-')}'")
        else:
            words = [word, *rest]
            break
    if not words:
        return _say("usage: sudo [-knS] [-p prompt] command [arg ...]")
    if state["access"] != "sudo" and not _permitted(state, ask, from_stdin, prompt):
        return 1
    os.environ[UNDER_SUDO] = "1"
    # Like the secure_path of a real one: the node's commands first, whatever the user's PATH.
    os.environ["PATH"] = os.path.join(folder, BIN) + ":" + os.environ.get("PATH", os.defpath)
    try:
        os.execvp(words[0], words)
    except OSError:
        return _say(f"sudo: {words[0]}: command not found")


def _permitted(state: dict[str, Any], ask: bool, from_stdin: bool, prompt: str) -> bool:
    if not ask:
        _say("sudo: a password is required")
        return False
    if not from_stdin:
        _say(
            "sudo: a terminal is required to read the password; either use the -S option to read from standard "
            "input or configure an askpass helper\nsudo: a password is required"
        )
        return False
    wrong = 0
    while True:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = _read_line()
        if line is None:
            _say("sudo: no password was provided")
            _say(_attempts(wrong) if wrong else "sudo: a password is required")
            return False
        if state["password"] is not None and line == state["password"].encode():
            break
        wrong += 1
        if wrong == TRIES:
            _say(_attempts(wrong))
            return False
        _say("Sorry, try again.")
    if state["access"] in ("none", "own-user-only", "off"):
        _say("staker is not in the sudoers file.")
        return False
    return True


def _attempts(wrong: int) -> str:
    return f"sudo: {wrong} incorrect password attempt{'s' if wrong > 1 else ''}"


def _read_line() -> bytes | None:
    # Byte by byte: what follows the password belongs to the command.
    line = b""
    while byte := os.read(0, 1):
        if byte == b"\n":
            return line
        line += byte
    return line or None


def _say(text: str) -> int:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    return 1
