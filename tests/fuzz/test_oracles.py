"""Our readers of heads and frames beside h11 and wsproto: what ours take, they take, and it means the same to them."""

from __future__ import annotations

import http.client
import io

import h11
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.frame_protocol import Frame, FrameDecoder

from ethpillar.web.frames import WebSocketError, read_header, unmask
from ethpillar.web.heads import check_host, check_length, check_request_line, origin_form, read_head

from ..frames import frame
from .kit import fuzzed

LINE_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
NAMES = st.sampled_from(
    [b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Cookie", b"X-Forwarded-For", b"a"]
)
VALUES = st.sampled_from(
    [
        b"x",
        b"",
        b" x ",
        b"\tx\t",
        b"chunked",
        b"0",
        b"5",
        b"+5",
        b"5, 5",
        b"websocket",
        b"a\x80\xff",
        b"a\x0bb",
        b"a\x85b",
    ]
)
ODD = st.binary(max_size=6)
HEADERS = st.lists(
    st.tuples(NAMES | ODD, st.sampled_from([b":", b":", b": ", b" :", b""]), VALUES | ODD, LINE_ENDS), max_size=5
)
LINES = st.tuples(
    st.sampled_from([b"GET", b"POST", b"get", b"G@T"]) | ODD,
    st.sampled_from([b" ", b" ", b"  ", b"\t"]),
    st.sampled_from([b"/", b"/?EIO=4", b"*", b"http://h/x", b"/\xe4", b"/\x7f"]) | ODD,
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.0", b" HTTP/1.2", b""]),
    LINE_ENDS,
)


def taken(data: bytes) -> tuple[str, str, list[tuple[bytes, bytes]]] | None:
    """What our reader makes of a head: method, target, headers; None if it refuses."""
    stream = io.BytesIO(data)
    first = stream.readline().decode("latin-1")
    try:
        check_request_line(first)
        head = read_head(stream)
        headers = http.client.parse_headers(head)
        check_length(headers)
        check_host(headers, first)
    except ValueError:
        return None
    method, target, _ = first.split()
    return method, target, [(name.lower().encode(), value.strip().encode("latin-1")) for name, value in headers.items()]


@fuzzed
@given(LINES, HEADERS)
@example((b"GET", b" ", b"/", b" HTTP/1.1", b"\r\n"), [(b"Host", b":", b"a", b"\r\n"), (b"Host", b":", b"b", b"\r\n")])
@example((b"GET", b" ", b"/", b" HTTP/1.1", b"\r\n"), [])
@example((b"GET", b" ", b"/\xe4", b" HTTP/1.1", b"\r\n"), [(b"Host", b":", b"a", b"\r\n")])
def test_a_head_that_ours_takes_means_the_same_to_h11(
    line: tuple[bytes, ...], headers: list[tuple[bytes, ...]]
) -> None:
    data = b"".join(line) + b"".join(b"".join(each) for each in headers) + b"\r\n"
    ours = taken(data)
    if ours is None:
        return
    theirs = h11.Connection(h11.SERVER)
    theirs.receive_data(data)
    event = theirs.next_event()
    assert isinstance(event, h11.Request)
    method, target, read = ours
    assert (event.method.decode(), event.target.decode("latin-1")) == (method, target)
    assert sorted(event.headers) == sorted(read)
    assert origin_form(target)[0]


FRAMES = st.lists(
    st.builds(
        frame,
        st.sampled_from([0, 1, 2, 8, 9, 10, 3, 11]),
        st.binary(max_size=10) | st.sampled_from([b"x" * 125, b"x" * 126, b"x" * 65_535, b"x" * 65_536]),
    )
    | st.binary(max_size=14),
    max_size=4,
)
MASK = b"\x01\x02\x03\x04"


def frames_taken(data: bytes) -> list[tuple[int, bool, bytes]]:
    """The frames that ours takes, up to the first that it refuses: opcode, whether the message ends, payload."""
    stream, found = io.BytesIO(data), []
    try:
        while True:
            header = read_header(stream.read)
            if header.flags or header.mask is None or header.opcode not in (0, 1, 2, 8, 9, 10):
                break
            payload = stream.read(header.length) if header.length <= len(data) else b""
            if len(payload) < header.length:
                break
            found.append((header.opcode, header.fin, unmask(payload, header.mask)))
    except WebSocketError:
        pass
    return found


@fuzzed
@given(FRAMES)
@example([b"\x81\xfe\x00\x05" + MASK + b"hello"])
@example([b"\x81\xff" + (5).to_bytes(8, "big") + MASK + b"hello"])
@example([b"\x89\xff" + (5).to_bytes(8, "big") + MASK + b"hello"])
def test_frames_that_ours_takes_mean_the_same_to_wsproto(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    ours = frames_taken(data)
    theirs = FrameDecoder(client=False)
    theirs.receive_bytes(data)
    for opcode, fin, payload in ours:
        got = b""
        while True:
            found = theirs.process_buffer()
            assert isinstance(found, Frame)
            got += bytes(found.payload)
            if found.frame_finished:
                break
        assert (int(found.opcode), found.message_finished, got) == (opcode, fin, payload)
