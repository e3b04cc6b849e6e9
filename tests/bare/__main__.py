"""`make test-bare`: clones the last commit into bare Debians, and runs `make demo` until lines flow, and the unit
tests, as root and as an ordinary user. Nothing of it stays.

On a machine where no Debian can be made it says why, and that is a failure in CI only. `BARE_SUITES=trixie` takes one
release.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..debian import NAMESPACES, CannotRun, Debian
from .inside import DEMO, UNITS

SUITES = os.environ.get("BARE_SUITES", "bookworm trixie").split()
PACKAGES = ("python3", "python3-venv", "make", "git")
USERS = ("root", "staker")
PROJECT = Path(__file__).resolve().parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_KEPT = re.compile(r"LANG|.*_proxy|.*_PROXY|PIP_(CERT|INDEX_URL|PROXY|DEFAULT_TIMEOUT)|.*CA_BUNDLE|SSL_CERT_FILE")
"The environment that says how this machine reaches the package index; everything else is as on a fresh machine."

# Everything that is written is in memory, and goes with the namespaces.
_SCRIPT = r"""
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
cd /mnt/root
mount --rbind /dev dev && mount -t proc proc proc && mount -t tmpfs -o mode=1777 tmpfs tmp
cp /etc/resolv.conf etc/ && mkdir -p etc/ssl/certs && cp -r "$PROJECT_GIT" project.git && cp "$INSIDE" inside.py
if [ -f "$CERTIFICATES" ]; then cp "$CERTIFICATES" etc/ssl/certs/; fi
printf '[safe]\n\tdirectory = *\n' > etc/gitconfig
exec chroot --userspec="$AS:$AS" /mnt/root env -u ROOT HOME="$ITS_HOME" python3 /inside.py "$WHERE"
"""


def run(suite: str, user: str, root: Path, git: Path) -> bool:
    """Run everything as one user on one release. Return True if all of it did what README says."""
    environment = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)} | {
        **{"ROOT": str(root), "PROJECT_GIT": str(git), "AS": user, "CERTIFICATES": str(CERTIFICATES)},
        **{"INSIDE": str(Path(__file__).with_name("inside.py")), "WHERE": f"{suite}, {user}"},
        **{"ITS_HOME": "/root" if user == "root" else f"/home/{user}", "TERM": "dumb"},
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "sh", "-c", _SCRIPT]
    most = DEMO + UNITS + 120
    try:
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=most).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"{suite}, {user}: did not end in {most:g} s", flush=True)
        return False


def main() -> int:
    """Exit status 0 when everything worked everywhere."""
    try:
        roots = {suite: Debian(suite, PACKAGES, {"staker": ()}).root() for suite in SUITES}
    except (CannotRun, RuntimeError) as problem:
        print(f"test-bare: not run on this machine: {problem}")
        return 1 if os.environ.get("CI") else 0
    with tempfile.TemporaryDirectory() as folder:
        git = Path(folder) / "project.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(PROJECT), str(git)], check=True)
        with ThreadPoolExecutor(len(roots)) as pool:
            done = pool.map(lambda each: [run(each[0], user, each[1], git) for user in USERS], roots.items())
            results = [ok for oks in done for ok in oks]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
