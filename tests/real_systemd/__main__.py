"""`make test-systemd`: sets up what is needed, tries whether a container boots here, and runs the tests.

On a machine where none can boot it says why, and that is no failure. That something can't be installed or downloaded is
one in CI only.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from .machine import Machine
from .root import CannotRun, cached_root


def try_it() -> int | None:
    """Boots a machine once and ends it. None: that works; else the exit status, after saying why not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "seed").mkdir()
            Machine(cached_root(), folder / "seed", folder / "console").stop()
    except CannotRun as problem:
        print(f"test-systemd: not run on this machine: {problem}")
        return 0
    except RuntimeError as problem:
        print(f"test-systemd: not run: {problem}")
        return 1 if os.environ.get("CI") else 0
    except KeyboardInterrupt:
        return 130
    return None


if __name__ == "__main__":
    status = try_it()
    if status is not None:
        sys.exit(status)
    sys.stdout.flush()
    # Another process, for the tests' monkey patch has to come before every import.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "-rs", str(Path(__file__).parent), *sys.argv[1:]])
