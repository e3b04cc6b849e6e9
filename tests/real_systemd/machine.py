"""A machine with a real systemd: a container of systemd-nspawn on this machine's network.

Belongs here: booting it, running commands in it, looking at its processes, and leaving nothing behind. Everything is
in namespaces that end with one process: mounts, processes and what the machine wrote (to memory only).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.system.parts import descendants
from tests.waiting import until

from .root import CannotRun

# /run is the script's own, in memory: nspawn's locks and all that the machine writes are there. A container that
# reboots makes `systemd-nspawn --keep-unit` exit with 133; one that is to crash has a file that says so.
_SCRIPT = r"""
set -e
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/upper /run/work /run/root
mount -t overlay overlay -o "lowerdir=$SEED:$ROOT,upperdir=/run/upper,workdir=/run/work" /run/root
status=133
while [ "$status" = 133 ] || rm "$CRASH" 2>/dev/null; do
    status=0
    sh -c '
        for each in $CGROUPS; do mkdir -p "$each" && echo 0 > "$each/cgroup.procs" || exit 1; done
        exec systemd-nspawn --boot --quiet --directory=/run/root --machine=ethpillar-test --register=no --keep-unit \
            --link-journal=no --resolv-conf=off --timezone=off --console=pipe
    ' || status=$?
done
exit "$status"
"""


class Machine:
    """A booted Debian. Everything it is told is done as root in it."""

    def __init__(self, root: Path, seed: Path, log: Path) -> None:
        """Boots it and waits until it is up.

        :param root: what it boots from; not written to
        :param seed: files that lie over those of the root; not written to
        :param log: where its console and nspawn's complaints go
        :raises CannotRun: no container can be booted on this machine
        """
        seed.chmod(0o755)
        self._log = log
        self._crash = log.with_suffix(".crash")
        own = _own_cgroups()
        for left in (left for each in own for left in each.glob("ethpillar-test-*")):
            _remove_cgroup(left)  # of a run that was killed; one that goes on is busy, and stays
        self._cgroups = [each / f"ethpillar-test-{os.getpid()}" for each in own]
        environment = {
            "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin",
            "ROOT": str(root),
            "SEED": str(seed),
            "CRASH": str(self._crash),
            "CGROUPS": " ".join(map(str, self._cgroups)),
        }
        # `unshare` is killed when this process ends in whatever way, and the namespace's first process when `unshare`
        # does; the kernel then ends everything in the namespaces.
        inside = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", *inside, "sh", "-c", _SCRIPT]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            self.wait_up()
        except BaseException:
            self.stop()
            raise

    # -- its life

    def wait_up(self) -> None:
        """Waits until systemd has started everything. Raises `CannotRun` when that does not come."""
        try:
            until(self._up, "a container that boots", 60)
        except AssertionError:
            self._cannot_run()

    def _up(self) -> bool:
        if self._process.poll() is not None:
            self._cannot_run()
        return self.init() is not None and self.run("systemctl", "is-system-running", check=False).strip() in (
            "running",
            "degraded",
        )

    def _cannot_run(self) -> None:
        said = self._log.read_text(errors="replace").strip().splitlines()[-3:]
        raise CannotRun("systemd-nspawn can't boot a container here" + (": " + " / ".join(said) if said else ""))

    def reboot(self) -> None:
        """Reboots and waits until it is up again. Its first process is another one then."""
        before = self.init()
        self.run("systemctl", "reboot", check=False)
        until(lambda: self.init() not in (before, None), "another boot", 60)
        self.wait_up()

    def crash(self) -> None:
        """As a power cut, but that what was written is there when it is up again."""
        self._crash.touch()
        init = self.init()
        assert init is not None, "the machine is not up"
        os.kill(init, signal.SIGKILL)
        until(lambda: self.init() not in (init, None), "another boot", 60)
        self.wait_up()

    def stop(self) -> None:
        """Ends it at once, whatever it does. Nothing is left of it."""
        below = self.processes()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        until(lambda: not any(_alive(pid) for pid in below), "the end of the container's processes", 30)
        for each in self._cgroups:
            until(lambda each=each: _remove_cgroup(each), f"the end of {each}", 30)  # type: ignore[misc]

    # -- in it

    def init(self) -> int | None:
        """The process id of its systemd, as this machine counts; None between two boots."""
        depth = _depth(os.getpid()) + 2
        for pid in self.processes():
            if _depth(pid) == depth and _inner_pid(pid) == 1:
                return pid
        return None

    def run(self, *words: str, check: bool = True, stdin: str = "", deadline: float = 60) -> str:
        """Runs a command in it, to its end; its output. With `check` a failure is one of the test."""
        init = self.init()
        assert init is not None or not check, "the machine is not up"
        # nsenter's own fork stops itself when its child is stopped, as systemd does to all processes before it kills
        # them; the machine then never ends, for nobody reaps the child. A shell as the parent just waits. It is outside
        # the machine's pid namespace itself, which only children enter: hence `env`, lest `kill` be the shell's own.
        enter = ["nsenter", "--target", str(init), "--all", "--no-fork", "--", "env", "-i", "LC_ALL=C", f"PATH={_PATH}"]
        command = [*enter, "sh", "-c", 'env "$@"; exit $?', "sh", *words]
        try:
            done = subprocess.run(
                command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=deadline
            )
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{words} did not end") from None
        assert not check or done.returncode == 0, f"{words}: {done.stdout}"
        return done.stdout

    def boot_id(self) -> str:
        """Of this boot; "" when it can't be asked."""
        return "".join(filter(str.isalnum, self.run("cat", "/proc/sys/kernel/random/boot_id", check=False).strip()))

    def processes(self) -> list[int]:
        """All its processes, as this machine counts them."""
        return descendants(self._process.pid)

    def find(self, *words: str) -> list[int]:
        """Return the processes whose command line has all these words somewhere."""
        return [pid for pid in self.processes() if all(word in _command_line(pid) for word in words)]

    def kill(self, *words: str) -> int:
        """Kills those; how many they were."""
        found = self.find(*words)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _status(pid: int, key: str) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return next((line.split()[1:] for line in text.splitlines() if line.startswith(key + ":")), [])


def _depth(pid: int) -> int:
    return len(_status(pid, "NSpid"))


def _inner_pid(pid: int) -> int:
    return int((_status(pid, "NSpid") or ["0"])[-1])


def _alive(pid: int) -> bool:
    return (_status(pid, "State") or ["X"])[0] not in ("X", "Z")


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _own_cgroups() -> list[Path]:
    """Where systemd's own cgroups of a container go: below this process's, in cgroup 2 and, in older set-ups, in
    the tree named systemd."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        name = "" if kind == "cgroup2" else "name=systemd" if "name=systemd" in options.split(",") else None
        if name in own:
            found.append(Path(fields.split()[4]) / own[name].lstrip("/"))
    return found


def _remove_cgroup(top: Path) -> bool:
    """Removes a tree of cgroups; False while something is still in it."""
    with contextlib.suppress(FileNotFoundError):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
    return not top.exists()
