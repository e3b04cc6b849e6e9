"""The wheel: the package alone, and the filter as a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: what a build leaves behind is not left in the clone."""
    place = tmp_path_factory.mktemp("wheel")
    copy = place / "copy"
    for name in ("ethpillar", "demo", "bench"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    for file in ("pyproject.toml", "config.py", "wsgi.py", "gunicorn.conf.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(place), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and "No matching distribution found for setuptools" in done.stderr and not os.environ.get("CI"):
        pytest.skip("no package index to get setuptools from")
    assert done.returncode == 0, done.stderr[-2000:]
    return next(place.glob("*.whl"))


def test_nothing_but_the_package_lands_in_site_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"ethpillar", wheel.name.split("-py3")[0] + ".dist-info"}
    assert "ethpillar/journal/formats/parser.py" in names


def test_the_filter_is_a_command_that_needs_nothing_else(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (entry,) = tmp_path.glob("*.dist-info/entry_points.txt")
    assert "ethpillar-journal = ethpillar.journal.__main__:main" in entry.read_text()
    command = [sys.executable, "-S", "-c", "from ethpillar.journal.__main__ import main; main(['--utc'])"]
    done = subprocess.run(
        command, input=b"WARN [07-21|10:11:20.001] Peer gone  a=1\n", capture_output=True, timeout=30, cwd=tmp_path
    )
    assert done.stdout.split() == [b"WARN", b"Peer", b"gone", b"a=1"], done.stderr
