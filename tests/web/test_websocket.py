"""WebSocket frames from nobody we know."""

import io
import random
import socket as sockets
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
import pytest
from engineio.packet import MESSAGE, Packet
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web import websocket as websocket_module
from ethpillar.web.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocketError
from ethpillar.web.options import WebOptions
from ethpillar.web.origins import Origins
from ethpillar.web.outgoing import OutgoingQueue
from ethpillar.web.ready import Ready, ready_frame
from ethpillar.web.transport import Writer
from ethpillar.web.websocket import DISCARDED, EXTRA_BURST, FRAGMENTS, RUN, WebSocket

from ..frames import frame
from ..waiting import until

LIMIT = 1000
OVERSIZED = "too large"
OPTIONS = WebOptions(Origins(()), LIMIT, 20, (), OVERSIZED)


class Stream:
    """Bytes from a client; what is written back is kept."""

    def __init__(self, data: bytes) -> None:
        self.source = io.BytesIO(data)
        self.written = b""
        self.largest = 0

    def read(self, count: int) -> bytes:
        self.largest = max(self.largest, count)
        return self.source.read(count)

    def send(self, data: bytes) -> int:
        """Takes no more than the kernel may take of a client that is slow."""
        some = bytes(data[:1000])
        self.written += some
        return len(some)

    def shutdown(self, _how: int) -> None:
        """The connection is cut."""


def websocket(stream: Any) -> WebSocket:
    return WebSocket(stream, stream.read, OPTIONS)


def received(data: bytes) -> tuple[list[Any], Stream]:
    stream = Stream(data)
    socket = WebSocket(stream, stream.read, OPTIONS)
    messages: list[Any] = []
    while not socket.closed:
        message = socket.receive()
        if message is None:
            break
        messages.append(message)
    return messages, stream


@given(st.lists(st.text(max_size=100), max_size=5))
def test_messages(texts: list[str]) -> None:
    assert received(b"".join(frame(TEXT, text.encode()) for text in texts))[0] == texts


def test_fragments_with_a_ping_between() -> None:
    data = frame(TEXT, b"he", fin=False) + frame(PING, b"?") + frame(CONTINUATION, b"llo")
    messages, stream = received(data)
    assert messages == ["hello"]
    assert stream.written.startswith(b"\x8a\x01?")


def test_binary() -> None:
    assert received(frame(BINARY, b"\x00\xff"))[0] == [b"\x00\xff"]


def test_a_message_too_large_is_discarded_unseen_and_the_next_is_read() -> None:
    messages, stream = received(frame(TEXT, b"x" * 300_000) + frame(TEXT, b"next"))
    assert messages == [OVERSIZED, "next"]
    assert stream.largest <= 64 * 1024


@pytest.mark.parametrize("kept", [8, 500, 1500])
def test_a_message_too_large_that_is_cut_off_ends_the_connection(kept: int) -> None:
    messages, stream = received(frame(TEXT, b"x" * 2000)[:kept])
    assert messages == []
    assert stream.written == b"\x88\x02\x03\xe8"  # 1000


def test_a_message_may_have_as_many_bytes_as_the_limit_says() -> None:
    assert received(frame(TEXT, b"x" * LIMIT) + frame(TEXT, b"x" * (LIMIT + 1)))[0] == ["x" * LIMIT, OVERSIZED]


def test_the_bytes_of_a_message_that_comes_in_are_counted_until_it_is_whole() -> None:
    held: list[int] = []
    stream = Stream(frame(TEXT, b"abc", fin=False) + frame(CONTINUATION, b"defg"))
    assert WebSocket(stream, stream.read, OPTIONS, hold=held.append).receive() == "abcdefg"
    assert held == [3, 7, 0]


@pytest.mark.parametrize(("message", "opcode"), [("text \xe9", TEXT), (b"\x00\xff", BINARY)])
def test_a_message_is_sent_as_what_it_is(message: str | bytes, opcode: int) -> None:
    stream = Stream(b"")
    websocket(stream).send(message)
    assert stream.written == frame(opcode, message.encode() if isinstance(message, str) else message, key=None)


def test_fragments_are_counted_together() -> None:
    data = frame(TEXT, b"x" * 600, fin=False) + frame(CONTINUATION, b"x" * 600) + frame(TEXT, b"next")
    assert received(data)[0] == [OVERSIZED, "next"]


@pytest.mark.parametrize(
    ("start", "endless", "most"),
    [
        (b"", frame(PING, b""), EXTRA_BURST),
        (b"", frame(PONG, b""), EXTRA_BURST),
        (frame(TEXT, b"", fin=False), frame(CONTINUATION, b"", fin=False), FRAGMENTS),
        (frame(BINARY, b"x" * LIMIT * 2, fin=False), frame(CONTINUATION, b"", fin=False), FRAGMENTS),
        (frame(TEXT, b"a", fin=False), frame(PING, b"") + frame(CONTINUATION, b"", fin=False), FRAGMENTS),
    ],
)
def test_frames_that_never_become_a_message(start: bytes, endless: bytes, most: int) -> None:
    messages, stream = received(start + endless * (2 * most) + frame(CONTINUATION, b"") + frame(TEXT, b"next"))
    assert messages == []
    assert stream.written.endswith(b"\x88\x02\x03\xf0")  # 1008
    assert len(stream.written) <= 3 * most


def test_a_message_in_many_pieces_and_pings_now_and_then_are_fine() -> None:
    pieces = frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"x", fin=False) * (FRAGMENTS - 2)
    assert received(pieces + frame(PING, b"") * 100 + frame(CONTINUATION, b"y"))[0] == ["x" * (FRAGMENTS - 2) + "y"]


def test_each_frame_is_paid_for() -> None:
    paid: list[Any] = []
    data = frame(PING, b"") + frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(TEXT, b"c")
    stream = Stream(data)
    socket = WebSocket(stream, stream.read, OPTIONS, pace=paid.append)
    assert socket.receive() == "ab"
    socket.session = lambda: ("session",)
    assert socket.receive() == "c"
    assert paid == [(), (), (), ("session",)]


def test_a_header_that_names_too_much_ends_the_connection_before_anything_is_read() -> None:
    messages, stream = received(frame(TEXT, b"", length=DISCARDED + 1))
    assert messages == []
    assert stream.largest <= 8
    assert stream.written == b"\x88\x02\x03\xf1"  # 1009


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(CONTINUATION, b"x"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(BINARY, b"b"), 1002),
        *((frame(opcode, b"x"), 1002) for opcode in (3, 7, 11, 12, 15)),
        (frame(TEXT, b"x", key=None), 1002),
        (frame(PING, b"x", key=None), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(TEXT, b"x", flags=4), 1002),
        (frame(PING, b"x", flags=1), 1002),
        (frame(CLOSE, b""), 1000),
        (frame(CLOSE, b"\x03\xe8bye"), 1000),
    ],
)
def test_what_ends_a_connection(data: bytes, code: int) -> None:
    stream = Stream(frame(TEXT, b"before") + data + frame(TEXT, b"after"))
    socket = websocket(stream)
    assert socket.receive() == "before"
    assert socket.receive() is None
    assert socket.closed
    assert stream.written == b"\x88\x02" + code.to_bytes(2, "big")


@pytest.mark.parametrize("data", [frame(TEXT, b"cut off")[:-2], frame(TEXT, b"cut off")[:3], b"\x81", b""])
def test_a_connection_that_ends_in_a_frame(data: bytes) -> None:
    assert received(frame(TEXT, b"before") + data)[0] == ["before"]


@given(st.binary(max_size=2000))
def test_any_bytes_are_messages_or_the_end(data: bytes) -> None:
    messages, stream = received(data)
    assert all(len(message) <= LIMIT for message in messages)
    assert stream.largest <= 64 * 1024


def test_who_has_much_to_write_lets_others_have_their_turn() -> None:
    socket, turns = websocket(Stream(b"")), []

    def other() -> None:
        while True:
            turns.append(None)
            gevent.sleep(0)

    greenlet = gevent.spawn(other)
    for _ in range(RUN * 10):
        socket.send("x")
    greenlet.kill()
    assert len(turns) >= 9


def test_a_closed_socket_cannot_be_written_to() -> None:
    socket = websocket(Stream(b""))
    socket.close()
    socket.close()
    with pytest.raises(WebSocketError):
        socket.send("x")
    with pytest.raises(WebSocketError):
        socket.receive()


class Pair:
    """A WebSocket on a real connection, and the client at its other end."""

    def __init__(self, first_within: float = 20) -> None:
        self.client, server = gevent.socket.socketpair()
        self.client.settimeout(5)
        options = WebOptions(Origins(()), LIMIT, first_within, (), OVERSIZED)
        self.file = server.makefile("rb")
        self.socket = WebSocket(server, self.file.read, options)

    def fill(self) -> Any:
        """Sends more than the connection takes, so that the writer waits for the client."""
        self.client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        writer = gevent.spawn(self.socket.send, "x" * SLOW)
        gevent.idle()
        assert not writer.dead
        return writer

    def take(self, count: int) -> bytes:
        found = b""
        while len(found) < count and (data := self.client.recv(1 << 20)):
            found += data
        return found


SLOW = 8 << 20
SLOW_FRAME = 10 + SLOW


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.client.close()
    made.socket.socket.close()


def test_a_client_that_pings_while_it_is_slow_goes_on(pair: Pair) -> None:
    writer = pair.fill()
    for number in range(3):
        pair.client.sendall(frame(PING, b"%d" % number))
    pair.client.sendall(frame(TEXT, b"hello"))
    assert pair.socket.receive() == "hello"
    assert not writer.dead
    taken = pair.take(SLOW_FRAME + 3)
    writer.get()
    assert taken[SLOW_FRAME:] == b"\x8a\x012"  # the newest ping's pong, after the whole of the frame
    pair.socket.send("more")
    assert pair.take(6) == b"\x81\x04more"
    assert not pair.socket.closed


def test_a_close_while_the_client_is_slow_comes_after_the_frame(pair: Pair) -> None:
    writer = pair.fill()
    pair.socket.close(1001)
    pair.socket.close(1002)
    assert pair.take(SLOW_FRAME + 4)[SLOW_FRAME:] == b"\x88\x02\x03\xe9"
    writer.get()


def test_a_ping_after_the_close_does_not_push_the_close_frame_aside(pair: Pair) -> None:
    writer = pair.fill()
    pair.client.sendall(frame(PING, b"x"))
    reader = gevent.spawn(pair.socket.receive)
    pair.socket.close(1001)
    gevent.idle()
    assert pair.take(SLOW_FRAME + 4)[SLOW_FRAME:] == b"\x88\x02\x03\xe9"
    writer.get()
    reader.kill()


def test_several_who_send_at_once_send_whole_frames(pair: Pair) -> None:
    writer = pair.fill()
    others = [gevent.spawn(pair.socket.send, text) for text in ("one", "two")]
    gevent.sleep(0)
    rest = pair.take(SLOW_FRAME + 10)[SLOW_FRAME:]
    gevent.joinall([writer, *others], raise_error=True)
    assert sorted([rest[:5], rest[5:]]) == [b"\x81\x03one", b"\x81\x03two"]


def test_a_client_that_does_not_answer_a_close_frame_is_hung_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "CLOSING", 0.01)
    reader = gevent.spawn(pair.socket.receive)
    gevent.sleep(0)
    pair.socket.close()
    assert reader.get(timeout=5) is None
    assert pair.take(5) == b"\x88\x02\x03\xe8"


def test_a_writer_that_is_stopped_in_a_frame_ends_the_connection(pair: Pair) -> None:
    writer = pair.fill()
    writer.kill()
    with pytest.raises(WebSocketError):
        pair.socket.send("more")
    assert len(pair.take(SLOW_FRAME)) < SLOW_FRAME  # and then its end


def test_a_client_that_is_gone_ends_writer_and_reader(pair: Pair) -> None:
    reader = gevent.spawn(pair.socket.receive)
    gevent.sleep(0)
    pair.client.shutdown(sockets.SHUT_RDWR)
    pair.client.close()
    with pytest.raises(WebSocketError):  # noqa: PT012
        for _ in range(3):
            pair.socket.send("x")
    assert reader.get(timeout=5) is None


def test_the_first_message_has_to_come_in_time_and_the_next_ones_have_not() -> None:
    late = Pair(first_within=0.01)
    assert late.socket.receive() is None
    assert late.socket.closed
    early = Pair()
    early.client.sendall(frame(TEXT, b"first"))
    assert early.socket.receive() == "first"
    early.socket._first_within = early.socket._first_within and 0.01  # a deadline that is still set would end it
    gevent.spawn_later(0.05, early.client.sendall, frame(TEXT, b"second"))
    assert early.socket.receive() == "second"


def test_a_run_of_frames_is_written_as_it_is() -> None:
    frames = b"".join(ready_frame(b"message %d" % number) for number in range(500))
    stream = Stream(b"")
    websocket(stream).send(Ready(frames, 500))
    assert stream.written == frames


def writer_of(pair: Pair, queue: OutgoingQueue) -> Writer:
    writer = queue.writer = Writer(queue, pair.socket)
    return writer


def test_what_there_is_room_for_is_written_without_another_greenlet(pair: Pair) -> None:
    queue = OutgoingQueue()
    writer = writer_of(pair, queue)
    queue.put(Ready(ready_frame(b"one"), 1))
    queue.put(Packet(MESSAGE, data="two"))
    queue.put(Ready(ready_frame(b"three"), 1))
    assert queue.empty()
    assert not writer.running
    assert pair.take(20) == ready_frame(b"one") + b"\x81\x044two" + ready_frame(b"three")


def test_what_a_slow_client_leaves_of_a_run_comes_before_all_else(pair: Pair) -> None:
    queue = OutgoingQueue()
    writer = writer_of(pair, queue)
    run = ready_frame(b"x" * SLOW)
    queue.put(Ready(run, 1))
    assert 0 < queue.weight < len(run)
    assert not queue.ready
    pair.client.sendall(frame(PING, b"p") + frame(TEXT, b"hello"))
    assert pair.socket.receive() == "hello"
    queue.put(Ready(ready_frame(b"next"), 1))
    pair.socket.close(1001)
    taken = pair.take(len(run) + 4)
    assert taken[: len(run)] == run
    assert taken[len(run) :] == b"\x88\x02\x03\xe9"
    until(lambda: not writer.running)
    queue.put(None)
    assert queue.ready


def test_a_run_is_not_written_into_another_frame(pair: Pair) -> None:
    writer = pair.fill()
    assert pair.socket.offer(ready_frame(b"run")) is None
    assert pair.take(SLOW_FRAME) == b"\x81\x7f" + SLOW.to_bytes(8, "big") + b"x" * SLOW
    writer.get()
    assert pair.socket.offer(ready_frame(b"run")) == 0
    pair.socket.close()
    assert pair.socket.offer(ready_frame(b"run")) is None


def test_a_run_for_a_client_that_is_gone_ends_the_connection(pair: Pair) -> None:
    pair.client.close()
    for _ in range(3):
        assert not pair.socket.offer(ready_frame(b"run"))
    assert pair.socket.closed


def test_a_run_that_can_not_be_written_wakes_the_reader() -> None:
    """It may wait for a client whose network is gone."""

    class Broken(Stream):
        hung_up = 0

        def send(self, data: bytes, *_: Any) -> int:
            raise OSError

        def shutdown(self, _how: int) -> None:
            self.hung_up += 1

    stream = Broken(b"")
    assert websocket(stream).offer(ready_frame(b"run")) is None
    assert stream.hung_up == 1


@pytest.mark.parametrize("seed", range(5))
def test_everything_comes_in_order_whoever_writes_it(pair: Pair, seed: int) -> None:
    dice = random.Random(seed)
    queue = OutgoingQueue()
    writer_of(pair, queue)
    expected, found = bytearray(), bytearray()

    def take() -> None:
        while data := pair.client.recv(dice.choice([1, 1000, 1 << 20])):
            found.extend(data)
            if dice.random() < 0.3:
                gevent.sleep(0.001)

    reader = gevent.spawn(take)
    for number in range(300):
        text = b"%d" % number + b"x" * dice.choice([1, 100, 100_000])
        if dice.random() < 0.7:
            queue.put(Ready(ready_frame(text), 1))
        else:
            queue.put(Packet(MESSAGE, data=text.decode()))
        expected += ready_frame(text)
        if dice.random() < 0.5:
            gevent.sleep(0)
    until(lambda: len(found) >= len(expected), "everything")
    assert found == expected
    assert queue.weight == 0
    pair.socket.socket.shutdown(sockets.SHUT_RDWR)
    reader.join()


def test_a_connection_that_nobody_reads_any_more_is_not_hung_up_later(monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[float] = []
    monkeypatch.setattr(websocket_module.gevent, "spawn_later", lambda seconds, _: later.append(seconds))
    messages, stream = received(frame(TEXT, b"a") + frame(CLOSE, b""))
    assert messages == ["a"]
    assert stream.written.startswith(b"\x88")
    assert later == []


def test_a_turn_of_others_is_all_that_much_to_write_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(websocket_module.gevent, "sleep", slept.append)
    socket = websocket(Stream(b""))
    for _ in range(3 * RUN):
        socket.send("x")
    assert slept == [0, 0, 0]
