"""The package by itself: types, its own tests, its size."""

from __future__ import annotations

import re
from pathlib import Path

from .package import npm

SIZE = 9216
"Bytes, gzipped, that the package may add to a page without React and socket.io-client."


def test_types() -> None:
    npm("run", "types", "--silent")


def test_its_own_tests() -> None:
    said = npm("test", "--silent", "--", "--no-color")
    print(said)
    assert re.search(r"Tests +\d+ passed", said), said


def test_the_example_is_built(tmp_path: Path) -> None:
    npm("exec", "--no", "--", "vite", "build", "example", "--outDir", str(tmp_path))
    assert (tmp_path / "index.html").exists()


def test_it_is_small() -> None:
    said = npm("run", "size", "--silent")
    print(said)
    sizes = {name: int(size) for name, size in re.findall(r"(\w+): .* (\d+) gzipped", said)}
    assert sizes.keys() == {"index", "core"}
    assert max(sizes.values()) <= SIZE
