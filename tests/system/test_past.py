"""The past over the wire: pages, searches and histograms, on the real parts."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ..waiting import until
from .conftest import EXECUTION, World

VALIDATOR = "validator.service"
HEAD = "[09-12|08:15:01.004]"


def fill(world: World, count: int) -> None:
    """Numbered lines of two units, interleaved; every tenth of Geth's is an error with a stack trace."""
    base = time.time_ns() // 1000 + 1_000_000
    for begin in range(0, count, 10):
        lines = [f"INFO {HEAD} Imported block number={number}" for number in range(begin, begin + 9)]
        lines += [f"ERROR{HEAD} Bad block number={begin + 9} peer=203.0.113.{begin % 250}", "\tat org.a.B.c(B.java:1)"]
        world.node.append_many(EXECUTION, lines, base + begin * 100)
        more = [
            f"Sep 12 08:15:11.000 INFO Published attestation                    slot: {number}"
            for number in range(begin, begin + 10)
        ]
        world.node.append_many(VALIDATOR, more, base + begin * 100 + 50)


def ask(socket: Any, **payload: Any) -> dict[str, Any]:
    answer: dict[str, Any] = socket.call("read_logs", payload)
    assert answer["ok"], answer
    return answer


def numbers(answer: dict[str, Any]) -> list[str]:
    return [each["fields"].get("number") or each["fields"].get("slot") or each["line"] for each in answer["entries"]]


def bare(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries without `boot`, which depends on where their page begins."""
    return [{key: value for key, value in each.items() if key != "boot"} for each in entries]


def walk(socket: Any, way: str, **payload: Any) -> list[dict[str, Any]]:
    """All entries there are, page by page, in their order."""
    found: list[dict[str, Any]] = []
    answer = ask(socket, **payload)
    for _ in range(1000):
        page = bare(answer["entries"])
        found = page + found if way == "before" else found + page
        if not answer["more"]:
            return found
        answer = ask(socket, **{**payload, way: answer[way]})
    raise AssertionError("it never ends")


def test_page_by_page_each_line_comes_once_and_in_order(world: World) -> None:
    fill(world, 600)
    socket = world.enter()
    back = walk(socket, "before", services=["execution", "validator"], limit=97)
    assert len(back) == 600 + 60 + 600
    assert len({each["cursor"] for each in back}) == len(back)
    for service, key in (("execution", "number"), ("validator", "slot")):
        told = [each["fields"][key] for each in back if each["service"] == service and key in each["fields"]]
        assert told == [str(number) for number in range(600)]
    oldest = ask(socket, services=["execution", "validator"], since=0, until="2027-01-01", limit=1)
    assert bare(oldest["entries"]) == back[-1:]
    forth = walk(socket, "after", services=["execution", "validator"], limit=97, after=back[0]["cursor"])
    assert forth == back[1:]
    until(lambda: world.remote() == 0, "the end of what read the last page")


def test_a_search_has_whole_blocks_and_the_way_on(world: World) -> None:
    fill(world, 3000)
    socket = world.enter()
    answer = ask(socket, service="execution", level="error", limit=10)
    assert [each.get("continuation", False) for each in answer["entries"]] == [False, True] * 5
    assert answer["scanned"]["entries"] >= 10
    words = ask(socket, service="execution", match="bad BLOCK number=9", limit=1000)
    told = [line for line in numbers(words) if line.isdigit()]
    assert told == ["9", "99", *map(str, range(909, 1000, 10))]
    pattern = ask(socket, services=["execution", "validator"], match=r"/number=\d7\b|slot: 33$/", limit=1000)
    told = sorted({number for number in numbers(pattern) if number.isdigit()}, key=int)
    assert told == ["17", "27", "33", "37", "47", "57", "67", "77", "87", "97"]
    slot = ask(socket, service="validator", eth={"slot": 1234})
    assert numbers(slot) == ["1234"]
    epoch = ask(socket, service="validator", eth={"epoch": 2}, limit=100)
    assert numbers(epoch) == [str(number) for number in range(64, 96)]


def test_times_a_histogram_and_a_page_around_a_line(world: World) -> None:
    fill(world, 200)
    socket = world.enter()
    every = ask(socket, service="execution", limit=1000)["entries"]
    middle = every[100]
    around = ask(socket, service="execution", around=middle["cursor"], limit=20)
    assert bare(around["entries"]) == bare(every[90:110])
    part = ask(socket, service="execution", since=every[50]["timestamp"], until=every[59]["timestamp"])
    assert bare(part["entries"]) == bare(every[50:60])
    bars = ask(socket, service="execution", since=every[0]["timestamp"], until=every[-1]["timestamp"], counts=4)
    assert sum(lines for _, lines, _, _ in bars["counts"]) == len(every)
    assert sum(errors for _, _, _, errors in bars["counts"]) == 40  # a trace has its line's level


def test_a_masked_page_and_the_whole_journal(world: World) -> None:
    fill(world, 20)
    socket = world.enter()
    masked = ask(socket, service="execution", level="error", mask=True)
    assert "203.0.113." not in str(masked)
    assert "peer=ip-1" in masked["entries"][0]["line"]
    system = ask(socket, service="system", limit=1000)
    assert {each["service"] for each in system["entries"]} == {"system"}
    assert {"execution", "validator", "kernel", "init.scope"} >= {each["component"] for each in system["entries"]}


def test_what_cannot_be_answered_is_said_and_changes_nothing(world: World) -> None:
    socket = world.open()
    answer = socket.call("read_logs", {"service": "execution"})
    assert answer["error"]["code"] == "not_authenticated"
    socket = world.enter()
    bad = [{}, {"service": "execution", "match": "/(a/"}, {"service": "execution", "before": "s=zz"}]
    for payload in bad:
        assert socket.call("read_logs", payload)["error"]["code"] == "bad_request"
    assert ask(socket, service="never-seen")["entries"] == []
    world.node.set_access("none")
    other = world.enter()
    assert other.call("read_logs", {"service": "execution"})["error"]["code"] == "permission_denied"


def test_a_newer_search_of_the_same_id_ends_the_older(world: World) -> None:
    fill(world, 5000)
    socket = world.enter()
    older = [socket._clients.next_ack() for _ in range(3)]
    for number in older:
        payload = {"service": "execution", "match": f"nothing {number}", "id": "search"}
        socket._clients.send(op="emit", id=socket.id, event="read_logs", args=[payload], ack=number)
    assert ask(socket, service="execution", match="Imported", id="search")["entries"]
    answers = [until(lambda number=number: socket.acks.get(number), "an ack")[0] for number in older]
    codes = [answer["error"]["code"] for answer in answers if not answer["ok"]]
    assert set(codes) <= {"superseded"}


def test_sockets_that_go_leave_no_search_on_the_node(world: World) -> None:
    fill(world, 20_000)
    token = world.session()
    for round_ in range(20):
        socket = world.enter(token)
        socket.emit("read_logs", {"service": "execution", "match": f"nothing{round_}"})
        socket.close()
    until(lambda: world.remote() == 0 and world.remote("timeout") == 0, "the end of all searches")
    assert ask(world.enter(token), service="execution")["entries"]


def test_live_lines_go_on_beside_searches(world: World) -> None:
    fill(world, 20_000)
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "validator", "lines": 0})
    socket.wait("log_state", lambda told: told["state"] == "live")
    for word in ("one", "two", "three"):
        socket.emit("read_logs", {"service": "execution", "match": f"no-such-{word}"})
    for number in range(50):
        world.node.append(VALIDATOR, f"live {number}")
    until(lambda: len(socket.lines("validator")) == 50, "the live lines")
    assert socket.lines("validator") == [f"live {number}" for number in range(50)]


def test_where_the_node_was_restarted_is_told(world: World) -> None:
    world.node.append_many(EXECUTION, ["old one", "old two"])
    world.node.reboot()
    world.node.append_many(EXECUTION, ["new one", "new two"])
    socket = world.enter()
    whole = ask(socket, service="execution")["entries"]
    assert [(each["line"], "boot" in each) for each in whole] == [
        ("old one", True),
        ("old two", False),
        ("new one", True),
        ("new two", False),
    ]
    assert whole[0]["boot"] != whole[2]["boot"]
    page = ask(socket, service="execution", limit=1)
    assert page["entries"][0]["boot"] == whole[2]["boot"]  # on a page's first line always
    around = ask(socket, service="execution", around=whole[2]["cursor"])["entries"]
    assert [each.get("boot") for each in around] == [each.get("boot") for each in whole]


@pytest.mark.parametrize("options", [{}, {"batch": True}, {"services": True}, {"services": True, "batch": True}])
def test_a_live_log_tells_where_the_node_was_restarted(world: World, options: dict[str, Any]) -> None:
    world.node.append_many(EXECUTION, ["old one", "old two"])
    world.node.reboot()
    world.node.append_many(EXECUTION, ["new one", "new two"])
    socket = world.enter()
    whole = ask(socket, service="execution")["entries"]
    named = {"services": ["execution", "consensus"]} if options.get("services") else {"service": "execution"}
    socket.call("subscribe_logs", {**named, "lines": 10, **{key: options[key] for key in options if key == "batch"}})

    def seen() -> list[tuple[str, Any]]:
        batches = [batch["entries"] for batch in socket.events("log_batch")]
        lines = [each for batch in batches for each in batch] or socket.events("log_data")
        return [(each["line"], each.get("boot")) for each in lines if each["line"]]

    until(lambda: len(seen()) == 4, "the backlog")
    assert seen() == [(each["line"], each.get("boot")) for each in whole]
    world.node.append(EXECUTION, "and on")
    until(lambda: len(seen()) == 5, "the next line")
    expected = whole[2]["boot"] if options.get("batch") else None  # each batch begins with it
    assert seen()[-1] == ("and on", expected)
