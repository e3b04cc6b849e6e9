"""Several logs in one subscription: what a socket is sent of them, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import BadRequest, EthPillarError, LimitReached, LogElsewhere, UnitNotFound
from ethpillar.gateway import merged_log
from ethpillar.gateway.browser_logs import BrowserLogs, log_request
from ethpillar.gateway.turn import Turns
from ethpillar.nodes.catch_up import LogSink
from ethpillar.nodes.items import Item
from ethpillar.nodes.runs import Run
from ethpillar.web.ready import Ready, messages_in, ready_frame

from ..waiting import until

EXECUTION, VALIDATOR = "execution.service", "validator.service"


class Outbox:
    """Decodes what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.takes = Event()
        self.takes.set()

    def wait_ready(self, timeout: float | None = None) -> bool:
        return bool(self.takes.wait(timeout))

    def put(self, packets: Ready) -> None:
        for message in messages_in(packets.data):
            name, payload = json.loads(message[1:])
            self.sent.append((name, payload))

    def emit(self, name: str, payload: Any = None) -> None:
        self.sent.append((name, payload))

    def told(self, name: str) -> list[Any]:
        return [payload for each, payload in self.sent if each == name]

    def lines(self) -> list[str]:
        return [payload["line"] for payload in self.told("log_data")]


class Node:
    """Its feeds only remember who subscribed."""

    connected = True
    journal_drops: str | None = None

    def __init__(self) -> None:
        self.status = self
        self.output: dict[str, str] = {}
        self.sinks: dict[str, LogSink] = {}
        self.asked: dict[str, tuple[Any, ...]] = {}
        self.left: list[tuple[str, bool]] = []
        self.problems: dict[str, EthPillarError] = {}

    def check_unit(self, unit: str) -> None:
        if unit in self.problems:
            raise self.problems[unit]

    def known(self, unit: str) -> Any:
        return SimpleNamespace(output=self.output.get(unit))

    def log_feed(self, unit: str) -> Any:
        node = self

        class Feed:
            def subscribe(self, sink: LogSink, *options: Any) -> Any:
                node.sinks[unit] = sink
                node.asked[unit] = options
                return self

            def close(self, may_be_back: bool) -> None:
                node.left.append((unit, may_be_back))
                node.sinks.pop(unit, None)

        return Feed()


class Bench:
    """A socket's logs on a node, as a test drives them."""

    def __init__(self, most: int = 10) -> None:
        self.outbox = Outbox()
        self.node = Node()
        self.refused: list[EthPillarError] = []
        self.logs = BrowserLogs(self.outbox, Turns(), most, self.refused.append)  # type: ignore[arg-type]

    def subscribe(self, **payload: Any) -> None:
        self.logs.subscribe(log_request(payload), lambda: self.node)  # type: ignore[arg-type, return-value]

    def line(self, unit: str, when: int, text: str) -> None:
        data = json.dumps(["log_data", {"service": unit.removesuffix(".service"), "line": text}], separators=(",", ":"))
        self.node.sinks[unit].lines(Run([Item(f"t={when}", when, ready_frame(b"2" + data.encode()))]))

    def live(self) -> None:
        for sink in list(self.node.sinks.values()):
            sink.state("live", {})


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.logs.close()
    assert not made.node.sinks


def shows(bench: Bench, *lines: str) -> None:
    until(lambda: len(bench.outbox.lines()) >= len(lines), "the lines")
    assert bench.outbox.lines() == list(lines)


def test_backlogs_are_merged_by_time_and_each_is_live_behind_its_own(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"])
    for when, unit in ((1, EXECUTION), (4, EXECUTION), (2, VALIDATOR), (3, VALIDATOR)):
        bench.line(unit, when, f"{when}")
    bench.live()
    shows(bench, "1", "2", "3", "4")
    assert [name for name, _ in bench.outbox.sent] == [*["log_data"] * 3, "log_state", "log_data", "log_state"]
    assert [told["service"] for told in bench.outbox.told("log_state")] == ["validator", "execution"]


def test_a_batch_has_lines_of_several_services_and_says_of_which(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"], batch=True)
    bench.live()
    bench.line(VALIDATOR, 2, "second")
    bench.line(EXECUTION, 1, "first")
    until(lambda: bench.outbox.told("log_batch"), "the batch")
    entries = [
        {"service": "execution", "line": "first"},
        {"service": "validator", "line": "second"},
    ]
    assert bench.outbox.told("log_batch") == [{"services": ["execution", "validator"], "entries": entries}]


def test_one_that_fails_is_told_and_the_others_go_on(bench: Bench) -> None:
    bench.node.problems = {VALIDATOR: UnitNotFound("validator")}
    bench.subscribe(services=["execution", "validator"])
    assert [problem.payload()["service"] for problem in bench.refused] == ["validator"]
    bench.live()
    bench.line(EXECUTION, 1, "on")
    shows(bench, "on")
    bench.node.sinks.pop(EXECUTION).failed(LimitReached())
    until(lambda: bench.outbox.told("error"), "the error")
    assert bench.outbox.told("log_state")[-1] == {"service": "execution", "state": "ended", "reason": "limit_reached"}
    assert not [*bench.logs]


def test_one_whose_output_goes_elsewhere_is_told_in_its_place(bench: Bench) -> None:
    bench.node.output = {VALIDATOR: "append"}
    bench.subscribe(services=["execution", "validator"])
    bench.live()
    until(lambda: bench.outbox.told("error"), "the error")
    assert [name for name, _ in bench.outbox.sent] == ["log_state", "log_state", "error"]
    assert bench.outbox.told("error")[0]["code"] == "log_elsewhere"


def test_if_all_fail_the_last_problem_is_the_answer(bench: Bench) -> None:
    bench.node.problems = {VALIDATOR: UnitNotFound("validator"), EXECUTION: UnitNotFound("execution")}
    with pytest.raises(UnitNotFound):
        bench.subscribe(services=["execution", "validator"])
    assert len(bench.refused) == 1
    assert not [*bench.logs]


def test_those_beyond_the_limit_are_told_and_the_others_followed() -> None:
    bench = Bench(most=2)
    bench.subscribe(services=["execution", "consensus", "validator"])
    assert [problem.payload()["service"] for problem in bench.refused] == ["validator"]
    assert set(bench.node.sinks) == {EXECUTION, "consensus.service"}
    bench.logs.close()


def test_one_that_is_followed_already_stays_as_it_is(bench: Bench) -> None:
    bench.subscribe(service="execution")
    first = bench.node.sinks[EXECUTION]
    bench.subscribe(services=["execution", "validator", "validator"])
    bench.subscribe(services=["validator"])
    assert bench.node.sinks[EXECUTION] is first
    assert len(bench.node.sinks) == 2


def test_either_form_ends_it(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator", "consensus"])
    bench.line(EXECUTION, 1, "never")
    bench.logs.unsubscribe([EXECUTION])
    bench.live()
    bench.line(VALIDATOR, 2, "shown")
    shows(bench, "shown")
    bench.logs.unsubscribe([VALIDATOR, "consensus.service"])
    assert not [*bench.logs]


def test_a_log_is_told_whether_its_reader_may_be_back(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"])
    bench.logs.unsubscribe([EXECUTION])
    bench.logs.close()
    assert bench.node.left == [(EXECUTION, False), (VALIDATOR, True)]


def test_each_resumes_after_its_own_cursor(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"], after={"validator": "i=5"}, lines=7, lossless=False)
    assert bench.node.asked == {EXECUTION: (7, None, False), VALIDATOR: (7, "i=5", False)}


def test_a_slow_socket_makes_the_logs_wait(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"])
    bench.live()
    bench.outbox.takes.clear()
    bench.line(EXECUTION, 1, "x" * merged_log.KEPT)
    sinks = bench.node.sinks
    assert not sinks[EXECUTION].wait_ready(0.01)
    assert sinks[VALIDATOR].wait_ready(0.01)
    waiting = gevent.spawn(sinks[EXECUTION].wait_ready)
    bench.outbox.takes.set()
    assert waiting.get(timeout=20)


@pytest.mark.parametrize(
    "payload",
    [
        {"services": []},
        {"services": "execution"},
        {"services": ["execution", 7]},
        {"services": ["execution", "a*"]},
        {"services": [f"s{number}" for number in range(33)]},
        {"services": ["execution"], "after": "i=5"},
        {"services": ["execution"], "after": {"validator": "i=5"}},
        {"services": ["execution"], "after": {"execution": "\n"}},
        {"services": ["execution"], "after": {"execution": 5}},
        {"service": "execution", "after": {"execution": "i=5"}},
        {},
    ],
    ids=str,
)
def test_what_is_not_in_the_contract_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        log_request(payload)


def test_a_log_that_was_closed_sends_nothing_more(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"])
    sinks: list[LogSink] = list(bench.node.sinks.values())
    bench.line(EXECUTION, 1, "before")
    bench.logs.close()
    for sink in sinks:
        sink.lines([Item("t=1", 1, ('2["log_data",{"line":"late"}]',))])
        sink.state("live", {})
        assert sink.wait_ready()
    bench.subscribe(services=["execution"])
    bench.line(EXECUTION, 1, "anew")
    bench.live()
    shows(bench, "anew")


def test_nothing_is_sent_to_a_socket_that_does_not_keep_up(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"])
    bench.live()
    until(lambda: len(bench.outbox.told("log_state")) == 2, "both")
    bench.outbox.takes.clear()
    for when, unit in ((1, EXECUTION), (2, VALIDATOR)):
        bench.line(unit, when, f"{when}")
    bench.live()
    gevent.idle()
    assert not bench.outbox.lines()
    bench.outbox.takes.set()
    shows(bench, "1", "2")


def test_a_unit_that_begins_to_print_elsewhere_is_told_once_and_in_its_place(bench: Bench) -> None:
    bench.subscribe(services=["execution", "validator"])
    bench.live()
    bench.line(EXECUTION, 1, "1")
    for _ in range(2):
        bench.node.sinks[EXECUTION].elsewhere("file:/var/log/geth.log")
    until(lambda: bench.outbox.told("error"), "the word")
    gevent.idle()
    (error,) = bench.outbox.told("error")
    assert error["code"] == LogElsewhere.code
    assert bench.outbox.sent[-1] == ("error", error)
    assert bench.outbox.lines() == ["1"]
