"""Processes that the demo starts and ends.

Each is in a session of its own, so that Ctrl-C in the terminal reaches the demo only, which then ends them in order.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    # Linux only: when the demo is killed and can tidy nothing up, its children end nevertheless.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(
    words: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Starts a process that says everything into a file."""
    with log.open("ab") as file:
        return subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=dict(environment) if environment is not None else None,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )


def stop(process: subprocess.Popen[bytes], patience: float = 12.0) -> None:
    """Ends a process: asks it to, waits, and kills it when it does not, and then whatever is left of its group."""
    if process.poll() is not None:
        return
    process.terminate()
    end = time.monotonic() + patience
    while not (ended := _ended(process.pid)) and time.monotonic() < end:
        time.sleep(0.01)
    if ended != "reaped":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ended(pid: int) -> str:
    """Return "ended" or "reaped" for a child that has ended, without reaping it; else an empty text.

    As long as it is there, dead or alive, its number can't be another group's. gevent reaps by itself.
    """
    try:
        return "ended" if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) else ""
    except ChildProcessError:
        return "reaped"
