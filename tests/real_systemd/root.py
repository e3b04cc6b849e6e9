"""The Debian that the container boots from: its release, its packages and its users."""

from __future__ import annotations

import os
from pathlib import Path

from ..debian import CannotRun, Debian, install

__all__ = ["USERS", "CannotRun", "cached_root"]

SUITE = os.environ.get("SYSTEMD_SUITE", "bookworm")
"The Debian release: another has another systemd."
ROOT = os.environ.get("SYSTEMD_ROOT")
"A root folder of another distribution, with these packages and users and an empty /etc/machine-id; None: a Debian."
PACKAGES = ("systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo")
USERS: dict[str, tuple[str, ...]] = {"staker": ("systemd-journal",), "guest": (), "admin": ("sudo",)}
"The users of a node, each with its groups. They have no passwords until a machine that was booted gives them some."
NEEDED = {
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "ssh-keygen": "openssh-client",
    "faketime": "faketime",
}
"Programs that booting it needs, or setting its clock, and the packages that have them."


def cached_root() -> Path:
    """Return the root folder.

    :raises CannotRun: this machine can't boot a container
    :raises RuntimeError: something could not be installed or downloaded
    """
    install(NEEDED)
    return Path(ROOT) if ROOT else Debian(SUITE, PACKAGES, USERS).root()
