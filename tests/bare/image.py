"""The Dockerfile without Docker: its instructions, one after the other, in bare Debians of the same Python.

`python -m tests.bare.image` makes a script of them and runs it: what is installed, copied and started is what an image
would have, with a root that can only be read, as in compose. An image registry is not needed, and none is asked.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..debian import NAMESPACES, CannotRun, Debian
from ..system.parts import free_port
from .__main__ import _KEPT, CERTIFICATES, PACKAGES, PROJECT

DOCKERFILE = PROJECT / "deploy" / "docker" / "Dockerfile"
SUITE = "trixie"
"Its Python is that of the Dockerfile's FROM."
MOST = 600
"Seconds for all of it."

_BEGIN = r"""
set -eu
stage() { # NAME: a root of its own, of which nothing stays
    mkdir -p "/mnt/$1.upper" "/mnt/$1.work" "/mnt/$1"
    mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=/mnt/$1.upper,workdir=/mnt/$1.work" "/mnt/$1"
    mount --rbind /dev "/mnt/$1/dev" && mount -t proc proc "/mnt/$1/proc"
    mount -t tmpfs -o mode=1777 tmpfs "/mnt/$1/tmp"
    cp /etc/resolv.conf "/mnt/$1/etc/" && mkdir -p "/mnt/$1/etc/ssl/certs"
    if [ -f "$CERTIFICATES" ]; then cp "$CERTIFICATES" "/mnt/$1/etc/ssl/certs/"; fi
}
mount -t tmpfs tmpfs /mnt
"""

_RUN = r"""
mount --rbind /mnt/{stage} /mnt/{stage} && mount -o remount,bind,ro /mnt/{stage}
chroot --userspec={user}:{user} /mnt/{stage} env -i {env} PORT="$PORT" REDIS_URL=redis://127.0.0.1:1 sh -c {start} &
server=$!
tries=0
until chroot --userspec={user}:{user} /mnt/{stage} env -i {env} PORT="$PORT" {health} 2>/dev/null; do
    kill -0 $server || {{ echo "it ended by itself"; exit 1; }}
    tries=$((tries + 1)); [ $tries -lt 120 ] || {{ echo "it is never healthy"; exit 1; }}
    sleep 0.5
done
echo "healthy, as user $(stat -c %u /proc/$server)"
[ "$(stat -c %u /proc/$server)" != 0 ]
for secret in .env .git tests; do [ ! -e "/mnt/{stage}{cwd}/$secret" ]; done
kill -TERM $server
status=0; wait $server || status=$?
echo "ended with status $status after SIGTERM"
[ $status = 0 ]
"""


def instructions(text: str) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions, each with its words."""
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line and not line.startswith("#")]


def script(text: str) -> str:
    """Return a shell script that does what a Dockerfile says, and then starts it, asks its health, and stops it."""
    made, stages, stage, cwd, user = [_BEGIN], 0, "", "/", "root"
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    start = health = ""
    for name, words in instructions(text):
        if name == "FROM":
            stage, stages = (words.split(" AS ")[1] if " AS " in words else f"stage{stages}"), stages + 1
            cwd, made = "/", [*made, f"stage {stage}"]
        elif name == "WORKDIR":
            cwd = words
            made.append(f"mkdir -p /mnt/{stage}{cwd}")
        elif name == "COPY":
            made.append(_copy(words, stage, cwd))
        elif name == "RUN":
            given = " ".join(f"{key}={shlex.quote(value)}" for key, value in env.items())
            made.append(f"chroot /mnt/{stage} env {given} sh -ec {shlex.quote(f'cd {cwd}; {words}')}")
        elif name == "ENV":
            for each in words.split():
                key, _, value = each.partition("=")
                env[key] = value.replace("$PATH", env["PATH"])
        elif name == "USER":
            user = words
        elif name == "HEALTHCHECK":
            health = shlex.join(json.loads(words.partition("CMD ")[2]))
        elif name == "CMD":
            start = shlex.quote(f"cd {cwd}; exec {shlex.join(json.loads(words))}")
        elif name not in ("EXPOSE", "STOPSIGNAL"):
            raise ValueError(f"{name} is not understood here")
    given = " ".join(f"{key}={shlex.quote(value)}" for key, value in env.items())
    made.append(_RUN.format(stage=stage, user=user, env=given, start=start, health=health, cwd=cwd))
    return "\n".join(made)


def _copy(words: str, stage: str, cwd: str) -> str:
    parts = words.split()
    source = "$CONTEXT"
    if parts[0].startswith("--from="):
        source = f"/mnt/{parts.pop(0).removeprefix('--from=')}"
    *names, to = parts
    return " && ".join(f"cp -a {source}/{name.lstrip('/')} /mnt/{stage}{cwd}/{to}" for name in names)


def main() -> int:
    """Exit status 0 when the server came up as the Dockerfile says, and ended in order."""
    try:
        root = Debian(SUITE, PACKAGES, {"staker": ()}).root()
    except (CannotRun, RuntimeError) as problem:
        print(f"image: not run on this machine: {problem}")
        return 1 if os.environ.get("CI") else 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{PROJECT}", str(context)], check=True)
        environment = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)} | {
            **{"ROOT": str(root), "CONTEXT": str(context), "CERTIFICATES": str(CERTIFICATES), "PORT": str(free_port())},
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        }
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "sh", "-c", script(DOCKERFILE.read_text())]
        try:
            status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=MOST).returncode
        except subprocess.TimeoutExpired:
            status = -1
    print(f"image: {'built and run' if status == 0 else f'FAILED ({status})'} in {time.monotonic() - began:.0f} s")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
