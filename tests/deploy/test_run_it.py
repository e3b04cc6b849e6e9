"""README's "Run it", typed as it stands there: in a fresh clone, into a shell, until the server is ready."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tools.source import ROOT

from ..system.parts import RedisServer, free_port
from ..waiting import until

BLOCK = re.search(r"## Run it\n+```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_what_readme_has_people_type(tmp_path: Path) -> None:
    assert BLOCK is not None
    port, redis = free_port(), RedisServer(tmp_path)
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "ethpillar")], check=True)
    except subprocess.CalledProcessError:
        redis.stop()
        pytest.skip("this is no clone")
    lines = BLOCK[1].replace("redis://localhost:6379/0", redis.url)
    assert lines != BLOCK[1]
    kept = ("PATH", "HOME", "LANG")
    environment = {
        name: value for name, value in os.environ.items() if name in kept or re.search("proxy|PIP|CERT|BUNDLE", name)
    }
    environment |= {
        "WS_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "PATH": os.defpath + ":" + environment.get("PATH", ""),
    }
    log = tmp_path / "log"
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["sh", "-c", lines],
            cwd=tmp_path / "ethpillar",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def ready() -> bool:
        assert shell.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        until(ready, "the server to be ready", 300)
        until(lambda: "Ready: ethpillar" in log.read_text(), "the line that says so")
        assert "✗" not in log.read_text()
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(30)
        redis.stop()
