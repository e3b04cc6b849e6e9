"""The unit in `deploy/droplet`, installed, started, reloaded and stopped by a real systemd as the documents say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ..programs import missing
from ..system.clients import JsClients
from ..waiting import until
from .conftest import World, clients  # noqa: F401
from .droplet import Droplet, blocks
from .root import CannotRun

INSTALL, LATER = blocks("deploy/droplet/README.md")
DIAGNOSIS, KEY, UPDATE, BACK = blocks("docs/operating.md")
SCALE = blocks("deploy/scale/README.md")[0]
SECURITY = re.compile(r"Overall exposure level for ethpillar\.service: ([0-9.]+)")


@pytest.fixture(scope="module")
def droplet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Droplet]:
    """A machine on which every line of the README was typed."""
    try:
        made = Droplet(tmp_path_factory.mktemp("droplet"))
    except CannotRun as problem:
        missing(f"a machine that boots ({problem})")
    try:
        made.edit()
        made.installed = made.type(INSTALL)
        yield made
        print("\n".join(made.said()))
    finally:
        made.machine.stop()


@pytest.fixture
def world(droplet: Droplet, tmp_path: Path, clients: JsClients) -> Iterator[World]:  # noqa: F811
    """The droplet with its settings as they were, its Redis, and clients."""
    droplet.edit()
    droplet.machine.run("systemctl", "reset-failed", "ethpillar")  # a test each few seconds is no failing service
    droplet.machine.run("systemctl", "restart", "ethpillar")
    place: Any = SimpleNamespace(url=f"redis://127.0.0.1:{droplet.redis_port}/0")
    made = World(tmp_path, place, droplet, droplet, clients)  # type: ignore[arg-type]
    yield made
    made.close()


def main_pid(droplet: Droplet) -> str:
    return droplet.show("ethpillar", "MainPID")


def workers(droplet: Droplet) -> set[str]:
    """Return the worker processes."""
    return set(droplet.machine.run("pgrep", "-P", main_pid(droplet), check=False).split())


def enter(world: World) -> list[Any]:
    """Return sockets of both transports that follow a log."""
    sockets = [world.enter_as("staker", transports=[transport]) for transport in ("websocket", "polling")]
    for socket in sockets:
        assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
        socket.wait("log_data", lambda line: line["line"])
    return sockets


def are_back(sockets: list[Any]) -> None:
    """Wait until all sockets are in again, and their logs go on after the last line without a gap or a repeated one."""
    for socket in sockets:
        until(lambda socket=socket: len(socket.events("authenticated")) == 2, "to be in again", 60)  # type: ignore[misc]
        cursor = [event["cursor"] for event in socket.events("log_data") if event.get("cursor")][-1]
        known = len(socket.lines("execution"))
        assert socket.call("subscribe_logs", {"service": "execution", "after": cursor}) == {"ok": True}
        until(lambda socket=socket, known=known: len(socket.lines("execution")) > known + 20, "lines")  # type: ignore[misc]
        numbers = [int(line.rpartition("=")[2]) for line in socket.lines("execution") if "number=" in line]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_it_is_ready_and_says_so(world: World, droplet: Droplet) -> None:
    # It was started a moment ago, and systemd says so only when it is ready.
    assert any("Ready: ethpillar" in line and "Redis answers" in line for line in droplet.said()[-3:])
    assert "Redis answers" in droplet.installed
    assert droplet.show("ethpillar", "ActiveState") == "active"
    assert droplet.show("ethpillar", "Type") == "notify"
    assert droplet.machine.run("systemctl", "is-enabled", "ethpillar").strip() == "enabled"
    sockets = enter(world)
    sockets[0].emit("subscribe_status", {"interval": 1000})
    update = sockets[0].wait("status_update")
    assert next(each for each in update if each["service"] == "execution")["status"] == "active"


def test_it_has_few_rights(world: World, droplet: Droplet) -> None:
    said = droplet.machine.run("systemd-analyze", "security", "--no-pager", "ethpillar.service")
    found = SECURITY.search(said)
    assert found is not None, said
    assert float(found[1]) < 2
    pid = main_pid(droplet)
    assert droplet.machine.run("stat", "-c", "%u", f"/proc/{pid}").strip() != "0"
    assert droplet.machine.run("stat", "-c", "%U %a", "/etc/ethpillar.env").split() == ["root", "600"]
    assert droplet.machine.run("stat", "-c", "%a", "/run/ethpillar/control").strip() == "600"
    limits = droplet.machine.run("grep", "-E", "open files|core file", f"/proc/{pid}/limits")
    assert re.search(r"open files +(\d{5,}) +\1 ", limits)  # as many as the machine that boots the container may have
    assert re.search(r"core file size +0 +0", limits)


def test_what_operating_has_root_type(world: World, droplet: Droplet) -> None:
    sockets = enter(world)
    said = droplet.type(DIAGNOSIS.replace("top -f", "top --json"))
    assert "✗" not in said
    assert "Redis" in said
    assert f'"sockets":{len(sockets)},' in said
    listed = droplet.type(LATER.splitlines()[-1])
    assert "staker" in listed
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}=\n", droplet.type(f"cd /opt/ethpillar; {KEY}"))


def test_new_settings_are_taken_by_a_reload(world: World, droplet: Droplet) -> None:
    sockets = enter(world)
    before, running = main_pid(droplet), workers(droplet)
    droplet.edit(MAX_NODES=77, FRONTEND_URL="http://localhost:3000,https://new.example")
    droplet.type(LATER.splitlines()[0])
    are_back(sockets)
    until(lambda: any("at most 77 nodes" in line for line in droplet.said()), "the settings in force")
    assert main_pid(droplet) == before
    until(lambda: not workers(droplet) & running, "the end of the worker before")
    assert droplet.machine.run("ls", "/run/ethpillar").split() == ["control"]
    assert f'"sockets":{len(sockets)},' in droplet.type(DIAGNOSIS.replace("top -f", "top --json"))


def test_new_code_is_taken_and_given_back(world: World, droplet: Droplet) -> None:
    sockets = enter(world)
    before = main_pid(droplet)
    droplet.change("ethpillar/__init__.py", """sed -i 's/^__version__ = .*/__version__ = "9.9.9"/' "$f" """)
    droplet.type(UPDATE)
    are_back(sockets)
    until(lambda: any("Ready: ethpillar 9.9.9" in line for line in droplet.said()), "the new version")
    assert main_pid(droplet) == before
    seen = len(droplet.said())
    droplet.type(BACK)
    until(lambda: any("Ready: ethpillar" in line for line in droplet.said()[seen:]), "the version before")
    assert "9.9.9" not in "".join(line for line in droplet.said()[seen:] if "Ready: " in line)
    droplet.type("cd /opt/ethpillar && git checkout -q - && git reset -q --hard @{upstream}")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [("MAX_NODES", "many", "MAX_NODES is invalid"), ("REDIS_URL", "", "REDIS_URL is not set")],
)
def test_a_wrong_setting_fails_the_reload_and_changes_nothing(
    world: World, droplet: Droplet, setting: str, value: str, reason: str
) -> None:
    sockets = enter(world)
    running = workers(droplet)
    droplet.edit(**{setting: value})
    assert "failed" in droplet.type("systemctl reload ethpillar", check=False)
    assert any(reason in line for line in droplet.said()[-5:])
    assert droplet.show("ethpillar", "ActiveState") == "active"
    assert workers(droplet) == running
    for socket in sockets:
        known = len(socket.lines("execution"))
        until(lambda socket=socket, known=known: len(socket.lines("execution")) > known, "further lines")  # type: ignore[misc]
        assert not socket.events("disconnect")


def test_code_that_does_not_load_fails_the_reload_and_changes_nothing(world: World, droplet: Droplet) -> None:
    sockets = enter(world)
    running = workers(droplet)
    droplet.type("cd /opt/ethpillar && echo 'import not_installed_yet' >> ethpillar/server.py")
    try:
        assert "failed" in droplet.type("systemctl reload ethpillar", check=False)
        assert any("not_installed_yet" in line for line in droplet.said()[-10:])
        assert workers(droplet) == running
        assert not any(socket.events("disconnect") for socket in sockets)
    finally:
        droplet.type("cd /opt/ethpillar && git checkout -q ethpillar/server.py")


def test_a_wrong_setting_at_the_start_is_one_line_and_no_second_try(world: World, droplet: Droplet) -> None:
    droplet.edit(SSH_LOGINS="0")
    seen = len(droplet.said())
    assert "failed" in droplet.type("systemctl restart ethpillar", check=False)
    until(lambda: droplet.show("ethpillar", "ActiveState") == "failed", "the unit to give up")
    assert droplet.show("ethpillar", "NRestarts") == "0"
    own = [line for line in droplet.said()[seen:] if line.startswith("ethpillar: ")]
    assert own == ["ethpillar: SSH_LOGINS is invalid: it must be between 1 and 256"]


def test_levels_are_the_journal_s(world: World, droplet: Droplet) -> None:
    enter(world)
    socket = world.open(extraHeaders={"Origin": "https://elsewhere.example"}, transports=["websocket"])
    socket.wait("connect_error")
    until(lambda: any("FRONTEND_URL" in line for line in droplet.said("-p", "warning")), "a warning")
    assert not any("Ready: " in line for line in droplet.said("-p", "warning"))


def test_one_that_is_killed_is_started_again(world: World, droplet: Droplet) -> None:
    sockets = enter(world)
    before = main_pid(droplet)
    droplet.machine.run("kill", "-KILL", before)
    until(lambda: main_pid(droplet) not in (before, "0"), "another one")
    are_back(sockets)


@pytest.fixture
def instances(world: World, droplet: Droplet) -> Iterator[list[str]]:
    """Two instances, as deploy/scale has people start them; the proxies have tests of their own."""
    droplet.edit(WS_PORT="", SESSION_CHECK_INTERVAL=4)
    droplet.type("cd /opt/ethpillar; " + SCALE.partition("cp deploy/scale/nginx.conf")[0])
    yield [f"http://127.0.0.1:{port}" for port in droplet.ports]
    droplet.type("systemctl disable -q --now ethpillar@3001 ethpillar@3002 && systemctl enable -q ethpillar")


def test_several_instances_share_sessions_and_reload(world: World, droplet: Droplet, instances: list[str]) -> None:
    token = world.session_of("staker")
    sockets = [world.enter(token, url=url) for url in instances]
    droplet.edit(WS_PORT="", SESSION_CHECK_INTERVAL=4, MAX_NODES=55)
    droplet.type("systemctl reload 'ethpillar@*'")
    for socket, port in zip(sockets, droplet.ports, strict=True):
        until(lambda socket=socket: len(socket.events("authenticated")) == 2, "to be in again", 60)  # type: ignore[misc]
        unit = f"ethpillar@{port}"
        said = droplet.machine.run("journalctl", "-q", "-u", unit, "-o", "cat")
        assert f"on 127.0.0.1:{port} " in said
        until(
            lambda unit=unit: "at most 55 nodes" in droplet.machine.run("journalctl", "-q", "-u", unit, "-o", "cat"),  # type: ignore[misc]
            "the settings in force",
        )
    revoke = f"(set -a; . /etc/ethpillar.env; cd /opt/ethpillar && .venv/bin/flask --app wsgi sessions revoke {token})"
    droplet.type(revoke)
    for socket in sockets:
        socket.wait("error", lambda error: error["code"] == "session_expired")
