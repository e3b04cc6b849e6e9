"""What a socket is told of a log, and of one that is silent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ethpillar.errors import NOWHERE
from ethpillar.gateway import log_lines
from ethpillar.gateway.browser_log import BATCH_WINDOW, BrowserLog, Silence
from ethpillar.nodes.items import Item
from ethpillar.nodes.runs import Run
from ethpillar.web.ready import Ready, messages_in, ready_frame

SILENT = ("log_data", {"service": "execution", "line": ""})
LIVE = ("log_state", {"service": "execution", "state": "live"})


class Outbox:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def emit(self, name: str, payload: Any = None) -> None:
        self.sent.append((name, payload))

    def put(self, packets: Ready) -> None:
        self.sent += [message.decode() for message in messages_in(packets.data)]


def log(plain: bool = True, elsewhere: str | None = None, batched: bool = False) -> tuple[BrowserLog, list[Any]]:
    outbox: Any = Outbox()
    silence = Silence("execution", plain, lambda: elsewhere)
    made = BrowserLog(outbox, "execution.service", batched, lambda *_: None, silence)
    return made, outbox.sent


def item(manager: bool = False) -> Item:
    return Item("s=1", 1, ready_frame(b"a line"), manager=manager)


def test_a_silent_log_is_one_empty_line_once() -> None:
    sink, sent = log()
    for state in ("live", "reconnecting", "live"):
        sink.state(state, {})
    assert [each for each in sent if each[0] == "log_data"] == [SILENT]
    assert sent[:2] == [LIVE, SILENT]


@pytest.mark.parametrize("manager", [False, True])
def test_a_log_with_lines_is_not_silent(manager: bool) -> None:
    sink, sent = log()
    sink.lines(Run([item(manager)]))
    sink.state("live", {})
    assert sent == ["a line", LIVE]


def test_old_lines_of_a_node_that_keeps_no_journal_are_told_as_that() -> None:
    sink, sent = log(elsewhere=NOWHERE)
    sink.lines(Run([item()]))
    for state in ("live", "reconnecting", "live"):
        sink.state(state, {})
    (error,) = [payload for name, payload in (each for each in sent if isinstance(each, tuple)) if name == "error"]
    assert error["code"] == "log_elsewhere"
    assert "Storage=none" in error["hint"]


@pytest.mark.parametrize("batched", [False, True])
def test_who_uses_an_option_is_told_by_the_state_alone(batched: bool) -> None:
    sink, sent = log(plain=False, batched=batched)
    sink.state("live", {})
    assert sent == [LIVE]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("systemd", [False, True])
def test_output_that_goes_elsewhere_is_told_unless_lines_have_come(plain: bool, systemd: bool) -> None:
    sink, sent = log(plain, "append")
    if systemd:
        sink.lines(Run([item(manager=True)]))
    for state in ("live", "live"):
        sink.state(state, {})
    errors = [payload for name, payload in (each for each in sent if isinstance(each, tuple)) if name == "error"]
    assert [each["code"] for each in errors] == ["log_elsewhere"]
    assert "execution" in errors[0]["message"]
    assert "append" in errors[0]["hint"]
    assert SILENT not in sent
    sink, sent = log(plain, "append")
    sink.lines(Run([item(manager=True), item()]))
    sink.state("live", {})
    assert [each[0] for each in sent if isinstance(each, tuple)] == ["log_state"]


def of_boot(number: int, boot: str, texts: int = 1) -> Item:
    frames = [ready_frame(b'2["log_data",{"line":"%d.%d"}]' % (number, each)) for each in range(texts)]
    return Item(f"s=a;i={number};b={boot * 32};m=1;t=2;x=3", 1, b"".join(frames), texts)


def test_the_first_line_and_each_first_of_another_boot_say_the_boot() -> None:
    shared = [
        Run([of_boot(0, "a"), of_boot(1, "a")]),
        Run([of_boot(2, "a"), of_boot(3, "b", 2)]),
        Run([of_boot(4, "b")]),
        Run([of_boot(5, "c")]),
    ]
    for first in (0, 1, 3):  # subscribers that begin at different places have the same runs
        sink, sent = log()
        for run in shared[first:]:
            sink.lines(run)
        payloads = [json.loads(message[1:])[1] for message in sent]
        boots = {each["line"]: each["boot"] for each in payloads if "boot" in each}
        begins = {0: {"0.0": "a" * 8}, 1: {"2.0": "a" * 8}, 3: {}}[first]
        then = {"3.0": "b" * 8} if first < 3 else {}
        assert boots == {**begins, **then, "5.0": "c" * 8}


def test_lines_without_a_boot_are_as_they_are() -> None:
    sink, sent = log()
    sink.lines(Run([item(), of_boot(1, "a"), item()]))
    assert [("boot" in message) for message in sent] == [False, True, False]


class Kept:
    """An outbox that keeps what is put into it."""

    def __init__(self) -> None:
        self.packets: list[Ready] = []
        self.put = self.packets.append


def log_into(outbox: Any, batch: bool) -> BrowserLog:
    silence = Silence("execution", False, lambda: None)
    return BrowserLog(outbox, "execution.service", batch, lambda *_: None, silence)


def items(count: int, lines: int = 1) -> Run:
    frames = [ready_frame(b'2["log_data",{"line":"%d"}]' % number) * lines for number in range(count)]
    return Run(Item(str(number), number, data, lines) for number, data in enumerate(frames))


@pytest.mark.parametrize("batch", [False, True])
def test_a_run_is_encoded_once_for_all_who_send_the_same(batch: bool) -> None:
    outbox: Any = Kept()
    logs = [log_into(outbox, batch) for _ in range(2)]
    run = items(3)
    for each in (*logs, log_into(outbox, not batch)):
        each.lines(run)
    first, second, other = outbox.packets
    assert first is second
    assert first.data != other.data
    texts = [message.decode() for message in messages_in(first.data)]
    if batch:
        assert texts == ['2["log_batch",{"service":"execution","entries":[{"line":"0"},{"line":"1"},{"line":"2"}]}]']
    else:
        assert texts == [f'2["log_data",{{"line":"{number}"}}]' for number in range(3)]
    assert first.count == len(texts)


def test_a_batch_has_at_most_500_lines() -> None:
    outbox: Any = Kept()
    log_into(outbox, True).lines(items(4, lines=300))
    (packets,) = outbox.packets
    assert [message.count(b"line") for message in messages_in(packets.data)] == [
        log_lines.MAX_BATCH,
        log_lines.MAX_BATCH,
        200,
    ]
    assert packets.count == 3


def test_a_log_whose_unit_prints_elsewhere_by_now_is_told_once_until_it_prints_here_again() -> None:
    sink, sent = log()
    sink.lines(Run([item()]))
    sink.state("live", {})
    for where in ("null", "null", "file", NOWHERE, NOWHERE):
        sink.elsewhere(where)
    told = [each for each in sent if each[0] == "error"]
    assert [each[1]["code"] for each in told] == ["log_elsewhere"] * 3
    assert ["StandardOutput=null" in told[0][1]["hint"], "Storage=none" in told[2][1]["hint"]] == [True, True]
    sink.lines(Run([item(manager=True)]))
    sink.elsewhere(NOWHERE)
    assert len([each for each in sent if each[0] == "error"]) == 3
    sink.lines(Run([item()]))
    sink.elsewhere(NOWHERE)
    assert len([each for each in sent if each[0] == "error"]) == 4


def test_what_was_told_at_the_beginning_is_not_told_again() -> None:
    sink, sent = log(elsewhere="null")
    sink.state("live", {})
    sink.elsewhere("null")
    assert len([each for each in sent if each[0] == "error"]) == 1


def test_lines_are_gathered_only_for_a_subscriber_to_batches() -> None:
    assert log(batched=True)[0].window == BATCH_WINDOW
    assert log()[0].window == 0.0
