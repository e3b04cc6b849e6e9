"""What `flask doctor` says of a machine, and how `flask top` measures."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ethpillar.cli.doctor import files_step, held_step, memory_step, worker_step
from ethpillar.cli.running import measured
from tools.source import ROOT

SECRET = "rediss://default:h3mlig@redis.example/x"


def doctor(folder: Path, **environment: str) -> dict[str, dict[str, Any]]:
    """Run it in a folder with these settings; its last word on each thing."""
    clean = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), "doctor", "--json"]
    clean |= {"PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    assert "h3mlig" not in done.stdout + done.stderr
    steps = json.loads(done.stdout)
    assert done.returncode == int(any(step["ok"] is False for step in steps))
    assert all(step["fix"] for step in steps if step["ok"] is False)
    return {step["name"]: step for step in steps}


def test_it_needs_no_setting_and_names_each_that_is_wrong(tmp_path: Path) -> None:
    assert "REDIS_URL is not set" in doctor(tmp_path)["Settings"]["found"]
    both = doctor(tmp_path, REDIS_URL=SECRET, MAX_NODES="many")
    assert "MAX_NODES" in both["Settings"]["found"]


def test_it_names_what_is_no_setting_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("REDIS_URL=redis://127.0.0.1:1\nFRONTEND_URLS=https://dash.example\n")
    file.chmod(0o600)
    found = doctor(tmp_path)
    assert "is FRONTEND_URL meant?" in found[".env"]["found"]
    file.write_text("REDIS_URL=redis://127.0.0.1:1\n")
    file.chmod(0o644)
    assert doctor(tmp_path)[".env"]["fix"] == "chmod 600 .env"


def test_it_says_that_redis_does_not_answer_and_that_all_else_is_well(tmp_path: Path) -> None:
    found = doctor(tmp_path, REDIS_URL="redis://127.0.0.1:1")
    assert found["Redis"]["ok"] is False
    assert "REDIS_URL" in found["Redis"]["fix"]
    for name in ("Settings", "Python", "Worker", "Monkey patch"):
        assert found[name]["ok"] is True, found[name]


@pytest.mark.parametrize("words", ["-w 4", "--workers=4", "-k sync", "--preload", "--worker-class sync --bind :80"])
def test_gunicorn_must_not_be_told_otherwise(words: str) -> None:
    assert worker_step({"GUNICORN_CMD_ARGS": words}).ok is False
    assert worker_step({"GUNICORN_CMD_ARGS": "--bind :80"}).ok is True


def test_files_and_memory() -> None:
    assert files_step(1024).ok is False
    assert files_step(65536).ok is True
    assert files_step(resource.RLIM_INFINITY).ok is True
    assert memory_step(8 << 30, 1 << 30).ok is False
    assert memory_step(200 << 20, 1 << 30).ok is True
    assert memory_step(0, 1 << 30).ok is True


def test_what_the_running_server_holds() -> None:
    memory = {"held": {"rings": 30 << 20, "nodes": 10 << 20}, "budget": 100 << 20, "given_back": 0}
    step = held_step(memory)
    assert (step.ok, step.found) == (True, "40 of 100 MiB held (rings 30, nodes 10)")
    step = held_step({**memory, "given_back": 5 << 20})
    assert step.ok is None
    assert "5 MiB of recent lines" in step.found


def test_lines_a_second_are_measured_between_two_answers() -> None:
    def answer(at: float, **lines: int) -> dict[str, Any]:
        rows = [{"session": name, "lines": count, "memory_bytes": count} for name, count in lines.items()]
        return {"at": at, "sessions": rows}

    rows = measured(answer(10.0, a=100, b=50, gone=7), answer(12.0, a=300, b=50, new=1000))
    assert [(row["session"], row["lines_per_second"]) for row in rows] == [("new", 0.0), ("a", 100.0), ("b", 0.0)]
    assert measured(answer(10.0, a=100), answer(11.0, a=5))[0]["lines_per_second"] == 0.0
