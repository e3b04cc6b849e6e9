"""The headers of every answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web.headers import HEADERS, harden, last_answer


@given(st.lists(st.tuples(st.sampled_from([b"Server", b"server", b"X-A", b"x-frame-options"]), st.just(b"x"))))
def test_every_answer_has_our_headers_once_and_no_banner(pairs: list[tuple[bytes, bytes]]) -> None:
    names = [name.lower() for name, _ in harden(pairs)]
    assert b"server" not in names
    for name in HEADERS:
        own = max(1, [pair[0].lower() for pair in pairs].count(name.lower().encode()))
        assert names.count(name.lower().encode()) == own


def test_the_last_answer_on_a_connection() -> None:
    head, _, body = last_answer(408).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"Connection: close" in head
    assert f"Content-Length: {len(body)}".encode() in head
