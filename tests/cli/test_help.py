"""What the commands say without any settings, and that `flask run` starts nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tools.source import ROOT

pytestmark = pytest.mark.skipif((ROOT / ".env").exists(), reason="a .env of the developer's would be read")


def flask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ} | environment
    command = [sys.executable, "-m", "flask", *words]
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--help", "sessions"),
        ("", "sessions"),
        ("--app wsgi --help", "node"),
        ("sessions --help", "create"),
        ("sessions create --help", "--host"),
        ("version", "ethpillar "),
    ],
)
def test_help_needs_no_settings(words: str, said: str) -> None:
    done = flask(*words.split())
    assert said in done.stdout + done.stderr
    assert "REDIS_URL is not set" not in done.stderr


def test_a_command_needs_them_and_says_so_in_one_line() -> None:
    done = flask("sessions", "list")
    assert done.returncode == 2
    assert done.stderr.startswith("ethpillar: REDIS_URL is not set")
    assert done.stderr.count("\n") == 1


def test_flask_run_refuses_in_one_line_and_says_what_to_run() -> None:
    done = flask("run", REDIS_URL="redis://localhost:6379/0")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "gunicorn -c gunicorn.conf.py wsgi:app" in done.stderr
