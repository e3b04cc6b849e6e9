"""Many sockets, one node."""

from __future__ import annotations

import gevent
import pytest

from ..waiting import until
from .conftest import EXECUTION, World


def shows(world: World) -> int:
    return sum(1 for call in world.node.calls() if "show" in call["argv"])


def test_25_sockets_on_one_service_each_receive_every_line(world: World) -> None:
    token = world.session()
    sockets = [world.enter(token) for _ in range(25)]
    for socket in sockets:
        socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    expected = [f"line {number}" for number in range(3000)]
    for at in range(0, 3000, 500):
        world.node.append_many(EXECUTION, expected[at : at + 500])
    for socket in sockets:
        until(lambda socket=socket: len(socket.lines("execution")) >= 3000, "every line", 60)  # type: ignore[misc]
        assert socket.lines("execution") == expected
    until(lambda: world.remote() == 1, "one journalctl, also where the last line came before it follows")
    assert world.sshd.logins() == 1


def test_asks_that_fall_together_cost_one_systemctl(world: World) -> None:
    token = world.session()
    sockets = [world.enter(token) for _ in range(20)]
    before = shows(world)
    for socket in sockets:
        socket.emit("subscribe_status", {"interval": 300_000})
    for socket in sockets:
        socket.wait("status_update")
    assert shows(world) - before <= 2


def test_the_node_is_polled_no_more_often_than_the_shortest_interval_needs(world: World) -> None:
    token = world.session()
    sockets = [world.enter(token) for _ in range(4)]
    for socket, interval in zip(sockets, (1000, 1000, 1300, 2000), strict=True):
        socket.emit("subscribe_status", {"interval": interval})
    until(lambda: len(sockets[0].events("status_update")) >= 2)
    before, updates = shows(world), len(sockets[0].events("status_update"))
    until(lambda: len(sockets[0].events("status_update")) >= updates + 5)
    assert shows(world) - before <= 7


def test_each_outage_of_systemd_is_told_once_and_the_next_poll_that_works_is_an_update(world: World) -> None:
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait("status_update")
    for outage in (1, 2):
        world.node.fail_systemctl(True)
        until(lambda outage=outage: len(socket.events("error")) == outage, "the outage")  # type: ignore[misc]
        assert socket.events("error")[-1]["code"] == "status_unavailable"
        calls = shows(world)
        until(lambda calls=calls: shows(world) >= calls + 3, "more failing polls")  # type: ignore[misc]
        assert len(socket.events("error")) == outage
        got = len(socket.events("status_update"))
        world.node.fail_systemctl(False)
        until(lambda got=got: len(socket.events("status_update")) > got, "the next update")  # type: ignore[misc]
        assert len(socket.events("error")) == outage


def test_batches(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(3000)])
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "lines": 2000, "batch": True})
    until(lambda: len(socket.lines("execution")) == 2000)
    assert socket.lines("execution") == [f"line {number}" for number in range(1000, 3000)]
    assert socket.events("log_data") == []
    assert max(len(batch["entries"]) for batch in socket.events("log_batch")) <= 500
    assert len(socket.events("log_batch")) < 200


def test_a_storm_leaves_nothing_behind(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(100)])
    token = world.session()
    sockets = [world.enter(token) for _ in range(10)]
    for _ in range(30):
        for socket in sockets:
            socket.emit("subscribe_logs", {"service": "execution"})
            socket.emit("subscribe_status", {"interval": 1000})
            socket.emit("unsubscribe_logs", {"service": "execution"})
            socket.emit("subscribe_logs", {"service": "validator"})
            socket.emit("unsubscribe_status")
    for socket in sockets[:5]:
        socket.close()
    for socket in sockets[5:]:
        assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
        socket.wait("log_state", lambda state: state["service"] == "execution" and state["state"] == "live")
    assert world.remote() <= 2
    for socket in sockets:
        socket.close()
    until(lambda: world.remote() == 0 and world.sshd.connections() == 0, "the end of everything")
    until(lambda: not world.node.running(), "the end of every remote process")


def test_subscribe_unsubscribe_subscribe_within_a_moment_is_one_subscription(world: World) -> None:
    socket = world.enter()
    for event in ("subscribe_logs", "unsubscribe_logs", "subscribe_logs"):
        socket.emit(event, {"service": "execution"})
    socket.call("unsubscribe_logs", {"service": "validator"})
    world.node.append(EXECUTION, "once")
    until(lambda: socket.lines("execution"), "the line")
    gevent.sleep(0)
    world.node.append(EXECUTION, "twice")
    until(lambda: "twice" in socket.lines("execution"), "the next line")
    assert socket.lines("execution") == ["once", "twice"]


def test_two_hundred_sockets_on_twenty_services_stay_within_max_sessions(world: World) -> None:
    services = [f"service{number}" for number in range(20)]
    for service in services:
        world.node.set_unit(f"{service}.service", LoadState="loaded", ActiveState="active", SubState="running")
    token = world.session()
    sockets = [world.enter(token, transports=["websocket"]) for _ in range(200)]
    for number, socket in enumerate(sockets):
        for service in (services[number % 20], services[(number * 7 + 3) % 20]):
            socket.emit("subscribe_logs", {"service": service, "lines": 0})
    for number, socket in enumerate(sockets):
        wanted = {services[number % 20], services[(number * 7 + 3) % 20]}
        until(
            lambda socket=socket, wanted=wanted: (
                {  # type: ignore[misc]
                    told["service"] for told in socket.events("log_state") if told["state"] == "live"
                }
                == wanted
            ),
            "every log live",
            60,
        )
    until(lambda: world.remote() == 20, "one journalctl for each service")
    assert world.sshd.connections() <= 3, "twenty channels need three connections of ten, less those for polls"
    for service in services:
        world.node.append(f"{service}.service", f"hello from {service}")
    for number, socket in enumerate(sockets):
        for service in {services[number % 20], services[(number * 7 + 3) % 20]}:
            until(
                lambda socket=socket, service=service: socket.lines(service) == [f"hello from {service}"],  # type: ignore[misc]
                "the line of each service",
                60,
            )
        assert not socket.events("error")


def add_services(world: World, count: int) -> list[str]:
    services = [f"service{number}" for number in range(count)]
    for service in services:
        world.node.set_unit(f"{service}.service", LoadState="loaded", ActiveState="active", SubState="running")
    return services


def test_sixty_long_backlogs_at_once_are_all_served(world: World) -> None:
    services = add_services(world, 20)
    expected = [f"line {number}" for number in range(300)]
    for service in services:
        world.node.append_many(f"{service}.service", expected)
    token = world.session()
    sockets = [world.enter(token) for _ in range(3)]
    for socket in sockets:
        for service in services:
            socket.emit("subscribe_logs", {"service": service, "lines": 300, "batch": True})
    for socket in sockets:
        for service in services:
            until(lambda s=socket, name=service: len(s.lines(name)) >= 300, f"the log of {service}", 90)  # type: ignore[misc]
            assert socket.lines(service) == expected
        assert socket.events("error") == []


class TestOneChannel:
    @pytest.fixture
    def sshd_options(self) -> dict[str, str]:
        return {"MaxSessions": "1"}

    def test_logs_leave_a_channel_for_the_states(self, world: World) -> None:
        services = add_services(world, 5)
        socket = world.enter()
        answers = [socket.call("subscribe_logs", {"service": service}, deadline=60) for service in services]
        assert all(answer["ok"] for answer in answers)

        def told(*states: str) -> set[str]:
            return {each["service"] for each in socket.events("log_state") if each["state"] in states}

        until(lambda: told("live", "ended") == set(services), "a log, or a word why there is none", 90)
        assert 2 <= len(told("live")) <= 4
        until(lambda: len(socket.events("error")) == len(told("ended")), "an error for each that has ended")
        refused = {error["service"]: error["code"] for error in socket.events("error")}
        assert refused == dict.fromkeys(told("ended"), "limit_reached")
        socket.emit("subscribe_status", {"interval": 1000})
        until(lambda: len(socket.events("status_update")) >= 3, "the states", 60)
