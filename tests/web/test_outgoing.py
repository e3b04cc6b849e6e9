"""The queue of what is sent to a client: paused above the high mark, resumed below the low one, and never looked at."""

from __future__ import annotations

import gevent
import greenlet
import pytest
from engineio.packet import MESSAGE, NOOP, PING, Packet
from gevent.queue import Empty
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.ledger import GRAIN
from ethpillar.web.frames import BINARY, TEXT, server_frame
from ethpillar.web.outgoing import HIGH_BYTES, HIGH_PACKETS, LOW_PACKETS, OutgoingQueue
from ethpillar.web.ready import Ready, ready_frame


def packet(text: str = "x") -> Packet:
    return Packet(MESSAGE, data=text)


def full() -> OutgoingQueue:
    queue = OutgoingQueue()
    for _ in range(HIGH_PACKETS + 1):
        queue.put(packet())
    assert not queue.ready
    return queue


def take(queue: OutgoingQueue, count: int) -> None:
    for _ in range(count):
        queue.get()


def test_it_is_a_queue() -> None:
    queue = OutgoingQueue()
    packets = [packet(str(number)) for number in range(3)]
    for each in packets:
        queue.put(each)
    assert [queue.get() for _ in packets] == packets
    with pytest.raises(Empty):
        queue.get(block=False)
    waiting = [gevent.spawn(queue.get) for _ in range(2)]
    gevent.sleep(0)
    for each in packets[:2]:
        queue.put(each)
    gevent.joinall(waiting)
    assert {each.value for each in waiting} == set(packets[:2])
    assert queue.weight == 0


def test_as_many_packets_as_the_high_mark_are_fine_and_one_more_is_too_many() -> None:
    queue = OutgoingQueue()
    for _ in range(HIGH_PACKETS):
        queue.put(packet())
        assert queue.ready
    queue.put(packet())
    assert not queue.ready


def test_it_is_ready_again_at_the_low_mark_and_not_before() -> None:
    queue = full()
    take(queue, HIGH_PACKETS - LOW_PACKETS)
    assert not queue.ready
    take(queue, 1)
    assert queue.ready
    queue.put(packet())
    assert queue.ready  # until the high mark is passed again


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u20ac", "\U0001f600"])
def test_bytes_count_and_not_characters(character: str) -> None:
    queue = OutgoingQueue()
    size = len(character.encode("utf-32-le")) if ord(character) > 0xFFFF else 1 + (ord(character) > 0xFF)
    for _ in range(4):
        queue.put(packet(character * (HIGH_BYTES // 4 // size - 100)))
        assert queue.ready
    queue.put(packet(character * 500))
    assert not queue.ready
    take(queue, 3)
    assert not queue.ready  # a quarter, and some
    take(queue, 1)
    assert queue.ready
    take(queue, 1)
    assert queue.weight == 0


def test_a_packet_without_text_is_counted_as_well() -> None:
    queue = OutgoingQueue()
    queue.put(Packet(NOOP))
    assert queue.weight > 0
    take(queue, 1)
    assert queue.weight == 0


def test_whoever_waits_is_woken_when_it_drains() -> None:
    queue = full()
    waiting = [gevent.spawn(queue.wait_ready) for _ in range(3)]
    gevent.sleep(0)
    assert queue.wait_ready(0.001) is False
    take(queue, HIGH_PACKETS)
    gevent.joinall(waiting)
    assert [each.value for each in waiting] == [True] * 3
    assert queue.wait_ready() is True


def test_a_client_that_is_gone_holds_nobody_up() -> None:
    queue = full()
    waiting = gevent.spawn(queue.wait_ready)
    called: list[int] = []
    queue.when_ready(lambda: called.append(1))
    gevent.sleep(0)
    queue.put(None)
    assert waiting.get() is True
    assert called == [1]
    for _ in range(2 * HIGH_PACKETS):
        queue.put(packet())
    assert queue.ready


def test_it_calls_back_once() -> None:
    queue = full()
    called: list[str] = []

    def call() -> None:
        called.append("called")

    queue.when_ready(call)
    queue.when_ready(call)
    assert called == []
    take(queue, HIGH_PACKETS)
    assert called == ["called"]
    take(queue, 1)
    assert called == ["called"]
    queue.when_ready(call)
    assert called == ["called"] * 2


def test_a_frozen_client_costs_nothing_while_it_is_frozen() -> None:
    queue = full()
    waiting = [gevent.spawn(queue.wait_ready) for _ in range(20)]
    gevent.sleep(0)
    switches = 0

    def count(event: str, arguments: tuple[greenlet.greenlet, greenlet.greenlet]) -> None:
        nonlocal switches
        switches += event == "switch" and arguments[1] in waiting

    before = greenlet.settrace(count)
    try:
        for _ in range(50):
            gevent.sleep(0.002)
    finally:
        greenlet.settrace(before)
    assert switches == 0
    queue.put(None)
    gevent.joinall(waiting)


@given(st.lists(st.sampled_from(["put", "big", "get", "end"]), max_size=200))
def test_its_weight_is_that_of_what_is_in_it(steps: list[str]) -> None:
    queue, inside = OutgoingQueue(), 0
    for step in steps:
        if step == "get":
            if inside:
                queue.get()
                inside -= 1
        else:
            queue.put(None if step == "end" else packet("\U0001f600" * (20_000 if step == "big" else 1)))
            inside += 1
        assert queue.qsize() == inside
        assert (queue.weight == 0) <= (inside == 0 or "end" in steps)
        if queue.weight > HIGH_BYTES and "end" not in steps:
            assert not queue.ready
        if inside == 0:
            assert queue.ready
            assert queue.weight == 0


def test_whoever_waits_for_a_packet_gets_one_or_hears_that_there_is_none() -> None:
    queue = OutgoingQueue()
    with pytest.raises(Empty):
        queue.get(timeout=0.001)
    first, second = (gevent.spawn(queue.get, timeout=0.05) for _ in range(2))
    gevent.sleep(0)
    queue.put(packet())
    for waiting in (first, second):
        waiting.join()
    got = [each.value for each in (first, second) if each.successful()]
    assert len(got) == 1  # and the other one has waited in vain


class Writer:
    """Takes what it is offered but for so many bytes; None: nothing."""

    def __init__(self, leaves: int | None = 0) -> None:
        self.leaves = leaves
        self.running = False
        self.written: list[bytes] = []
        self.started = 0

    def offer(self, frames: bytes) -> int | None:
        if self.leaves is not None:
            self.written.append(frames)
        return self.leaves

    def start(self) -> None:
        self.started += 1


def test_what_finds_nothing_before_it_is_written_at_once() -> None:
    queue, writer = OutgoingQueue(), Writer()
    queue.put(packet("early"))  # before there is a WebSocket
    queue.writer = writer
    queue.put(packet("not before it"))
    assert (writer.written, writer.started) == ([], 1)
    assert [queue.get().data for _ in range(2)] == ["early", "not before it"]
    for each in (packet("event"), Packet(PING), Ready(ready_frame(b"a") + ready_frame(b"b"), 2), Packet(MESSAGE, b"x")):
        queue.put(each)
    frames = [server_frame(TEXT, b"4event"), server_frame(TEXT, b"2"), ready_frame(b"a") + ready_frame(b"b")]
    assert writer.written == [*frames, server_frame(BINARY, b"x")]
    assert queue.empty()
    assert writer.started == 1
    writer.running = True  # it took something, and may be in the middle of it
    queue.put(packet("later"))
    assert len(writer.written) == 4
    assert queue.get().data == "later"


def test_what_a_slow_client_leaves_comes_before_all_else() -> None:
    queue, writer = OutgoingQueue(), Writer(leaves=5)
    queue.writer = writer
    queue.put(packet("more than there is room for"))
    assert (queue.weight, writer.started) == (5, 1)
    queue.put(packet("after it"))
    assert len(writer.written) == 1
    rest = queue.get()
    assert (rest.data, rest.count) == (b"", 1)  # a WebSocket writes first what it has left
    assert queue.get().data == "after it"


@pytest.mark.parametrize("each", [packet(), Ready(ready_frame(b"a"), 1)])
def test_what_can_not_be_written_at_once_waits_for_its_writer(each: Packet | Ready) -> None:
    queue, writer = OutgoingQueue(), Writer(leaves=None)
    queue.writer = writer
    queue.put(each)
    assert queue.weight > 0
    assert writer.started == 1
    assert queue.get() is each


def test_the_end_is_left_to_the_writer() -> None:
    queue, writer = OutgoingQueue(), Writer()
    queue.writer = writer
    queue.put(None)
    assert (writer.written, writer.started) == ([], 1)
    assert queue.get() is None


def test_one_that_waits_and_is_stopped_takes_nothing() -> None:
    queue = OutgoingQueue()
    waiting = gevent.spawn(queue.get)
    gevent.sleep(0)
    waiting.kill()
    queue.put(packet("kept"))
    assert queue.get(timeout=5).data == "kept"


def test_all_is_taken_or_the_session_has_ended_or_the_time_is_up() -> None:
    queue = OutgoingQueue()
    queue.join()
    for _ in range(2):
        queue.put(packet())
    queue.join(0.001)
    joining = gevent.spawn(queue.join)
    gevent.sleep(0)
    take(queue, 1)
    gevent.sleep(0)
    assert not joining.dead
    take(queue, 1)
    joining.get(timeout=5)
    queue.put(packet())
    joining = gevent.spawn(queue.join)
    gevent.sleep(0)
    queue.put(None)
    joining.get(timeout=5)
    queue.join()
    assert not queue.empty()


def test_the_bytes_of_what_is_queued_are_counted_until_it_is_taken() -> None:
    queue = OutgoingQueue()
    queue.put(packet("x" * 2 * GRAIN))
    assert queue.account.held == queue.weight > 2 * GRAIN
    queue.get()
    assert queue.account.held == queue.weight == 0
    queue.put(None)  # the end of a session weighs nothing
    assert queue.account.held == queue.weight == 0
