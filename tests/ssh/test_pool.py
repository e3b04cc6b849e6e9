"""Connections to one node, on an sshd that is a stand-in: who gets a channel, and nothing outlives the pool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import gevent
import gevent.event
import paramiko
import pytest

from ethpillar.errors import EthPillarError, LimitReached, SessionStoreDown, ShellHangs, SshTimeout, SshUnreachable
from ethpillar.ssh import pool as pool_module
from ethpillar.ssh.channels import RELEARN
from ethpillar.ssh.pool import ConnectionPool
from ethpillar.timing import within

from ..interruption import Operation, sweep
from ..waiting import until
from .fakes import Sshd


def connected(sshd: Sshd, most: int = 4) -> ConnectionPool:
    pool = ConnectionPool(sshd.login, most)
    pool.connect()
    return pool


def in_use(sshd: Sshd) -> int:
    """How many channels are counted."""
    return sum(each.channels.in_use for each in sshd.connections)


def open_logs(pool: ConnectionPool, stack: ExitStack, count: int, spare: int = 0) -> int:
    """Tries to open so many long commands; how many it could."""
    opened = 0
    for _ in range(count):
        with suppress(LimitReached):
            stack.enter_context(pool.stream(["journalctl"], spare=spare))
            opened += 1
    return opened


# -- who gets a channel


@pytest.mark.parametrize(("sessions", "logs"), [(1, 4), (2, 4), (3, 4), (6, 16), (10, 32)])
def test_however_few_channels_there_are_short_commands_have_one(sessions: int, logs: int) -> None:
    sshd = Sshd(sessions)
    pool = connected(sshd)
    with ExitStack() as stack:
        assert open_logs(pool, stack, 50) == logs
        assert pool.run(["systemctl"], timeout=5).status == 0
        assert sshd.most <= sessions
    assert pool.run(["systemctl"], timeout=5).status == 0


@pytest.mark.parametrize("sessions", [1, 2, 3, 10])
def test_those_that_ask_at_the_same_time_are_told_the_same(sessions: int) -> None:
    sshd = Sshd(sessions, delay=0.001)
    pool = connected(sshd)
    ended = gevent.event.Event()
    opened = []

    def follow() -> None:
        with suppress(LimitReached), pool.stream(["journalctl"]):
            opened.append(1)
            ended.wait()

    logs = [gevent.spawn(follow) for _ in range(60)]
    gevent.spawn(gevent.joinall, logs)
    until(lambda: sum(log.dead for log in logs) + len(opened) == 60, "an answer for all")
    assert pool.run(["systemctl"], timeout=5).status == 0
    assert sshd.most <= sessions
    ended.set()
    gevent.joinall(logs, raise_error=True)
    until(lambda: not in_use(sshd), "the end of all channels")


@pytest.mark.parametrize(("sessions", "first"), [(10, 8), (6, 6)])
def test_the_log_that_makes_a_further_connection_necessary_is_served_on_it(sessions: int, first: int) -> None:
    sshd = Sshd(sessions)
    pool = connected(sshd)
    with ExitStack() as stack:
        for _ in range(first + 1):
            stack.enter_context(pool.stream(["journalctl"]))
        assert [len(each.channels) for each in sshd.transports] == [first, 1]


def test_a_refusal_is_tried_again_where_there_is_room() -> None:
    """sshd refuses a channel that was believed to be there: the command has another, and its caller never knows."""
    sshd = Sshd(1)
    pool = connected(sshd)
    with pool.stream(["journalctl"]), pool.stream(["journalctl"]):
        assert sshd.most == 1
        assert len(sshd.connections) == 2


def test_logs_leave_room_for_those_that_catch_up() -> None:
    pool = connected(Sshd(10))
    with ExitStack() as stack:
        logs = open_logs(pool, stack, 50, spare=2)
        assert open_logs(pool, stack, 50) + logs == 32
        assert logs == 30


def test_what_was_learned_from_refusals_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    sshd = Sshd(2)
    pool = connected(sshd, 1)
    with ExitStack() as stack:
        open_logs(pool, stack, 10)
        assert sshd.connections[0].channels.capacity(time.monotonic()) <= 2
    sshd.sessions = 10
    monkeypatch.setattr("time.monotonic", lambda before=time.monotonic: before() + RELEARN)
    with ExitStack() as stack:
        assert open_logs(pool, stack, 10) > 2


def test_a_short_command_that_finds_no_room_in_its_time_says_so() -> None:
    sshd = Sshd(1)
    sshd.endless = True
    pool = connected(sshd, 1)
    with pool.stream(["journalctl"]):
        gevent.spawn(pool.run, ["one"])  # on the lane
        until(lambda: len(sshd.channels) == 2, "the lane's only channel")
        with pytest.raises(SshTimeout) as caught:
            pool.run(["two"], timeout=0.3)
    assert caught.value.code == "ssh_timeout"
    pool.close()


def test_a_shell_that_does_not_come_to_run_a_command_is_told_as_that_and_killed() -> None:
    sshd = Sshd()
    sshd.silent = True
    pool = connected(sshd, 1)
    with pytest.raises(ShellHangs):
        pool.run(["true"], timeout=0.1)
    until(lambda: not in_use(sshd), "the channel's end")
    assert [b"signal" in each and b"KILL" in each for each in sshd.transports[0].signals] == [True]
    sshd.silent = False
    assert pool.run(["true"], timeout=5).status == 0
    assert len(sshd.transports[0].signals) == 1
    pool.close()


def test_a_short_command_waits_for_a_channel_and_is_served_as_soon_as_one_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "LOOK_EVERY", 3600.0)
    sshd = Sshd(1)
    sshd.endless = True
    pool = connected(sshd, 1)
    with pool.stream(["journalctl"]):
        first = gevent.spawn(pool.run, ["one"])  # on the lane
        until(lambda: [each.words for each in sshd.channels] == ["journalctl", "one"], "the first")
        second = gevent.spawn(pool.run, ["two"])
        gevent.idle()
        assert len(sshd.channels) == 2
        first.kill()
        until(lambda: [each.words for each in sshd.channels] == ["journalctl", "two"], "the second", 10)
        second.kill()
    until(lambda: not in_use(sshd), "the end of all channels")
    pool.close()


def test_a_lane_that_died_is_opened_anew() -> None:
    sshd = Sshd(1)
    pool = connected(sshd, 1)
    with pool.stream(["journalctl"]):
        assert pool.run(["systemctl"]).status == 0
        assert sshd.logins == 2
        sshd.transports[1].close()
        assert pool.run(["systemctl"]).status == 0
        assert pool.run(["systemctl"]).status == 0
        assert sshd.logins == 3


# -- connections


def test_a_connection_that_comes_after_the_end_is_closed() -> None:
    sshd = Sshd()
    made = gevent.event.Event()

    def login() -> Any:
        connection = sshd.login()
        with suppress(gevent.GreenletExit):  # one that ends all the same
            made.set()
            gevent.sleep(0.01)
        return connection

    pool = ConnectionPool(login, 4)
    waiting = [gevent.spawn(pytest.raises, SshUnreachable, pool.connect) for _ in range(3)]
    made.wait()
    pool.close()
    gevent.joinall(waiting, raise_error=True)
    assert [each.alive for each in sshd.connections] == [False]
    with pytest.raises(SshUnreachable):
        pool.connect()
    assert sshd.logins == 1


@pytest.mark.parametrize("waits", [False, True])
def test_a_command_that_comes_after_the_end_is_told_that_nothing_is_there(waits: bool) -> None:
    """A browser may ask something of a node whose session ends at that moment."""
    sshd = Sshd(1)
    sshd.endless = waits
    pool = connected(sshd, 1)
    with ExitStack() as stack:
        if waits:  # on the log's connection, and on the lane
            stack.enter_context(pool.stream(["journalctl"]))
            gevent.spawn(pool.run, ["one"])
            until(lambda: len(sshd.channels) == 2, "the lane's only channel")
        late = gevent.spawn(pytest.raises, SshUnreachable, pool.run, ["two"]) if waits else None
        gevent.idle()
        pool.close()
    for ask in (lambda: pool.run(["three"]), lambda: stack.enter_context(pool.stream(["journalctl"]))):
        with pytest.raises(SshUnreachable):
            ask()
    if late is not None:
        late.get(timeout=10)


def test_the_end_of_the_pool_ends_a_login_that_is_under_way() -> None:
    sshd = Sshd(delay=3600)
    pool = ConnectionPool(sshd.login, 4)
    waiting = gevent.spawn(pytest.raises, SshUnreachable, pool.connect)
    until(lambda: sshd.logins, "the login")
    pool.close()
    waiting.get(timeout=10)
    assert pool._opening is None


def test_those_that_need_a_connection_share_one_login_and_its_error() -> None:
    sshd = Sshd(delay=0.01)
    sshd.refusal = SshTimeout("later")
    pool = ConnectionPool(sshd.login, 4)

    def connect() -> EthPillarError:
        with pytest.raises(SshTimeout) as caught:
            pool.connect()
        assert len(caught.traceback) <= 4  # nobody else's frames
        return caught.value

    errors = [each.get() for each in [gevent.spawn(connect) for _ in range(5)]]
    assert sshd.logins == 1
    assert all(each is errors[0] for each in errors)
    sshd.refusal = None
    assert pool.connect() is pool.connect()
    assert sshd.logins == 2


def test_an_error_while_a_pool_grows_is_told_and_hurts_nobody_else() -> None:
    sshd = Sshd(6)
    pool = connected(sshd, 2)
    with ExitStack() as logs:
        assert open_logs(pool, logs, 6) == 6
        sshd.refusal = SessionStoreDown()
        with pytest.raises(SessionStoreDown), pool.stream(["journalctl"]):
            pass
        assert len(sshd.channels) == in_use(sshd) == 6
        sshd.refusal = None
        with pool.stream(["journalctl"]):
            assert len(sshd.channels) == 7
        assert pool.run(["systemctl"]).status == 0
    until(lambda: not in_use(sshd), "the end of all channels")


def test_an_error_while_a_lane_is_opened_is_told() -> None:
    sshd = Sshd(1)
    pool = connected(sshd, 1)
    with pool.stream(["journalctl"]):
        sshd.refusal = SessionStoreDown()
        with pytest.raises(SessionStoreDown):
            pool.run(["systemctl"])


def test_a_login_goes_on_when_its_caller_has_no_more_time() -> None:
    """An sshd that is slow to let us in must not see one half login after the other."""
    sshd = Sshd(1)
    pool = connected(sshd, 1)
    sshd.login_delay = 0.2
    with pool.stream(["journalctl"]):
        with pytest.raises(SshTimeout):
            pool.run(["systemctl"], timeout=0.1)
        until(lambda: len(sshd.connections) == 2, "the lane")
        assert pool.run(["systemctl"], timeout=10).status == 0
        assert sshd.logins == 2


def test_a_node_that_lets_us_in_and_hangs_up_is_not_logged_in_to_again_and_again() -> None:
    sshd = Sshd(1)
    pool = connected(sshd, 4)

    def login() -> Any:
        connection = sshd.login()
        connection.close()
        return connection

    with pool.stream(["journalctl"]):
        pool._login = login
        with pytest.raises(SshUnreachable), pool.stream(["journalctl"]):
            pass
        assert sshd.logins == 2


def test_without_a_connection_there_is_no_channel() -> None:
    sshd = Sshd()
    pool = connected(sshd)
    sshd.transports[0].close()
    with pytest.raises(SshUnreachable):
        pool.run(["systemctl"])
    with pytest.raises(SshUnreachable), pool.stream(["journalctl"]):
        pass
    pool.connect()
    assert pool.run(["systemctl"]).status == 0


def test_a_first_connection_is_no_lane() -> None:
    """All connections die while a lane is being opened: what comes is for short commands only."""
    sshd = Sshd(1)
    pool = connected(sshd, 1)
    sshd.login_delay = 0.01
    with suppress(SshUnreachable), pool.stream(["journalctl"]):
        short = gevent.spawn(pytest.raises, SshUnreachable, pool.run, ["systemctl"])
        until(lambda: sshd.logins == 2, "the lane's login")
        sshd.transports[0].close()
        assert pool.connect() is not pool._lane
        assert pool.alive
        short.get()


# -- interruption


def test_a_poll_that_times_out_while_its_channel_is_being_closed_gives_it_back() -> None:
    sshd = Sshd(4)
    sshd.endless = True
    pool = connected(sshd, 1)
    closing = gevent.event.Event()
    first = sshd.transports[0]
    step = first.step
    for _ in range(8):
        with pytest.raises(SshTimeout):
            pool.run(["systemctl"], timeout=0.02)
        first.step = lambda: (closing.wait(), step())  # type: ignore[assignment]
        closing.set()
    first.step = step
    until(lambda: not in_use(sshd), "the end of all channels")
    assert not sshd.channels
    sshd.endless = False
    assert pool.run(["systemctl"], timeout=10).status == 0
    assert sshd.logins == 1


def test_a_command_that_sshd_never_starts_gives_its_channel_back() -> None:
    sshd = Sshd()
    sshd.hanging = {"systemctl"}
    pool = connected(sshd, 1)
    for _ in range(12):
        with pytest.raises(SshTimeout):
            pool.run(["systemctl"], timeout=0.01)
    until(lambda: not in_use(sshd), "the end of all channels")
    with pytest.raises(SshTimeout), pool.stream(["systemctl"], timeout=0.01):
        pass
    until(lambda: not in_use(sshd), "the end of all channels")
    assert not sshd.channels


def use(pool: ConnectionPool, what: str) -> Operation:
    def stream() -> None:
        with pool.stream(["journalctl"], b"in") as command:
            while command.read():
                pass

    def expired() -> None:
        with within(0.002):
            pool.run(["systemctl"], timeout=60)

    return {
        "run": lambda: pool.run(["systemctl"], b"in"),
        "stream": stream,
        "expired": expired,
        "connect": pool.connect,
        "close": pool.close,
    }[what]


@pytest.mark.parametrize("sessions", [1, 2, 10])
@pytest.mark.parametrize("what", ["run", "stream", "expired", "connect", "close"])
def test_whatever_is_stopped_anywhere_leaves_nothing(sessions: int, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.ssh.channels.PAUSE", 0.0)

    @contextmanager
    def scenario() -> Iterator[Operation]:
        sshd = Sshd(sessions)
        sshd.output = [b"one", b"two"]
        pool = ConnectionPool(sshd.login, 2)
        if what != "connect":
            pool.connect()
        with ExitStack() as others:
            if sessions < 10 and what != "connect":  # others have all of the first connection
                open_logs(pool, others, sessions)
            taken = in_use(sshd)
            yield use(pool, what)
            until(lambda: in_use(sshd) <= taken, "every count to be given back")
            if what != "close":
                assert len(sshd.channels) == taken
            others.pop_all().close()
        until(lambda: not in_use(sshd), "every count to be given back")
        assert not sshd.channels
        pool.close()
        assert not any(each.alive for each in sshd.connections)
        assert pool._opening is None

    assert sweep(scenario) >= 1


def test_a_refused_channel_is_no_lost_connection() -> None:
    """paramiko tells all but the last of several refusals in the words of a lost connection."""
    sshd = Sshd()
    pool = connected(sshd, 2)
    sshd.problem = paramiko.SSHException("Unable to open channel.")
    with pytest.raises(LimitReached), pool.stream(["journalctl"]):
        pass
    sshd.problem = paramiko.SSHException("Timeout opening channel.")
    with pytest.raises(SshUnreachable), pool.stream(["journalctl"]):
        pass
    assert not in_use(sshd)


def test_the_output_of_a_short_command_is_weighed_until_it_has_ended() -> None:
    sshd = Sshd()
    sshd.output, sshd.endless = [b"x" * 50_000, b"y" * 50_000], True
    pool = connected(sshd)
    running = gevent.spawn(pool.run, ["systemctl"], timeout=5)
    until(lambda: pool.weight() >= 100_000, "its output")
    running.kill()
    assert pool.weight() == 0


def test_connections_that_are_gone_are_forgotten_once() -> None:
    sshd = Sshd(1)
    pool = connected(sshd, 1)
    with suppress(SshUnreachable), pool.stream(["journalctl"]):
        assert pool.run(["systemctl"]).status == 0  # on the lane
        sshd.transports[1].close()
        for _ in range(2):
            assert pool.alive == sshd.connections[:1]
        assert pool.channels == 1
        sshd.transports[0].close()
        for _ in range(2):
            assert pool.alive == []
        assert pool.channels == 0
        assert pool.heard == float("-inf")
