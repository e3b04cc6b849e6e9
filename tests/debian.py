"""Debian's root folders, each made once and kept in ~/.cache/ethpillar: what containers start from and never write to.

Belongs here: what has to be on this machine, how a root is made, and where it is kept. Nothing here boots anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEBOOTSTRAP = {"debootstrap": "debootstrap", "unshare": "util-linux", "setpriv": "util-linux"}
"Programs that making a root needs, and the packages that have them."
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
"Options of `unshare`: mounts and processes end with their first process, however it ends."

_SCRIPT = r"""
set -e
trap 'exit 130' INT TERM
debootstrap --variant=minbase --keyring="$KEYRING" --include="$PACKAGES" "$SUITE" "$ROOT" "$MIRROR"
for user in $USERS; do chroot "$ROOT" useradd --create-home --shell /bin/bash "${user%%:*}" --groups "${user#*:}"; done
rm -rf "$ROOT"/var/cache/apt/archives/*.deb "$ROOT"/var/lib/apt/lists/* "$ROOT"/etc/ssh/ssh_host_*
mkdir -p "$ROOT/var/log/journal"
: > "$ROOT/etc/machine-id"
"""


class CannotRun(Exception):
    """This machine can't do it, and nothing that is installed would change that."""


@dataclass(frozen=True)
class Debian:
    """What is in a root."""

    suite: str
    "The release, such as `bookworm`."
    packages: tuple[str, ...]
    users: Mapping[str, tuple[str, ...]]
    "The users, each with its groups. They have no passwords."

    def root(self) -> Path:
        """Return the root folder; make it when it is not there yet, which takes a minute and about 300 MB.

        :raises CannotRun: not root, or not Linux
        :raises RuntimeError: something could not be installed or downloaded
        """
        if not sys.platform.startswith("linux"):
            raise CannotRun("a Debian needs Linux")
        if os.geteuid() != 0:
            raise CannotRun("only root can make a Debian and start it")
        install(DEBOOTSTRAP)
        recipe = repr((self.suite, self.packages, sorted(self.users.items()), _SCRIPT))
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ethpillar"
        # Nobody else may get in: a root may hold a sudo that is never updated.
        cache.mkdir(parents=True, exist_ok=True)
        cache.chmod(0o700)
        root = cache / f"{self.suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not root.exists():
                self._make(root)
        return root

    def _make(self, root: Path) -> None:
        new = root.with_suffix(".new")
        log = root.with_suffix(".log")
        shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
        print(f"tests: making a Debian {self.suite} in {root}: a minute, 300 MB", flush=True)
        environment = {
            **os.environ,
            **_proxy(),
            "SUITE": self.suite,
            "PACKAGES": ",".join(self.packages),
            "USERS": " ".join(f"{user}:{','.join(groups)}" for user, groups in self.users.items()),
            "MIRROR": mirror(),
            "KEYRING": str(KEYRING),
            "ROOT": str(new),
        }
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "sh", "-c", _SCRIPT]
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True,
                )  # fmt: skip
                try:
                    process.wait(900)
                except subprocess.TimeoutExpired:
                    raise RuntimeError("debootstrap did not end in 15 minutes") from None
                finally:
                    process.kill()
                    process.wait()
            if process.returncode != 0:
                raise RuntimeError("debootstrap failed:\n" + log.read_text(errors="replace")[-2000:])
            new.rename(root)
        finally:
            shutil.rmtree(new, ignore_errors=True)
            log.unlink(missing_ok=True)


def install(programs: Mapping[str, str]) -> None:
    """Install by apt what is missing of these programs, each given with its package.

    :raises CannotRun: there is no apt; :raises RuntimeError: apt failed
    """
    packages = sorted({package for program, package in programs.items() if shutil.which(program) is None})
    if not KEYRING.exists():
        packages.append("debian-archive-keyring")
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise CannotRun(f"not here, and there is no apt-get: {' '.join(packages)}")
    print(f"tests: installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], words):
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command[:2])} failed:\n{done.stdout[-2000:]}")


def mirror() -> str:
    """Return where this machine's own apt gets Debian from; the usual place when it is no Debian."""
    release = Path("/etc/os-release")
    if not release.exists() or not re.search(r"^ID=debian$", release.read_text(), re.MULTILINE):
        return MIRROR
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in sources:
        if path.suffix in (".list", ".sources") and path.is_file():
            found = re.search(r"^(?:URIs:|deb\s(?:\[.*?\])?)\s*(https?://\S+/debian)/?(?:\s|$)", path.read_text(), re.M)
            if found:
                return found[1]
    return MIRROR


def _proxy() -> dict[str, str]:
    """Return apt's proxy, for debootstrap's wget, unless the environment has one already."""
    if "http_proxy" in os.environ or shutil.which("apt-config") is None:
        return {}
    words = ["apt-config", "shell", "PROXY", "Acquire::http::Proxy"]
    found = re.search(r"PROXY='(.+)'", subprocess.run(words, capture_output=True, text=True).stdout)
    return {"http_proxy": found[1]} if found and found[1] != "DIRECT" else {}
