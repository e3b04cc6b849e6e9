"""What `make` says and leaves behind where something is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import tests.__main__ as runner
from tests import programs
from tools.source import ROOT


def make_environment(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """`make` of the virtual environment by a Python that is this script."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    words = ["make", f"PYTHON={python}", f"VENV={folder / 'venv'}", str(folder / "venv" / ".python")]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True)


def test_an_environment_that_fails_is_removed_and_says_what_to_install(tmp_path: Path) -> None:
    half = f'[ "$1" = -m ] || exit 0; mkdir -p {tmp_path}/venv/bin; cp /bin/true {tmp_path}/venv/bin/python; exit 1'
    done = make_environment(tmp_path, half)
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_too_old_is_named_before_anything_is_made(tmp_path: Path) -> None:
    done = make_environment(tmp_path, "exit 1")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_skips_are_summed_up_with_the_command_that_installs_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["sss", "SKIPPED [3] tests/a.py:40: sshd is missing", "SKIPPED [1] tests/a.py:1: zsh is missing"]
    said = "\n".join([*lines, "4 skipped", ""])
    monkeypatch.setattr(runner, "portions", lambda: iter([["a"], ["b"]]))
    monkeypatch.setattr(runner, "run", lambda paths: (paths, 0, said))
    monkeypatch.setattr(programs, "find", lambda name: None if name in ("sshd", "zsh") else name)
    assert runner.main() == 0
    out = capsys.readouterr().out
    assert "SKIPPED" not in out
    assert "6 skipped: sshd is missing\n2 skipped: zsh is missing\n" in out
    assert "apt-get install -y --no-install-recommends openssh-server zsh\n" in out
    assert out.endswith("0 passed, 0 failed, 8 skipped\n")


def test_a_node_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    programs.node.cache_clear()
    found = programs.node()
    programs.node.cache_clear()
    assert found is not None
    assert found != str(old)
