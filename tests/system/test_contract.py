"""The half of the contract that the frontend relies on, with the official client."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import RedisServer

BAD_TOKEN = "Authentication error: Invalid or expired session."


@pytest.mark.parametrize("path", ["/", "/socket.io/"])
@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"], ["websocket", "polling"]])
def test_paths_and_transports(world: World, path: str, transports: list[str]) -> None:
    world.node.append(EXECUTION, "INFO [11-23|13:47:55.000] Imported new potential chain segment number=1")
    options = {"path": path, "addTrailingSlash": path != "/", "transports": transports}
    socket = world.enter(**options)
    if transports == ["polling", "websocket"]:
        socket.wait("upgrade")
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    line = socket.wait("log_data")
    assert line["line"].endswith("number=1")
    socket.emit("subscribe_status", {"interval": 1000})
    assert {"service": "execution", "status": "active"}.items() <= socket.wait("status_update")[0].items()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_the_default_path_without_its_last_slash(world: World, transport: str) -> None:
    world.enter(path="/socket.io", addTrailingSlash=False, transports=[transport])


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_page_may_say_much_at_once(world: World, transport: str) -> None:
    socket = world.enter(transports=[transport])
    for _ in range(20):
        for event in ("subscribe_logs", "unsubscribe_logs", "subscribe_logs"):
            socket.emit(event, {"service": "execution"})
    assert socket.call("unsubscribe_logs", {"service": "execution"}) == {"ok": True}
    assert not socket.events("disconnect") + socket.events("error")


def test_five_sockets_that_each_show_their_token_twice_cost_one_login(world: World) -> None:
    token = world.session()
    sockets = [world.open(token) for _ in range(5)]
    for socket in sockets:
        socket.wait("connect")
    assert [socket.call("authenticate", token) for socket in sockets] == [True] * 5
    for socket in sockets:
        socket.wait("authenticated")
        assert socket.events("error") == []
    assert world.sshd.logins() == 1
    assert world.sshd.connections() == 1


def test_a_token_by_cookie(world: World) -> None:
    token = world.session()
    world.open(extraHeaders={"cookie": f"a=b; ssh_session={token}"}).wait("authenticated")


@pytest.mark.parametrize("token", [None, "", 0, False])
def test_a_cookie_counts_when_there_is_no_token(world: World, token: object) -> None:
    cookie = {"cookie": f"ssh_session={world.session()}"}
    world.clients.open(None, auth={"token": token}, extraHeaders=cookie).wait("authenticated")


def test_a_stale_cookie_does_not_refuse_a_fresh_token(world: World) -> None:
    socket = world.open(world.session(), extraHeaders={"cookie": f"ssh_session={uuid.uuid4()}"})
    socket.wait("authenticated")


def test_a_token_by_authenticate(world: World) -> None:
    socket = world.open()
    socket.wait("connect")
    socket.emit("subscribe_logs", {"service": "execution"})
    assert socket.wait("error")["message"] == "Not authenticated."
    socket.emit("subscribe_status", {"interval": 1000})
    until(lambda: len(socket.events("error")) == 2)
    assert socket.events("error")[1]["message"] == "Not authenticated."
    assert socket.call("authenticate", world.session()) is True
    socket.wait("authenticated")


def test_a_bad_token_by_authenticate_does_not_make_the_frontend_spin(world: World) -> None:
    socket = world.open()
    socket.wait("connect")
    for token in (str(uuid.uuid4()), "", "*", "ssh_session:*", "x" * 500):
        assert socket.call("authenticate", token) is False
    for token in (None, 5, {}, [], True):
        assert socket.call("authenticate", token) is False
    assert socket.call("authenticate") is False
    errors = socket.events("error")
    assert len(errors) == 11
    assert not [error for error in errors if "auth" in error["message"].lower()]
    assert errors[0]["code"] == "session_expired"
    assert socket.call("authenticate", world.session()) is True


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
def test_a_bad_token_at_connect(world: World, transports: list[str]) -> None:
    for token in (str(uuid.uuid4()), "*", 5, {"a": 1}, ["x"], True):
        socket = world.clients.open(None, auth={"token": token}, transports=transports)
        assert socket.wait("connect_error") == {"message": BAD_TOKEN}


@pytest.mark.parametrize("auth", [{}, {"token": None}, {"token": ""}, {"other": 1}])
def test_no_token_at_connect(world: World, auth: object) -> None:
    world.clients.open(None, auth=auth).wait("connect")


def test_another_token_than_the_socket_s_is_refused(world: World) -> None:
    socket = world.enter()
    assert socket.call("authenticate", world.session()) is False
    assert socket.events("error")[0]["code"] == "bad_request"
    assert world.sshd.logins() == 1


def test_origins(world: World) -> None:
    good, bad = {"Origin": "http://localhost:3000"}, {"Origin": "http://evil.example"}
    for transports in (["polling"], ["websocket"]):
        world.open(world.session(), extraHeaders=good, transports=transports).wait("authenticated")
        world.open(world.session(), extraHeaders=bad, transports=transports).wait("connect_error")
    status, headers, _ = world.server.get("/?EIO=4&transport=polling", **good)
    assert status == 200
    assert headers["access-control-allow-origin"] == "http://localhost:3000"
    assert headers["access-control-allow-credentials"] == "true"
    assert world.server.get("/?EIO=4&transport=polling", **bad)[0] == 400
    told = [line for line in world.server.log.splitlines() if "Refused origin" in line]
    assert len(told) == 1, told
    assert "http://evil.example" in told[0]
    assert "FRONTEND_URL" in told[0]


def test_http_on_the_same_port(world: World) -> None:
    assert world.server.get("/healthz")[0] == 200
    assert world.server.get("/readyz")[0] == 200
    for path in ("/", "/nope", "/?eio=4", "/console/../etc/passwd"):
        status, headers, text = world.server.get(path)
        assert status == 404
        assert "Traceback" not in text
        assert "server" not in headers
        assert headers["x-content-type-options"] == "nosniff"


def test_the_handshake_has_the_contract_s_ping(world: World) -> None:
    text = world.server.get("/?EIO=4&transport=polling")[2]
    opened = json.loads(text[1:])
    assert (opened["pingInterval"], opened["pingTimeout"]) == (10_000, 30_000)


def test_backlog_then_live(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(80)])
    socket = world.enter()
    socket.emit("subscribe_logs", {"service": "execution"})
    until(lambda: len(socket.lines("execution")) == 50, "the backlog")
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(80, 100)])
    until(lambda: len(socket.lines("execution")) == 70, "live lines")
    assert socket.lines("execution") == [f"line {number}" for number in range(30, 100)]


def test_a_second_subscribe_does_nothing_and_several_services_are_normal(world: World) -> None:
    socket = world.enter()
    for _ in range(3):
        socket.call("subscribe_logs", {"service": "execution"})
    socket.call("subscribe_logs", {"service": "validator"})
    world.node.append(EXECUTION, "one")
    world.node.append("validator.service", "two")
    until(lambda: socket.lines("execution") and socket.lines("validator"), "both lines")
    world.node.append(EXECUTION, "three")
    until(lambda: len(socket.lines("execution")) == 2, "the next line")
    assert socket.lines("execution") == ["one", "three"]
    assert socket.lines("validator") == ["two"]
    until(lambda: world.remote() == 2, "a journalctl for each, also where the last line came before it follows")


def test_a_service_by_an_alias_of_its_unit(world: World) -> None:
    world.node.set_unit("eth1.service", Id=EXECUTION, LoadState="loaded", ActiveState="active", SubState="running")
    world.node.append(EXECUTION, "one")
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "eth1"})
    until(lambda: socket.lines("eth1") == ["one"], "the backlog")
    world.node.append(EXECUTION, "two")
    until(lambda: socket.lines("eth1") == ["one", "two"], "the next line")


@pytest.mark.parametrize("name", ["prysm@hoodi", "client\\x2dstats", "a:b", "x_1.2"])
def test_odd_names_are_one_service_with_and_without_suffix(world: World, name: str) -> None:
    world.node.set_unit(f"{name}.service", LoadState="loaded", ActiveState="active", SubState="running")
    world.node.append(f"{name}.service", "hello")
    socket = world.enter()
    for service in (name, f"{name}.service"):
        assert socket.call("subscribe_logs", {"service": service}) == {"ok": True}
    socket.wait("log_state", lambda told: told == {"service": name, "state": "live"})
    assert socket.lines(name) == ["hello"]
    assert socket.call("unsubscribe_logs", {"service": f"{name}.service"}) == {"ok": True}
    until(lambda: not world.remote(), "its end")


def test_an_unsubscribe_is_final(world: World) -> None:
    first, second = world.enter(), world.enter()
    for socket in (first, second):
        socket.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "before")
    until(lambda: first.lines("execution") and second.lines("execution"))
    assert first.call("unsubscribe_logs", {"service": "execution"}) == {"ok": True}
    names = ("log_data", "log_state", "error")
    got = [first.events(name) for name in names]
    world.node.append_many(EXECUTION, ["after"] * 100)
    until(lambda: len(second.lines("execution")) == 101)
    assert [first.events(name) for name in names] == got


def test_the_last_subscriber_s_going_ends_the_remote_journalctl(world: World) -> None:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    until(lambda: world.remote() == 1, "the follower")
    socket.call("unsubscribe_logs", {"service": "execution"})
    until(lambda: world.remote() == 0, "its end")


def test_lines_are_whole_clean_and_valid_whatever_was_printed(world: World) -> None:
    printed = [
        b"\x1b[32mINFO\x1b[0m coloured \x1b[38;2;1;2;3mtruecolor\x1b[0m",
        b"invalid \xff\xfe utf-8",
        "emoji 🦀 and ünïcödé".encode(),
        b"x" * 40_000,
        b"",
        b"tab\there",
        b'quote " backslash \\ slash / </script>',
        "line separator \u2028 kept".encode(),
    ]
    world.node.append_many(EXECUTION, printed)
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    until(lambda: len(socket.lines("execution")) == len(printed), "every line")
    lines = socket.lines("execution")
    assert lines[0] == "INFO coloured truecolor"
    assert lines[1] == "invalid \ufffd\ufffd utf-8"
    assert lines[2:6] == ["emoji 🦀 and ünïcödé", "x" * 40_000, "", "tab\there"]
    assert lines[6] == 'quote " backslash \\ slash / </script>'


def test_a_line_that_journald_cut_is_whole_again(world: World) -> None:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    socket.wait("log_state", lambda told: told["state"] == "live")
    long = "".join(f"word{number} " for number in range(20_000))[:200_000]
    for text in ("before", "INFO [09-12|08:15:01.004] " + long, "after"):
        world.node.append(EXECUTION, text)
    until(lambda: len(socket.lines("execution")) == 3, "three lines")
    assert socket.lines("execution") == ["before", "INFO [09-12|08:15:01.004] " + long, "after"]
    assert socket.events("log_data")[1]["level"] == "info"
    again = world.enter()
    again.call("subscribe_logs", {"service": "execution", "after": socket.events("log_data")[0]["cursor"]})
    until(lambda: len(again.lines("execution")) == 2, "the rest")
    assert again.lines("execution") == socket.lines("execution")[1:]
    assert not [told for told in again.events("log_state") if told["state"] == "gap"]


def test_extra_keys_of_a_line(world: World) -> None:
    world.node.append(EXECUTION, "Snapshot extension failed", priority=4, realtime_us=1_795_441_675_000_042)
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    line = socket.wait("log_data")
    assert line["timestamp"] == "2026-11-23T13:47:55.000042Z"
    assert line["level"] == "warn"
    assert line["message"] == "Snapshot extension failed"
    assert line["fields"] == {}
    assert line["component"] is None
    assert line["cursor"]
    assert "eth" not in line
    assert "continuation" not in line


def test_a_client_s_line_is_taken_apart(world: World) -> None:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    socket.wait("log_state", lambda told: told["state"] == "live")
    printed = (
        "ERROR[07-21|10:11:12.345] Failed to import block                   number=1,234 hash=1f2e3d..a0b1c2 err=EOF"
    )
    world.node.append(EXECUTION, f"\x1b[31m{printed}\x1b[0m")
    world.node.append(EXECUTION, "\tat the.very(Bottom.java:1)")
    line = socket.wait("log_data", lambda line: line["line"] == printed)
    assert line["level"] == "error"
    assert line["message"] == "Failed to import block"
    assert line["fields"] == {"number": "1,234", "hash": "1f2e3d..a0b1c2", "err": "EOF"}
    assert list(line["fields"]) == ["number", "hash", "err"]
    assert line["eth"] == {"block": "1234", "hash": "1f2e3d..a0b1c2"}
    more = socket.wait("log_data", lambda line: line.get("continuation"))
    assert more["level"] == "error"
    assert more["message"] == "\tat the.very(Bottom.java:1)"


def test_status_updates(world: World) -> None:
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    update = socket.wait("status_update")
    words = {each["service"]: each["status"] for each in update}
    assert words == {"execution": "active", "validator": "active"}  # what was never installed is left out
    every = world.enter()
    every.emit("subscribe_status", {"interval": 1000, "all": True})
    assert {each["service"]: each["status"] for each in every.wait("status_update")} == {
        "execution": "active",
        "consensus": "not_installed",
        "validator": "active",
        "mevboost": "not_installed",
        "csm_nimbusvalidator": "not_installed",
    }
    assert update[0]["client"] == "Geth"
    assert update[0]["main_pid"] == 4242
    world.node.set_unit("dora.service", LoadState="loaded", ActiveState="failed", SubState="failed", Result="exit-code")
    socket.wait("status_update", lambda update: {"service": "dora", "status": "failed"}.items() <= update[-1].items())
    world.node.set_unit(
        "dora.service", LoadState="not-found", ActiveState="inactive", SubState="dead", Result="success"
    )
    gone = {"service": "dora", "status": "not_installed"}  # the page never removes a unit that it shows
    socket.wait("status_update", lambda update: gone.items() <= update[-1].items())
    socket.call("unsubscribe_status")
    got = len(socket.events("status_update"))
    other = world.enter()
    other.emit("subscribe_status", {"interval": 1000})
    until(lambda: len(other.events("status_update")) == 3)
    assert len(socket.events("status_update")) == got


def test_sessions_are_renewed_and_unknown_keys_are_kept(world: World) -> None:
    token = world.session(lastAccessed=5, port=str(world.sshd.port), theme="dark", nested={"a": [1, 2.5, None]})
    world.store.expire(f"ssh_session:{token}", 60)
    world.enter(token)
    found = json.loads(world.store.get(f"ssh_session:{token}"))  # type: ignore[arg-type]
    assert abs(found["lastAccessed"] - time.time() * 1000) < 60_000
    assert (found["theme"], found["nested"], found["port"]) == ("dark", {"a": [1, 2.5, None]}, str(world.sshd.port))
    assert world.store.ttl(f"ssh_session:{token}") > 10_000


@pytest.mark.parametrize("changes", [{"privateKey": True}, {"privateKey": True, "password": ...}])
def test_a_login_by_key(world: World, changes: dict[str, object]) -> None:
    world.enter(world.session(**{**changes, "privateKey": world.sshd.private_key}))


def test_a_logout_ends_sockets_and_the_connection(world: World) -> None:
    world.store.config_set("notify-keyspace-events", "")
    token = world.session()
    sockets = [world.enter(token, transports=[each]) for each in ("websocket", "polling", "polling", "polling")]
    for socket in sockets:
        socket.call("subscribe_logs", {"service": "execution"})
    started = time.monotonic()
    world.store.delete(f"ssh_session:{token}")
    for socket in sockets:
        assert socket.wait("disconnect") == "io server disconnect"
        assert socket.events("error")[-1]["code"] == "session_expired"
        assert "auth" not in socket.events("error")[-1]["message"].lower()
    until(lambda: not world.sshd.connections(), "the end of the SSH connection")
    assert time.monotonic() - started < 5
    assert world.store.get(f"ssh_session:{token}") is None


def test_a_logout_after_the_page_was_left_ends_the_connection_too(world: World, redis: RedisServer) -> None:
    local = LocalServer(redis, NODE_LINGER="60")
    try:
        token = world.session()
        world.enter(token, url=local.url).close()
        until(lambda: not local.rooms.gateway.sockets, "its going")
        assert world.sshd.connections() == 1
        world.store.delete(f"ssh_session:{token}")
        until(lambda: not world.sshd.connections(), "the end of the SSH connection", 5)
    finally:
        local.close()
