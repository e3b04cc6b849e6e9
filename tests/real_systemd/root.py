"""A Debian's root folder, made once and kept: what the container boots from, and never writes to.

Belongs here: what has to be on this machine, what is in the root, and where it is kept. Nothing here boots anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SUITE = os.environ.get("SYSTEMD_SUITE", "bookworm")
"The Debian release: another has another systemd."
PACKAGES = ("systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo")
USERS = {"staker": ("systemd-journal",), "guest": (), "admin": ("sudo",)}
"The users of a node, each with its groups. They have no passwords until a machine that was booted gives them some."
NEEDED = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh-keygen": "openssh-client",
}
"Programs, and the packages that have them."
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

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
    """These tests can't run on this machine, and nothing that is installed would change that."""


def cached_root() -> Path:
    """The root folder, made when it is not there yet: that takes a minute and about 300 MB.

    :raises CannotRun: not root, or not Linux
    :raises RuntimeError: something could not be installed or downloaded
    """
    if not sys.platform.startswith("linux"):
        raise CannotRun("systemd needs Linux")
    if os.geteuid() != 0:
        raise CannotRun("only root can boot a container")
    install_programs()
    recipe = repr((SUITE, PACKAGES, sorted(USERS.items()), _SCRIPT))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ethpillar"
    # Nobody else may get in: the root holds a sudo that is never updated.
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o700)
    root = cache / f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _make(root)
    return root


def install_programs() -> None:
    """Installs by apt what is missing. Raises `CannotRun` where there is no apt, `RuntimeError` when it fails."""
    packages = sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})
    if not KEYRING.exists():
        packages.append("debian-archive-keyring")
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise CannotRun(f"not here, and there is no apt-get: {' '.join(packages)}")
    print(f"test-systemd: installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for words in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words[:2])} failed:\n{done.stdout[-2000:]}")


def _make(root: Path) -> None:
    new = root.with_suffix(".new")
    log = root.with_suffix(".log")
    shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
    print(f"test-systemd: making a Debian {SUITE} in {root}", flush=True)
    environment = {
        **os.environ,
        **_proxy(),
        "SUITE": SUITE,
        "PACKAGES": ",".join(PACKAGES),
        "USERS": " ".join(f"{user}:{','.join(groups)}" for user, groups in USERS.items()),
        "MIRROR": mirror(),
        "KEYRING": str(KEYRING),
        "ROOT": str(new),
    }
    # In namespaces of its own, so that its mounts and processes end with it, however it ends.
    inside = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", *inside, "sh", "-c", _SCRIPT]
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
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


def mirror() -> str:
    """Where this machine's own apt gets Debian from; the usual place when it is no Debian."""
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
    """apt's proxy, for debootstrap's wget, unless the environment has one already."""
    if "http_proxy" in os.environ or shutil.which("apt-config") is None:
        return {}
    words = ["apt-config", "shell", "PROXY", "Acquire::http::Proxy"]
    found = re.search(r"PROXY='(.+)'", subprocess.run(words, capture_output=True, text=True).stdout)
    return {"http_proxy": found[1]} if found and found[1] != "DIRECT" else {}
