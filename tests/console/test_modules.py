"""The console's modules: tests in Node's own runner, types and lint."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .. import programs

HERE = Path(__file__).parent


@pytest.mark.parametrize("script", ["test", "types", "lint"])
def test_modules(script: str) -> None:
    npm = programs.npm() or programs.missing("npm")
    if script != "test" and not (HERE / "node_modules" / "typescript").is_dir():
        programs.missing("TypeScript (npm ci in tests/console)")
    done = subprocess.run(
        [*npm, "run", "-s", script], cwd=HERE, env=programs.environment(), capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
