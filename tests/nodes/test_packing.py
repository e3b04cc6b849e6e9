"""Output that is compressed on its way: what comes out of it, and what a node that means no good can do."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.nodes.packing import PIECE, Unpacker, packed


def unpack(data: bytes, cuts: list[int]) -> tuple[bytes, int | None]:
    """What some bytes unpack to that come in pieces, and the status."""
    unpacker = Unpacker()
    found = b""
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in zip([0, *ends], ends, strict=False):
        found += b"".join(unpacker.feed(data[begin:end]))
    return found, unpacker.status


def run(words: list[str], **env: str) -> bytes:
    """What a command prints."""
    return subprocess.run(packed(words), capture_output=True, check=False, env={**os.environ, **env}).stdout


@given(st.binary(max_size=400), st.integers(0, 255), st.lists(st.integers(0, 10_000), max_size=6))
def test_output_and_status_are_whole_however_they_are_cut(text: bytes, status: int, cuts: list[int]) -> None:
    assert unpack(gzip.compress(text + b"%03d" % status), cuts) == (text, status)


@given(st.binary(max_size=100), st.lists(st.integers(0, 10_000), max_size=6))
def test_what_is_not_compressed_is_passed_on(text: bytes, cuts: list[int]) -> None:
    if not text.startswith(b"\x1f"):
        assert unpack(text, cuts) == (text, None)


@given(st.integers(1, 400))
def test_a_stream_without_an_end_has_no_status(kept: int) -> None:
    data = gzip.compress(os.urandom(300) + b"000")
    text, status = unpack(data[: min(kept, len(data) - 9)], [])
    assert status in (None, -1)
    assert len(text) <= 300


@pytest.mark.parametrize("damage", [b"\x1f\x8bgarbage and no header", gzip.compress(b"x" * 99)[:20] + b"\xff" * 200])
def test_what_is_damaged_ends_and_raises_nothing(damage: bytes) -> None:
    unpacker = Unpacker()
    list(unpacker.feed(damage))
    assert unpacker.broken
    assert unpacker.status == -1


def test_a_little_that_unpacks_to_much_comes_in_pieces() -> None:
    breaths = 0

    def breathe() -> None:
        nonlocal breaths
        breaths += 1

    sizes = [len(piece) for piece in Unpacker(breathe).feed(gzip.compress(bytes(20 << 20)))]
    assert max(sizes) <= PIECE + 3
    assert breaths >= len(sizes) > 70


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs gzip")
def test_a_command_with_gzip() -> None:
    script = "printf 'some words'; echo trouble >&2; exit 3"
    data = run(["sh", "-c", script])
    assert data.startswith(b"\x1f\x8b")
    assert unpack(data, [1, 2, 5]) == (b"some words", 3)


def test_a_command_without_gzip(tmp_path: Path) -> None:
    for name in ("sh", "printf"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    found = run(["sh", "-c", "printf 'some words'"], PATH=str(tmp_path))
    assert unpack(found, []) == (b"some words", None)


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs gzip")
def test_a_command_that_nobody_reads_any_more_ends() -> None:
    with subprocess.Popen(packed(["yes"]), stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.read(100)
        process.stdout.close()
        process.wait(30)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
