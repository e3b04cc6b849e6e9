"""A node that prints as fast as it is read, so that a bench measures the server and not the node.

Its `journalctl` is a shell script that prints prepared bytes: the backlog at once, and the burst when `burst` says so.
Its other commands are those of `demo.simnode`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.simnode import SimNode, install
from demo.simnode.writer import load, locked, save

UNIT, OTHER = "execution.service", "consensus.service"
SERVICES = ("execution", "consensus", *(f"service{number}" for number in range(38)))
"All of them print the same."
BACKLOG = 50
LINE = (
    "INFO [07-21|10:11:12.345] Imported new potential chain segment     number={:,} hash=1f2e3d..a0b1c2 blocks=1 "
    "txs=187 mgas=21.402 elapsed=98.113ms mgasps=218.136 snapdiffs=8.91MiB triediffs=61.02MiB triedirty=0.00B"
)
BOOT = "1a2b3c4d5e6f47589a0b1c2d3e4f5a6b"
_JOURNALCTL = r"""#!/bin/sh
cd {folder} || exit 1
format=cat follow= cursor=
for word; do
  case "$word" in
    export) format=export ;;
    -f) follow=yes ;;
    --cursor=*) cursor=${{word#--cursor=}} ;;
  esac
done
case "$cursor$follow" in
  '' | yes) cat backlog.$format ;;
  *yes) cat last.$format ;;
  *)  # one that fell behind, or that looks whether it has
    {{ cat backlog.$format; [ ! -e printed ] || cat burst.$format; }} | sed -n "/^__CURSOR=$cursor\$/,\$p" ;;
esac
[ -n "$follow" ] || exit 0
: < go  # opens when somebody writes
[ -e backlog.cat ] || exit  # the bench is over
{source}
exec sleep 600
"""


class FastNode:
    """The node's files, and the moment of its burst."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "fast"
        self._folder.mkdir(parents=True)
        install(folder / "sim", sys.executable)
        node = SimNode(folder / "sim")
        with locked(node.state):  # the entries are of this boot: a log of an earlier one is read with more care
            state = load(node.state)
            state["boot"]["id"] = BOOT
            save(node.state, state)
        for service in SERVICES:
            node.set_unit(
                f"{service}.service", LoadState="loaded", ActiveState="active", SubState="running", Description="Geth x"
            )
        self.bin = folder / "sim" / "bin"
        self._go = self._folder / "go"
        self._open: int | None = None
        os.mkfifo(self._go)
        self._backlog = [LINE.format(20_000_000 + number) for number in range(BACKLOG)]
        self.prepare([])

    def prepare(self, lines: Sequence[str], source: str = "cat burst.$format") -> None:
        """Take what the next burst prints, and forget that there was one.

        :param source: the shell's words that print the burst
        """
        if self._open is not None:
            os.close(self._open)
            self._open = None
            (self._folder / "printed").unlink()
        script = _JOURNALCTL.format(folder=self._folder, source=source)
        (self.bin / "journalctl").write_text(script)
        os.chmod(self.bin / "journalctl", 0o755)
        for name, some, first in (
            ("backlog", self._backlog, 0),
            ("last", self._backlog[-1:], BACKLOG - 1),
            ("burst", lines, BACKLOG),
        ):
            (self._folder / f"{name}.export").write_bytes(
                b"".join(exported(first + number, line) for number, line in enumerate(some))
            )
            (self._folder / f"{name}.cat").write_bytes("".join(f"{line}\n" for line in some).encode())

    def burst(self) -> None:
        """Print it, for all that wait and for those that come until the next is prepared."""
        if self._open is None:
            (self._folder / "printed").touch()
            self._open = os.open(self._go, os.O_RDWR)

    def close(self) -> None:
        """End all that wait."""
        (self._folder / "backlog.cat").unlink()
        self.burst()


def exported(number: int, line: str) -> bytes:
    """Return an entry as `journalctl -o export` prints it with the fields that the server asks for."""
    at = 1_790_000_000_000_000 + number * 37
    return (
        f"__CURSOR=s=0639fb4d36de4b3a8a0a6c1ff8c5a9a2;i={number + 4096:x};b={BOOT};"
        f"m={at % 10**12:x};t={at:x};x={number * 2654435761 % 2**64:016x}\n"
        f"__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={at % 10**12}\n_BOOT_ID={BOOT}\n"
        f"PRIORITY=6\nSYSLOG_IDENTIFIER=geth\nMESSAGE={line}\n_PID=4711\n\n"
    ).encode()
