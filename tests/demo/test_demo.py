"""The demo as a user starts it: shows the stream, and leaves nothing behind, however it ends."""

from __future__ import annotations

import fcntl
import importlib.util
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.embedded import executable
from demo.parts import ROOT

from ..programs import missing
from ..system.parts import descendants
from ..waiting import until

pytestmark = pytest.mark.system


class Demo:
    """A demo with a temporary directory of its own."""

    def __init__(self, folder: Path, *arguments: str, stdout: int, **environment: str) -> None:
        self.temporary = folder / "t"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", *arguments],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary), "TERM": "xterm", **environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.children: set[int] = set()

    def note_children(self) -> None:
        self.children |= set(descendants(self.process.pid))

    def left(self) -> list[object]:
        """What is still there of it."""
        alive: list[object] = [pid for pid in self.children if _alive(pid)]
        return [*alive, *self.temporary.iterdir()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        demo.process.kill()
        demo.process.wait()


@pytest.fixture(autouse=True)
def parts() -> None:
    if executable() is None:
        missing("valkey-server or redis-server")
    if importlib.util.find_spec("websocket") is None:
        missing("websocket-client (requirements-demo.txt)")


def test_without_a_terminal(tmp_path: Path, demos: list[Demo]) -> None:
    out = tmp_path / "out"
    with out.open("wb") as file:
        demo = Demo(tmp_path, stdout=file.fileno())
    demos.append(demo)
    until(lambda: "execution" in out.read_text() and "== " in out.read_text(), "lines", 60)
    demo.note_children()
    assert len(demo.children) >= 3
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(30) == 0
    text = out.read_text()
    assert "\x1b" not in text
    assert re.search(r"^demo: \d+ lines in \d+ s; everything is stopped$", text, re.MULTILINE)
    for service in ("execution", "consensus", "validator", "mevboost", "csm_nimbusvalidator", "contributoor", "dora"):
        assert service in text
    assert demo.left() == []


@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP", "closed"])
def test_on_a_terminal(tmp_path: Path, demos: list[Demo], end: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 160, 0, 0))
    demo = Demo(tmp_path, stdout=theirs)
    demos.append(demo)
    os.close(theirs)
    shown = b""

    os.set_blocking(ours, False)
    terminal = io.FileIO(ours)  # closes it at once, which gevent's os.close() may put off

    def look() -> bool:
        nonlocal shown
        shown += terminal.read(65536) or b""
        return b"csm_nimbusvalidator" in shown and b"Synced" in shown

    until(look, "the stream on the screen", 60)
    assert shown.startswith(b"\x1b[?1049h")
    demo.note_children()
    if end == "closed":
        terminal.close()  # from now on writing to the terminal fails
    else:
        demo.process.send_signal(getattr(signal, end))

        def rest() -> bool:
            nonlocal shown
            try:
                shown += terminal.read(65536) or b""
            except OSError:  # its other end is closed
                return True
            return False

        until(rest, "the end of the demo", 60)
        assert b"\x1b[?1049l" in shown
        terminal.close()
    demo.process.wait(30)
    assert demo.left() == []


def test_it_ends_by_itself_and_early(tmp_path: Path, demos: list[Demo]) -> None:
    demo = Demo(tmp_path, "--plain", "--seconds", "0.1", stdout=subprocess.DEVNULL)
    demos.append(demo)
    assert demo.process.wait(60) == 0
    assert demo.left() == []


@pytest.mark.parametrize("part", [Path(executable() or "").name, "ssh_server", "gunicorn"])
def test_a_part_that_dies(tmp_path: Path, demos: list[Demo], part: str) -> None:
    out = tmp_path / "out"
    with out.open("wb") as file:
        demo = Demo(tmp_path, stdout=file.fileno())
    demos.append(demo)
    until(lambda: "execution" in out.read_text(), "lines", 60)
    demo.note_children()
    for pid in demo.children:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if part.encode() in words and _parent(pid) == demo.process.pid:
            os.kill(pid, signal.SIGKILL)
    assert demo.process.wait(60) == 1
    assert re.search(r"^demo: .*(server).* ended with status -9", out.read_text(), re.MULTILINE)
    until(lambda: not demo.left(), "nothing to be left")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_server_that_can_t_start(tmp_path: Path, demos: list[Demo]) -> None:
    demo = Demo(tmp_path, "--plain", stdout=subprocess.PIPE, LOG_LEVEL="nonsense")
    demos.append(demo)
    assert demo.process.wait(60) == 1
    assert demo.process.stdout is not None
    text = demo.process.stdout.read().decode().strip()
    assert text.startswith("demo: the server ended with status")
    assert "LOG_LEVEL" in text
    assert "\n" not in text
    assert demo.left() == []


@pytest.mark.parametrize(("options", "port"), [((), "abc"), ((), "70000"), (("--port", "-1"), "")])
def test_a_port_that_is_none(tmp_path: Path, demos: list[Demo], options: tuple[str, ...], port: str) -> None:
    demo = Demo(tmp_path, "--plain", *options, stdout=subprocess.PIPE, WS_PORT=port)
    demos.append(demo)
    assert demo.process.wait(60) == 1
    assert demo.process.stdout is not None
    assert re.fullmatch(r"demo: (WS_PORT|--port) must be a port: [^\n]*\n", demo.process.stdout.read().decode())


def test_a_reader_that_has_had_enough(tmp_path: Path, demos: list[Demo]) -> None:
    demo = Demo(tmp_path, stdout=subprocess.PIPE)
    demos.append(demo)
    out = demo.process.stdout
    assert out is not None
    assert out.readline().startswith(b"ethpillar demo: ")
    demo.note_children()
    out.close()
    assert demo.process.wait(60) == 0
    assert demo.left() == []


def test_a_temporary_directory_with_a_long_name(tmp_path: Path, demos: list[Demo]) -> None:
    (tmp_path / ("x" * 90)).mkdir()
    demo = Demo(tmp_path / ("x" * 90), stdout=subprocess.PIPE)
    demos.append(demo)
    assert demo.process.wait(60) == 1
    assert demo.process.stdout is not None
    assert demo.process.stdout.read().decode() == (
        f"demo: {demo.temporary} is too long a path for a socket: set TMPDIR to a shorter one\n"
    )
    assert demo.left() == []
