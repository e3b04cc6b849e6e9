"""Names that hang, of one domain and of many, and whom they hold up. The system's lookup is a stand-in that blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import monkey

from ethpillar.errors import SshTimeout
from ethpillar.ssh import resolve

from ..waiting import until

FOUND = [(2, 1, 6, "", ("192.0.2.7", 0))]


class System:
    """Looks up names in threads. One that begins with `hangs` is not answered until the test ends."""

    def __init__(self) -> None:
        self.resolver = resolve.Resolver()
        self.asked: list[str] = []
        self.held = monkey.get_original("_thread", "allocate_lock")()  # of threads, not of greenlets
        self.held.acquire()

    def __call__(self, host: str, *rest: Any, **numeric: Any) -> list[Any]:
        if "flags" in numeric:
            raise resolve.plain_socket.gaierror
        self.asked.append(host)
        if host.startswith("hangs"):
            with self.held:
                raise OSError
        return FOUND

    def start(self, name: str) -> gevent.Greenlet[..., Any]:
        """Asks for a name in a greenlet, which returns what it gets, or the error."""

        def look() -> Any:
            try:
                return self.resolver.lookup(name, 22)
            except (OSError, SshTimeout) as problem:
                return problem

        return gevent.spawn(look)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    made = System()
    monkeypatch.setattr(resolve, "_getaddrinfo", made)
    yield made
    made.held.release()
    until(lambda: not made.resolver._under_way, "the end of all lookups")
    assert not made.resolver._domains
    assert not made.resolver._asking
    assert made.resolver._all.counter == resolve.THREADS


def test_a_domain_whose_names_hang_holds_up_itself_only(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2 * resolve.THREADS):
        system.start(f"hangs{number}.bad.example")
    until(lambda: len(system.asked) == resolve.PER_DOMAIN, "all that one domain gets")
    assert system.resolver.lookup("node.good.example", 22) == [(2, 1, 6, "", ("192.0.2.7", 22))]
    assert system.resolver.lookup("localhost", 22)
    assert len(system.asked) == resolve.PER_DOMAIN + 2
    monkeypatch.setattr(resolve, "QUEUE", 0.01)
    assert isinstance(system.start("node.bad.example").get(), SshTimeout)


def test_many_domains(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(resolve.THREADS - 1):
        system.start(f"hangs.bad{number}.example")
    until(lambda: len(system.asked) == resolve.THREADS - 1, "the lookups")
    assert system.resolver.lookup("node.good.example", 22)
    system.start("hangs.last.example")
    until(lambda: system.asked[-1] == "hangs.last.example", "the last thread")
    monkeypatch.setattr(resolve, "QUEUE", 0.01)
    assert isinstance(system.start("node.good.example").get(), SshTimeout)  # which nothing is said to be wrong with


def test_a_name_that_there_is_not(system: System, capfd: pytest.CaptureFixture[str]) -> None:
    waiting = system.start("hangs.example")
    until(lambda: system.asked, "a lookup")
    system.held.release()
    assert isinstance(waiting.get(), OSError)
    system.held.acquire()
    assert capfd.readouterr().err == ""


def test_the_same_name_is_asked_for_once_however_it_is_written(system: System) -> None:
    waiting = [system.start(name) for name in ("hangs.example", "HANGS.example", "Hangs.Example") * 10]
    until(lambda: system.asked, "a lookup")
    gevent.sleep(0)
    assert system.asked == ["hangs.example"]
    assert not any(each.ready() for each in waiting)


def test_two_applications_share_nothing(system: System) -> None:
    for number in range(resolve.PER_DOMAIN + 1):
        system.start(f"hangs{number}.bad.example")
    until(lambda: len(system.asked) == resolve.PER_DOMAIN, "all that one domain gets")
    assert resolve.Resolver().lookup("node.bad.example", 22)


def test_an_error_that_several_share_keeps_none_of_their_frames(system: System) -> None:
    waiting = [system.start("hangs.example") for _ in range(2)]
    until(lambda: system.asked, "a lookup")
    system.held.release()
    first, second = (each.get() for each in waiting)
    system.held.acquire()
    assert first is second
    frames = 0
    frame = first.__traceback__
    while frame is not None:
        frames, frame = frames + 1, frame.tb_next
    assert frames == 2


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("a.b.evil.com", "evil.com"),
        ("a.b.evil.co.uk", "evil.co.uk"),
        ("node.honest.co.uk.", "honest.co.uk"),
        ("node.example.de", "example.de"),
        ("localhost", "localhost"),
        ("x.com.au", "x.com.au"),
        ("a.b.c.com.au", "c.com.au"),
        ("a.b.info.de", "info.de"),
    ],
)
def test_names_below_a_public_suffix_are_of_several_owners(name: str, domain: str) -> None:
    assert resolve.domain_of(name) == domain


def test_a_name_whose_domain_has_all_of_its_turns_waits_for_one(system: System) -> None:
    waiting = [system.start(f"hangs{number}.bad.example") for number in range(resolve.PER_DOMAIN + 1)]
    until(lambda: len(system.asked) == resolve.PER_DOMAIN, "all that one domain gets")
    gevent.idle()
    assert not any(each.ready() for each in waiting)
    system.held.release()
    assert not [each for each in waiting if isinstance(each.get(), SshTimeout)]
    system.held.acquire()
    assert len(system.asked) == resolve.PER_DOMAIN + 1
