"""The console's modules: tests in Node's own runner, types and lint."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ..system.parts import missing

HERE = Path(__file__).parent


@pytest.mark.parametrize("script", ["test", "types", "lint"])
def test_modules(script: str) -> None:
    if shutil.which("npm") is None:
        missing("npm")
    if script != "test" and not (HERE / "node_modules" / "typescript").is_dir():
        missing("TypeScript (npm ci in tests/console)")
    done = subprocess.run(["npm", "run", "-s", script], cwd=HERE, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
