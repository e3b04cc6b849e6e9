"""A simulated node for each test, and a way to run its commands."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.simnode import SimNode, install

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def node(tmp_path: Path) -> SimNode:
    install(tmp_path / "node")
    return SimNode(tmp_path / "node")


@pytest.fixture
def run(node: SimNode) -> Run:
    """Runs a command of the node to its end."""

    def run_command(
        name: str, *arguments: str, stdin: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        command = [str(node.state / "bin" / name), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, env={"PATH": "/usr/bin:/bin", **environment})

    return run_command


@pytest.fixture
def start(node: SimNode) -> Iterator[Start]:
    """Starts a command of the node, whose output is read by the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start_command(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(node.state / "bin" / name), *arguments]
        started.append(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
        return started[-1]

    yield start_command
    for process in started:
        process.kill()
        process.wait()
