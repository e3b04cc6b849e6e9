"""A reload (SIGHUP): new settings are taken, a wrong one changes nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import ROOT, EthPillarServer, RedisServer, free_port

EACH = 5
"Clients of each kind."


class ReloadableServer(EthPillarServer):
    """A server in a folder of its own, where its code and its `.env` may change."""

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        self.root = folder / "checkout"
        self.root.mkdir()
        for name in ("config.py", "setting_values.py", "gunicorn.conf.py", "wsgi.py", "requirements.txt"):
            shutil.copy(ROOT / name, self.root)
        shutil.copytree(ROOT / "ethpillar", self.root / "ethpillar", ignore=shutil.ignore_patterns("__pycache__"))
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        self.control = folder / "control"
        super().__init__(
            folder, redis_url, RUNTIME_DIRECTORY=str(self.runtime), CONTROL_SOCKET=str(self.control), **environment
        )

    def write_env(self, **settings: str) -> None:
        """Write `.env`."""
        (self.root / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def hand_over(self, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the command of the unit's ExecReload, with changed settings; "" takes one out of the environment."""
        environment = {name: value for name, value in {**self._environment, **settings}.items() if value}
        command = [sys.executable, "config.py", "--hand-over"]
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)

    def hang_up(self) -> None:
        """Send SIGHUP to the master."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def reload(self) -> None:
        """Reload it, until there is another worker, and the one before is gone."""
        before = self.worker_pid()
        self.hang_up()
        until(lambda: self.worker_pid() != before, "another worker", 60)

    def origin_is_let_in(self, origin: str) -> bool:
        """Return True if a page of this origin may connect."""
        status, _, _ = self.get("/?EIO=4&transport=polling", Origin=origin)
        return status == 200


@pytest.fixture
def reloadable(redis: RedisServer, tmp_path: Path) -> Iterator[ReloadableServer]:
    made = ReloadableServer(tmp_path, redis.url, METRICS_BIND=f"127.0.0.1:{free_port()}")
    yield made
    made.stop()


def test_every_client_comes_back(world: World, reloadable: ReloadableServer) -> None:
    sockets = [
        world.enter(url=reloadable.url, transports=[transport])
        for transport in ("websocket", "polling")
        for _ in range(EACH)
    ]
    for socket in sockets:
        socket.call("subscribe_logs", {"service": "execution"})
    reloadable.reload()
    for socket in sockets:
        assert socket.wait("error")["code"] == "server_restarting"
        until(lambda socket=socket: len(socket.events("authenticated")) == 2, "to be in again")  # type: ignore[misc]
    world.node.append(EXECUTION, "after the reload")
    for socket in sockets:
        assert socket.call("subscribe_logs", {"service": "execution", "lines": 1}) == {"ok": True}
        until(lambda socket=socket: "after the reload" in socket.lines("execution"), "the line")  # type: ignore[misc]


def test_figures_are_served_again(reloadable: ReloadableServer) -> None:
    address = reloadable._environment["METRICS_BIND"]

    def served() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
                return b"ethpillar_sockets" in answer.read()
        except OSError:
            return False

    def top() -> str:
        told = ("flask", "--app", "wsgi", "top", "--json")
        environment = {"PATH": os.environ["PATH"], "CONTROL_SOCKET": str(reloadable.control)}
        done = subprocess.run([sys.executable, "-m", *told], cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.stdout

    until(served, "figures")
    for _ in range(2):
        reloadable.reload()
        until(served, "figures again")
        until(lambda: '"sockets"' in top(), "an answer for `flask top`")
    assert "can't be listened on" not in reloadable.log


def test_settings_that_are_handed_over_are_taken(reloadable: ReloadableServer) -> None:
    assert reloadable.origin_is_let_in("http://localhost:3000")
    done = reloadable.hand_over(FRONTEND_URL="https://new.example", MAX_NODES="7")
    assert (done.returncode, done.stderr) == (0, "")
    handed = next(reloadable.runtime.iterdir())
    assert handed.stat().st_mode & 0o777 == 0o600
    reloadable.reload()
    assert reloadable.origin_is_let_in("https://new.example")
    assert not reloadable.origin_is_let_in("http://localhost:3000")
    until(lambda: "at most 7 nodes" in reloadable.log, "the settings in force")
    assert not list(reloadable.runtime.iterdir())  # nothing is left lying about
    # A setting that is taken out has its default again.
    assert reloadable.hand_over(FRONTEND_URL="", MAX_NODES="").returncode == 0
    reloadable.reload()
    assert reloadable.origin_is_let_in("http://localhost:3000")
    assert not reloadable.origin_is_let_in("https://new.example")


def test_another_port_is_listened_on(reloadable: ReloadableServer) -> None:
    port = free_port()
    assert reloadable.hand_over(WS_PORT=str(port)).returncode == 0
    reloadable.hang_up()
    reloadable.port, old = port, reloadable.port
    until(lambda: reloadable.get("/healthz")[0] == 200, "the new port")
    reloadable.port = old
    until(lambda: reloadable.get("/healthz")[0] == 0, "the end of the old one")


@pytest.mark.parametrize(
    "wrong", [{"MAX_NODES": "many"}, {"REDIS_URL": "http://:s3cret@x"}, {"TRUSTED_HOPS": "1", "TRUSTED_PROXIES": "::1"}]
)
def test_a_wrong_setting_is_refused_before_anything_changes(
    reloadable: ReloadableServer, wrong: dict[str, str]
) -> None:
    before = reloadable.worker_pid()
    done = reloadable.hand_over(**wrong)
    assert done.returncode == 2
    assert done.stderr.startswith(f"ethpillar: {next(iter(wrong))} is invalid")
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr
    assert not list(reloadable.runtime.iterdir())
    assert reloadable.worker_pid() == before


def test_a_wrong_setting_in_the_file_does_not_end_a_running_server(reloadable: ReloadableServer) -> None:
    before = reloadable.worker_pid()
    reloadable.write_env(MAX_NODES="many")
    reloadable.hang_up()
    until(lambda: "Not reloaded" in reloadable.log, "a line that says so")
    line = next(line for line in reloadable.log.splitlines() if "Not reloaded" in line)
    assert "MAX_NODES is invalid" in line
    assert reloadable.worker_pid() == before
    assert reloadable.get("/healthz")[0] == 200
    reloadable.write_env(MAX_NODES="9")
    reloadable.reload()
    until(lambda: "at most 9 nodes" in reloadable.log, "the settings in force")


def test_new_code_is_taken_all_of_it(reloadable: ReloadableServer) -> None:
    """What the master has imported for its worker's class, too."""
    for number in ("7.7.7", "8.8.8"):
        for path in ("ethpillar/__init__.py", "ethpillar/web/headers.py", "ethpillar/server.py"):
            file = reloadable.root / path
            text = re.sub(r"^__version__ = .*", f'__version__ = "{number}"', file.read_text(), flags=re.MULTILINE)
            file.write_text(text.replace("Ready:", "Ready, anew:").replace('"nosniff"', '"nosniff-anew"'))
        reloadable.reload()
        until(lambda number=number: f"Ready, anew: ethpillar {number}" in reloadable.log, "the new code")  # type: ignore[misc]
        assert reloadable.get("/healthz")[1]["x-content-type-options"] == "nosniff-anew"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("ethpillar/web/worker.py", "import not_installed_yet\n", "Not reloaded: ModuleNotFoundError"),
        ("ethpillar/server.py", "def half(\n", "Not reloaded: SyntaxError"),
        ("requirements.txt", "# another\n", "Not reloaded: requirements.txt has changed"),
    ],
)
def test_code_that_would_not_run_does_not_end_a_running_server(
    reloadable: ReloadableServer, path: str, text: str, said: str
) -> None:
    before = reloadable.worker_pid()
    whole = (reloadable.root / path).read_text()
    (reloadable.root / path).write_text(whole + text)
    reloadable.hang_up()
    until(lambda: said in reloadable.log, "a line that says so")
    assert reloadable.worker_pid() == before
    assert reloadable.get("/healthz")[0] == 200
    (reloadable.root / path).write_text(whole)
    reloadable.reload()


def test_handing_over_is_for_systemd(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "REDIS_URL": "redis://localhost"}
    command = [sys.executable, "config.py", "--hand-over"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "ethpillar: RUNTIME_DIRECTORY is not set: --hand-over is for ExecReload= in a unit of systemd\n"
    )
