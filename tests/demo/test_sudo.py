"""The simulated sudo."""

from __future__ import annotations

import pytest

from demo.simnode import SimNode

from .conftest import Run

PROBE = ("--", "journalctl", "--system", "-q", "-n", "1")
ASK = ("sudo", "-S", "-p", "")


def test_without_a_password(node: SimNode, run: Run) -> None:
    node.set_access("sudo")
    result = run("sudo", "-n", *PROBE)
    assert result.returncode == 0
    assert result.stdout
    assert [(call["argv"][0], call["sudo"]) for call in node.calls()] == [("sudo", False), ("journalctl", True)]


@pytest.mark.parametrize("access", ["plain", "sudo-password", "none", "own-user-only"])
def test_a_password_is_required(node: SimNode, run: Run, access: str) -> None:
    node.set_access(access, password="geheim")  # type: ignore[arg-type]
    result = run("sudo", "-n", *PROBE)
    assert (result.returncode, result.stdout, result.stderr) == (1, b"", b"sudo: a password is required\n")


def test_the_password_on_standard_input(node: SimNode, run: Run) -> None:
    node.set_access("sudo-password", password="gehéim")
    result = run(*ASK, *PROBE, stdin="gehéim\n".encode())
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout
    rest = run(*ASK, "--", "cat", stdin="gehéim\nleft for the command".encode())
    assert rest.stdout == b"left for the command"


def test_a_wrong_password(node: SimNode, run: Run) -> None:
    node.set_access("sudo-password", password="geheim")
    result = run(*ASK, *PROBE, stdin=b"falsch\n")
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"Sorry, try again.\n")
    result = run(*ASK, *PROBE, stdin=b"1\n2\n3\n4\n")
    assert result.stderr.endswith(b"sudo: 3 incorrect password attempts\n")
    assert run(*ASK, *PROBE, stdin=b"falsch\ngeheim\n").returncode == 0


def test_no_password(node: SimNode, run: Run) -> None:
    node.set_access("sudo-password", password="geheim")
    result = run(*ASK, *PROBE)
    assert result.returncode == 1
    assert result.stderr.startswith(b"sudo: no password was provided\n")
    assert b"a terminal is required" in run("sudo", *PROBE).stderr


def test_a_user_who_may_not(node: SimNode, run: Run) -> None:
    node.set_access("none", password="geheim")
    result = run(*ASK, *PROBE, stdin=b"geheim\n")
    assert result.returncode == 1
    assert b"not in the sudoers file" in result.stderr
