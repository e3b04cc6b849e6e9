"""The commands, as whoever runs the server types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import PASSWORD, ROOT, USER, free_port
from .proxy import Proxy

FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]


def flask(world: World, *words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*FLASK, *words]
    environment = {**os.environ, "REDIS_URL": world.redis.url, **environment}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def json_of(world: World, *words: str, status: int = 0) -> Any:
    done = flask(world, *words, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def test_sessions(world: World) -> None:
    created = flask(
        world, *("sessions", "create", "--host", "127.0.0.1", "--port", str(world.sshd.port), "--user", USER),
        stdin=PASSWORD + "\n",
    )  # fmt: skip
    token = created.stdout.strip()
    assert created.returncode == 0
    assert created.stderr == ""  # a pipe is asked nothing, and warned of nothing
    listed = json_of(world, "sessions", "list")
    mine = next(each for each in listed if each["port"] == world.sshd.port)
    assert mine["user"] == USER
    assert 10_000 < mine["ttl_seconds"] <= 10_200
    assert token not in flask(world, "sessions", "list").stdout
    shown = json_of(world, "sessions", "show", mine["session"])
    assert shown["host_key"] is None
    world.enter(token)
    assert json_of(world, "sessions", "show", token)["host_key"].endswith(world.sshd.fingerprint())
    assert json_of(world, "sessions", "revoke", token)["revoked"] is True
    gone = flask(world, "sessions", "show", token)
    assert gone.returncode == 1
    assert "no such session" in gone.stderr


def test_revoke_ends_the_session_s_sockets(world: World) -> None:
    token = world.session()
    socket = world.enter(token)
    assert flask(world, "sessions", "revoke", token).returncode == 0
    assert socket.wait("error")["code"] == "session_expired"
    socket.wait("disconnect")


def test_check_finds_everything_in_order(world: World) -> None:
    token = world.session()
    steps = json_of(world, "sessions", "check", token)
    assert [step["name"] for step in steps[:6]] == ["Redis", "Session", "TCP", "Host key", "Login", "Journal"]
    assert all(step["ok"] for step in steps[:6])
    units = {step["name"]: step["ok"] for step in steps[6:]}
    assert units["execution"] is True
    missing = [step for step in steps if step["name"] == "Not installed"]
    assert len(missing) == 1
    assert "consensus" in missing[0]["found"].split(", ")
    assert "consensus" not in units
    assert "✓ Login: accepted" in flask(world, "sessions", "check", token).stdout


def test_check_says_what_is_wrong_and_the_fix(world: World) -> None:
    world.node.set_access("none")
    world.node.set_unit("execution.service", ActiveState="failed", SubState="failed", Result="oom-kill")
    done = flask(world, "sessions", "check", world.session())
    assert done.returncode == 1
    assert "✗ Journal" in done.stdout
    assert "usermod -aG systemd-journal" in done.stdout
    assert "✗ execution: failed (failed, result oom-kill" in done.stdout
    wrong = flask(world, "sessions", "check", world.session(password="wrong"))
    assert "✓ TCP" in wrong.stdout
    assert "✗ Login" in wrong.stdout
    gone = flask(world, "sessions", "check", world.session(port=1))
    assert "✗ TCP" in gone.stdout


def test_check_says_why_a_service_failed_and_not_only_to_restart_it(world: World) -> None:
    world.node.append(EXECUTION, "Fatal: Failed to open database: no space left on device")
    world.node.set_unit(EXECUTION, ActiveState="failed", SubState="failed", Result="exit-code")
    steps = json_of(world, "sessions", "check", world.session(), status=1)
    step = next(step for step in steps if step["name"] == "execution")
    assert "no space left on device" in step["found"]
    assert "node why" in step["fix"]


def test_check_says_that_a_host_key_has_changed(world: World) -> None:
    world.enter().close()
    world.sshd.stop()
    world.sshd.new_host_key("ed25519")
    world.sshd.start()
    done = flask(world, "sessions", "check", world.session())
    assert done.returncode == 1
    assert "✗ Host key" in done.stdout
    assert "forget-host" in done.stdout
    assert "Login" not in done.stdout


def test_forget_host(world: World) -> None:
    world.enter()
    words = ("sessions", "forget-host", "127.0.0.1", "--port", str(world.sshd.port))
    assert json_of(world, *words)["forgotten"] is True
    assert json_of(world, *words)["forgotten"] is False


def test_node_status(world: World) -> None:
    token = world.session()
    found = json_of(world, "node", "status", token)
    assert {"execution", "validator"} <= {each["service"] for each in found if each["status"] == "active"}
    text = flask(world, "node", "status", token).stdout
    assert "execution" in text
    assert "Geth" in text


def test_node_logs(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(20)])
    token = world.session()
    done = flask(world, "node", "logs", token, "execution", "-n", "5")
    assert [line.rpartition("line ")[2] for line in done.stdout.splitlines()] == ["15", "16", "17", "18", "19"]
    found = flask(world, "node", "logs", token, "execution", "-n", "1", "--json")
    assert json.loads(found.stdout)["line"] == "line 19"
    missing = flask(world, "node", "logs", token, "nonesuch")
    assert missing.returncode == 1
    assert "nonesuch" in missing.stderr


def test_node_logs_that_follow(world: World) -> None:
    token = world.session()
    command = [*FLASK, "node", "logs", token, "execution", "-n", "1", "-f"]
    environment = {**os.environ, "REDIS_URL": world.redis.url}
    world.node.append(EXECUTION, "first")
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "first" in process.stdout.readline()
        until(lambda: world.remote() == 1, "the follower")
        world.node.append(EXECUTION, "second")
        assert "second" in process.stdout.readline()
        process.send_signal(2)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("where", ["<&-", "< /proc/self/exe", "> /dev/full < client.pub"])
def test_what_can_t_be_read_or_written_is_one_line(world: World, where: str) -> None:
    words = ["sessions", "create", "--host", "127.0.0.1", "--user", USER]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {where.replace("client", str(world.sshd.folder / "client"))}', "sh", *FLASK, *words],
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": world.redis.url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


GETH = "WARN [07-21|10:11:20.001] Peer gone                                peer=8c7b6a50"


def test_json_is_what_a_browser_gets(world: World) -> None:
    for message in (
        "INFO [07-21|10:11:19.001] Imported",
        GETH,
        "\x1b[31mERROR[07-21|10:11:21.001] two\x1b[0m\n\tlines",
    ):
        world.node.append(EXECUTION, message, native=True)
    token = world.session()
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution", "lines": 3})
    until(lambda: len(socket.lines("execution")) == 4, "the lines")
    done = flask(world, "node", "logs", token, "execution", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == socket.events("log_data")
    only = flask(world, "node", "logs", token, "execution", "--json", "--level", "warn")
    assert [json.loads(line)["line"] for line in only.stdout.splitlines()] == [
        GETH,
        "ERROR[07-21|10:11:21.001] two",
        "\tlines",
    ]
    socket.emit("subscribe_status", {"interval": 1000})
    update = {each["service"]: each for each in socket.wait("status_update")}
    found = {each["service"]: each for each in json_of(world, "node", "status", token)}
    assert found.keys() == update.keys()
    assert found["execution"].keys() == update["execution"].keys()
    assert found["execution"] | {"at": None} == update["execution"] | {"at": None}
    assert found["execution"]["client"] == "Geth"


def test_nothing_is_logged_unless_it_is_asked_for(world: World) -> None:
    token = world.session()
    assert flask(world, "node", "status", token).stderr == ""
    assert ": Connected" in flask(world, "node", "status", token, LOG_LEVEL="info").stderr


def test_a_reader_that_has_had_enough(world: World) -> None:
    world.node.append_many(EXECUTION, ["x" * 1000] * 1000)
    command = [*FLASK, "node", "logs", world.session(), "execution", "-n", "1000"]
    environment = {**os.environ, "REDIS_URL": world.redis.url}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_a_record_that_is_not_valid_is_told_and_can_be_removed(world: World) -> None:
    token = world.session(port="s3cret")
    found = flask(world, "sessions", "check", token)
    assert found.returncode == 1
    assert "✗ Session: there is one, and not valid: `port`" in found.stdout
    assert "s3cret" not in found.stdout
    assert "no such session" in flask(world, "sessions", "show", token).stderr
    assert json_of(world, "sessions", "revoke", token)["revoked"] is True
    assert "✗ Session: there is none\n" in flask(world, "sessions", "check", token).stdout
    assert flask(world, "sessions", "revoke", token).returncode == 1


def test_redis_is_down(world: World) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}"
    done = flask(world, "sessions", "list", REDIS_URL=nowhere)
    assert (done.returncode, done.stderr) == (1, "ethpillar: Redis does not answer: check REDIS_URL.\n")
    assert "✗ Redis" in flask(world, "sessions", "check", "x" * 10, REDIS_URL=nowhere).stdout


@pytest.mark.parametrize("text", ["ssh-ed25519 AAAA me@here\n", "-----BEGIN NONSENSE-----\n", ""])
def test_a_key_file_that_is_none(world: World, tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    words = ("sessions", "create", "--host", "h", "--user", USER, "--key", str(tmp_path / "key"))
    done = flask(world, *words)
    assert done.returncode == 1
    assert "private key" in done.stderr
    assert done.stdout == ""
    (tmp_path / "key").write_text(world.sshd.private_key)
    assert flask(world, *words).returncode == 0


def test_what_a_node_or_redis_says_does_nothing_to_the_terminal(world: World) -> None:
    world.node.set_unit(EXECUTION, SubState="\x1b]0;owned\x07run\x1b[2Jning", Description="\x9b31mGeth")
    world.store.set(f"ethpillar:hostkey:[127.0.0.1]:{world.sshd.port}", "x \x1b[2J\u202eSHA256:no")
    token = world.session(hostKey=world.sshd.fingerprint())
    for words in (("node", "status"), ("sessions", "check")):
        text = flask(world, *words, token).stdout
        assert "active (running)" in text
        assert text.replace("\n", "").isprintable()
    text = flask(world, "sessions", "show", world.session()).stdout
    assert "\x1b" not in text
    assert "SHA256:no" in text


HEAD = "[09-12|08:15:01.004]"


def test_node_logs_of_several_services_searched(world: World) -> None:
    world.node.append_many(EXECUTION, [f"INFO {HEAD} fine number={number}" for number in range(300)])
    world.node.append(EXECUTION, f"ERROR{HEAD} Bad block number=7")
    world.node.append("validator.service", "Sep 12 08:15:11.000 ERRO Missed attestation                      slot: 5")
    world.node.append_many(EXECUTION, [f"INFO {HEAD} fine again number={number}" for number in range(300)])
    token = world.session()
    done = flask(world, "node", "logs", token, "-n", "2", "--level", "error")
    assert [line.split()[3] for line in done.stdout.splitlines()] == ["execution", "validator"]
    assert "Missed attestation" in done.stdout.splitlines()[1]
    found = flask(world, "node", "logs", token, "execution", "--grep", "/number=29[89]$/", "--json")
    numbers = [json.loads(line)["fields"]["number"] for line in found.stdout.splitlines()]
    assert numbers == ["298", "299", "298", "299"]
    slot = flask(world, "node", "logs", token, "validator", "--slot", "5")
    assert "Missed attestation" in slot.stdout
    every = flask(world, "node", "logs", token, "execution", "--since", "1h", "--raw")
    assert len(every.stdout.splitlines()) == 601
    wrong = flask(world, "node", "logs", token, "execution", "--since", "soon")
    assert wrong.returncode == 2
    assert "no time" in wrong.stderr


def test_node_extract_tells_nobody_where_the_node_is(world: World) -> None:
    world.node.append(EXECUTION, f"INFO {HEAD} Peer gone peer=203.0.113.7 dir=/home/alice/geth")
    world.node.append(EXECUTION, f"INFO {HEAD} Peer back peer=203.0.113.7")
    done = flask(world, "node", "extract", world.session(), "execution")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.partition("peer=")[2].split()[0] for line in lines[-2:]] == ["ip-1", "ip-1"]
    assert "alice" not in done.stdout
    assert "2 ip" in done.stderr
    as_json = flask(world, "node", "extract", world.session(), "execution", "--json")
    assert "cursor" not in json.loads(as_json.stdout.splitlines()[-1])


def test_node_why_a_service_failed(world: World) -> None:
    world.node.append(EXECUTION, "Fatal: disk is full")
    exited = "execution.service: Main process exited, code=exited, status=1/FAILURE"
    world.node.append(EXECUTION, exited, 5, manager=True)
    world.node.append(EXECUTION, "execution.service: Failed with result 'exit-code'.", 4, manager=True)
    world.node.set_unit(EXECUTION, ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="1")
    done = flask(world, "node", "why", world.session(), "execution")
    assert done.returncode == 0
    assert done.stdout.startswith("execution: failed (failed)")
    for text in ("Fatal: disk is full", "Main process exited", "Failed with result", "Disk:", "Memory:"):
        assert text in done.stdout
    fine = flask(world, "node", "why", world.session(), "validator")
    assert "No failure of it is in the journal." in fine.stdout


@pytest.mark.parametrize("how", ["refuses", "silent"])
def test_a_node_that_can_t_be_reached_is_one_sentence_and_exit_status_1(world: World, how: str) -> None:
    proxy = Proxy(world.sshd.port)
    if how == "silent":
        proxy.freeze(True)
    else:
        proxy.refuse(True)
    token = world.session(port=proxy.port)
    commands = [
        *(["status", token], ["logs", token, "execution"], ["logs", token, "-f"], ["logs", token, "system", "-f"]),
        *(
            ["why", token, "execution"],
            ["extract", token, "execution"],
            ["watch", token, "--dry-run"],
            ["check", token],
        ),
    ]
    environment = {**os.environ, "REDIS_URL": world.redis.url, "SSH_LOGIN_TIMEOUT": "3"}
    running = [
        subprocess.Popen(
            [*FLASK, *(["sessions"] if words[0] == "check" else ["node"]), *words],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for words in commands
    ]  # fmt: skip
    for words, process in zip(commands, running, strict=True):
        output, said = process.communicate(timeout=90)
        assert process.returncode == 1, (words, output, said)
        assert "node" in (output if words[0] == "check" else said), (words, output, said)
        assert "Traceback" not in said
        assert PASSWORD not in output + said
    proxy.close()
